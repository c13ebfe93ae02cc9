"""Part (e) of `five-percent-churn`: an improvement that is paid for, and the maps that the whole claim is drawn on.

Spending a share s of the margin on everybody every year to hold five points more multiplies the worth of a customer by
(1 - s) M(r + .05) / M(r). With M(r) = (1 + d)/(1 + d - r) the gain is (1 - s) (1 + d - r)/(1 + d - r - .05) - 1, so
that it is all spent at s = .05/(1 + d - r).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW, Change
from churnsim.claims.five_percent_churn.five_percent_map import gain as stream_gain_of
from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.economics.break_even import most_spend
from churnsim.economics.multiples import MarginTiming, margin_multiple
from churnsim.simulation.core.belief import Belief

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


def part_e() -> Part:
    """The paid improvement."""
    statement = Statement(quantity="gain from five points that are paid for, as a share", above=LOW, below=HIGH)
    region = map_region(paid_gain, statement, (RETENTION, SPENT))
    bases = (0.6, 0.8, 0.9)
    spend = {r: most_spend(margin=1.0, retention=r, gain=0.05, discount_rate=RATE) for r in bases}
    return map_part(
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


def picture(beliefs: Mapping[str, Belief]) -> dict[str, Rows]:
    """The map of the claim: where five points are worth so much, retention by discount by acquisition cost, with what
    is believed of these."""
    likely = dict(zip((RETENTION.name, DISCOUNT.name, COST.name), beliefs.values(), strict=False))
    return map_tables("five points", thought_experiment(Change.POINTS), likely)


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
