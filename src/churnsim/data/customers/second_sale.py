"""How likely an existing customer is to buy again: Kaplan-Meier over the gaps between purchase days.

A customer whose purchase was too recent to have been watched for the whole stretch is censored, not counted as lost.
Kaplan & Meier (1958), JASA 53, 457-481; limits on the log(-log) scale with Greenwood's variance (Kalbfleisch &
Prentice 2002, section 1.4), which keeps them between 0 and 1.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_level
from churnsim.data.customers.estimate import LEVEL, Estimate
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.product_limit import RiskTable, log_log_limits

__all__ = ["repeat_within"]


def repeat_within(
    transactions: pd.DataFrame,
    *,
    within_days: int = 365,
    after_order: int | None = 1,
    until: str | date | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Probability that a customer buys again within `within_days` days of a purchase.

    The purchase is each customer's order number `after_order` (1, the first, unless given), or with None every purchase
    of everybody; then one customer's purchases are taken as independent, which makes the interval too narrow, so give a
    number where the interval matters. `n` counts the purchases watched. Raises DataError when no customer has such an
    order or nobody was watched for so long, ConfigError for counts below 1.
    """
    check_count(within_days, "within_days")
    if after_order is not None:
        check_count(after_order, "after_order")
    check_level(level)
    log, end = purchase_days(transactions).seen_until(until)
    again = np.diff(log.customer, append=-1) == 0
    following = np.append(log.day[1:], 0)
    gap = np.where(again, following, end) - log.day
    if after_order is not None:
        asked = log.order_number() == after_order
        gap, again = gap[asked], again[asked]
    if not len(gap):
        raise DataError(f"no customer has an order number {after_order}. Ask for a lower one.")
    if gap.max() < within_days:
        raise DataError(
            f"nobody was watched for {within_days} days after the purchase, only for {int(gap.max())}. "
            "Shorten within_days."
        )
    counted, at = RiskTable.of(gap.astype(np.float64), again), np.array([within_days])
    silent, variance = counted.step(counted.survival, at, 1.0), counted.step(counted.greenwood, at, 0.0)
    lower, upper = log_log_limits(silent, variance, level=level)
    error = float(np.sqrt(variance[0]) * silent[0]) if silent[0] > 0 else 0.0
    return Estimate(
        value=1 - float(silent[0]), standard_error=error, lower=1 - float(upper[0]), upper=1 - float(lower[0]),
        level=level, n=len(gap),
    )  # fmt: skip
