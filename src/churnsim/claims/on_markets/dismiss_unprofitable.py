"""`dismiss-unprofitable`: let customers go who bring nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, on_market
from churnsim.claims.machinery.verdicts import Answer, Spread, spread
from churnsim.errors import DataError

COSTS = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0)
"""Cost to serve a customer a year whether it buys or not (catalogues, accounts), money: an assumption, varied."""
TRAILING_YEARS = 0.75
"""CDNOW's calibration: 39 weeks in which a customer's margin is held against its cost."""
YEARS = 2.0


@on_market
def judge(
    evidence: MarketEvidence, quick: bool = False, *, dismiss_best: bool = False, costs: Sequence[float] = COSTS
) -> Finding:
    """What dismissal saves and loses, by cost to serve; the control dismisses the most profitable."""
    draws = draws_with_a_history(evidence)
    rows: Rows = []
    for cost in costs:
        gains, shares, turned = [], [], []
        for draw in draws:
            trailing = draw.margin * draw.repeat_revenue - cost * TRAILING_YEARS
            out = trailing < 0
            if dismiss_best:
                out = trailing >= np.quantile(trailing, 0.8)
            horizon = YEARS * draw.year
            # Whoever is dismissed costs nothing more and brings nothing more; nobody dismissed comes back.
            brings = draw.worth_by_outcome(horizon)
            served = cost / draw.year * discounted_time(draw.force, horizon)
            gains.append(float((served - brings)[out].sum()))
            shares.append(float(out.mean()))
            turned.append(float((brings > served)[out].mean()) if out.any() else 0.0)
        gain = spread(gains)
        rows.append(
            {
                "cost_to_serve_per_year": cost,
                "dismissed_percent": 100.0 * float(np.mean(shares)),
                "would_have_paid_percent_of_dismissed": 100.0 * float(np.mean(turned)),
                **gain.row("gain"),
                "answer": gain.above().value,
            }
        )
    return _finding(evidence.label, rows)


def draws_with_a_history(evidence: MarketEvidence) -> list[DrawnCustomers]:
    """Today's customers by draw. Raises DataError where none of them has past purchases."""
    draws = list(base_draws(evidence))
    if not any(draw.repeat_revenue.any() for draw in draws):
        raise DataError(
            "these customers have no past purchases to hold against their cost. It takes a purchase history."
        )
    return draws


def gain_of(row: Mapping[str, Any]) -> Spread:
    """The gain that a row of the table holds."""
    return Spread(row["gain"], row["lower"], row["upper"])


def discounted_time(force: float, horizon: float) -> float:
    """Present value of one unit of money per unit of time until the horizon."""
    return float(-np.expm1(-force * horizon) / force) if force > 0 else horizon


def _finding(label: str, rows: Rows) -> Finding:
    answers = {str(row["answer"]) for row in rows}
    pays = [row["cost_to_serve_per_year"] for row in rows if row["answer"] == Answer.HOLDS]
    answer = Answer(answers.pop()) if len(answers) == 1 else Answer.UNDECIDED
    cheap, costly = rows[0], rows[-1]
    parts = tuple(
        Part(
            name=f"cost to serve {row['cost_to_serve_per_year']:g} a year",
            estimand="Net present value of dismissing all whose trailing margin is below their cost, money "
            "over two years.",
            answer=Answer(row["answer"]),
            **gain_of(row).figures("money over two years"),
            reason=(
                f"{row['dismissed_percent']:.0f}% are dismissed, {row['would_have_paid_percent_of_dismissed']:.0f}% of "
                f"whom would have paid: {gain_of(row)}."
            ),
        )
        for row in (cheap, costly)
    )
    return Finding(
        answer=answer,
        reason=(
            f"On {label} a customer is dismissed whose margin of the last 39 weeks is below its cost. {parts[0].name}: "
            f"{parts[0].reason} {parts[1].name}: {parts[1].reason}"
            + " Those dismissed include customers who would have turned, and with a low cost they are worth more than "
            "is saved on the rest." * (parts[0].answer is Answer.FAILS)
        ),
        **gain_of(costly).figures(
            f"money over two years at a cost to serve of {costly['cost_to_serve_per_year']:g} a year"
        ),
        region=f"Serving a customer costs {min(pays):g} a year or more (of "
        f"{', '.join(f'{c:g}' for c in (row['cost_to_serve_per_year'] for row in rows))} looked at)."
        if pays and answer is Answer.UNDECIDED
        else None,
        parts=parts,
        tables={"by_cost": rows},
    )
