"""Offers at renewal: a lower price for the next term, made to subscribers whose contracts come up for renewal.

The firm sees when each contract ends. What an offer costs falls due when it is made, and again when it is taken up,
also by those who would have renewed anyway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import documented, positive, share, whole_cents
from churnsim.simulation.mechanisms.contacts import Targeting

__all__ = ["RenewalOfferResponse", "RenewalOffers", "check_renewals"]


@dataclass(frozen=True, kw_only=True)
class RenewalOffers(Targeting):
    """At each review, offer subscribers whose contract comes up for renewal within `notice` (time units) the next term
    at a `discount` (share of the price), at `cost_per_offer` (money) each, on top of any budget.

    The rule picks among those, and `share` is a share of those (see `Targeting`); nobody is made two offers for one
    renewal. Whoever renews with an offer pays the lower price for that term, and the price off is taken from the margin
    alike. The market's `renewal_offers` says what an offer does. Only contracts are renewed; a notice shorter than the
    review period would pass renewals over: a `Scenario` of either raises ConfigError.
    """

    notice: float
    discount: float
    cost_per_offer: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("notice", self.notice)
        share("discount", self.discount)
        whole_cents("cost_per_offer", self.cost_per_offer)


@dataclass(frozen=True, kw_only=True)
class RenewalOfferResponse:
    """What an offer does to the chance to leave at the renewal it is for: lower by max_effect (1 - e^(-discount /
    discount_scale)), times how the customer takes contacts (`retention.harmed_share` and `response_spread`)."""

    max_effect: float = documented(
        0.30,
        unit="share of organic dropout",
        meaning="most that a lower price at renewal prevents",
        status="assumed",
        source="as for contacts: no source measures it on this base; vary it",
    )
    discount_scale: float = documented(
        0.10,
        unit="share of the price",
        meaning="price off at which 63% of the effect is reached",
        status="assumed",
        source="no source measures it; vary it",
    )

    def __post_init__(self) -> None:
        share("max_effect", self.max_effect)
        positive("discount_scale", self.discount_scale)

    def effect(self, discount: float) -> float:
        """Share of organic dropout that an offer of `discount` (share of the price) prevents."""
        return self.max_effect * -math.expm1(-discount / self.discount_scale)


def check_renewals(offers: RenewalOffers | None, *, contract: bool, period: float) -> None:
    """ConfigError for offers where nothing is renewed, or that would come too late."""
    if offers is None:
        return
    if not contract:
        raise ConfigError("renewal_offers need contracts that are renewed: purchases must be a ContractualLifetime.")
    if offers.notice < period * (1 - 1e-9):
        raise ConfigError(
            f"notice is {offers.notice:g}, shorter than the review period of {period:g}: renewals between two reviews "
            f"would be passed over. Take notice = {period:g} or longer."
        )
