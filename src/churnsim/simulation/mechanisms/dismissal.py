"""Dismissal of customers who cost more than they bring."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.parts import Setting, StrategyPart
from churnsim.simulation.mechanisms.review import Review


@dataclass(frozen=True, kw_only=True)
class DismissUnprofitable(StrategyPart):
    """Every `periods` periods, end the relation with each customer that has cost more than it brought since the last
    such review: its margin less what the firm spent on serving, answering and contacting it is negative."""

    periods: Annotated[
        int,
        Setting("how many periods are looked back on, and between reviews", example=1, limits={"ge": 1, "le": 100_000}),
    ]

    acts: ClassVar[bool] = True
    turn: ClassVar[int] = 0

    def review(self, review: Review) -> None:
        """Let them go, unless nothing has happened yet."""
        if review.period and review.period % self.periods == 0:
            review.customers.dismiss(review.period, review.now)

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """ConfigError where no customer can cost more than it brings."""
        loses = min(getattr(market.spend, "profits", (0.0,))) < 0
        if not (market.terms.cost_to_serve > 0 or loses or any(part.charges for part in others)):
            raise ConfigError(
                "does nothing where customers cost nothing: terms.cost_to_serve is 0 and no other part of the strategy "
                "spends on single customers. Set what serving costs, Market(terms=Terms(cost_to_serve=...)); "
                "in a study, [market.terms] cost_to_serve."
            )
