"""The SimPy engine's customers, as objects: who they are, what the firm sees of them, how its doings reach them."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from churnsim.errors import ChurnSimError
from churnsim.kernels.engine import buying_clock, clock_table, event_rules, event_times
from churnsim.kernels.engine.firm_view import empty_clocks
from churnsim.kernels.engine.ledger_updates import REFERRAL_LINE
from churnsim.kernels.engine.newcomers import draw_new
from churnsim.kernels.engine.records import ACTIVE, AWAITING, CLOCK, CONTRACT, LOST, UNBORN, DropoutState
from churnsim.kernels.engine.residual import residual_margin
from churnsim.kernels.engine.satisfaction import satisfaction_factor_ratio
from churnsim.simulation.core.clocks import one_customers
from churnsim.simulation.engine.bookkeeping import INDEX, Books
from churnsim.simulation.engine.customer import Customer
from churnsim.simulation.engine.firm import Firm
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.mechanisms.review import Visible
from churnsim.simulation.mechanisms.surroundings import InteractionTotals

_STATE = attrgetter(*DropoutState._fields)


class ObjectPopulation:
    """`surroundings.Population` over a list of `Customer`.

    The engine sets the `firm` and its `books`; `live`, called with a customer that begins to live, and `wake`, called
    with one to whom something was done from outside.
    """

    def __init__(self, inputs: ReplicationInputs) -> None:
        self.p = inputs
        self.rules, self.address = inputs.rules, (inputs.replication, inputs.seed)
        self.firm: Firm | None = None  # until there is one, nobody has been contacted
        self.books: Books
        self.referrals: list[tuple[float, int, int]] = []
        self.customers: list[Customer] = []
        self.live: Callable[[Customer], None]
        self.wake: Callable[[Customer], None]
        self.by_uid: dict[int, Customer] = {}
        self._steady = not len(inputs.tables.lifts) and not len(inputs.tables.buying.knots)  # all clocks are steady
        self._start()

    def _start(self) -> None:
        base = self.p.base()
        # Plain Python numbers: a compiled rule takes them several times faster than NumPy's.
        columns = (base.uids, base.traits, base.members, base.alive, base.first_purchase, base.last_purchase)
        rows = zip(*(c.tolist() for c in columns), self.p.repeat_cents.tolist(), base.seen.tolist(), strict=True)
        for uid, traits, member, alive, first, last, revenue, seen in rows:
            c = self._add(uid, (*traits, member), ACTIVE if alive else LOST)
            c.first_purchase, c.last_purchase, c.repeat_revenue, c.seen = first, last, revenue, seen
            # Who has left counts as lost at the last purchase.
            c.lost_at = math.inf if alive else last
            if alive:
                c.due = event_times.first_due(c.tables, c.rate, last, 0, uid, *self.address)
                # Who was there before knows the old price, and joins the club as it opens.
                c.due = self._lifted(c, buying_clock.PRICE, self.p.numbers.price_lift, 0.0, c.due)
                c.due = self.joined(c, 0.0, c.due)
                self.start_clocks(c, 0.0)

    def _add(self, uid: int, traits: tuple[float, ...], state: int) -> Customer:
        """Add a customer. Two of one uid would draw the same random numbers."""
        if uid in self.by_uid:
            raise ChurnSimError(
                f"two customers share the uid {uid}, which addresses their random numbers. Give one of them another id."
            )
        rate, dropout, spend_rate, u_contact, u_member = traits
        customer = Customer(
            uid=uid,
            rate=rate,
            dropout=dropout,
            spend_rate=spend_rate,
            response=event_times.response_of(self.rules, u_contact),
            member=int(u_member < self.p.numbers.member_share),
            state=state,
            tables=one_customers(self.p.tables, len(self.customers)),
            clocks=empty_clocks(1, len(self.p.tables.lifts)),
            expected=self.p.numbers.first_expectation,
        )
        self.by_uid[uid] = customer
        self.customers.append(customer)
        return customer

    def start_clocks(self, c: Customer, now: float) -> None:
        """The end of a customer's life, where that has a clock, and its first referral."""
        if self.p.numbers.lifetime == CLOCK:
            self.start_lifetime(c, self.firm.effect if self.firm else 0.0, now)
        c.referral_at = now + event_times.referral_gap(
            self.rules, c.member, c.satisfied, c.referrals, c.uid, *self.address
        )

    def start_lifetime(self, c: Customer, effect: float, now: float) -> None:
        """Draw the end of its life, which begins `now`; `effect` is that of contacts."""
        lasts = event_times.death_gap(self.hazard(c, effect), c.lives, c.uid, *self.address)
        c.death_at = clock_table.after(c.tables.leaving, now, lasts, 0)

    # What is known of one customer

    def dropout(self, c: Customer) -> float:
        """Its dropout probability or hazard as things stand, before the firm does anything about it."""
        return event_times.dropout_now(self.rules, self.p.hazards, c.dropout, c.tenure, c.returns)

    def factor(self, c: Customer, effect: float) -> float:
        """What the firm does to its organic dropout; `effect` is that of contacts."""
        return event_times.organic_factor(self.rules, effect, DropoutState._make(_STATE(c)))

    def hazard(self, c: Customer, effect: float) -> float:
        """Organic hazard of a lifetime in time, as things stand."""
        return event_times.organic_hazard(self.rules, c.rate, self.dropout(c), self.factor(c, effect))

    def set_satisfaction(self, c: Customer, satisfied: float, effect: float, now: float) -> None:
        """Let it be `satisfied` from now on: what is left of its clocks runs at its new rates."""
        numbers = self.p.numbers
        clock = numbers.lifetime == CLOCK and numbers.dropout_effect != 0.0
        # What is left of the lifetime is rescaled by the ratio of the hazards before and after.
        before = self.hazard(c, effect) if clock else 0.0
        if numbers.referral_effect != 0.0:
            slower = satisfaction_factor_ratio(numbers.referral_effect, c.satisfied, satisfied)
            c.referral_at = event_times.rescaled(c.referral_at, now, slower, 1.0)
        c.satisfied = satisfied
        if clock:
            c.death_at = event_times.moved_death(c.tables.leaving, c.death_at, now, before, self.hazard(c, effect), 0)

    def active(self) -> int:
        """Those with the firm, waiting for a reply or not."""
        return sum(customer.alive for customer in self.customers)

    def active_members(self) -> int:
        """How many of those are members of the club."""
        return sum(customer.alive and customer.member for customer in self.customers)

    def residual(self, horizon: float) -> int:
        """What those active at the horizon are still worth there, cents; 0 where nothing is discounted and the sum may
        diverge."""
        force = self.p.market.discount_force
        if force <= 0:
            return 0
        total = 0
        for c in self.customers:
            if c.alive:
                wait = c.due - horizon if c.state == ACTIVE else 0.0
                traits = c.rate, c.dropout, c.spend_rate
                now = clock_table.on_clock(c.tables.buying, horizon, 0)
                total += residual_margin(c.tables, *traits, c.tenure, c.returns, c.clocks, 0, now, wait, force)
        return total

    # What the firm sees and does, and what customers did to others

    def visible(self) -> Visible:
        """What the firm sees of its customers."""
        customers, contract = self.customers, self.p.numbers.lifetime == CONTRACT
        known = np.array([c.state != UNBORN and not c.dismissed for c in customers], dtype=np.bool_)
        return Visible(
            uid=np.array([c.uid for c in customers], dtype=np.int64),
            known=known,
            there=known & np.array([c.state != LOST for c in customers], dtype=np.bool_) if contract else known,
            first_purchase=np.array([c.first_purchase for c in customers]),
            last_purchase=np.array([c.last_purchase for c in customers]),
            purchases=np.array([c.tenure for c in customers], dtype=np.int64),
            repeat_revenue=np.array([c.repeat_revenue for c in customers], dtype=np.int64),
            response=np.array([c.response for c in customers]),
            attempts=np.array([c.attempts for c in customers], dtype=np.int64),
        )

    def serve_accounts(self, cost: int) -> int:
        """Charge each known customer with what an account costs, under contract those who have one; their number."""
        # Under contract the firm sees who has left.
        closed = (UNBORN, LOST) if self.p.numbers.lifetime == CONTRACT else (UNBORN,)
        known = [c for c in self.customers if c.state not in closed and not c.dismissed]
        for c in known:
            c.account -= cost
        return len(known)

    def dismiss(self, period: int, now: float) -> None:
        """End the relation with all who cost more than they brought since the last time."""
        for c in self.customers:
            if c.state in (UNBORN, AWAITING) or c.dismissed:
                continue
            # It has cost more than it brought since the last time.
            if c.account < c.judged_account:
                c.dismissed = 1
                if c.state == ACTIVE:
                    c.state, c.cause, c.destination, c.lost_at = (
                        LOST,
                        event_rules.LOST_DISMISSED,
                        event_rules.EVAPORATES,
                        now,
                    )
                    self.books.note(now, c.uid, "lost_dismissed")
                    self.wake(c)
            c.judged_account = c.account

    def contact(
        self, chosen: NDArray[np.bool_], before: float, effect: float, lift: float, cost: int, now: float
    ) -> None:
        """Contact those chosen and no others; a lifetime in time then runs at its new hazard, and buying clocks at
        their new rates."""
        for c, contacted in zip(self.customers, chosen.tolist(), strict=True):
            old = self._clock_hazard(c, before)
            c.contacted = int(contacted)
            c.account -= cost * c.contacted
            self._run_on(c, old, self._clock_hazard(c, effect), now)
            if contacted and lift != 0.0:
                due = c.due if c.state == ACTIVE else math.inf
                moved = self._lifted(c, buying_clock.CONTACT, lift, now, due)
                if moved != due:
                    c.due = moved
                    self.wake(c)

    def _clock_hazard(self, c: Customer, effect: float) -> float:
        return self.hazard(c, effect) if self.p.numbers.lifetime == CLOCK else 0.0

    def _run_on(self, c: Customer, old: float, new: float, now: float) -> None:
        """Let what is left of its life run at the hazard `new` in place of `old`."""
        if not c.alive or new == old:
            return
        if c.state == ACTIVE:
            c.death_at = event_times.moved_death(c.tables.leaving, c.death_at, now, old, new, 0)
            self.wake(c)
        else:  # what is left of it, which it looks at when it is told
            c.death_at = event_times.rescaled(c.death_at, 0.0, old, new)

    def _lifted(self, c: Customer, kind: int, by: float, now: float, due: float) -> float:
        if self.p.tables.layers[kind] < 0:
            return due
        return event_times.lifted_purchase(c.tables, kind, by, now, due, c.clocks, 0)

    def joined(self, c: Customer, now: float, due: float) -> float:
        """When its purchase comes that was `due`, after one who is a member becomes that."""
        return self._lifted(c, buying_clock.CLUB, self.p.numbers.club_lift, now, due) if c.member else due

    def next_purchase(self, c: Customer, u_gap: float, time: float) -> float:
        """When the purchase after one at `time` comes, by the word of the gap."""
        # Handing all tables to compiled code takes ten times as long as the gap.
        if self._steady:
            return time + event_times.purchase_gap(self.rules, self.p.gaps, u_gap, c.rate)
        return event_times.next_purchase(c.tables, u_gap, c.rate, time, c.clocks, 0)

    def renewals(self) -> NDArray[np.float64]:
        """When the contract of each comes up for renewal, without an offer for it so far; else infinity."""
        return np.array([c.due if c.state == ACTIVE and not c.offered else math.inf for c in self.customers])

    def add(self, field: str, chosen: NDArray[np.bool_], effect: float, cost: int, now: float) -> None:
        """Add 1 to a count of those chosen; a lifetime in time then runs at its new hazard."""
        for place in np.flatnonzero(chosen).tolist():
            c = self.customers[place]
            old = self._clock_hazard(c, effect)
            setattr(c, field, getattr(c, field) + 1)
            c.account -= cost
            self._run_on(c, old, self._clock_hazard(c, effect), now)

    def offer(self, chosen: NDArray[np.bool_], cost: int) -> None:
        """Offer more to those chosen and no others."""
        for c, crossed in zip(self.customers, chosen.tolist(), strict=True):
            c.crossed = int(crossed)
            c.account -= cost * c.crossed

    def win_back(self, chosen: NDArray[np.int64], effect: float, cost: int, period: int, now: float) -> None:
        """Contact the silent customers at the places chosen."""
        for place in chosen.tolist():
            c = self.customers[place]
            c.account -= cost
            c.attempts += 1
            if c.state != LOST:
                continue
            back, u_gap = event_rules.comes_back(self.rules, now - c.lost_at, c.attempts, c.uid, *self.address)
            if back:
                c.state, c.unhappy, c.offered = ACTIVE, 0, 0
                c.returns += 1
                # A number of its own for the second life: its length is another draw.
                c.lives += 1
                self._lifted(c, buying_clock.RETURN, self.p.numbers.return_lift, now, math.inf)
                c.due = self.next_purchase(c, u_gap, now)
                self.start_clocks(c, now)
                self.books.note(now, c.uid, "returned")
                self.live(c)

    def interaction_totals(self) -> InteractionTotals:
        """What customers did to others so far."""
        total = self.books.table.sum(axis=0)
        return InteractionTotals(*(int(total[INDEX[name]]) for name in ("told_against", "told_for", "losses_switched")))

    def take_referrals(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Times, uids and ordinals of the referrals made since the last call."""
        lines, self.referrals = np.array(self.referrals, dtype=REFERRAL_LINE), []
        return lines["time"], lines["uid"], lines["ordinal"]

    def enter(
        self,
        times: NDArray[np.float64],
        uids: NDArray[np.int64],
        origins: NDArray[np.int64],
        channels: NDArray[np.int64],
    ) -> None:
        """New customers, drawn from the population, to be born at `times`."""
        factor, points = self.p.churn
        columns = (column.tolist() for column in (times, uids, origins, channels))
        for time, uid, origin, channel in zip(*columns, strict=True):
            # Traits by uid, not by order of arrival: one person is the same under every strategy.
            rate, dropout, *others = draw_new(*self.p.newcomers.arguments, uid, *self.address)
            c = self._add(uid, (rate, max(0.0, factor * dropout - points), *others), UNBORN)
            c.origin, c.channel, c.due, c.first_purchase, c.last_purchase = origin, channel, time, time, time
            self.live(c)
