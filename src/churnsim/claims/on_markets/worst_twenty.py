"""`worst-twenty`: the worst fifth of the customers halve the profit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.verdicts import Answer, Spread, share_of_map
from churnsim.data.customers import customer_spend
from churnsim.data.customers.estimate import resamples
from churnsim.economics.whale import cost_for_worst, whale
from churnsim.statistics import percentile_limits
from churnsim.typing import Floats

STATED, WITHIN, SHARE = 0.50, 0.05, 0.20
COSTS = tuple(round(0.05 * i, 2) for i in range(20))
"""Cost to serve a customer, the same for each, as a share of the mean customer's margin."""


def judge(
    evidence: Evidence = None, quick: bool = False, *, proportional: bool = False, cost_to_serve: float = 0.0
) -> Finding:
    """The cost to serve that makes it true, or the answer at a known one, a share of the mean customer's margin; the
    control has costs in proportion to what each customer brings."""
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
    samples = [np.repeat(spent, w) for w in resamples(len(spent), replications=50 if quick else 200, seed=1)]
    if cost_to_serve and not proportional:
        return _at_cost(cost_to_serve, spent, samples, label, rows)
    draws = [_needed(sample, STATED) for sample in samples]
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
            "each, and it takes costs by customer to tell (`cost_to_serve` in the settings)."
        ),
        estimate=100.0 * middle,
        lower=100.0 * lower,
        upper=100.0 * upper,
        unit="percent of the mean customer's margin, cost to serve",
        tables={"by_cost": rows},
    )


def _at_cost(cost: float, spent: Floats, samples: list[Floats], label: str, rows: Rows) -> Finding:
    """By how much the worst fifth cut the profit, serving each customer costing that share of the mean margin."""
    cut, *draws = (100.0 * whale(s - cost * s.mean()).cut_by_worst(SHARE) for s in (spent, *samples))
    found = Spread(cut, *(float(x) for x in percentile_limits(np.array(draws))))
    return Finding(
        answer=found.within(100.0 * (STATED - WITHIN), 100.0 * (STATED + WITHIN)),
        reason=f"On {label}, where serving each costs {cost:.1%} of the mean margin, the worst fifth cut the "
        f"profit of the others by {found} percent.",
        **found.figures("percent of the others' profit"),
        tables={"by_cost": rows},
    )


def planted(evidence: Evidence, quick: bool, *, seed: int = 1) -> Finding:
    """Customers half of whom spend next to nothing, at the cost to serve at which the worst fifth halve the profit."""
    spent = np.random.default_rng(seed).uniform(0.5, 1.5, 2000) * np.where(np.arange(2000) % 2, 10.0, 0.1)
    log = pd.DataFrame({"customer_id": np.arange(2000), "date": pd.Timestamp("2020-01-01"), "amount": spent})
    return judge(log, quick, cost_to_serve=_needed(spent, STATED))


def _needed(spent: NDArray[np.float64], cut: float) -> float:
    return cost_for_worst(spent, share=SHARE, cut=cut) / float(spent.mean())
