"""The readable engine: one SimPy process a customer, the desk a SimPy resource.

It only keeps the clock and the books; every decision is a rule of `kernels/life.py`. Events at one time go in the
order of uid (SimPy's priority), boundaries before customers. Invariants are checked whenever the books close.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappush
from typing import Any

import numpy as np
import simpy

from churnsim.errors import ChurnSimError
from churnsim.kernels import life
from churnsim.kernels.population import draw_new
from churnsim.kernels.streams import SIMULATION, TRAITS
from churnsim.simulation.arrivals import Arrivals
from churnsim.simulation.books import Books
from churnsim.simulation.customer import Customer, targets
from churnsim.simulation.ledger import Ledger
from churnsim.simulation.scenario import Scenario

__all__ = ["run"]

Process = Generator[simpy.Event, Any, None]

BOUNDARY = 1  # SimPy keeps 0 for the end of the run; customers come after boundaries, by uid
FIRST_CUSTOMER = 2
LOSS = {
    life.LOST_ORGANIC: "lost_organic",
    life.LOST_FAILURE: "lost_failure",
    life.LOST_COMPLAINT: "lost_complaint",
}
REPLY = {life.QUICK: "reply_quick", life.SLOW: "reply_slow", life.UNRESOLVED: "reply_unresolved"}


class Clock(simpy.Environment):
    """SimPy's environment with events at an absolute time, so that no `now + (t - now)` rounds a time away."""

    def at(self, time: float, priority: int) -> simpy.Event:
        """An event at `time`; equal times in the order of `priority`."""
        event = simpy.Event(self)
        event._ok = True
        event._value = None
        queue: list[Any] = self._queue
        heappush(queue, (time, priority, next(self._eid), event))
        return event


def run(scenario: Scenario, *, seed: int, replication: int, log: bool = False) -> Ledger:
    """Run one replication. Raises InvariantError if the books do not close."""
    return _Run(scenario, seed, replication, log).ledger()


class _Run:
    def __init__(self, scenario: Scenario, seed: int, replication: int, log: bool) -> None:
        self.scenario = scenario
        self.market = scenario.market.in_replication(replication)
        self.rules = scenario.rules._replace(spend_shape=float(self.market.spend.p))
        self.seed, self.replication = seed, replication
        self.clock = Clock()
        desk = scenario.strategy.desk
        self.desk = simpy.Resource(self.clock, capacity=desk.staff) if desk else None
        self.waiting = 0
        self.customers = self._starting_base()
        self.books = Books(periods=scenario.periods, active=self._count_active(), log=log)
        self.uids: set[int] = set()
        for customer in self.customers:
            self._register(customer.uid)
        self.arrivals = Arrivals(size=self.market.prospects.size, seed=seed, replication=replication)

    def _starting_base(self) -> list[Customer]:
        market = self.market
        base = market.customers.draw(
            purchases=market.purchases, spend=market.spend, seed=self.seed, replication=self.replication
        )
        # Plain Python numbers: a compiled rule takes them several times faster than NumPy's.
        columns = zip(
            base.uids.tolist(),
            base.traits.tolist(),
            base.alive.tolist(),
            base.last_purchase.tolist(),
            np.rint(base.repeat_revenue * 100).astype(np.int64).tolist(),
            strict=True,
        )
        return [
            self._customer(uid, traits, alive=alive, last_purchase=last, repeat_revenue=seen)
            for uid, traits, alive, last, seen in columns
        ]

    def _residual(self) -> int:
        """What those active at the horizon are still worth there; 0 where nothing is discounted and the sum may
        diverge."""
        force, margin = self.market.discount_force, float(self.market.terms.margin)
        if force <= 0:
            return 0
        return sum(
            life.residual_margin(c.rate, c.dropout, c.spend_rate, self.rules.spend_shape, margin, force)
            for c in self.customers
            if c.alive
        )

    def _register(self, uid: int) -> None:
        """Two customers of one uid would live by the same numbers."""
        if uid in self.uids:
            raise ChurnSimError(f"two customers share the uid {uid}. Rename one: both would have one fate.")
        self.uids.add(uid)

    def _count_active(self) -> int:
        return sum(customer.alive for customer in self.customers)

    def _customer(
        self,
        uid: int,
        traits: list[float] | tuple[float, ...],
        *,
        alive: bool,
        last_purchase: float,
        repeat_revenue: int,
    ) -> Customer:
        rate, dropout, spend_rate, u_contact = traits
        churn = self.scenario.strategy.churn
        return Customer(
            uid=uid,
            rate=rate,
            dropout=churn.applied(dropout) if churn else dropout,
            spend_rate=spend_rate,
            harmed=u_contact < self.market.retention.harmed_share,
            alive=alive,
            last_purchase=last_purchase,
            repeat_revenue=repeat_revenue,
        )

    def ledger(self) -> Ledger:
        """Run to the horizon and close the books."""
        self.clock.process(self._reviews())
        for customer in self.customers:
            if customer.alive:
                first = life.purchase_gap(customer.rate, 0, customer.uid, self.replication, self.seed)
                if first < self.scenario.horizon:
                    self.clock.process(self._live(customer, first, 0))
        self.clock.run(until=float(self.scenario.horizon))
        self.books.count("residual", self._residual())
        self.books.close(counted=self._count_active())
        self.books.check_totals(waiting=self.waiting)
        return Ledger(
            table=self.books.table,
            period=self.scenario.period,
            discount_force=self.market.discount_force,
            open_complaints=self.waiting,
            events=tuple(sorted(self.books.events or (), key=lambda e: (e.time, e.uid))),
        )

    # The life of a customer

    def _live(self, customer: Customer, time: float, k: int) -> Process:
        """From the k-th purchase at `time` to the loss or the horizon."""
        uid, seed, replication = customer.uid, self.seed, self.replication
        while time < self.scenario.horizon:
            yield self.clock.at(time, FIRST_CUSTOMER + uid)
            cents, failed, kind, fate = life.purchase(
                self.rules,
                customer.dropout,
                customer.spend_rate,
                customer.factor,
                self.desk is not None,
                k,
                uid,
                replication,
                seed,
            )
            self._book_purchase(customer, time, cents)
            customer.repeat_revenue += cents
            if failed:
                self.books.note(time, uid, "failure")
            if kind != life.NO_REPLY or fate == life.AWAITS:
                self.books.note(time, uid, "complaint")
            if fate == life.AWAITS:
                complained = time
                finished, time = yield from self._answer(customer, complained, k)
                waited = finished - complained
                kind, fate = life.reply(
                    self.rules, customer.dropout, customer.factor, waited, k, uid, replication, seed
                )
                self.waiting -= 1
                self.books.pay("recovery", self.scenario.strategy.desk.cost_per_reply)  # type: ignore[union-attr]
            if kind != life.NO_REPLY:
                self.books.note(time, uid, REPLY[kind])
            if fate != life.KEEPS:
                customer.alive = False
                self.books.note(time, uid, LOSS[fate])
                return
            k += 1
            time = time + life.purchase_gap(customer.rate, k, uid, replication, seed)

    def _answer(
        self, customer: Customer, complained: float, k: int
    ) -> Generator[simpy.Event, Any, tuple[float, float]]:
        """Queue, be served, and be told: at the finish, but not before the next epoch boundary. Returns both times."""
        strategy_desk = self.scenario.strategy.desk
        assert self.desk is not None
        assert strategy_desk is not None
        self.waiting += 1
        priority = FIRST_CUSTOMER + customer.uid
        with self.desk.request() as turn:
            yield turn
            work = life.service_time(strategy_desk.mean_service_time, k, customer.uid, self.replication, self.seed)
            finish = self.clock.now + work
            yield self.clock.at(finish, priority)
        told = max(finish, life.next_boundary(complained, float(self.scenario.epoch)))
        if told > finish:
            yield self.clock.at(told, priority)
        return finish, told

    def _arrive(self, uid: int, time: float) -> Process:
        """A paid arrival: drawn from the population, buys at once, then lives on."""
        yield self.clock.at(time, FIRST_CUSTOMER + uid)
        self._register(uid)
        m = self.market.purchases, self.market.spend
        traits = draw_new(
            float(m[0].r),
            float(m[0].alpha),
            float(m[0].a),
            float(m[0].b),
            float(m[1].q),
            float(m[1].gamma),
            uid,
            self.replication,
            self.seed,
            SIMULATION,
            TRAITS,
        )
        customer = self._customer(uid, traits, alive=True, last_purchase=time, repeat_revenue=0)
        self.customers.append(customer)
        self.books.note(time, uid, "birth")
        cents = life.first_spend(self.rules, customer.spend_rate, uid, self.replication, self.seed)
        self._book_purchase(customer, time, cents)
        following = time + life.purchase_gap(customer.rate, 1, uid, self.replication, self.seed)
        yield from self._live(customer, following, 1)

    # The firm

    def _reviews(self) -> Process:
        """At each period's start: close the old books, open new ones, spend the budgets."""
        for index in range(self.scenario.periods):
            start = index * self.scenario.period
            yield self.clock.at(start, BOUNDARY)
            if index:
                self.books.close(counted=self._count_active())
            self.books.open(index)
            self.books.pay("fixed", self.market.terms.fixed_cost_per_period)
            self._acquire(start, (index + 1) * self.scenario.period)
            self._contact(start)
            desk = self.scenario.strategy.desk
            if desk:
                self.books.pay("service", desk.staff * desk.wage_per_period)

    def _acquire(self, start: float, end: float) -> None:
        acquisition = self.scenario.strategy.acquisition
        if acquisition is None:
            return
        self.books.pay("acquisition", acquisition.budget_per_period)
        share = self.market.prospects.share_per_period(acquisition.budget_per_period)
        for time, uid in self.arrivals.during(start, end, share):
            self.clock.process(self._arrive(uid, time))

    def _contact(self, now: float) -> None:
        contacts = self.scenario.strategy.retention
        if contacts is None:
            return
        for customer in self.customers:
            customer.factor = 1.0
        chosen = targets(self.customers, contacts, now)
        if not chosen or contacts.budget_per_period == 0:
            return
        effect = self.market.retention.effect(contacts.budget_per_period / len(chosen))
        for customer in chosen:
            customer.factor = life.contact_factor(effect, customer.harmed)
        self.books.pay("retention", contacts.budget_per_period)
        self.books.count("contacts", len(chosen))

    def _book_purchase(self, customer: Customer, time: float, cents: int) -> None:
        self.books.note(time, customer.uid, "purchase", cents)
        self.books.count("revenue", cents)
        self.books.count("margin", life.margin_of(cents, float(self.market.terms.margin)))
        asking = self.scenario.strategy.asking
        if asking:
            self.books.pay("service", asking.cost_per_purchase)
        customer.last_purchase = time
