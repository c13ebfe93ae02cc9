"""Staff loyalty: those who stay have learned, and service fails less often in their hands.

The share of novices moves towards t L/(1 + t L) at turnover t and learning time L, by the exact solution of
d share/d time = t (1 - share) - share/L; failures move with it (`economics/staff.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from churnsim.economics.response import SaturatingResponse
from churnsim.economics.staff import failure_factor, novice_share
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    PURCHASE_OF_EACH,
    UNMEASURED_HERE,
    Multiple,
    documented,
    in_units,
    not_negative,
    positive,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart
from churnsim.units import Duration

__all__ = ["StaffCare", "StaffResponse"]


@dataclass(frozen=True, kw_only=True)
class StaffCare(Budgeted):
    """Spend `budget_per_period` (money) on keeping staff: the market's `staff` says how much fewer leave."""

    label: ClassVar[str] = "staff"
    acts: ClassVar[bool] = True
    on_failures: ClassVar[bool] = True
    keeps: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class StaffResponse(MarketPart):
    """How staff leave and learn, and what money does about it: turnover is lower by max_effect (1 - e^(-spend per
    period / scale))."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("staff",)}

    turnover_per_year: float = documented(
        0.30,
        unit="leavers a year per place",
        meaning="staff turnover without care",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    learning: Duration = documented(
        Duration(26, "W"), unit="time units", meaning="mean time until a newcomer works like the others",
        status="assumed", source=UNMEASURED_HERE,
    )  # fmt: skip
    novice_factor: float = documented(
        2.0, unit="times", meaning="failures of newcomers, as a multiple of those of the experienced", status="assumed",
        source=UNMEASURED_HERE,
    )  # fmt: skip
    max_effect: float = documented(
        0.50,
        unit="share of turnover",
        meaning="most turnover that care prevents",
        status="assumed",
        source=UNMEASURED_HERE,
    )
    spend_scale: float = documented(
        Multiple(0.0015, PURCHASE_OF_EACH),
        unit="money per period",
        meaning="spend at which 63% of it is reached",
        status="assumed",
        source=UNMEASURED_HERE,
    )

    def __post_init__(self) -> None:
        not_negative("turnover_per_year", self.turnover_per_year)
        positive("learning", self.learning.value)
        not_negative("novice_factor", self.novice_factor)
        share("max_effect", self.max_effect)
        scale("spend_scale", self.spend_scale)
        if self.novice_factor < 1:
            raise ConfigError(
                f"novice_factor must be at least 1, or learning would make staff worse; got {self.novice_factor!r}."
            )

    @property
    def usual_share(self) -> float:
        """Novices among the staff where nothing is done."""
        return novice_share(self.turnover_per_year, self.learning.to("Y"))

    def share_after(self, novices: float, years: float, budget: float) -> float:
        """Novices among the staff `years` after they were the share `novices`, at a `budget` per period."""
        effect = SaturatingResponse(
            ceiling=self.max_effect, k=1 / in_units("staff.spend_scale", self.spend_scale)
        ).share(budget)
        turnover, learning = self.turnover_per_year * (1.0 - effect), self.learning.to("Y")
        settled = novice_share(turnover, learning)
        return settled + (novices - settled) * math.exp(-(turnover + 1.0 / learning) * years)

    def factor(self, novices: float) -> float:
        """Failures at that share of novices, over the market's usual ones."""
        return failure_factor(novices, self.novice_factor, usual_share=self.usual_share)
