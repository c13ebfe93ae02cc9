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

from churnsim.data.columns import Names, typed_columns
from churnsim.data.days import iso_day, past_day
from churnsim.data.flaws import Flaws
from churnsim.data.table_columns import check_columns
from churnsim.errors import DataError

__all__ = ["PurchaseDays", "purchase_days"]


@dataclass(frozen=True)
class PurchaseDays:
    """One entry a customer and day with a purchase, by customer, then day."""

    ids: pd.Index[Any]  # sorted; customers are numbered by their place here
    customer: NDArray[np.int64]
    day: NDArray[np.int64]  # since 1970-01-01
    amount: NDArray[np.float64] | None

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

    def seen_until(self, until: object | None) -> tuple[PurchaseDays, int]:
        """The log as known at the end of the day `until` (its last day if None), customers numbered anew, and that day.

        Raises DataError when `until` is still to come or before the first purchase.
        """
        if until is None:
            return self, self.last
        end = past_day(until, name="until")
        kept = self.day <= end
        if not kept.any():
            raise DataError(
                f"until ({iso_day(end)}) is before the first purchase in the log ({iso_day(int(self.day.min()))}). "
                "Choose a later day."
            )
        present, customer = np.unique(self.customer[kept], return_inverse=True)
        amount = None if self.amount is None else self.amount[kept]
        return PurchaseDays(self.ids[present], customer, self.day[kept], amount), end


def purchase_days(transactions: pd.DataFrame) -> PurchaseDays:
    """Check a log (``customer_id, date`` and perhaps ``amount``) and take it together by customer and day.

    Raises one DataError for all bad rows; it names row, value and remedy.
    """
    frame = _checked(transactions)
    customer, ids = _numbered(frame["customer_id"])
    day = frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    amount = frame["amount"].to_numpy() if "amount" in frame else None
    # Amounts of a day are added by size, so that the order of the rows cannot change the last digit.
    order = np.lexsort((day, customer) if amount is None else (amount, day, customer))
    customer, day = customer[order], day[order]
    new = (np.diff(customer, prepend=-1) != 0) | (np.diff(day, prepend=day[0] - 1) != 0)
    starts = np.flatnonzero(new)
    if amount is not None:
        with np.errstate(over="ignore"):
            if not np.isfinite(amount.sum()):
                raise DataError("the amounts add up to more than a number can hold. Check their unit.")
        amount = np.add.reduceat(amount[order], starts)
    return PurchaseDays(ids, customer[starts], day[starts], amount)


def _checked(transactions: pd.DataFrame) -> pd.DataFrame:
    """The log with proper types, or one DataError for all its bad rows."""
    if not isinstance(transactions, pd.DataFrame):
        raise DataError(
            f"transactions must be a pandas DataFrame; got {type(transactions).__name__}. "
            "Read a file with churnsim.read_transactions."
        )
    amount = "amount" if "amount" in transactions.columns else None
    names = Names(customer_id="customer_id", date="date", amount=amount)
    check_columns(list(transactions.columns), names.present(), source="the transactions frame", rename=True)
    if transactions.empty:
        raise DataError("the transactions frame is empty. Give it at least one purchase.")
    flaws = Flaws(len(transactions))
    frame = typed_columns(transactions, names=names, flaws=flaws)
    if flaws.count:
        labels = transactions.index
        raise flaws.error(
            "the transactions frame",
            row=(lambda position: labels[position]) if labels.is_unique else (lambda position: position),
            row_word="index" if labels.is_unique else "position",
            last_resort="Or drop such rows.",
        )
    return frame


def _numbered(values: pd.Series[Any]) -> tuple[NDArray[np.int64], pd.Index[Any]]:
    """Each row's customer as a number, and the sorted ids those numbers stand for."""
    codes, uniques = pd.factorize(values)
    ids = pd.Index(uniques)
    try:
        order = ids.argsort()
    except TypeError:
        kinds = sorted({type(value).__name__ for value in uniques})
        raise DataError(
            f"column 'customer_id' mixes kinds of ids ({', '.join(kinds)}), so that one customer may be "
            "counted twice. Convert them to one kind, such as str."
        ) from None
    place = np.empty(len(ids), dtype=np.int64)
    place[order] = np.arange(len(ids))
    return place[codes], ids[order].rename("customer_id")
