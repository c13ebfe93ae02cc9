"""The readable engine: one SimPy process a customer, the desk a SimPy resource.

It only keeps the clock and the books; every decision is a rule of `kernels/engine` (`event_rules.py`,
`event_times.py`), and what the firm does is settled in `epoch_boundary.py`. Events at one time go in the order of uid
(SimPy's priority), boundaries before customers. Invariants are checked whenever the books close.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from heapq import heappush
from typing import Any

import simpy

from churnsim.kernels.engine import clock_table, event_rules, event_times, satisfaction
from churnsim.kernels.engine.ledger_accounts import KINDS
from churnsim.kernels.engine.ledger_accounts import LOST as LOST_KINDS
from churnsim.kernels.engine.ledger_accounts import REPLY as REPLY_KINDS
from churnsim.kernels.engine.records import ACTIVE, AWAITING, CONTRACT, DROPOUT_AT_ONCE, LOST, UNBORN, UNITS_PER_CENT
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.customer import Customer
from churnsim.simulation.engine.customer_states import customer_states
from churnsim.simulation.engine.epoch_boundary import EpochBoundary
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.engine.object_population import ObjectPopulation
from churnsim.simulation.engine.plugin import Mechanism, World
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.scenario.scenario import Scenario

Process = Generator[simpy.Event, Any, None]

BOUNDARY = 1  # SimPy keeps 0 for the end of the run; customers come after boundaries, by uid
FIRST_CUSTOMER = 2
BORN_AS = (None, "births_paid", "births_referred", "births_told", "births_switched")


class Clock(simpy.Environment):
    """SimPy's environment with events at an absolute time, so that no `now + (t - now)` rounds a time away."""

    def at(self, time: float, priority: int) -> simpy.Event:
        """An event at `time`; equal times in the order of `priority`."""
        event = simpy.Event(self)
        # As SimPy's Timeout does, which takes a delay and not a time.
        event._ok = True
        event._value = None
        queue: list[Any] = self._queue
        heappush(queue, (time, priority, next(self._eid), event))
        return event


def run(
    scenario: Scenario, *, seed: int, replication: int, log: bool = False, mechanisms: Sequence[Mechanism] = ()
) -> Ledger:
    """Run one replication, with a researcher's own `mechanisms`. Raises InvariantError if the books do not close."""
    return _Run(ReplicationInputs.of(scenario, seed=seed, replication=replication), log, mechanisms).ledger()


class _Run:
    def __init__(self, inputs: ReplicationInputs, log: bool, mechanisms: Sequence[Mechanism]) -> None:
        self.p = inputs
        self.scenario, self.numbers, self.rules = inputs.scenario, inputs.numbers, inputs.rules
        self.address = inputs.replication, inputs.seed
        self.clock = Clock()
        clerks = sum(part.clerks for part in self.scenario.strategy.parts)
        self.clerks = simpy.Resource(self.clock, capacity=clerks) if clerks else None
        self.population = ObjectPopulation(inputs)
        self.population.live, self.population.wake = self._start, self._wake
        self.books = self.population.books = Books(
            periods=self.scenario.periods, active=self.population.active(), log=log
        )
        self.boundary = EpochBoundary(inputs, self.books, active=self.population.active())
        self.firm = self.population.firm = self.boundary.firm
        self.mechanisms = mechanisms
        self.world = World(self.population.by_uid, inputs.seed, inputs.replication, self.books)
        if mechanisms:
            self.books.listeners.append(self._tell_mechanisms)

    def ledger(self) -> Ledger:
        """Run to the horizon and close the books."""
        # The boundaries first: of events at one time they come before those of customers.
        self.clock.process(self._boundaries())
        for customer in self.population.customers:
            self._start(customer)
        self.clock.run(until=self.p.bound(self.scenario.periods))
        waiting = sum(customer.state == AWAITING for customer in self.population.customers)
        self.boundary.last(self.population)
        self.books.count("residual", self.population.residual(self.p.bound(self.scenario.periods)))
        self.books.close(counted=self.population.active())
        self.books.check_totals(waiting=waiting)
        return Ledger(
            table=self.books.table,
            period=self.scenario.period,
            discount_force=self.p.market.discount_force,
            open_complaints=waiting,
            events=tuple(sorted(self.books.events or (), key=lambda e: (e.time, e.uid))),
            customers=customer_states(self.population.customers) if self.books.events is not None else None,
            channels=self.boundary.channels(),
        )

    def _tell_mechanisms(self, time: float, uid: int, kind: str) -> None:
        for mechanism in self.mechanisms:
            mechanism.after(kind, self.population.by_uid[uid], time, self.world)

    # The life of a customer

    def _start(self, c: Customer) -> None:
        c.process = self.clock.process(self._process(c))

    def _wake(self, c: Customer) -> None:
        """Something was done to it from outside."""
        c.process.interrupt()

    def _process(self, c: Customer) -> Process:
        """From one event to the next until it is lost. Whoever moves its clocks meanwhile interrupts it."""
        while c.state != LOST:
            time = c.next_event
            try:
                yield self.clock.at(time, FIRST_CUSTOMER + c.uid)
            # Its clocks were moved from outside: look again when its next event is due.
            except simpy.Interrupt:
                continue
            # Of events due at one time the first of this list happens first, as in the compiled engine.
            if c.state == UNBORN:
                self._arrive(c, time)
            elif c.due <= time:
                yield from self._buy(c, time)
            elif c.referral_at <= time:
                self._refer(c, time)
            # Held by a bond: another life begins, with a number of its own.
            elif not self._lose(c, time, event_rules.LOST_ORGANIC, event_rules.DEATHS + c.lives):
                c.lives += 1
                self.population.start_lifetime(c, self.firm.effect, time)

    def _arrive(self, c: Customer, time: float) -> None:
        """Birth and first purchase, which neither fails nor, but in MBG/NBD, ends the relation."""
        c.state = ACTIVE
        self.books.note(time, c.uid, "birth")
        self.books.count(str(BORN_AS[c.origin]), 1)
        listed, u_gap, u_organic = event_rules.first_amount(
            self.rules, self.p.spends, self.p.profits, c.spend_rate, c.uid, *self.address
        )
        self._book(c, time, listed)
        ends = self.numbers.lifetime == DROPOUT_AT_ONCE and u_organic < c.dropout
        if not (ends and self._lose(c, time, event_rules.LOST_ORGANIC, 0)):
            self.population.joined(c, time, math.inf)
            c.due = self.population.next_purchase(c, u_gap, time)
            self.population.start_clocks(c, time)

    def _buy(self, c: Customer, time: float) -> Process:
        """The next purchase or renewal, and what comes of it."""
        rules, uid = self.rules, c.uid
        c.k += 1
        raised = self._raised(c)
        dropout = self.population.dropout(c)
        failure = event_rules.failure_probability(rules, c.rate, dropout) * self.firm.quality
        if self.numbers.satisfaction:
            quality = satisfaction.perceived(rules, failure, c.k, uid, *self.address)
            c.expected, satisfied = satisfaction.after_purchase(rules, c.expected, c.satisfied, quality)
            self.population.set_satisfaction(c, satisfied, self.firm.effect, time)
        # After the experience of this purchase: a bad one is complained about here and now.
        complains = satisfaction.satisfaction_factor(self.numbers.complaint_effect, c.satisfied)
        u_gap, u_spend, failed, kind, outcome = event_rules.purchase(
            rules, self._organic(c, dropout), failure, complains, c.k, uid, *self.address
        )
        # A contract is paid at its renewal, so by those who are not lost at it; elsewhere the purchase is made first.
        contract = self.numbers.lifetime == CONTRACT
        if not contract:
            c.repeat_revenue += self._book(c, time, self._amount(c, u_spend, raised))
        c.unhappy = int(failed)
        if failed:
            self.books.note(time, uid, "failure")
            if kind == event_rules.NO_REPLY and outcome != event_rules.AWAITS:
                self._tell(c, "told_against", self.numbers.tells_against, -1)
            else:
                self.books.note(time, uid, "complaint")
        # Time passes here: what follows is of the moment at which it is told.
        if outcome == event_rules.AWAITS:
            kind, time = yield from self._answer(c, time)
            raised = self._raised(c)
            u_gap, u_spend, outcome = event_rules.reply(rules, self._organic(c, dropout), kind, c.k, uid, *self.address)
            self._spend(c, "recovery", self.numbers.reply_cents)
        if kind != event_rules.NO_REPLY:
            self._answered(c, time, kind)
        if outcome != event_rules.KEEPS and self._lose(c, time, outcome, c.k):
            return
        if contract:
            c.repeat_revenue += self._book(c, time, self._amount(c, u_spend, raised))
            c.offered = 0
        c.due = self.population.next_purchase(c, u_gap, time)

    def _answer(self, c: Customer, complained: float) -> Generator[simpy.Event, Any, tuple[int, float]]:
        """Queue, be served, and be told: at the finish, but not before the next epoch boundary. Its clocks stand still.
        Returns the kind of the reply and the time it is told."""
        assert self.clerks is not None
        c.state, c.due = AWAITING, math.inf
        leaving = c.tables.leaving
        c.death_at = clock_table.on_clock(leaving, c.death_at, 0) - clock_table.on_clock(leaving, complained, 0)
        c.referral_at -= complained
        # Events at one time happen in the order of uids, whatever the order in which they were put on the calendar.
        priority = FIRST_CUSTOMER + c.uid
        with self.clerks.request() as turn:
            yield turn
            work = event_times.service_time(self.numbers.mean_service_time, c.k, c.uid, *self.address)
            finish = self.clock.now + work
            yield self.clock.at(finish, priority)
        # What one customer does reaches another at the next boundary at the earliest, its own answer included.
        told = max(finish, event_times.next_boundary(complained, self.numbers.epoch))
        if told > finish:
            yield self.clock.at(told, priority)
        c.state = ACTIVE
        c.death_at = clock_table.in_time(leaving, clock_table.on_clock(leaving, told, 0) + c.death_at, 0)
        c.referral_at += told
        return event_rules.reply_kind(self.rules, finish - complained), told

    def _answered(self, c: Customer, time: float, kind: int) -> None:
        """A complaint was answered: what it cost, and whether the customer is restored."""
        self._spend(c, "recovery", self.numbers.complaint_cents)
        if kind == event_rules.UNRESOLVED:
            self._tell(c, "told_against", self.numbers.tells_against, -1)
        else:
            c.unhappy = 0
            self._tell(c, "told_for", self.numbers.tells_for, 1)
        self.books.note(time, c.uid, KINDS[REPLY_KINDS + kind])
        if self.numbers.satisfaction:
            satisfied = satisfaction.after_answer(self.rules, c.satisfied, kind, c.k, c.uid, *self.address)
            self.population.set_satisfaction(c, satisfied, self.firm.effect, time)

    def _tell(self, c: Customer, account: str, people: int, sign: int) -> None:
        """Tell others, more of them the more strongly it feels."""
        weight = sign * self.numbers.word_of_mouth_effect
        self.books.count(account, satisfaction.people_told(people, weight, c.satisfied))

    def _lose(self, c: Customer, time: float, outcome: int, ordinal: int) -> bool:
        """Lose the customer, unless switching costs hold it."""
        # Drawn before anything is written down: whoever is held has not been lost.
        goes = event_rules.destination(self.rules, ordinal, c.uid, *self.address)
        if goes == event_rules.HELD:
            return False
        c.state, c.cause, c.destination, c.lost_at = LOST, outcome, goes, time
        self.books.count("losses_switched", int(goes == event_rules.SWITCHES))
        self.books.note(time, c.uid, KINDS[LOST_KINDS + outcome - event_rules.LOST_ORGANIC])
        return True

    def _refer(self, c: Customer, time: float) -> None:
        """A referral, made by those who are satisfied."""
        # One that is unhappy refers nobody, but the referral is counted, so that later ones keep their random numbers.
        if not c.unhappy:
            self.population.referrals.append((time, c.uid, c.referrals))
        c.referrals += 1
        c.referral_at = time + event_times.referral_gap(
            self.rules, c.member, c.satisfied, c.referrals, c.uid, *self.address
        )

    def _organic(self, c: Customer, dropout: float) -> float:
        factor = event_times.offered_factor(
            self.rules, self.population.factor(c, self.firm.effect), c.response, c.offered
        )
        return event_rules.organic_chance(self.rules, dropout, factor)

    def _raised(self, c: Customer) -> float:
        """Factor on what it spends: offers that reached it, and its satisfaction before it buys."""
        offers = 1.0 + self.firm.uplift if c.crossed else 1.0
        return offers * satisfaction.satisfaction_factor(self.numbers.spend_effect, c.satisfied)

    def _amount(self, c: Customer, u_spend: float, raised: float) -> int:
        scale = event_rules.spend_scale(c.spend_rate, raised)
        return event_rules.amount(self.rules, self.p.spends, self.p.profits, u_spend, scale, raised, c.tenure)

    def _book(self, c: Customer, time: float, listed: int) -> int:
        """Book a purchase; what the customer paid."""
        paid, margin = event_rules.paid(self.rules, listed, c.offered)
        self.books.note(time, c.uid, "purchase", paid)
        self.books.count("revenue", paid)
        self.books.count("margin", margin)
        c.revenue += paid
        c.account += margin * UNITS_PER_CENT
        self._spend(c, "service", self.numbers.asking_cents)
        c.last_purchase = time
        return paid

    def _spend(self, c: Customer, account: str, cents: int) -> None:
        """Spend on one customer."""
        self.books.count(account, cents)
        c.account -= cents * UNITS_PER_CENT

    # The firm

    def _boundaries(self) -> Process:
        """At each boundary at which something is settled: close the old books, open new ones, settle."""
        epochs = self.scenario.epochs_per_period
        for epoch in range(0, self.scenario.periods * epochs, 1 if self.boundary.every_epoch else epochs):
            yield self.clock.at(epoch * float(self.scenario.epoch), BOUNDARY)
            # The books of the old period close before anything of the new one is booked.
            if epoch % epochs == 0:
                if epoch:
                    self.books.close(counted=self.population.active())
                self.books.open(epoch // epochs)
                self.boundary.firm.standing_costs()
            self.boundary.settle(epoch, self.population)
            if epoch % epochs == 0:
                for mechanism in self.mechanisms:
                    mechanism.at_period(epoch // epochs, self.clock.now, self.world)
