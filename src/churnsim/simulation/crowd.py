"""The SimPy engine's customers, as objects: who they are, what the firm sees of them, how its doings reach them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ChurnSimError
from churnsim.kernels import clocks
from churnsim.kernels.newcomers import draw_new
from churnsim.kernels.residual import residual_margin
from churnsim.kernels.rules import ACTIVE, CLOCK, LOST, UNBORN
from churnsim.simulation.customer import Customer
from churnsim.simulation.prepared import Prepared
from churnsim.simulation.targeting import Visible

__all__ = ["ObjectCrowd"]


class ObjectCrowd:
    """`meeting.Crowd` over a list of `Customer`.

    The engine sets `live`, called with a customer that begins to live, and `wake`, called with one whose clocks were
    moved from outside.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.p = prepared
        self.rules, self.address = prepared.rules, (prepared.replication, prepared.seed)
        self.effect = 0.0  # of contacts, until the next review
        self.customers: list[Customer] = []
        self.live: Callable[[Customer], None]
        self.wake: Callable[[Customer], None]
        self._uids: set[int] = set()
        self._start()

    def _start(self) -> None:
        base = self.p.base()
        # Plain Python numbers: a compiled rule takes them several times faster than NumPy's.
        columns = (base.uids, base.traits, base.members, base.alive, base.first_purchase, base.last_purchase)
        rows = zip(*(c.tolist() for c in columns), self.p.repeat_cents(base).tolist(), base.seen.tolist(), strict=True)
        for uid, traits, member, alive, first, last, revenue, seen in rows:
            c = self._add(uid, (*traits, member), ACTIVE if alive else LOST)
            c.first_purchase, c.last_purchase, c.repeat_revenue, c.seen = first, last, revenue, seen
            if alive:
                c.due = clocks.starting_gap(self.rules, c.rate, -last, uid, *self.address)
                self.start_clocks(c, 0.0)

    def _add(self, uid: int, traits: tuple[float, ...], state: int) -> Customer:
        """Add a customer. Two of one uid would live by the same numbers."""
        if uid in self._uids:
            raise ChurnSimError(f"two customers share the uid {uid}. Rename one: both would have one fate.")
        self._uids.add(uid)
        rate, dropout, spend_rate, u_contact, u_member = traits
        customer = Customer(
            uid=uid,
            rate=rate,
            dropout=dropout,
            spend_rate=spend_rate,
            response=clocks.response_of(self.rules, u_contact),
            member=int(u_member < self.p.numbers.member_share),
            state=state,
        )
        self.customers.append(customer)
        return customer

    def start_clocks(self, c: Customer, now: float) -> None:
        """The end of a customer's life, where that has a clock, and its first referral."""
        if self.p.numbers.lifetime == CLOCK:
            c.death_at = now + clocks.death_gap(self.hazard(c), c.lives, c.uid, *self.address)
        c.referral_at = now + clocks.referral_gap(self.rules, c.member, c.referrals, c.uid, *self.address)

    # What is known of one customer

    def dropout(self, c: Customer) -> float:
        """Its dropout probability or hazard as things stand, before the firm does anything about it."""
        return clocks.dropout_now(self.rules, self.p.hazards, c.dropout, c.tenure, c.returns)

    def factor(self, c: Customer) -> float:
        """What the firm does to its organic dropout."""
        return clocks.organic_factor(self.rules, self.effect, c.response, c.contacted, c.member)

    def hazard(self, c: Customer) -> float:
        """Organic hazard of a lifetime in time, as things stand."""
        return clocks.organic_hazard(self.rules, c.rate, self.dropout(c), self.factor(c))

    def count_active(self) -> int:
        """Those with the firm, waiting for a reply or not."""
        return sum(customer.alive for customer in self.customers)

    def residual(self, horizon: float) -> int:
        """What those active at the horizon are still worth there, cents; 0 where nothing is discounted and the sum may
        diverge."""
        force = self.p.market.discount_force
        if force <= 0:
            return 0
        tables = self.rules, self.p.hazards, self.p.profits
        total = 0
        for c in self.customers:
            if c.alive:
                wait = c.due - horizon if c.state == ACTIVE else 0.0
                traits = c.rate, c.dropout, c.spend_rate
                total += residual_margin(*tables, *traits, c.tenure, c.returns, wait, force)
        return total

    # What the firm sees and does

    def visible(self) -> Visible:
        """What the firm sees of its customers."""
        customers = self.customers
        return Visible(
            uid=np.array([c.uid for c in customers], dtype=np.int64),
            known=np.array([c.state != UNBORN for c in customers], dtype=np.bool_),
            first_purchase=np.array([c.first_purchase for c in customers]),
            last_purchase=np.array([c.last_purchase for c in customers]),
            purchases=np.array([c.tenure for c in customers], dtype=np.int64),
            repeat_revenue=np.array([c.repeat_revenue for c in customers], dtype=np.int64),
            response=np.array([c.response for c in customers]),
        )

    def contact(self, chosen: NDArray[np.bool_], before: float, effect: float, now: float) -> None:
        """Contact those chosen and no others; a lifetime in time then runs at its new hazard."""
        before_all = [self.hazard(c) for c in self.customers] if self.p.numbers.lifetime == CLOCK else []
        self.effect = effect
        for c, contacted in zip(self.customers, chosen.tolist(), strict=True):
            c.contacted = int(contacted)
        for c, before_one in zip(self.customers, before_all, strict=False):
            after = self.hazard(c)
            if c.alive and after != before_one:
                c.death_at = clocks.rescaled(c.death_at, now if c.state == ACTIVE else 0.0, before_one, after)
                self.wake(c)

    def enter(self, times: NDArray[np.float64], uids: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        """New customers, drawn from the population, to be born at `times`."""
        factor, points = self.p.churn
        for time, uid, origin in zip(times.tolist(), uids.tolist(), origins.tolist(), strict=True):
            rate, dropout, *others = draw_new(*self.p.newcomers.arguments, uid, *self.address)
            c = self._add(uid, (rate, max(0.0, factor * dropout - points), *others), UNBORN)
            c.origin, c.due, c.first_purchase, c.last_purchase = origin, time, time, time
            self.live(c)
