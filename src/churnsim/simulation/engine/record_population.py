"""The compiled engine's customers: one array of records, advanced in chunks by a pool of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ChurnSimError, ConfigError
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine import population_ops as kernel
from churnsim.kernels.engine.arguments import BaseColumns, Buffers, Means
from churnsim.kernels.engine.event_loop import advance
from churnsim.kernels.engine.firm_view import FirmView, apply_all_pending, charge, empty_view
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, LOG, LOG_LINE, REFERRALS
from churnsim.kernels.engine.periods import PLAN, Plan, Worlds
from churnsim.kernels.engine.records import CLOCK, CUSTOMER
from churnsim.kernels.engine.residual import total_residual
from churnsim.kernels.numerics.jit import machine_code
from churnsim.kernels.numerics.quantile_tables import no_table
from churnsim.simulation.core.thread_pool import ThreadPool
from churnsim.simulation.engine.bookkeeping import flow_of
from churnsim.simulation.engine.event_buffers import EventBuffers
from churnsim.simulation.engine.firm import Firm
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.review import Visible
from churnsim.simulation.mechanisms.surroundings import InteractionTotals

GROWTH, ROOM = 1.5, 512  # times as many, and so many more
MOST_SEEN = 32_767  # what a record holds

Places = NDArray[np.int64]
EVERYBODY: Places = np.empty(0, dtype=np.int64)
_NO_NUMBERS = np.empty(0)
_NO_WORLDS = Worlds(
    EVERYBODY, np.empty((0, 0, 4)), np.empty((0, 0)), np.empty((0, 0), dtype=np.bool_), EVERYBODY, _NO_NUMBERS,
    _NO_NUMBERS, EVERYBODY, EVERYBODY, np.empty((0, 0, 0), dtype=np.int64), np.empty((0, 0), dtype=np.int64), EVERYBODY,
    0.0,
)  # fmt: skip
NO_PLAN = Plan(
    np.empty(0, dtype=PLAN), _NO_NUMBERS, EVERYBODY, _NO_NUMBERS, EVERYBODY, EVERYBODY, EVERYBODY,
    np.empty((0, 3), dtype=np.int64), np.empty((0, 3)),
    (0, 0, _NO_NUMBERS, no_table(), no_table(), no_table(), np.empty((0, 2))), (1.0, 0.0), _NO_WORLDS,
)  # fmt: skip


def base_columns(inputs: ReplicationInputs) -> BaseColumns:
    """The starting base as compiled code takes it. Raises ConfigError for what a record does not hold."""
    base = inputs.base()
    if base.seen.size and int(base.seen.max()) > MOST_SEEN:
        raise ConfigError(f"a customer has {base.seen.max():,} repeat purchases behind it; {MOST_SEEN:,} at most.")
    return BaseColumns(
        base.uids, base.traits, base.members, base.alive, base.first_purchase, base.last_purchase,
        inputs.repeat_cents, base.seen,
    )  # fmt: skip


def census_table(customers: int) -> NDArray[np.int64]:
    """Room for a census of so many."""
    return np.empty(1 << (2 * customers + 1).bit_length(), dtype=np.int64)


def shared_uid(uids: NDArray[np.int64]) -> ChurnSimError:
    """The error of two customers of one of these uids, who would get the same random numbers."""
    found, numbers = np.unique(uids, return_counts=True)
    return ChurnSimError(
        f"two customers share the uid {found[numbers.argmax()]}, which addresses their random numbers. Give one of "
        "them another id."
    )


class RecordPopulation:
    """Customers in storage order, which is of no account: `customers` and the time each one wakes.

    `bounds` part time into the rows of the books: epochs where customers reach each other, else periods. `now` is the
    row that the boundary being settled opens; customers may be ahead of it.
    """

    def __init__(self, inputs: ReplicationInputs, *, threads: int, log: bool, bounds: NDArray[np.float64]) -> None:
        self.pool = ThreadPool(threads)
        self.buffers = EventBuffers(threads, bounds.size - 1, log=log)
        self._done = np.zeros((bounds.size - 1, accounts.COLUMNS), dtype=np.int64)  # what the firm did
        self._log = log
        self.inputs, self.bounds = inputs, bounds
        # Called at each boundary, with arrays of the same types: they are looked at once.
        self._enter, self._run = kernel.enter, advance
        # Room for as many again as may come costs nothing until they do: the system finds memory for what is written.
        capacity = int(GROWTH * len(inputs.drawn.uids)) + ROOM
        self._records, self._wake = np.empty(capacity, dtype=CUSTOMER), np.empty(capacity)
        self._view = self._empty_view(capacity)
        p, self.now = self.inputs, 0
        columns = base_columns(p)
        self.size = self._advanced = len(columns.uids)

        def part(_: int, first: int, last: int) -> None:
            kernel.start(
                p.tables, self._records, self._wake, self._view, columns, first, last, p.replication, p.seed,
            )  # fmt: skip

        self.pool.share(self.size, part)
        self.active_at_start = int(np.count_nonzero(columns.alive))
        self._members_at_start = int(kernel.active_members(self.customers)) if p.numbers.member_share else 0

    @property
    def _filed(self) -> bool:
        """Whether there are columns for the firm, which cost memory and time: only where it acts."""
        return self.inputs.scenario.firm_acts

    def close(self) -> None:
        """Let the threads go."""
        self.pool.close()

    @property
    def customers(self) -> NDArray[Any]:
        """All records, including the unborn; actions of the firm since a customer's last event are still in `_view`."""
        return self._records[: self.size]

    def settled(self) -> NDArray[Any]:
        """The records, with what the firm did to them."""
        if self._filed:
            apply_all_pending(self._view, self._records, 0, self.size)
        return self.customers

    @property
    def wake(self) -> NDArray[np.float64]:
        """When each one's next event is due."""
        return self._wake[: self.size]

    @property
    def table(self) -> NDArray[np.int64]:
        """What happened to customers so far, by row and account."""
        table: NDArray[np.int64] = (self.buffers.table + self._done)[:, : accounts.MEMBERS]
        return table

    def enter(self, times: NDArray[np.float64], uids: Places, origins: Places, channels: Places) -> None:
        """New customers, to be born at `times`."""
        if not uids.size:
            return
        needed = self.size + uids.size
        # By a half at a time, so that growing costs a fixed share of what is there.
        if needed > len(self._records):
            self._grow(max(needed, int(GROWTH * len(self._records))))
        p, place = self.inputs, self.size
        population = p.newcomers.arguments

        def part(_: int, first: int, last: int) -> None:
            self._enter(
                p.rules, population, p.churn, self._records, self._wake, self._view, place, times, uids, origins,
                channels, first, last, p.replication, p.seed,
            )  # fmt: skip

        self.pool.share(uids.size, part)
        if self._enter is kernel.enter:
            self._enter = machine_code(kernel.enter)
        self.size = needed

    def _grow(self, capacity: int) -> None:
        """Make room for so many."""
        records, wake = np.empty(capacity, dtype=CUSTOMER), np.empty(capacity)
        records[: self.size], wake[: self.size] = self.customers, self.wake
        self._records, self._wake = records, wake
        view = self._empty_view(capacity)
        for column, old in zip(view, self._view, strict=True):
            column[: self.size] = old[: self.size]
        self._view = view

    def _empty_view(self, capacity: int) -> FirmView:
        return empty_view(capacity, filed=self._filed, layers=len(self.inputs.tables.lifts))

    # What the firm sees and does

    def visible(self) -> Visible:
        """What the firm sees of its customers."""
        return Visible(**{name: getattr(self._view, name)[: self.size] for name in Visible._fields})

    def _so_far(self) -> NDArray[np.int64]:
        """Sums of the books' columns until now."""
        total: NDArray[np.int64] = self.buffers.totals_before(self.now) + self._done.sum(axis=0)
        return total

    def active(self) -> int:
        """How many are active: those at the start and what the books say since."""
        return self.active_at_start + int(flow_of(self._so_far()))

    def active_members(self) -> int:
        """How many of those are members of the club."""
        return self._members_at_start + int(self._so_far()[accounts.MEMBERS])

    def serve_accounts(self, cost: int) -> int:
        """Charge each known customer with what an account costs, under contract those who have one; their number."""
        return int(charge(self._view.owed, self._view.there, self.size, cost))

    def dismiss(self, period: int, now: float) -> None:
        """End the relation with all who cost more than they brought since the last time."""
        gone = np.empty(self.size, dtype=np.bool_)
        self.pool.share(
            self.size,
            lambda _, first, last: kernel.dismiss(self._records, self._wake, self._view, now, gone, first, last),
        )
        self._note(accounts.LOST_DISMISSED, np.flatnonzero(gone), -1, now)

    def contact(
        self, chosen: NDArray[np.bool_], before: float, effect: float, lift: float, cost: int, now: float
    ) -> None:
        """Contact those chosen and no others; a lifetime in time then runs at its new hazard, and buying clocks at
        their new rates."""
        p = self.inputs
        # The records learn of it when their customers are next taken up.
        self._view.contacted[: self.size] = chosen
        charge(self._view.owed, chosen, self.size, cost)
        if p.numbers.lifetime == CLOCK:
            means = before, effect, now
            self.pool.share(
                self.size,
                lambda _, first, last: kernel.update_lifetimes(
                    p.tables, self._records, self._wake, self._view, *means, first, last
                ),
            )
        if lift != 0.0:
            self.pool.share(
                self.size,
                lambda _, first, last: kernel.lift_purchases(
                    p.tables, self._records, self._wake, self._view, lift, now, first, last
                ),
            )

    def renewals(self) -> NDArray[np.float64]:
        """When the contract of each comes up for renewal, without an offer for it so far; else infinity."""
        due = np.empty(self.size)
        self.pool.share(self.size, lambda _, first, last: kernel.renewals(self._records, due, first, last))
        return due

    def add(self, field: str, chosen: NDArray[np.bool_], effect: float, cost: int, now: float) -> None:
        """Add 1 to a count of those chosen; a lifetime in time then runs at its new hazard."""
        tables, customers = self.inputs.tables, self.customers
        before = np.empty(self.size if self.inputs.numbers.lifetime == CLOCK else 0)
        kernel.hazards(tables, customers, effect, before)
        customers[field] += chosen
        charge(self._view.owed, chosen, self.size, cost)
        kernel.run_on(tables, customers, self._wake, before, effect, now)

    def offer(self, chosen: NDArray[np.bool_], cost: int) -> None:
        """Offer more to those chosen and no others."""
        self._view.crossed[: self.size] = chosen
        charge(self._view.owed, chosen, self.size, cost)

    def win_back(self, chosen: Places, effect: float, cost: int, period: int, now: float) -> None:
        """Contact the silent customers at the places chosen."""
        p, came = self.inputs, np.empty(chosen.size, dtype=np.bool_)
        kernel.win_back(
            p.tables, self._records, self._wake, self._view, chosen, effect, cost, now, came, p.replication, p.seed,
        )  # fmt: skip
        self._note(accounts.RETURNED, chosen[came], 1, now)

    def _note(self, kind: int, whom: Places, sign: int, now: float) -> None:
        """Book and log what the firm did to customers at some places, which made them active (`sign` 1) or not."""
        row = self._done[self.now]
        row[accounts.ACCOUNT_OF[kind]] += whom.size
        row[accounts.MEMBERS] += sign * int(np.count_nonzero(self._records["member"][whom]))
        if self._log:
            lines = np.zeros(whom.size, dtype=LOG_LINE)
            lines["time"], lines["uid"], lines["kind"] = now, self._records["uid"][whom], kind
            self.buffers.workers[0].append(LOG, lines)

    # What customers do to others

    def interaction_totals(self) -> InteractionTotals:
        """What customers did to others so far."""
        total = self.buffers.totals_before(self.now)
        return InteractionTotals(
            *(int(total[a]) for a in (accounts.TOLD_AGAINST, accounts.TOLD_FOR, accounts.LOSSES_SWITCHED))
        )

    def take_referrals(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Times, uids and ordinals of the referrals made since the last call."""
        lines = self.buffers.take(REFERRALS, self.bounds[self.now])
        return lines["time"], lines["uid"], lines["ordinal"]

    def take_complaints(self) -> NDArray[Any]:
        """Complaints of the row that began with the last boundary, in the order in which they are served."""
        lines = self.buffers.take(COMPLAINTS, self.bounds[self.now + 1])
        return lines[np.lexsort((lines["uid"], lines["time"]))]

    # Their lives

    def advance(self, end: float, firm: Firm) -> None:
        """Advance everybody to `end`."""
        self._advance(EVERYBODY, self.size, end, firm)
        self._advanced = self.size

    def catch_up(self, answered: Places, end: float, firm: Firm) -> None:
        """Advance to `end`, where all others are, those `answered` and all who entered since."""
        places = np.concatenate([answered, np.arange(self._advanced, self.size)])
        if places.size:
            self._advance(places, places.size, end, firm)
        self._advanced = self.size

    def _advance(self, places: Places, number: int, end: float, firm: Firm) -> None:
        p, means = self.inputs, Means(firm.effect, firm.quality, firm.uplift)
        tables = p.tables

        def part(worker: int, first: int, last: int) -> None:
            box = self.buffers.workers[worker]
            buffers = Buffers(box.log, box.complaints, box.referrals, box.fill)
            while True:
                first = self._run(
                    tables, means, NO_PLAN, self._records, self._wake, self._view, places, first, last, end,
                    self.bounds, box.table, buffers, p.replication, p.seed,
                )  # fmt: skip
                # Returned early means a full buffer: emptied, it goes on at the customer it stopped before.
                box.flush()
                if first >= last:
                    return

        self.pool.share(number, part)
        if self._run is advance:
            self._run = machine_code(advance)

    def census(self) -> tuple[int, int]:
        """How many are active and how many wait for a reply. Raises ChurnSimError for two customers of one uid, who
        would get the same random numbers."""
        active, waiting, twice = kernel.census(self.customers, self.size, census_table(self.size))
        if twice >= 0:
            raise shared_uid(self.customers["uid"])
        return active, waiting

    def residual(self, force: float) -> int:
        """What those active at the end are still worth there, cents, discounted at `force`."""
        p, worth = self.inputs, np.zeros(self.pool.size, dtype=np.int64)
        horizon = float(self.bounds[-1])

        def part(worker: int, first: int, last: int) -> None:
            worth[worker] += total_residual(p.tables, self._records, self._view.clocks, horizon, force, first, last)

        self.pool.share(self.size, part)
        return int(worth.sum())
