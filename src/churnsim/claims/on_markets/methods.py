"""`club`, `precision` and `database-loop`: ways of marketing that are said to pay.

Each is compared with the same money on everybody, or with nothing; its control costs as much and has no effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.maps import believed_of, map_of, map_part, map_tables, where
from churnsim.claims.machinery.strategy_comparison import (
    budget_of,
    gain_part,
    gain_table,
    gains_of,
    half_a_year,
    market_with,
)
from churnsim.claims.machinery.verdicts import Answer, combine, conjunction
from churnsim.simulation.mechanisms.referral import Referral
from churnsim.simulation.scenario.strategy import CrossSelling, RetentionContacts, SocialBond, Strategy

Setting = tuple[str, Mapping[str, Any], MarketEvidence, Sequence[Strategy]]
"""Its name, what its rows say of it, the market, and the strategies, the method first."""


def over_settings(settings: Iterable[Setting], *, jointly: int) -> tuple[tuple[Part, ...], Rows, str | None]:
    """The method's gains over each other strategy in each setting: parts, table, and where the method holds."""
    parts: list[Part] = []
    rows: Rows = []
    for name, columns, evidence, strategies in settings:
        _, gains = gains_of(evidence, strategies, jointly=jointly)
        rows += gain_table(gains, **columns)
        parts += [gain_part(gain, name=f"{name}, against {gain.against}") for gain in gains]
    holds = [part.name for part in parts if part.answer is Answer.HOLDS]
    return tuple(parts), rows, "; ".join(holds) + "." if combine(parts) is Answer.UNDECIDED and holds else None


def told(parts: Iterable[Part]) -> str:
    """The gains in one sentence."""
    return "; ".join(f"{p.name}, {p.estimate:+,.0f} [{p.lower:+,.0f}, {p.upper:+,.0f}]" for p in parts) + "."


MEMBERS, NO_CLUB = "club", "no club"
JOINS, COST = 0.30, 0.05
"""Share of customers who join, and cost of a member a period: assumptions."""
MEMBER_COST = "strategy.club.social_bond.cost_per_member"
OVER = {"bonds.social_referrals": (0.5, 4.0), MEMBER_COST: (0.0, 0.8)}


@on_market
def judge_club(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    effect: float = 1.0,
    joins: float = JOINS,
    cost: float = COST,
    strong: bool = False,
) -> Finding:
    """A club against none, where customers refer others and members more; that of the planted world keeps nearly all
    who join."""
    evidence = market_with(evidence, referral=Referral())
    if strong:
        evidence = market_with(evidence, bonds={"social_effect": 0.95, "social_referrals": 4.0})
    if not effect:
        evidence = market_with(evidence, bonds={"social_effect": 0.0, "social_referrals": 1.0})
    strategies = [
        Strategy(name=MEMBERS, social_bond=SocialBond(joins=joins, cost_per_member=cost)),
        Strategy(name=NO_CLUB),
    ]
    found, gains = gains_of(evidence, strategies)
    part = gain_part(gains[0], name=f"(a) at {cost:g} a member and period")
    if strong or not effect:
        return Finding(answer=part.answer, reason=part.reason, parts=(part,))
    referred = found.values("births_referred").mean()
    region = map_of(evidence, strategies, OVER, of=MEMBERS, against=NO_CLUB, quick=quick)
    estimand = "Equity with the club less without, by how much more members refer and what a member costs."
    beliefs = {**believed_of(evidence, ["bonds.social_referrals"]), MEMBER_COST: cost}
    takes = map_part(region, name="(b) what it takes", estimand=estimand, reason=where(region), beliefs=beliefs)
    parts = (part, takes)
    return Finding(
        answer=takes.answer,
        plausible=takes.plausible,
        reason=(
            f"On {evidence.label}, of whom {joins:.0%} join: {part.reason} With the club {referred[MEMBERS]:.0f} "
            f"new customers come by referral, without it {referred[NO_CLUB]:.0f}. What a club does to dropout "
            "and recommendation is assumed; the map says what it would have to be."
        ),
        **part.figures,
        region=where(region) if region.counts["holds"] else None,
        parts=parts,
        tables={"gains": gain_table(gains), **map_tables("club", region, beliefs)},
    )


ONE_TO_ONE, MASS, NOTHING = "one to one", "the same for all", "nothing"
SHARE, PER_CUSTOMER = 0.20, 0.05
SPREADS = {"customers who respond alike": 0.0, "customers who differ from nothing to twice the mean": 1.0}


@on_market
def judge_precision(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    effect: float = 1.0,
    per_customer: float = PER_CUSTOMER,
    share: float = SHARE,
    harmful: bool = False,
) -> Finding:
    """Contacts and offers to those on whom they work against the same money on everybody and against none; the planted
    world has contacts that drive half of the customers away and keep the others."""
    if harmful:
        evidence = market_with(evidence, retention={"max_effect": 0.95, "harmed_share": 0.5, "spend_scale": 0.02})
    own = evidence.market
    half = 0.5 * budget_of(evidence, per_customer=per_customer)
    aims: dict[str, dict[str, Any]] = {ONE_TO_ONE: {"rule": "responsive", "share": share}, MASS: {"rule": "all"}}
    strategies = [
        *(
            Strategy(
                name=name,
                retention=RetentionContacts(budget_per_period=half, **aim),
                cross_selling=CrossSelling(budget_per_period=half, **aim),
            )
            for name, aim in aims.items()
        ),
        Strategy(name=NOTHING),
    ]
    markets = {
        setting: market_with(
            evidence,
            retention={"response_spread": spread, "max_effect": effect * own.retention.max_effect},
            cross_selling={"max_uplift": effect * own.cross_selling.max_uplift},
        )
        for setting, spread in SPREADS.items()
    }
    settings = [(name, {"setting": name}, market, strategies) for name, market in markets.items()]
    parts, rows, holds = over_settings(settings, jointly=4)
    # "Raises margin" is more than the same money on everybody and more than nothing, in each setting.
    both = [replace(pair[0], answer=conjunction(pair)) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return Finding(
        answer=combine(both),
        reason=(
            f"On {evidence.label}, {2 * half:,.0f} a period, half on contacts and half on offers: {told(parts)} That "
            "each customer's response is known is put in; a trial would have to show it, and costs something."
        ),
        **parts[-2].figures_in(f"money over the horizon, less {MASS}, customers who differ"),
        region=holds,
        parts=parts,
        tables={"gains": rows},
    )


WITHOUT, LOOP = "the same money on everybody", "contacts by the database"
BUDGETS = (0.05, 0.20)
"""Money a period for each known customer."""


@on_market
def judge_database_loop(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    effect: float = 1.0,
    budgets: Sequence[float] = BUDGETS,
    strong: bool = False,
) -> Finding:
    """Contacts by a database renewed each period against the same money on everybody and against none; those of the
    planted world keep nearly everybody who is reached."""
    if strong:
        evidence = market_with(evidence, retention={"max_effect": 0.95, "harmed_share": 0.0, "spend_scale": 0.1})
    evidence = market_with(evidence, retention={"max_effect": effect * evidence.market.retention.max_effect})
    aims: dict[str, dict[str, Any]] = {
        LOOP: {"rule": "recent_buyers", "within": half_a_year(evidence)}, WITHOUT: {"rule": "all"}
    }  # fmt: skip
    settings = []
    for budget in (budget_of(evidence, per_customer=per_customer) for per_customer in budgets):
        strategies = [
            *(
                Strategy(name=name, retention=RetentionContacts(budget_per_period=budget, **aim))
                for name, aim in aims.items()
            ),
            Strategy(name="no contacts"),
        ]
        settings.append((f"{budget:,.0f} a period", {"budget": budget}, evidence, strategies))
    parts, rows, holds = over_settings(settings, jointly=2)
    return Finding(
        answer=combine(parts),
        reason=(
            f"On {evidence.label}, contacts to those who bought in the last half year, looked up anew each period: "
            f"{told(parts)} Whether contacts pay at all depends on what they do, which is assumed; the same money on "
            "everybody meets the same assumption."
        ),
        **parts[0].figures_in(f"money over the horizon, against {WITHOUT}"),
        region=holds,
        parts=parts,
        tables={"gains": rows},
    )
