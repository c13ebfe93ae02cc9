"""`change-first`: first try to change customers who bring nothing, and only then let them go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.verdicts import Answer, spread
from churnsim.claims.on_markets.dismiss_unprofitable import (
    TRAILING_YEARS,
    YEARS,
    discounted_time,
    draws_with_a_history,
    gain_of,
)

COSTS = (1.0, 4.0, 16.0)
"""Cost to serve a customer a year whether it buys or not, money: an assumption, varied."""
CUT, TRIAL = 0.5, 1.0
"""Share of the cost to serve that a change saves, and what trying it costs a customer: assumptions."""


@on_market
def judge(
    evidence: MarketEvidence, quick: bool = False, *, costs: Sequence[float] = COSTS, cut: float = CUT,
    trial: float = TRIAL,
) -> Finding:  # fmt: skip
    """Serving those cheaper whose margin is below their cost, and dismissing who still is, against dismissing at once.

    Raises DataError for customers without past purchases.
    """
    draws = draws_with_a_history(evidence)
    rows: Rows = []
    for cost in costs:
        gains, tried, kept, worth = [], [], [], []
        for draw in draws:
            trailing = draw.margin * draw.repeat_revenue
            out = trailing < cost * TRAILING_YEARS
            stays = out & (trailing >= (1.0 - cut) * cost * TRAILING_YEARS)
            horizon = YEARS * draw.year
            served = (1.0 - cut) * cost / draw.year * discounted_time(draw.force, horizon)
            saved = float((draw.worth_by_outcome(horizon) - served)[stays].sum())
            gains.append(saved - trial * float(out.sum()))
            worth.append(saved / max(1.0, float(out.sum())))
            tried.append(float(out.mean()))
            kept.append(float(stays.sum() / max(1.0, float(out.sum()))))
        gain, each = spread(gains), spread(worth)
        rows.append(
            {
                "cost_to_serve_per_year": cost, "tried_percent": 100.0 * float(np.mean(tried)),
                "kept_percent_of_tried": 100.0 * float(np.mean(kept)), **gain.row("gain"),
                "most_a_trial_may_cost": each.mean, "answer": gain.above().value,
            }
        )  # fmt: skip
    return _finding(evidence.label, rows, cut, trial)


def _finding(label: str, rows: Rows, cut: float, trial: float) -> Finding:
    parts = tuple(
        Part(
            name=f"cost to serve {row['cost_to_serve_per_year']:g} a year",
            estimand="Net present value of trying a change first less that of dismissing at once, money over "
            "two years.",
            answer=Answer(row["answer"]),
            **gain_of(row).figures("money over two years"),
            reason=f"{row['tried_percent']:.0f}% are tried, {row['kept_percent_of_tried']:.0f}% of whom pay then "
            f"and stay: {gain_of(row)}; trying pays below "
            f"{row['most_a_trial_may_cost']:.2f} a customer.",
        )
        for row in rows
    )
    answers = {part.answer for part in parts}
    pays = [f"{row['cost_to_serve_per_year']:g}" for row in rows if row["answer"] == Answer.HOLDS]
    answer = answers.pop() if len(answers) == 1 else Answer.UNDECIDED
    return Finding(
        answer=answer,
        reason=f"On {label}, a change that saves {cut:.0%} of the cost to serve and costs {trial:g} a customer to try: "
        + " ".join(f"{part.name}: {part.reason}" for part in parts)
        + " What a change saves is assumed; a firm knows what it may cost.",
        **parts[0].figures,
        region=f"Serving a customer costs {' or '.join(pays)} a year, of what was looked at." if pays else None,
        parts=parts,
        tables={"by_cost": rows},
    )
