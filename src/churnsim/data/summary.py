"""The summary of a purchase log that the models work from, and its split into calibration and holdout.

Rules of the literature (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way", section 2): a
customer's first purchase starts the clock and is not counted; purchases of one customer on one calendar day
are one purchase, their amounts added.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.columns import Names, typed_columns
from churnsim.data.days import calendar_day
from churnsim.data.flaws import Flaws
from churnsim.data.table_columns import check_columns
from churnsim.errors import DataError
from churnsim.units import DAYS_PER_UNIT, check_unit

__all__ = ["split_holdout", "summarise"]


def summarise(transactions: pd.DataFrame, *, unit: str = "W", until: str | date | None = None) -> pd.DataFrame:
    """Frequency, recency and age of every customer as seen at the end of the day `until`.

    Parameters
    ----------
    transactions
        One row a purchase: ``customer_id``, ``date`` and, if there are amounts, ``amount``; in any order.
    unit
        What durations are counted in: "D", "W" (7 days), "M" or "Y". Purchases are told apart by calendar day
        whatever the unit, so a change of unit only rescales `recency` and `T`.
    until
        Last day observed; the last date in the log unless given. Later purchases, and customers who had not
        bought by then, are left out.

    Returns ------- A frame indexed by ``customer_id`` (sorted), with `unit` in its ``attrs``, by which models
    refuse a summary in another unit than theirs:

    - ``frequency`` (int): days with a purchase after the first, x;
    - ``recency``: time from the first to the last purchase, t_x, 0 without repeat;
    - ``T``: time from the first purchase to `until`;
    - ``monetary_value`` (only with amounts): mean amount over the repeat days, 0 without repeat.

    Times with a zone are taken by their own wall clock. Raises DataError (naming row, value and remedy) for
    missing columns, ids or dates, for amounts that are negative or not finite, and for `until` before the
    first purchase or still to come; ConfigError for an unknown unit or an `until` that is no date.
    """
    days_per_unit = DAYS_PER_UNIT[check_unit(unit)]
    log = _purchase_days(transactions)
    end = log.last if until is None else _past_day(until, "until")
    summary = _summary(log, end, days_per_unit)
    summary.attrs["unit"] = unit
    return summary


def split_holdout(
    transactions: pd.DataFrame,
    *,
    until: str | date,
    holdout_until: str | date | None = None,
    unit: str = "W",
) -> pd.DataFrame:
    """The summary at the end of the day `until`, and what the same customers did afterwards.

    Returns the columns of `summarise(transactions, unit=unit, until=until)` and

    - ``frequency_holdout`` (int): days with a purchase after `until`, to the end of `holdout_until`;
    - ``T_holdout``: time from `until` to `holdout_until` in `unit`, the same for everybody;
    - ``monetary_value_holdout`` (only with amounts): mean amount over those days, 0 without any.

    `holdout_until` is the last date in the log unless given. Customers who first bought after `until` are
    left out. Raises as `summarise`, and DataError unless `until` is before `holdout_until`.
    """
    days_per_unit = DAYS_PER_UNIT[check_unit(unit)]
    log = _purchase_days(transactions)
    end = _past_day(until, "until")
    holdout_end = log.last if holdout_until is None else _past_day(holdout_until, "holdout_until")
    if holdout_end <= end:
        source = "the last date in the log" if holdout_until is None else "holdout_until"
        raise DataError(
            f"until ({_iso(end)}) must be before {source} ({_iso(holdout_end)}), or nothing is held out. "
            "Choose an earlier until or a later holdout_until."
        )
    summary = _summary(log, end, days_per_unit)
    # Customers are numbered in the order of their ids, which is the order of the rows of `summary`.
    inside = (log.day > end) & (log.day <= holdout_end)
    kept = log.first_day() <= end
    days = np.bincount(log.customer[inside], minlength=len(log.ids))
    summary["frequency_holdout"] = days[kept].astype(np.int64)
    summary["T_holdout"] = (holdout_end - end) / days_per_unit
    if log.amount is not None:
        spent = np.bincount(log.customer[inside], weights=log.amount[inside], minlength=len(log.ids))
        summary["monetary_value_holdout"] = _mean(spent.astype(np.float64), days)[kept]
    summary.attrs["unit"] = unit
    return summary


@dataclass(frozen=True)
class _PurchaseDays:
    """One entry a customer and day with a purchase, by customer, then day."""

    ids: pd.Index[Any]  # sorted; customers are numbered by their place here
    customer: NDArray[np.int64]
    day: NDArray[np.int64]  # since 1970-01-01
    amount: NDArray[np.float64] | None

    @property
    def last(self) -> int:
        return int(self.day.max())

    def first_day(self) -> NDArray[np.int64]:
        """Day of the first purchase of each customer."""
        starts = np.flatnonzero(np.diff(self.customer, prepend=-1))
        return self.day[starts]


def _purchase_days(transactions: pd.DataFrame) -> _PurchaseDays:
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
    return _PurchaseDays(ids, customer[starts], day[starts], amount)


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


def _summary(log: _PurchaseDays, end: int, days_per_unit: float) -> pd.DataFrame:
    seen = log.day <= end
    if not seen.any():
        raise DataError(
            f"until ({_iso(end)}) is before the first purchase in the log ({_iso(int(log.day.min()))}). "
            "Choose a later day."
        )
    customer, day = log.customer[seen], log.day[seen]
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    sizes = np.diff(first, append=len(customer))
    repeats = (sizes - 1).astype(np.int64)
    frame = pd.DataFrame(
        {
            "frequency": repeats,
            "recency": (day[first + repeats] - day[first]) / days_per_unit,
            "T": (end - day[first]) / days_per_unit,
        },
        index=log.ids[customer[first]],
    )
    if log.amount is not None:
        repeat_amount = log.amount[seen]
        repeat_amount[first] = 0.0
        frame["monetary_value"] = _mean(np.add.reduceat(repeat_amount, first), repeats)
    return frame


def _mean(total: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """total / number, 0 where there is nothing to average."""
    return np.divide(total, number, out=np.zeros(len(total)), where=number > 0)


def _day_number(value: object, name: str) -> int:
    return int(calendar_day(value, name=name).to_datetime64().astype("datetime64[D]").astype(np.int64))


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))


def _past_day(value: object, name: str) -> int:
    """The day's number; DataError for a day still to come, whose silence would count as customers lost."""
    day = _day_number(value, name)
    today = int(np.datetime64(date.today(), "D").astype(np.int64))
    if day > today:
        raise DataError(
            f"{name} is {_iso(day)}, which is still to come: nobody can have bought there, and every customer "
            "would look lost. Give the last day that was observed."
        )
    return day
