"""Retention contacts: money spent on customers so that they stay, and what it does to their dropout and buying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from churnsim.kernels.engine.periods import EVERYBODY, NO_CAMPAIGN, RECENT_BUYERS, contact_effect, contact_lift
from churnsim.simulation.core.assumption import (
    PURCHASE,
    Multiple,
    account_units,
    assumed,
    cents,
    in_units,
    length,
    not_negative,
    positive,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart, lift_rules, pulled_forward
from churnsim.simulation.mechanisms.review import Review
from churnsim.simulation.mechanisms.targeting import Campaign
from churnsim.units import Duration

COMPILED = {"all": EVERYBODY, "recent_buyers": RECENT_BUYERS}


@dataclass(frozen=True, kw_only=True)
class RetentionContacts(Campaign):
    """Spread `budget_per_period` (money) evenly over the customers whom the rule picks; see `Targeting`. A period in
    which it picks nobody spends nothing. The market's `retention` says what contacts do."""

    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Contact those whom the rule picks."""
        firm, response = review.firm, review.market.retention
        chosen, each = self.reached(review)
        # The last period's effect is needed to rescale the clocks of those who were contacted then.
        before, firm.effect, lift = firm.effect, 0.0, 0.0
        if each > 0:
            firm.effect = response.effect(each)
            lift = response.lift(each) if review.numbers.contact_decay > 0 else 0.0
            review.books.pay("retention", self.budget_per_period)
            review.books.count("contacts", int(np.count_nonzero(chosen)))
        review.customers.contact(chosen, before, firm.effect, lift, account_units(each), review.now)

    def compiled(self, market: Any) -> dict[str, Any] | None:
        """Whom the rule reaches, where it needs no ranking, and what contacts do."""
        if self.rule not in COMPILED:
            return None
        response = market.retention
        return {
            "reaches": COMPILED[self.rule] if self.budget_per_period > 0 else NO_CAMPAIGN,
            "within": self.within or 0.0,
            "budget": self.budget_per_period,
            "budget_cents": cents(self.budget_per_period),
            "most_effect": response.max_effect,
            "spend_scale": in_units("retention.spend_scale", response.spend_scale),
        }

    def rules(self, market: Any) -> dict[str, Any]:
        """How contacts move purchases."""
        response = market.retention
        return lift_rules(market, "contact", response.purchase_lift - 1.0, response.half_life, response.pulled_forward)


@dataclass(frozen=True, kw_only=True)
class RetentionResponse(MarketPart):
    """What contacts do to organic dropout: lower by max_effect (1 - e^(-spend per contact / scale)) while the
    period lasts, or higher by as much for those whom contacts harm (Ascarza, Iyengar & Schleicher 2016).

    And to the rate of buying of all who are contacted: right after the contact 1 + (purchase_lift - 1) (1 - e^(-spend
    per contact / scale)) times as high, which decays with its half-life. A contact that comes earlier renews the lift
    and does not add to it. Of the time that it adds to a customer's buying clock the share pulled_forward is given back
    later, half of it within four half-lives; `kernels/engine/buying_clock.py` has the equations.
    """

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("retention",)}
    lifting: ClassVar[Mapping[str, tuple[str, ...]]] = {"purchase_lift": ("half_life", "pulled_forward")}

    max_effect: float = assumed(0.30, "share of organic dropout", "most that contacts can prevent", share, (0.05, 0.6))
    spend_scale: float = assumed(
        Multiple(0.02, PURCHASE),
        "money per contact",
        "spend at which 63% of the effect is reached",
        scale,
        (0.004, 0.1),
    )
    harmed_share: float = assumed(
        0.10,
        "share of customers",
        "those whom a contact makes likelier to leave",
        share,
        (0.01, 0.5),
        source="Ascarza, Iyengar & Schleicher (2016, JMR 53, 46-60): of 65,000 customers at random some were told "
        "of a better plan, and 10.0% of these left in three months against 6.4%; the share is a guess",
    )

    response_spread: float = assumed(
        0.0,
        "share of the effect",
        "how far the effect on the others differs: evenly from 1 - this to 1 + this times it",
        not_negative,
        source="none: everybody responds alike; up to 1, and more for contacts that harm some of the others too",
    )

    purchase_lift: float = assumed(
        1.0,
        "factor",
        "what the rate of buying is multiplied by right after a contact, at a high spend",
        positive,
        source="1 leaves buying alone, which is not what is known of mailings: in the trial of Hillstrom (2008) an "
        "e-mail raised spending in two weeks by 65% and 118%; Schweidel & Knox (2013, Marketing Science 32, 471-487) "
        "find more purchases of those who are active, and a relation that may be shorter",
    )
    half_life: Duration = assumed(
        Duration(2, "W"), "time units", "time since the contact in which what it does to buying halves", length,
        (0.3, 12.0),
        source="a guess about the two weeks of Hillstrom's trial (2008), which does not say how long its effect lasts",
    )  # fmt: skip
    pulled_forward: float = pulled_forward("a contact")

    def lift(self, spend: float) -> float:
        """By what share a contact worth `spend` (money) raises the rate of buying at once."""
        scale = in_units("retention.spend_scale", self.spend_scale)
        return float(contact_lift(self.purchase_lift - 1.0, float(scale), float(spend)))

    def effect(self, spend: float) -> float:
        """Share of organic dropout that a contact worth `spend` (money) prevents, or adds where it harms."""
        scale = in_units("retention.spend_scale", self.spend_scale)
        return float(contact_effect(float(self.max_effect), float(scale), float(spend)))

    def rules(self, unit: str) -> dict[str, Any]:
        """How customers differ in their response to contacts."""
        return {"harmed_share": float(self.harmed_share), "response_spread": float(self.response_spread)}
