"""A calendar day given by the user, and days as numbers (0 is 1970-01-01)."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd

from churnsim.data.tabular.text_columns import ISO_DATE
from churnsim.errors import ConfigError, DataError


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
