"""What estimators from records share: the purchases around a day, and numbers with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.simulation.core.belief import Belief, Status
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints

__all__ = ["NEVER", "History", "Measured", "day_numbers", "ratio_of_means"]

NEVER = np.iinfo(np.int64).max // 4  # a day that does not come


def day_numbers(dates: pd.Series[Any]) -> Ints:
    """Days since 1970; NEVER where there is no date."""
    days = dates.to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")
    return np.where(np.isnat(days), NEVER, days.astype(np.int64))


@dataclass(frozen=True, eq=False)
class History:
    """Purchases by customer and day until a last day, and what one customer did before and after any day."""

    days: PurchaseDays
    until: int

    @classmethod
    def of(cls, purchases: Any, until: object | None = None) -> History:
        """The history of a log; DataError for its bad rows."""
        return cls(*purchase_days(purchases).seen_until(until))

    def customers(self, ids: pd.Series[Any]) -> Ints:
        """The places of these customers, -1 for those without a purchase."""
        return np.asarray(self.days.ids.get_indexer(pd.Index(ids)), dtype=np.int64)

    @property
    def _first(self) -> int:
        return int(self.days.day.min())

    @property
    def _span(self) -> int:
        return self.until - self._first + 3

    def _place(self, customer: Ints, day: Ints, side: Any) -> Ints:
        """Where in the entries this customer's purchases of the day begin ("left") or end ("right")."""
        keys = self.days.customer * self._span + (self.days.day - self._first + 1)
        asked = customer * self._span + np.clip(day - self._first + 1, 0, self._span - 1)
        return np.searchsorted(keys, asked, side=side)

    def _starts(self) -> Ints:
        return np.append(self.days.starts(), len(self.days.day))

    def first(self, customer: Ints) -> Ints:
        """Day of each customer's first purchase; NEVER for those without one."""
        return np.where(customer >= 0, self.days.day[self.days.starts()[customer]], NEVER)

    def bought_before(self, customer: Ints, day: Ints) -> Ints:
        """Days with a purchase before this one."""
        return np.where(customer >= 0, self._place(customer, day, "left") - self._starts()[customer], 0)

    def last_before(self, customer: Ints, day: Ints) -> Ints:
        """The last day with a purchase before this one; -NEVER where there is none."""
        place = self._place(customer, day, "left") - 1
        found = self.bought_before(customer, day) > 0
        return np.where(found, self.days.day[np.maximum(place, 0)], -NEVER)

    def next_after(self, customer: Ints, day: Ints) -> Ints:
        """The first day with a purchase after this one; NEVER where there is none until the end."""
        place = self._place(customer, day, "right")
        found = (customer >= 0) & (place < self._starts()[customer + 1])
        return np.where(found, self.days.day[np.minimum(place, len(self.days.day) - 1)], NEVER)

    def spend_between(self, customer: Ints, after: Ints, until: Ints) -> Floats:
        """What each bought after one day and until another, both included at the end alone; purchases where the log
        has no amounts."""
        amount = np.ones(len(self.days.day)) if self.days.amount is None else self.days.amount
        total = np.append(0.0, np.cumsum(amount))
        found = total[self._place(customer, until, "right")] - total[self._place(customer, after, "right")]
        return np.where(customer >= 0, found, 0.0)


def ratio_of_means(y: Floats, x: Floats) -> tuple[float, float]:
    """sum y / sum x over independent units, and its standard error by the delta method."""
    ratio = float(y.sum() / x.sum())
    n = len(y)
    return ratio, float(np.sqrt(n / max(n - 1, 1) * ((y - ratio * x) ** 2).sum()) / x.sum())


class Measured(NamedTuple):
    """A number, its standard error (of its logarithm or log odds where that is the scale of its interval) and the
    interval."""

    value: float
    standard_error: float
    low: float
    high: float

    @classmethod
    def positive(cls, value: float, log_error: float, level: float) -> Measured:
        """A positive number whose logarithm has this standard error; the ends are NaN where the value is 0."""
        if not value > 0:
            return cls(value, log_error, math.nan, math.nan)
        reach = math.exp(normal_quantile(level) * log_error)
        return cls(value, log_error, value / reach, value * reach)

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def belief(self, status: Status, source: str, level: float) -> Belief:
        """The belief with this interval."""
        return Belief(value=self.value, low=self.low, high=self.high, level=level, status=status, source=source)
