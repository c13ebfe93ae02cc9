"""A purchase log as what every count rests on: one entry a customer and calendar day with a purchase.

Rule of the literature (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way", section 2): purchases of one
customer on one calendar day are one purchase, their amounts added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import check_begun, past_day
from churnsim.data.logs.grouped_log import GroupedLog, grouped
from churnsim.errors import DataError
from churnsim.kernels.numerics import purchase_days as kernel


@dataclass(frozen=True)
class PurchaseDays:
    """One entry a customer and day with a purchase, by customer, then day."""

    ids: pd.Index[Any]  # sorted; customers are numbered by their place here
    customer: NDArray[np.int64]
    day: NDArray[np.int64]  # since 1970-01-01
    amount: NDArray[np.float64] | None

    @classmethod
    def of(cls, log: GroupedLog) -> PurchaseDays:
        """The entries of a log that is laid out already."""
        size = int(log.starts[-1])
        customer, day, amount = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
        kernel.entries(log.rows, log.starts, customer, day, amount)
        return cls(log.ids, customer, day, amount if log.amounts else None)

    @property
    def last(self) -> int:
        """The last day with a purchase."""
        return int(self.day.max())

    def first_day(self) -> NDArray[np.int64]:
        """Day of the first purchase of each customer."""
        return self.day[self.starts()]

    def starts(self) -> NDArray[np.int64]:
        """Where each customer's entries begin."""
        return np.flatnonzero(np.diff(self.customer, prepend=-1))

    def order_number(self) -> NDArray[np.int64]:
        """1 for each customer's first entry, 2 for the second, and so on."""
        starts = self.starts()
        sizes = np.diff(starts, append=len(self.customer))
        return np.arange(len(self.customer)) - np.repeat(starts, sizes) + 1

    def spend(self) -> NDArray[np.float64]:
        """The amounts; DataError for a log without them."""
        if self.amount is None:
            raise DataError(
                "the transactions hold no amounts, which this needs. Read them with amount= the column's name."
            )
        return self.amount

    def frame(self) -> pd.DataFrame:
        """The log with one row a customer and day: ``customer_id``, ``date`` and, if there are any, ``amount``."""
        date = self.day.astype("datetime64[D]").astype("datetime64[ns]")
        log = pd.DataFrame({"customer_id": self.ids[self.customer], "date": date})
        return log if self.amount is None else log.assign(amount=self.amount)

    def seen_until(self, until: object | None) -> tuple[PurchaseDays, int]:
        """The log as known at the end of the day `until` (its last day if None), customers numbered anew, and that day.

        Raises DataError when `until` is still to come or before the first purchase.
        """
        if until is None:
            return self, self.last
        end = past_day(until, name="until")
        check_begun(end, int(self.day.min()))
        kept = self.day <= end
        present, customer = np.unique(self.customer[kept], return_inverse=True)
        amount = None if self.amount is None else self.amount[kept]
        return PurchaseDays(self.ids[present], customer, self.day[kept], amount), end


def purchase_days(transactions: Any) -> PurchaseDays:
    """Check a log (``customer_id, date`` and perhaps ``amount``) and take it together by customer and day.

    Raises one DataError for all bad rows; it names row, value and remedy.
    """
    return PurchaseDays.of(grouped(transactions))
