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
from churnsim.simulation.customer_states import customer_states
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
        self.meeting = Meeting(prepared, self.books, active=roster.active_at_start)
        desk = self.scenario.strategy.desk
        self.clerks = np.zeros(desk.staff if desk else 0)
        self.bounds = np.array([prepared.bound(period) for period in range(self.scenario.periods + 1)])

    def ledger(self) -> Ledger:
        """Run to the horizon and close the books."""
        meeting, epochs = self.meeting, self.scenario.epochs_per_period
        for period in range(self.scenario.periods):
            self.books.open(period)
            meeting.firm.standing_costs()
            if period and not meeting.every_period:
                continue
            for epoch in range(epochs if meeting.every_epoch else 1):
                number = period * epochs + epoch
                meeting.meet(number, self.roster)
                self._advance(period, number + 1)
        meeting.last(self.roster)
        return self._closed()

    def _advance(self, period: int, following: int) -> None:
        """Advance to the next meeting, at epoch `following` where lives meet each epoch, else as late as may be."""
        end = following * float(self.scenario.epoch)
        if not self.meeting.every_epoch:
            end = float(self.bounds[period + 1 if self.meeting.every_period else -1])
        self.roster.advance(end, self.bounds, period, self.meeting.firm)
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
        return Ledger(
            table=table,
            period=scenario.period,
            discount_force=force,
            open_complaints=waiting,
            events=events,
            customers=customer_states(roster.customers) if self.log else None,
        )

    def _events(self, revenue: int) -> tuple[Event, ...]:
        lines = self.roster.take(LOG)
        lines = lines[np.lexsort((lines["uid"], lines["time"]))]
        if int(lines["cents"].sum()) != revenue:
            raise InvariantError("the event log's cents do not sum to the ledger's revenue.")
        columns = (lines[name].tolist() for name in ("time", "uid", "kind", "cents"))
        return tuple(Event(time, uid, KINDS[kind], paid) for time, uid, kind, paid in zip(*columns, strict=True))
