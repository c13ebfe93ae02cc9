"""A calendar day given by the user."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd

from churnsim.data.columns import ISO_DATE
from churnsim.errors import ConfigError

__all__ = ["calendar_day"]


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
