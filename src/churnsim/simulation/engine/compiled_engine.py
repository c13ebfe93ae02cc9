"""The fast engine: customers advanced by compiled code from one boundary to the next.

Where nothing interacts a boundary is a period's start, or there is none before the horizon; with a complaint desk or
referrals it is every epoch's start. At a boundary the engine settles in (time, uid) order what customers did to each
other, lets the firm act, and goes on. It gives the same ledger and the same events as `simpy_engine`, bit for bit.

All that a customer needs of others within a period is the reply to its complaint. So a record is taken from memory once
a period: everybody is advanced to its end at its first boundary; then, epoch by epoch, what they did until then is
settled, and those who came or were answered catch up with the rest.

Where few mechanisms are on and no log is kept, boundaries too are settled in compiled code, one call for many
replications (`replication_block.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.desk import serve_complaints
from churnsim.kernels.engine.ledger_accounts import KINDS
from churnsim.kernels.engine.ledger_updates import LOG
from churnsim.simulation.engine.bookkeeping import INDEX, Books, InvariantError, checked_totals, close_stocks
from churnsim.simulation.engine.customer_states import customer_states
from churnsim.simulation.engine.epoch_boundary import EpochBoundary
from churnsim.simulation.engine.ledger import Event, Ledger
from churnsim.simulation.engine.record_population import Places, RecordPopulation
from churnsim.simulation.engine.replication_block import Memory, ReplicationBlock, groups_of
from churnsim.simulation.engine.replication_inputs import DrawnMarket, ReplicationInputs, row_bounds
from churnsim.simulation.scenario.scenario import Scenario

# Customers above whom a replication is not planned as a whole: what happens in a period would not fit the buffers.
MOST_PLANNED = 50_000
MOST_AT_HAND = 100_000  # drawn customers of a block of replications, at some 100 bytes each


def run(scenario: Scenario, *, seed: int, replication: int, log: bool = False, threads: int = 1) -> Ledger:
    """Run one replication. Raises InvariantError if the books do not close.

    `threads` share the customers; the result does not depend on their number.
    """
    if log or threads > 1:
        inputs = ReplicationInputs.of(scenario, seed=seed, replication=replication, threads=threads)
        return _run(inputs, log=log, threads=threads)
    return run_many([scenario], seed=seed, replications=[replication])[0][0]


def run_many(scenarios: Sequence[Scenario], *, seed: int, replications: Sequence[int]) -> list[list[Ledger]]:
    """The ledgers of scenarios on one market, of each in the order of the replications.

    Blocks of replications are drawn once for all scenarios, share the memory and what is made ready, and are run in one
    call where compiled code settles their boundaries.
    """
    found: list[list[Ledger]] = [[] for _ in scenarios]
    market = scenarios[0].market
    memory: Memory | None = None
    lost = any(part.regains for scenario in scenarios for part in scenario.strategy.parts)
    size = max(1, MOST_AT_HAND // max(len(market.customers), 1))
    for start in range(0, len(replications), size):
        drawn = [
            DrawnMarket.of(market, seed=seed, replication=number, lost=lost)
            for number in replications[start : start + size]
        ]
        for worlds in groups_of(drawn):
            planned = len(worlds[0].base.uids) <= MOST_PLANNED
            block = ReplicationBlock(worlds, memory, seed) if planned else None
            for ledgers, scenario in zip(found, scenarios, strict=True):
                done = block.ledgers(scenario) if block else [None] * len(worlds)
                ledgers += [
                    ledger or _run(ReplicationInputs.in_world(scenario, world, seed=seed))
                    for ledger, world in zip(done, worlds, strict=True)
                ]
            memory = block.memory if block else memory
    return found


def _residual(population: RecordPopulation) -> int:
    # Without discounting what customers are worth for ever has no end.
    force = population.inputs.force
    return population.residual(force) if force > 0 else 0


def _ledger(scenario: Scenario, force: float, table: NDArray[np.int64], waiting: int, **more: Any) -> Ledger:
    return Ledger(table=table, period=scenario.period, discount_force=force, open_complaints=waiting, **more)


def _run(inputs: ReplicationInputs, *, log: bool = False, threads: int = 1) -> Ledger:
    """One replication with its boundaries settled in Python."""
    population = RecordPopulation(inputs, threads=threads, log=log, bounds=row_bounds(inputs.scenario))
    try:
        return _Run(inputs, population, log=log).ledger()
    finally:
        population.close()


class _Run:
    def __init__(self, inputs: ReplicationInputs, population: RecordPopulation, *, log: bool) -> None:
        self.inputs, self.population, self.log = inputs, population, log
        self.scenario, self.market = inputs.scenario, inputs.market
        self.books = Books(periods=self.scenario.periods, active=population.active_at_start, log=False)
        self.boundary = EpochBoundary(inputs, self.books, active=population.active_at_start)
        self.clerks = np.zeros(sum(part.clerks for part in self.scenario.strategy.parts))
        self.rows = (population.bounds.size - 1) // self.scenario.periods  # of the population's books, a period
        self.epochs = self.scenario.epochs_per_period // self.rows  # a row

    def ledger(self) -> Ledger:
        """Run to the horizon and close the books."""
        self._run()
        return self._closed()

    def _run(self) -> None:
        boundary, population, bounds = self.boundary, self.population, self.population.bounds
        for period in range(self.scenario.periods):
            self.books.open(period)
            boundary.firm.standing_costs()
            # Nothing happens at a later period's start: everybody was advanced to the horizon at the first.
            if period and not boundary.every_period:
                continue
            end = float(bounds[(period + 1) * self.rows if boundary.every_period else -1])
            answered = np.empty(0, dtype=np.int64)
            for population.now in range(period * self.rows, (period + 1) * self.rows):
                boundary.settle(population.now * self.epochs, population)
                if population.now == period * self.rows:
                    population.advance(end, boundary.firm)
                else:
                    population.catch_up(answered, end, boundary.firm)
                answered = self._serve()
        population.now = bounds.size - 1
        boundary.last(population)

    def _serve(self) -> Places:
        """Let clerks settle when complaints are answered; the places of the customers who made them."""
        complaints = self.population.take_complaints()
        if complaints.size:
            p = self.inputs
            serve_complaints(
                p.rules, complaints, complaints.size, self.clerks, self.population.customers, self.population.wake,
                p.replication, p.seed,
            )  # fmt: skip
        return complaints["customer"]

    def _closed(self) -> Ledger:
        population, scenario = self.population, self.scenario
        active, waiting = population.census()
        table = self.books.table + population.table.reshape(scenario.periods, self.rows, -1).sum(axis=1)
        table[-1, INDEX["residual"]] = _residual(population)
        close_stocks(table, active=population.active_at_start, counted=active + waiting)
        total = checked_totals(table, waiting=waiting)
        return _ledger(
            scenario, self.inputs.force, table, waiting,
            events=self._events(int(total["revenue"])) if self.log else (),
            customers=customer_states(population.settled()) if self.log else None,
            channels=self.boundary.channels(),
        )  # fmt: skip

    def _events(self, revenue: int) -> tuple[Event, ...]:
        lines = self.population.buffers.take(LOG, np.inf)
        # Workers log in their own order; time and uid give the one of a single thread.
        lines = lines[np.lexsort((lines["uid"], lines["time"]))]
        if int(lines["cents"].sum()) != revenue:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")
        columns = (lines[name].tolist() for name in ("time", "uid", "kind", "cents"))
        return tuple(Event(time, uid, KINDS[kind], paid) for time, uid, kind, paid in zip(*columns, strict=True))
