"""`bonds`: economic, social and structural bonds."""

from __future__ import annotations

import pandas as pd

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.firms import load
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.maps import map_of, map_tables, where
from churnsim.claims.machinery.strategy_comparison import LOSSES, gain_of, gain_part, gain_table, market_with
from churnsim.claims.machinery.survey_effects import standardised_effects
from churnsim.claims.machinery.verdicts import Basis, conjunction
from churnsim.data import datasets
from churnsim.simulation.mechanisms.competitors import Competitors
from churnsim.simulation.scenario.strategy import EconomicBond, SocialBond, Strategy, StructuralBond

ECONOMIC, SOCIAL, STRUCTURAL, NOTHING = "economic bond", "social bond", "structural bond", "no bond"
SHARE_OF_REVENUE, JOINS = 0.02, 0.30
"""Each bond costs two percent of revenue; three in ten join the club: assumptions."""
STRONG = {"economic_effect": 20.0, "social_effect": 0.95, "structural_effect": 0.99}
"""Bonds as binding as the claim has them: four tenths, three quarters and nearly all of dropout prevented."""
SURVEY = "reputation-survey"
OVER = {"bonds.economic_effect": (0.0, 10.0), "competitors.switch_share": (0.0, 1.0)}


def strategies(
    evidence: MarketEvidence, share_of_revenue: float = SHARE_OF_REVENUE, joins: float = JOINS
) -> list[Strategy]:
    """The three bonds at one expected cost, from what an active customer pays a period without any."""
    found = evidence.compare([Strategy(name=NOTHING)])
    periods = round(evidence.horizon / evidence.period)
    active = 0.5 * (found.values("active_start")[NOTHING] + found.values("active_end")[NOTHING])
    pays = float(found.values("revenue")[NOTHING].mean() / active.mean() / periods)
    cost = share_of_revenue * pays
    return [
        Strategy(name=ECONOMIC, economic_bond=EconomicBond(price_off=share_of_revenue)),
        Strategy(name=SOCIAL, social_bond=SocialBond(joins=joins, cost_per_member=cost / joins)),
        Strategy(name=STRUCTURAL, structural_bond=StructuralBond(cost_per_customer=cost)),
        Strategy(name=NOTHING),
    ]


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    effect: bool = True,
    strong: bool = False,
    share_of_revenue: float = SHARE_OF_REVENUE,
    joins: float = JOINS,
) -> Finding:
    """Each bond against none, and in the order in which they are said to bind; the control's bonds have no effect."""
    evidence = market_with(evidence, competitors=Competitors())
    if not effect:
        evidence = market_with(
            evidence,
            bonds={"economic_effect": 0.0, "social_effect": 0.0, "structural_effect": 0.0, "social_referrals": 1.0},
        )
    if strong:
        evidence = market_with(evidence, bonds=STRONG, competitors=Competitors(switch_share=0.95))
        joins = 0.8
    chosen = strategies(evidence, share_of_revenue, joins)
    found = evidence.compare(chosen)
    pairs = ((ECONOMIC, NOTHING), (SOCIAL, NOTHING), (STRUCTURAL, NOTHING), (STRUCTURAL, SOCIAL), (SOCIAL, ECONOMIC))
    gains = [gain_of(found, of, against, jointly=len(pairs)) for of, against in pairs]
    parts = tuple(gain_part(gain) for gain in gains)
    answer = conjunction(parts)
    if strong or not effect:
        return Finding(answer=answer, reason=" ".join(part.reason for part in parts), parts=parts)
    customers = _as_told(quick)
    region = map_of(evidence, chosen, OVER, of=STRUCTURAL, against=ECONOMIC, quick=quick)
    losses = pd.concat([found.values(account).mean() for account in LOSSES], axis=1).sum(axis=1)
    return Finding(
        answer=answer,
        reason=(
            f"On {evidence.label}, each bond at {share_of_revenue:.0%} of revenue, half of those who leave going to a "
            "competitor: " + " ".join(part.reason for part in parts) + " Customers lost: "
            + ", ".join(f"{losses[name]:.0f} with {name}" for name in found.strategies)
            + ". What each bond does to dropout is assumed; the order follows from it and is no finding. The map is: "
            f"it says for which price sensitivity and share of switchers structure beats price. {where(region)}"
            + "".join(f" {part.name}: {part.reason}" for part in customers)
        ),
        **gains[2].figures(f"money over the horizon, {STRUCTURAL} less {NOTHING}"),
        parts=(*parts, *customers),
        tables={"gains": gain_table(gains), **map_tables("structure against price", region)},
    )  # fmt: skip


def _as_told(quick: bool) -> tuple[Part, ...]:
    """Whether costs of switching hold customers beside their satisfaction, as they told it; nothing without a
    survey."""
    if not datasets.describe(SURVEY).at_hand:
        return ()
    causes = {"satisfaction": ("cusa",), "switching costs": ("switch_1", "switch_2", "switch_3")}
    found, _ = standardised_effects(load(SURVEY), causes, ("cusl_1", "cusl_2", "cusl_3"), quick=quick)
    costs = found["switching costs"]
    return (
        Part(
            name="costs of switching, among customers",
            estimand="Standardised effect of costs of switching on loyalty beside that of satisfaction, 344 users "
            "of mobile telephones; as told, and no part of the order in money.",
            answer=costs.above(0.0),
            basis=Basis.MEASURED,
            **costs.figures("standard deviations"),
            reason=f"{costs} beside {found['satisfaction']} of satisfaction.",
        ),
    )
