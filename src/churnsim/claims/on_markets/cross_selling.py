"""`cross-selling`: a second product sold to those who have one."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import base_draws, on_market
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.verdicts import Answer, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.simulation.core.belief import Belief

YEARS = 2.0
LIFT = Axis(name="lift of spend of a customer who takes the second product", low=0.0, high=1.0, cells=10)
TAKE = Axis(name="share of offered customers who take it", low=0.0, high=0.5, cells=10)
COST = 1.0
"""Cost of one offer, money: an assumption; the break-even scales with it."""
DOUBLES = 2.0
BELIEFS = {
    LIFT.name: Belief(value=0.25, low=0.05, high=0.80, law="beta", status="assumed", source="a second product's sales"),
    TAKE.name: Belief(
        value=0.06, low=0.01, high=0.25, law="beta", status="assumed",
        source="about 6% of an insurer's customers held the policy that was offered (Caravan data, 2000)",
    ),
}  # fmt: skip


@on_market
def judge(
    evidence: MarketEvidence, quick: bool = False, *, effect: float = 1.0, cost: float = COST, years: float = YEARS
) -> Finding:
    """Break-even of an offer to every known customer, and what doubling would take; the control lifts nothing."""
    worth = spread([float(d.worth_by_fate(years * d.year).mean()) for d in base_draws(evidence)])
    region = map_region(
        lambda lift, take: effect * lift * take * worth.mean - cost,
        Statement(quantity="net present value of an offer to a known customer, money", above=0.0),
        (LIFT, TAKE),
    )
    pays = map_part(
        region,
        name="(a) it pays",
        estimand="Net present value of offering a second product to every known customer once, money per customer.",
        estimate=100.0 * cost / worth.mean,
        lower=100.0 * cost / worth.upper,
        upper=100.0 * cost / worth.lower,
        unit=f"percent lift of all known customers' spend at which an offer of {cost:g} pays",
        beliefs=BELIEFS,
        reason=(
            f"A known customer of {evidence.label} is worth {worth} in margin over {years:g} years, those already gone "
            f"included. An offer that costs {cost:g} pays where lift times take-up is at least {cost / worth.mean:.1%}."
        ),
    )
    if effect == 0.0:
        return Finding(answer=pays.answer, reason="An offer that lifts nothing costs what it costs.", parts=(pays,))
    doubles = Part(
        name="(b) it doubles",
        estimand="Lift of spend per offered customer at which revenue doubles, percent.",
        answer=Answer.UNDECIDED,
        estimate=100.0 * (DOUBLES - 1.0),
        unit="percent",
        reason=(
            "Revenue doubles where every offered customer takes the second product and spends as much on it "
            "again: that is what would be put in. It takes an experiment with offers withheld at random."
        ),
    )
    parts = (pays, doubles)
    return Finding(
        answer=pays.answer,
        plausible=pays.plausible,
        reason=" ".join(part.reason for part in parts),
        **pays.figures,
        region=pays.region,
        parts=parts,
        tables=map_tables("offers", region),
    )
