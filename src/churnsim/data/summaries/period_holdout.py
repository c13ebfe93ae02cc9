"""A log split for models that count periods with a purchase (BG/BB) beside models that count purchases."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.days import iso_day, past_day
from churnsim.data.logs.grouped_log import tabular
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.data.summaries.intervals import summarise_with_intervals
from churnsim.data.summaries.opportunities import period_ends, period_numbers, summarise_opportunities
from churnsim.data.summaries.summary import with_plain_ids
from churnsim.errors import DataError
from churnsim.typing import Ints
from churnsim.units import check_unit

# Where a split frame keeps what BG/BB calls frequency, recency and T, and the sums of a calendar's columns.
OF_PERIODS = "periods_"
PERIOD_COLUMNS = {OF_PERIODS + name: name for name in ("frequency", "recency", "T")}


@in_kind
def split_periods(
    transactions: Any, *, until: str | date, holdout_until: str | date | None = None, unit: str = "W"
) -> pd.DataFrame:
    """`split_holdout` with held-out **periods with a purchase** in place of purchases, so that BG/BB can be compared.

    Columns: those of `summarise_with_intervals` at the end of the day `until`, which models in continuous time read;
    `periods_frequency`, `periods_recency`, `periods_T`, the same in periods, which `BGBB` reads (see
    `summarise_opportunities`); `frequency_holdout`, in how many of the periods after `until` each customer bought, and
    `T_holdout`, how many whole ones there are until `holdout_until` (the last date in the log unless given).

    Periods are days, blocks of seven days counted from `until`, or calendar months or years, of which `until` must be
    a last day. Purchases of a period that `holdout_until` cuts short are not looked at. Raises DataError where
    `until` ends no period or no whole one follows, else as `split_holdout`.

    Examples
    --------
    >>> import churnsim
    >>> split = split_periods(churnsim.datasets.cdnow(), until="1997-09-30", unit="M")
    >>> float(split["T_holdout"].iloc[0]), int(split["frequency_holdout"].max())
    (9.0, 9)
    """
    check_unit(unit)
    transactions = with_plain_ids(tabular(transactions))
    log = purchase_days(transactions)
    end, last = _ends(log, until, holdout_until, unit)
    frame = summarise_with_intervals(transactions, unit=unit, until=until)
    met = summarise_opportunities(transactions, unit=unit, until=until)
    for name, column in PERIOD_COLUMNS.items():
        frame[name] = met[column]
    final, period = period_numbers(log.day, end, unit)
    ahead = period - final
    inside = (ahead > 0) & (ahead <= last)
    pairs = np.unique(np.column_stack([log.customer[inside], ahead[inside]]), axis=0)
    bought = np.bincount(pairs[:, 0], minlength=len(log.ids))
    frame["frequency_holdout"] = bought[log.first_day() <= end].astype(np.int64)
    frame["T_holdout"] = float(last)
    frame.attrs["unit"] = unit
    return frame


def period_log(transactions: Any, *, until: str | date, unit: str = "W") -> pd.DataFrame:
    """The log with one row (``customer_id, date``) a customer and period with a purchase, dated to the period's last
    day; periods as in `split_periods`."""
    log = purchase_days(transactions)
    end = past_day(until, name="until")
    _, period = period_numbers(log.day, end, unit)
    pairs = np.unique(np.column_stack([log.customer, period]), axis=0)
    day = period_ends(pairs[:, 1], unit, end)
    return pd.DataFrame(
        {"customer_id": log.ids[pairs[:, 0]], "date": day.astype("datetime64[D]").astype("datetime64[ns]")}
    )


def period_track(
    transactions: Any, *, until: str | date, holdout_until: str | date | None = None, unit: str = "W"
) -> tuple[pd.DataFrame, NDArray[np.float64], Ints]:
    """What happened period by period to the customers acquired by `until`: a frame with `period`, its last `date`,
    cumulative `actual` customer-periods with a repeat purchase, and whether it lies in the `holdout`; beside it the
    age (in periods) at the end of each of every kind of customer, shape (periods, kinds), and of which kind each
    customer is, in the order of their ids. A first purchase's own period counts as the part of it that was left."""
    log = purchase_days(transactions)
    end, ahead = _ends(log, until, holdout_until, unit)
    final, period = period_numbers(log.day, end, unit)
    first_day = log.first_day()
    existing = first_day <= end
    first = period[log.starts()]
    pairs = np.unique(np.column_stack([log.customer, period]), axis=0)
    own = first[pairs[:, 0]]
    repeat = existing[pairs[:, 0]] & (pairs[:, 1] > own) & (pairs[:, 1] <= final + ahead)
    numbers = np.arange(first[existing].min(), final + ahead + 1)
    days = period_ends(numbers, unit, end)
    kinds, kind = np.unique(np.column_stack([first[existing], first_day[existing]]), axis=0, return_inverse=True)
    birth_end = period_ends(kinds[:, 0], unit, end)
    length = birth_end - period_ends(kinds[:, 0] - 1, unit, end)
    left = (birth_end - kinds[:, 1]) / length
    ages = np.maximum(numbers[:, None] - kinds[None, :, 0], -1) + left[None, :]
    frame = pd.DataFrame(
        {
            "period": np.arange(1, numbers.size + 1),
            "date": days.astype("datetime64[D]").astype("datetime64[ns]"),
            "actual": np.searchsorted(np.sort(pairs[repeat, 1]), numbers, side="right"),
            "holdout": numbers > final,
        }
    )
    return frame, np.maximum(ages, 0.0), kind.ravel().astype(np.int64)


def last_day_of_periods(until: str | date | pd.Timestamp, periods: int, unit: str) -> pd.Timestamp:
    """The last day of that many whole periods after the day `until`."""
    end = past_day(until, name="until")
    final, _ = period_numbers(np.array([end]), end, unit)
    return pd.Timestamp(period_ends(np.array([final + periods]), unit, end).astype("datetime64[D]")[0])


def _ends(log: PurchaseDays, until: object, holdout_until: object | None, unit: str) -> tuple[int, int]:
    """The day `until`, and how many whole periods follow by the end of `holdout_until`."""
    end = past_day(until, name="until")
    holdout_end = log.last if holdout_until is None else past_day(holdout_until, name="holdout_until")
    calendar = {"M": "month", "Y": "year"}.get(unit)
    final, of_end = period_numbers(np.array([end]), end, unit)
    if calendar and of_end[0] != final:
        before, after = (iso_day(int(period_ends(np.array([final + k]), unit, end)[0])) for k in (0, 1))
        raise DataError(
            f"until ({iso_day(end)}) must be the last day of a {calendar}, since periods are calendar {calendar}s. "
            f"Choose {before} or {after}, or count in weeks (unit='W'), which may end on any day."
        )
    last = (holdout_end - end) // 7 if unit == "W" else period_numbers(np.array([end]), holdout_end, unit)[0] - final
    if last < 1:
        raise DataError(
            f"no whole period of unit {unit!r} lies between until ({iso_day(end)}) and {iso_day(holdout_end)}, so "
            "nothing is held out. Choose an earlier until, a later holdout_until, or a shorter unit."
        )
    return end, int(last)
