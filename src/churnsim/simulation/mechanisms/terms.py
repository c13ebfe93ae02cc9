"""The terms of a sale: what a purchase is worth to the firm, and what money costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from churnsim.simulation.core.assumption import (
    documented,
    not_negative,
    share,
    whole_cents,
)
from churnsim.simulation.mechanisms.parts import MarketPart

__all__ = ["Terms"]


@dataclass(frozen=True, kw_only=True)
class Terms(MarketPart):
    """What a purchase is worth to the firm, and what money costs."""

    margin: float = documented(
        0.30,
        unit="share of revenue",
        meaning="contribution of a purchase",
        status="assumed",
        source="a round figure for retail contribution; vary it",
    )
    annual_discount_rate: float = documented(
        0.10,
        unit="per year, effective",
        meaning="discount rate of net present values",
        status="assumed",
        source="the rate of the card example in 'Keeping existing customers' (undated)",
    )
    fixed_cost_per_period: float = documented(
        0.0,
        unit="money per period",
        meaning="cost that no strategy changes",
        status="assumed",
        source="left out: it falls out of every difference between strategies",
    )

    cost_to_serve: float = documented(
        0.0,
        unit="money per known customer and period",
        meaning="catalogues, accounts, mailings: what a customer costs whether it buys or not",
        status="assumed",
        source="left out: it falls out of every difference between strategies that keep the same customers",
    )

    def __post_init__(self) -> None:
        share("margin", self.margin)
        not_negative("annual_discount_rate", self.annual_discount_rate)
        whole_cents("cost_to_serve", self.cost_to_serve)
        not_negative("fixed_cost_per_period", self.fixed_cost_per_period)

    @property
    def acts(self) -> bool:
        """Whether the firm serves accounts at a period's start."""
        return self.cost_to_serve > 0

    def rules(self, unit: str) -> dict[str, Any]:
        """The margin."""
        return {"margin": float(self.margin)}
