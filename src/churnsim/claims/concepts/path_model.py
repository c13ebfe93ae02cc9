"""`path-model`: quality, value and trust lead through satisfaction and loyalty to share and return."""

from __future__ import annotations

from typing import Any

import numpy as np

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer
from churnsim.satisfaction.structural_fit import RELATIONSHIP, path_model
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import KnownSurvey
from churnsim.satisfaction.synthetic.structures import synthetic_paths

RESPONDENTS, RESAMPLES = 600, 100


def judge(evidence: Evidence = None, quick: bool = False, *, shuffled: bool = False) -> Finding:
    """Known paths of a synthetic survey; the control shuffles the satisfaction answers between respondents."""
    known = synthetic_paths(RESPONDENTS, seed=2)
    answers = known.survey.answers["perception"].copy()
    if shuffled:
        block = list(RELATIONSHIP.blocks["satisfaction"])
        answers[block] = answers[block].to_numpy()[np.random.default_rng(1).permutation(len(answers))]
    survey = Survey.from_frames({"perception": answers}, scales=known.survey.scales)
    table = path_model(survey, resamples=40 if quick else RESAMPLES).table
    paths = table[table["group"] == "path"]
    parts = tuple(
        Part(
            name=str(name),
            estimand=f"Standardised path {name} in a synthetic survey where it is {known.truth[str(name)]:.2f}.",
            answer=Answer.HOLDS if row["lower"] > 0 and _near(row, known.truth[str(name)]) else Answer.FAILS,
            estimate=float(row["estimate"]),
            lower=float(row["lower"]),
            upper=float(row["upper"]),
            unit="standard deviations",
            reason=f"{row['estimate']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]; true {_true(known, name)}.",
        )
        for name, row in paths.iterrows()
    )
    lost = [part.name for part in parts if part.answer is Answer.FAILS]
    return Finding(
        # What comes back is what was put in: the method works, and nothing follows for real customers.
        answer=Answer.FAILS if lost else Answer.UNDECIDED,
        reason=(
            f"Not found again: {', '.join(lost)}."
            if lost
            else (
                f"On a synthetic survey of {RESPONDENTS} whose paths are known, all {len(parts)} come back positive "
                f"and "
                "within five standard errors. Whether they hold among real customers takes a survey that also "
                "holds share and return "
                "(`churnsim survey FILE --instrument paths`), and their direction an experiment or a panel."
            )
        ),
        parts=parts,
    )


def _near(row: Any, truth: float) -> bool:
    return bool(abs(row["estimate"] - truth) < 5 * row["standard_error"])


def _true(known: KnownSurvey, name: Any) -> str:
    return f"{known.truth[str(name)]:.2f}"
