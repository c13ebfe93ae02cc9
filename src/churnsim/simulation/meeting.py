"""What is settled when lives meet: at each epoch boundary where customers reach each other, else as a period starts.

The firm acts on what it sees, newcomers arrive, and what customers did to others since the last meeting takes effect.
An engine lends itself as the `Crowd`; decisions, payments and the order of things are the same for each.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.rules import PAID
from churnsim.simulation.arrivals import Arrivals
from churnsim.simulation.books import Books
from churnsim.simulation.prepared import Prepared
from churnsim.simulation.targeting import Visible, targets

__all__ = ["Crowd", "Meeting"]


class Crowd(Protocol):
    """The customers as an engine keeps them. Masks and views are in its own order of storage."""

    def visible(self) -> Visible:
        """What the firm sees."""

    def contact(self, chosen: NDArray[np.bool_], before: float, effect: float, now: float) -> None:
        """Contact those chosen and no others; `before` and `effect` are the last and the coming period's effects."""

    def enter(self, times: NDArray[np.float64], uids: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        """Let new customers be born at `times`."""


class Meeting:
    """The firm and the rest of the world of one replication."""

    def __init__(self, prepared: Prepared, books: Books) -> None:
        self.prepared, self.books = prepared, books
        self.scenario, self.market = prepared.scenario, prepared.market
        self.strategy = self.scenario.strategy
        self.effect = 0.0  # of contacts, until the next review
        self.quality = 1.0  # factor on failures, until the next review
        self._arrivals = Arrivals(size=self.market.prospects.size, seed=prepared.seed, replication=prepared.replication)

    @property
    def every_epoch(self) -> bool:
        """Whether customers reach each other within a period."""
        return self.strategy.desk is not None

    @property
    def every_period(self) -> bool:
        """Whether anything happens at a period's start."""
        return self.every_epoch or self.strategy.acquisition is not None or self.strategy.retention is not None

    def standing_costs(self) -> None:
        """What falls due in each period whatever happens, into the open books."""
        self.books.pay("fixed", self.market.terms.fixed_cost_per_period)
        desk = self.strategy.desk
        if desk:
            self.books.pay("service", desk.staff * desk.wage_per_period)

    def review(self, period: int, crowd: Crowd) -> None:
        """The firm acts at the start of a period; its books are open."""
        self._contact(self.prepared.bound(period), crowd)
        self._acquire(period, crowd)

    def _contact(self, now: float, crowd: Crowd) -> None:
        contacts = self.strategy.retention
        if contacts is None:
            return
        chosen = targets(crowd.visible(), contacts, now)
        number = int(np.count_nonzero(chosen))
        before, self.effect = self.effect, 0.0
        if number and contacts.budget_per_period > 0:
            self.effect = self.market.retention.effect(contacts.budget_per_period / number)
            self.books.pay("retention", contacts.budget_per_period)
            self.books.count("contacts", number)
        else:
            chosen[:] = False
        crowd.contact(chosen, before, self.effect, now)

    def _acquire(self, period: int, crowd: Crowd) -> None:
        acquisition = self.strategy.acquisition
        if acquisition is None:
            return
        self.books.pay("acquisition", acquisition.budget_per_period)
        share = self.market.prospects.share_per_period(acquisition.budget_per_period)
        came = list(self._arrivals.during(self.prepared.bound(period), self.prepared.bound(period + 1), share))
        times, uids = np.array([time for time, _ in came]), np.array([uid for _, uid in came], dtype=np.int64)
        crowd.enter(times, uids, np.full(len(came), PAID))
