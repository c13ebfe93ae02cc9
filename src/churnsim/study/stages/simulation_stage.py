"""Every strategy, every replication: run in parallel, stored piece by piece, put together in a fixed order."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.decisions.runs.experiment import Experiment
from churnsim.decisions.runs.parallel_map import Backend, backend_for, run_tasks
from churnsim.simulation.engine.engines import Engine
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore, concatenated, read_parquet, write_parquet


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """The task of one piece: one replication of those strategies that still lack it. Where it runs nothing is written,
    so that a worker need not see the run directory."""

    scenarios: tuple[Scenario, ...]
    seed: int
    engine: Engine
    mechanisms: Mapping[str, tuple[Mechanism, ...]]

    def __call__(self, piece: tuple[int, tuple[int, ...]]) -> list[pd.DataFrame]:
        """The outcome rows of one replication, a frame for each of the scenarios named by number."""
        replication, numbers = piece
        return [
            Experiment(
                market=scenario.market,
                seed=self.seed,
                horizon=scenario.horizon,
                period=scenario.period,
                epoch=scenario.epoch,
                engine=self._engine(scenario),
                mechanisms=self.mechanisms,
            ).rows(scenario.strategy, [replication])
            for scenario in (self.scenarios[number] for number in numbers)
        ]

    def _engine(self, scenario: Scenario) -> Engine:
        return self.engine if not self.mechanisms.get(scenario.strategy.name) else "simpy"

    @property
    def suited(self) -> Backend:
        """Processes where one of the strategies needs the SimPy engine, else threads."""
        engines = {self._engine(scenario) for scenario in self.scenarios}
        return backend_for("simpy" if "simpy" in engines else self.engine)


def simulate_all(
    store: RunStore,
    scenarios: Sequence[Scenario],
    *,
    replications: range,
    seed: int,
    executor: Executor,
    engine: Engine,
    mechanisms: Mapping[str, tuple[Mechanism, ...]],
    done: Callable[[int], None],
) -> pd.DataFrame:
    """Outcomes of all scenarios for these replications: rows by strategy in the order given, replication and period.

    Replications that an earlier, interrupted run stored are read, not run again; `done` is told of every ledger,
    stored ones first. The result does not depend on `executor`, nor on what was interrupted when.
    """
    paths = {
        (number, replication): store.part("outcomes", scenario.strategy.name, f"{replication:06d}.parquet")
        for number, scenario in enumerate(scenarios)
        for replication in replications
    }
    stored = {
        (number, replication)
        for (number, replication), path in paths.items()
        if _is_whole(path, (scenarios[number].strategy.name, replication), scenarios[0].periods)
    }
    done(len(stored))
    everyone = range(len(scenarios))
    missing = [
        (replication, tuple(number for number in everyone if (number, replication) not in stored))
        for replication in replications
    ]
    pieces = [piece for piece in missing if piece[1]]
    task = Ledgers(scenarios=tuple(scenarios), seed=seed, engine=engine, mechanisms=mechanisms)
    found: dict[tuple[int, int], pd.DataFrame] = {}
    for index, frames in run_tasks(task, pieces, workers=executor.workers, backend=executor.backend or task.suited):
        replication, numbers = pieces[index]
        for number, frame in zip(numbers, frames, strict=True):
            found[number, replication] = frame
            write_parquet(paths[number, replication], frame, durable=False)  # a broken one is run again
        done(len(frames))
    # What was run now is at hand: reading it back takes longer than running a small world.
    return concatenated(found[key] if key in found else read_parquet(path) for key, path in paths.items())


def _is_whole(path: Path, key: tuple[str, int], periods: int) -> bool:
    """Whether a stored piece can be used: one that is broken, or another one's copy, is run again."""
    if not path.is_file():
        return False
    content = io.BytesIO(path.read_bytes())  # outside: what the disk refuses says nothing about the content
    try:
        frame: Any = read_parquet(content)
    except (OSError, ValueError):
        return False
    if len(frame) != periods or not {"strategy", "replication"} <= set(frame.columns):
        return False
    return bool((frame["strategy"] == key[0]).all() and (frame["replication"] == key[1]).all())
