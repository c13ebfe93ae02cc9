"""Retention contacts: money spent on customers so that they stay, and what it does to their dropout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.economics.response import saturating
from churnsim.simulation.core.assumption import (
    PURCHASE,
    UNMEASURED,
    Multiple,
    documented,
    in_units,
    not_negative,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart
from churnsim.simulation.mechanisms.targeting import Campaign

__all__ = ["RetentionContacts", "RetentionResponse"]


@dataclass(frozen=True, kw_only=True)
class RetentionContacts(Campaign):
    """Spread `budget_per_period` (money) evenly over the customers whom the rule picks; see `Targeting`. A period in
    which it picks nobody spends nothing. The market's `retention` says what contacts do."""

    label: ClassVar[str] = "retention"
    keeps: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RetentionResponse(MarketPart):
    """What contacts do to organic dropout: lower by max_effect (1 - e^(-spend per contact / scale)) while the
    period lasts, or higher by as much for those whom contacts harm (Ascarza, Iyengar & Schleicher 2016)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("retention",)}

    max_effect: float = documented(
        0.30,
        unit="share of organic dropout",
        meaning="most that contacts can prevent",
        status="assumed",
        source="no source measures it on this base; vary it",
    )
    spend_scale: float = documented(
        Multiple(0.02, PURCHASE),
        unit="money per contact",
        meaning="spend at which 63% of the effect is reached",
        status="assumed",
        source=UNMEASURED,
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
        scale("spend_scale", self.spend_scale)
        share("harmed_share", self.harmed_share)
        not_negative("response_spread", self.response_spread)

    def effect(self, spend: float) -> float:
        """Share of organic dropout that a contact worth `spend` (money) prevents, or adds where it harms."""
        return saturating(self.max_effect, in_units("retention.spend_scale", self.spend_scale), spend)

    def rules(self, unit: str) -> dict[str, Any]:
        """How customers differ in their response to contacts."""
        return {"harmed_share": float(self.harmed_share), "response_spread": float(self.response_spread)}
