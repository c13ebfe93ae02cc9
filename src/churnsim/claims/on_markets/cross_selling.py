"""`cross-selling`: a second product sold to those who have one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import base_draws, on_market
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.verdicts import spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.simulation.core.belief import Belief

YEARS = 2.0
LIFT = Axis(name="lift of spend of a customer who takes the second product", low=0.0, high=1.0, cells=10)
TAKE = Axis(name="share of offered customers who take it", low=0.0, high=0.5, cells=10)
COST = 1.0
"""Cost of one offer, money: an assumption; the break-even scales with it."""
DOUBLES = 2.0
FIRMS = 2000
BELIEFS: Mapping[str, Belief] = {
    LIFT.name: Belief(value=0.25, low=0.05, high=0.80, law="beta", status="assumed", source="a second product's sales"),
    TAKE.name: Belief(
        value=0.06, low=0.01, high=0.25, law="beta", status="assumed",
        source="about 6% of an insurer's customers held the policy that was offered (Caravan data, 2000)",
    ),
}  # fmt: skip


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    effect: float = 1.0,
    cost: float = COST,
    years: float = YEARS,
    known: tuple[float, float] | None = None,
) -> Finding:
    """Break-even of an offer to every known customer, and whether it doubles what they bring, which is what is said.
    The control lifts nothing; of the planted world's customers lift and take-up are `known`."""
    worth = spread([float(d.worth_by_outcome(years * d.year).mean()) for d in base_draws(evidence)])
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
    mass = _doubled(effect, known)
    doubles = Part(
        name="(b) it doubles",
        estimand="Whether lift times take-up reaches one, so that all known customers together bring twice as much.",
        answer=mass.answer,
        plausible=mass,
        region="Every offered customer takes it and spends as much on it again." if mass.holds else None,
        reason=f"{mass} Revenue doubles only where every offered customer takes the second product and spends as much "
        "on it again; an experiment with offers withheld at random measures both.",
    )
    parts = (pays, doubles)
    return Finding(
        answer=doubles.answer,
        plausible=doubles.plausible,
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts),
        **pays.figures,
        region=doubles.region,
        parts=parts,
        tables=map_tables("offers", region, BELIEFS),
    )


def _doubled(effect: float, known: tuple[float, float] | None) -> Plausible:
    """How plausible it is that a second product doubles what all known customers bring."""
    beliefs: Mapping[str, Belief | float] = BELIEFS if known is None else dict(zip(BELIEFS, known, strict=True))
    rng = np.random.default_rng(1)
    lift, take = (b.sample(FIRMS, rng) if isinstance(b, Belief) else np.full(1, b) for b in beliefs.values())
    return Plausible.of_draws(effect * lift * take >= DOUBLES - 1.0, beliefs)
