"""`path-model`: quality, value and trust lead through satisfaction and loyalty to share and return."""

from __future__ import annotations

from typing import Any

import numpy as np

from churnsim.claims.concepts import customers_asked
from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread
from churnsim.satisfaction.structural_fit import RELATIONSHIP, path_model
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.structures import synthetic_paths

RESPONDENTS, RESAMPLES = 600, 100


def judge(evidence: Evidence = None, quick: bool = False, *, shuffled: bool = False, asked: bool = False) -> Finding:
    """Known paths of a synthetic survey; the control shuffles the satisfaction answers between respondents, and in the
    planted world that survey is one of customers, `asked` for share and return too."""
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
            **_effect(row).figures("standard deviations"),
            reason=f"{row['estimate']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]; "
            f"true {known.truth[str(name)]:.2f}.",
        )
        for name, row in paths.iterrows()
    )
    lost = [part.name for part in parts if part.answer is Answer.FAILS]
    customers = () if shuffled or asked else _among_customers(quick)
    return Finding(
        # What comes back is what was put in: the method works, and nothing follows for real customers.
        answer=Answer.FAILS if lost else Answer.HOLDS if asked else Answer.UNDECIDED,
        reason=(
            f"Not found again: {', '.join(lost)}."
            if lost
            else (
                f"On a synthetic survey of {RESPONDENTS} whose paths are known, all {len(parts)} come back positive "
                f"and within five standard errors." + ("" if asked else _told(customers))
            )
        ),
        parts=(*parts, *customers),
    )


def _among_customers(quick: bool) -> tuple[Part, ...]:
    """The paths that were asked of real customers."""
    estimand = "Standardised path among 250 users of mobile telephones (ECSI)."
    if not customers_asked.at_hand():
        return (
            Part(
                name="among customers", estimand=estimand, answer=Answer.UNDECIDED, ran=False,
                reason=customers_asked.MISSING,
            ),
        )  # fmt: skip
    parts = []
    for name, row in customers_asked.path_table(quick).iterrows():
        found = _effect(row)
        parts.append(
            Part(
                name=f"{name}, among customers", estimand=estimand, answer=found.above(0.0), basis=Basis.MEASURED,
                reason=f"{found}.", **found.figures("standard deviations"),
            )
        )  # fmt: skip
    return tuple(parts)


def _told(customers: tuple[Part, ...]) -> str:
    ran = [part for part in customers if part.ran]
    clear = [part.name.partition(",")[0] for part in ran if part.answer is Answer.HOLDS]
    among = f"Among 250 users of mobile telephones {len(clear)} of {len(ran)} are above 0: {', '.join(clear)}."
    return (
        f" {among if ran else customers[0].reason} Whether share and return follow takes a survey that asks for them "
        "(`churnsim survey FILE --instrument paths`), and the direction an experiment or a panel."
    )


def _near(row: Any, truth: float) -> bool:
    return bool(abs(row["estimate"] - truth) < 5 * row["standard_error"])


def _effect(row: Any) -> Spread:
    return Spread(*(float(row[key]) for key in ("estimate", "lower", "upper")))
