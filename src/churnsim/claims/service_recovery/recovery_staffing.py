"""Part (e) of `recovery-retains`: where the last clerk stops paying, by queueing theory and what customers are worth.

Complaints come at rate a, a clerk answers mu of them; c clerks are an M/M/c queue, so that the share q answered within
the market's "quickly" is known. A week earns

    a ((q s_quick + (1 - q) s_slow - s) V - reply) - c wage

with s what the market's own handling keeps, V the discounted margin of a living customer. A desk that cannot keep up
answers too late to keep anybody more, and costs its wages.
"""

from __future__ import annotations

from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import worth_of_the_living
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.economics.complaint_return import Desk
from churnsim.units import Duration

__all__ = ["earns", "part_e"]

SERVICE = Duration(0.5, "D")  # assumed: half a day a complaint
COST_PER_REPLY = 1.0  # assumed, money
COMPLAINTS = Axis(name="complaints a week", low=0.0, high=28.0, cells=14)
WAGE = Axis(name="wage of a clerk a week", low=0.0, high=200.0, cells=10)


def earns(
    clerks: int,
    *,
    complaints: float,
    wage: float,
    worth: float,
    quick: float,
    slow: float,
    within: float,
    service: float,
) -> float:
    """What the desk earns a week over the market's own handling; `quick` and `slow` are what a reply keeps more."""
    desk = Desk(staff=clerks, arrivals=complaints, service_rate=1.0 / service)
    if not desk.stable:
        return -clerks * wage
    answered = desk.replied_within(within)
    return complaints * ((answered * quick + (1.0 - answered) * slow) * worth - COST_PER_REPLY) - clerks * wage


def part_e(evidence: MarketEvidence) -> tuple[Part, dict[str, Rows]]:
    """Where a second clerk pays, over complaints and wage."""
    worth = worth_of_the_living(evidence)
    c = evidence.market.complaints
    own = c.own_stay
    fixed = {
        "worth": worth.mean,
        "quick": c.stay_quick - own,
        "slow": c.stay_slow - own,
        "within": c.quick_within.to("W"),
        "service": SERVICE.to("W"),
    }

    def second(complaints: float, wage: float) -> float:
        one, two = (earns(n, complaints=complaints, wage=wage, **fixed) for n in (1, 2))
        return two - max(one, 0.0)

    statement = Statement(quantity="what a second clerk adds a week, money", above=0.0)
    region = map_region(second, statement, (COMPLAINTS, WAGE))
    pays = [n for n in range(1, 29) if earns(1, complaints=float(n), wage=100.0, **fixed) > 0.0]
    first = f"{pays[0]} complaints a week on" if pays else "no number of complaints on"
    part = map_part(
        region,
        name="(e) the last clerk",
        estimand="Profit a week of a desk of two less that of one (or of none where one does not pay), "
        "money, by queueing.",
        **worth.figures("money, what a kept customer is worth"),
        reason=(
            f"A customer kept is worth {worth}. At 100 a week the first clerk pays from {first}; the second "
            f"pays only where one can no longer keep up, since one who can answers nearly all within the week."
        ),
    )
    return part, map_tables("second clerk", region)
