"""The simulated test of `recovery-retains`: what a faster complaint desk is worth, and to whom.

That 95% (82%) of the quickly answered stay is TARP's figure and is put in, so it cannot come out as a finding. What
can: how many of ALL dissatisfied customers that keeps, and whether the desk earns its wage on customers fitted to
data. The desk is run without a wage, so that the gain is the wage it could pay; its break-even does not depend on
an assumed wage.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import binomtest

from churnsim.claims.claim import Evidence, Finding, Part, Table, Verdict
from churnsim.claims.evidence import MarketEvidence
from churnsim.claims.judging import not_run
from churnsim.simulation.ledger import discount_factors
from churnsim.simulation.market import Market
from churnsim.simulation.strategy import AskForComplaints, ComplaintDesk, Strategy

__all__ = ["control", "judge"]

LOW, HIGH = 0.82, 0.95
OWN = "market's own handling"
MEAN_SERVICE_TIME = 0.1  # assumed: half a working day in weeks; a desk this small is idle most of the time
COST_PER_REPLY = 1.0  # assumed, money
COST_OF_ASKING = 0.05  # assumed, money per purchase
NEEDS_MARKET = "Needs a simulated market: run it within a study."


def judge(evidence: Evidence, quick: bool) -> Finding:
    """All dissatisfied customers, the answered ones, and the desk's worth; UNTESTED without `MarketEvidence`."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = evidence.at(quick=quick)
    market = evidence.market
    rows = _desks(evidence, market)
    parts = (_all_dissatisfied(market), _answered(rows), _worth(rows))
    worth = parts[2]
    return Finding(
        verdict=worth.verdict,
        reason=(
            f"On {evidence.label}: {worth.reason} That {market.complaints.stay_quick:.0%} of the quickly answered "
            "stay is an assumption here, not a finding."
        ),
        estimate=worth.estimate,
        lower=worth.lower,
        upper=worth.upper,
        unit=worth.unit,
        region=worth.region,
        parts=parts,
        tables={"desks": rows},
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """A quick reply that keeps no more customers than none: the desk must come out as not worth its wage."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    evidence = evidence.at(quick=True)
    complaints = evidence.market.complaints
    useless = replace(complaints, stay_quick=complaints.stay_unresolved)
    rows = _desks(evidence, replace(evidence.market, complaints=useless))
    worth = _worth(rows)
    return Finding(
        verdict=worth.verdict,
        reason=worth.reason,
        estimate=worth.estimate,
        lower=worth.lower,
        upper=worth.upper,
        unit=worth.unit,
    )


def _desks(evidence: MarketEvidence, market: Market) -> Table:
    """Run the desks without a wage; rows of gains and of the wage each would bear."""
    asking = AskForComplaints(cost_per_purchase=COST_OF_ASKING)
    strategies = [
        Strategy(name=OWN),
        Strategy(name="1 clerk", desk=_desk(1)),
        Strategy(name="2 clerks", desk=_desk(2)),
        Strategy(name="1 clerk, buyers asked", desk=_desk(1), asking=asking),
    ]
    comparison = evidence.compare(strategies, market=market)
    periods = round(evidence.horizon / evidence.period)
    annuity = float(discount_factors(periods, evidence.period, market.discount_force).sum())
    totals = {name: comparison.values(name).mean() for name in ("complaints", "replies_quick", "losses_complaint")}
    gains = {str(row["strategy"]): row for row in comparison.differences(against=OWN).to_dict("records")}
    rows: Table = []
    for strategy in strategies[1:]:
        gain = gains[strategy.name]
        assert strategy.desk is not None
        rows.append(
            {
                "desk": strategy.name,
                "staff": strategy.desk.staff,
                "gain": float(gain["mean"]),
                "lower": float(gain["lower"]),
                "upper": float(gain["upper"]),
                "wage_per_clerk_and_period": float(gain["mean"]) / annuity / strategy.desk.staff,
                "wage_lower": float(gain["lower"]) / annuity / strategy.desk.staff,
                "wage_upper": float(gain["upper"]) / annuity / strategy.desk.staff,
                "complaints": float(totals["complaints"][strategy.name]),
                "answered_quickly": float(totals["replies_quick"][strategy.name]),
                "lost_after_reply": float(totals["losses_complaint"][strategy.name]),
                "correlation": float(gain["correlation"]),
                "variance_reduction": float(np.minimum(gain["variance_reduction"], 1e9)),
                "replications": evidence.replications,
            }
        )
    return rows


def _desk(staff: int) -> ComplaintDesk:
    return ComplaintDesk(
        staff=staff, mean_service_time=MEAN_SERVICE_TIME, wage_per_period=0.0, cost_per_reply=COST_PER_REPLY
    )


def _worth(rows: Table) -> Part:
    """The desk's gain before its wage: below zero it FAILS, above zero it pays up to a wage."""
    best = max(rows, key=lambda row: row["wage_lower"])
    one, two = rows[0], rows[1]
    if best["lower"] > 0:
        verdict = Verdict.HOLDS_IF
    elif best["upper"] <= 0 or all(row["lower"] <= 0 for row in rows):
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.UNTESTABLE
    return Part(
        name="(c) what the desk is worth",
        estimand=(
            "Net present profit of a desk without wages over the market's own handling, money over the horizon, paired."
        ),
        verdict=verdict,
        estimate=best["gain"],
        lower=best["lower"],
        upper=best["upper"],
        unit="money over the horizon",
        reason=(
            f"before wages the best desk ({best['desk']}) earns {best['gain']:,.0f} [{best['lower']:,.0f}, "
            f"{best['upper']:,.0f}] from {best['complaints']:.0f} complaints; a second clerk adds "
            f"{two['gain'] - one['gain']:,.0f}."
        ),
        region=(
            f"The best desk ({best['desk']}) pays as long as a clerk costs less than {best['wage_lower']:,.2f} to "
            f"{best['wage_upper']:,.2f} per period."
        )
        if verdict is Verdict.HOLDS_IF
        else None,
    )


def _answered(rows: Table) -> Part:
    """Who stays of those that the desk answered: put in through TARP's figures and the queue."""
    row = rows[0]
    asked = max(round(row["complaints"] * row["replications"]), 1)
    left = round(row["lost_after_reply"] * row["replications"])
    found = binomtest(asked - left, asked)
    bounds = found.proportion_ci(confidence_level=0.95, method="wilson")
    return Part(
        name="(b) the answered customers",
        estimand="Percentage of complainants who stay after the desk's reply, one clerk, over all replications.",
        verdict=Verdict.UNTESTABLE,
        estimate=100 * float(found.statistic),
        lower=100 * float(bounds.low),
        upper=100 * float(bounds.high),
        unit="percent of complainants",
        reason=(
            f"{found.statistic:.1%} stay, {row['answered_quickly'] / max(row['complaints'], 1e-9):.1%} being "
            "answered quickly; but the share that stays after a quick reply is what was put in. It would take a "
            "randomised delay of replies to test."
        ),
    )


def _all_dissatisfied(market: Market) -> Part:
    """Who stays of all dissatisfied customers when every complaint is answered quickly: c s_quick + (1 - c)
    s_silent."""
    c = market.complaints
    stay = c.complaint_probability * c.stay_quick + (1 - c.complaint_probability) * c.silent_stay
    needed = (LOW - c.silent_stay) / (c.stay_quick - c.silent_stay) if c.stay_quick > c.silent_stay else np.inf
    holds = LOW <= stay <= HIGH
    return Part(
        name="(a) all dissatisfied customers",
        estimand="Percentage of all dissatisfied customers who stay when every complaint is answered quickly.",
        verdict=Verdict.HOLDS if holds else (Verdict.HOLDS_IF if needed <= 1 else Verdict.FAILS),
        estimate=100 * stay,
        unit="percent of the dissatisfied",
        reason=(
            f"With {c.complaint_probability:.0%} complaining and {c.silent_stay:.0%} of the silent staying, "
            f"{stay:.1%} of all dissatisfied customers stay, against the stated {LOW:.0%}-{HIGH:.0%}."
        ),
        region=None if holds or needed > 1 else f"At least {needed:.0%} of the dissatisfied complain.",
    )
