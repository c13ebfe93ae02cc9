"""What money does in this market: the terms of a sale, and how prospects and customers answer spending."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.simulation.assumption import documented, not_negative, positive, share

__all__ = ["Prospects", "RetentionResponse", "Terms"]


@dataclass(frozen=True, kw_only=True)
class Terms:
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
        source="the rate of the card example in source 001",
    )
    fixed_cost_per_period: float = documented(
        0.0,
        unit="money per period",
        meaning="cost that no strategy changes",
        status="assumed",
        source="left out: it falls out of every difference between strategies",
    )

    def __post_init__(self) -> None:
        share("margin", self.margin)
        not_negative("annual_discount_rate", self.annual_discount_rate)
        not_negative("fixed_cost_per_period", self.fixed_cost_per_period)


@dataclass(frozen=True, kw_only=True)
class Prospects:
    """The finite pool that acquisition draws on, and how it answers spend: in a period, ceiling (1 - e^(-spend per
    prospect / scale)) of those left come (Blattberg & Deighton 1996)."""

    size: float = documented(
        20_000.0,
        unit="people",
        meaning="who could still become customers",
        status="assumed",
        source="no source measures it; vary it",
    )
    ceiling: float = documented(
        0.02,
        unit="share per period",
        meaning="most of the pool that any spend brings in a period",
        status="assumed",
        source="no source measures it; vary it",
    )
    spend_scale: float = documented(
        0.50,
        unit="money per prospect and period",
        meaning="spend at which 63% of the ceiling is reached",
        status="assumed",
        source="no source measures it; with the ceiling it puts the cheapest customers at 25 in money each; vary it",
    )

    def __post_init__(self) -> None:
        not_negative("size", self.size)
        positive("spend_scale", self.spend_scale)
        if not 0 <= self.ceiling < 1:
            raise ConfigError(f"ceiling must be a share of the pool, at least 0 and below 1; got {self.ceiling!r}.")

    def share_per_period(self, budget: float) -> float:
        """Share of the remaining pool that a period's budget (money) brings."""
        if self.size == 0 or self.ceiling == 0:
            return 0.0
        return SaturatingResponse(ceiling=self.ceiling, k=1 / self.spend_scale).share(budget / self.size)


@dataclass(frozen=True, kw_only=True)
class RetentionResponse:
    """What contacts do to organic dropout: lower by max_effect (1 - e^(-spend per contact / scale)) while the
    period lasts, or higher by as much for those whom contacts harm (Ascarza, Iyengar & Schleicher 2016)."""

    max_effect: float = documented(
        0.30,
        unit="share of organic dropout",
        meaning="most that contacts can prevent",
        status="assumed",
        source="no source measures it on this base; vary it",
    )
    spend_scale: float = documented(
        0.50,
        unit="money per contact",
        meaning="spend at which 63% of the effect is reached",
        status="assumed",
        source="no source measures it; vary it",
    )
    harmed_share: float = documented(
        0.10,
        unit="share of customers",
        meaning="those whom a contact makes likelier to leave",
        status="assumed",
        source=(
            "Ascarza, Iyengar & Schleicher (2016, JMR 53, 46-60) find that contacts can raise churn; the "
            "share is a guess"
        ),
    )

    def __post_init__(self) -> None:
        share("max_effect", self.max_effect)
        positive("spend_scale", self.spend_scale)
        share("harmed_share", self.harmed_share)

    def effect(self, spend: float) -> float:
        """Share of organic dropout that a contact worth `spend` (money) prevents, or adds where it harms."""
        if self.max_effect == 0:
            return 0.0
        return SaturatingResponse(ceiling=self.max_effect, k=1 / self.spend_scale).share(spend)
