"""Part (c) of `five-percent-churn`: simulated margin of customers fitted to real, non-contractual data.

The retention of a living base over a year is the mean probability, by the model that each customer was drawn from, to
be there a year later. "Five points" raises that mean by .05 through one factor on everybody's dropout (its chance to
leave at a purchase or renewal, or its hazard); "five percent" takes 5% off everybody's dropout. Both are free here:
what they may cost is read off the gain.

A gain is judged by an interval that carries both kinds of doubt: chance, the t interval of the mean over paired
replications; and estimation, the spread of the expected gain over draws of the fitted parameters. Given its traits a
living customer's expected purchases have a closed form, so that this spread needs no simulation and has no sampling
error; the same formula is a second opinion on the simulated gain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import t as student

from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW
from churnsim.claims.machinery.claim import Evidence, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import base_draws, draw_of
from churnsim.claims.machinery.verdicts import Answer, Spread, by_interval
from churnsim.decisions.comparison.paired import ratio_gain
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.scenario.strategy import ChurnChange, Strategy
from churnsim.typing import Floats
from churnsim.units import units_per_year

AS_IT_IS = "as it is"
FEWER_PERCENT = "5 percent fewer leave"
MORE_POINTS = "5 points more stay a year"
COHORT_SIZE = 1000
YEARS = 5
METRIC = "discounted_margin"


@dataclass(frozen=True, kw_only=True)
class SimulatedCustomers:
    """Whom a part is about, and how they are run."""

    name: str
    estimand: str
    evidence: MarketEvidence


def settings_of(evidence: MarketEvidence) -> tuple[SimulatedCustomers, ...]:
    """Today's customers over the study's horizon, and a new cohort over five years (to the nearest period)."""
    years = round(YEARS * units_per_year(evidence.market.unit) / evidence.period) * evidence.period
    cohort = replace(evidence, market=replace(evidence.market, customers=Cohort(size=COHORT_SIZE)), horizon=years)
    gain = "Relative gain in discounted margin, percent, when yearly retention rises by five points at no cost, of "
    return (
        SimulatedCustomers(
            name="(c1) today's customers, simulated", estimand=gain + "today's customers.", evidence=evidence
        ),
        SimulatedCustomers(
            name=f"(c2) a new cohort over {YEARS} years, simulated",
            estimand=gain + "a new cohort's repeat purchases.",
            evidence=cohort,
        ),
    )


def parts_c(
    evidence: Evidence, quick: bool = False, *, change: str = MORE_POINTS, settings: int = 2
) -> tuple[tuple[Part, ...], Rows]:
    """One part for each of the first `settings` settings, and the table of gains. `change` is what is held against
    25-85%: the control judges `FEWER_PERCENT`. UNTESTED without `MarketEvidence`."""
    if not isinstance(evidence, MarketEvidence):
        reason = "Needs a fitted market: run it within a study."
        return (
            Part(name="(c) simulated customers", estimand="", answer=Answer.UNDECIDED, ran=False, reason=reason),
        ), []
    parts: list[Part] = []
    table: Rows = []
    for setting in settings_of(evidence.at(quick=quick))[:settings]:
        rows, today = _gains(setting)
        table += rows
        parts.append(_part(setting, rows, today, change))
    return tuple(parts), table


def gains_table(evidence: MarketEvidence, *, horizon: float) -> pd.DataFrame:
    """Both gains of both settings, one row each: customers, change, gain, its interval and what the interval is made
    of; `horizon` is that of today's customers."""
    return pd.DataFrame([row for s in settings_of(replace(evidence, horizon=horizon)) for row in _gains(s)[0]])


def _part(setting: SimulatedCustomers, rows: Rows, today: float, change: str) -> Part:
    row = next((row for row in rows if row["change"] == change), None)
    if row is None:
        return Part(
            name=setting.name,
            estimand=setting.estimand,
            answer=Answer.UNDECIDED,
            reason=f"{today:.1%} stay a year, so five points more are out of reach, or the margin is not above zero.",
        )
    answer = by_interval(row["lower"], row["upper"], low=LOW, high=HIGH)
    told = "; ".join(
        f"{r['change']} ({1.0 - r['dropout_factor']:.0%} of all losses prevented): {r['gain']:+.1%} "
        f"[{r['lower']:+.1%}, {r['upper']:+.1%}]"
        for r in rows
    )
    undecided = (
        f" The interval crosses an end of {LOW:.0%}-{HIGH:.0%}: it takes more customers, or a longer log, to decide."
        if answer is Answer.UNDECIDED
        else ""
    )
    return Part(
        name=setting.name,
        estimand=setting.estimand,
        answer=answer,
        **Spread(*(100.0 * row[name] for name in ("gain", "lower", "upper"))).figures("percent"),
        reason=f"On {setting.evidence.label}; {today:.1%} stay a year. {told}.{undecided}",
    )


def _gains(setting: SimulatedCustomers) -> tuple[Rows, float]:
    """The gains of both changes with their intervals, and today's yearly retention."""
    evidence = setting.evidence
    retention = _yearly_retention(evidence)
    today = retention(1.0)
    strategies = [Strategy(name=AS_IT_IS), Strategy(name=FEWER_PERCENT, churn=ChurnChange(factor=0.95))]
    factor = _factor_for(retention, 0.05)
    if factor is not None:
        strategies.append(Strategy(name=MORE_POINTS, churn=ChurnChange(factor=factor)))
    values = evidence.compare(strategies).values(METRIC)
    base = values[AS_IT_IS].to_numpy(dtype=np.float64)
    rows: Rows = []
    for strategy in strategies[1:]:
        gain = ratio_gain(values[strategy.name].to_numpy(dtype=np.float64), base)
        if gain is None or strategy.churn is None:
            continue
        expected = expected_gains(evidence, strategy.churn.factor)
        estimation = float(expected.std(ddof=1)) if evidence.market.draws else 0.0
        chance = gain.sd / np.sqrt(base.size)
        half = float(student.ppf(0.975, base.size - 1) * np.hypot(estimation, chance))
        rows.append(
            {
                "customers": setting.name,
                "change": strategy.name,
                "retention": today,
                "dropout_factor": strategy.churn.factor,
                "gain": gain.mean,
                "lower": gain.mean - half,
                "upper": gain.mean + half,
                "expected_gain": float(expected.mean()),
                "chance_error": float(chance),
                "estimation_error": estimation,
                "replications": int(base.size),
            }
        )
    return rows, today


def expected_gains(evidence: MarketEvidence, factor: float) -> Floats:
    """Relative gain in expected discounted margin when every dropout is scaled by `factor`, one value a parameter draw.

    The base is drawn with the same uniforms under every draw of the parameters, so that only the parameters differ.
    """
    gains = []
    for replication in range(evidence.replications):
        drawn = draw_of(evidence, replication, uniforms_of=0)
        before, after = (float(drawn.worth_by_fate(evidence.horizon, factor=f).sum()) for f in (1.0, factor))
        gains.append(after / before - 1)
    return np.array(gains)


def _yearly_retention(evidence: MarketEvidence) -> Callable[[float], float]:
    """Share of the living who are there a year later when every dropout is scaled by a factor, over all draws."""
    draws = [draw for draw in base_draws(evidence) if draw.alive.any()]

    def retention(factor: float) -> float:
        lost = [draw.lost(draw.year, factor=factor)[draw.alive] for draw in draws]
        return 1.0 - float(np.concatenate(lost).mean()) if lost else 1.0

    return retention


def _factor_for(retention: Callable[[float], float], points: float) -> float | None:
    """The factor on dropout that raises yearly retention by `points`; None where even no dropout at all would not."""
    goal = retention(1.0) + points
    if goal >= 1:
        return None
    return float(brentq(lambda factor: retention(factor) - goal, 0.0, 1.0, xtol=1e-6))
