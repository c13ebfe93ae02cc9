"""A log in Parquet files, summarised by DuckDB without being read into memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.checks import check_choice, check_count, check_seed, typed
from churnsim.data.logs.days import check_begun, iso_day, latest_day, past_day
from churnsim.data.logs.log_rules import REFUND_CHOICES, Refunds, currency_column, exchange_factors
from churnsim.data.logs.transactions import read_transactions
from churnsim.data.summaries.summary_query import (
    PurchaseRows,
    asked_of,
    identifier,
    in_currency,
    refunds_dealt_with,
    summary_of,
)
from churnsim.data.tabular.arrow_source import open_parquet, parquet_files
from churnsim.data.tabular.columns import MISSING, refuse_ids, text_as_objects
from churnsim.data.tabular.files import regular_file
from churnsim.data.tabular.table_columns import check_columns
from churnsim.errors import DataError
from churnsim.units import check_unit

REMEDY = "Read it with churnsim.read_transactions to see the rows, or add it to a CustomerDatabase."
# What DuckDB may hold before it writes to a temporary directory. With the frame that comes out, 100 million purchases
# of ten million customers then stay below 4 GB (measured here: see benchmarks).
MEMORY = "2500MB"
DAY = 86_400_000_000_000  # nanoseconds


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
    """A log in Parquet files, which is summarised where it lies; only the summary is read into memory.

    Parameters
    ----------
    path : str or path
        A Parquet file, or a directory of them.
    customer_id, date : str
        What the files call these columns: ids are numbers or text, dates are stored as dates or times. A time zone's
        own clock is kept, file by file.
    amount : str or None
        The column of amounts; None for a log without.
    currency : str or None
        The column of currencies, if the files have it.
    exchange_rates : mapping of str to float, optional
        What one unit of each currency is worth in the one wanted, needed where there are several.

    Every row must be usable: one that is not is an error, and a `CustomerDatabase` is the place for such files. Raises
    DataError for a missing file or column and for other types.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.parquet"
    >>> churnsim.datasets.cdnow().to_parquet(path)
    >>> len(churnsim.summarise(churnsim.data.ParquetLog(path)))
    2357
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        customer_id: str = "customer_id",
        date: str = "date",
        amount: str | None = "amount",
        currency: str | None = "currency",
        exchange_rates: Mapping[str, float] | None = None,
    ) -> None:
        self.path, files = parquet_files(path)
        self._names = {"customer_id": customer_id, "date": date, **({} if amount is None else {"amount": amount})}
        self._rates = exchange_rates
        self._stated = None if amount is None else currency
        # Files by how their dates are stored, since each file may have a time zone of its own.
        self._files: dict[_Clock, list[str]] = {}
        self._currency: str | None = None
        for file in files:
            with open_parquet(regular_file(file)) as opened:
                schema = opened.schema_arrow
            # The usual name is a guess of ours, so that the column need not be there; another one is the caller's.
            wanted = dict(self._names)
            if self._stated is not None and self._stated != "currency":
                wanted["currency"] = self._stated
            check_columns(schema.names, list(wanted.values()), source=str(file), arguments=list(wanted))
            self._files.setdefault(_clock(schema, self._names, str(file)), []).append(str(file))
            if self._stated is not None:
                found = currency_column(schema.names) if self._stated == "currency" else self._stated
                self._currency = found or self._currency

    def summarise(
        self,
        *,
        unit: str = "W",
        until: str | date | None = None,
        today: str | date | None = None,
        refunds: Refunds = "refuse",
    ) -> pd.DataFrame:
        """See `churnsim.summarise`, which calls this with its `on_refund`."""
        check_unit(unit)
        with self.purchase_rows(until, today, refunds) as (connection, rows):
            summary = summary_of(connection, rows, unit)
        self._check_ids(summary.index)
        return summary

    @typed
    def sample(self, customers: int, *, seed: int, today: str | date | None = None) -> pd.DataFrame:
        """All purchases of some customers, as a log in memory, for what needs every purchase: `churnsim.validate`.

        Parameters
        ----------
        customers : int
            About how many; all where there are fewer. Whether a customer is among them depends on its id and the seed.
        seed : int
            Of the choice.
        today : str or date, optional
            As in `summarise`.

        Returns
        -------
        DataFrame
            ``customer_id, date`` (days) and perhaps ``amount``, by customer and day. Raises as `summarise`.
        """
        wanted, seed = check_count(customers, "customers"), check_seed(seed)
        with self.purchase_rows(None, today) as (connection, rows):
            number = f"SELECT approx_count_distinct(customer_id) FROM ({rows.sql})"
            ((there,),) = connection.execute(number, rows.parameters).fetchall()
            names = "customer_id, day::TIMESTAMP AS date" + ("" if rows.largest is None else ", amount")
            below = min(2**64 - 1, wanted * 2**64 // max(there, 1))
            chosen = (
                f"SELECT {names} FROM ({rows.sql}) WHERE hash(customer_id, {seed}) <= {below}::UBIGINT ORDER BY ALL"
            )
            frame: pd.DataFrame = connection.execute(chosen, rows.parameters).df()
        frame["customer_id"] = text_as_objects(frame["customer_id"])
        self._check_ids(pd.Index(frame["customer_id"].unique()))
        return frame

    @contextmanager
    def purchase_rows(
        self, until: str | date | None, today: object | None, on_refund: Refunds = "refuse"
    ) -> Iterator[tuple[Any, PurchaseRows]]:
        """A connection, and the purchases up to `until` for it, looked over. Raises DataError as `summarise`."""
        check_choice(on_refund, "on_refund", REFUND_CHOICES)
        with self._connected() as connection, self._checked_rows(connection, until, today, on_refund) as rows:
            yield connection, rows

    def transactions(self) -> pd.DataFrame:
        """The log in memory, for what needs every purchase; rows as `read_transactions` gives them."""
        with self._connected() as connection:
            self._factors(connection)  # each file by itself may have one currency, and all of them several
        names: dict[str, Any] = {"amount": None, **self._names}
        frames = [
            read_transactions(file, **names, currency=self._stated, exchange_rates=self._rates)
            for files in self._files.values()
            for file in files
        ]
        return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """DuckDB with a bound on its memory; what is wrong with the files becomes a DataError."""
        with tempfile.TemporaryDirectory(prefix="churnsim-") as spill, asked_of(self.path, "summarised") as connection:
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET memory_limit = ?", [MEMORY])
            connection.execute("SET temp_directory = ?", [spill])
            yield connection

    def _rows(
        self, factors: Mapping[str | None, float] | None, *, located: bool = False, timed: bool = False
    ) -> tuple[str, list[Any]]:
        """All rows as ``customer_id, day, amount``, with the ``time`` if `timed` and where they are if `located`, as
        SQL with its parameters."""
        where = (", filename, file_row_number", ", filename=true, file_row_number=true") if located else ("", "")
        parts: list[str] = []
        given: list[Any] = []
        amount = "0.0"
        converted: list[Any] = []
        if "amount" in self._names:
            amount, converted = in_currency(
                identifier(self._names["amount"]) + "::DOUBLE", identifier(self._currency or ""), factors
            )
        for clock, files in self._files.items():
            day, zone = clock.day(identifier(self._names["date"]))
            columns = f"{identifier(self._names['customer_id'])} AS customer_id, {day} AS day, {amount} AS amount"
            local, own = clock.local(identifier(self._names["date"]))
            time = f", ({local})::TIMESTAMP_NS AS time" if timed else ""
            parts.append(f"SELECT {columns}{time}{where[0]} FROM read_parquet(?{where[1]})")
            given += [*zone, *converted, *(own if timed else []), files]
        return " UNION ALL ".join(parts), given

    def _factors(self, connection: Any) -> Mapping[str | None, float] | None:
        if self._currency is None:
            return None
        every = [file for files in self._files.values() for file in files]
        found = connection.execute(
            f"SELECT DISTINCT {identifier(self._currency)} FROM read_parquet(?, union_by_name=true)", [every]
        ).fetchall()
        return exchange_factors([name for (name,) in found], self._rates)

    @contextmanager
    def _checked_rows(
        self, connection: Any, until: str | date | None, today: object | None, on_refund: Refunds
    ) -> Iterator[PurchaseRows]:
        amounts = "amount" in self._names
        factors = self._factors(connection)
        rows, given = self._rows(factors)
        plain = factors is None and all(clock.stated for clock in self._files)
        every = [file for files in self._files.values() for file in files]
        facts = _stated_facts(every, self._names) if plain else None
        facts = facts or _looked_up_facts(connection, rows, given)
        if amounts and on_refund != "refuse" and facts.smallest < 0:
            self._check(replace(facts, smallest=0.0), amounts)
            rows, given = self._rows(factors, timed=True)
            with refunds_dealt_with(connection, rows, given, on_refund) as (rows, refunds):
                facts = _looked_up_facts(connection, rows, given)
                yield self._purchase_rows(connection, rows, given, facts, until, today, refunds)
            return
        yield self._purchase_rows(connection, rows, given, facts, until, today)

    def _purchase_rows(
        self, connection: Any, rows: str, given: list[Any], facts: _Facts, until: str | date | None,
        today: object | None, refunds: dict[str, Any] | None = None,
    ) -> PurchaseRows:  # fmt: skip
        amounts = "amount" in self._names
        self._check(facts, amounts)
        first, last = facts.first, facts.last
        if last > latest_day(today):
            self._refuse_days_to_come(connection, latest_day(today))
        end = int(last) if until is None else past_day(until, name="until", today=today)
        check_begun(end, int(first))
        if end < int(last):
            rows = f"SELECT * FROM ({rows}) WHERE day <= ?::DATE"
            given = [*given, iso_day(end)]
        largest = facts.largest if amounts else None
        return PurchaseRows(sql=rows, parameters=given, end=end, largest=largest, at_most=facts.rows, refunds=refunds)

    def _refuse_days_to_come(self, connection: Any, latest: int) -> None:
        rows, given = self._rows(None, located=True)
        file, row, day = connection.execute(
            f"SELECT filename, file_row_number + 1, day::VARCHAR FROM ({rows}) WHERE day > ?::DATE "
            "ORDER BY filename, file_row_number LIMIT 1",
            [*given, iso_day(latest)],
        ).fetchall()[0]
        raise DataError(
            f"{file}, row {row}, column {self._names['date']!r}: {day} is in the future (after {iso_day(latest)}). "
            "Correct the date, or pass today= to summarise if this computer's clock is wrong."
        )

    def _check(self, facts: _Facts, amounts: bool) -> None:
        """DataError for rows that cannot be used."""
        if not facts.rows:
            raise DataError(f"{self.path} holds no purchases. Give it at least one row.")
        for ours, number in facts.missing.items():
            if number and (amounts or ours != "amount"):
                raise DataError(f"{self.path}, column {self._names[ours]!r}: {number:,} are missing. {REMEDY}")
        if amounts and (facts.smallest < 0 or not facts.largest < float("inf")):
            negative = float("-inf") < facts.smallest < 0
            what = "negative (a refund?)" if negative else "not a finite number"
            how = "Pass on_refund='apart' or 'net' to summarise or count_histories. " if negative else ""
            raise DataError(f"{self.path}, column {self._names['amount']!r}: an amount is {what}. {how}{REMEDY}")

    def _check_ids(self, ids: pd.Index[Any] | pd.Series[Any]) -> None:
        """The rules of `read_transactions` for ids of text; distinct ids are few, so they are looked at last."""
        if ids.dtype == object:
            refuse_ids(ids, f"{self.path}, column {self._names['customer_id']!r}", REMEDY)

    def check_ids_where_they_lie(self, connection: Any, rows: PurchaseRows) -> None:
        """The same without bringing all ids here."""
        kind = f"SELECT typeof(customer_id) FROM ({rows.sql}) LIMIT 1"
        ((kind,),) = connection.execute(kind, rows.parameters).fetchall()
        if kind == "VARCHAR":
            short = max(map(len, MISSING))
            suspect = f"length(customer_id) <= {short} OR regexp_matches(customer_id, '^\\s|\\s$|\\x00')"
            query = f"SELECT DISTINCT customer_id FROM ({rows.sql}) WHERE {suspect}"
            self._check_ids(text_as_objects(connection.execute(query, rows.parameters).df()["customer_id"]))


@dataclass(frozen=True)
class _Clock:
    """How a file stores its dates: in which zone, and whether to the nanosecond."""

    zone: str | None
    nanoseconds: bool

    @property
    def stated(self) -> bool:
        """Whether the statistics of the file are of the days themselves."""
        return self.zone is None

    def local(self, column: str) -> tuple[str, list[str]]:
        """The time of the column on its own clock, as SQL with its parameters."""
        return (column, []) if self.zone is None else (f"timezone(?, {column})", [self.zone])

    def day(self, column: str) -> tuple[str, list[str]]:
        """The day of the column on its own clock, as SQL with its parameters."""
        local, zone = self.local(column)
        if not self.nanoseconds:
            return f"({local})::DATE", zone
        # DuckDB rounds nanoseconds when it casts, the last of a day into the next; whole numbers are cut here.
        of_day = f"((epoch_ns({local}) % {DAY} + {DAY}) % {DAY})"
        return f"(DATE '1970-01-01' + ((epoch_ns({local}) - {of_day}) // {DAY})::INTEGER)", zone * 2


def _clock(schema: pa.Schema, names: dict[str, str], source: str) -> _Clock:
    """How the dates are stored; DataError when a column has a type that cannot be summarised."""
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
    return _Clock(getattr(kinds["date"], "tz", None), getattr(kinds["date"], "unit", "") == "ns")


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
