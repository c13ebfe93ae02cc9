"""The cohort matrix: of those who first bought in one period, which share buys in each period after it.

How likely an existing customer is to buy again is Kaplan-Meier over the gaps between purchase days: a customer whose
purchase was too recent to have been watched for the whole stretch is censored, not counted as lost (Kaplan & Meier
1958, JASA 53, 457-481); limits on the log(-log) scale with Greenwood's variance (Kalbfleisch & Prentice 2002, section
1.4), which keeps them between 0 and 1.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, check_level, typed
from churnsim.data.customers.estimate import LEVEL, Estimate
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError
from churnsim.product_limit import RiskTable, log_log_limits
from churnsim.statistics import wilson

Period = Literal["M", "Q", "Y"]
_MONTHS: dict[str, int] = {"M": 1, "Q": 3, "Y": 12}


@typed
def cohort_matrix(
    transactions: Any, *, period: Period = "M", until: str | date | None = None, level: float = LEVEL
) -> pd.DataFrame:
    """Repeat buying by cohort and age, in calendar months ("M"), quarters ("Q") or years ("Y").

    One row a cell: `cohort` (first day of the period of the first purchase), `age` (periods since, from 1), `customers`
    in the cohort, `active` (who bought in that period), `share` of them, `lower`, `upper` (Wilson), and with amounts
    `spend` (per customer of the cohort). Age 0 is left out, being 1 by construction, and so is a period not observed to
    its end: a cut month would look like lost customers. `.pivot(index="cohort", columns="age", values="share")` is the
    matrix. Without a contract a customer who does not buy in a period is not lost, so this is not a retention rate.
    Raises DataError when no cell is complete.
    """
    if period not in _MONTHS:
        raise ConfigError(f"period must be 'M', 'Q' or 'Y' (calendar months, quarters, years); got {period!r}.")
    log, last = purchase_days(transactions).seen_until(until)
    months = _MONTHS[period]
    bought = _period(log.day, months)
    joined = _period(log.first_day(), months)
    # The period after the last day's is the first that is not observed at all; the last day's own counts if it is
    # whole.
    complete = int(_period(np.array([last + 1]), months)[0]) - 1
    sizes = np.bincount(joined - joined.min())
    cohort, age = joined[log.customer], bought - joined[log.customer]
    inside = (age > 0) & (bought <= complete)
    frame = pd.DataFrame({"cohort": cohort[inside], "age": age[inside], "customer": log.customer[inside]})
    if log.amount is not None:
        frame["spend"] = log.amount[inside]
    cells = pd.MultiIndex.from_tuples(
        [
            (first + joined.min(), a)
            for first, size in enumerate(sizes)
            if size
            for a in range(1, complete - (first + joined.min()) + 1)
        ],
        names=["cohort", "age"],
    ) if complete > joined.min() else None  # fmt: skip
    if cells is None:
        raise DataError(
            f"no period after the first cohort's is complete by the last day. Use a shorter period than {period!r}."
        )
    grouped = frame.groupby(["cohort", "age"])
    table = pd.DataFrame({"active": grouped["customer"].nunique()})
    if log.amount is not None:
        table["spend"] = grouped["spend"].sum()
    table = table.reindex(cells, fill_value=0).reset_index()
    size = sizes[table["cohort"].to_numpy() - joined.min()]
    active = table["active"].to_numpy(dtype=np.int64)
    lower, upper = wilson(active, size, level=level)
    result = pd.DataFrame(
        {
            "cohort": (table["cohort"].to_numpy() * months).astype("datetime64[M]").astype("datetime64[ns]"),
            "age": table["age"],
            "customers": size,
            "active": active,
            "share": active / size,
            "lower": lower,
            "upper": upper,
        }
    )
    if log.amount is not None:
        result["spend"] = table["spend"].to_numpy() / size
    return result


def _period(day: NDArray[np.int64], months: int) -> NDArray[np.int64]:
    """Number of the calendar period a day lies in, counted from 1970."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // months)


def repeat_within(
    transactions: Any,
    *,
    within_days: int = 365,
    after_order: int | None = 1,
    until: str | date | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Probability that a customer buys again within `within_days` days of a purchase.

    The purchase is each customer's order number `after_order` (1, the first, unless given), or with None every purchase
    of everybody, of which the interval takes one customer's to go together. `n` counts the purchases watched. Raises
    DataError when no customer has such an order or nobody was watched for so long, ConfigError for counts below 1.
    """
    check_count(within_days, "within_days")
    if after_order is not None:
        check_count(after_order, "after_order")
    check_level(level)
    log, end = purchase_days(transactions).seen_until(until)
    again = np.diff(log.customer, append=-1) == 0
    following = np.append(log.day[1:], 0)
    gap = np.where(again, following, end) - log.day
    asked = np.ones(len(gap), dtype=bool) if after_order is None else log.order_number() == after_order
    gap, again, customer = gap[asked].astype(np.float64), again[asked], log.customer[asked]
    if not len(gap):
        raise DataError(f"no customer has an order number {after_order}. Ask for a lower one.")
    counted = RiskTable.of(gap, again)
    silent = counted.step(counted.survival, np.array([within_days]), 1.0)
    variance = np.array([counted.grouped_variance(gap, again, customer, within_days)])
    if gap.max() < within_days and silent[0] > 0:  # with nobody left to watch, nothing is open
        raise DataError(
            f"nobody was watched for {within_days} days after the purchase, only for {int(gap.max())}. "
            "Shorten within_days."
        )
    if silent[0] in (0.0, 1.0):  # all or none: no limits on that scale, but as many as were watched throughout
        watched = np.array([len(gap) if silent[0] == 0 else (gap >= within_days).sum()])
        lower, upper = wilson(watched * (silent == 1.0), watched, level=level)
    else:
        lower, upper = log_log_limits(silent, variance, level=level)
    error = float(np.sqrt(variance[0]) * silent[0]) if silent[0] > 0 else 0.0
    return Estimate(
        value=1 - float(silent[0]), standard_error=error, lower=1 - float(upper[0]), upper=1 - float(lower[0]),
        level=level, n=len(gap),
    )  # fmt: skip
