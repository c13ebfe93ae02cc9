"""How much of a result's spread is chance, how much the error of the fitted parameters, and how much what is believed.

By the law of total variance, with pairs of replications that share some of what varies and nothing else (pick and
freeze): the covariance of two that share parameters and beliefs, and not their random numbers, is the variance that
these two cause; of two that share the parameters alone, what the parameters cause by themselves. The rest of the first
is the beliefs', the interaction of both among it, and the rest of the variance is chance. Sobol' (1993), Mathematical
Modelling and Computational Experiments 1, 407-414; Janon et al. (2014), ESAIM: Probability and Statistics 18, 342-364
(the estimator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from churnsim.checks import check_level, typed
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.statistics import percentile_limits, resample_indices
from churnsim.typing import Floats

RESAMPLES = 2000
SEED = 17_05  # of the bootstrap, so that the same outcomes give the same intervals


@dataclass(frozen=True, kw_only=True)
class VarianceSplit:
    """Where the spread of one replication comes from; the three shares add up to 1.

    Attributes
    ----------
    quantity : str
        In words.
    sd : float
        Standard deviation of the quantity in one replication.
    chance, estimation, beliefs : (float, float, float)
        Share of the variance, with its bootstrap interval: of chance, of the error of the fitted parameters, and of
        what is believed of the market's numbers. 0 where nothing is drawn.
    level : float
        Of the intervals.
    replications : int
        Pairs.
    """

    quantity: str
    sd: float
    chance: tuple[float, float, float]
    estimation: tuple[float, float, float]
    beliefs: tuple[float, float, float]
    level: float
    replications: int

    def __str__(self) -> str:
        told = ", ".join(
            f"{name} {share:.0%} [{low:.0%}, {high:.0%}]"
            for name, (share, low, high) in (
                ("chance", self.chance), ("estimation", self.estimation), ("beliefs", self.beliefs)
            )
        )  # fmt: skip
        return f"{self.quantity} in one replication has a standard deviation of {self.sd:,.4g}: {told}."


@typed
def variance_split(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    quantity: Quantity,
    *,
    level: float = 0.95,
    **run: Unpack[RunArguments],
) -> VarianceSplit:
    """Shares of chance, estimation and beliefs in the variance of a quantity over replications.

    Parameters
    ----------
    market, strategies, quantity
        As `sensitivity` takes them.
    level : float
        Of the bootstrap intervals over replications, which hold less than that of few: 89% to 93% of 20 at 95%.
    **run
        Parameters of `Experiment`; `replications` is 60 by default and at least 10, and `progress` counts them.

    Returns
    -------
    VarianceSplit
        The three shares. One that chance in the estimate made negative is given as 0.

    Raises
    ------
    ConfigError
        For fewer than 10 replications, and a relative quantity.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> belief = cs.evidence.Belief(value=0.3, low=0.1, high=0.5, status="assumed", source="a guess")
    >>> market = cs.Market(
    ...     customers=cs.Cohort(size=50), purchases=model, spend=spend, beliefs={"terms.margin": belief}
    ... )
    >>> split = cs.decisions.variance_split(
    ...     market, [cs.Strategy(name="none")], cs.decisions.Quantity(of="none"), seed=1, horizon=40, replications=20
    ... )
    >>> split.estimation[0], split.beliefs[0] > split.chance[0]
    (0.0, True)
    """
    experiment, level = Experiment.of(market, run), check_level(level)
    if quantity.relative:
        raise ConfigError("a share of a variance needs a plain quantity: leave out relative.")
    experiment.names(strategies)
    size = experiment.size(60, least=10)
    experiment.warn_of_epochs(quantity.strategies(strategies))
    return split_of(experiment, quantity.strategies(strategies), quantity, level=level, size=size)


def split_of(
    experiment: Experiment, strategies: Sequence[Strategy], quantity: Quantity, *, level: float, size: int = 0,
    own: Floats | None = None,
) -> VarianceSplit:  # fmt: skip
    """The same by so many replications, or by those whose `own` values of the quantity are known: with its own draws
    and random numbers, a replication of a comparison."""
    size = size if own is None else own.size
    task = _Replication(experiment.task_part, tuple(strategies), quantity, size)
    drawn = bool(experiment.market.draws), bool(experiment.market.beliefs)
    kinds = ["own", *(["same"] if any(drawn) else []), *(["parameters"] if all(drawn) else [])]
    values = {kind: np.empty(size) for kind in kinds} | ({} if own is None else {"own": own})
    items = [(kind, replication) for kind in kinds if own is None or kind != "own" for replication in range(size)]
    for index, value in experiment.map(task, items):
        kind, replication = items[index]
        values[kind][replication] = value
    picks = resample_indices(size, resamples=RESAMPLES, generator=np.random.Generator(np.random.Philox(SEED)))
    here, again = _shares(values, drawn, np.arange(size)[np.newaxis]), _shares(values, drawn, picks)
    low, high = percentile_limits(again.T, level=level, units=size)
    chance, estimation, beliefs = ((float(here[place, 0]), float(low[place]), float(high[place])) for place in range(3))
    return VarianceSplit(
        quantity=str(quantity), sd=float(values["own"].std(ddof=1)), chance=chance, estimation=estimation,
        beliefs=beliefs, level=level, replications=size,
    )  # fmt: skip


@dataclass(frozen=True)
class _Replication:
    """The task of one replication: with its own draws and random numbers ("own"), with its own draws and the next one's
    random numbers ("same"), or with its own parameters alone ("parameters")."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]
    quantity: Quantity
    size: int

    def __call__(self, item: tuple[str, int]) -> float:
        kind, replication = item
        given, seed, numbers = self.experiment.market, self.experiment.seed, replication
        if kind != "own":
            numbers = (replication + 1) % self.size
        market = given.in_replication(numbers if kind == "parameters" else replication, seed=seed)
        if kind == "parameters":
            purchases, spend = given.draws[replication]
            market = replace(market, purchases=purchases, spend=spend)
        here = replace(self.experiment, market=market)
        return float(
            self.quantity.per_replication(self.quantity.outcomes(here, self.strategies, range(numbers, numbers + 1)))[0]
        )


def _shares(values: dict[str, Floats], drawn: tuple[bool, bool], picks: np.ndarray) -> Floats:
    """Shares of chance, estimation and beliefs (rows) for each choice of replications (columns)."""
    none = np.zeros(len(picks))
    both = _shared(values["own"][picks], values["same"][picks]) if any(drawn) else none
    first = _shared(values["own"][picks], values["parameters"][picks]) if all(drawn) else both
    estimation = np.minimum(first, both) if drawn[0] else none
    return np.array([1 - both, estimation, both - estimation])


def _shared(a: Floats, b: Floats) -> Floats:
    """Share of the variance that both have in common, from 0 to 1: Janon's estimator, with the pooled mean and
    variance."""
    mean = (a.mean(axis=1) + b.mean(axis=1)) / 2
    variance = (a**2 + b**2).mean(axis=1) / 2 - mean**2
    common = (a * b).mean(axis=1) - mean**2
    share: Floats = np.divide(common, variance, out=np.zeros_like(common), where=variance > 0)
    return np.clip(share, 0.0, 1.0)
