"""Bonds between firm and customer (Berry & Parasuraman 1991, Marketing Services): economic, social, structural.

What a bond does to customers is the market's (`Market.bonds`); what it costs is the strategy's.
"""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import documented, not_negative, numbers_of, share

__all__ = ["BondResponse", "EconomicBond", "SocialBond", "StructuralBond"]


@dataclass(frozen=True, kw_only=True)
class EconomicBond:
    """Everybody pays less by `price_off` (a share of the price), which comes off revenue and margin alike."""

    price_off: float

    def __post_init__(self) -> None:
        if not 0 <= self.price_off < 1:
            raise ConfigError(
                f"price_off must be a share of the price, at least 0 and below 1; got {self.price_off!r}."
            )


@dataclass(frozen=True, kw_only=True)
class SocialBond:
    """A club that a share `joins` of customers belongs to, at `cost_per_member` (money per period and active
    member)."""

    joins: float
    cost_per_member: float

    def __post_init__(self) -> None:
        share("joins", self.joins)
        not_negative("cost_per_member", self.cost_per_member)


@dataclass(frozen=True, kw_only=True)
class StructuralBond:
    """Tie customers in (their data, their processes, a common system), at `cost_per_customer` (money per period and
    active customer)."""

    cost_per_customer: float

    def __post_init__(self) -> None:
        not_negative("cost_per_customer", self.cost_per_customer)


@dataclass(frozen=True, kw_only=True)
class BondResponse:
    """What bonds do."""

    economic_effect: float = documented(
        1.0,
        unit="share of organic dropout per share of the price",
        meaning="dropout that a price off prevents: 1 means that 10% off prevent 10% of it",
        status="assumed",
        source="no source measures it; vary it",
    )
    social_effect: float = documented(
        0.15,
        unit="share of organic dropout",
        meaning="dropout of members that the club prevents",
        status="assumed",
        source="no source measures it; vary it",
    )
    social_referrals: float = documented(
        1.5,
        unit="factor",
        meaning="referrals of a member, as a multiple of another customer's",
        status="assumed",
        source="no source measures it; vary it",
    )
    structural_effect: float = documented(
        0.30,
        unit="share of those about to switch",
        meaning="customers on their way to a competitor whom switching costs keep",
        status="assumed",
        source="no source measures it; vary it",
    )

    def __post_init__(self) -> None:
        for name, value, _ in numbers_of(self, ""):
            (share if name in ("social_effect", "structural_effect") else not_negative)(name, float(value))  # type: ignore[arg-type]
