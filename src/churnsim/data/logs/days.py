"""A calendar day given by the user, and days as numbers (0 is 1970-01-01)."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd

from churnsim.data.tabular.text_columns import ISO_DATE
from churnsim.errors import ConfigError, DataError
from churnsim.typing import Ints


def calendar_day(value: object, *, name: str) -> pd.Timestamp:
    """The day `value` falls on, by its own wall clock, as midnight without a time zone.

    Takes ISO text (``YYYY-MM-DD``, a time may follow), a date, a datetime or a Timestamp; raises ConfigError,
    naming the argument `name`, for anything else.
    """
    day = None
    if (isinstance(value, str) and re.match(ISO_DATE, value)) or isinstance(value, date | np.datetime64):
        try:
            day = pd.Timestamp(value)
        except ValueError:
            day = None
    if day is None or pd.isna(day):
        raise ConfigError(f"{name} must be a day such as '1997-09-30' (YYYY-MM-DD) or a date; got {value!r}.")
    try:
        return day.tz_localize(None).normalize().as_unit("ns")
    except ValueError:
        raise ConfigError(f"{name} must lie between 1678 and 2261; got {value!r}.") from None


def day_number(value: object, name: str) -> int:
    """The number of the day `value` (see `calendar_day`)."""
    return int(calendar_day(value, name=name).to_datetime64().astype("datetime64[D]").astype(np.int64))


def latest_day(today: object | None) -> int:
    """The number of the last day that records may have: the day `today`, or this computer's present day."""
    if today is not None:
        return day_number(today, "today")
    return int(np.datetime64(date.today(), "D").astype(np.int64))


def past_day(value: object, *, name: str, today: object | None = None) -> int:
    """The number of the day `value` (see `calendar_day`).

    Raises DataError for a day still to come (after `today`, the present day unless given), whose silence would count
    as customers lost.
    """
    day = day_number(value, name)
    if day > latest_day(today):
        raise DataError(
            f"{name} is {iso_day(day)}, which is still to come: nobody can have bought there, and every customer "
            "would look lost. Give the last day that was observed."
        )
    return day


def check_begun(end: int, first: int) -> None:
    """DataError for an `until` on the day `end` before the log's `first` purchase."""
    if end < first:
        raise DataError(
            f"until ({iso_day(end)}) is before the first purchase in the log ({iso_day(first)}). Choose a later day."
        )


def iso_day(day: int) -> str:
    """Day number to ``YYYY-MM-DD``."""
    return str(np.datetime64(day, "D"))


# A stretch without any purchase is a hole where, at the pace of so many days before or after, so many purchases would
# have come, and it is so many times as long as nearly all other steps from one day with purchases to the next: logs
# that are kept by the week or month have none. Assumed.
AROUND, LEAST_MISSED, TIMES, NEARLY_ALL = 60, 20.0, 3.0, 0.95


def largest_hole(days: Ints) -> tuple[int, int, float] | None:
    """The stretch without a purchase in which most would have been expected: its first and last day, and how many.

    `days` has a number for each purchase, in order. None where there is no such stretch: an export that was left out
    leaves one, and so does a firm that was closed.
    """
    distinct = np.unique(days)
    steps = np.diff(distinct)
    if not len(steps):
        return None
    before, after = distinct[:-1], distinct[1:]
    earlier = np.searchsorted(days, before, "right") - np.searchsorted(days, before - AROUND, "right")
    later = np.searchsorted(days, after + AROUND) - np.searchsorted(days, after)
    missed = (steps - 1) * np.minimum(earlier, later) / AROUND
    at = int(missed.argmax())
    if missed[at] < LEAST_MISSED or steps[at] <= TIMES * np.quantile(steps, NEARLY_ALL):
        return None
    return int(before[at]) + 1, int(after[at]) - 1, float(missed[at])
