"""Service and those who give it: `service-level` and `internal-loyalty`."""

from __future__ import annotations

import math
from dataclasses import replace

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, on_market
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import map_part, map_tables, where
from churnsim.claims.machinery.verdicts import Answer, Spread, above, combine, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.economics.staff import failure_factor, novice_share
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.staff import StaffCare, StaffResponse
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import Duration

RISE_LEVEL, LOW, HIGH = 0.20, 1.75, 2.25
SHARE = Axis(name="share of dropout that failures cause", low=0.0, high=1.0, cells=10)
SPEND = Axis(name="elasticity of a customer's spend to service", low=0.0, high=2.5, cells=10)


@on_market
def judge_level(evidence: MarketEvidence, quick: bool = False, *, noticed: bool = True, spends: float = 0.0) -> Finding:
    """A fifth fewer failures on the fitted customers, and what else it would take; in the control nobody notices."""
    share = float(evidence.market.complaints.failure_share)
    draws = [(d, d.alive) for d in base_draws(evidence)]

    def elasticity(cause: float, spend: float) -> list[float]:
        """By draw: rise of revenue over the horizon for a rise of service by a fifth, per unit of service."""
        grow = math.exp(spend * math.log1p(RISE_LEVEL))
        factor = 1.0 - RISE_LEVEL * cause
        rises = []
        for d, alive in draws:
            before = float(d.revenue(evidence.horizon)[alive].sum())
            after = float(d.revenue(evidence.horizon, factor=factor)[alive].sum())
            rises.append((grow * after / before - 1.0) / RISE_LEVEL)
        return rises

    here = spread(elasticity(share if noticed else 0.0, spends))
    answer = here.within(LOW, HIGH)
    retention = Part(
        name="(a) by keeping customers",
        estimand="Elasticity of revenue over the horizon to service where a fifth of the failures is gone.",
        answer=answer,
        **here.figures("percent revenue per percent service"),
        reason=(
            f"On {evidence.label}, with failures causing {share:.0%} of dropout, a fifth fewer failures raise "
            f"revenue by {RISE_LEVEL * here.mean:.1%}: an elasticity of {here}"
            + ", not 2" * (answer is Answer.FAILS)
            + "."
        ),
    )
    if spends:
        return Finding(answer=retention.answer, reason=retention.reason, parts=(retention,))
    if not noticed:
        return Finding(
            answer=retention.answer,
            reason="Nobody notices the better service, so that revenue stays as it is.",
            parts=(retention,),
        )
    # That better service raises what a customer spends is the claim itself: put in, it can be no finding.
    region = map_region(
        lambda cause, spend: spread(elasticity(cause, spend)).mean,
        Statement(quantity="elasticity of revenue to service", above=LOW, below=HIGH),
        (SHARE, SPEND),
    )
    most = spread(elasticity(1.0, 0.0))
    believe = Part(
        name="(b) what it would take",
        estimand="Where the elasticity lies between 1.75 and 2.25, by share of dropout due to failures and by what "
        "service does to a customer's spend.",
        answer=Answer.UNDECIDED,
        unit="percent revenue per percent service",
        reason=f"Were failures the cause of all dropout it would be {most}; the rest must come from higher spend, "
        f"which is put in: {where(region)}",
    )
    parts = (retention, believe)
    return Finding(
        answer=combine(parts),
        reason=" ".join(part.reason for part in parts),
        **here.figures(retention.unit),
        parts=parts,
        tables=map_tables("service", region),
    )


TURNOVER, LEARNING_YEARS, NOVICE_FACTOR = 0.30, 0.5, 2.0
"""Leavers a year per place, years until a newcomer works like the others, and how much more often newcomers fail:
assumed; the map varies the first and the last."""
CARE = 500.0
"""Money per period on keeping staff: enough to reach nearly all that care can do (assumed)."""
RISE_STAFF, DECIDES = 0.10, 0.5
"""The rise of turnover that is tried, and the elasticity from which on turnover could be said to decide (assumed)."""
STAFF = Axis(name="staff turnover a year", low=0.0, high=1.5, cells=10)
NOVICES = Axis(name="failures of new staff, times those of the experienced", low=1.0, high=6.0, cells=10)


@on_market
def judge_staff(
    evidence: MarketEvidence,
    quick: bool = False,
    *,
    novice_factor: float = NOVICE_FACTOR,
    over: tuple[Axis, Axis] = (STAFF, NOVICES),
    turnover: float = TURNOVER,
    learning_years: float = LEARNING_YEARS,
    care: float = CARE,
) -> Finding:
    """A tenth more staff turnover on the fitted customers; the control has newcomers who fail no more often."""
    phi = float(evidence.market.complaints.failure_share)
    draws = list(base_draws(evidence))

    def elasticity(leaving: float, novices: float) -> Spread:
        usual, more = (novice_share(t, learning_years) for t in (leaving, (1 + RISE_STAFF) * leaving))
        factor = 1.0 + phi * (failure_factor(more, novices, usual_share=usual) - 1.0)
        return spread(
            [(_lost(d, evidence.horizon, factor) / _lost(d, evidence.horizon, 1.0) - 1) / RISE_STAFF for d in draws]
        )

    here = elasticity(turnover, novice_factor)
    sign = Part(
        name="(a) lost customers rise with staff turnover",
        estimand="Elasticity of customers lost over the horizon to staff turnover, new staff failing more often.",
        answer=here.above(),
        **here.figures("percent customers lost per percent turnover"),
        reason=(
            f"On {evidence.label}, with {turnover:.0%} of the staff leaving a year, {learning_years:g} years to learn "
            f"and newcomers failing {novice_factor:g} times as often, the elasticity is {here}. The sign is that of "
            "the assumption that newcomers fail more; the size is what follows from it."
        ),
    )
    simulated = _simulated(evidence, turnover, learning_years, novice_factor, care)
    if novice_factor == 1.0:
        both = (sign, simulated)
        return Finding(answer=combine(both), reason="Newcomers fail like everybody: nothing changes.", parts=both)
    region = map_region(
        lambda leaving, novices: elasticity(leaving, novices).mean,
        Statement(quantity="elasticity of customers lost to staff turnover", above=DECIDES),
        over,
    )
    staff, newcomers = over
    most = elasticity(staff.high, newcomers.high)
    decides = map_part(
        region,
        name="(b) it decides",
        estimand=f"Where that elasticity is above {DECIDES:g}, by turnover and by how much more often newcomers fail.",
        estimate=most.mean,
        unit="percent customers lost per percent turnover",
        reason=f"At {staff.high:.0%} turnover and newcomers failing {newcomers.high:g} times as often it is {most}.",
    )
    parts = (sign, decides, simulated)
    return Finding(
        answer=combine(parts),
        reason=" ".join(part.reason for part in parts),
        **here.figures(sign.unit),
        region=f"the sign wherever new staff fail more often than the experienced; that it decides: {decides.region}",
        parts=parts,
        tables=map_tables("staff", region),
    )


@on_market
def planted_staff(evidence: MarketEvidence, quick: bool, **settings: float) -> Finding:
    """Customers who leave for next to nothing but failures, and newcomers who fail twenty times as often."""
    complaints = Complaints(failure_share=0.9, silent_stay=0.05, stay_unresolved=0.05, stay_slow=0.06, stay_quick=0.08)
    own = made_up_market(evidence, 2000, gap=4.0, dropout=1 / 400, complaints=complaints)
    over = (replace(STAFF, low=0.3, high=1.0, cells=2), replace(NOVICES, low=20.0, high=40.0, cells=2))
    return judge_staff(own, quick, over=over, **{**settings, "novice_factor": 20.0})


def _simulated(
    evidence: MarketEvidence, turnover: float, learning_years: float, novice_factor: float, money: float
) -> Part:
    """Both worlds event by event: the same customers with and without care for the staff."""
    staff = StaffResponse(
        turnover_per_year=turnover, learning=Duration(learning_years, "Y"), novice_factor=novice_factor
    )
    care = Strategy(name="care", staff=StaffCare(budget_per_period=money))
    compared = evidence.compare([Strategy(name="as it is"), care], market=replace(evidence.market, staff=staff))
    row = compared.differences("losses_failure", against="as it is").iloc[0]
    fewer, lower, upper = (0.0 - float(row[name]) for name in ("mean", "upper", "lower"))  # 0 - 0 has no sign
    return Part(
        name="(c) in the simulation",
        estimand=(
            "Customers lost after a failure over the horizon without care for the staff, less with it, paired; the "
            "care prevents at most half of the turnover."
        ),
        answer=above(lower, upper),
        estimate=fewer,
        lower=lower,
        upper=upper,
        unit="customers",
        reason=(
            f"With {money:g} a period spent on keeping staff {fewer:.2f} fewer customers are lost after a failure "
            f"[{lower:.2f}, {upper:.2f}]."
        ),
    )


def _lost(d: DrawnCustomers, horizon: float, factor: float) -> float:
    """Living customers expected to be lost until the horizon, dropout times `factor`."""
    return float(d.lost(horizon, factor=factor)[d.alive].sum())
