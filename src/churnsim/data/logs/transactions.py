"""A transaction log from a CSV or Parquet file: where outside data is checked, once."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churnsim.data.logs.days import calendar_day
from churnsim.data.tabular.columns import Names, typed_columns
from churnsim.data.tabular.csv_file import read_delimited
from churnsim.data.tabular.parquet_file import read_parquet_columns
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.text_columns import mask
from churnsim.errors import ConfigError, DataError

__all__ = ["checked_path", "plain_ids", "read_transactions"]

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".pq")
MOST_BAD = 0.5  # assumed: a file of which less than half can be used is not the file one thinks it is


def read_transactions(
    path: str | os.PathLike[str],
    *,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    date_format: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    on_bad: Literal["raise", "set_aside"] = "raise",
    most_bad: float = MOST_BAD,
    today: str | datetime.date | None = None,
) -> pd.DataFrame:
    """Read a log of purchases, one row each, from a CSV (``.csv .txt .tsv``, also ``.gz``) or Parquet file.

    Parameters
    ----------
    customer_id, date, amount
        What the file calls these columns. ``amount=None`` reads a log without amounts. Other columns are
        ignored.
    date_format
        The codes of `datetime.strptime`, such as ``"%d/%m/%Y"``. Without it only ISO dates (``YYYY-MM-DD``, a
        time may follow) and columns stored as dates are taken: the order of day and month is never guessed.
    delimiter
        A comma unless given (a tab for ``.tsv``). Values may be quoted with ``"``.
    on_bad
        ``"raise"``: any bad row is an error. ``"set_aside"``: bad rows are left out and listed.
    most_bad
        The largest share of rows that may be set aside; more of them are an error all the same.
    today
        The last day a purchase may have; the present day of this computer unless given.

    Returns
    -------
    A frame with the columns ``customer_id``, ``date`` (datetime64[ns] without time zone) and ``amount``
    (float), in the order of the file. ``.attrs["set_aside"]`` lists the rows left out, one dict each: `row`,
    `column`, `value` (as it would be written in code) and `reason`. ``.attrs["trimmed_ids"]`` counts the ids of a CSV
    file that lost white space around them.

    Customer ids of a CSV file are text, so that leading zeros survive; white space around them is dropped.
    Ids of a Parquet file keep their type. A date with a time zone keeps the clock time it was written with
    and loses the zone. An amount of zero is kept; a negative one is a bad row, because a refund is no
    purchase.

    Raises
    ------
    DataError
        One error for everything wrong with the data. It names the file, the row, the value and what to do. A
        row of a CSV file is named by the line on which it begins (the header is line 1; lines inside a quoted
        value and blank lines count), a row of a Parquet file by its number, from 1.
    ConfigError
        An argument is impossible.
    """
    if on_bad not in ("raise", "set_aside"):
        raise ConfigError(f"on_bad must be 'raise' or 'set_aside'; got {on_bad!r}.")
    if not 0 <= most_bad <= 1:
        raise ConfigError(f"most_bad must be a share between 0 and 1; got {most_bad!r}.")
    names = Names(customer_id=customer_id, date=date, amount=amount)
    if len(set(names.present())) < len(names.present()):
        raise ConfigError(f"customer_id, date and amount must be different columns; got {names.present()}.")
    latest = pd.Timestamp.now().normalize() if today is None else calendar_day(today, name="today")
    file, kind = checked_path(path)

    rules = {"names": names, "date_format": date_format, "latest": latest}
    try:
        if kind == "parquet":
            table = _parquet_table(file, names, rules)
        else:
            table = _text_table(file, names, rules, delimiter=delimiter, encoding=encoding)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).") from None
    if table.frame.empty:
        raise DataError(f"{file} holds no purchases. Give it at least one row.")
    flaws = table.flaws
    if flaws.count and on_bad == "raise":
        last_resort = "Or pass on_bad='set_aside' to leave such rows out and have them listed."
        raise table.error(file, last_resort)
    if flaws.count == len(table.frame):
        raise table.error(file, "No row is left to use.")
    if flaws.count > most_bad * len(table.frame):
        share = flaws.count / len(table.frame)
        raise table.error(
            file,
            f"These are {share:.0%} of all rows, more than the {most_bad:.0%} that may be set aside: pass most_bad= "
            f"a larger "
            "share if the rest is to be used all the same.",
        )
    result = table.frame[flaws.good].reset_index(drop=True) if flaws.count else table.frame
    if isinstance(result["customer_id"].dtype, pd.ArrowDtype):
        result["customer_id"] = plain_ids(result["customer_id"])
    result.attrs["set_aside"] = flaws.records(table.row)
    result.attrs["trimmed_ids"] = table.trimmed
    return result


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A typed log with its bad rows, and how a person finds the row at a position: "line 7" or "row 7"."""

    frame: pd.DataFrame
    flaws: Flaws
    row: Callable[[int], int]
    row_word: str
    trimmed: int = 0

    def error(self, file: Path, last_resort: str) -> DataError:
        """The one error for all bad rows."""
        return self.flaws.error(str(file), row=self.row, row_word=self.row_word, last_resort=last_resort)


def _parquet_table(file: Path, names: Names, rules: dict[str, Any]) -> _Table:
    raw = read_parquet_columns(file, names.present())
    flaws = Flaws(len(raw))
    frame = typed_columns(raw, flaws=flaws, **rules)
    return _Table(frame=frame, flaws=flaws, row=lambda position: position + 1, row_word="row")


def _text_table(file: Path, names: Names, rules: dict[str, Any], *, delimiter: str | None, encoding: str) -> _Table:
    tab = file.name.lower().removesuffix(".gz").endswith(".tsv")
    text = read_delimited(file, delimiter=delimiter or ("\t" if tab else ","), encoding=encoding)
    quick = text.quickly(names.present())
    if quick is not None:
        flaws = Flaws(len(quick))
        frame = typed_columns(quick, flaws=flaws, trim_ids=True, **rules)
        if not flaws.count:
            trimmed = _trimmed(quick[names.customer_id], frame["customer_id"])
            return _Table(frame=frame, flaws=flaws, row=lambda position: position, row_word="line", trimmed=trimmed)
    # Something is out of the ordinary: once more, record by record, to know the lines.
    records = text.carefully(names.present())
    frame = typed_columns(records.frame, flaws=records.flaws, trim_ids=True, **rules)
    return _Table(
        frame=frame,
        flaws=records.flaws,
        row=lambda position: int(records.lines[position]),
        row_word="line",
        trimmed=_trimmed(records.frame[names.customer_id], frame["customer_id"]),
    )


def _trimmed(given: pd.Series[Any], taken: pd.Series[Any]) -> int:
    """How many ids lost white space around them."""
    return int(mask(pc.not_equal(pa.array(given), pa.array(taken))).sum())


def plain_ids(ids: pd.Series[Any]) -> pd.Series[Any]:
    """Arrow ids (none missing any more) as the types pandas users expect: str objects or numpy integers."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return pd.Series(ids.to_numpy(dtype=np.int64), index=ids.index)
    return pd.Series(ids.to_numpy(dtype=object), index=ids.index, dtype=object)


def checked_path(path: str | os.PathLike[str]) -> tuple[Path, Literal["text", "parquet"]]:
    """The file and its kind, told by its name; DataError when it is not there or of neither kind."""
    file = Path(path)
    suffix = file.suffix.lower()
    inner = Path(file.stem).suffix.lower() if suffix == ".gz" else suffix
    if file.is_dir():
        raise DataError(f"{file} is a directory. Give the file of transactions in it.")
    if not file.exists():
        raise DataError(f"{file} does not exist. Check the path (it is taken from {Path.cwd()}).")
    if not file.is_file():
        raise DataError(f"{file} is not a regular file. Give a CSV or Parquet file.")
    if suffix in PARQUET_SUFFIXES:
        return file, "parquet"
    if inner in TEXT_SUFFIXES:
        return file, "text"
    raise DataError(
        f"{file} ends in {file.suffix!r}, which says neither CSV nor Parquet. Save it as "
        f"{', '.join(TEXT_SUFFIXES + PARQUET_SUFFIXES)} (a workbook: save the sheet as CSV)."
    )
