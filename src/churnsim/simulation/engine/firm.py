"""What the firm does when a period starts: whom it lets go, contacts, offers more, wins back, and what it pays."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.event_rules import chances_back
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.rng_streams import SIMULATION, WIN_BACK
from churnsim.simulation.core.assumption import cents
from churnsim.simulation.engine.bookkeeping import Books
from churnsim.simulation.engine.replication_inputs import ReplicationInputs
from churnsim.simulation.engine.targeting import Visible, highest, targets
from churnsim.simulation.mechanisms.targeting import Campaign
from churnsim.simulation.mechanisms.win_back import WinBack
from churnsim.typing import Flags
from churnsim.units import Duration, units_per_year

__all__ = ["Customers", "Firm"]


class Customers(Protocol):
    """The customers as the firm reaches them. Masks, places and views are in the engine's own order of storage."""

    def visible(self) -> Visible:
        """What the firm sees."""

    def active(self) -> int:
        """How many are active."""

    def active_members(self) -> int:
        """How many of those are members of the club."""

    def serve_accounts(self, cents: int) -> int:
        """Charge each known customer with what an account costs; their number."""

    def dismiss(self, period: int, now: float) -> None:
        """End the relation with all who cost more than they brought since the last time."""

    def contact(self, chosen: Flags, before: float, effect: float, lift: float, cents: int, now: float) -> None:
        """Contact those chosen and no others; `before` and `effect` are the last and the coming period's effects on
        dropout, `lift` that on the rate of buying."""

    def renewals(self) -> NDArray[np.float64]:
        """When the contract of each comes up for renewal, without an offer for it so far; else infinity."""

    def offer_renewals(self, chosen: Flags, cents: int) -> None:
        """Make those chosen an offer for their coming renewal."""

    def offer(self, chosen: Flags, cents: int) -> None:
        """Offer more to those chosen and no others."""

    def win_back(self, chosen: NDArray[np.int64], effect: float, cents: int, period: int, now: float) -> None:
        """Contact the silent customers at the places chosen."""


class Firm:
    """The firm of one replication. `effect` of contacts, `quality` (factor on failures) and `uplift` of offers hold
    until the next review."""

    def __init__(self, inputs: ReplicationInputs, books: Books) -> None:
        self.inputs, self.books = inputs, books
        self.market, self.strategy = inputs.market, inputs.scenario.strategy
        self.effect, self.uplift = 0.0, 0.0
        self._service, self._staff = 1.0, 1.0  # factors on failures: better service, settled staff
        self._novices = self.market.staff.usual_share

    @property
    def quality(self) -> float:
        """Factor on failures until the next review."""
        return self._service * self._staff

    @property
    def acts(self) -> bool:
        """Whether it does anything to customers at a period's start."""
        return self.inputs.scenario.firm_acts

    def standing_costs(self) -> None:
        """What falls due in each period whatever happens, into the open books."""
        self.books.pay("fixed", self.market.terms.fixed_cost_per_period)
        desk, empowered = self.strategy.desk, self.strategy.empowered
        if desk:
            self.books.pay("wages", desk.staff * desk.wage_per_period)
        if empowered:
            self.books.pay("service", empowered.cost_per_period)

    def review(self, period: int, customers: Customers) -> None:
        """Act on the customers, in order: let go, serve, improve, contact, offer renewals, offer more, win back."""
        now = self.inputs.bound(period)
        # First of all, so that nothing is spent on those who are let go.
        dismissal = self.strategy.dismissal
        if dismissal and period and period % dismissal.periods == 0:
            customers.dismiss(period, now)
        self._serve(customers)
        self._keep_staff(period)
        # Looking at everybody is the dearest step of a review.
        seen = customers.visible() if self._looks else None
        if seen is not None:
            self._improve(seen)
            self._contact(seen, now, customers)
            self._offer_renewals(seen, now, customers)
            self._offer(seen, now, customers)
            self._win_back(seen, period, now, customers)

    @property
    def _looks(self) -> bool:
        s = self.strategy
        return any((s.quality, s.retention, s.renewal_offers, s.cross_selling, s.win_back))

    def _serve(self, customers: Customers) -> None:
        cost = cents(self.market.terms.cost_to_serve)
        if cost:
            self.books.count("cost_to_serve", cost * customers.serve_accounts(cost))
        club, ties = self.strategy.social_bond, self.strategy.structural_bond
        if club:
            members = customers.active_members()
            self.books.count("members", members)
            self.books.pay("bonds", club.cost_per_member * members)
        if ties:
            self.books.pay("bonds", ties.cost_per_customer * customers.active())

    def _keep_staff(self, period: int) -> None:
        """Staff have left and learned since the last review, and the budget for keeping them falls due again."""
        care = self.strategy.staff
        if care is None:
            return
        # At the first review nothing has happened yet since the share of novices was taken.
        if period:
            years = self.inputs.scenario.period / units_per_year(self.market.unit)
            self._novices = self.market.staff.share_after(self._novices, years, care.budget_per_period)
        self._staff = self.market.staff.factor(self._novices)
        self.books.pay("service", care.budget_per_period)

    def _improve(self, seen: Visible) -> None:
        quality, known = self.strategy.quality, seen.number
        if quality is None:
            return
        # Where no customer is known nothing is spent, and nothing gets better.
        self._service = 1.0
        if known:
            self._service = self.market.quality.factor(quality.budget_per_period / known)
            self.books.pay("service", quality.budget_per_period)

    def _contact(self, seen: Visible, now: float, customers: Customers) -> None:
        contacts = self.strategy.retention
        if contacts is None:
            return
        chosen, each = _reached(seen, contacts, now)
        # The last period's effect is needed to rescale the clocks of those who were contacted then.
        before, self.effect, lift = self.effect, 0.0, 0.0
        if each > 0:
            self.effect = self.market.retention.effect(each)
            if self.inputs.numbers.lift_decay > 0:
                lift = self.market.retention.lift(each)
            self.books.pay("retention", contacts.budget_per_period)
            self.books.count("contacts", int(np.count_nonzero(chosen)))
        customers.contact(chosen, before, self.effect, lift, cents(each), now)

    def _offer_renewals(self, seen: Visible, now: float, customers: Customers) -> None:
        plan = self.strategy.renewal_offers
        if plan is None:
            return
        due = customers.renewals()
        # What is due at this very moment is still to be decided.
        coming = seen.there & (due >= now) & (due < now + plan.notice)
        chosen = targets(seen._replace(there=coming), plan, now)
        number, cost = int(np.count_nonzero(chosen)), cents(plan.cost_per_offer)
        if number:
            self.books.count("renewal_costs", cost * number)
            self.books.count("renewal_offers", number)
            customers.offer_renewals(chosen, cost)

    def _offer(self, seen: Visible, now: float, customers: Customers) -> None:
        offers = self.strategy.cross_selling
        if offers is None:
            return
        chosen, each = _reached(seen, offers, now)
        self.uplift = self.market.cross_selling.uplift(each)
        if each > 0:
            self.books.pay("cross_selling", offers.budget_per_period)
            self.books.count("cross_selling_contacts", int(np.count_nonzero(chosen)))
        customers.offer(chosen, cents(each))

    def _win_back(self, seen: Visible, period: int, now: float, customers: Customers) -> None:
        plan = self.strategy.win_back
        if plan is None:
            return
        silent = seen.known & (now - seen.last_purchase > plan.silent_for) & (seen.attempts < plan.attempts)
        scores = self._scores(seen, plan, silent, now)
        # Nobody whose second life is worth less than the contact.
        if plan.choose == "value":
            silent &= scores > 0
        number = int(np.count_nonzero(silent))
        if plan.most_per_period is not None and plan.most_per_period < number:
            silent = highest(scores, seen.uid, silent, plan.most_per_period)
            number = plan.most_per_period
        if number:
            cost = cents(plan.cost_per_contact)
            self.books.count("win_back", cost * number)
            self.books.count("win_back_contacts", number)
            customers.win_back(np.flatnonzero(silent), self.effect, cost, period, now)

    def _scores(self, seen: Visible, plan: WinBack, silent: Flags, now: float) -> NDArray[np.float64]:
        """What silent customers are chosen by: a second life's expected value less the cost, luck, or least silence."""
        if plan.choose == "all":
            return np.asarray(seen.last_purchase, dtype=np.float64)
        scores = np.zeros(seen.uid.size)
        places = np.flatnonzero(silent)
        if plan.choose == "random":
            address = self.inputs.replication, self.inputs.seed, SIMULATION
            # A uniform of the attempt that may follow, so that the choice is another one at each attempt.
            pairs = zip(seen.uid[places].tolist(), seen.attempts[places].tolist(), strict=True)
            scores[places] = [block(attempts + 1, WIN_BACK, uid, *address)[1] for uid, attempts in pairs]
            return scores
        response, unit = self.market.win_back, self.market.unit
        known_for = now - seen.first_purchase[places]
        revenue_rate = seen.repeat_revenue[places] / 100 / np.maximum(known_for, Duration(1, "D").to(unit))
        chance = chances_back(self.inputs.rules, now - seen.last_purchase[places])
        worth = revenue_rate * self.market.terms.margin * response.second_life.to(unit)
        scores[places] = chance * worth - plan.cost_per_contact
        return scores


def _reached(seen: Visible, campaign: Campaign, now: float) -> tuple[Flags, float]:
    """Whom a campaign reaches, and what it spends on each; nobody where it has no money."""
    chosen = targets(seen, campaign, now)
    number = int(np.count_nonzero(chosen))
    # Nobody is contacted without money, so that the books count no contacts.
    if number == 0 or campaign.budget_per_period == 0:
        return np.zeros(chosen.size, dtype=np.bool_), 0.0
    return chosen, campaign.budget_per_period / number
