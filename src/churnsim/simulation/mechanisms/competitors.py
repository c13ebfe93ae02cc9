"""Competitors: where lost customers go, and from where others come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.simulation.core.assumption import (
    CUSTOMER,
    UNMEASURED,
    Multiple,
    documented,
    not_negative,
    share,
)
from churnsim.simulation.mechanisms.parts import MarketPart

__all__ = ["Competitors"]


@dataclass(frozen=True, kw_only=True)
class Competitors(MarketPart):
    """Lost customers switch to a competitor or stop buying anywhere; a stream of the competitors' switches in.

    Of the `customers` that competitors have, each looks for another firm at `loss_per_year` and comes here with the
    chance `comes_here`. Those who switch from here add to them.
    """

    interacts: ClassVar[bool] = True

    customers: float = documented(
        Multiple(8, CUSTOMER),
        unit="people",
        meaning="whom competitors serve at first",
        status="assumed",
        source=UNMEASURED,
    )
    switch_share: float = documented(
        0.5,
        unit="share of losses",
        meaning="lost customers who go to a competitor; the others stop buying",
        status="assumed",
        source=UNMEASURED,
    )
    loss_per_year: float = documented(
        0.20,
        unit="per customer and year",
        meaning="hazard at which competitors' customers leave them",
        status="assumed",
        source=UNMEASURED,
    )
    comes_here: float = documented(
        0.10,
        unit="share of those who leave a competitor",
        meaning="who come to this firm",
        status="assumed",
        source=UNMEASURED,
    )

    def __post_init__(self) -> None:
        not_negative("customers", self.customers.times if isinstance(self.customers, Multiple) else self.customers)
        share("switch_share", self.switch_share)
        not_negative("loss_per_year", self.loss_per_year)
        share("comes_here", self.comes_here)

    def rules(self, unit: str) -> dict[str, Any]:
        """Whether the lost go to a competitor."""
        return {"switch_share": float(self.switch_share)}
