"""Series of numbers by day from a file: common to all customers, or each customer's own."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from churnsim.data.summaries.calendar import MOST_SERIES
from churnsim.data.tabular.columns import dates, file_ids, numbers, numpy_ids
from churnsim.data.tabular.open_source import open_source, raw_rows
from churnsim.data.tabular.row_errors import show
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError

FILL_IN = "Fill it in with a plain number, or leave the row out: the value before it then holds on."


def read_series(
    path: str | os.PathLike[str], *, date: str = "date", customer_id: str | None = None, columns: Sequence[str] = (),
    form: FileFormat | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The series of a file with a row a day on which a value changes, in the order of the file, indexed by day; of
    customers' own series with ``customer_id`` and ``date`` as columns, as `CustomerSeries.of` takes them.

    `date` and, of customers' own series, `customer_id` are the columns with the day and the id; `columns` are the
    series, all others if empty. Raises DataError, naming file, row, value and remedy, for a day that is none or stands
    twice, and for a value that is no finite number.
    """
    keys = [date] if customer_id is None else [customer_id, date]
    form = FileFormat() if form is None else form
    arguments = ("date",) if customer_id is None else ("customer_id", "date")
    names = list(columns)
    if not names:
        found = open_source(path, form, wanted=keys, arguments=arguments).columns()
        names = [name for name in found if name not in keys]
    rows = raw_rows(
        path, [*keys, *names], form, kinds=dict.fromkeys(names, "number") | {date: "date"}, arguments=arguments
    )
    raw, flaws, lines = rows.frame, rows.flaws, rows.labels
    if not 1 <= len(names) <= MOST_SERIES or raw.empty:
        raise DataError(
            f"{path} must have rows, and 1 to {MOST_SERIES} columns of numbers beside {' and '.join(map(repr, keys))}; "
            f"it has {len(raw)} rows and {len(names)} such columns. Name those that are meant by columns=, a list."
        )
    spelled = rows.spelling.dates.get(date)
    days = dates(raw[date], date, flaws, date_format=spelled, latest=None, what="row").dt.normalize()
    frame = pd.DataFrame({"date": days})
    if customer_id is not None:
        frame.insert(0, "customer_id", file_ids(raw[customer_id], customer_id, flaws, what="row")[0])
    for name in names:
        values, missing = numbers(raw[name], rows.spelling.number(name))
        if not np.isfinite(values).any():
            raise DataError(
                f"{path}: the column {name!r} holds no number in {len(raw):,} rows, the first being "
                f"{show(raw[name].iloc[0])}. Write 0 and 1 for no and yes, or name the columns of numbers that are "
                "meant by columns=, a list."
            )
        flaws.mark(missing, raw[name], name, "is missing", FILL_IN)
        flaws.mark(~np.isfinite(values) & ~missing, raw[name], name, "is not a finite number", FILL_IN)
        frame[name] = values
    twice = frame.duplicated([name for name in ("customer_id", "date") if name in frame]).to_numpy() & flaws.good
    flaws.mark(twice, raw[date], date, "has a row before this one", "Leave one row a day, of each customer.")
    if flaws.count:
        raise flaws.error(
            str(path), row=lambda position: int(lines[position]), row_word=rows.row_word, last_resort=""
        )  # fmt: skip
    if customer_id is None:
        return frame.set_index("date")
    return frame.assign(customer_id=numpy_ids(frame["customer_id"]))
