"""A purchase log as seen by a model of set opportunities (BG/BB): did a customer buy in a period, or not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from churnsim.data.logs.days import iso_day, past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.typing import Ints
from churnsim.units import check_unit


def summarise_opportunities(
    transactions: pd.DataFrame, *, unit: str = "Y", until: str | date | None = None
) -> pd.DataFrame:
    """The summary in periods instead of time, for `BGBB`: each period after a customer's first is an opportunity.

    Periods are calendar years or months, days, or blocks of seven days that end with the day `until` (the last date
    in the log unless given). A year or month that `until` cuts short is left out, with its purchases. Returns a frame
    indexed by ``customer_id`` with whole numbers: ``frequency``, opportunities bought at; ``recency``, the last one
    of them; ``T``, how many there were. Raises DataError where no period is whole, else as `summarise`.

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
    return summary


def period_numbers(day: Ints, end: int, unit: str) -> tuple[int, Ints]:
    """The number of the last whole period at the end of the day `end`, and the period of each day."""
    if unit == "D":
        return end, day
    if unit == "W":
        return 0, -((end - day) // 7)
    name = f"datetime64[{unit}]"
    period = day.astype("datetime64[D]").astype(name).astype(np.int64)
    # The day after `end` belongs to the next period where `end` completes one.
    following = int(np.datetime64(end + 1, "D").astype(name).astype(np.int64))
    return following - 1, period
