"""The data behind the pictures of customers: how long they were seen, when they bought, what the best of them bring."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_level, check_seed, typed
from churnsim.data.customers import cohort_matrix, whale_curve
from churnsim.data.customers.cohorts import Period
from churnsim.data.logs.days import iso_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import DataError
from churnsim.models.purchase.histories import Histories
from churnsim.plots.data.fits import LONGEST
from churnsim.statistics import wilson
from churnsim.units import DAYS_PER_UNIT, check_unit


@in_kind
@typed
def exposure(summary: CustomerFrame, *, customers: int = 40, seed: int = 1) -> pd.DataFrame:
    """How long customers were observed, and for how long of it they bought.

    Parameters
    ----------
    summary : DataFrame
        One row a customer, as `churnsim.summarise` returns.
    customers : int
        How many are drawn, without regard to what they did.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        `place` (0 for the one observed the longest), `customer_id, frequency, recency, T`.
    """
    h = Histories.of(summary)
    drawn = _some(h.T.size, customers, seed)
    everybody = pd.DataFrame({"customer_id": h.index, "frequency": h.x, "recency": h.t_x, "T": h.T})
    table: pd.DataFrame = everybody.iloc[drawn].sort_values(["T", "recency"], ascending=False, kind="stable")
    table.insert(0, "place", range(len(table)))
    return table.reset_index(drop=True)


@typed
def timing(transactions: Any, *, customers: int = 40, until: str | date | None = None, seed: int = 1) -> pd.DataFrame:
    """The days on which customers bought.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes.
    customers : int
        How many are drawn, without regard to what they did.
    until : str or date, optional
        Last day shown; the log's last unless given.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        A row a day with a purchase: `place` (0 for the customer who came first), `customer_id, date`, and the number of
        the purchase, `order`.
    """
    log, _ = purchase_days(transactions).seen_until(until)
    drawn = _some(log.ids.size, customers, seed)
    drawn = drawn[np.argsort(log.first_day()[drawn], kind="stable")]
    place = np.full(log.ids.size, -1)
    place[drawn] = np.arange(drawn.size)
    kept = place[log.customer] >= 0
    table = pd.DataFrame(
        {
            "place": place[log.customer[kept]],
            "customer_id": log.ids[log.customer[kept]],
            "date": log.day[kept].astype("datetime64[D]").astype("datetime64[ns]"),
            "order": log.order_number()[kept],
        }
    )
    return table.sort_values(["place", "order"], kind="stable").reset_index(drop=True)


@typed
def gaps(
    transactions: Any, *, unit: str = "W", until: str | date | None = None, bins: int = 30, level: float = 0.95
) -> pd.DataFrame:
    """The time between two successive purchases of a customer.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes.
    unit : {"H", "D", "W", "M", "Y"}
        Of time.
    until : str or date, optional
        Last day that counts; the log's last unless given. A gap that is still open then is not counted.
    bins : int
        At most as many, each of the same whole number of days, up to the 99% quantile.
    level : float
        Of the intervals (Wilson's), which take gaps as independent.

    Returns
    -------
    DataFrame
        A gap above `gap` and up to `gap_to` (in `unit`): how many `gaps`, their `share` of all, `lower, upper`.
    """
    per = DAYS_PER_UNIT[check_unit(unit)]
    log, end = purchase_days(transactions).seen_until(until)
    between = np.diff(log.day)[np.diff(log.customer) == 0]
    if between.size == 0:
        raise DataError(f"no customer bought twice by {iso_day(end)}, so there is no gap to show.")
    longest = float(np.quantile(between, LONGEST))
    width = int(np.ceil(longest / check_count(bins, "bins", most=10_000)))
    edges = np.arange(0, longest + width, width)
    counted = np.histogram(between, edges + 0.5)[0]  # gaps are whole days
    lower, upper = wilson(counted, np.full(counted.size, between.size), level=check_level(level))
    return pd.DataFrame(
        {"gap": edges[:-1] / per, "gap_to": edges[1:] / per, "gaps": counted, "share": counted / between.size,
         "lower": lower, "upper": upper}
    )  # fmt: skip


@typed
def cohorts(
    transactions: Any,
    value: Literal["retention", "revenue"] = "retention",
    *,
    period: Period = "M",
    until: str | date | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """By cohort and age: which share of the cohort bought, or what it spent.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.summarise` takes; with amounts, for the revenue.
    value : {"retention", "revenue"}
        The share of the cohort that bought in a period, or its spend per customer of the cohort.
    period : {"M", "Q", "Y"}
        Calendar months, quarters or years.
    until : str or date, optional
        Last day that counts; the log's last unless given.
    level : float
        Of the intervals of shares (Wilson's).

    Returns
    -------
    DataFrame
        `cohort` (first day of its period), `customers, age` (periods since), `value`, and of shares `lower, upper`.
    """
    table = cohort_matrix(transactions, period=period, until=until, level=level)
    if value == "retention":
        return table.rename(columns={"share": "value"})[["cohort", "customers", "age", "value", "lower", "upper"]]
    if "spend" not in table:
        raise DataError("the log has no amounts, so cohorts have no revenue. Read it with amount=.")
    return table.rename(columns={"spend": "value"})[["cohort", "customers", "age", "value"]].assign(
        lower=np.nan, upper=np.nan
    )


@typed
def concentration(
    values: Any, *, points: int = 50, level: float = 0.95, replications: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The cumulative share of a value over customers, the best first.

    Parameters
    ----------
    values : Series or array of float
        A number a customer, such as `churnsim.customers.customer_spend(log)`.
    points : int
        Shares of customers shown, besides 0.
    level : float
        Of the intervals (bootstrap over customers).
    replications : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `customers` and `value` (shares), `lower, upper`.
    """
    return whale_curve(values, points=points, level=level, replications=replications, seed=seed)


def _some(n: int, wanted: int, seed: int) -> Any:
    """Places of as many as wanted, or of all, drawn."""
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    return np.sort(random.permutation(n)[: check_count(wanted, "customers", most=1000)])
