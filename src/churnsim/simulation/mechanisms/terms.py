"""The terms of a sale: what a purchase is worth to the firm, and what money costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from churnsim.simulation.core.assumption import account_units, assumed, cents, not_negative, share, whole_cents
from churnsim.simulation.mechanisms.parts import MarketPart
from churnsim.simulation.mechanisms.review import Accounts, Review


@dataclass(frozen=True, kw_only=True)
class Terms(MarketPart):
    """What a purchase is worth to the firm, and what money costs."""

    margin: float = assumed(
        0.30,
        "share of revenue",
        "contribution of a purchase",
        share,
        (0.15, 0.45),
        source="a round figure for retail contribution; the firm knows its own",
    )
    annual_discount_rate: float = assumed(
        0.10,
        "per year, effective",
        "discount rate of net present values",
        not_negative,
        source="the firm's choice; here the rate of the card example in 'Keeping existing customers' (undated)",
    )
    fixed_cost_per_period: float = assumed(
        0.0,
        "money per period",
        "cost that no strategy changes",
        not_negative,
        source="left out: it falls out of every difference between strategies",
    )

    cost_to_serve: float = assumed(
        0.0,
        "money per known customer and period",
        "catalogues, accounts, mailings: what a customer costs whether it buys or not",
        whole_cents,
        source="left out: it falls out of every difference between strategies that keep the same customers",
    )

    @property
    def acts(self) -> bool:
        """Whether the firm serves accounts at a period's start."""
        return self.cost_to_serve > 0

    def standing_costs(self, books: Accounts) -> None:
        """Pay what no strategy changes."""
        books.pay("fixed", self.fixed_cost_per_period)

    def review(self, review: Review) -> None:
        """Serve the accounts of those who are known."""
        if cost := cents(self.cost_to_serve):
            review.books.count(
                "cost_to_serve", cost * review.customers.serve_accounts(account_units(self.cost_to_serve))
            )

    def compiled(self, market: Any) -> dict[str, Any] | None:
        """Nothing where no account costs anything."""
        return None if self.cost_to_serve else {}

    def rules(self, unit: str) -> dict[str, Any]:
        """The margin."""
        return {"margin": float(self.margin)}
