"""Bonds between firm and customer (Berry & Parasuraman 1991, Marketing Services): economic, social, structural.

What a bond does to customers is the market's (`Market.bonds`); what it costs is the strategy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.simulation.core.assumption import assumed, not_negative, share
from churnsim.simulation.mechanisms.parts import MarketPart, Money, Setting, Share, StrategyPart
from churnsim.simulation.mechanisms.review import Review


@dataclass(frozen=True, kw_only=True)
class EconomicBond(StrategyPart):
    """Everybody pays less by `price_off` (a share of the price), which comes off revenue and margin alike."""

    keeps: ClassVar[bool] = True

    price_off: Annotated[float, Setting("share of the price", example=0.05, limits={"ge": 0, "lt": 1})]

    @property
    def charges(self) -> bool:
        """A price off may exceed the margin."""
        return self.price_off > 0

    def rules(self, market: Any) -> dict[str, Any]:
        """The price, and the dropout that the price off leaves."""
        return {
            "price": 1.0 - self.price_off,
            "organic_factor": max(0.0, 1.0 - market.bonds.economic_effect * self.price_off),
        }


@dataclass(frozen=True, kw_only=True)
class SocialBond(StrategyPart):
    """A club that a share `joins` of customers belongs to, at `cost_per_member` (money per period and active
    member)."""

    joins: Annotated[float, Share("share of customers who join", example=0.2, guess=True)]
    cost_per_member: Annotated[float, Money("currency per active member and period, on top of the budget", example=1.0)]

    acts: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Pay for the members."""
        members = review.customers.active_members()
        review.books.count("members", members)
        review.books.pay("bonds", self.cost_per_member * members)

    def rules(self, market: Any) -> dict[str, Any]:
        """Who is a member, and how members differ."""
        return {
            "member_share": float(self.joins),
            "member_factor": 1.0 - market.bonds.social_effect,
            "member_referral_factor": float(market.bonds.social_referrals),
        }


@dataclass(frozen=True, kw_only=True)
class StructuralBond(StrategyPart):
    """Tie customers in (their data, their processes, a common system), at `cost_per_customer` (money per period and
    active customer)."""

    cost_per_customer: Annotated[
        float, Money("currency per active customer and period, on top of the budget", example=1.0)
    ]

    acts: ClassVar[bool] = True
    needs: ClassVar[str] = "competitors"
    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Pay for what ties them in."""
        review.books.pay("bonds", self.cost_per_customer * review.customers.active())

    def rules(self, market: Any) -> dict[str, Any]:
        """Whom switching costs keep."""
        return {"switching_cost": float(market.bonds.structural_effect)}


@dataclass(frozen=True, kw_only=True)
class BondResponse(MarketPart):
    """What bonds do."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "economic_effect": ("economic_bond",), "social_effect": ("social_bond",), "social_referrals": ("social_bond",),
        "structural_effect": ("structural_bond",),
    }  # fmt: skip

    economic_effect: float = assumed(
        1.0,
        "share of organic dropout per share of the price",
        "dropout that a price off prevents: 1 means that 10% off prevent 10% of it",
        not_negative,
        (0.2, 3.0),
    )
    social_effect: float = assumed(
        0.15, "share of organic dropout", "dropout of members that the club prevents", share, (0.02, 0.4)
    )
    social_referrals: float = assumed(
        1.5, "factor", "referrals of a member, as a multiple of another customer's", not_negative, (0.8, 3.0)
    )
    structural_effect: float = assumed(
        0.30,
        "share of those about to switch",
        "customers on their way to a competitor whom switching costs keep",
        share,
        (0.05, 0.65),
    )
