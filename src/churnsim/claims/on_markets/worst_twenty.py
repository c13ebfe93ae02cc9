"""`worst-twenty`: the worst fifth of the customers halve the profit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.verdicts import Answer, share_of_map
from churnsim.data.customers import customer_spend
from churnsim.data.customers.estimate import resamples
from churnsim.economics.whale import cost_for_worst, whale
from churnsim.statistics import percentile_limits

STATED, WITHIN, SHARE = 0.50, 0.05, 0.20
COSTS = tuple(round(0.05 * i, 2) for i in range(20))
"""Cost to serve a customer, the same for each, as a share of the mean customer's margin."""


def judge(evidence: Evidence = None, quick: bool = False, *, proportional: bool = False) -> Finding:
    """The cost to serve that makes it true; the control has costs in proportion to what each customer brings."""
    log, label = log_of(evidence)
    spent: NDArray[np.float64] = np.asarray(customer_spend(log).to_numpy(), dtype=np.float64)
    rows: Rows = []
    for cost in COSTS:
        profit = spent * (1.0 - cost) if proportional else spent - cost * spent.mean()
        rows.append(
            {
                "cost_to_serve_share_of_margin": cost,
                "cut_percent": 100.0 * whale(profit).cut_by_worst(SHARE),
                "customers_who_lose_money_percent": 100.0 * float(np.mean(profit < 0)),
                "peak_percent_of_profit": 100.0 * whale(profit).peak,
            }
        )
    low, middle, high = (_needed(spent, cut) for cut in (STATED - WITHIN, STATED, STATED + WITHIN))
    draws = [
        _needed(np.repeat(spent, w), STATED) for w in resamples(len(spent), replications=50 if quick else 200, seed=1)
    ]
    lower, upper = (float(x) for x in percentile_limits(np.array(draws)))
    if proportional:
        reason = (
            "Where costs are in proportion to what a customer brings nobody loses money, and the worst cut nothing."
        )
        answer, _ = share_of_map(abs(row["cut_percent"] / 100.0 - STATED) <= WITHIN for row in rows)
        return Finding(answer=answer, reason=reason, tables={"by_cost": rows})
    return Finding(
        # A cost of serving that makes it true exists for any customers; whether theirs is that is not in a log.
        answer=Answer.UNDECIDED,
        reason=(
            f"On {label} the worst fifth halve the profit of the others when serving a customer costs "
            f"{middle:.1%} of the mean customer's margin, the same for each customer. It is near five sixths for any "
            f"customers of whom the worst bring next to nothing. At that cost "
            f"{np.mean(spent < middle * spent.mean()):.0%} of the customers lose money and the rest make "
            f"{100 * whale(spent - middle * spent.mean()).peak:.0f}% of the profit. A log does not say what "
            f"serving costs: it must be between {low:.1%} and {high:.1%} of the mean customer's margin, the same for "
            "each, and it takes costs by customer to tell."
        ),
        estimate=100.0 * middle,
        lower=100.0 * lower,
        upper=100.0 * upper,
        unit="percent of the mean customer's margin, cost to serve",
        tables={"by_cost": rows},
    )


def _needed(spent: NDArray[np.float64], cut: float) -> float:
    return cost_for_worst(spent, share=SHARE, cut=cut) / float(spent.mean())
