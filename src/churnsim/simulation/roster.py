"""The compiled engine's customers: one array of records, and the threads that advance its chunks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ChurnSimError, ConfigError
from churnsim.kernels import accounts
from churnsim.kernels import roster as kernel
from churnsim.kernels.lives import COMPLAINTS, LOG, REFERRALS, advance
from churnsim.kernels.rules import CONTRACT, CUSTOMER, UNBORN
from churnsim.simulation.books import flow_of
from churnsim.simulation.firm import Firm
from churnsim.simulation.meeting import Tidings
from churnsim.simulation.prepared import Prepared
from churnsim.simulation.targeting import Visible

__all__ = ["LOG_LINE", "Outbox", "Roster"]

LOG_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("kind", np.int64), ("cents", np.int64)])
COMPLAINT_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("customer", np.int64)])
REFERRAL_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("ordinal", np.int64)])

BOX = 4096  # lines of an outbox; the kernel comes back with a full one
GROWTH = 1.5
MOST_SEEN = 32_767  # what a record holds
SMALLEST_CHUNK = 2048  # customers; fewer are not worth a thread


class Outbox:
    """What a chunk of customers tells the rest, and its share of the books."""

    def __init__(self, periods: int, *, log: bool) -> None:
        self.table = np.zeros((periods, len(accounts.ACCOUNTS)), dtype=np.int64)
        self.log = np.empty(BOX if log else 0, dtype=LOG_LINE)
        self.complaints = np.empty(BOX, dtype=COMPLAINT_LINE)
        self.referrals = np.empty(BOX, dtype=REFERRAL_LINE)
        self.fill = np.zeros(3, dtype=np.int64)
        self.told: list[list[NDArray[Any]]] = [[], [], []]

    def empty(self) -> None:
        """Keep what the boxes hold and make them empty again."""
        for place, box in ((LOG, self.log), (COMPLAINTS, self.complaints), (REFERRALS, self.referrals)):
            if self.fill[place]:
                self.told[place].append(box[: self.fill[place]].copy())
        self.fill[:] = 0

    def take(self, place: int) -> list[NDArray[Any]]:
        """What was told of one kind since the last time."""
        taken, self.told[place] = self.told[place], []
        return taken


class Roster:
    """Customers in storage order, which is of no account: `customers` and the time each one wakes."""

    def __init__(self, prepared: Prepared, *, threads: int, log: bool) -> None:
        self.prepared = prepared
        base = prepared.base()
        self.size = len(base.uids)
        if self.size and int(base.seen.max()) > MOST_SEEN:
            raise ConfigError(f"a customer has {base.seen.max():,} repeat purchases behind it; {MOST_SEEN:,} at most.")
        self._records = np.zeros(self.size, dtype=CUSTOMER)
        self._wake = np.empty(self.size)
        arguments = (
            base.uids, base.traits, base.members, base.alive, base.first_purchase, base.last_purchase,
            prepared.repeat_cents(base), base.seen, prepared.replication, prepared.seed,
        )  # fmt: skip
        kernel.start(prepared.rules, prepared.hazards, self._records, self._wake, *arguments)
        self._outboxes = [Outbox(prepared.scenario.periods, log=log) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.active_at_start = int(np.count_nonzero(base.alive))

    def close(self) -> None:
        """Let the threads go."""
        if self._pool:
            self._pool.shutdown()

    @property
    def customers(self) -> NDArray[Any]:
        """The records of everybody, the unborn among them."""
        return self._records[: self.size]

    @property
    def wake(self) -> NDArray[np.float64]:
        """When each one's next event is due."""
        return self._wake[: self.size]

    @property
    def table(self) -> NDArray[np.int64]:
        """What the lives have booked so far, by period and account."""
        total: NDArray[np.int64] = np.sum([outbox.table for outbox in self._outboxes], axis=0)
        return total

    def enter(self, times: NDArray[np.float64], uids: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        """New customers, to be born at `times`."""
        if not uids.size:
            return
        needed = self.size + uids.size
        if needed > len(self._records):
            capacity = max(needed, int(GROWTH * len(self._records)) + 64)
            records, wake = np.zeros(capacity, dtype=CUSTOMER), np.empty(capacity)
            records[: self.size], wake[: self.size] = self.customers, self.wake
            self._records, self._wake = records, wake
        p = self.prepared
        kernel.enter(
            p.rules, *p.newcomers.arguments, *p.churn, self._records, self._wake, self.size, times, uids, origins,
            p.replication, p.seed,
        )  # fmt: skip
        self.size = needed

    def visible(self) -> Visible:
        """What the firm sees of its customers."""
        return Visible.of(self.customers, contract=self.prepared.numbers.lifetime == CONTRACT)

    def active(self) -> int:
        """How many are active: those at the start and what the books say since."""
        return self.active_at_start + int(flow_of(self.table.sum(axis=0)))

    def active_members(self) -> int:
        """How many of those are members of the club."""
        return int(kernel.active_members(self.customers))

    def serve_accounts(self, cents: int) -> int:
        """Charge each known customer with what an account costs; their number."""
        return int(kernel.serve_accounts(self.prepared.rules, self.customers, cents))

    def dismiss(self, period: int, now: float) -> None:
        """End the relation with all who cost more than they brought since the last time."""
        gone = np.empty(self.size, dtype=np.bool_)
        kernel.dismiss(self.customers, self.wake, now, gone)
        self._note(accounts.LOST_DISMISSED, self.customers["uid"][gone], period, now)

    def contact(self, chosen: NDArray[np.bool_], before: float, effect: float, cents: int, now: float) -> None:
        """Contact those chosen and no others; a lifetime in time then runs at its new hazard."""
        p = self.prepared
        kernel.contact(p.rules, p.hazards, self.customers, self.wake, chosen, before, effect, cents, now)

    def renewals(self) -> NDArray[np.float64]:
        """When the contract of each comes up for renewal, without an offer for it so far; else infinity."""
        due = np.empty(self.size)
        kernel.renewals(self.customers, due)
        return due

    def offer_renewals(self, chosen: NDArray[np.bool_], cents: int) -> None:
        """Make those chosen an offer for their coming renewal."""
        kernel.offer_renewals(self.customers, chosen, cents)

    def offer(self, chosen: NDArray[np.bool_], cents: int) -> None:
        """Offer more to those chosen and no others."""
        kernel.offer(self.customers, chosen, cents)

    def win_back(self, chosen: NDArray[np.int64], effect: float, cents: int, period: int, now: float) -> None:
        """Contact the silent customers at the places chosen."""
        p, came = self.prepared, np.empty(chosen.size, dtype=np.bool_)
        kernel.win_back(
            p.rules, p.hazards, self.customers, self.wake, chosen, effect, cents, now, came, p.replication, p.seed
        )
        self._note(accounts.RETURNED, self.customers["uid"][chosen[came]], period, now)

    def _note(self, kind: int, uids: NDArray[np.int64], period: int, now: float) -> None:
        """Book and log what the firm did to some customers."""
        outbox = self._outboxes[0]
        outbox.table[period, accounts.ACCOUNT_OF[kind]] += uids.size
        if outbox.log.size:
            lines = np.zeros(uids.size, dtype=LOG_LINE)
            lines["time"], lines["uid"], lines["kind"] = now, uids, kind
            outbox.told[LOG].append(lines)

    def tidings(self) -> Tidings:
        """What customers did to others so far."""
        total = self.table.sum(axis=0)
        return Tidings(*(int(total[a]) for a in (accounts.TOLD_AGAINST, accounts.TOLD_FOR, accounts.LOSSES_SWITCHED)))

    def take_referrals(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Times, uids and ordinals of the referrals made since the last call."""
        lines = self.take(REFERRALS)
        return lines["time"], lines["uid"], lines["ordinal"]

    def advance(self, end: float, bounds: NDArray[np.float64], period: int, firm: Firm) -> None:
        """Advance everybody to `end`, each chunk on its own."""
        count = min(len(self._outboxes), max(1, self.size // SMALLEST_CHUNK))
        edges = [self.size * i // count for i in range(count + 1)]
        jobs = [(outbox, edges[i], edges[i + 1]) for i, outbox in enumerate(self._outboxes[:count])]

        def one(job: tuple[Outbox, int, int]) -> None:
            outbox, low, high = job
            p, at = self.prepared, 0
            means = firm.effect, firm.quality, firm.uplift
            while True:
                at = advance(
                    p.rules, p.spends, p.hazards, p.profits, *means, self._records[low:high],
                    self._wake[low:high], at, low, end, bounds, period, outbox.table, outbox.log, outbox.complaints,
                    outbox.referrals, outbox.fill, p.replication, p.seed,
                )  # fmt: skip
                outbox.empty()
                if at >= high - low:
                    return

        if self._pool is None or count == 1:
            for job in jobs:
                one(job)
        else:
            list(self._pool.map(one, jobs))

    def take(self, place: int) -> NDArray[Any]:
        """What all customers told of one kind since the last time, in no particular order of customers."""
        told = [lines for outbox in self._outboxes for lines in outbox.take(place)]
        return np.concatenate(told) if told else np.empty(0, dtype=(LOG_LINE, COMPLAINT_LINE, REFERRAL_LINE)[place])

    def check_uids(self) -> None:
        """Two customers of one uid would live by the same numbers; raises ChurnSimError."""
        born = self.customers["state"] != UNBORN
        uids = np.sort(self.customers["uid"][born])
        twice = uids[1:][uids[1:] == uids[:-1]]
        if twice.size:
            raise ChurnSimError(f"two customers share the uid {twice[0]}. Rename one: both would have one fate.")
