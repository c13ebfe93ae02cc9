"""What money does in this market: the terms of a sale, and how prospects and customers answer spending."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import documented, not_negative, positive, share, whole_cents
from churnsim.units import Duration

__all__ = [
    "CrossSellingResponse",
    "Prospects",
    "QualityResponse",
    "RecoveryResponse",
    "RetentionResponse",
    "Terms",
    "WinBackResponse",
]

VARY = "no source measures it; vary it"


def _saturating(ceiling: float, scale: float, spend: float) -> float:
    """ceiling (1 - e^(-spend / scale))."""
    return SaturatingResponse(ceiling=ceiling, k=1 / scale).share(spend) if ceiling > 0 else 0.0


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

    response_spread: float = documented(
        0.0,
        unit="share of the effect",
        meaning="how far the effect on the others differs: evenly from 1 - this to 1 + this times it",
        status="assumed",
        source="none: everybody responds alike; up to 1, and more for contacts that harm some of the others too",
    )

    def __post_init__(self) -> None:
        share("max_effect", self.max_effect)
        positive("spend_scale", self.spend_scale)
        share("harmed_share", self.harmed_share)
        not_negative("response_spread", self.response_spread)

    def effect(self, spend: float) -> float:
        """Share of organic dropout that a contact worth `spend` (money) prevents, or adds where it harms."""
        return _saturating(self.max_effect, self.spend_scale, spend)


@dataclass(frozen=True, kw_only=True)
class QualityResponse:
    """What spending on service does to failures: fewer by max_reduction (1 - e^(-spend per known customer and period /
    scale))."""

    max_reduction: float = documented(
        0.50,
        unit="share of failures",
        meaning="most failures that better service prevents",
        status="assumed",
        source=VARY,
    )
    spend_scale: float = documented(
        1.0,
        unit="money per known customer and period",
        meaning="spend at which 63% of it is reached",
        status="assumed",
        source=VARY,
    )

    def __post_init__(self) -> None:
        share("max_reduction", self.max_reduction)
        positive("spend_scale", self.spend_scale)

    def factor(self, spend: float) -> float:
        """Factor on the chance that a purchase fails, at `spend` (money per known customer and period)."""
        return 1 - _saturating(self.max_reduction, self.spend_scale, spend)


@dataclass(frozen=True, kw_only=True)
class RecoveryResponse:
    """What compensation does: of complainants who would leave in spite of the answer it keeps max_effect (1 - e^(-cost
    per complaint / scale))."""

    max_effect: float = documented(
        0.50, unit="share of leavers", meaning="most that compensation keeps", status="assumed", source=VARY
    )
    spend_scale: float = documented(
        10.0,
        unit="money per complaint",
        meaning="compensation at which 63% of it is reached",
        status="assumed",
        source=VARY,
    )

    def __post_init__(self) -> None:
        share("max_effect", self.max_effect)
        positive("spend_scale", self.spend_scale)

    def effect(self, cost: float) -> float:
        """Share of leavers kept by compensation worth `cost` (money)."""
        return _saturating(self.max_effect, self.spend_scale, cost)


@dataclass(frozen=True, kw_only=True)
class CrossSellingResponse:
    """What offers do to the size of purchases: larger by max_uplift (1 - e^(-spend per contact / scale))."""

    max_uplift: float = documented(
        0.20, unit="share of spend", meaning="most that offers add to a purchase", status="assumed", source=VARY
    )
    spend_scale: float = documented(
        0.50, unit="money per contact", meaning="spend at which 63% of it is reached", status="assumed", source=VARY
    )

    def __post_init__(self) -> None:
        share("max_uplift", self.max_uplift)
        positive("spend_scale", self.spend_scale)

    def uplift(self, spend: float) -> float:
        """Share by which purchases are larger at `spend` (money per contact)."""
        return _saturating(self.max_uplift, self.spend_scale, spend)


@dataclass(frozen=True, kw_only=True)
class WinBackResponse:
    """What contacts to the lost do: one lost t ago comes back with the chance success x 2^(-t / half_life)."""

    success: float = documented(
        0.40,
        unit="probability",
        meaning="a contact right after the loss brings the customer back",
        status="published",
        source="'Winning back lost customers' (undated), after J. Griffin: 40 in 100 lost customers can be won back",
    )
    half_life: Duration = documented(
        Duration(26, "W"),
        unit="time units",
        meaning="time since the loss in which that chance halves",
        status="assumed",
        source=VARY,
    )
    dropout_factor: float = documented(
        1.5,
        unit="factor",
        meaning="dropout in a second life, as a multiple of the first's",
        status="assumed",
        source=VARY,
    )
    second_life: Duration = documented(
        Duration(1, "Y"),
        unit="time units",
        meaning="what the firm expects a second life to last when it chooses whom to contact",
        status="assumed",
        source=VARY,
    )

    def __post_init__(self) -> None:
        share("success", self.success)
        not_negative("dropout_factor", self.dropout_factor)
        for name in ("half_life", "second_life"):
            value = getattr(self, name)
            if not isinstance(value, Duration) or value.value <= 0:
                raise ConfigError(
                    f"{name} must be a duration above 0; got {value!r}. Say Duration(26, 'W'), in a study '26 W'."
                )
