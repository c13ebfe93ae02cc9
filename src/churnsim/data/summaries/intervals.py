"""The summary with one column more: how regular a customer's purchases are."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.days import past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries, add_calendar
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.data.summaries.summary import summarise
from churnsim.units import DAYS_PER_UNIT


@in_kind
def summarise_with_intervals(
    transactions: Any,
    *,
    unit: str = "W",
    until: str | date | None = None,
    calendar: Calendar | CustomerSeries | None = None,
) -> pd.DataFrame:
    """`summarise`, with ``log_intervals``: the sum of the logarithms of the gaps between a customer's purchases.

    In `unit`; 0 without a repeat purchase. At a given frequency and recency it is largest where all gaps are alike
    (Platzer & Reutterer 2016, Marketing Science 35(5), 779-799). With a `calendar` the days of the purchases are kept
    too (``purchase_days``), since gaps are then measured on its clock. Raises as `summarise`.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-03", "2024-01-06"])
    >>> log = pd.DataFrame({"customer_id": 1, "date": days})
    >>> round(float(summarise_with_intervals(log, unit="D")["log_intervals"].iloc[0]), 4)  # ln 2 + ln 3
    1.7918
    """
    summary = summarise(transactions, unit=unit, until=until)
    log = purchase_days(transactions)
    end = log.last if until is None else past_day(until, name="until")
    seen = log.day <= end
    customer, day = log.customer[seen], log.day[seen]
    repeat = np.diff(customer, prepend=-1) == 0
    logs = np.log(np.diff(day, prepend=0)[repeat] / DAYS_PER_UNIT[unit])
    sums = np.bincount(customer[repeat], weights=logs, minlength=len(log.ids))
    known = np.unique(customer)
    summary["log_intervals"] = sums[known]
    return summary if calendar is None else add_calendar(summary, log, end, calendar, gaps=True)
