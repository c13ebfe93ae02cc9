"""Compensation of complaints, and whom it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.economics.response import saturating
from churnsim.simulation.core.assumption import PURCHASE, Multiple, assumed, cents, in_units, scale, share
from churnsim.simulation.mechanisms.parts import MarketPart, Money, StrategyPart


@dataclass(frozen=True, kw_only=True)
class Compensation(StrategyPart):
    """Make good every complaint that is answered, at `cost_per_complaint` (money): of those who would have left in
    spite of the answer, the market's `recovery` says how many stay."""

    keeps: ClassVar[bool] = True
    on_failures: ClassVar[bool] = True

    cost_per_complaint: Annotated[
        float, Money("currency per answered complaint, on top of the budget", example=5.0, each=True)
    ]

    @property
    def charges(self) -> bool:
        """Each answered complaint is paid for."""
        return self.cost_per_complaint > 0

    def rules(self, market: Any) -> dict[str, Any]:
        """Of those who would leave in spite of an answer the market says how many stay."""
        if market.satisfaction:
            in_units("satisfaction.fair_compensation", market.satisfaction.fair_compensation)
        kept, without = market.recovery.effect(self.cost_per_complaint), market.complaints
        stays = {name: float(getattr(without, name)) for name in ("stay_quick", "stay_slow", "stay_unresolved")}
        return {
            "complaint_cents": cents(self.cost_per_complaint),
            **{name: stay + (1.0 - stay) * kept for name, stay in stays.items()},
        }


RIDERS = (
    "Halperin, Ho, List & Muir (2022, Economic Journal 132, 273-298; 1.5 million riders at random): a coupon brings "
    "riders back, an apology alone does little or harm; how many it keeps here is a guess"
)


@dataclass(frozen=True, kw_only=True)
class RecoveryResponse(MarketPart):
    """What compensation does: of complainants who would leave in spite of the answer it keeps max_effect (1 - e^(-cost
    per complaint / scale))."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("compensation",)}

    max_effect: float = assumed(
        0.50, "share of leavers", "most that compensation keeps", share, (0.1, 0.85), source=RIDERS
    )
    spend_scale: float = assumed(
        Multiple(0.4, PURCHASE), "money per complaint", "compensation at which 63% of it is reached", scale, (0.1, 1.6)
    )

    def effect(self, cost: float) -> float:
        """Share of leavers kept by compensation worth `cost` (money)."""
        return saturating(self.max_effect, in_units("recovery.spend_scale", self.spend_scale), cost)
