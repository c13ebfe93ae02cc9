"""The simulated test of `recovery-retains`: what a faster complaint desk keeps, and what it is worth.

That 95% (82%) of the quickly answered stay is TARP's figure and is put in, so it cannot come out as a finding. What
can: how many of ALL dissatisfied customers that keeps, and whether the desk earns its wage on customers fitted to
data. The desk is run without a wage, so that its gain is the wage it could pay, and no wage need be assumed. It is
compared with the market's own handling twice: as people complain by themselves, and where every buyer is asked
(asking alone being the thing compared with, so that the desk is not credited with what asking does).

Part (e) is where the last clerk stops paying, by queueing theory and what customers are worth. Complaints come at rate
a, a clerk answers mu of them; c clerks are an M/M/c queue, so that the share q answered within the market's "quickly"
is known. With s what the market's own handling keeps and V the discounted margin of a living customer a week earns

    a ((q s_quick + (1 - q) s_slow - s) V - reply) - c wage

A desk that cannot keep up answers too late to keep anybody more, and costs its wages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from churnsim.claims.machinery.claim import Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import on_market, worth_of_the_living
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.verdicts import Answer, Spread, by_interval, conjunction
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.decisions.comparison.compare import Comparison
from churnsim.economics.complaint_return import Desk
from churnsim.simulation.engine.ledger import discount_factors
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import AskForComplaints, ComplaintDesk, Strategy
from churnsim.statistics import wilson
from churnsim.units import Duration

COMPLAINTS = Axis(name="complaints a week", low=0.0, high=28.0, cells=14)
WAGE = Axis(name="wage of a clerk a week", low=0.0, high=200.0, cells=10)


REPLY_DAYS, COST_PER_REPLY, COST_OF_ASKING = 0.5, 1.0, 0.05
"""Days and money a reply, and money a purchase for asking: assumptions."""


@dataclass(frozen=True, kw_only=True)
class DeskCosts:
    """What a desk is assumed to take: days and money a reply, and money a purchase for asking."""

    reply_days: float = REPLY_DAYS
    cost_per_reply: float = COST_PER_REPLY
    cost_of_asking: float = COST_OF_ASKING

    def __str__(self) -> str:
        return (
            f"Assumed for the desk: a reply takes {self.reply_days:g} days on average and costs "
            f"{self.cost_per_reply:g}; asking costs {self.cost_of_asking:g} a purchase."
        )


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
    reply: float,
) -> float:
    """What the desk earns a week over the market's own handling; `quick` and `slow` are what a reply keeps more,
    and `reply` what one costs."""
    desk = Desk(staff=clerks, arrivals=complaints, service_rate=1.0 / service)
    if not desk.stable:
        return -clerks * wage
    answered = desk.replied_within(within)
    return complaints * ((answered * quick + (1.0 - answered) * slow) * worth - reply) - clerks * wage


def part_e(evidence: MarketEvidence, desk: DeskCosts) -> tuple[Part, dict[str, Rows]]:
    """Where a second clerk pays, over complaints and wage."""
    worth = worth_of_the_living(evidence)
    c = evidence.market.complaints
    own = c.own_stay
    fixed = {
        "worth": worth.mean,
        "quick": c.stay_quick - own,
        "slow": c.stay_slow - own,
        "within": c.quick_within.to("W"),
        "service": Duration(desk.reply_days, "D").to("W"),
        "reply": desk.cost_per_reply,
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


LOW, HIGH = 0.82, 0.95
OWN, ASKED = "own handling", "own handling, buyers asked"
ONE, TWO, ONE_ASKED = "one clerk", "two clerks", "one clerk, buyers asked"


@dataclass(frozen=True)
class Contrast:
    """A desk, what it is compared with, and the name of the part that judges it."""

    desk: str
    against: str
    name: str


CONTRASTS = (
    Contrast(ONE, OWN, "(c) the desk's worth, as people complain"),
    Contrast(ONE_ASKED, ASKED, "(d) the desk's worth, where buyers are asked"),
)


@on_market
def judge(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    reply_days: float = REPLY_DAYS,
    cost_per_reply: float = COST_PER_REPLY,
    cost_of_asking: float = COST_OF_ASKING,
) -> Finding:
    """All dissatisfied customers, the answered ones, and the desk's worth; UNTESTED without `MarketEvidence`."""
    desk = {"reply_days": reply_days, "cost_per_reply": cost_per_reply, "cost_of_asking": cost_of_asking}
    return _judged(evidence, evidence.market, desk)


@on_market
def control(evidence: MarketEvidence, quick: bool = False, **desk: float) -> Finding:
    """Replies that keep just as many customers as the market's own handling does on average, however quick: no better
    desk, so neither the share of all dissatisfied customers nor the desk's worth may pass."""
    c = evidence.market.complaints
    mean = c.own_stay
    # The mean stay is the market's own, so failures are as likely and as costly as before (D0 is unchanged).
    alike = replace(c, stay_quick=mean, stay_slow=mean, stay_unresolved=mean)
    return _judged(evidence, replace(evidence.market, complaints=alike), desk)


@on_market
def planted(evidence: MarketEvidence, quick: bool = False, **desk: float) -> Finding:
    """Customers nearly all of whom complain when a purchase fails, and of whom replies keep as many as stated: that
    the reply keeps them is known of this world, and asked only of a real one."""
    complaints = replace(
        evidence.market.complaints, complaint_probability=0.9, complaint_probability_if_asked=0.95, stay_quick=0.9,
        quick_share=0.1, slow_share=0.2,
    )  # fmt: skip
    own = made_up_market(evidence, 500, gap=4.0, dropout=1 / 31, amount=20.0, complaints=complaints)
    return _judged(own, replace(own.market), desk, causal=True)


def _judged(evidence: MarketEvidence, market: Market, costs: Mapping[str, float], *, causal: bool = False) -> Finding:
    desk = DeskCosts(**costs)
    comparison = evidence.compare(_strategies(market.unit, desk), market=market)
    annuity = float(
        discount_factors(round(evidence.horizon / evidence.period), evidence.period, market.discount_force).sum()
    )
    rows = [_row(comparison, contrast, annuity) for contrast in CONTRASTS]
    dissatisfied = _all_dissatisfied(market.complaints)
    worth = [_worth(contrast, row) for contrast, row in zip(CONTRASTS, rows, strict=True)]
    second = comparison.differences(against=ONE).set_index("strategy")
    low, high = (_number(second, TWO, bound) for bound in ("lower", "upper"))
    clerks, staffing = part_e(evidence, desk)
    parts = (dissatisfied, _answered(comparison, causal), *worth, *((clerks,) if market is evidence.market else ()))
    return Finding(
        answer=conjunction(parts),
        reason=(
            f"{dissatisfied.reason} On {evidence.label} the desk before wages is worth "
            + "; ".join(f"{row['gain']:,.0f} [{row['lower']:,.0f}, {row['upper']:,.0f}] {row['where']}" for row in rows)
            + f"; a second clerk adds between {low:,.2f} and {high:,.2f}. That {market.complaints.stay_quick:.0%} of "
            f"the quickly answered stay is put in, not found. {desk}"
        ),
        **dissatisfied.figures,
        region=" ".join(f"{part.name[:3]} {part.region}" for part in parts if part.region) or None,
        parts=parts,
        tables={"desks": rows, **staffing},
    )


def _strategies(unit: str, desk: DeskCosts) -> list[Strategy]:
    asking = AskForComplaints(cost_per_purchase=desk.cost_of_asking)
    one, two = (
        ComplaintDesk(
            staff=staff,
            mean_service_time=Duration(desk.reply_days, "D").to(unit),
            wage_per_period=0.0,
            cost_per_reply=desk.cost_per_reply,
        )
        for staff in (1, 2)
    )
    return [
        Strategy(name=OWN),
        Strategy(name=ASKED, asking=asking),
        Strategy(name=ONE, desk=one),
        Strategy(name=TWO, desk=two),
        Strategy(name=ONE_ASKED, desk=one, asking=asking),
    ]


def _number(table: object, row: str, column: str) -> float:
    return float(table.loc[row, column])  # type: ignore[attr-defined]


def _row(comparison: Comparison, contrast: Contrast, annuity: float) -> dict[str, float | str]:
    """The desk's gain over what it is compared with, and the wage per period that it would bear.

    Two desks are judged, so each interval is at 97.5%: they hold jointly at 95% (Bonferroni).
    """
    level = 1 - 0.05 / len(CONTRASTS)
    gain = comparison.differences(against=contrast.against, level=level).set_index("strategy")
    found = Spread(*(_number(gain, contrast.desk, name) for name in ("mean", "lower", "upper")))
    counts = {name: float(comparison.values(name)[contrast.desk].mean()) for name in ("complaints", "replies_quick")}
    return {
        "desk": contrast.desk,
        "against": contrast.against,
        "where": "where buyers are asked" if contrast.against == ASKED else "as people complain",
        **found.row("gain"),
        "wage": found.mean / annuity,
        "wage_lower": found.lower / annuity,
        "wage_upper": found.upper / annuity,
        **counts,
        "correlation": _number(gain, contrast.desk, "correlation"),
        "variance_reduction": float(np.minimum(_number(gain, contrast.desk, "variance_reduction"), 1e9)),
        "replications": float(_number(gain, contrast.desk, "replications")),
    }


def _worth(contrast: Contrast, row: dict[str, float | str]) -> Part:
    """Above zero the desk pays up to a wage; not above zero it cannot pay any; across zero it is open."""
    gain = Spread(*(float(row[name]) for name in ("gain", "lower", "upper")))
    answer = gain.above()
    return Part(
        name=contrast.name,
        estimand=(
            f"Net present profit of {contrast.desk} without wages less that of {contrast.against}, money over the "
            "horizon, paired."
        ),
        answer=answer,
        **gain.figures("money over the horizon"),
        reason=f"{float(row['complaints']):.0f} complaints, {float(row['replies_quick']):.0f} answered quickly."
        + (" The interval covers zero: it takes more customers to decide." if answer is Answer.UNDECIDED else ""),
        region=(
            f"The clerk pays up to a wage of {float(row['wage']):,.2f} per period ({float(row['wage_lower']):,.2f} to "
            f"{float(row['wage_upper']):,.2f})."
        )
        if answer is Answer.HOLDS
        else None,
    )


def _answered(comparison: Comparison, causal: bool) -> Part:
    """Who stays of those that the desk answered: put in through TARP's figures and the queue, so that it is judged only
    where it is known that the reply keeps them (`causal`)."""
    total = {name: int(comparison.values(name)[ONE].sum()) for name in (
        "replies_quick", "replies_slow", "replies_unresolved", "losses_complaint",
    )}  # fmt: skip
    answered = total["replies_quick"] + total["replies_slow"] + total["replies_unresolved"]
    if answered == 0:
        return Part(
            name="(b) the answered customers", estimand="", answer=Answer.UNDECIDED, reason="Nobody complained."
        )
    stayed = answered - total["losses_complaint"]
    share, (lower, upper) = stayed / answered, wilson(stayed, answered)
    return Part(
        name="(b) the answered customers",
        estimand=(
            "Percentage of answered complainants whom the complaint does not lose, one clerk, over all replications."
        ),
        answer=by_interval(float(lower), float(upper), low=LOW, high=HIGH) if causal else Answer.UNDECIDED,
        **Spread(100 * share, 100 * float(lower), 100 * float(upper)).figures("percent of the answered"),
        reason=(
            f"{share:.1%} stay, {total['replies_quick'] / answered:.1%} being answered quickly; but the share that "
            "stays after a quick reply is what was put in. It would take a randomised delay of replies to test."
        ),
    )


def _all_dissatisfied(c: Complaints) -> Part:
    """Who stays of all dissatisfied customers when every complaint is answered quickly: c s_quick + (1 - c)
    s_silent. A deduction from the published rates, which are those of the answered and of the silent."""
    stay = c.complaint_probability * c.stay_quick + (1 - c.complaint_probability) * c.silent_stay
    needed = (LOW - c.silent_stay) / (c.stay_quick - c.silent_stay) if c.stay_quick > c.silent_stay else np.inf
    holds = LOW <= stay <= HIGH
    return Part(
        name="(a) all dissatisfied customers",
        estimand="Percentage of all dissatisfied customers who stay when every complaint is answered quickly.",
        answer=Answer.HOLDS if holds else (Answer.UNDECIDED if needed <= 1 else Answer.FAILS),
        estimate=100 * stay,
        unit="percent of the dissatisfied",
        reason=(
            f"If {c.complaint_probability:.0%} complain and {c.silent_stay:.0%} of the silent stay, quick replies "
            f"to all keep {stay:.1%} of the dissatisfied; stated are {LOW:.0%}-{HIGH:.0%}."
        ),
        region=None if holds or needed > 1 else f"At least {needed:.0%} of the dissatisfied complain.",
    )
