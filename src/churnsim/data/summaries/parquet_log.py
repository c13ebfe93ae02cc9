"""A log in Parquet files, summarised by DuckDB without being read into memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.data.logs.days import iso_day, past_day
from churnsim.data.summaries.summary_query import identifier, summary_of
from churnsim.data.tabular.columns import MISSING
from churnsim.data.tabular.parquet_file import open_parquet
from churnsim.data.tabular.row_errors import show
from churnsim.data.tabular.table_columns import check_columns
from churnsim.errors import DataError
from churnsim.units import check_unit

__all__ = ["ParquetLog"]

IDS_SHOWN = 3
# What DuckDB may hold before it writes to a temporary directory. With the frame that comes out, 100 million purchases
# of ten million customers then stay below 4 GB (measured here: see benchmarks).
MEMORY = "2500MB"


@dataclass(frozen=True)
class _Facts:
    """What must be known of the columns before they are summarised; days as numbers since 1970."""

    rows: int
    missing: dict[str, int]
    smallest: float
    largest: float
    first: int
    last: int


class ParquetLog:
    """A Parquet file, or a directory of them, whose columns hold customer ids (numbers or text), dates and amounts.

    Only its columns are looked at when it is made; `churnsim.summarise` reads it in pieces. Dates must be stored as
    dates or times (a time zone's own clock is kept), and every row must be usable: one that is not is an error, and a
    `CustomerDatabase` is the place for such files. Raises DataError for a missing file or column and for other types.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        customer_id: str = "customer_id",
        date: str = "date",
        amount: str | None = "amount",
    ) -> None:
        self.path = Path(path)
        files = sorted(self.path.glob("*.parquet")) if self.path.is_dir() else [self.path]
        if not files or not files[0].exists():
            raise DataError(f"{self.path} does not exist or holds no .parquet file. Check the path.")
        self._files = [str(file) for file in files]
        self._names = {"customer_id": customer_id, "date": date, **({} if amount is None else {"amount": amount})}
        for file in files:
            with open_parquet(file) as opened:
                schema = opened.schema_arrow
            check_columns(schema.names, list(self._names.values()), source=str(file), arguments=list(self._names))
            self._zone = _checked_types(schema, self._names, str(file))

    def summarise(self, *, unit: str = "W", until: str | date | None = None) -> pd.DataFrame:
        """See `churnsim.summarise`, which calls this."""
        import duckdb

        check_unit(unit)
        with tempfile.TemporaryDirectory(prefix="churnsim-") as spill, duckdb.connect() as connection:
            try:
                connection.execute("SET preserve_insertion_order = false")
                connection.execute("SET memory_limit = ?", [MEMORY])
                connection.execute("SET temp_directory = ?", [spill])
                connection.execute("SET enable_progress_bar = false")
                return self._summarise(connection, unit, until)
            except duckdb.Error as error:
                reason = (str(error).splitlines() or [""])[0][:300]
                raise DataError(f"{self.path} cannot be summarised ({reason}). Write it again.") from None

    def _summarise(self, connection: Any, unit: str, until: str | date | None) -> pd.DataFrame:
        amounts = "amount" in self._names
        day = identifier(self._names["date"])
        if self._zone is not None:
            day = f"timezone(?, {day})"
        given: list[Any] = [self._files] if self._zone is None else [self._zone, self._files]
        amount = identifier(self._names["amount"]) + "::DOUBLE" if amounts else "0.0"
        columns = f"{identifier(self._names['customer_id'])} AS customer_id, ({day})::DATE AS day, {amount} AS amount"
        rows = f"SELECT {columns} FROM read_parquet(?)"
        facts = None if self._zone is not None else _stated_facts(self._files, self._names)
        facts = facts or _looked_up_facts(connection, rows, given)
        remedy = self._check(facts, amounts)
        first, last = facts.first, facts.last
        end = int(last) if until is None else past_day(until, name="until")
        if end < int(first):
            raise DataError(
                f"until ({iso_day(end)}) is before the first purchase in the log ({iso_day(int(first))}). "
                "Choose a later day."
            )
        if end < int(last):
            rows = f"SELECT * FROM ({rows}) WHERE day <= ?::DATE"
            given = [*given, iso_day(end)]
        summary = summary_of(connection, rows, given, end=end, unit=unit, amounts=amounts)
        self._check_ids(summary.index, remedy)
        return summary

    def _check(self, facts: _Facts, amounts: bool) -> str:
        """DataError for rows that cannot be used; the remedy, for what only shows later."""
        if not facts.rows:
            raise DataError(f"{self.path} holds no purchases. Give it at least one row.")
        remedy = "Read it with churnsim.read_transactions to see the rows, or add it to a CustomerDatabase."
        for ours, number in facts.missing.items():
            if number and (amounts or ours != "amount"):
                raise DataError(f"{self.path}, column {self._names[ours]!r}: {number:,} are missing. {remedy}")
        if amounts and (facts.smallest < 0 or not facts.largest < float("inf")):
            what = "negative (a refund?)" if facts.smallest < 0 else "not a finite number"
            raise DataError(f"{self.path}, column {self._names['amount']!r}: an amount is {what}. {remedy}")
        return remedy

    def _check_ids(self, ids: pd.Index[Any], remedy: str) -> None:
        """The rules of `read_transactions` for ids of text; distinct ids are few, so they are looked at last."""
        if ids.dtype != object:
            return
        bad = [value for value in ids if value.strip() in MISSING or "\0" in value]
        if bad:
            shown = ", ".join(show(value) for value in bad[:IDS_SHOWN])
            raise DataError(
                f"{self.path}, column {self._names['customer_id']!r}: {shown} cannot be a customer id. {remedy}"
            )


def _checked_types(schema: pa.Schema, names: dict[str, str], source: str) -> str | None:
    """The time zone of the dates, None without one; DataError when a column has a type that cannot be summarised."""
    kinds = {ours: schema.field(theirs).type for ours, theirs in names.items()}
    for ours, kind in kinds.items():
        value = kind.value_type if pa.types.is_dictionary(kind) else kind
        text = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
        fits = {
            "customer_id": text or pa.types.is_integer(value),
            "date": pa.types.is_date(value) or pa.types.is_timestamp(value),
            "amount": pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_decimal(value),
        }[ours]
        if not fits:
            raise DataError(
                f"{source}, column {names[ours]!r} holds {kind}, which cannot be summarised as it lies. "
                "Read it with churnsim.read_transactions, or add it to a CustomerDatabase."
            )
    zone: str | None = getattr(kinds["date"], "tz", None)
    return zone


def _looked_up_facts(connection: Any, rows: str, given: list[Any]) -> _Facts:
    # NaN counts as larger than infinity in DuckDB, so the largest amount tells of both.
    ((total, ids, days, values, smallest, largest, first, last),) = connection.execute(
        f"""SELECT count(*), count(customer_id), count(day), count(amount), min(amount), max(amount),
                   min(day) - DATE '1970-01-01', max(day) - DATE '1970-01-01' FROM ({rows})""",
        given,
    ).fetchall()
    missing = {"customer_id": total - ids, "date": total - days, "amount": total - values}
    return _Facts(total, missing, smallest or 0.0, largest or 0.0, first or 0, last or 0)


def _stated_facts(files: list[str], names: dict[str, str]) -> _Facts | None:
    """The same from the statistics that the files carry, without reading a row; None where they do not state all of it.

    The statistics of floats pass over NaN; it shows in the sums.
    """
    rows = 0
    missing = dict.fromkeys(names, 0)
    bounds: dict[str, list[Any]] = {"date": [], "amount": [0.0]}
    for file in files:
        with open_parquet(Path(file)) as opened:
            metadata = opened.metadata
            places = {metadata.schema.column(k).path: k for k in range(metadata.num_columns)}
            rows += metadata.num_rows
            for group in range(metadata.num_row_groups):
                for ours, theirs in names.items():
                    if theirs not in places:
                        return None
                    told = metadata.row_group(group).column(places[theirs]).statistics
                    if told is None or told.null_count is None:
                        return None
                    missing[ours] += told.null_count
                    if ours in bounds and not told.has_min_max:
                        return None
                    if ours in bounds:
                        bounds[ours] += [told.min, told.max]
    if not rows or not bounds["date"]:
        return None
    days = np.array([pd.Timestamp(value).to_datetime64() for value in bounds["date"]], dtype="datetime64[D]")
    amounts = [float(value) for value in bounds["amount"]]
    numbers = days.astype(np.int64)
    return _Facts(rows, missing, min(amounts), max(amounts), int(numbers.min()), int(numbers.max()))
