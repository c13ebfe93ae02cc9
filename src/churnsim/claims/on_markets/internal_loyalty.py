"""`internal-loyalty`: loyal staff make loyal customers."""

from __future__ import annotations

from dataclasses import replace

from churnsim.claims.machinery.claim import Finding, Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import DrawnCustomers, base_draws, on_market
from churnsim.claims.machinery.made_up import made_up_market
from churnsim.claims.machinery.maps import map_part, map_tables
from churnsim.claims.machinery.verdicts import Spread, above, combine, spread
from churnsim.decisions.assumptions.assumption_regions import map_region
from churnsim.decisions.assumptions.region import Axis, Statement
from churnsim.economics.staff import failure_factor, novice_share
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.staff import StaffCare, StaffResponse
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import Duration

TURNOVER, LEARNING_YEARS, NOVICE_FACTOR = 0.30, 0.5, 2.0
"""Leavers a year per place, years until a newcomer works like the others, and how much more often newcomers fail:
assumed; the map varies the first and the last."""
CARE = 500.0
"""Money per period on keeping staff: enough to reach nearly all that care can do (assumed)."""
RISE, DECIDES = 0.10, 0.5
"""The rise of turnover that is tried, and the elasticity from which on turnover could be said to decide (assumed)."""
STAFF = Axis(name="staff turnover a year", low=0.0, high=1.5, cells=10)
NOVICES = Axis(name="failures of new staff, times those of the experienced", low=1.0, high=6.0, cells=10)


@on_market
def judge(
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
        usual, more = (novice_share(t, learning_years) for t in (leaving, (1 + RISE) * leaving))
        factor = 1.0 + phi * (failure_factor(more, novices, usual_share=usual) - 1.0)
        return spread(
            [(_lost(d, evidence.horizon, factor) / _lost(d, evidence.horizon, 1.0) - 1) / RISE for d in draws]
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
def planted(evidence: MarketEvidence, quick: bool, **settings: float) -> Finding:
    """Customers who leave for next to nothing but failures, and newcomers who fail twenty times as often."""
    complaints = Complaints(failure_share=0.9, silent_stay=0.05, stay_unresolved=0.05, stay_slow=0.06, stay_quick=0.08)
    own = made_up_market(evidence, 2000, gap=4.0, dropout=1 / 400, complaints=complaints)
    over = (replace(STAFF, low=0.3, high=1.0, cells=2), replace(NOVICES, low=20.0, high=40.0, cells=2))
    return judge(own, quick, over=over, **{**settings, "novice_factor": 20.0})


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
