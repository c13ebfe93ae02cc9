"""How likely an existing customer is to buy again: Kaplan-Meier over the gaps between purchase days.

A customer whose purchase was too recent to have been watched for the whole stretch is censored, not counted as lost.
Kaplan & Meier (1958), JASA 53, 457-481; limits on the log(-log) scale with Greenwood's variance (Kalbfleisch &
Prentice 2002, section 1.4), which keeps them between 0 and 1.
"""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from churnsim.checks import check_level
from churnsim.data.customers.estimate import LEVEL, Estimate
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError

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
    if within_days < 1 or (after_order is not None and after_order < 1):
        raise ConfigError(f"within_days and after_order count from 1; got {within_days!r} and {after_order!r}.")
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
    silent, variance = _kaplan_meier(gap, again, within_days)
    z = float(norm.ppf(0.5 + level / 2))
    if 0 < silent < 1:
        spread = math.exp(z * math.sqrt(variance) / abs(math.log(silent)))
        lower, upper = 1 - silent ** (1 / spread), 1 - silent**spread
    else:
        lower = upper = 1 - silent  # nobody or everybody came back: the log(-log) scale has no width there
    return Estimate(
        value=1 - silent, standard_error=silent * math.sqrt(variance), lower=lower, upper=upper, level=level, n=len(gap)
    )


def _kaplan_meier(gap: NDArray[np.int64], event: NDArray[np.bool_], horizon: int) -> tuple[float, float]:
    """Survival at `horizon` and Greenwood's sum; an event on the day of a censoring comes first."""
    events = np.bincount(np.minimum(gap[event], horizon + 1), minlength=horizon + 2)[: horizon + 1]
    leaving = np.bincount(np.minimum(gap, horizon + 1), minlength=horizon + 2)[: horizon + 1]
    at_risk = len(gap) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    watched = (at_risk > 0) & (events > 0)
    d, n = events[watched].astype(np.float64), at_risk[watched].astype(np.float64)
    survival = float(np.prod(1 - d / n))
    if survival <= 0:
        return 0.0, 0.0
    return survival, float(np.sum(d / (n * (n - d))))
