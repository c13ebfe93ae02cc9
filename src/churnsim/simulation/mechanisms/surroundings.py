"""What surrounds the customers at an epoch boundary, as mechanisms take part in it: people who may come, and what
customers do to each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churnsim.simulation.core.arrivals import Arrivals
from churnsim.simulation.mechanisms.review import Accounts, Customers

Newcomer = tuple[float, int, int]
"""Time of birth, uid and origin."""


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


@dataclass
class Surroundings:
    """The world around the customers of one replication."""

    market: Any  # the replication's own
    parts: tuple[Any, ...]  # the mechanisms that are on
    books: Accounts
    epoch: float
    span: float  # time between reviews
    periods: int
    active: int  # customers at the start
    address: tuple[int, int]  # replication, seed
    population: Population = field(init=False)  # at the boundary that is being settled
    now: float = 0.0
    left: Arrivals = field(init=False)  # who may still come
    reach: int = 1  # people among whom a referral looks for one of them
    people: int = 0  # all people: prospects who come leave the pool but are still told things
    balance: float = 0.0  # remembered tellings per person, for less against
    others: dict[int, Arrivals] = field(default_factory=dict)  # other pools of people, by their channel
    done: InteractionTotals = field(init=False)  # since the last boundary
    # Hazards at which one of those left comes: by the code of what is spent on, and until the next boundary what these
    # are multiplied by, and for no money.
    paid: list[tuple[int, float]] = field(default_factory=list)
    factor: float = 1.0
    unpaid: float = 0.0
    came: Counter[tuple[int, int]] = field(default_factory=Counter)  # paid for, by period and code

    def pool(self, channel: int, size: float) -> Arrivals:
        """The people of another pool, `size` of them at first."""
        if channel not in self.others:
            self.others[channel] = self.arrivals(channel, size)
        return self.others[channel]

    def arrivals(self, channel: int, size: float) -> Arrivals:
        """A new pool."""
        replication, seed = self.address
        return Arrivals(channel=channel, size=size, seed=seed, replication=replication)
