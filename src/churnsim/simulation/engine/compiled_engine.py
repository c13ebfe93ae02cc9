"""The fast engine: customers advanced by compiled code from one boundary to the next.

Where nothing interacts a boundary is a period's start, or there is none before the horizon; with a complaint desk or
referrals it is every epoch's start. At a boundary the engine settles in (time, uid) order what customers did to each
other, lets the firm act, and goes on. It gives the same ledger and the same events as `simpy_engine`, bit for bit.

All that a customer needs of others within a period is the reply to its complaint. So a record is taken from memory once
a period: everybody is advanced to its end at its first boundary; then, epoch by epoch, what they did until then is
settled, and those who came or were answered catch up with the rest.

Where few mechanisms are on and no log is kept, boundaries too are settled in compiled code, one call a replication
(`kernels/engine/periods.py`).
"""

from __future__ import annotations

import numpy as np

from churnsim.kernels.engine.desk import serve_complaints
from churnsim.kernels.engine.ledger_accounts import KINDS
from churnsim.kernels.engine.ledger_updates import LOG
from churnsim.kernels.engine.records import ACTIVE, AWAITING
from churnsim.simulation.engine.bookkeeping import INDEX, Books, InvariantError, checked_totals, close_stocks
from churnsim.simulation.engine.customer_states import customer_states
from churnsim.simulation.engine.epoch_boundary import EpochBoundary
from churnsim.simulation.engine.ledger import Event, Ledger
from churnsim.simulation.engine.record_population import Places, RecordPopulation
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.scenario.scenario import Scenario

# Customers above whom a replication is not planned as a whole: what happens in a period would not fit the buffers.
MOST_PLANNED = 50_000


def run(scenario: Scenario, *, seed: int, replication: int, log: bool = False, threads: int = 1) -> Ledger:
    """Run one replication. Raises InvariantError if the books do not close.

    `threads` share the customers; the result does not depend on their number.
    """
    inputs = ReplicationInputs.of(scenario, seed=seed, replication=replication)
    by_epoch = scenario.epochs_per_period if scenario.interacts else 1
    starts = [number * (scenario.epochs_per_period // by_epoch) for number in range(scenario.periods * by_epoch + 1)]
    bounds = np.array([start * float(scenario.epoch) for start in starts])
    planned = not log and threads == 1 and len(inputs.market.customers) <= MOST_PLANNED
    while True:
        running = _Run(inputs, RecordPopulation(inputs, threads=threads, log=log, bounds=bounds), log=log)
        try:
            if (ledger := running.ledger(planned=planned)) is not None:
                return ledger
        finally:
            running.population.close()
        planned = False


class _Run:
    def __init__(self, inputs: ReplicationInputs, population: RecordPopulation, *, log: bool) -> None:
        self.inputs, self.population, self.log = inputs, population, log
        self.scenario, self.market = inputs.scenario, inputs.market
        self.books = Books(periods=self.scenario.periods, active=population.active_at_start, log=False)
        self.boundary = EpochBoundary(inputs, self.books, active=population.active_at_start)
        self.clerks = np.zeros(sum(part.clerks for part in self.scenario.strategy.parts))
        self.rows = (population.bounds.size - 1) // self.scenario.periods  # of the population's books, a period
        self.epochs = self.scenario.epochs_per_period // self.rows  # a row

    def ledger(self, *, planned: bool) -> Ledger | None:
        """Run to the horizon and close the books; None where it was `planned` and the plan had no room for it."""
        plan = self.boundary.plan() if planned else None
        if plan is None:
            self._run()
        elif not self.population.live(plan, self.clerks):
            return None
        else:
            self.boundary.firm.standing_costs()
            self.books.table[1:] = self.books.table[0]
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
        population.check_uids()
        table = self.books.table + population.table.reshape(scenario.periods, self.rows, -1).sum(axis=1)
        states = population.customers["state"]
        waiting = int(np.count_nonzero(states == AWAITING))
        # Without discounting what customers are worth for ever has no end.
        force = self.market.discount_force
        if force > 0:
            table[-1, INDEX["residual"]] = population.residual(force)
        close_stocks(
            table, active=population.active_at_start, counted=waiting + int(np.count_nonzero(states == ACTIVE))
        )
        total = checked_totals(table, waiting=waiting)
        events = self._events(total["revenue"]) if self.log else ()
        return Ledger(
            table=table,
            period=scenario.period,
            discount_force=force,
            open_complaints=waiting,
            events=events,
            customers=customer_states(population.settled()) if self.log else None,
            channels=self.boundary.channels(),
        )

    def _events(self, revenue: int) -> tuple[Event, ...]:
        lines = self.population.buffers.take(LOG, np.inf)
        # Workers log in their own order; time and uid give the one of a single thread.
        lines = lines[np.lexsort((lines["uid"], lines["time"]))]
        if int(lines["cents"].sum()) != revenue:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")
        columns = (lines[name].tolist() for name in ("time", "uid", "kind", "cents"))
        return tuple(Event(time, uid, KINDS[kind], paid) for time, uid, kind, paid in zip(*columns, strict=True))
