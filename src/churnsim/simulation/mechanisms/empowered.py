"""Empowered front-line staff, who settle complaints on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.simulation.mechanisms.parts import Money, Share, StrategyPart
from churnsim.simulation.mechanisms.review import Accounts


@dataclass(frozen=True, kw_only=True)
class EmpoweredStaff(StrategyPart):
    """Front-line staff may settle complaints themselves: a `share_at_once` of complaints gets a quick reply on the spot
    and never reaches the desk. Training and leeway cost `cost_per_period` (money)."""

    keeps: ClassVar[bool] = True

    share_at_once: Annotated[float, Share("share of complaints settled on the spot", example=0.5, guess=True)]
    cost_per_period: Annotated[float, Money("currency per period, for training and leeway", example=10.0)]

    on_failures: ClassVar[bool] = True

    @property
    def budget(self) -> float:
        """What training and leeway cost per period (money)."""
        return self.cost_per_period

    def standing_costs(self, books: Accounts) -> None:
        """Pay for training and leeway."""
        books.pay("service", self.cost_per_period)

    def rules(self, market: Any) -> dict[str, Any]:
        """Some complaints are settled at once."""
        return {"at_once": float(self.share_at_once)}
