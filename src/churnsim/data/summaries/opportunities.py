"""A purchase log as seen by a model of set opportunities (BG/BB): did a customer buy in a period, or not."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.days import iso_day, past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.calendar import SUMS, Calendar, calendar_mark
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.typing import Floats, Ints
from churnsim.units import check_unit

FIRST_PERIOD = "first_period_end"


@in_kind
def summarise_opportunities(
    transactions: Any, *, unit: str = "Y", until: str | date | None = None,
    calendar: Calendar | CustomerSeries | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The summary in periods instead of time, for `BGBB`: each period after a customer's first is an opportunity.

    Periods are calendar years or months, days, or blocks of seven days that end with the day `until` (the last date
    in the log unless given). A year or month that `until` cuts short is left out, with its purchases. Returns a frame
    indexed by ``customer_id`` with whole numbers: ``frequency``, opportunities bought at; ``recency``, the last one
    of them; ``T``, how many there were. With a `calendar`, or customers' own series, for `BGBBCalendar`, also
    ``first_period_end``, the last day of a customer's first period, and ``calendar:NAME``, the sum of the columns'
    means over the periods bought at. Raises DataError where no period is whole, else as `summarise`.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"customer_id": 1, "date": pd.to_datetime(["2020-05-01", "2022-03-01", "2022-04-01"])})
    >>> summarise_opportunities(log, until="2023-12-31").iloc[0].tolist()
    [1.0, 2.0, 3.0]
    """
    check_unit(unit)
    log = purchase_days(transactions)
    end = log.last if until is None else past_day(until, name="until")
    last, period = period_numbers(log.day, end, unit)
    seen = (period <= last) & (log.day <= end)
    if not seen.any():
        raise DataError(
            f"no whole period of unit {unit!r} with a purchase ends by {iso_day(end)}. Choose a later `until`, such as "
            "the end of a month or year, or a shorter unit."
        )
    pairs = np.unique(np.column_stack([log.customer[seen], period[seen]]), axis=0)
    start = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    bought = np.diff(start, append=len(pairs))
    first = pairs[start, 1]
    summary = pd.DataFrame(
        {
            "frequency": (bought - 1).astype(np.int64),
            "recency": (pairs[start + bought - 1, 1] - first).astype(np.float64),
            "T": (last - first).astype(np.float64),
        },
        index=log.ids[pairs[start, 0]],
    )
    summary.attrs["unit"] = unit
    if calendar is None:
        return summary
    check_calendar(calendar)
    anchor = end if unit == "W" else 0
    summary[FIRST_PERIOD] = period_ends(first, unit, anchor).astype("datetime64[D]").astype("datetime64[ns]")
    later = np.setdiff1d(np.arange(len(pairs)), start)
    owner, at = np.repeat(np.arange(start.size), bought)[later], pairs[later, 1]
    if isinstance(calendar, Calendar):
        low = int(first.min()) + 1
        values = period_values(calendar, np.arange(low, last + 1), unit, anchor)[at - low]
    else:
        place = calendar.rows_of(summary.index, period_ends(first, unit, anchor))
        values = calendar.means(place[owner], *(period_ends(each, unit, anchor) for each in (at - 1, at)))
    for k, name in enumerate(calendar.names):
        summary[SUMS + name] = np.bincount(owner, values[:, k], start.size).astype(np.float64)
    summary.attrs["calendar"] = calendar_mark(calendar)
    return summary


def period_ends(period: Ints, unit: str, anchor: int) -> Ints:
    """The last day of each period, as days since 1970-01-01; `anchor` is that of week 0."""
    if unit == "D":
        return period
    if unit == "W":
        return anchor + 7 * period
    return (period + 1).astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64) - 1


def periods_that_end(day: Ints, unit: str) -> tuple[Ints, int]:
    """The period that ends on, or holds, each day, and the last day of week 0. DataError for weeks that end on
    different days of the week."""
    if unit != "W":
        return period_numbers(day, int(day.max(initial=0)), unit)[1], 0
    anchor = int(day.max(initial=0))
    if ((anchor - day) % 7).any():
        raise DataError(f"{FIRST_PERIOD} must be days of whole weeks from each other, where periods are weeks.")
    return (day - anchor) // 7, anchor


def period_values(calendar: Calendar, period: Ints, unit: str, anchor: int, **known: Any) -> Floats:
    """The calendar's means over the days of periods that follow on each other, shape (periods, names)."""
    if not period.size:
        return np.zeros((0, len(calendar.names)))
    ends = period_ends(np.append(period[0] - 1, period), unit, anchor)
    days = calendar.columns(int(ends[0]) + 1, int(ends[-1]), **known)
    return np.asarray(np.add.reduceat(days, ends[:-1] - ends[0], axis=0) / np.diff(ends)[:, None])


def period_numbers(day: Ints, end: int, unit: str) -> tuple[int, Ints]:
    """The number of the last whole period at the end of the day `end`, and the period of each day."""
    if unit == "D":
        return end, day
    if unit == "W":
        return 0, -((end - day) // 7)
    if unit == "H":
        raise ConfigError("periods are days, weeks, months or years (D, W, M or Y); got the unit 'H'.")
    name = f"datetime64[{unit}]"
    period = day.astype("datetime64[D]").astype(name).astype(np.int64)
    # The day after `end` belongs to the next period where `end` completes one.
    following = int(np.datetime64(end + 1, "D").astype(name).astype(np.int64))
    return following - 1, period
