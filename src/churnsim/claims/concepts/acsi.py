"""`acsi`: expectations, performance and value make satisfaction; satisfaction makes complaints and loyalty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from churnsim.claims.concepts import customers_asked
from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, Basis, closes, combine
from churnsim.satisfaction.acsi import ACSI_MODEL, acsi
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.structures import synthetic_acsi

ANSWERS = {"satisfaction_1": (8, 9, 5, 10), "satisfaction_2": (7, 8, 4, 9), "satisfaction_3": (6, 8, 3, 7)}
WEIGHTS = {"satisfaction_1": 0.40, "satisfaction_2": 0.35, "satisfaction_3": 0.25}
BY_HAND, WITHIN = 100 * 6.15 / 9, 1e-9
"""Means 8, 7, 6 on 1 to 10: (.40 x 7 + .35 x 6 + .25 x 5) / 9."""
RESPONDENTS, RESAMPLES = 600, 100
SAYS = "What the paths say is who goes with whom among people asked once; which is the cause takes an experiment."


def judge(evidence: Evidence = None, quick: bool = False, *, complaints_turned: bool = False) -> Finding:
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
        *([] if complaints_turned else [_among_customers(quick)]),
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


def _among_customers(quick: bool) -> Part:
    said: dict[str, Any] = {
        "name": "(c) signs among customers",
        "estimand": "The same of 250 users of mobile telephones (ECSI).",
    }
    if not customers_asked.at_hand():
        return Part(**said, answer=Answer.UNDECIDED, ran=False, reason=customers_asked.MISSING)
    table = customers_asked.index_table(quick)
    found, index = _signs(table, basis=Basis.MEASURED, **said), table.loc["index"]
    return replace(
        found,
        # Few respondents may leave paths open, which is no sign against them.
        answer=Answer.UNDECIDED if found.answer is Answer.FAILS and "none against" in found.reason else found.answer,
        reason=f"{found.reason} The index is {index['estimate']:.0f} [{index['lower']:.0f}, {index['upper']:.0f}], and "
        f"loyalty follows satisfaction by {table['estimate']['loyalty <- satisfaction']:.2f}.",
    )
