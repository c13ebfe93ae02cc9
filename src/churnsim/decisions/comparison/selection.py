"""Choosing the best of several strategies with a guaranteed probability of a correct selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.decisions.comparison.compare import Comparison, told_doubts
from churnsim.decisions.comparison.kim_nelson import KimNelson
from churnsim.decisions.comparison.metrics import check_metric
from churnsim.decisions.comparison.precision import Precision
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy


@dataclass(frozen=True, kw_only=True)
class Selection:
    """How a selection ended.

    `chosen` is the strategy selected, None where the budget ended with several still in. `table` has one row a
    strategy: strategy, mean (over the replications it was in), replications, eliminated_at (the replication after
    which it was out; missing for those still in). The guarantee: where the best mean exceeds every other by at least
    `indifference` (in the metric's unit), it is chosen with probability `level`, if means over replications are
    normal; where it does not, what is chosen is within `indifference` of the best with about that probability. Of what
    happens seldom it does not hold: a lead that comes from one replication in 50 was seen in 31% of selections that
    began with 20. `doubts` says which strategies differed by the same in the whole first stage.

    Attributes
    ----------
    chosen : str or None
        The strategy selected.
    metric : str
        What was compared.
    indifference : float
        Difference, in the metric's unit, that is not worth finding out.
    level : float
        Probability of the guarantee.
    first_stage, replications : int
        Replications at the start and in all.
    reason : str
        Why it ended, in words.
    table : DataFrame
        One row a strategy.
    doubts : str
        What makes replications differ, and what the guarantee leaves out.
    """

    chosen: str | None
    metric: str
    indifference: float
    level: float
    first_stage: int
    replications: int
    reason: str
    table: pd.DataFrame
    doubts: str = ""

    @property
    def remaining(self) -> list[str]:
        """The strategies that were not ruled out."""
        return self.table.loc[self.table["eliminated_at"].isna(), "strategy"].tolist()

    def __str__(self) -> str:
        if self.chosen is None:
            return (
                f"undecided between {', '.join(self.remaining)} after {self.replications} replications: {self.reason}. "
                f"{self.doubts}"
            ).rstrip()
        return (
            f"{self.chosen} after {self.replications} replications: the best in {self.metric}, or within "
            f"{self.indifference:,.4g} of it, at {self.level:.0%} probability (Kim & Nelson 2001). {self.doubts}"
        ).rstrip()


@typed
def select_best(
    market: Market | Experiment,
    strategies: Sequence[Strategy],
    *,
    indifference: float,
    metric: str = "npv",
    level: float = 0.95,
    first_stage: int | None = None,
    max_replications: int = 1000,
    largest: bool = True,
    **run: Unpack[RunArguments],
) -> Selection:
    """Choose the strategy with the largest mean metric (with `largest=False` the smallest) by the fully sequential
    procedure of Kim and Nelson (2001): strategies are eliminated as replications come in, until one is left.

    Parameters
    ----------
    market : Market or Experiment
        An experiment, or a market with the parameters of an `Experiment` as keyword arguments.
    strategies : sequence of Strategy
        At least two strategies with different names.
    indifference : float
        The smallest difference in the mean metric that matters, in the metric's unit.
    metric : str
        As in `Comparison.values`.
    level : float
        Probability of choosing the best strategy when it leads by at least `indifference`; between 1 / (number of
        strategies) and 1.
    first_stage : int, optional
        Replications that every strategy gets first, for the variances of the differences; by default the experiment's
        `replications`, or 20.
    max_replications : int
        The most replications; a market with parameter draws has no more than draws.
    largest : bool
        Whether a large metric is good.
    **run
        Parameters of `Experiment`.

    Returns
    -------
    Selection
        The strategy chosen, or those left when the replications were used up.

    Raises
    ------
    ConfigError
        For fewer than two strategies, an impossible level, indifference or first stage.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> strategies = [
    ...     cs.Strategy(name="baseline"),
    ...     cs.Strategy(name="asking", asking=cs.simulation.AskForComplaints(cost_per_purchase=0.5)),
    ... ]
    >>> found = cs.decisions.select_best(market, strategies, indifference=10.0, metric="profit", seed=1, horizon=8)
    >>> found.chosen in ("baseline", "asking")
    True
    """
    experiment = Experiment.of(market, run)
    market = experiment.market
    if first_stage is None:
        first_stage = experiment.size(20)
    names = experiment.names(strategies, least=2)
    check_metric(metric)
    procedure = KimNelson(len(names), indifference=indifference, level=level, first_stage=first_stage)
    # The same limits as a run to a precision: a number of replications, or of parameter draws.
    most, spent = Precision(half_width=indifference, max_replications=max_replications).budget(market)
    if first_stage > most:
        raise ConfigError(f"the first stage has {first_stage} replications, but only {most} may be run.")
    sign = 1.0 if largest else -1.0
    start, block = 0, first_stage
    while not procedure.finished and start < most:
        stop = min(start + block, most)
        still = [strategies[i] for i in procedure.survivors]
        rows = experiment.outcomes(still, range(start, stop))
        period = experiment.durations.period
        compared = Comparison.from_outcomes(rows, market=market, period=period, seed=experiment.seed)
        found = compared.values(metric)[[s.name for s in still]]
        values = np.full((stop - start, len(names)), np.nan)
        values[:, procedure.survivors] = sign * found.to_numpy()
        for row in values:
            if procedure.add(row):
                break
        # What is run ahead to keep the workers busy, and not looked at, is the price of running in parallel.
        start, block = stop, max(1, experiment.workers)
    ended = _selection(procedure, names, sign, metric, spent)
    return replace(ended, doubts=f"{ended.doubts} {told_doubts(market)}".lstrip())


def select_from(
    values: pd.DataFrame,
    *,
    indifference: float,
    metric: str = "npv",
    level: float = 0.95,
    first_stage: int = 20,
    spent: str = "the replications are used up",
) -> Selection:
    """The same choice from replications that have been run already, `Comparison.values(metric)`: they are looked at in
    order until one strategy is left."""
    names = [str(name) for name in values.columns]
    procedure = KimNelson(len(names), indifference=indifference, level=level, first_stage=first_stage)
    for row in values.to_numpy(dtype=np.float64):
        if procedure.add(row):
            break
    return _selection(procedure, names, 1.0, metric, spent)


def _selection(procedure: KimNelson, names: list[str], sign: float, metric: str, spent: str) -> Selection:
    out = procedure.eliminated_at
    counts = np.where(out > 0, out, procedure.replications)
    table = pd.DataFrame(
        {
            "strategy": names,
            "mean": sign * procedure.sums / counts,
            "replications": counts,
            "eliminated_at": pd.array(np.where(out > 0, out, 0), dtype="Int64"),
        }
    )
    table.loc[out == 0, "eliminated_at"] = pd.NA
    return Selection(
        chosen=names[procedure.survivors[0]] if procedure.finished else None,
        metric=metric,
        indifference=procedure.indifference,
        level=procedure.level,
        first_stage=procedure.first_stage,
        replications=procedure.replications,
        reason="one strategy is left" if procedure.finished else spent,
        table=table,
        doubts=_never_varied(procedure, names),
    )


def _never_varied(procedure: KimNelson, names: list[str]) -> str:
    """A sentence about pairs of whose difference the first stage shows no variance, so that nothing is guaranteed."""
    if not procedure.alike:
        return ""
    pairs = ", ".join(f"{names[one]} and {names[other]}" for one, other in procedure.alike)
    unseen = 1 - (1 - procedure.level) ** (1 / procedure.first_stage)
    return (
        f"The difference of {pairs} was the same in all {procedure.first_stage} replications of the first stage: the "
        f"guarantee does not hold of what happens in fewer than {unseen:.0%} of replications."
    )
