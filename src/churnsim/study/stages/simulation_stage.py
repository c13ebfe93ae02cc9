"""Every strategy, every replication: run in parallel, stored as they are finished, put together in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from churnsim.decisions.runs.experiment import PIECES_PER_WORKER, Experiment, outcome_rows
from churnsim.decisions.runs.parallel_map import Backend, backend_for, run_tasks
from churnsim.simulation.engine.engines import Engine
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.outcome_parts import Key, OutcomeParts
from churnsim.study.storage.store import RunStore
from churnsim.typing import Ints

CUSTOMERS_AT_ONCE = 50_000  # of the replications of a piece
Piece = tuple[tuple[int, ...], tuple[int, ...]]
"""Replications, and the numbers of the scenarios that lack them."""


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """The task of one piece: some replications of those strategies that still lack them. Where it runs nothing is
    written, so that a worker need not see the run directory."""

    scenarios: tuple[Scenario, ...]
    seed: int
    engine: Engine
    mechanisms: Mapping[str, tuple[Mechanism, ...]]

    def __call__(self, piece: Piece) -> dict[Key, Ints]:
        """The ledgers' tables of these replications under the scenarios named by number."""
        replications, numbers = piece
        found: dict[Key, Ints] = {}
        for engine in {"simpy", self.engine}:
            scenarios = [self.scenarios[number] for number in numbers if self._engine(self.scenarios[number]) == engine]
            if not scenarios:
                continue
            one = scenarios[0]
            experiment = Experiment(
                market=one.market, seed=self.seed, horizon=one.horizon, period=one.period, epoch=one.epoch,
                engine=engine, mechanisms=self.mechanisms if engine == "simpy" else (),
            )  # fmt: skip
            strategies = [scenario.strategy for scenario in scenarios]
            for strategy, ledgers in zip(strategies, experiment.ledgers(strategies, replications), strict=True):
                found |= {
                    (strategy.name, number): ledger.table for number, ledger in zip(replications, ledgers, strict=True)
                }
        return found

    def _engine(self, scenario: Scenario) -> Engine:
        return self.engine if not self.mechanisms.get(scenario.strategy.name) else "simpy"

    @property
    def suited(self) -> Backend:
        """Processes where one of the strategies needs the SimPy engine, else threads."""
        return backend_for("simpy" if self._slow else self.engine)

    @property
    def _slow(self) -> bool:
        return "simpy" in {self._engine(scenario) for scenario in self.scenarios}

    def pieces(self, missing: Sequence[Key], workers: int) -> list[Piece]:
        """What is `missing` in pieces, which are stored and told of when they are done: a fraction of a second each, of
        replications that lack the same strategies."""
        place = {scenario.strategy.name: number for number, scenario in enumerate(self.scenarios)}
        lacking: dict[int, tuple[int, ...]] = {}
        for name, replication in missing:
            lacking[replication] = (*lacking.get(replication, ()), place[name])
        most = 1 if self._slow else CUSTOMERS_AT_ONCE // max(len(self.scenarios[0].market.customers), 1)
        most = max(1, min(most, len(lacking) // (PIECES_PER_WORKER * workers)))
        found: list[Piece] = []
        for replication, numbers in sorted(lacking.items()):
            if found and found[-1][1] == numbers and len(found[-1][0]) < most:
                found[-1] = (*found[-1][0], replication), numbers
            else:
                found.append(((replication,), numbers))
        return found


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
    """Outcomes of all scenarios on one market for these replications: rows by strategy in the order given, replication
    and period.

    Replications that an earlier, interrupted run stored are read, not run again; `done` is told of every ledger,
    stored ones first. The result does not depend on `executor`, nor on what was interrupted when.
    """
    names, parts = [scenario.strategy.name for scenario in scenarios], OutcomeParts(store, scenarios[0].periods)
    wanted = [(name, replication) for name in names for replication in replications]
    stored = parts.stored(names)
    found = {key: stored[key] for key in wanted if key in stored}
    done(len(found))
    task = Ledgers(scenarios=tuple(scenarios), seed=seed, engine=engine, mechanisms=mechanisms)
    pieces = task.pieces([key for key in wanted if key not in found], executor.workers)
    try:
        for _, finished in run_tasks(task, pieces, workers=executor.workers, backend=executor.backend or task.suited):
            parts.add(finished)
            found |= finished
            done(len(finished))
    finally:
        parts.flush()
    return outcome_rows([(*key, found[key]) for key in wanted])
