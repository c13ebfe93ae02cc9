"""Comparing strategies on the same customers meeting the same chances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.decisions.comparison.metrics import check_metric, metric_of
from churnsim.decisions.comparison.paired import interval, paired_difference
from churnsim.decisions.comparison.precision import LEAST_FIRST_STAGE, Precision, PrecisionReached, next_size
from churnsim.decisions.comparison.tail_risk import tail_risk
from churnsim.decisions.runs.experiment import Experiment, check_names
from churnsim.decisions.runs.parallel_map import Backend
from churnsim.errors import ConfigError
from churnsim.simulation.engine.engines import Engine
from churnsim.simulation.engine.ledger import ACCOUNTS
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy

__all__ = ["Comparison", "compare", "joined", "replicate"]

UNPAIRED = "some strategies lack replications that others have, so they cannot be paired."


@dataclass(frozen=True)
class Comparison:
    """Outcomes of several strategies over the same replications.

    `outcomes` has one row per strategy, replication and period, with the ledger's accounts (money in cents). A metric
    is one of `metrics.metric_of`: "npv", "profit", "equity", "discounted_margin" or an account. `precision` says how
    a run to a precision ended.
    """

    outcomes: pd.DataFrame
    period: float
    discount_force: float
    precision: PrecisionReached | None = None

    @classmethod
    def from_outcomes(cls, outcomes: pd.DataFrame, *, market: Market, period: float) -> Comparison:
        """A comparison from stored outcomes; `period` in the market's unit."""
        missing = [name for name in ("strategy", "replication", "period", *ACCOUNTS) if name not in outcomes.columns]
        if missing:
            raise ConfigError(f"the outcomes lack {', '.join(map(repr, missing))}.")
        return cls(outcomes=outcomes, period=period, discount_force=market.discount_force)

    @property
    def strategies(self) -> list[str]:
        """Names, in the order of their first rows."""
        return list(dict.fromkeys(self.outcomes["strategy"]))

    def values(self, metric: str) -> pd.DataFrame:
        """The metric by replication (rows) and strategy (columns)."""
        check_metric(metric)
        names = self.strategies
        frame = self.outcomes.assign(place=self.outcomes["strategy"].map({name: i for i, name in enumerate(names)}))
        frame = frame.sort_values(["place", "replication", "period"], kind="stable")
        replications = np.unique(frame["replication"])
        periods = int(frame["period"].max()) + 1
        shape = (len(names), replications.size, periods)
        keys = (np.arange(len(names))[:, None, None], replications[:, None], np.arange(periods))
        found = (frame[name].to_numpy() for name in ("place", "replication", "period"))
        if len(frame) != np.prod(shape) or not all(
            np.array_equal(column.reshape(shape), np.broadcast_to(key, shape))
            for column, key in zip(found, keys, strict=True)
        ):
            raise ConfigError(UNPAIRED)
        tables = frame[list(ACCOUNTS)].to_numpy(dtype=np.int64).reshape(*shape, len(ACCOUNTS))
        amounts = metric_of(tables, metric, period=self.period, discount_force=self.discount_force)
        return pd.DataFrame(amounts.T, index=pd.Index(replications, name="replication"), columns=names).rename_axis(
            columns="strategy"
        )

    def levels(self, metric: str = "npv", *, level: float = 0.95) -> pd.DataFrame:
        """Each strategy by itself: strategy, metric, mean, lower, upper, sd."""
        values = self.values(metric)
        rows = [
            {"strategy": name, "metric": metric, **asdict(interval(_column(values, name), level=level))}
            for name in self.strategies
        ]
        return pd.DataFrame(rows)

    def differences(
        self, metric: str = "npv", *, against: str | None = "baseline", level: float = 0.95
    ) -> pd.DataFrame:
        """Paired differences, one row a pair: strategy, against, metric, and the fields of `PairedDifference`.

        With `against` each other strategy is compared with that one, each interval at `level` by itself. With
        `against=None` all pairs are, and the intervals hold jointly at `level` (Bonferroni).
        """
        names = self.strategies
        _check_against(names, against)
        pairs = (
            [(name, against) for name in names if name != against]
            if against is not None
            else [(b, a) for a, b in combinations(names, 2)]
        )
        each = level if against is not None else 1 - (1 - level) / max(len(pairs), 1)
        values = self.values(metric)
        rows = [
            {
                "strategy": a,
                "against": b,
                "metric": metric,
                **paired_difference(_column(values, a), _column(values, b), level=each).row(),
            }
            for a, b in pairs
        ]
        return pd.DataFrame(rows)

    def risk(self, metric: str = "npv", *, share: float = 0.05, level: float = 0.95) -> pd.DataFrame:
        """The worst `share` of each strategy's replications: strategy, metric, and the fields of `TailRisk`, among them
        the conditional value at risk `mean` with its bootstrap interval. Needs at least 5 / share replications."""
        values = self.values(metric)
        rows = [
            {"strategy": name, "metric": metric, **asdict(tail_risk(_column(values, name), share=share, level=level))}
            for name in self.strategies
        ]
        return pd.DataFrame(rows)

    def half_width(self, metric: str = "npv", *, against: str | None = "baseline", level: float = 0.95) -> float:
        """The widest half-width among the t intervals of `differences`."""
        table = self.differences(metric, against=against, level=level)
        return float((table["upper"] - table["lower"]).max() / 2)


def _column(values: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return values[name].to_numpy(dtype=np.float64)


def _check_against(names: Sequence[str], against: str | None) -> None:
    if against is not None and against not in names:
        raise ConfigError(f"no strategy {against!r} to compare against; there are {', '.join(map(repr, names))}.")


def replicate(
    market: Market,
    strategy: Strategy,
    *,
    replications: Sequence[int],
    seed: int,
    horizon: float,
    period: float,
    epoch: float,
    engine: Engine = "auto",
) -> pd.DataFrame:
    """Outcome rows (strategy, replication, period, accounts) of one strategy for the replications named."""
    clock = {"horizon": horizon, "period": period, "epoch": epoch}
    return Experiment(market=market, seed=seed, engine=engine, **clock).rows(strategy, replications)


def compare(
    market: Market,
    strategies: Sequence[Strategy],
    *,
    replications: int = 30,
    seed: int,
    horizon: float,
    period: float = 4.0,
    epoch: float = 1.0,
    engine: Engine = "auto",
    workers: int = 1,
    backend: Backend | None = None,
    precision: Precision | None = None,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Run every strategy on the same `replications` (0, 1, ...) of the same market and return the paired comparison.

    With `precision`, `replications` is the first stage (at least 10; 30 cost next to no coverage), and more are added
    until the differences are as precise as asked or the budget ends; the comparison's `precision` says which.

    Durations in the market's unit. `workers` and `backend` share the work without changing the result: "threads" (the
    default for the compiled engine), "processes" (for SimPy's), or "dask" for the cluster of the active
    `distributed.Client`. `progress` is called with the number of replications that have just finished.
    Raises ConfigError for fewer than 2 replications or two strategies of one name.
    """
    names = check_names(strategies)
    if replications < 2:
        raise ConfigError(f"a comparison needs at least 2 replications; got {replications}.")
    experiment = Experiment(market=market, seed=seed, horizon=horizon, period=period, epoch=epoch, engine=engine)

    def run(wanted: range) -> pd.DataFrame:
        return experiment.outcomes(strategies, wanted, workers=workers, backend=backend, progress=progress)

    if precision is None:
        return Comparison(run(range(replications)), period, market.discount_force)
    check_names(strategies, least=2)
    _check_against(names, precision.against)
    most, spent = precision.budget(market)
    if not LEAST_FIRST_STAGE <= replications <= most:
        raise ConfigError(
            f"the first stage of a run to a precision must have between {LEAST_FIRST_STAGE} and {most} replications; "
            f"got {replications}."
        )
    frame, size, stages = run(range(replications)), replications, 1
    while True:
        found = Comparison(frame, period, market.discount_force)
        half = found.half_width(precision.metric, against=precision.against, level=precision.level)
        larger = next_size(size, half_width=half, wanted=precision.half_width, most=most)
        if larger == size:
            reason = "as precise as asked" if half <= precision.half_width else spent
            reached = PrecisionReached(
                asked=precision, half_width=half, replications=size, stages=stages, reason=reason
            )
            return Comparison(frame, period, market.discount_force, reached)
        frame, size, stages = joined(names, frame, run(range(size, larger))), larger, stages + 1


def joined(names: Sequence[str], earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Both frames' rows, by strategy in the order given, then replication."""
    frames = [frame[frame["strategy"] == name] for name in names for frame in (earlier, later)]
    return pd.concat(frames, ignore_index=True)
