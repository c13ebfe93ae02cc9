"""Competitors: where lost customers go, and from where others come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.simulation.core.assumption import CUSTOMER, Multiple, assumed, not_negative, people, share
from churnsim.simulation.mechanisms.parts import MarketPart


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

    def rules(self, unit: str) -> dict[str, Any]:
        """Whether the lost go to a competitor."""
        return {"switch_share": float(self.switch_share)}
