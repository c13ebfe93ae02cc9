"""Cross-selling: offers to customers, and how much larger their purchases are for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from churnsim.economics.response import saturating
from churnsim.simulation.core.assumption import PURCHASE, Multiple, account_units, assumed, in_units, scale, share
from churnsim.simulation.mechanisms.parts import MarketPart
from churnsim.simulation.mechanisms.review import Review
from churnsim.simulation.mechanisms.targeting import Campaign


@dataclass(frozen=True, kw_only=True)
class CrossSelling(Campaign):
    """Offer more to the customers whom the rule picks, spreading `budget_per_period` (money) evenly over them: while
    the period lasts their purchases are larger, as the market's `cross_selling` says."""

    def review(self, review: Review) -> None:
        """Offer more to those whom the rule picks."""
        chosen, each = self.reached(review)
        review.firm.uplift = review.market.cross_selling.uplift(each)
        if each > 0:
            review.books.pay("cross_selling", self.budget_per_period)
            review.books.count("cross_selling_contacts", int(np.count_nonzero(chosen)))
        review.customers.offer(chosen, account_units(each))


@dataclass(frozen=True, kw_only=True)
class CrossSellingResponse(MarketPart):
    """What offers do to the size of purchases: larger by max_uplift (1 - e^(-spend per contact / scale))."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("cross_selling",)}

    max_uplift: float = assumed(0.20, "share of spend", "most that offers add to a purchase", share, (0.03, 0.6))
    spend_scale: float = assumed(
        Multiple(0.02, PURCHASE), "money per contact", "spend at which 63% of it is reached", scale, (0.004, 0.1)
    )

    def uplift(self, spend: float) -> float:
        """Share by which purchases are larger at `spend` (money per contact)."""
        return saturating(self.max_uplift, in_units("cross_selling.spend_scale", self.spend_scale), spend)
