"""The summary of a purchase log that the models work from, and its split into calibration and holdout.

Rules of the literature (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way", section 2): a
customer's first purchase starts the clock and is not counted; purchases of one customer on one calendar day
are one purchase, their amounts added.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.days import iso_day, past_day
from churnsim.data.purchase_days import PurchaseDays, purchase_days
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
    log = purchase_days(transactions)
    end = log.last if until is None else past_day(until, name="until")
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
    log = purchase_days(transactions)
    end = past_day(until, name="until")
    holdout_end = log.last if holdout_until is None else past_day(holdout_until, name="holdout_until")
    if holdout_end <= end:
        source = "the last date in the log" if holdout_until is None else "holdout_until"
        raise DataError(
            f"until ({iso_day(end)}) must be before {source} ({iso_day(holdout_end)}), or nothing is held out. "
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


def _summary(log: PurchaseDays, end: int, days_per_unit: float) -> pd.DataFrame:
    seen = log.day <= end
    if not seen.any():
        raise DataError(
            f"until ({iso_day(end)}) is before the first purchase in the log ({iso_day(int(log.day.min()))}). "
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
