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
    Multiple,
    assumed,
    in_units,
    people,
    scale,
    share_below_1,
)
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart, StrategyPart

__all__ = ["Acquisition", "Prospects"]


@dataclass(frozen=True, kw_only=True)
class Acquisition(Budgeted):
    """Spend `budget_per_period` (money) on prospects; arrivals follow the market's response, spread over the period."""

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """ConfigError where nobody is left to be won."""
        if in_units("prospects.size", market.prospects.size) < 1:
            raise ConfigError(
                "does nothing in a market without prospects: prospects.size is 0, as it is by default for a base "
                "without customers. Set it, Market(prospects=Prospects(size=...))."
            )


ELASTICITY = (
    "a guess such that 1% more spending brings 0.22% more new customers at 0.0005 of a typical purchase per prospect "
    "and period; Sethuraman, Tellis & Briesch (2011, J. Marketing Research 48, 457-471): sales answer advertising with "
    ".12 at once (751 estimates) and .24 in the long run (402)"
)
COST = "a guess such that at that spending a new customer costs 1.1 typical purchases, and the cheapest 0.4"


@dataclass(frozen=True, kw_only=True)
class Prospects(MarketPart):
    """The finite pool that acquisition draws on, and how it answers spend: in a period, ceiling (1 - e^(-spend per
    prospect / scale)) of those left come (Blattberg & Deighton 1996).

    With x = spend per prospect / scale the elasticity of arrivals is x / (e^x - 1), a new customer costs scale x /
    (ceiling (1 - e^-x)) on average and the next one scale e^x / ceiling.
    """

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"ceiling": ("acquisition",), "spend_scale": ("acquisition",)}

    size: float = assumed(Multiple(8, CUSTOMER), "people", "who could still become customers", people, (2.0, 40.0))
    ceiling: float = assumed(
        0.0005,
        "share per period",
        "most of the pool that any spend brings in a period",
        share_below_1,
        (0.0001, 0.0025),
        source=COST,
    )
    spend_scale: float = assumed(
        Multiple(0.0002, PURCHASE),
        "money per prospect and period",
        "spend at which 63% of the ceiling is reached",
        scale,
        (0.0001, 0.001),
        source=ELASTICITY,
    )

    def share_per_period(self, budget: float) -> float:
        """Share of the remaining pool that a period's budget (money) brings."""
        size = in_units("prospects.size", self.size)
        if size == 0 or self.ceiling == 0:
            return 0.0
        k = 1 / in_units("prospects.spend_scale", self.spend_scale)
        return SaturatingResponse(ceiling=self.ceiling, k=k).share(budget / size)
