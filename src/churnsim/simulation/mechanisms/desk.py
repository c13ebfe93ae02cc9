"""The complaint desk: clerks who answer complaints, first come first served."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.simulation.core.assumption import cents
from churnsim.simulation.mechanisms.parts import Length, Money, Setting, StrategyPart
from churnsim.simulation.mechanisms.review import Accounts
from churnsim.units import UNIT_NAMES


@dataclass(frozen=True, kw_only=True)
class ComplaintDesk(StrategyPart):
    """`staff` clerks answer complaints, first come first served; each reply takes an exponential time with mean
    `mean_service_time` (time units) and costs `cost_per_reply`; a clerk costs `wage_per_period` (money)."""

    staff: Annotated[int, Setting("people at the desk", example=1, limits={"ge": 1, "le": 100_000})]
    mean_service_time: Annotated[float, Length("mean time to deal with one complaint", example=0.1, guess=True)]
    wage_per_period: Annotated[
        float,
        Money(
            "currency per member of staff and period",
            budget="share of [budget] per_period that pays the wages",
            split_over="staff",
            example=100.0,
        ),
    ]
    cost_per_reply: Annotated[float, Money("currency per reply, on top of wages", unset=True, each=True)] = 0.0

    interacts: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    on_failures: ClassVar[bool] = True

    @property
    def budget(self) -> float:
        """Wages per period (money)."""
        return self.staff * self.wage_per_period

    @property
    def clerks(self) -> int:
        """The staff."""
        return self.staff

    def standing_costs(self, books: Accounts) -> None:
        """Pay the wages."""
        books.pay("wages", self.budget)

    @property
    def charges(self) -> bool:
        """Each reply costs something, besides the wages."""
        return self.cost_per_reply > 0

    def epoch_effect(self, unit: str, epoch: float) -> tuple[float, str]:
        """Of replies, which are told at the next boundary at the earliest: E[(U - S)+] for a complaint at a uniform
        time before it and an exponential service time, without a queue."""
        mean = self.mean_service_time
        wait = epoch / 2 - mean - mean**2 / epoch * math.expm1(-epoch / mean)
        return wait / mean, (
            f"a reply reaches its customer {wait:.3g} {UNIT_NAMES[unit]} late on average, where answering takes "
            f"{mean:.3g}"
        )

    def rules(self, market: Any) -> dict[str, Any]:
        """Complaints are answered by the desk."""
        return {
            "desk": True,
            "mean_service_time": float(self.mean_service_time),
            "reply_cents": cents(self.cost_per_reply),
        }
