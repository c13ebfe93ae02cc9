"""`club`: club marketing."""

from __future__ import annotations

from churnsim.claims.machinery.assumption_maps import map_of
from churnsim.claims.machinery.claim import Evidence, Finding, Part, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import NEEDS_MARKET
from churnsim.claims.machinery.maps import map_tables, region_verdict, where
from churnsim.claims.machinery.methods import method_claim
from churnsim.claims.machinery.strategy_comparison import gain_of, gain_part, gain_table, market_with
from churnsim.claims.machinery.verdicts import combine, not_run
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Region
from churnsim.simulation.mechanisms.referral import Referral
from churnsim.simulation.scenario.strategy import SocialBond, Strategy

__all__ = ["CLUB", "judge"]

MEMBERS, NOTHING = "club", "no club"
JOINS, COST = 0.30, 0.05
"""Share of customers who join, and cost of a member a period: assumptions."""
OVER = {"bonds.social_referrals": (1.0, 2.0), "strategy.club.social_bond.cost_per_member": (0.0, 0.8)}


def judge(evidence: Evidence, quick: bool = False, *, effect: bool = True) -> Finding:
    """A club against none, where customers refer others and members more; the control's club moves nobody."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = market_with(evidence.at(quick=quick), referral=Referral())
    if not effect:
        evidence = market_with(evidence, bonds={"social_effect": 0.0, "social_referrals": 1.0})
    strategies = [
        Strategy(name=MEMBERS, social_bond=SocialBond(joins=JOINS, cost_per_member=COST)),
        Strategy(name=NOTHING),
    ]
    found = evidence.compare(strategies)
    gain = gain_of(found, MEMBERS, NOTHING)
    part = gain_part(gain, name=f"(a) at {COST:g} a member and period")
    if not effect:
        return Finding(verdict=part.verdict, reason=part.reason, parts=(part,))
    referred = found.values("births_referred").mean()
    region = _map(evidence, strategies, quick)
    mapped = Part(
        name="(b) what it takes",
        estimand="Equity with the club less without, by how much more members refer and what a member costs.",
        verdict=region_verdict(region),
        reason=where(region),
        region=where(region),
    )
    parts = (part, mapped)
    return Finding(
        verdict=Verdict.HOLDS_IF if region.counts["holds"] and region.counts["fails"] else combine(parts),
        reason=(
            f"On {evidence.label}, of whom {JOINS:.0%} join: {part.reason} With the club {referred[MEMBERS]:.0f} "
            f"new customers come by referral, without it {referred[NOTHING]:.0f}. What a club does to dropout "
            f"and recommendation is assumed; the map says what it would have to be."
        ),
        estimate=gain.mean,
        lower=gain.lower,
        upper=gain.upper,
        unit="money over the horizon",
        region=where(region) if region.counts["holds"] else None,
        parts=parts,
        tables={"gains": gain_table([gain]), **map_tables("club", region)},
    )


def _map(evidence: MarketEvidence, strategies: list[Strategy], quick: bool) -> Region:
    quantity = Quantity(of=MEMBERS, against=NOTHING, metric="equity")
    return map_of(evidence, strategies, quantity, OVER, quick=quick)


def control(evidence: Evidence, quick: bool) -> Finding:
    """A club that costs as much and moves nobody."""
    return judge(evidence, quick, effect=False)


CLUB = method_claim(
    id="club",
    says="A club of the best customers binds them and makes them recommend.",
    quote="俱乐部营销 … 培养顾客的忠诚度 … 利用顾客的“口碑宣传”来激活巨量的潜在市场",
    text="nine-steps",
    judge=judge,
    control=control,
)
