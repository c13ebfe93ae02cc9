"""`abc-management`: put the effort on the top fifth."""

from __future__ import annotations

from churnsim.claims.machinery.assumption_maps import map_of
from churnsim.claims.machinery.budgets import budget_of, conjunction
from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind, Part, Table, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import NEEDS_MARKET
from churnsim.claims.machinery.maps import map_tables, where
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.strategy_comparison import gain_of, gain_part, gain_table, market_with
from churnsim.claims.machinery.verdicts import combine, not_run
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Region
from churnsim.simulation.scenario.strategy import RetentionContacts, Strategy

__all__ = ["ABC_MANAGEMENT", "judge"]

TOP, EVENLY, RESPONSIVE, NOTHING = "top fifth", "everybody alike", "most responsive fifth", "no contacts"
SHARE = 0.20
BUDGETS = (0.02, 0.10)
"""Money a period for each known customer."""
SPREAD = 1.0
"""How far customers differ in what contacts do to them: from nothing to twice the mean, besides those harmed."""
OVER = {"retention.max_effect": (0.0, 1.0), "retention.spend_scale": (0.05, 2.05)}


def strategies(budget: float) -> list[Strategy]:
    """One budget, spent on the best by past revenue, on everybody, on the responsive, or not at all."""
    return [
        Strategy(name=TOP, retention=RetentionContacts(budget_per_period=budget, rule="top_value", share=SHARE)),
        Strategy(name=EVENLY, retention=RetentionContacts(budget_per_period=budget, rule="all")),
        Strategy(
            name=RESPONSIVE, retention=RetentionContacts(budget_per_period=budget, rule="responsive", share=SHARE)
        ),
        Strategy(name=NOTHING),
    ]


def judge(evidence: Evidence, quick: bool = False, *, harmed: float | None = None) -> Finding:
    """The top fifth against everybody and against the responsive, at two budgets; in the control contacts harm all."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = market_with(evidence.at(quick=quick), retention={"response_spread": SPREAD})
    if harmed is not None:
        evidence = market_with(evidence, retention={"harmed_share": harmed})
    settings: list[Part] = []
    rows: Table = []
    for per_customer in BUDGETS:
        budget = budget_of(evidence, per_customer=per_customer)
        found = evidence.compare(strategies(budget))
        gains = [gain_of(found, TOP, against, jointly=3) for against in (EVENLY, RESPONSIVE, NOTHING)]
        rows += gain_table(gains, budget=budget)
        parts = tuple(gain_part(gain) for gain in gains[:2])
        settings.append(
            Part(
                name=f"{budget:,.0f} a period",
                estimand=f"Equity of {TOP} less that of {EVENLY} and of {RESPONSIVE}, money over the horizon, paired.",
                verdict=conjunction(parts),
                estimate=gains[0].mean,
                lower=gains[0].lower,
                upper=gains[0].upper,
                unit=f"money, less {EVENLY}",
                reason=f"With {budget:,.0f} a period " + " ".join(part.reason for part in parts)
                + f" Against no contacts: {gains[2]}.",
            )
        )  # fmt: skip
    verdict = combine(settings)
    if harmed is not None:
        return Finding(verdict=verdict, reason=" ".join(part.reason for part in settings), parts=tuple(settings))
    region = _map(evidence, quick)
    some = region.counts["holds"] > 0
    return Finding(
        # What contacts do is assumed, so that agreement is conditional on the map.
        verdict=Verdict.HOLDS_IF if some and verdict in (Verdict.FAILS, Verdict.HOLDS) else verdict,
        reason=(f"On {evidence.label}. " + " ".join(part.reason for part in settings) + " " + _moral(rows)),
        estimate=settings[0].estimate,
        lower=settings[0].lower,
        upper=settings[0].upper,
        unit=settings[0].unit,
        region=f"Against spreading evenly alone, at {budget_of(evidence, per_customer=BUDGETS[0]):,.0f} a period: "
        + where(region)
        if some
        else None,
        parts=tuple(settings),
        tables={"gains": rows, **map_tables("top fifth against everybody", region)},
    )


def _moral(rows: Table) -> str:
    """What the larger budget says of value against response, and of contacts at all."""
    last = {row["against"]: row for row in rows[-3:]}
    if last[RESPONSIVE]["lower"] > 0:
        told = "Aiming at value beats aiming at response here, since what is saved of a good customer is worth more."
    elif last[RESPONSIVE]["upper"] < 0:
        told = "Aiming at those on whom contacts work beats aiming at value."
    else:
        told = "Whether value or response is the better aim these runs do not decide."
    return told + (" Not contacting anybody is better still." if last[NOTHING]["upper"] < 0 else "")


def _map(evidence: MarketEvidence, quick: bool) -> Region:
    chosen = strategies(budget_of(evidence, per_customer=BUDGETS[0]))
    return map_of(evidence, chosen, Quantity(of=TOP, against=EVENLY, metric="equity"), OVER, quick=quick)


def control(evidence: Evidence, quick: bool) -> Finding:
    """Contacts that make everybody likelier to leave."""
    return judge(evidence, quick, harmed=1.0)


ABC_MANAGEMENT = Claim(
    id="abc-management",
    says="Concentrate the effort on the top 20% of the customers; never spread it evenly.",
    quote="千万不要将关系营销注意力平均分配给所有的顾客 … 保住顾客中关键少数的20%",
    sources=(
        source("nine-steps", measured="No study is named."),
        source("after-marketing", measured="No study is named."),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value with contacts aimed at the top 20% by past spend, less the same budget "
        "spread evenly and less aimed by responsiveness, money, paired."
    ),
    expect="above zero against even spreading and not below zero against responsiveness",
    within=None,
    because="Signs, judged by paired intervals held jointly.",
    control=Control(what="contacts that make everybody likelier to leave", judge=control),
    critique=(
        "Ascarza (2018, Journal of Marketing Research 55(1), 80-98): target by sensitivity to the "
        "contact, not by risk or value.",
    ),
    judge=judge,
)
