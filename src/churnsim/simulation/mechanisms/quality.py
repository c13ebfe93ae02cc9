"""Service quality: spending on service, and how many failures it prevents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from churnsim.economics.response import saturating
from churnsim.simulation.core.assumption import PURCHASE, Multiple, assumed, in_units, scale, share
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart
from churnsim.simulation.mechanisms.review import Review


@dataclass(frozen=True, kw_only=True)
class ServiceQuality(Budgeted):
    """Spend `budget_per_period` (money) on better service: the market's `quality` says by how much purchases fail less
    often, given the spend per known customer."""

    acts: ClassVar[bool] = True
    on_failures: ClassVar[bool] = True
    keeps: ClassVar[bool] = True
    turn: ClassVar[int] = 2

    def review(self, review: Review) -> None:
        """Spend on those who are known; where there are none nothing is spent, and nothing gets better."""
        review.firm.service = 1.0
        if known := review.seen.number:
            review.firm.service = review.market.quality.factor(self.budget_per_period / known)
            review.books.pay("service", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class QualityResponse(MarketPart):
    """What spending on service does to failures: fewer by max_reduction (1 - e^(-spend per known customer and period /
    scale))."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("quality",)}

    max_reduction: float = assumed(
        0.50, "share of failures", "most failures that better service prevents", share, (0.1, 0.85)
    )
    spend_scale: float = assumed(
        Multiple(0.04, PURCHASE),
        "money per known customer and period",
        "spend at which 63% of it is reached",
        scale,
        (0.008, 0.2),
    )

    def factor(self, spend: float) -> float:
        """Factor on the chance that a purchase fails, at `spend` (money per known customer and period)."""
        return 1 - saturating(self.max_reduction, in_units("quality.spend_scale", self.spend_scale), spend)
