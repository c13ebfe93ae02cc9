"""Retention contacts: money spent on customers so that they stay, and what it does to their dropout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.economics.response import saturating
from churnsim.simulation.core.assumption import (
    PURCHASE,
    Multiple,
    assumed,
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

    keeps: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RetentionResponse(MarketPart):
    """What contacts do to organic dropout: lower by max_effect (1 - e^(-spend per contact / scale)) while the
    period lasts, or higher by as much for those whom contacts harm (Ascarza, Iyengar & Schleicher 2016)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("retention",)}

    max_effect: float = assumed(0.30, "share of organic dropout", "most that contacts can prevent", share, (0.05, 0.6))
    spend_scale: float = assumed(
        Multiple(0.02, PURCHASE),
        "money per contact",
        "spend at which 63% of the effect is reached",
        scale,
        (0.004, 0.1),
    )
    harmed_share: float = assumed(
        0.10,
        "share of customers",
        "those whom a contact makes likelier to leave",
        share,
        (0.01, 0.5),
        source="Ascarza, Iyengar & Schleicher (2016, JMR 53, 46-60): of 65,000 customers at random some were told "
        "of a better plan, and 10.0% of these left in three months against 6.4%; the share is a guess",
    )

    response_spread: float = assumed(
        0.0,
        "share of the effect",
        "how far the effect on the others differs: evenly from 1 - this to 1 + this times it",
        not_negative,
        source="none: everybody responds alike; up to 1, and more for contacts that harm some of the others too",
    )

    def effect(self, spend: float) -> float:
        """Share of organic dropout that a contact worth `spend` (money) prevents, or adds where it harms."""
        return saturating(self.max_effect, in_units("retention.spend_scale", self.spend_scale), spend)

    def rules(self, unit: str) -> dict[str, Any]:
        """How customers differ in their response to contacts."""
        return {"harmed_share": float(self.harmed_share), "response_spread": float(self.response_spread)}
