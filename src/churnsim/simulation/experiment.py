"""What is held fixed while strategies and replications vary: market, seed, clock and engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnsim.errors import ConfigError
from churnsim.simulation.engines import Engine, simulate
from churnsim.simulation.ledger import Ledger
from churnsim.simulation.market import Market
from churnsim.simulation.running import Backend, backend_for, run_tasks
from churnsim.simulation.scenario import Scenario
from churnsim.simulation.strategy import Strategy

__all__ = ["Experiment", "check_names"]

# Pieces a worker gets of one strategy: few enough to cost little, enough to share the work evenly.
PIECES_PER_WORKER = 4


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A market and how it is run; durations in the market's unit."""

    market: Market
    seed: int
    horizon: float
    period: float = 4.0
    epoch: float = 1.0
    engine: Engine = "auto"

    def scenario(self, strategy: Strategy) -> Scenario:
        """One strategy on this market and clock."""
        return Scenario(
            market=self.market, strategy=strategy, horizon=self.horizon, period=self.period, epoch=self.epoch
        )

    def ledger(self, strategy: Strategy, replication: int) -> Ledger:
        """One replication of one strategy."""
        return simulate(self.scenario(strategy), seed=self.seed, replication=replication, engine=self.engine)

    def rows(self, strategy: Strategy, replications: Sequence[int]) -> pd.DataFrame:
        """Outcome rows: strategy, replication, period and the ledger's accounts."""
        frames = []
        for replication in replications:
            frame = self.ledger(strategy, replication).frame()
            frame.insert(0, "replication", np.int64(replication))
            frame.insert(0, "strategy", strategy.name)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def outcomes(
        self,
        strategies: Sequence[Strategy],
        replications: range,
        *,
        workers: int = 1,
        backend: Backend | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> pd.DataFrame:
        """Outcome rows of every strategy over `replications`, by strategy in the order given, replication and period.

        `progress` is called with the number of replications that have just finished. Neither `workers` nor `backend`
        changes the result.
        """
        block = max(1, -(-len(replications) // (PIECES_PER_WORKER * workers)))
        chunks = [replications[i : i + block] for i in range(0, len(replications), block)]
        items = [(number, chunk) for number in range(len(strategies)) for chunk in chunks]
        frames: list[pd.DataFrame | None] = [None] * len(items)
        for index, frame in run_tasks(
            _Rows(self, tuple(strategies)), items, workers=workers, backend=backend_for(self.engine, backend)
        ):
            frames[index] = frame
            if progress:
                progress(len(items[index][1]))
        return pd.concat([frame for frame in frames if frame is not None], ignore_index=True)


@dataclass(frozen=True)
class _Rows:
    """The task of one piece: the rows of one strategy for some replications."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]

    def __call__(self, item: tuple[int, range]) -> pd.DataFrame:
        number, replications = item
        return self.experiment.rows(self.strategies[number], replications)


def check_names(strategies: Sequence[Strategy], *, least: int = 1) -> list[str]:
    """The strategies' names; ConfigError unless they differ and there are at least `least`."""
    names = [strategy.name for strategy in strategies]
    if len(set(names)) != len(names) or len(names) < least:
        raise ConfigError(f"strategies need different names, and there must be {least} at least; got {names}.")
    return names
