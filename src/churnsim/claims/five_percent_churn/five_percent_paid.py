"""Part (e) of `five-percent-churn`: an improvement that is paid for, and the maps that the whole claim is drawn on.

Spending a share s of the margin on everybody every year to hold five points more multiplies the worth of a customer by
(1 - s) M(r + .05) / M(r). With M(r) = (1 + d)/(1 + d - r) the gain is (1 - s) (1 + d - r)/(1 + d - r - .05) - 1, so
that it is all spent at s = .05/(1 + d - r).
"""

from __future__ import annotations

import math

from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW, Change
from churnsim.claims.five_percent_churn.five_percent_map import gain as stream_gain_of
from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.economics.break_even import most_spend
from churnsim.economics.multiples import MarginTiming, margin_multiple

RATE = 0.10
RETENTION = Axis(name="base retention", low=0.50, high=0.95, cells=18)
SPENT = Axis(name="share of the margin spent on it", low=0.0, high=0.5, cells=20)
DISCOUNT = Axis(name="discount rate", low=0.0, high=0.20, cells=10)
COST = Axis(name="acquisition cost, in first year's profits", low=0.0, high=2.0, cells=4)
FIRST_YEAR = 30.0
"""The card's profit in the first year."""


def paid_gain(retention: float, spent: float, *, discount_rate: float = RATE) -> float:
    """Relative gain of a customer's worth when five points cost that share of the margin; NaN beyond certainty."""
    if retention + 0.05 > 1.0:
        return math.nan
    before, after = (
        margin_multiple(r, discount_rate=discount_rate, timing=MarginTiming.IMMEDIATE)
        for r in (retention, retention + 0.05)
    )
    return (1.0 - spent) * after / before - 1.0


def part_e() -> tuple[Part, dict[str, Rows]]:
    """The paid improvement, with its map."""
    statement = Statement(quantity="gain from five points that are paid for, as a share", above=LOW, below=HIGH)
    region = map_region(paid_gain, statement, (RETENTION, SPENT))
    bases = (0.6, 0.8, 0.9)
    spend = {r: most_spend(margin=1.0, retention=r, gain=0.05, discount_rate=RATE) for r in bases}
    part = map_part(
        region,
        name="(e) paid for",
        estimand="Relative gain of a customer's worth at 10% when five points are held by spending on "
        "everybody every year.",
        reason=(
            "Nothing is left of the gain when holding five points takes "
            + ", ".join(f"{share:.0%} of the margin at {r:.0%}" for r, share in spend.items())
            + "."
        ),
    )
    return part, map_tables("five points paid for", region)


def maps() -> dict[str, Rows]:
    """Where the thought experiment is true, for points and for percent: retention by discount by acquisition cost."""
    tables: dict[str, Rows] = {}
    for change, name in ((Change.POINTS, "five points"), (Change.PERCENT, "five percent")):
        tables |= map_tables(name, thought_experiment(change))
    return tables


def thought_experiment(change: Change) -> Region:
    """The card's growing profit under one retention rate for all.

    Examples
    --------
    >>> thought_experiment(Change.POINTS).counts
    {'fails': 244, 'undecided': 0, 'holds': 476, 'impossible': 0}
    """

    def relative(retention: float, discount: float, cost: float) -> float:
        found = stream_gain_of(
            life="geometric",
            profile="growing",
            acquisition_cost=cost * FIRST_YEAR,
            discount_rate=discount,
            change=change,
            retention=retention,
        )
        return math.nan if found is None else found

    statement = Statement(
        quantity=f"gain in the average new customer's NPV from {change.value}, as a share", above=LOW, below=HIGH
    )
    return map_region(relative, statement, (RETENTION, DISCOUNT, COST))
