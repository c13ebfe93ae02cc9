"""Bonds between firm and customer (Berry & Parasuraman 1991, Marketing Services): economic, social, structural.

What a bond does to customers is the market's (`Market.bonds`); what it costs is the strategy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.simulation.core.assumption import assumed, length, not_negative, positive, share
from churnsim.simulation.mechanisms.parts import (
    MarketPart,
    Money,
    Setting,
    Share,
    StrategyPart,
    lift_rules,
    pulled_forward,
)
from churnsim.simulation.mechanisms.review import Review
from churnsim.units import Duration


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
        """The price, the dropout that the price off leaves, and how it moves purchases."""
        bonds = market.bonds
        return {
            "price": 1.0 - self.price_off,
            "organic_factor": max(0.0, 1.0 - bonds.economic_effect * self.price_off),
            **lift_rules(
                market, "price", bonds.economic_lift * self.price_off, bonds.economic_half_life,
                bonds.economic_pulled_forward,
            ),
        }  # fmt: skip


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
        """Who is a member, how members differ, and how joining moves purchases."""
        bonds = market.bonds
        return {
            "member_share": float(self.joins),
            "member_factor": 1.0 - bonds.social_effect,
            "member_referral_factor": float(bonds.social_referrals),
            **lift_rules(market, "club", bonds.social_lift - 1.0, bonds.social_half_life, bonds.social_pulled_forward),
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
    """What bonds do to organic dropout, to referrals, and to the rate of buying: of those who are there when the price
    falls, right after it, and of a member, right after it joined. What they do to the rate decays, and a share of it
    is given back later, as after contacts (`RetentionResponse`)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(
            ("economic_effect", "economic_lift", "economic_half_life", "economic_pulled_forward"), ("economic_bond",)
        ),
        **dict.fromkeys(
            ("social_effect", "social_referrals", "social_lift", "social_half_life", "social_pulled_forward"),
            ("social_bond",),
        ),
        "structural_effect": ("structural_bond",),
    }
    lifting: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "economic_lift": ("economic_half_life", "economic_pulled_forward"),
        "social_lift": ("social_half_life", "social_pulled_forward"),
    }

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

    economic_lift: float = assumed(
        0.0,
        "share of the rate of buying per share of the price",
        "by what the rate of buying rises when the price falls: 2 means by 20% at 10% off",
        not_negative,
        source="0 leaves buying alone, which is not what is known of prices: 20% off for a while sell 73% more of a "
        "brand (Bijmolt, van Heerde & Pieters 2005), of which Gupta (1988, JMR 25, 342-355) finds less than 14% to be "
        "purchases made earlier; how a firm's own customers answer a lasting price off no source measures",
    )
    economic_half_life: Duration = assumed(
        Duration(8, "W"), "time units", "time in which that halves, as customers get used to the price", length,
        (1.0, 52.0),
    )  # fmt: skip
    economic_pulled_forward: float = pulled_forward(
        "a price off", 0.33, (0.05, 0.8),
        source="van Heerde, Leeflang & Wittink (2004, Marketing Science 23, 317-334): of what price promotions add to "
        "sales a third on average comes from other periods; carried over to a lasting price off",
    )  # fmt: skip
    social_lift: float = assumed(
        1.0,
        "factor",
        "what a member's rate of buying is multiplied by right after it joins",
        positive,
        source="1 leaves buying alone; in Liu (2007, J. Marketing 71(4), 19-35) light and moderate buyers come to buy "
        "more in a programme, heavy ones do not",
    )
    social_half_life: Duration = assumed(
        Duration(26, "W"), "time units", "time since joining in which that halves", length, (4.0, 260.0)
    )
    social_pulled_forward: float = pulled_forward("joining")
