"""What a customer brings, by how often it has bought: is a repeat customer worth more than a first-time one?

Two questions hide in "more profit", and the answers differ: what an order brings by its number, and what a customer
brings per unit of time while its last order has that number.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_choice, check_count, check_share, typed
from churnsim.data.customers.estimate import LEVEL, REPLICATIONS, Estimate, bootstrap, ratio_of_sums
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.units import DAYS_PER_UNIT, check_unit


def profit_by_order_number(
    transactions: Any,
    *,
    margin: float = 1.0,
    most: int = 10,
    unit: str = "W",
    until: str | date | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Profit by order number, 1 to `most`, the last row for "`most` or more".

    Columns: `order_number`; `customers` who made that order; `profit_per_order`, its mean amount times `margin`, with
    `order_lower, order_upper`; `time`, how long customers whose last order had that number were watched, in `unit`,
    all added; `profit_per_period`, what their next orders brought divided by that time, with `period_lower,
    period_upper`. Intervals take customers as independent (ratios of sums over customers). Raises DataError for a bad
    log or one without amounts, ConfigError for an impossible margin, unit or `most`.

    Parameters
    ----------
    transactions : DataFrame
        One row a purchase: customer_id, date, amount.
    margin : float
        Share of an amount that is profit.
    most : int
        Last order number told apart, at least 2.
    unit : str
        Time unit of the rates.
    until : str or date, optional
        Last day that counts; the last of the log unless given.
    level : float
        Of the intervals.
    """
    check_share(margin, "margin")
    check_count(most, "most", least=2, most=100_000)
    log, end = purchase_days(transactions).seen_until(until)
    days = DAYS_PER_UNIT[check_unit(unit)]
    number = np.minimum(log.order_number(), most)
    profit = margin * log.spend()
    brought, watched = _until_next(log, profit, end)
    rows = []
    for k in range(1, most + 1):
        here = number == k
        per_order = ratio_of_sums(*_by_customer(log, here, profit, np.ones(len(profit))), level=level)
        per_period = ratio_of_sums(*_by_customer(log, here, brought, watched / days), level=level)
        rows.append(
            {
                "order_number": k,
                "customers": per_order.n,
                "profit_per_order": per_order.value,
                "order_lower": per_order.lower,
                "order_upper": per_order.upper,
                "time": float(watched[here].sum()) / days,
                "profit_per_period": per_period.value,
                "period_lower": per_period.lower,
                "period_upper": per_period.upper,
            }
        )
    return pd.DataFrame(rows)


@typed
def repeat_premium(
    transactions: Any,
    *,
    per: Literal["order", "period"] = "period",
    until: str | date | None = None,
    level: float = LEVEL,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> Estimate:
    """How much more profit a repeat customer brings than a first-time one, as a share (0.35 means 35% more).

    ``per="order"``: mean amount of repeat orders against first orders. ``per="period"``: profit per day of customers
    who have bought twice or more against that of customers who have bought once, each from their next orders, over
    the time they were watched. A margin that is the same for every order cancels. Bootstrap over customers. An
    association: whoever comes back differed before. Raises as `profit_by_order_number`.

    Parameters
    ----------
    transactions : DataFrame
        One row a purchase: customer_id, date, amount.
    per : "period" or "order"
        What profit is taken per.
    until : str or date, optional
        Last day that counts; the last of the log unless given.
    level : float
        Of the interval.
    replications : int
        Bootstrap resamples of the customers.
    seed : int
        Of the resamples.
    """
    check_choice(per, "per", ("order", "period"))
    log, end = purchase_days(transactions).seen_until(until)
    profit = log.spend()
    first = log.order_number() == 1
    above, below = (profit, np.ones(len(profit))) if per == "order" else _until_next(log, profit, end)
    n = len(log.ids)
    sums = np.column_stack(
        [
            np.bincount(log.customer[part], weights=column[part], minlength=n)
            for part in (~first, first)
            for column in (above, below)
        ]
    )

    def statistic(weights: NDArray[np.int64]) -> float:
        # einsum, because a threaded BLAS call costs more than this small sum on a busy machine.
        repeat_above, repeat_below, first_above, first_below = np.einsum("i,ij->j", weights.astype(np.float64), sums)
        if repeat_below <= 0 or first_above <= 0:
            return float("nan")
        return float(repeat_above / repeat_below / (first_above / first_below) - 1)

    return bootstrap(statistic, n, replications=replications, seed=seed, level=level)


def _until_next(
    log: PurchaseDays, profit: NDArray[np.float64], end: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each entry: what the customer's next one brought, 0 if none was seen, and the days until then or `end`."""
    again = np.diff(log.customer, append=-1) == 0
    brought = np.where(again, np.append(profit[1:], 0.0), 0.0)
    return brought, (np.where(again, np.append(log.day[1:], 0), end) - log.day).astype(np.float64)


def _by_customer(
    log: PurchaseDays, here: NDArray[np.bool_], *columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two columns added up over each customer's entries in `here`, for the customers who have one."""
    _, customer = np.unique(log.customer[here], return_inverse=True)
    above, below = (np.bincount(customer, weights=column[here]).astype(np.float64) for column in columns)
    return above, below
