"""Offers at renewal: a lower price for the next term, made to subscribers whose contracts come up for renewal.

The firm sees when each contract ends. What an offer costs falls due when it is made, and again when it is taken up,
also by those who would have renewed anyway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from churnsim.simulation.core.assumption import UNMEASURED, account_units, assumed, cents, positive, share
from churnsim.simulation.mechanisms.parts import Length, MarketPart, Money, Share
from churnsim.simulation.mechanisms.review import Review
from churnsim.simulation.mechanisms.targeting import Targeting


@dataclass(frozen=True, kw_only=True)
class RenewalOffers(Targeting):
    """At each review, offer subscribers whose contract comes up for renewal within `notice` (time units) the next term
    at a `discount` (share of the price), at `cost_per_offer` (money) each, on top of any budget.

    The rule picks among those, and `share` is a share of those (see `Targeting`); nobody is made two offers for one
    renewal. Whoever renews with an offer pays the lower price for that term, and the price off is taken from the margin
    alike. The market's `renewal_offers` says what an offer does. Only contracts are renewed; a notice shorter than the
    review period would pass renewals over: a `Scenario` of either raises ConfigError.
    """

    notice: Annotated[
        float,
        Length(
            "how long before the renewal at most; no shorter than simulation.period",
            example=12.0,
            passes_over="renewals",
        ),
    ]
    discount: Annotated[float, Share("share of the price of the next term", example=0.1)]
    cost_per_offer: Annotated[float, Money("currency per offer made, on top of the budget", each=True)] = 0.0

    acts: ClassVar[bool] = True
    turn: ClassVar[int] = 2
    under_contract: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Make offers to those whose contract comes up for renewal."""
        seen, now, due = review.seen, review.now, review.customers.renewals()
        # What is due at this very moment is still to be decided.
        coming = seen.there & (due >= now) & (due < now + self.notice)
        chosen = self.picks(seen._replace(there=coming), now)
        number = int(np.count_nonzero(chosen))
        if number:
            review.books.count("renewal_costs", cents(self.cost_per_offer) * number)
            review.books.count("renewal_offers", number)
            review.customers.add("offered", chosen, review.firm.effect, account_units(self.cost_per_offer), review.now)

    def rules(self, market: Any) -> dict[str, Any]:
        """What an offer does, and the price of a term with one."""
        return {"offer_effect": float(market.renewal_offers.effect(self.discount)), "offer_price": 1.0 - self.discount}

    @property
    def charges(self) -> bool:
        """Where offers cost something, customers may cost more than they bring."""
        return self.cost_per_offer > 0


@dataclass(frozen=True, kw_only=True)
class RenewalOfferResponse(MarketPart):
    """What an offer does to the chance to leave at the renewal it is for: lower by max_effect (1 - e^(-discount /
    discount_scale)), times how the customer takes contacts (`retention.harmed_share` and `response_spread`)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("renewal_offers",)}

    max_effect: float = assumed(
        0.30,
        "share of organic dropout",
        "most that a lower price at renewal prevents",
        share,
        (0.05, 0.6),
        source=f"as for contacts: {UNMEASURED}",
    )
    discount_scale: float = assumed(
        0.10, "share of the price", "price off at which 63% of the effect is reached", positive, (0.03, 0.35)
    )

    def effect(self, discount: float) -> float:
        """Share of organic dropout that an offer of `discount` (share of the price) prevents."""
        return self.max_effect * -math.expm1(-discount / self.discount_scale)
