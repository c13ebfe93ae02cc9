"""The fast engine: customers advanced by compiled code from one meeting point to the next.

Where nothing interacts a meeting is a period's start, or there is none before the horizon; with a complaint desk or
referrals it is every epoch's start. At a meeting the engine settles in (time, uid) order what customers did to each
other, lets the firm act, and goes on. It gives the same ledger and the same events as `simpy_engine`, bit for bit.
"""

from __future__ import annotations

import numpy as np

from churnsim.kernels.accounts import KINDS
from churnsim.kernels.desk import serve
from churnsim.kernels.lives import COMPLAINTS, LOG
from churnsim.kernels.residual import total_residual
from churnsim.kernels.rules import ACTIVE, AWAITING
from churnsim.simulation.books import INDEX, Books, InvariantError, checked_totals, close_stocks
from churnsim.simulation.ledger import Event, Ledger
from churnsim.simulation.meeting import Meeting
from churnsim.simulation.prepared import Prepared
from churnsim.simulation.roster import Roster
from churnsim.simulation.scenario import Scenario

__all__ = ["run"]


def run(scenario: Scenario, *, seed: int, replication: int, log: bool = False, threads: int = 1) -> Ledger:
    """Run one replication. Raises InvariantError if the books do not close.

    `threads` share the customers; the result does not depend on their number.
    """
    prepared = Prepared.of(scenario, seed=seed, replication=replication)
    running = _Run(prepared, Roster(prepared, threads=threads, log=log), log=log)
    try:
        return running.ledger()
    finally:
        running.roster.close()


class _Run:
    def __init__(self, prepared: Prepared, roster: Roster, *, log: bool) -> None:
        self.prepared, self.roster, self.log = prepared, roster, log
        self.scenario, self.market = prepared.scenario, prepared.market
        self.books = Books(periods=self.scenario.periods, active=roster.active_at_start, log=False)
        self.meeting = Meeting(prepared, self.books)
        desk = self.scenario.strategy.desk
        self.clerks = np.zeros(desk.staff if desk else 0)
        self.bounds = np.array([prepared.bound(period) for period in range(self.scenario.periods + 1)])

    def ledger(self) -> Ledger:
        """Run to the horizon and close the books."""
        for period in range(self.scenario.periods):
            self.books.open(period)
            self.meeting.standing_costs()
            self.meeting.review(period, self.roster)
            if self.meeting.every_period:
                for end in self._stretches(period):
                    self._advance(period, end)
            elif period == 0:
                self._advance(0, float(self.bounds[-1]))
        return self._closed()

    def _stretches(self, period: int) -> list[float]:
        """Where lives meet within a period, its end included."""
        if not self.meeting.every_epoch:
            return [float(self.bounds[period + 1])]
        epochs = self.scenario.epochs_per_period
        return [n * float(self.scenario.epoch) for n in range(period * epochs + 1, (period + 1) * epochs + 1)]

    def _advance(self, period: int, end: float) -> None:
        self.roster.advance(end, self.bounds, period, self.meeting.effect, self.meeting.quality)
        self._serve()

    # What customers told

    def _serve(self) -> None:
        complaints = self.roster.take(COMPLAINTS)
        if complaints.size:
            p, order = self.prepared, np.lexsort((complaints["uid"], complaints["time"]))
            serve(
                p.rules, complaints, order, self.clerks, self.roster.customers, self.roster.wake, p.replication, p.seed
            )

    # The end

    def _closed(self) -> Ledger:
        roster, scenario, p = self.roster, self.scenario, self.prepared
        roster.check_uids()
        table = self.books.table + roster.table
        states = roster.customers["state"]
        waiting = int(np.count_nonzero(states == AWAITING))
        force = self.market.discount_force
        if force > 0:
            residual = total_residual(p.rules, p.hazards, p.profits, roster.customers, float(self.bounds[-1]), force)
            table[-1, INDEX["residual"]] = residual
        close_stocks(table, active=roster.active_at_start, counted=waiting + int(np.count_nonzero(states == ACTIVE)))
        total = checked_totals(table, waiting=waiting)
        events = self._events(total["revenue"]) if self.log else ()
        return Ledger(table=table, period=scenario.period, discount_force=force, open_complaints=waiting, events=events)

    def _events(self, revenue: int) -> tuple[Event, ...]:
        lines = self.roster.take(LOG)
        lines = lines[np.lexsort((lines["uid"], lines["time"]))]
        if int(lines["cents"].sum()) != revenue:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")
        columns = (lines[name].tolist() for name in ("time", "uid", "kind", "cents"))
        return tuple(Event(time, uid, KINDS[kind], paid) for time, uid, kind, paid in zip(*columns, strict=True))
