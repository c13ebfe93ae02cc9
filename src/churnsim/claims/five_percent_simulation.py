"""Part (c) of `five-percent-churn`: simulated profit of customers fitted to real, non-contractual data.

A customer with purchase rate lambda and dropout probability p leaves at hazard lambda p, so the retention of a
living base over a year of h time units is the mean of e^(-lambda p h). "Five points" raises that mean by .05
through one factor on everybody's p; "five percent" takes 5% off everybody's p. Both are free here: what they may
cost is read off the gain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from churnsim.claims.claim import Evidence, Part, Table, Verdict
from churnsim.claims.evidence import MarketEvidence, relative_gain
from churnsim.claims.five_percent_map import HIGH, LOW
from churnsim.simulation.population import Cohort
from churnsim.simulation.strategy import ChurnChange, Strategy
from churnsim.units import units_per_year

__all__ = ["part_c", "yearly_retention"]

AS_IT_IS = "as it is"
FEWER_PERCENT = "5 percent fewer leave"
MORE_POINTS = "5 points more stay a year"
COHORT_SIZE = 2000
DRAWS = (
    5  # bases drawn to find the factor; their mean retention differs by less than .001 from that of 50 (measured here)
)


def yearly_retention(evidence: MarketEvidence, *, factor: float = 1.0) -> float:
    """Share of today's living customers who have not dropped out a year later, with every p scaled by `factor`."""
    year = units_per_year(evidence.market.unit)
    shares = []
    for replication in range(DRAWS):
        market = evidence.market.in_replication(replication)
        base = market.customers.draw(
            purchases=market.purchases, spend=market.spend, seed=evidence.seed, replication=replication
        )
        living = base.traits[base.alive]
        shares.append(np.exp(-living[:, 0] * living[:, 1] * factor * year).mean())
    return float(np.mean(shares))


def _factor_for(evidence: MarketEvidence, points: float) -> float | None:
    """The factor on dropout that raises yearly retention by `points`; None where even no dropout at all would not."""
    today = yearly_retention(evidence)
    if today + points >= 1:
        return None
    return float(brentq(lambda f: yearly_retention(evidence, factor=f) - today - points, 0.0, 1.0, xtol=1e-6))


def part_c(evidence: Evidence, quick: bool = False) -> tuple[Part, Table]:
    """The part and its table; UNTESTED without `MarketEvidence`."""
    estimand = (
        "Relative gain in the simulated net present margin of repeat purchases of (i) today's customers over the "
        "study's horizon and (ii) a new cohort over five years, when yearly retention rises by five points, at no "
        "cost; with a 95% paired interval."
    )
    name = "(c) simulated customers"
    if not isinstance(evidence, MarketEvidence):
        return Part(
            name=name,
            estimand=estimand,
            verdict=Verdict.UNTESTED,
            reason="Needs a fitted market: run it within a study.",
        ), []
    evidence = evidence.at(quick=quick)
    five_years = 5 * 13 * evidence.period  # thirteen periods a year where a period is four weeks
    cohort = replace(evidence, market=replace(evidence.market, customers=Cohort(size=COHORT_SIZE)), horizon=five_years)
    rows: Table = []
    for who, setting in (("today's customers", evidence), ("new cohort, five years", cohort)):
        rows += _gains(who, setting)
    points = [row for row in rows if row["change"] == MORE_POINTS]
    inside = [row["lower"] >= LOW and row["upper"] <= HIGH for row in points]
    outside = [row["upper"] < LOW or row["lower"] > HIGH for row in points]
    verdict = _verdict(inside, outside)
    told = "; ".join(
        f"{row['customers']} ({row['retention']:.1%} stay a year): {row['change']} gives {row['gain']:+.1%} "
        f"[{row['lower']:+.1%}, {row['upper']:+.1%}]"
        for row in rows
    )
    where = [
        f"{row['customers']}: {'true' if holds else 'false' if fails else 'not decided by these replications'}"
        for row, holds, fails in zip(points, inside, outside, strict=True)
    ]
    first = points[0] if points else {"gain": None, "lower": None, "upper": None}
    part = Part(
        name=name,
        estimand=estimand,
        verdict=verdict,
        estimate=_percent(first["gain"]),
        lower=_percent(first["lower"]),
        upper=_percent(first["upper"]),
        unit="percent",
        reason=f"On {evidence.label}: {told}."
        + (" These replications do not decide it; run more." if verdict is Verdict.UNTESTABLE else ""),
        region="; ".join(where) if verdict is Verdict.HOLDS_IF else None,
    )
    return part, rows


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


def _verdict(inside: list[bool], outside: list[bool]) -> Verdict:
    """HOLDS or FAILS when every setting says so, HOLDS_IF when some setting is surely inside; otherwise undecided."""
    if inside and all(inside):
        return Verdict.HOLDS
    if outside and all(outside):
        return Verdict.FAILS
    return Verdict.HOLDS_IF if any(inside) else Verdict.UNTESTABLE


def _gains(who: str, evidence: MarketEvidence) -> Table:
    today = yearly_retention(evidence)
    factor = _factor_for(evidence, 0.05)
    strategies = [Strategy(name=AS_IT_IS), Strategy(name=FEWER_PERCENT, churn=ChurnChange(factor=0.95))]
    if factor is not None:
        strategies.append(Strategy(name=MORE_POINTS, churn=ChurnChange(factor=factor)))
    comparison = evidence.compare(strategies)
    years = evidence.horizon / units_per_year(evidence.market.unit)
    rows: Table = []
    for strategy in strategies[1:]:
        gain, lower, upper = relative_gain(comparison, strategy.name, AS_IT_IS)
        values = comparison.values("npv")
        difference = float((values[strategy.name] - values[AS_IT_IS]).mean())
        assert strategy.churn is not None
        rows.append(
            {
                "customers": who,
                "change": strategy.name,
                "retention": today,
                "dropout_factor": strategy.churn.factor,
                "gain": gain,
                "lower": lower,
                "upper": upper,
                "worth_per_customer_and_year": difference / len(evidence.market.customers) / years,
                "replications": evidence.replications,
            }
        )
    return rows
