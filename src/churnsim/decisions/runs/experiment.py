"""What is held fixed while strategies and replications vary: market, seed, clock and engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnsim.decisions.runs.parallel_map import Backend, backend_for, run_tasks
from churnsim.errors import ConfigError
from churnsim.simulation.engine.engines import Engine, simulate
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy

__all__ = ["Experiment", "check_names"]

# Pieces a worker gets: few enough to cost little, enough to share the work evenly.
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
        # Strategies are kept together, since they meet the same drawn customers, unless workers would stand idle.
        parts = min(len(strategies), -(-workers // max(len(chunks), 1)))
        groups = [range(part, len(strategies), parts) for part in range(parts)]
        items = [(numbers, chunk) for chunk in chunks for numbers in groups]
        found: dict[tuple[int, int], pd.DataFrame] = {}
        for _, frames in run_tasks(
            _Rows(self, tuple(strategies)), items, workers=workers, backend=backend_for(self.engine, backend)
        ):
            found.update(frames)
            if progress:
                progress(len(frames))
        return pd.concat([found[key] for key in sorted(found)], ignore_index=True)


@dataclass(frozen=True)
class _Rows:
    """The task of one piece: the rows of some strategies for some replications, by number of strategy and
    replication."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]

    def __call__(self, item: tuple[range, range]) -> dict[tuple[int, int], pd.DataFrame]:
        numbers, replications = item
        return {
            (number, replication): self.experiment.rows(self.strategies[number], [replication])
            for replication in replications
            for number in numbers
        }


def check_names(strategies: Sequence[Strategy], *, least: int = 1) -> list[str]:
    """The strategies' names; ConfigError unless they differ and there are at least `least`."""
    names = [strategy.name for strategy in strategies]
    if len(set(names)) != len(names) or len(names) < least:
        raise ConfigError(f"strategies need different names, and there must be {least} at least; got {names}.")
    return names
