"""What satisfies, and what follows: `disconfirmation`, `customer-value-ratio` and `satisfaction-share`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, above, closes, combine
from churnsim.kernels.engine.records import Records, Rules, packed
from churnsim.kernels.engine.satisfaction import after_purchase
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.attributes import VALUE, synthetic_value
from churnsim.satisfaction.value import customer_value_ratio

# (quality, expectation) above, at and below expectation, in standard deviations; performance alone would call the first
# bad and the last good.
CASES = {"beats a low expectation": (-0.5, -2.0), "meets it": (1.0, 1.0), "falls short of a high one": (1.0, 2.5)}


def judge_rules(evidence: Evidence = None, quick: bool = False, *, expectations: bool = True) -> Finding:
    """The rule of the simulated customers on cases whose order is known; the control reads it from performance
    alone, leaving out expectations and what others get."""
    rules = _rules(disconfirmation=0.4, carry=0.0)
    felt = {name: _satisfied(rules, q, e if expectations else 0.0) for name, (q, e) in CASES.items()}
    better, same, worse = felt.values()
    ahead, even, behind = (
        _satisfied(_rules(equity=0.5 if expectations else 0.0, reference_ratio=ratio, carry=0.0), 0.0, 0.0)
        for ratio in (0.8, 1.0, 1.25)
    )
    gain, loss = (_satisfied(_rules(disconfirmation=0.4, asymmetry=2.0, carry=0.0), q, 0.0) for q in (1.0, -1.0))
    parts = (
        Part(
            name="(a) disconfirmation",
            estimand="Order of satisfaction after quality above, at and below what was expected.",
            answer=Answer.HOLDS if better > 0.0 and same == 0.0 and worse < 0.0 else Answer.FAILS,
            reason="; ".join(f"{name}: {value:+.2f}" for name, value in felt.items()) + ".",
        ),
        Part(
            name="(b) equity",
            estimand="Order of satisfaction where the reference group gets less, as much and more for its input.",
            answer=Answer.HOLDS if ahead > 0.0 and even == 0.0 and behind < 0.0 else Answer.FAILS,
            reason=f"others get less: {ahead:+.2f}, as much: {even:+.2f}, more: {behind:+.2f}.",
        ),
    )
    return Finding(
        answer=combine(parts),
        reason=(
            " ".join(f"{part.name}: {part.reason}" for part in parts)
            + f" Asymmetric: a gap of one standard deviation is felt as {gain:+.2f} above and {loss:+.2f} below. The "
            "rule does what the text says; how strong each part is among real customers is not in it, and every number "
            "of it is marked as assumed."
        ),
        parts=parts,
    )


def _rules(**numbers: Any) -> Records:
    required: list[Any] = [0.0] * 12
    return packed(Rules(*required)._replace(satisfaction=True, outcome_per_quality=0.25, **numbers))


def _satisfied(rules: Records, quality: float, expected: float) -> float:
    return float(after_purchase(rules, expected, 0.0, quality)[1])


RESPONDENTS = 300
DELIGHTED = {
    **VALUE,
    "benefit quality": (6.0, 6.0),
    "benefit service": (6.0, 5.0),
    "cost price": (1.0, 6.2),
    "cost effort": (1.0, 3.5),
}
BENEFITS, COSTS = ["benefit quality", "benefit service"], ["cost price", "cost effort"]


def judge_ratio(
    evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False, extreme: bool = False
) -> Finding:
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


def judge_share(
    evidence: Evidence = None, quick: bool = False, *, effect: float | None = None, seed: int = 1
) -> Finding:
    """Slope of later share on satisfaction within firms, of a panel with such an `effect`; no real one is at hand."""
    if effect is None:
        return Finding(
            answer=Answer.UNDECIDED,
            reason=(
                "No data at hand holds satisfaction and share of the same firms over years; surveys of customers "
                "cannot stand in. It takes a panel of firms, the share a year later, and within-firm differences. The "
                "study that had one found no such rise in share (Anderson, Fornell & Lehmann 1994)."
            ),
        )
    ordered = _panel(effect, seed)
    later = ordered.groupby("firm")["share"].shift(-1)
    pairs = ordered.assign(later=later).dropna()
    x = (pairs["satisfaction"] - pairs.groupby("firm")["satisfaction"].transform("mean")).to_numpy()
    y = (pairs["later"] - pairs.groupby("firm")["later"].transform("mean")).to_numpy()
    slope = float(x @ y / (x @ x))
    error = float(np.sqrt(((y - slope * x) ** 2 * x**2).sum()) / (x @ x))
    return Finding(
        answer=above(slope - 1.96 * error, slope + 1.96 * error),
        reason=f"A point of satisfaction goes with {slope:+.3f} points of share a year later.",
        estimate=slope,
        lower=slope - 1.96 * error,
        upper=slope + 1.96 * error,
        unit="points of share per point of satisfaction",
    )


def _panel(effect: float, seed: int) -> pd.DataFrame:
    """Firms over years, whose share moves by `effect` times the satisfaction of the year before."""
    generator = np.random.default_rng(seed)
    rows = [
        {"firm": firm, "year": year, "satisfaction": s, "share": 30.0 + effect * previous + generator.normal(0, 0.1)}
        for firm in range(20)
        for year, (previous, s) in enumerate(pairwise(generator.normal(0, 1, 9).cumsum()))
    ]
    return pd.DataFrame(rows)
