"""A firm's own customers under a strategy and without a part of it, each with the same random numbers in both arms.

Every random number is addressed by customer and event, so that a run in which all are treated and one in which all are
held out are what each customer would do in either arm. A trial shows one of the two, of whom is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from churnsim.checks import check_kind
from churnsim.decisions.comparison.metrics import ledger_metric
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.evidence.trial import ArmMean, arm_means, contrast
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.trials.assignment import held_out
from churnsim.typing import Flags, Floats, Ints
from churnsim.units import DAYS_PER_UNIT, Duration

METRIC = "equity"


def experiment_for(market: Market | Experiment, weeks: float, run: RunArguments) -> tuple[Experiment, float]:
    """The experiment of a trial of so many weeks, and their number of time units; it goes on to the end of the period
    in which they end, since the firm acts at a period's start. Raises ConfigError for subscribers."""
    of = market.market if isinstance(market, Experiment) else market
    check_kind(of, "market", Market, "a Market or an Experiment")
    if of.purchases.family == "contract":
        raise ConfigError(
            "a trial is read from purchases, and a contract's customers make none. Take a model of purchases."
        )
    length = Duration(weeks, "W").to(of.unit)
    experiment = Experiment.of(market, {**run, "horizon": length})
    period = experiment.durations.period
    return replace(experiment, horizon=math.ceil(length / period - 1e-9) * period), length


def going_without(strategy: Strategy, parts: Sequence[str]) -> Strategy:
    """The strategy of those who are held out of some parts of it."""
    nothing: dict[str, Any] = dict.fromkeys(parts)
    return replace(strategy, **nothing)


@dataclass(frozen=True, kw_only=True)
class Arms:
    """What is replayed: the strategy and the one without the part that is held out, the values of the number, the
    shares held out with so many `trials` of each, and what is read of customers."""

    strategy: Strategy
    without: Strategy
    about: str
    values: tuple[float, ...]
    effect: int  # which of the values is the one to detect
    shares: tuple[float, ...]
    trials: int
    spend: bool
    uids: Ints
    forecast: Floats
    length: float  # of the trial, in the market's unit
    part: bool  # whether only some of the market's customers take part


class Replayed(NamedTuple):
    """What one replication says. By value: the `gain` of the treated arm a customer, and what the difference's variance
    is made of, n times the variances of the means of the `treated` and of the `control` arm and what the slopes share.
    In `money` what the firm earns under the strategy and without the part, as things are (of those who take part alone,
    in the weeks of the trial, where not everybody does). In `found` the difference,
    its error and degrees of freedom in replayed trials, shape (shares, trials, 3)."""

    gain: Floats
    treated: Floats
    control: Floats
    shared: Floats
    money: Floats
    found: Floats


@dataclass(frozen=True)
class OneReplication:
    """The task of one replication."""

    experiment: Experiment
    arms: Arms

    def __call__(self, replication: int) -> Replayed:
        arms, experiment = self.arms, self.experiment
        x = covariate(arms.forecast)
        held = experiment.ledger(arms.without, replication, log=True)
        as_is = experiment.ledger(arms.strategy, replication, log=arms.part)
        control = self._outcome(held)
        of_control = _mean(control, x)
        gain, treated, shared, found = [], [], [], np.zeros((len(arms.shares), arms.trials, 3))
        for place, value in enumerate(arms.values):
            market, (strategy,) = changed(experiment.market, (arms.strategy,), {arms.about: value})
            y = self._outcome(replace(experiment, market=market).ledger(strategy, replication, log=True))
            mean = _mean(y, x)
            apart = mean.slopes - of_control.slopes
            gain.append(float((y - control).mean()))
            treated.append(len(y) * mean.variance)
            shared.append(float(apart @ mean.spread @ apart))
            if place == arms.effect:
                found = self._trials(y, control, x, replication)
        money = np.array([self._money(ledger) for ledger in (as_is, held)])
        variance = np.full(len(gain), len(control) * of_control.variance)
        return Replayed(np.array(gain), np.array(treated), variance, np.array(shared), money, found)

    def _money(self, ledger: Ledger) -> float:
        if not self.arms.part:
            return ledger_metric(ledger, METRIC)
        assert ledger.customers is not None  # a log was asked for
        return float(ledger.customers["margin"].reindex(self.arms.uids).sum()) / 100

    def _outcome(self, ledger: Ledger) -> Floats:
        """Of each customer in time of the trial: days with a purchase, or what was spent."""
        arms = self.arms
        bought = [e for e in ledger.events if e.kind == "purchase" and e.time < arms.length]
        place = np.searchsorted(arms.uids, np.array([e.uid for e in bought], dtype=np.int64))
        known = place < arms.uids.size
        known[known] = arms.uids[place[known]] == np.array([e.uid for e in bought], dtype=np.int64)[known]
        if arms.spend:
            cents = np.array([e.cents for e in bought], dtype=np.float64)
            return np.bincount(place[known], cents[known], minlength=arms.uids.size) / 100
        day = np.floor(np.array([e.time for e in bought]) * DAYS_PER_UNIT[self.experiment.market.unit])
        several = np.unique(np.column_stack([place[known], day[known]]), axis=0)
        return np.bincount(several[:, 0].astype(np.int64), minlength=arms.uids.size).astype(np.float64)

    def _trials(self, treated: Floats, control: Floats, x: Floats | None, replication: int) -> Floats:
        """Trials that hold each share out, read as a trial is read in the end."""
        arms = self.arms
        random = np.random.default_rng([self.experiment.seed, replication])
        found = np.empty((len(arms.shares), arms.trials, 3))
        for i, share in enumerate(arms.shares):
            for j in range(arms.trials):
                out, _ = held_out(arms.forecast, share, random)
                found[i, j] = read_arms(np.where(out, control, treated), x, out)
        return found


def covariate(forecast: Floats) -> Floats | None:
    """The forecast less its mean as a column; None where it tells customers not apart."""
    return (forecast - forecast.mean())[:, None] if np.ptp(forecast) > 0 else None


def read_arms(y: Floats, x: Floats | None, out: Flags) -> tuple[float, float, float]:
    """Difference (treated less held out), standard error and degrees of freedom by the estimator that reads trials."""
    control, treated = arm_means(y, x, np.ones(len(y)), 1 - out.astype(np.int64), ["control", "treated"])
    return contrast(control, treated)


def _mean(y: Floats, x: Floats | None) -> ArmMean:
    return arm_means(y, x, np.ones(len(y)), np.zeros(len(y), dtype=np.int64), ["all"])[0]


def replayed(experiment: Experiment, arms: Arms, replications: int) -> Replayed:
    """All replications, each array with a first axis for them."""
    found: list[Replayed | None] = [None] * replications
    for index, one in experiment.map(OneReplication(experiment.task_part, arms), range(replications)):
        found[index] = one
    parts: Sequence[Replayed] = [one for one in found if one is not None]
    return Replayed(*(np.stack(column) for column in zip(*parts, strict=True)))
