"""The summary of a purchase log that the models work from, and its split into calibration and holdout.

Rules of the literature (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way", section 2): a
customer's first purchase starts the clock and is not counted; purchases of one customer on one calendar day
are one purchase, their amounts added.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_choice, is_foreign_frame
from churnsim.data.logs.days import check_begun, iso_day, past_day
from churnsim.data.logs.grouped_log import GroupedLog, grouped, is_ibis, tabular
from churnsim.data.logs.log_rules import REFUND_CHOICES, Refunds, without_refunds
from churnsim.data.logs.purchase_days import PurchaseDays
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries, add_calendar
from churnsim.data.summaries.summary_query import summary_frame
from churnsim.data.tabular.text_columns import ARROW_TEXT
from churnsim.errors import DataError
from churnsim.kernels.numerics import purchase_days as kernel
from churnsim.units import DAYS_PER_UNIT, check_unit


def summarise(
    transactions: Any,
    *,
    unit: str = "W",
    until: str | date | None = None,
    today: str | date | None = None,
    calendar: Calendar | CustomerSeries | None = None,
    on_refund: Refunds = "refuse",
    collapse: Literal["day", "hour"] = "day",
) -> pd.DataFrame:
    """Frequency, recency and age of every customer as seen at the end of the day `until`.

    Parameters
    ----------
    transactions
        One row a purchase: ``customer_id``, ``date`` and, if there are amounts, ``amount``; in any order. A
        DataFrame of pandas, Polars or what else speaks Arrow, a DuckDB relation, an Arrow table, a `CustomerDatabase`,
        a `ParquetLog` or an Ibis table; of the last three only the summary leaves the place where they lie.
    unit
        What durations are counted in: "H", "D", "W" (7 days), "M" or "Y". Purchases are told apart by calendar day
        whatever the unit, so a change of unit only rescales `recency` and `T`.
    until
        Last day observed; the last date in the log unless given. Later purchases, and customers who had not
        bought by then, are left out.
    today
        The last day a purchase may have; the present day of this computer unless given here or in
        ``transactions.attrs["today"]``.
    calendar
        What happens in calendar time to everybody, or to each customer (`CustomerSeries`), for ``fit(summary,
        calendar=...)``; of a log in memory.
    on_refund
        What a negative amount is: "refuse" an error, "apart" left out and counted, "net" taken off the customer's
        purchases of the same day or before (see `read_transactions`). What became of refunds is in
        ``attrs["refunds"]``. A `CustomerDatabase` keeps refunds apart, so that there is nothing to refuse. Where a log
        is not in memory, "net" brings the purchases of customers with refunds there, and no others.
    collapse
        What counts as one purchase: all of a customer on one calendar "day", or in one "hour" of the clock, of a log in
        memory. Durations stay in `unit` (``unit="H"`` for hours), to the hour then.

    Returns
    -------
    A frame indexed by ``customer_id`` (sorted), with `unit` in its ``attrs``, by which models refuse a summary in
    another unit than theirs:

    - ``frequency`` (int): days with a purchase after the first, x;
    - ``recency``: time from the first to the last purchase, t_x, 0 without repeat;
    - ``T``: time from the first purchase to `until`;
    - ``monetary_value`` (only with amounts): mean amount over the repeat days, 0 without repeat;
    - ``first_purchase`` and ``calendar:NAME`` (only with a calendar): the day of the first purchase, and the sum of the
      calendar's values over the days of the others.

    Times with a zone are taken by their own wall clock. Raises DataError (naming row, value and remedy) for
    missing columns, ids or dates, for purchases in days to come, for amounts that are negative, not finite or in
    several currencies, and for `until` before the first purchase or still to come;
    ConfigError for an unknown unit or an `until` that is no date.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-22", "2024-01-15"])
    >>> log = pd.DataFrame({"customer_id": [1, 1, 1, 2], "date": days, "amount": [5.0, 10.0, 20.0, 7.0]})
    >>> summarise(log, until="2024-01-29").loc[1].tolist()
    [2.0, 3.0, 4.0, 15.0]
    """
    check_unit(unit)
    _check_collapse(collapse, calendar)
    elsewhere = _pushed_down(transactions, unit, until, today, on_refund)
    if elsewhere is not None:
        if collapse == "hour":
            raise DataError("purchases are told apart by the hour of a log in memory: give summarise a DataFrame.")
        if calendar is not None:
            raise DataError(
                "a calendar needs the days of all purchases in memory: give summarise a DataFrame, such as "
                "database.transactions()."
            )
        return elsewhere
    purchases, refunds = _purchases_of(transactions, on_refund)
    log = grouped(purchases, today=today)
    today = today or getattr(transactions, "attrs", {}).get("today")
    end = log.last if until is None else past_day(until, name="until", today=today)
    if collapse == "hour":
        hours = grouped(purchases, today=today, hours_from=log.first)
        summary = _summary(hours, hours.last if until is None else _last_hour(end, log), unit, per_day=24)
    else:
        summary = _summary(log, end, unit)
    if refunds:
        summary.attrs["refunds"] = refunds
    return summary if calendar is None else add_calendar(summary, PurchaseDays.of(log), end, calendar)


def split_holdout(
    transactions: pd.DataFrame,
    *,
    until: str | date,
    holdout_until: str | date | None = None,
    unit: str = "W",
    calendar: Calendar | CustomerSeries | None = None,
    on_refund: Refunds = "refuse",
    collapse: Literal["day", "hour"] = "day",
) -> pd.DataFrame:
    """The summary at the end of the day `until`, and what the same customers did afterwards.

    Customers that first bought after `until` are left out. Raises as `summarise`, and DataError unless `until` is
    before `holdout_until`.

    Parameters
    ----------
    transactions, unit, calendar, on_refund, collapse
        As in `summarise`; refunds are taken off in the whole log first.
    until, holdout_until
        Last days of the calibration and of the holdout; the second is the last date in the log unless given.

    Returns
    -------
    The columns of `summarise` with the same arguments and

    - ``frequency_holdout`` (int): days (hours) with a purchase after `until`, to the end of `holdout_until`;
    - ``T_holdout``: time from `until` to `holdout_until` in `unit`, the same for everybody;
    - ``monetary_value_holdout`` (only with amounts): mean amount over those, 0 without any.

    Examples
    --------
    >>> import churnsim
    >>> split = split_holdout(churnsim.datasets.cdnow(), until="1997-09-30")
    >>> int(split["frequency_holdout"].sum()), float(split["T_holdout"].iloc[0])
    (1882, 39.0)
    """
    days_per_unit = DAYS_PER_UNIT[check_unit(unit)]
    _check_collapse(collapse, calendar)
    purchases, refunds = _purchases_of(transactions, on_refund)
    log = grouped(purchases)
    today = getattr(transactions, "attrs", {}).get("today")
    end = past_day(until, name="until", today=today)
    holdout_end = log.last if holdout_until is None else past_day(holdout_until, name="holdout_until", today=today)
    if holdout_end <= end:
        source = "the last date in the log" if holdout_until is None else "holdout_until"
        raise DataError(
            f"until ({iso_day(end)}) must be before {source} ({iso_day(holdout_end)}), or nothing is held out. "
            "Choose an earlier until or a later holdout_until."
        )
    bounds, per_day = (end, holdout_end), 1
    if collapse == "hour":
        bounds, per_day = (_last_hour(end, log), _last_hour(holdout_end, log)), 24
        log = grouped(purchases, hours_from=log.first)
    summary = _summary(log, bounds[0], unit, per_day=per_day)
    # Customers are numbered in the order of their ids, which is the order of the rows of `summary`.
    each = PurchaseDays.of(log)
    inside = (each.day > bounds[0]) & (each.day <= bounds[1])
    kept = each.first_day() <= bounds[0]
    again = np.bincount(each.customer[inside], minlength=len(each.ids))
    summary["frequency_holdout"] = again[kept].astype(np.int64)
    summary["T_holdout"] = (holdout_end - end) / days_per_unit
    if each.amount is not None:
        spent = np.bincount(each.customer[inside], weights=each.amount[inside], minlength=len(each.ids))
        summary["monetary_value_holdout"] = _mean(spent.astype(np.float64), again)[kept]
    summary.attrs |= {"unit": unit, **({"refunds": refunds} if refunds else {})}
    return summary if calendar is None else add_calendar(summary, each, end, calendar)


def _check_collapse(collapse: str, calendar: object) -> None:
    check_choice(collapse, "collapse", ("day", "hour"))
    if collapse == "hour" and calendar is not None:
        raise DataError("a calendar has a value for each day. Collapse by day, or leave the calendar out.")


def _last_hour(day: int, log: GroupedLog) -> int:
    """The last hour of a day, from the log's first day on."""
    return 24 * (day - log.first) + 23


def _purchases_of(transactions: Any, on_refund: Refunds) -> tuple[Any, dict[str, Any] | None]:
    """A log in memory without its refunds, and what became of them; itself where they are refused."""
    check_choice(on_refund, "on_refund", REFUND_CHOICES)
    if on_refund == "refuse":
        return transactions, None
    frame, refunds = without_refunds(tabular(transactions), on_refund)
    return with_plain_ids(frame), refunds


def with_plain_ids(log: pd.DataFrame) -> pd.DataFrame:
    """A log whose ids are Arrow's text, as those of Polars, with objects instead, as the summary's index has them."""
    if "customer_id" in log.columns and log["customer_id"].dtype == ARROW_TEXT:
        return log.assign(customer_id=log["customer_id"].astype(object))
    return log


def _summary(log: GroupedLog, end: int, unit: str, *, per_day: int = 1) -> pd.DataFrame:
    check_begun(end, log.first)
    customers = len(log.ids)
    frequency, first, last = (np.empty(customers, dtype=np.int64) for _ in range(3))
    spend = np.empty(customers)
    kernel.summary(log.rows, log.starts, end, frequency, first, last, spend)
    ids = log.ids
    if end < log.last:
        seen = frequency >= 0
        ids, frequency, first, last, spend = ids[seen], frequency[seen], first[seen], last[seen], spend[seen]
    summary = summary_frame(
        ids,
        frequency=frequency,
        first=first,
        last=last,
        repeat_spend=spend if log.amounts else None,
        end=end,
        unit=unit,
    )
    if per_day > 1:
        summary[["recency", "T"]] /= per_day
    return summary


def _pushed_down(
    transactions: Any, unit: str, until: str | date | None, today: Any, on_refund: Refunds
) -> pd.DataFrame | None:
    """The summary computed where the log lies, for a log that is not in memory; None for one that is."""
    frame: pd.DataFrame
    check_choice(on_refund, "on_refund", REFUND_CHOICES)
    if is_ibis(transactions):
        from churnsim.data.summaries.ibis_log import summarise_ibis

        frame = summarise_ibis(transactions, unit=unit, until=until, today=today, on_refund=on_refund)
        return frame
    in_memory = isinstance(transactions, pd.DataFrame) or is_foreign_frame(transactions)
    summarise_there = None if in_memory else getattr(transactions, "summarise", None)
    if callable(summarise_there):
        frame = summarise_there(unit=unit, until=until, today=today, refunds=on_refund)
        return frame
    return None


def _mean(total: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """total / number, 0 where there is nothing to average."""
    return np.divide(total, number, out=np.zeros(len(total)), where=number > 0)
