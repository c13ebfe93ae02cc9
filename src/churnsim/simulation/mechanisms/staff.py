"""Staff loyalty: those who stay have learned, and service fails less often in their hands.

The share of novices moves towards t L/(1 + t L) at turnover t and learning time L, by the exact solution of
d share/d time = t (1 - share) - share/L; failures move with it (`economics/staff.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from churnsim.economics.response import saturating
from churnsim.economics.staff import failure_factor, novice_share
from churnsim.simulation.core.assumption import (
    PURCHASE_OF_EACH,
    Multiple,
    assumed,
    at_least_1,
    in_units,
    length,
    not_negative,
    scale,
    share,
)
from churnsim.simulation.mechanisms.parts import Budgeted, MarketPart
from churnsim.simulation.mechanisms.review import Review
from churnsim.units import Duration, units_per_year


@dataclass(frozen=True, kw_only=True)
class StaffCare(Budgeted):
    """Spend `budget_per_period` (money) on keeping staff: the market's `staff` says how much fewer leave."""

    acts: ClassVar[bool] = True
    on_failures: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    def review(self, review: Review) -> None:
        """Staff have left and learned since the last review, and the budget for keeping them falls due again."""
        firm, response = review.firm, review.market.staff
        if review.period:
            years = review.span / units_per_year(review.market.unit)
            firm.novices = response.share_after(firm.novices, years, self.budget_per_period)
        else:
            firm.novices = response.usual_share
        firm.staff = response.factor(firm.novices)
        review.books.pay("service", self.budget_per_period)


@dataclass(frozen=True, kw_only=True)
class StaffResponse(MarketPart):
    """How staff leave and learn, and what money does about it: turnover is lower by max_effect (1 - e^(-spend per
    period / scale))."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {"": ("staff",)}

    turnover_per_year: float = assumed(
        0.30, "leavers a year per place", "staff turnover without care", not_negative, (0.1, 0.8)
    )
    learning: Duration = assumed(
        Duration(26, "W"), "time units", "mean time until a newcomer works like the others", length, (8.0, 78.0)
    )
    novice_factor: float = assumed(
        2.0,
        "times",
        "failures of newcomers, as a multiple of those of the experienced",
        at_least_1,
        (1.1, 4.0),
        source="Hausknecht, Trevor & Howard (2009, J. Applied Psychology 94, 1068-1075): units with more turnover are "
        "rated lower on service, the more so the more newcomers they have; by how much is a guess",
    )
    max_effect: float = assumed(0.50, "share of turnover", "most turnover that care prevents", share, (0.1, 0.85))
    spend_scale: float = assumed(
        Multiple(0.0015, PURCHASE_OF_EACH),
        "money per period",
        "spend at which 63% of it is reached",
        scale,
        (0.0003, 0.0075),
    )

    @property
    def usual_share(self) -> float:
        """Novices among the staff where nothing is done."""
        return novice_share(self.turnover_per_year, self.learning.to("Y"))

    def share_after(self, novices: float, years: float, budget: float) -> float:
        """Novices among the staff `years` after they were the share `novices`, at a `budget` per period."""
        effect = saturating(self.max_effect, in_units("staff.spend_scale", self.spend_scale), budget)
        turnover, learning = self.turnover_per_year * (1.0 - effect), self.learning.to("Y")
        settled = novice_share(turnover, learning)
        return settled + (novices - settled) * math.exp(-(turnover + 1.0 / learning) * years)

    def factor(self, novices: float) -> float:
        """Failures at that share of novices, over the market's usual ones."""
        return failure_factor(novices, self.novice_factor, usual_share=self.usual_share)
