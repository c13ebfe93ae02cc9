"""What is settled when lives meet: at each epoch boundary where customers reach each other, else as a period starts.

What customers did to others since the last meeting takes effect, the firm acts on what it sees, newcomers are on their
way. An engine lends itself as the `Crowd`; decisions, payments and the order of things are the same for each.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.neighbours import moved_by_money, remembered, settle_referrals, shift, within_reach
from churnsim.kernels.engine.records import PAID, REFERRED, SWITCHED, TOLD
from churnsim.simulation.core.assumption import cents
from churnsim.simulation.customers.arrivals import PAID_CHANNEL, SWITCHING_CHANNEL, Arrivals
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.firm import Customers, Firm
from churnsim.simulation.engine.replication_inputs import Prepared
from churnsim.units import units_per_year

__all__ = ["Crowd", "Meeting", "Tidings"]


class Tidings(NamedTuple):
    """Totals since the start: what others were told against and for the firm, and losses to competitors."""

    against: int
    favour: int
    switched: int


class Crowd(Customers, Protocol):
    """The customers of an engine, as the firm and the world reach them."""

    def tidings(self) -> Tidings:
        """What customers did to others so far."""

    def take_referrals(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Times, uids and ordinals of the referrals made since the last call."""

    def enter(self, times: NDArray[np.float64], uids: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        """Let new customers be born at `times`."""


class Meeting:
    """The firm and the rest of the world of one replication."""

    def __init__(self, prepared: Prepared, books: Books, *, active: int) -> None:
        self.prepared, self.books = prepared, books
        self.firm = Firm(prepared, books)
        self.market, self.strategy = prepared.market, prepared.scenario.strategy
        self._year = units_per_year(self.market.unit)
        address = {"seed": prepared.seed, "replication": prepared.replication}
        rivals = self.market.competitors
        self._prospects = Arrivals(channel=PAID_CHANNEL, size=self.market.prospects.size, **address)
        self._rivals = Arrivals(channel=SWITCHING_CHANNEL, size=rivals.customers if rivals else 0, **address)
        self._people = self._prospects.left + active
        self._mood = 0.0  # tellings remembered per person, for less against
        self._heard = Tidings(0, 0, 0)

    @property
    def every_epoch(self) -> bool:
        """Whether customers reach each other within a period."""
        return self.prepared.scenario.interacts

    @property
    def every_period(self) -> bool:
        """Whether anything happens at a period's start."""
        return self.every_epoch or self.firm.acts or self.strategy.acquisition is not None

    def meet(self, epoch: int, crowd: Crowd) -> None:
        """Settle what there is at the start of an epoch; where it starts a period, that one's books are open."""
        scenario = self.prepared.scenario
        now, per_period = epoch * float(scenario.epoch), scenario.epochs_per_period
        if epoch:
            self._hear(crowd)
            self._refer(now, crowd)
        if epoch % per_period == 0:
            period = epoch // per_period
            if period:
                self.record(period - 1)
            if self.strategy.acquisition:
                self.books.pay("acquisition", self.strategy.acquisition.budget_per_period)
            self.firm.review(period, crowd)
        end = epoch + (1 if self.every_epoch else per_period)
        self._arrive(now, end * float(scenario.epoch), crowd)

    def record(self, period: int) -> None:
        """Write down how many customers competitors have at the end of a period."""
        if self.market.competitors:
            self.books.state(period, "competitor_customers", self._rivals.left)

    def last(self, crowd: Crowd) -> None:
        """At the horizon: what is still to be written down."""
        self._hear(crowd)
        self.record(self.prepared.scenario.periods - 1)

    def _hear(self, crowd: Crowd) -> None:
        """Tellings and switches since the last meeting."""
        mouth = self.market.word_of_mouth
        if not (mouth or self.market.competitors):
            return
        before, self._heard = self._heard, crowd.tidings()
        self._rivals.left += self._heard.switched - before.switched
        if mouth:
            net = self._heard.favour - before.favour - (self._heard.against - before.against)
            span, half_life = float(self.prepared.scenario.epoch), mouth.half_life.to(self.market.unit)
            self._mood = remembered(self._mood, net, max(self._people, 1), span, half_life)

    def _refer(self, now: float, crowd: Crowd) -> None:
        """Referrals reach prospects, in the order in which they were made."""
        if self.market.referral is None:
            return
        times, uids, ordinals = crowd.take_referrals()
        left, people = self._prospects.left, max(int(self.market.prospects.size), 1)
        if not times.size or not left:
            return
        address = self.prepared.replication, self.prepared.seed
        # What finds nobody with as many left as now finds nobody later: only the rest need their order.
        may = within_reach(uids, ordinals, left, people, *address)
        times, uids, ordinals = times[may], uids[may], ordinals[may]
        order = np.lexsort((uids, times))
        children = np.empty(times.size, dtype=np.int64)
        number = settle_referrals(uids[order], ordinals[order], left, people, *address, children)
        self._prospects.left -= number
        reward = self.strategy.referral
        if reward:
            self.books.count("referral", cents(reward.reward) * number)
        crowd.enter(np.full(number, now), children[:number], np.full(number, REFERRED))

    def _arrive(self, start: float, end: float, crowd: Crowd) -> None:
        """Who is on its way until the next meeting: moved by spending, by what is said, or away from a competitor."""
        paid, told = self._hazards(crowd)
        total = paid + told
        came = self._prospects.during(start, end, total)
        address = self.prepared.replication, self.prepared.seed
        bought = told == 0.0
        origins = [
            PAID if bought or moved_by_money(k, PAID_CHANNEL, paid / total, *address) else TOLD for _, _, k in came
        ]
        rivals = self.market.competitors
        if rivals:
            switching = self._rivals.during(start, end, rivals.loss_per_year * rivals.comes_here / self._year)
            came, origins = came + switching, origins + [SWITCHED] * len(switching)
        if came:
            times, uids = np.array([time for time, _, _ in came]), np.array([uid for _, uid, _ in came], dtype=np.int64)
            crowd.enter(times, uids, np.array(origins, dtype=np.int64))

    def _hazards(self, crowd: Crowd) -> tuple[float, float]:
        """At which a prospect comes, per time unit: because of spending, and because of what is said."""
        acquisition, mouth = self.strategy.acquisition, self.market.word_of_mouth
        paid = 0.0
        if acquisition:
            share = self.market.prospects.share_per_period(acquisition.budget_per_period)
            paid = -math.log1p(-share) / float(self.prepared.scenario.period)
        if mouth is None:
            return paid, 0.0
        example = mouth.imitation / self._year * crowd.active() / max(self._people, 1)
        return paid * shift(mouth.weight, self._mood), example
