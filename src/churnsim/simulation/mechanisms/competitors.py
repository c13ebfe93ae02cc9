"""Competitors: where lost customers go, and from where others come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.kernels.engine.records import SWITCHED
from churnsim.simulation.core.arrivals import SWITCHING_CHANNEL, Arrivals
from churnsim.simulation.core.assumption import CUSTOMER, Multiple, assumed, not_negative, people, share
from churnsim.simulation.mechanisms.parts import MarketPart
from churnsim.simulation.mechanisms.surroundings import Newcomer, Surroundings
from churnsim.units import units_per_year


@dataclass(frozen=True, kw_only=True)
class Competitors(MarketPart):
    """Lost customers switch to a competitor or stop buying anywhere; a stream of the competitors' switches in.

    Of the `customers` that competitors have, each looks for another firm at `loss_per_year` and comes here with the
    chance `comes_here`. Those who switch from here add to them.
    """

    interacts: ClassVar[bool] = True

    customers: float = assumed(Multiple(8, CUSTOMER), "people", "whom competitors serve at first", people, (2.0, 30.0))
    switch_share: float = assumed(
        0.5, "share of losses", "lost customers who go to a competitor; the others stop buying", share, (0.15, 0.85)
    )
    loss_per_year: float = assumed(
        0.20, "per customer and year", "hazard at which competitors' customers leave them", not_negative, (0.08, 0.4)
    )
    comes_here: float = assumed(
        0.10, "share of those who leave a competitor", "who come to this firm", share, (0.02, 0.35)
    )

    def hear(self, around: Surroundings) -> None:
        """Who switches is a competitor's customer from now on and may come back with the others."""
        self._theirs(around).left += around.done.switched

    def stock(self, around: Surroundings, period: int) -> None:
        """How many customers they have."""
        around.books.state(period, "competitor_customers", self._theirs(around).left)

    def bring(self, around: Surroundings, end: float) -> list[Newcomer]:
        """Those who leave a competitor for this firm."""
        hazard = self.loss_per_year * self.comes_here / units_per_year(around.market.unit)
        times, uids, _ = self._theirs(around).during(around.now, end, hazard)
        return [(time, uid, SWITCHED) for time, uid in zip(times.tolist(), uids.tolist(), strict=True)]

    def _theirs(self, around: Surroundings) -> Arrivals:
        return around.pool(SWITCHING_CHANNEL, self.customers)

    def rules(self, unit: str) -> dict[str, Any]:
        """Whether the lost go to a competitor."""
        return {"switch_share": float(self.switch_share)}
