"""Every strategy, every replication: run in parallel, stored as they are finished, put together in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from churnsim.decisions.runs.experiment import Experiment, outcome_rows
from churnsim.decisions.runs.parallel_map import Backend, backend_for, run_tasks
from churnsim.simulation.engine.engines import Engine
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.outcome_parts import OutcomeParts
from churnsim.study.storage.store import RunStore
from churnsim.typing import Ints


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """The task of one piece: one replication of those strategies that still lack it. Where it runs nothing is written,
    so that a worker need not see the run directory."""

    scenarios: tuple[Scenario, ...]
    seed: int
    engine: Engine
    mechanisms: Mapping[str, tuple[Mechanism, ...]]

    def __call__(self, piece: tuple[int, tuple[int, ...]]) -> list[Ints]:
        """The ledgers' tables of one replication, for each of the scenarios named by number."""
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
            )
            .ledger(scenario.strategy, replication)
            .table
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
    names, parts = [scenario.strategy.name for scenario in scenarios], OutcomeParts(store, scenarios[0].periods)
    wanted = [(name, replication) for name in names for replication in replications]
    stored = parts.stored(names)
    found = {key: stored[key] for key in wanted if key in stored}
    done(len(found))
    missing = (
        (replication, tuple(number for number, name in enumerate(names) if (name, replication) not in found))
        for replication in replications
    )
    pieces = [piece for piece in missing if piece[1]]
    task = Ledgers(scenarios=tuple(scenarios), seed=seed, engine=engine, mechanisms=mechanisms)
    try:
        for index, tables in run_tasks(task, pieces, workers=executor.workers, backend=executor.backend or task.suited):
            replication, numbers = pieces[index]
            finished = {(names[number], replication): table for number, table in zip(numbers, tables, strict=True)}
            parts.add(finished)
            found |= finished
            done(len(tables))
    finally:
        parts.flush()
    return outcome_rows([(*key, found[key]) for key in wanted])
