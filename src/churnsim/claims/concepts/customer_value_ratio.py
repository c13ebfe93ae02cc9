"""`customer-value-ratio`: benefits over costs, above one delighted, one content, below one not."""

from __future__ import annotations

from typing import Any

import numpy as np

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, closes, combine
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.attributes import VALUE, synthetic_value
from churnsim.satisfaction.value import customer_value_ratio

RESPONDENTS = 300
DELIGHTED = {
    **VALUE,
    "benefit quality": (6.0, 6.0),
    "benefit service": (6.0, 5.0),
    "cost price": (1.0, 6.2),
    "cost effort": (1.0, 3.5),
}
BENEFITS, COSTS = ["benefit quality", "benefit service"], ["cost price", "cost effort"]


def judge(evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False, extreme: bool = False) -> Finding:
    """V of a survey whose V is known, and whose states change when costs are scored from 0 to 10; the control takes
    costs for benefits, and in the planted world nobody is near the border (every cost is rated lowest)."""
    known = synthetic_value(RESPONDENTS, seed=1, items=DELIGHTED if extreme else VALUE)
    benefits, costs = (COSTS, BENEFITS) if exchanged else (BENEFITS, COSTS)
    measured = customer_value_ratio(known.survey, benefits=benefits, costs=costs, resamples=200)
    row: Any = measured.table.loc["V"]
    truth = known.truth["V"]
    before = _states(known.survey, benefits, costs, cost_scale=(1.0, 7.0))
    after = _states(known.survey, benefits, costs, cost_scale=(0.0, 10.0))
    changed = float((before != after).mean())
    parts = (
        Part(
            name="(a) the ratio",
            estimand="V of the population's means, benefits over costs, in a synthetic survey where it is known.",
            answer=Answer.HOLDS
            if closes(float(row["estimate"]), truth, within=5 * float(row["standard_error"])) is Answer.HOLDS
            else Answer.FAILS,
            estimate=float(row["estimate"]),
            lower=float(row["lower"]),
            upper=float(row["upper"]),
            unit="benefits per cost",
            reason=f"V is {row['estimate']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]; true {truth:.3f}.",
        ),
        Part(
            name="(b) the verdict",
            estimand="Customers whose state changes when every cost is scored from 0 to 10 instead of 1 to 7, percent.",
            answer=Answer.FAILS if changed > 0 else Answer.HOLDS,
            estimate=100 * changed,
            unit="percent of customers",
            reason=f"{changed:.0%} of {RESPONDENTS} customers change their state though not one has changed an answer.",
        ),
    )
    return Finding(
        answer=combine(parts),
        reason=" ".join(part.reason for part in parts),
        estimate=100 * changed,
        unit="percent of customers",
        region=(
            "where benefits and costs are scored on one and the same scale with weights that sum to 1; V is then above "
            "1 exactly where benefits are rated above costs, and its size says nothing more"
        ),
        parts=parts,
        tables={"scales": measured.details["scales"].rename_axis(index="coding").reset_index().to_dict("records")},  # type: ignore[dict-item]
    )


def _states(survey: Survey, benefits: list[str], costs: list[str], *, cost_scale: tuple[float, float]) -> np.ndarray:
    """-1, 0 or 1 a customer: V below, at or above 1, its own importance as weights."""
    answers, weight = survey.answers["perception"], survey.answers["importance"]
    low, high = cost_scale
    scored = low + (answers[costs] - 1) * (high - low) / 6
    top = (answers[benefits] * weight[benefits]).sum(axis=1) / weight[benefits].sum(axis=1)
    bottom = (scored * weight[costs]).sum(axis=1) / weight[costs].sum(axis=1)
    return np.sign(np.round(top - bottom, 9))
