"""The summary pushed down to any backend of Ibis: only one row a customer comes back.

The same expression runs on DuckDB, PostgreSQL, Polars, BigQuery, Spark, Snowflake and whatever else Ibis speaks to.
"""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import shown
from churnsim.data.logs.days import check_begun, iso_day, latest_day, past_day
from churnsim.data.logs.grouped_log import is_ibis
from churnsim.data.logs.log_rules import Refunds, currency_column, net_refunds, refunds_told, several_currencies
from churnsim.data.summaries.summary_query import summary_frame
from churnsim.data.tabular.columns import IDS_SHOWN, MISSING, refuse_ids, text_as_objects
from churnsim.data.tabular.row_errors import show
from churnsim.data.tabular.table_columns import RENAME, check_columns
from churnsim.errors import DataError
from churnsim.units import DAYS_PER_UNIT, check_unit

_EPOCH = date(1970, 1, 1)
OF_IDS = "column 'customer_id' of the Ibis table", "Filter such rows out."


def summarise_ibis(
    table: Any, *, unit: str, until: str | date | None, today: str | date | None = None, on_refund: Refunds = "refuse"
) -> pd.DataFrame:
    """See `churnsim.summarise`, which calls this for an Ibis table with ``customer_id``, ``date`` and ``amount``.

    Rename other columns first: ``table.rename(customer_id="client", date="day")``. Raises DataError for missing
    columns, other types, rows that cannot be used, and dates with a time zone, whose own clock a warehouse does not
    keep.
    """
    check_unit(unit)
    rows, end, amounts, refunds = _checked(table, until, today, on_refund)
    summary = _fetched(_by_customer(rows, end, spend=amounts))
    summary["customer_id"] = text_as_objects(summary["customer_id"])
    summary = summary.set_index("customer_id").sort_index()  # backends collate text in their own ways
    refuse_ids(summary.index, *OF_IDS)
    found = summary_frame(
        summary.index,
        frequency=summary["purchases"].to_numpy(dtype=np.int64) - 1,
        first=_day_numbers(summary["first"]),
        last=_day_numbers(summary["last"]),
        repeat_spend=summary["spend"].fillna(0.0).to_numpy(dtype=np.float64) if amounts else None,
        end=end,
        unit=unit,
    )
    if refunds:
        found.attrs["refunds"] = refunds
    return found


def count_ibis(
    table: Any, columns: tuple[str, ...], *, unit: str, until: str | date | None, today: str | date | None = None,
    on_refund: Refunds = "refuse",
) -> pd.DataFrame:  # fmt: skip
    """See `churnsim.data.count_histories`, which calls this: only the counts come back."""
    rows, end, amounts, refunds = _checked(table, until, today, on_refund)
    spend = "monetary_value" in columns
    if spend and not amounts:
        raise DataError("the purchases have no amounts, so there is no spend to count. Give a log with amounts.")
    if table.customer_id.type().is_string():
        ids = table.select("customer_id").distinct()
        missing = ids.filter(ids.customer_id.strip().isin(list(MISSING))).limit(IDS_SHOWN)
        refuse_ids(_fetched(missing)["customer_id"], *OF_IDS)
    counted = _fetched(_counted(_by_customer(rows, end, spend=spend), spend))
    days = summary_frame(
        pd.RangeIndex(len(counted)),
        frequency=counted["purchases"].to_numpy(dtype=np.int64) - 1,
        first=np.zeros(len(counted), np.int64) if spend else _day_numbers(counted["first"]),
        last=np.zeros(len(counted), np.int64) if spend else _day_numbers(counted["last"]),
        repeat_spend=counted["spend"].to_numpy(dtype=np.float64) if spend else None,
        end=end,
        unit=unit,
    )
    found = days[list(columns)].assign(customers=counted["customers"].to_numpy(dtype=np.int64))
    found = found.sort_values(list(columns), ignore_index=True)
    found.attrs["refunds"] = refunds
    return found


def histories_expression(table: Any, *, until: str | date) -> Any:
    """What `count_histories` runs on an Ibis table, as an expression that is not run: for ``ibis.to_sql``.

    Parameters
    ----------
    table : Ibis table
        ``customer_id, date``; also one without a connection, ``ibis.table(schema, name=...)``.
    until : str or date
        Last day observed.

    Returns
    -------
    Ibis table
        ``purchases, first, last, customers``: how many customers have made so many purchases (days) from the first of
        these days to the last. Rows are taken to be usable; `count_histories` looks first.

    Examples
    --------
    >>> import ibis
    >>> table = ibis.table({"customer_id": "int64", "date": "date"}, name="purchases")
    >>> "GROUP BY" in ibis.to_sql(histories_expression(table, until="2024-12-31"), dialect="bigquery")
    True
    """
    _check_columns(table)
    rows = _checked_types(table, False).drop("time")
    return _counted(_by_customer(rows, past_day(until, name="until"), spend=False), False)


def summary_expression(table: Any, *, until: str | date, unit: str = "D") -> Any:
    """`churnsim.summarise` of an Ibis table as an expression that is not run: what scores are joined to in a warehouse.

    Parameters
    ----------
    table : Ibis table
        As for `histories_expression`; with ``amount`` there is ``monetary_value``.
    until : str or date
        Last day observed.
    unit : {"H", "D", "W", "M", "Y"}
        What durations are counted in; in days they are whole numbers, which all databases compare alike.

    Returns
    -------
    Ibis table
        ``customer_id, frequency, recency, T`` and perhaps ``monetary_value``. Rows are taken to be usable.

    Examples
    --------
    >>> import ibis
    >>> table = ibis.table({"customer_id": "int64", "date": "date"}, name="purchases")
    >>> summary_expression(table, until="2024-12-31").columns
    ('customer_id', 'frequency', 'recency', 'T')
    """
    import ibis

    _check_columns(table)
    per = DAYS_PER_UNIT[check_unit(unit)]
    end = past_day(until, name="until")
    amounts = "amount" in table.columns
    customers = _by_customer(_checked_types(table, amounts).drop("time"), end, spend=amounts)
    found = customers.select(
        customers.customer_id,
        frequency=customers.purchases - 1,
        recency=customers.last.delta(customers.first, unit="day").cast("float64") / per,
        T=ibis.literal(_EPOCH + timedelta(days=end)).delta(customers.first, unit="day").cast("float64") / per,
        **({"spend": customers.spend} if amounts else {}),
    )
    if not amounts:
        return found
    again = found.frequency > 0
    mean = again.ifelse(found.spend / again.ifelse(found.frequency, 1), 0.0)
    return found.mutate(monetary_value=mean).drop("spend")


def _check_columns(table: Any) -> None:
    if not is_ibis(table):
        raise DataError(f"table must be a table of Ibis; got {shown(table)}.")
    check_columns(list(table.columns), ["customer_id", "date"], source="the Ibis table", rename=RENAME)


def _counted(customers: Any, spend: bool) -> Any:
    if spend:
        again = customers.filter(customers.purchases > 1)
        return again.group_by(["purchases", "spend"]).agg(customers=again.count())
    return customers.group_by(["purchases", "first", "last"]).agg(customers=customers.count())


def _checked(
    table: Any, until: str | date | None, today: str | date | None, on_refund: Refunds
) -> tuple[Any, int, bool, dict[str, Any] | None]:
    """The purchases ``customer_id, day, amount``, looked over; the last day observed; whether there are amounts; what
    became of refunds."""
    _check_columns(table)
    amounts = "amount" in table.columns
    rows, refunds = _checked_types(table, amounts), None
    if amounts and on_refund != "refuse":
        rows, refunds = _without_refunds(rows, on_refund)
    rows = rows.drop("time")
    first, last = _checked_rows(rows, amounts)
    latest = latest_day(today)
    if (last - _EPOCH).days > latest:
        late = _fetched(rows.filter(rows.day > _EPOCH + timedelta(days=latest)).order_by("day").limit(1)).iloc[0]
        raise DataError(
            f"column 'date' of the Ibis table: customer {show(late['customer_id'])} has a purchase on "
            f"{pd.Timestamp(late['day']):%Y-%m-%d}, which is in the future (after {iso_day(latest)}). "
            "Correct the date, or pass today= if this computer's clock is wrong."
        )
    end = (last - _EPOCH).days if until is None else past_day(until, name="until", today=today)
    check_begun(end, (first - _EPOCH).days)
    return rows, end, amounts, refunds


def _without_refunds(rows: Any, on_refund: Refunds) -> tuple[Any, dict[str, Any] | None]:
    """The purchases without refunds, and what became of these (as `without_refunds`). To net them, the rows of
    customers with refunds come into memory, and what is left of them goes back."""
    import ibis

    negative = (rows.amount < 0) & ~rows.amount.isinf()
    refunds = rows.filter(negative)
    amounts = _fetched(refunds.select("amount"))["amount"].to_numpy(dtype=np.float64)
    if not len(amounts):
        return rows, None
    told = refunds_told(on_refund, amounts)
    if on_refund == "apart":
        return rows.filter(~negative.fill_null(False)), told
    ids = refunds.select("customer_id").distinct()
    log = _fetched(rows.semi_join(ids, "customer_id").rename(date="time"))
    if log[["customer_id", "date"]].isna().any(axis=None):
        raise DataError("refunds cannot be taken off where a date or an id is missing. Filter such rows out.")
    netted, counts = net_refunds(log.assign(date=pd.to_datetime(log["date"]).astype("datetime64[ns]")))
    left = ibis.memtable(netted.rename(columns={"date": "time"})[list(rows.columns)], schema=rows.schema())
    return rows.anti_join(ids, "customer_id").union(left), {**told, **counts}


def _by_customer(rows: Any, end: int, *, spend: bool) -> Any:
    """One row a customer who had bought by the day `end`: ``customer_id, purchases, first, last`` and perhaps
    ``spend``, that of the purchases after the first."""
    rows = rows.filter(rows.day <= _EPOCH + timedelta(days=end))
    if not spend:
        days = rows.select("customer_id", "day").distinct()
        return days.group_by("customer_id").agg(purchases=days.count(), first=days.day.min(), last=days.day.max())
    days = rows.group_by(["customer_id", "day"]).agg(amount=rows.amount.sum())
    firsts = days.group_by("customer_id").agg(first=days.day.min())
    joined = days.join(firsts, "customer_id")
    return joined.group_by("customer_id").agg(
        purchases=joined.count(),
        first=joined.day.min(),
        last=joined.day.max(),
        spend=joined.amount.sum(where=joined.day > joined.first),
    )


def _fetched(expression: Any) -> pd.DataFrame:
    """The rows of an expression."""
    with warnings.catch_warnings():
        # Ibis still calls what newer versions of its backends call by another name; that is not the caller's affair.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        frame: pd.DataFrame = expression.to_pandas()
    return frame


def _checked_types(table: Any, amounts: bool) -> Any:
    kinds = table.schema()
    currency = currency_column(table.columns)
    when, ids = kinds["date"], kinds["customer_id"]
    if not (when.is_date() or when.is_timestamp()):
        raise DataError(f"column 'date' of the Ibis table holds {when}. Cast it to a date: table.date.cast('date').")
    if getattr(when, "timezone", None):
        raise DataError(
            f"column 'date' of the Ibis table has the time zone {when.timezone!r}. Turn it into the local clock that "
            "days are to be counted by, a timestamp without a zone, first."
        )
    if not (ids.is_integer() or ids.is_string()):
        raise DataError(f"column 'customer_id' of the Ibis table holds {ids}. Use whole numbers or text.")
    if amounts and not kinds["amount"].is_numeric():
        raise DataError(f"column 'amount' of the Ibis table holds {kinds['amount']}. Cast it to a number.")
    if amounts and currency is not None:
        found = _fetched(table.select(currency=table[currency]).distinct())["currency"]
        names = [None if pd.isna(name) else str(name) for name in found]
        if len(names) > 1:
            raise several_currencies(names)
    if when.is_date():
        day = table.date
    elif when.scale == 9:
        # Some backends round nanoseconds when they cast, the last of a day into the next; their text is exact.
        day = table.date.cast("string").substr(0, 10).cast("date")
    else:
        day = table.date.date()
    import ibis

    amount = table.amount.cast("float64") if amounts else ibis.literal(0.0)
    return table.select(customer_id=table.customer_id, day=day, time=table.date.cast("timestamp"), amount=amount)


def _checked_rows(rows: Any, amounts: bool) -> tuple[date, date]:
    """First and last day; DataError for an empty table and for values that cannot be used."""
    looked = _fetched(rows.aggregate(
        total=rows.count(), ids=rows.customer_id.count(), days=rows.day.count(), amounts=rows.amount.count(),
        negative=(rows.amount < 0).sum(), endless=(rows.amount.isinf() | rows.amount.isnan()).sum(),
        first=rows.day.min(), last=rows.day.max(),
    ))  # fmt: skip
    row = looked.iloc[0]
    if not row["total"]:
        raise DataError("the Ibis table is empty. Give it at least one purchase.")
    for name, column in (("ids", "customer_id"), ("days", "date"), ("amounts", "amount")):
        missing = int(row["total"]) - int(row[name])
        if missing:
            raise DataError(f"column {column!r} of the Ibis table: {missing:,} are missing. Filter such rows out.")
    for name, what, how in (
        ("endless", "not finite numbers", "Filter such rows out"),
        ("negative", "negative (refunds?)", "Pass on_refund='apart' or 'net', or filter such rows out"),
    ):
        if amounts and row[name]:
            raise DataError(f"column 'amount' of the Ibis table: {int(row[name]):,} are {what}. {how}.")
    return pd.Timestamp(row["first"]).date(), pd.Timestamp(row["last"]).date()


def _day_numbers(values: pd.Series[Any]) -> Any:
    return pd.to_datetime(values).to_numpy().astype("datetime64[D]").astype(np.int64)
