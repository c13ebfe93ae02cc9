"""`nine-steps` and `six-strategies`: programmes of several steps, each step left out in turn.

Every variant plans the same money a period: what a step costs is freed when it is left out and goes to the contacts, so
that a step must earn more than contacts do with its money. Where the contacts are the step left out, their money is not
spent. Costs per event (a win-back contact, a reply, a club member) come on top as they fall due and are in the equity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market
from churnsim.claims.machinery.strategy_comparison import (
    budget_of,
    gain_part,
    gain_table,
    gains_of,
    half_a_year,
    market_with,
)
from churnsim.claims.machinery.verdicts import Answer, conjunction
from churnsim.simulation.engine.ledger import COSTS
from churnsim.simulation.mechanisms.referral import Referral
from churnsim.simulation.scenario.strategy import (
    AskForComplaints,
    ComplaintDesk,
    CrossSelling,
    RetentionContacts,
    ServiceQuality,
    SocialBond,
    Strategy,
    WinBack,
)
from churnsim.units import Duration

CONTACTS = ("the best fifth", "a database of recent buyers")
"""The steps that are contacts: left out, their money is not spent."""
WHOLE, NOTHING = "all steps", "nothing"
PER_CUSTOMER = 0.05
"""Planned money a period for each known customer: an assumption."""
KEEPING = [cost for cost in COSTS if cost not in ("acquisition", "referral", "fixed")]
"""The accounts of what a programme spends on the customers there are."""


@dataclass(frozen=True)
class Step:
    """A step: its share of the planned money, and the mechanism that it is here, given the evidence and its money."""

    share: float
    mechanism: Callable[[MarketEvidence, float], Mapping[str, Any]]


def _contacts(rule: str) -> Callable[[MarketEvidence, float], Mapping[str, Any]]:
    def build(evidence: MarketEvidence, money: float) -> Mapping[str, Any]:
        chosen: dict[str, Any] = {"within": half_a_year(evidence)} if rule == "recent_buyers" else {}
        if rule in ("top_value", "responsive"):
            chosen["share"] = 0.20
        return {"retention": RetentionContacts(budget_per_period=money, rule=rule, **chosen)}  # type: ignore[arg-type]

    return build


def _desk(evidence: MarketEvidence, money: float) -> Mapping[str, Any]:
    service = Duration(0.5, "D").to(evidence.market.unit)
    return {"desk": ComplaintDesk(staff=1, mean_service_time=service, wage_per_period=money, cost_per_reply=1.0)}


def _win_back(evidence: MarketEvidence, money: float) -> Mapping[str, Any]:
    contacts = max(1, round(money))
    return {"win_back": WinBack(silent_for=half_a_year(evidence), cost_per_contact=1.0, most_per_period=contacts)}


STEPS: Mapping[str, Step] = {
    "the best fifth": Step(0.30, _contacts("top_value")),
    "a database of recent buyers": Step(0.30, _contacts("recent_buyers")),
    "service and loyal staff": Step(0.20, lambda e, money: {"quality": ServiceQuality(budget_per_period=money)}),
    "a club or events": Step(
        0.10,
        lambda e, money: {"social_bond": SocialBond(joins=0.3, cost_per_member=money / len(e.market.customers) / 0.3)},
    ),
    "one-to-one offers": Step(
        0.10,
        lambda e, money: {
            "cross_selling": CrossSelling(budget_per_period=money, rule="recent_buyers", within=half_a_year(e))
        },
    ),
    "answering complaints": Step(0.15, _desk),
    "asking for complaints": Step(0.0, lambda e, money: {"asking": AskForComplaints(cost_per_purchase=0.05)}),
    "winning back": Step(0.15, _win_back),
}
"""What each step is in the simulation; shares of the planned money are assumptions, the same for every programme."""


STRONG: Mapping[str, Mapping[str, float]] = {
    "retention": {"max_effect": 0.95, "harmed_share": 0.0, "spend_scale": 0.1},
    "quality": {"max_reduction": 0.5, "spend_scale": 1e-4},
    "cross_selling": {"max_uplift": 0.5, "spend_scale": 1e-4},
    "bonds": {"social_effect": 0.95, "social_referrals": 3.0},
    "win_back": {"success": 0.95},
    "complaints": {
        "failure_share": 0.4,
        "complaint_probability": 0.5,
        "complaint_probability_if_asked": 0.95,
        "stay_quick": 0.99,
    },
}
"""Steps each of which does nearly all that such a step can."""


def market_of(evidence: MarketEvidence, *, effective: bool, strong: bool = False) -> MarketEvidence:
    """The evidence with referral on; where not `effective`, nothing that a programme does has any effect."""
    market = market_with(evidence, referral=Referral())
    if strong:
        return market_with(market, **STRONG)
    if effective:
        return market
    c = market.market.complaints
    mean = c.own_stay
    return market_with(
        market,
        retention={"max_effect": 0.0},
        quality={"max_reduction": 0.0},
        cross_selling={"max_uplift": 0.0},
        bonds={"social_effect": 0.0, "social_referrals": 1.0},
        win_back={"success": 0.0},
        # Replies that keep as many as the market's own handling does, and as many as keep silent.
        complaints={
            "stay_quick": mean,
            "stay_slow": mean,
            "stay_unresolved": mean,
            "complaint_probability_if_asked": c.complaint_probability,
        },
    )


def programme(
    evidence: MarketEvidence, steps: Mapping[str, Step], *, name: str, per_customer: float, without: str | None = None
) -> Strategy:
    """The programme with one step left out, its money going to the contacts."""
    budget = budget_of(evidence, per_customer=per_customer)
    total = sum(step.share for step in steps.values())
    kept = {key: step for key, step in steps.items() if key != without}
    freed = steps[without].share if without else 0.0
    contacts = [key for key in kept if key in CONTACTS]
    mechanisms: dict[str, Any] = {}
    for key, step in kept.items():
        share = step.share + (freed / len(contacts) if key in contacts else 0.0)
        mechanisms |= step.mechanism(evidence, budget * share / total)
    return Strategy(name=name, **mechanisms)


def judge_programme(
    evidence: MarketEvidence,
    steps: Mapping[str, Step],
    *,
    effective: bool = True,
    strong: bool = False,
    per_customer: float = PER_CUSTOMER,
) -> Finding:
    """The whole against nothing and against itself without each step; the control's steps have no effect."""
    evidence = market_of(evidence, effective=effective, strong=strong)
    planned = partial(programme, evidence, steps, per_customer=per_customer)
    variants = [planned(name=f"without {key}", without=key) for key in steps]
    strategies = [planned(name=WHOLE), Strategy(name=NOTHING), *variants]
    found, gains = gains_of(evidence, strategies)
    parts: list[Part] = [gain_part(gains[0], name="the whole against nothing")]
    parts += [
        gain_part(gain, name=f"step: {key}", estimand=f"Equity of the whole less that without {key}, money, paired.")
        for key, gain in zip(steps, gains[1:], strict=True)
    ]
    answer = conjunction(parts)
    earns = [part.name.removeprefix("step: ") for part in parts[1:] if part.answer is Answer.HOLDS]
    costs = [part.name.removeprefix("step: ") for part in parts[1:] if part.answer is Answer.FAILS]
    worth = f" These steps earn their money: {', '.join(earns) or 'none for certain'}."
    as_contacts = [name for name in costs if name not in CONTACTS]
    worth += f" These would earn more as contacts: {', '.join(as_contacts)}." if as_contacts else ""
    worth += f" These cost more than they bring: {', '.join(set(costs) & set(CONTACTS))}." * bool(
        set(costs) & set(CONTACTS)
    )
    spent = found.outcomes.groupby("strategy")[KEEPING].sum()
    per_run = spent.sum(axis=1) / 100 / evidence.replications
    return Finding(
        answer=answer,
        reason=(
            f"On {evidence.label}, {budget_of(evidence, per_customer=per_customer):,.0f} planned a period. "
            f"The whole against nothing: {gains[0]}. Left out, its money going to the contacts (the contacts' "
            f"own is not spent), each step changes equity by: "
            + "; ".join(f"{key} {gain}" for key, gain in zip(steps, gains[1:], strict=True))
            + f". The whole spends {per_run[WHOLE]:,.0f} over the horizon. What each step does is assumed; "
            f"which of them are worth more than what their money brings otherwise is what comes out.{worth}"
        ),
        **gains[0].figures("money over the horizon, the whole less nothing"),
        parts=tuple(parts),
        tables={"gains": gain_table(gains)},
    )


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    steps: Sequence[str],
    effective: bool = True,
    strong: bool = False,
    per_customer: float = PER_CUSTOMER,
) -> Finding:
    """The programme of these steps (names in `STEPS`); in the control no step has any effect."""
    chosen = {key: STEPS[key] for key in steps}
    return judge_programme(evidence, chosen, effective=effective, strong=strong, per_customer=per_customer)
