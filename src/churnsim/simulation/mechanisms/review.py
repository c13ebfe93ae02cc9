"""A review: what a mechanism finds when a period starts, and how it reaches customers and books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.summaries.calendar import FIRST
from churnsim.kernels.engine.records import Records, Rules
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.series_model import SeriesModel
from churnsim.typing import Flags, Floats
from churnsim.units import DAYS_PER_UNIT


class Visible(NamedTuple):
    """What the firm sees, arrays over customers: it knows of those `known`, and takes those for still `there` whom it
    has not seen leave. Under contract it sees who leaves, elsewhere all it knows count.

    `repeat_revenue` is in cents; `response` to contacts is known only as far as a trial has shown it.
    """

    uid: NDArray[np.int64]
    known: NDArray[np.bool_]
    there: NDArray[np.bool_]
    first_purchase: NDArray[np.float64]
    last_purchase: NDArray[np.float64]
    purchases: NDArray[np.int64]
    repeat_revenue: NDArray[np.int64]
    response: NDArray[np.float64]
    attempts: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many customers are there, as far as it knows."""
        return int(np.count_nonzero(self.there))


class Customers(Protocol):
    """The customers as the firm reaches them. Masks, places and views are in the engine's own order of storage; a
    `cost` falls on each in units of its own account (`account_units`)."""

    def visible(self) -> Visible:
        """What the firm sees."""

    def active(self) -> int:
        """How many are active."""

    def active_members(self) -> int:
        """How many of those are members of the club."""

    def serve_accounts(self, cost: int) -> int:
        """Charge each known customer with what serving it costs; their number."""

    def dismiss(self, period: int, now: float) -> None:
        """End the relation with all who cost more than they brought since the last time."""

    def contact(self, chosen: Flags, before: float, effect: float, lift: float, cost: int, now: float) -> None:
        """Contact those chosen and no others; `before` and `effect` are the last and the coming period's effects on
        dropout, `lift` that on the rate of buying."""

    def renewals(self) -> NDArray[np.float64]:
        """When the contract of each comes up for renewal, without an offer for it so far; else infinity."""

    def add(self, field: str, chosen: Flags, effect: float, cost: int, now: float) -> None:
        """Add 1 to a count of those chosen, a field of `records.CUSTOMER`; `effect` is that of contacts. Lifetimes in
        time then run at the hazard that follows from it."""

    def offer(self, chosen: Flags, cost: int) -> None:
        """Offer more to those chosen and no others."""

    def win_back(self, chosen: NDArray[np.int64], effect: float, cost: int, period: int, now: float) -> None:
        """Contact the silent customers at the places chosen."""


class Accounts(Protocol):
    """The open books of a period."""

    def pay(self, account: str, money: float) -> None:
        """Enter money (not cents) in an account."""

    def count(self, account: str, number: int) -> None:
        """Add to a count, or cents to an account of money."""

    def state(self, period: int, account: str, number: int) -> None:
        """Write down a stock at the end of a period."""


@dataclass
class FirmState:
    """What the firm's decisions come to until the next review."""

    effect: float = 0.0  # of contacts, on organic dropout
    uplift: float = 0.0  # of offers, on spend
    service: float = 1.0  # factors on failures: better service, settled staff
    staff: float = 1.0
    novices: float = 0.0  # share of the staff

    @property
    def quality(self) -> float:
        """Factor on failures."""
        return self.service * self.staff


@dataclass
class Review:
    """The start of a period, as the firm's mechanisms take part in it one after the other."""

    market: Any  # the replication's own
    fitted: Any  # the purchase model as the firm knows it, by its estimates
    firm: FirmState
    books: Accounts
    customers: Customers
    period: int
    now: float
    span: float  # time between reviews
    numbers: Rules
    rules: Records
    address: tuple[int, int]  # replication, seed

    @cached_property
    def seen(self) -> Visible:
        """What the firm sees of its customers: the dearest step of a review, so only where somebody looks."""
        return self.customers.visible()

    def p_alive(self) -> Floats:
        """P(alive) of each customer who is there by the fitted model and what was seen until now; NaN of others."""
        seen, found = self.seen, np.full(self.seen.uid.size, np.nan)
        there = np.flatnonzero(seen.there)
        if there.size:
            first = seen.first_purchase[there]
            history = {
                "frequency": seen.purchases[there], "recency": seen.last_purchase[there] - first, "T": self.now - first
            }  # fmt: skip
            if isinstance(self.fitted, ClockModel):
                days = np.floor(self.market.start_day + first * DAYS_PER_UNIT[self.fitted.unit])
                history[FIRST] = days.astype("datetime64[D]").astype("datetime64[ns]")
            frame = pd.DataFrame(history)
            if isinstance(self.fitted, SeriesModel):
                # Those there from the start come first; of new ones no series is known, and they buy at a speed of
                # their own.
                ids = self.market.customers.ids
                known, speed = int(np.searchsorted(there, len(ids))), self.market.own_series.newcomers
                later = frame.iloc[known:]
                if len(later):
                    base = replace(self.fitted.base, alpha=self.fitted.base.alpha / speed)
                    until = self.market.start_day + self.now * DAYS_PER_UNIT[self.fitted.unit]
                    found[there[known:]] = replace(self.fitted.of_new(later.index, until), base=base).p_alive(later)
                there, frame = there[:known], frame.iloc[:known].set_index(ids[there[:known]])
            found[there] = self.fitted.p_alive(frame)
        return found
