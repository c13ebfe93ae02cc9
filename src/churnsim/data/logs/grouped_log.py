"""A checked log laid out by customer and day: what summaries and purchase days are made from.

Columns that already have the right types go straight to the compiled pass, which looks for bad values as it counts;
only when it finds one, or a column has another type, is the log looked at column by column, where every bad row gets
its name.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from churnsim.checks import is_foreign_frame
from churnsim.data.logs.days import iso_day, latest_day
from churnsim.data.logs.log_rules import check_one_currency, currency_column
from churnsim.data.tabular.columns import amounts, dates, ids
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.table_columns import RENAME, check_columns
from churnsim.data.tabular.text_columns import ARROW_TEXT
from churnsim.errors import DataError
from churnsim.kernels.numerics import purchase_days as kernel

_UNITS = {
    "D": kernel.DAYS, "s": kernel.SECONDS, "ms": kernel.MILLISECONDS, "us": kernel.MICROSECONDS,
    "ns": kernel.NANOSECONDS,
}  # fmt: skip
# Ids may spread over eight numbers for each row before a table of all of them costs more than sorting the ids.
SPREAD = 8
BLOCK_BITS = 9  # 512 blocks: of a million customers 2,000 each, whose rows are some hundred kilobytes
RENAME_OR_READ = f"{RENAME}, or read the frame with churnsim.read_transactions, which takes the names"
MOST_SPAN = 2**34  # numbers that the kernel can tell apart


@dataclass(frozen=True)
class GroupedLog:
    """`rows` (entries of day and amount), where each of the customers' begin (`starts`, one more than `ids`)."""

    ids: pd.Index[Any]  # sorted
    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    amounts: bool
    first: int
    last: int


@dataclass(frozen=True)
class _Columns:
    """A log as arrays: customers as whole numbers from `lowest` over `span`."""

    customer: NDArray[Any]
    lowest: int
    span: int
    time: NDArray[np.int64]
    unit: int
    amount: NDArray[np.float64]
    amounts: bool
    ids: pd.Index[Any] | None  # what the numbers stand for, None when they are the ids themselves


def tabular(transactions: Any) -> pd.DataFrame:
    """A log as a DataFrame: one as it is, a frame of Polars, DuckDB, Arrow or what else speaks Arrow with its text as
    Arrow text, and what a `CustomerDatabase`, a `ParquetLog` or an Ibis table holds. DataError for anything else."""
    if isinstance(transactions, pd.DataFrame):
        return transactions
    frame: pd.DataFrame
    if is_foreign_frame(transactions) and not is_ibis(transactions):
        table = pa.table(transactions)
        for i, kind in enumerate(table.schema.types):  # what Polars sends, as pyarrow before 23 gives it to pandas
            if pa.types.is_string_view(kind):
                kind = pa.large_string()
            elif pa.types.is_dictionary(kind):
                kind = pa.dictionary(pa.int64(), kind.value_type, kind.ordered)
            if kind != table.schema.types[i]:
                table = table.set_column(i, table.column_names[i], table.column(i).cast(kind))
        text = {pa.string(): ARROW_TEXT, pa.large_string(): ARROW_TEXT}
        frame = table.to_pandas(date_as_object=False, split_blocks=True, types_mapper=text.get)
        return frame
    read = getattr(transactions, "to_pandas" if is_ibis(transactions) else "transactions", None)
    if callable(read):
        with warnings.catch_warnings():
            # Ibis still calls what newer versions of its backends call by another name.
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            frame = read()
        return frame
    how = "Call its collect() first." if hasattr(transactions, "collect") else "Read a file with read_transactions."
    raise DataError(
        "transactions must be a DataFrame (of pandas, Polars or what else speaks Arrow), a DuckDB relation, an Arrow "
        f"table, a CustomerDatabase, a ParquetLog or an Ibis table; got {type(transactions).__name__}. {how}"
    )


def is_ibis(transactions: Any) -> bool:
    """Whether this is a table of Ibis, which need not be installed to ask."""
    return type(transactions).__module__.split(".")[0] == "ibis"


def grouped(transactions: Any, *, today: object | None = None, hours_from: int | None = None) -> GroupedLog:
    """Check a log (``customer_id, date`` and perhaps ``amount``) and lay it out. Raises one DataError for all bad
    rows, purchases after the day `today` included (the present day unless given here or in ``transactions.attrs``),
    and for amounts in several currencies. With `hours_from` its days are hours, counted
    from the beginning of that day."""
    frame = tabular(transactions)
    columns = ["customer_id", "date", *(["amount"] if "amount" in frame.columns else [])]
    check_columns(list(frame.columns), columns, source="the transactions frame", rename=RENAME_OR_READ)
    if frame.empty:
        raise DataError("the transactions frame is empty. Give it at least one purchase.")
    currency = currency_column(frame.columns)
    if "amount" in columns and currency is not None:
        check_one_currency(frame, currency)
    latest = latest_day(frame.attrs.get("today") if today is None else today)
    if hours_from is not None:
        checked = _checked_columns(frame, latest)
        hours = checked.time // 3_600_000_000_000 - 24 * hours_from
        by_hour = _laid_out(replace(checked, time=hours, unit=kernel.DAYS))
        assert by_hour is not None, "checked columns hold nothing bad"
        return by_hour
    plain = _plain_columns(frame)
    log = None if plain is None else _laid_out(plain)
    if log is None or log.last > latest:
        log = _laid_out(_checked_columns(frame, latest))
        assert log is not None, "checked columns hold nothing bad"
    if frame is not transactions and not pd.api.types.is_integer_dtype(log.ids.dtype):
        log = replace(log, ids=log.ids.astype(object))  # how Arrow holds its text is not what the caller chose
    return log


def _plain_columns(frame: pd.DataFrame) -> _Columns | None:
    """The columns as they are, if each already is of a plain type and the ids are whole numbers close together."""
    ids, dates = frame["customer_id"], frame["date"]
    if not (isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu" and isinstance(dates.dtype, np.dtype)):
        return None
    unit = _UNITS.get(str(dates.dtype).removeprefix("datetime64[").removesuffix("]"))
    if unit is None or ids.dtype == np.uint64:
        return None
    customer = np.ascontiguousarray(ids.to_numpy())
    lowest = int(customer.min())
    span = int(customer.max()) - lowest + 1
    if span > min(SPREAD * len(customer) + 1000, MOST_SPAN):
        return None
    amount = np.empty(0)
    amounts = "amount" in frame.columns
    if amounts:
        column = frame["amount"]
        if not (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"):
            return None
        amount = np.ascontiguousarray(column.to_numpy(dtype=np.float64))
    time = np.ascontiguousarray(dates.to_numpy()).view(np.int64)
    return _Columns(customer, lowest, span, time, unit, amount, amounts, None)


def _checked_columns(frame: pd.DataFrame, latest: int) -> _Columns:
    """The log with proper types, or one DataError for all its bad rows."""
    flaws = Flaws(len(frame))
    customers = ids(frame["customer_id"], "customer_id", flaws)
    when = dates(
        frame["date"], "date", flaws, date_format=None, latest=pd.Timestamp(iso_day(latest)),
        ask="set .attrs['today'] of the frame",
        say="read the frame with churnsim.read_transactions(frame, date_format=...)",
    )  # fmt: skip
    paid = amounts(frame["amount"], "amount", flaws) if "amount" in frame.columns else None
    if flaws.count:
        labels = frame.index
        raise flaws.error(
            "the transactions frame",
            row=(lambda position: labels[position]) if labels.is_unique else (lambda position: position),
            row_word="index" if labels.is_unique else "position",
            last_resort="Or drop such rows.",
        )
    customer, known = _numbered(customers)
    time = when.to_numpy(dtype="datetime64[ns]").view(np.int64)
    amount: NDArray[np.float64] = np.empty(0) if paid is None else np.asarray(paid, dtype=np.float64)
    return _Columns(customer, 0, len(known), time, kernel.NANOSECONDS, amount, paid is not None, known)


def _laid_out(columns: _Columns) -> GroupedLog | None:
    """The log laid out, or None when a value is bad."""
    c = columns
    # All as read-only views, as pandas may hand them out: the kernels are compiled for one kind alone.
    customer, time, amount = c.customer.view(), c.time.view(), c.amount.view()
    customer.flags.writeable = time.flags.writeable = amount.flags.writeable = False
    shift = max(0, (c.span - 1).bit_length() - BLOCK_BITS)
    sizes = np.zeros(((c.span - 1) >> shift) + 1, dtype=np.int64)
    kernel.count(customer, c.lowest, shift, sizes)
    blocks = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    rows = np.empty((len(customer), 2))
    bad, first, last, total = kernel.part(customer, c.lowest, shift, time, c.unit, amount, blocks[:-1].copy(), rows)
    if bad:
        return None
    if not np.isfinite(total):
        raise DataError("the amounts add up to more than a number can hold. Check their unit.")
    starts = np.empty(c.span + 1, dtype=np.int64)
    ends = np.empty((1 << shift) + 1, dtype=np.int64)
    kernel.lay_out(shift, blocks, rows, np.empty((int(sizes.max()), 2)), ends, starts)
    if c.ids is not None:
        ids = c.ids
    else:
        present = np.flatnonzero(np.diff(starts))
        if len(present) < c.span:
            # Customers nobody is have no entries, so their beginnings are the next one's and can go.
            starts = np.append(starts[:-1][present], starts[-1])
        ids = pd.Index((present + c.lowest).astype(c.customer.dtype), name="customer_id")
    return GroupedLog(ids, rows, starts, c.amounts, int(first), int(last))


def _numbered(values: pd.Series[Any]) -> tuple[NDArray[np.int64], pd.Index[Any]]:
    """Each row's customer as a number, and the sorted ids those numbers stand for."""
    codes, uniques = pd.factorize(values)
    ids = pd.Index(uniques)
    try:
        order = ids.argsort()
    except TypeError:
        kinds = sorted({type(value).__name__ for value in uniques})
        raise DataError(
            f"column 'customer_id' mixes kinds of ids ({', '.join(kinds)}), so that one customer may be "
            "counted twice. Convert them to one kind, such as str."
        ) from None
    place = np.empty(len(ids), dtype=np.int64)
    place[order] = np.arange(len(ids))
    return place[codes], ids[order].rename("customer_id")
