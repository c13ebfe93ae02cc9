"""Part (c) of `five-percent-churn`: simulated margin of customers fitted to real, non-contractual data.

The retention of a living base over a year is the mean probability, by the model that each customer was drawn from, to
be there a year later. "Five points" raises that mean by .05 through one factor on everybody's dropout (its chance to
leave at a purchase or renewal, or its hazard); "five percent" takes 5% off everybody's dropout. Both are free here:
what they may cost is read off the gain.

Given its traits a living customer's expected purchases have a closed form under every purchase model, so that the claim
needs no simulation: its gains are averaged over the models of the customers' histories, and their intervals carry the
spread over draws of the fitted parameters. `gains_table` simulates the market's own model; its intervals carry chance,
the t interval over paired replications, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW
from churnsim.claims.machinery.claim import Evidence, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.families import COUNTS, Averaged, Same, families_of
from churnsim.claims.machinery.fitted import base_draws, draw_of
from churnsim.claims.machinery.verdicts import Answer, spread
from churnsim.decisions.comparison.paired import ratio_gain
from churnsim.errors import DataError
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.scenario.strategy import ChurnChange, Strategy
from churnsim.statistics import student_quantile
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
            name="(c1) five points, today's customers", estimand=gain + "today's customers.", evidence=evidence
        ),
        SimulatedCustomers(
            name=f"(c2) five points, a new cohort over {YEARS} years",
            estimand=gain + "a new cohort's repeat purchases.",
            evidence=cohort,
        ),
    )


def parts_c(
    evidence: Evidence, quick: bool = False, *, change: str = MORE_POINTS, settings: int = 2
) -> tuple[tuple[Part, ...], Rows]:
    """The literal five percent on today's customers, and one part for each of the first `settings` settings, under each
    purchase model in closed form. `change` is what is held against 25-85%: the control judges `FEWER_PERCENT`. Not run
    without `MarketEvidence`."""
    if not isinstance(evidence, MarketEvidence):
        reason = "Needs a fitted market: run it within a study, or hand over a market."
        missing = Part(name="(c) own customers", estimand="", answer=Answer.UNDECIDED, ran=False, reason=reason)
        return (missing,), []
    parts: list[Part] = []
    table: Rows = []
    for place in range(settings):
        setting, found = _found(Same(evidence), evidence.at(quick=quick).replications, place)
        table += _rows(setting, found)
        if place == 0 and change == MORE_POINTS:
            parts.append(_part(setting, found, FEWER_PERCENT, name="(c0) five percent, today's customers"))
        parts.append(_part(setting, found, change, name=setting.name))
    return tuple(parts), table


@dataclass(frozen=True)
class _Gains:
    """Under one model: today's yearly retention, the factor on dropout of five points, and the gain by change."""

    retention: float
    factor: float | None
    gains: dict[str, Floats]


_ByModel = tuple[dict[str, _Gains], Mapping[str, float]]
"""The gains under each model, and the models' weights."""


@lru_cache(maxsize=4)  # the control judges what the claim has found another way
def _found(of: Same, replications: int, place: int) -> tuple[SimulatedCustomers, _ByModel]:
    """A setting of the evidence run so often, and its gains."""
    (evidence,) = of.things
    setting = settings_of(replace(evidence, replications=replications))[place]
    return setting, _by_model(setting)


def _by_model(setting: SimulatedCustomers) -> _ByModel:
    """The gains under each model of the customers' histories, or under the market's own, with the models' weights."""
    evidence = setting.evidence
    families = families_of(evidence)
    markets = families.markets(evidence) if families else {"the market's own model": evidence}
    weights = families.weights if families else dict.fromkeys(markets, 1.0)
    return {name: _expected(market) for name, market in markets.items() if weights[name] >= COUNTS}, weights


def _expected(evidence: MarketEvidence) -> _Gains:
    retention = _yearly_retention(evidence)
    factor = _factor_for(retention, 0.05)
    factors = {FEWER_PERCENT: 0.95} | ({MORE_POINTS: factor} if factor is not None else {})
    try:
        gains = dict(zip(factors, _expected_gains(evidence, tuple(factors.values())), strict=True))
    except DataError:  # no margin, or nothing spent: there is nothing to gain on
        gains = {}
    return _Gains(retention(1.0), factor, gains)


def in_ten(share: float) -> str:
    """A share as a plain fraction, of at most ten.

    Examples
    --------
    >>> in_ten(0.7503), in_ten(0.36)
    ('3 of 4', '3 of 8')
    """
    found = Fraction(share).limit_denominator(10)
    return f"{found.numerator} of {found.denominator}"


def _rows(setting: SimulatedCustomers, found: _ByModel) -> Rows:
    models, weights = found
    return [
        {
            "customers": setting.name, "model": model, "weight": weights[model], "change": change,
            "retention": gains.retention, "dropout_factor": 0.95 if change == FEWER_PERCENT else gains.factor,
            **spread(values).row("gain"),
        }
        for model, gains in models.items()
        for change, values in gains.gains.items()
    ]  # fmt: skip


def _part(setting: SimulatedCustomers, found: _ByModel, change: str, *, name: str) -> Part:
    models, weights = found
    stay = " to ".join(f"{share:.0%}" for share in sorted({round(m.retention, 2) for m in models.values()}))
    if any(change not in gains.gains for gains in models.values()):
        why = f"{stay} stay a year, so five points more are out of reach, or the margin is not above zero."
        return Part(name=name, estimand=setting.estimand, answer=Answer.UNDECIDED, reason=why)
    average = Averaged({model: 100.0 * gains.gains[change] for model, gains in models.items()}, weights)
    prevented = sorted({in_ten(1.0 - (m.factor or 1.0)) for m in models.values()})
    means = f", which here takes preventing {' or '.join(prevented)} defections" * (change == MORE_POINTS)
    return average.part(
        name=name,
        estimand=setting.estimand if change == MORE_POINTS else setting.estimand.replace(
            "yearly retention rises by five points", "five percent of the defections are prevented"
        ),
        unit="percent",
        judged=lambda gain: gain.within(100.0 * LOW, 100.0 * HIGH),
        why=f"On {setting.evidence.label}, of whom {stay} stay a year, {change}{means}: percent more margin ",
    )  # fmt: skip


def gains_table(evidence: MarketEvidence, *, horizon: float) -> pd.DataFrame:
    """Both gains of both settings, one row each: customers, change, gain, its interval and what the interval is made
    of; `horizon` is that of today's customers."""
    return pd.DataFrame([row for s in settings_of(replace(evidence, horizon=horizon)) for row in _gains(s)])


def _gains(setting: SimulatedCustomers) -> Rows:
    """The gains of both changes with their intervals."""
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
        half = float(student_quantile(0.975, base.size - 1) * np.hypot(estimation, chance))
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
    return rows


def expected_gains(evidence: MarketEvidence, factor: float) -> Floats:
    """Relative gain in expected discounted margin when every dropout is scaled by `factor`, one value a parameter draw.

    The base is drawn with the same uniforms under every draw of the parameters, so that only the parameters differ.
    """
    gains: Floats = _expected_gains(evidence, (factor,))[0]
    return gains


def _expected_gains(evidence: MarketEvidence, factors: tuple[float, ...]) -> Floats:
    """The same for several factors, a row each."""
    gains = np.empty((len(factors), evidence.replications))
    for replication in range(evidence.replications):
        drawn = draw_of(evidence, replication, uniforms_of=0)
        before, *after = (float(drawn.worth_by_outcome(evidence.horizon, factor=f).sum()) for f in (1.0, *factors))
        gains[:, replication] = [worth / before - 1 for worth in after]
    return gains


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
