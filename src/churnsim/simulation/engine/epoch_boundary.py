"""What is settled at an epoch boundary: at every one where customers influence each other, else at each period's start.

Word of mouth, switching and referrals since the last boundary take effect, the firm acts on what it sees, and new
customers are scheduled. Each engine provides a `Population`; decisions, payments and their order are the same for both.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.kernels.engine.neighbours import (
    channel_word,
    due_to_spending,
    settle_referrals,
    within_reach,
    word_of_mouth_balance,
    word_of_mouth_factor,
)
from churnsim.kernels.engine.records import PAID, REFERRED, SWITCHED, TOLD
from churnsim.simulation.core.assumption import cents
from churnsim.simulation.customers.arrivals import PAID_CHANNEL, SWITCHING_CHANNEL, Arrivals
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.firm import Firm
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.acquisition import UNNAMED
from churnsim.simulation.mechanisms.review import Customers
from churnsim.units import units_per_year


class InteractionTotals(NamedTuple):
    """Totals since the start: what others were told against and for the firm, and losses to competitors."""

    against: int
    favour: int
    switched: int


class Population(Customers, Protocol):
    """The customers of an engine, as the firm and the world reach them."""

    def interaction_totals(self) -> InteractionTotals:
        """What customers did to others so far."""

    def take_referrals(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Times, uids and ordinals of the referrals made since the last call."""

    def enter(
        self,
        times: NDArray[np.float64],
        uids: NDArray[np.int64],
        origins: NDArray[np.int64],
        channels: NDArray[np.int64],
    ) -> None:
        """Let new customers be born at `times`, who came by these channels of the market."""


class EpochBoundary:
    """The firm and the rest of the world of one replication."""

    def __init__(self, inputs: ReplicationInputs, books: Books, *, active: int) -> None:
        self.inputs, self.books = inputs, books
        self.firm = Firm(inputs, books)
        self.market, self.strategy = inputs.market, inputs.scenario.strategy
        # Whether customers reach each other within a period, and anything happens at its start: the same at all epochs.
        self.every_epoch = inputs.scenario.interacts
        self.every_period = self.every_epoch or self.firm.acts or self.strategy.acquisition is not None
        self._year = units_per_year(self.market.unit)
        address = {"seed": inputs.seed, "replication": inputs.replication}
        rivals = self.market.competitors
        acquisition = self.strategy.acquisition
        # Codes of the channels that are paid for: places in the market's, 0 for the one without a name.
        self._spending = acquisition.by_channel() if acquisition else {}
        codes = {name: code for code, name in enumerate((UNNAMED, *self.market.prospects.channels))}
        self._codes = np.array([codes[name] for name in self._spending], dtype=np.int64)
        self._came = np.zeros((inputs.scenario.periods, len(codes)), dtype=np.int64)  # paid for, by period and code
        self._prospects = Arrivals(channel=PAID_CHANNEL, size=self.market.prospects.size, **address)
        self._rivals = Arrivals(channel=SWITCHING_CHANNEL, size=rivals.customers if rivals else 0, **address)
        # All people, whoever they are later: prospects who come leave the pool but are still told things.
        self._people = self._prospects.left + active
        self._balance = 0.0  # remembered tellings per person, for less against
        self._totals = InteractionTotals(0, 0, 0)

    def settle(self, epoch: int, population: Population) -> None:
        """Settle interactions and let the firm act at the start of `epoch`; the books of its period must be open."""
        scenario = self.inputs.scenario
        now, per_period = epoch * float(scenario.epoch), scenario.epochs_per_period
        # At time 0 nobody has done anything yet.
        if epoch:
            self._update_word_of_mouth(population)
            self._refer(now, population)
        if epoch % per_period == 0:
            period = epoch // per_period
            # Stocks are those at the end of a period, before the new one begins.
            if period:
                self.record(period - 1)
            if self.strategy.acquisition:
                self.books.pay("acquisition", self.strategy.acquisition.budget_per_period)
            self.firm.review(period, population)
        end = epoch + (1 if self.every_epoch else per_period)
        self._arrive(now, end * float(scenario.epoch), population, epoch // per_period)

    def record(self, period: int) -> None:
        """Write down how many customers competitors have at the end of a period."""
        if self.market.competitors:
            self.books.state(period, "competitor_customers", self._rivals.left)

    def last(self, population: Population) -> None:
        """At the horizon: what is still to be written down."""
        self._update_word_of_mouth(population)
        self.record(self.inputs.scenario.periods - 1)

    def _update_word_of_mouth(self, population: Population) -> None:
        """Tellings and switches since the last boundary."""
        mouth = self.market.word_of_mouth
        if not (mouth or self.market.competitors):
            return
        before, self._totals = self._totals, population.interaction_totals()
        # Who switches is a competitor's customer from now on and may come back with the others.
        self._rivals.left += self._totals.switched - before.switched
        if mouth:
            net = self._totals.favour - before.favour - (self._totals.against - before.against)
            span, half_life = float(self.inputs.scenario.epoch), mouth.half_life.to(self.market.unit)
            self._balance = word_of_mouth_balance(self._balance, net, max(self._people, 1), span, half_life)

    def _refer(self, now: float, population: Population) -> None:
        """Referrals reach prospects, in the order in which they were made."""
        if self.market.referral is None:
            return
        times, uids, ordinals = population.take_referrals()
        left, people = self._prospects.left, max(int(self.market.prospects.size), 1)
        if not times.size or not left:
            return
        address = self.inputs.replication, self.inputs.seed
        # What finds nobody with as many left as now finds nobody later: only the rest need their order.
        may = within_reach(uids, ordinals, left, people, *address)
        times, uids, ordinals = times[may], uids[may], ordinals[may]
        order = np.lexsort((uids, times))
        children = np.empty(times.size, dtype=np.int64)
        number = settle_referrals(uids[order], ordinals[order], left, people, *address, children)
        # Before arrivals are drawn: who was referred does not answer an advertisement too.
        self._prospects.left -= number
        reward = self.strategy.referral
        if reward:
            self.books.count("referral", cents(reward.reward) * number)
        population.enter(
            np.full(number, now), children[:number], np.full(number, REFERRED), np.zeros(number, dtype=np.int64)
        )

    def _arrive(self, start: float, end: float, population: Population, period: int) -> None:
        """Schedule the arrivals until the next boundary, in a period: due to spending, word of mouth, or leaving a
        competitor."""
        by_channel, told = self._hazards(population)
        paid = sum(by_channel)
        total = paid + told
        came = self._prospects.during(start, end, total)
        address = self.inputs.replication, self.inputs.seed
        # No number is drawn where spending alone brings people.
        bought = told == 0.0
        origins = [
            PAID if bought or due_to_spending(k, PAID_CHANNEL, paid / total, *address) else TOLD for _, _, k in came
        ]
        rivals = self.market.competitors
        channels = [
            self._channel(k, by_channel) if origin == PAID else 0
            for origin, (_, _, k) in zip(origins, came, strict=True)
        ]
        if self._codes.any():  # where channels have names
            paid_for = [channel for origin, channel in zip(origins, channels, strict=True) if origin == PAID]
            np.add.at(self._came[period], paid_for, 1)
        if rivals:
            switching = self._rivals.during(start, end, rivals.loss_per_year * rivals.comes_here / self._year)
            came, origins = came + switching, origins + [SWITCHED] * len(switching)
            channels += [0] * len(switching)
        if came:
            times, uids = np.array([time for time, _, _ in came]), np.array([uid for _, uid, _ in came], dtype=np.int64)
            population.enter(times, uids, np.array(origins, dtype=np.int64), np.array(channels, dtype=np.int64))

    def _channel(self, k: int, hazards: list[float]) -> int:
        """The channel that brought arrival k, by the `hazards` at which those that are paid for do."""
        # No number is drawn where there is one.
        if len(hazards) == 1:
            return int(self._codes[0])
        below = np.cumsum(hazards)
        word = channel_word(k, PAID_CHANNEL, self.inputs.replication, self.inputs.seed)
        return int(self._codes[min(np.searchsorted(below, word * below[-1], side="right"), below.size - 1)])

    def channels(self) -> pd.DataFrame | None:
        """Spending and newcomers by period and channel, where the strategy names some."""
        if not (self.strategy.acquisition and self.strategy.acquisition.channels):
            return None
        # As the whole budget is entered, in whole cents.
        ends = [cents(money) for money in np.cumsum(list(self._spending.values()))]
        spent, periods = np.diff([0, *ends]), len(self._came)
        places = [np.tile(list(self._spending), periods), np.repeat(np.arange(periods), len(spent))]
        return pd.DataFrame(
            {
                "period": places[1], "channel": places[0], "cents": np.tile(spent, periods),
                "newcomers": self._came[:, self._codes].ravel(),
            }
        )  # fmt: skip

    def _hazards(self, population: Population) -> tuple[list[float], float]:
        """At which a prospect comes, per time unit: because of spending, by channel, and because of what is said."""
        mouth, prospects = self.market.word_of_mouth, self.market.prospects
        shares = [prospects.share_per_period(money, channel) for channel, money in self._spending.items()]
        # The hazard under which that share of the pool comes in a period.
        paid = [-math.log1p(-share) / float(self.inputs.scenario.period) for share in shares]
        if mouth is None:
            return paid, 0.0
        example = mouth.imitation / self._year * population.active() / max(self._people, 1)
        factor = word_of_mouth_factor(mouth.weight, self._balance)
        return [hazard * factor for hazard in paid], example
