"""Acquisition: spending on prospects, a finite pool that answers it (Blattberg & Deighton 1996)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    CUSTOMER,
    PURCHASE,
    UNMEASURED,
    Multiple,
    documented,
    in_units,
    not_negative,
    scale,
)
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart, StrategyPart

__all__ = ["Acquisition", "Prospects"]


@dataclass(frozen=True, kw_only=True)
class Acquisition(Budgeted):
    """Spend `budget_per_period` (money) on prospects; arrivals follow the market's response, spread over the period."""

    label: ClassVar[str] = "acquisition"

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """ConfigError where nobody is left to be won."""
        if in_units("prospects.size", market.prospects.size) < 1:
            raise ConfigError(
                "does nothing in a market without prospects: prospects.size is 0, as it is by default for a base "
                "without customers. Set it, Market(prospects=Prospects(size=...))."
            )


@dataclass(frozen=True, kw_only=True)
class Prospects(MarketPart):
    """The finite pool that acquisition draws on, and how it answers spend: in a period, ceiling (1 - e^(-spend per
    prospect / scale)) of those left come (Blattberg & Deighton 1996)."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"ceiling": ("acquisition",), "spend_scale": ("acquisition",)}

    size: float = documented(
        Multiple(8, CUSTOMER),
        unit="people",
        meaning="who could still become customers",
        status="assumed",
        source=UNMEASURED,
    )
    ceiling: float = documented(
        0.02,
        unit="share per period",
        meaning="most of the pool that any spend brings in a period",
        status="assumed",
        source=UNMEASURED,
    )
    spend_scale: float = documented(
        Multiple(0.02, PURCHASE),
        unit="money per prospect and period",
        meaning="spend at which 63% of the ceiling is reached",
        status="assumed",
        source="no source measures it; with the ceiling the cheapest customers cost one typical purchase; vary it",
    )

    def __post_init__(self) -> None:
        not_negative("size", self.size.times if isinstance(self.size, Multiple) else self.size)
        scale("spend_scale", self.spend_scale)
        if not 0 <= self.ceiling < 1:
            raise ConfigError(f"ceiling must be a share of the pool, at least 0 and below 1; got {self.ceiling!r}.")

    def share_per_period(self, budget: float) -> float:
        """Share of the remaining pool that a period's budget (money) brings."""
        size = in_units("prospects.size", self.size)
        if size == 0 or self.ceiling == 0:
            return 0.0
        k = 1 / in_units("prospects.spend_scale", self.spend_scale)
        return SaturatingResponse(ceiling=self.ceiling, k=k).share(budget / size)
