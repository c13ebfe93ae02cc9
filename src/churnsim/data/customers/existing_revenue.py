"""Where a period's revenue comes from, existing customers or new ones, by the age of the firm."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count
from churnsim.data.customers.estimate import LEVEL, ratio_of_sums
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError


def existing_revenue(
    transactions: Any, *, period_days: int = 91, until: str | date | None = None, level: float = LEVEL
) -> pd.DataFrame:
    """The share of revenue from customers who had bought before the period began, period after period.

    Periods of `period_days` days (a quarter unless given) run from the first purchase in the log; a last one that is
    not complete is left out. Columns: `period` (1 is the firm's first), `start`, `end` (days), `revenue`,
    `existing_revenue`, `customers` and `existing_customers` who bought, `share`, `lower`, `upper` (customers taken as
    independent). The share starts at 0 by construction, and where customers are no longer acquired (as in CDNOW after
    its first quarter) it is 1 by construction. Raises DataError when no period is complete or there are no amounts.
    """
    check_count(period_days, "period_days")
    log, last = purchase_days(transactions).seen_until(until)
    spend = log.spend()
    start = int(log.day.min())
    complete = (last + 1 - start) // period_days
    if complete < 1:
        raise DataError(
            f"the log covers {last + 1 - start} days, less than one period of {period_days}. Shorten period_days."
        )
    period = (log.day - start) // period_days
    joined = ((log.first_day() - start) // period_days)[log.customer]
    rows = []
    for number in range(complete):
        here = period == number
        customers, place = np.unique(log.customer[here], return_inverse=True)
        revenue = np.bincount(place, weights=spend[here], minlength=len(customers)).astype(np.float64)
        existed = np.zeros(len(customers), dtype=bool)
        existed[place] = joined[here] < number
        share = ratio_of_sums(revenue * existed, revenue, level=level)
        rows.append(
            {
                "period": number + 1,
                "start": pd.Timestamp(iso_day(start + number * period_days)),
                "end": pd.Timestamp(iso_day(start + (number + 1) * period_days - 1)),
                "revenue": float(revenue.sum()),
                "existing_revenue": float(revenue[existed].sum()),
                "customers": len(customers),
                "existing_customers": int(existed.sum()),
                "share": share.value,
                "lower": float(np.clip(share.lower, 0, 1)),
                "upper": float(np.clip(share.upper, 0, 1)),
            }
        )
    return pd.DataFrame(rows)
