"""The customer database: one DuckDB file with a firm's records of its customers."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pandas as pd

from churnsim.data.database.connection import connect
from churnsim.data.database.export import export_table
from churnsim.data.database.loading import MOST_BAD, Added, Rules, load
from churnsim.data.database.open_source import open_source
from churnsim.data.database.pseudonyms import PseudonymKey
from churnsim.data.database.quality import QualityReport, check_quality
from churnsim.data.database.source import Reading
from churnsim.data.database.summary_sql import summarise_database
from churnsim.data.database.tables import TABLES, table_of
from churnsim.data.logs.days import calendar_day
from churnsim.errors import ConfigError, DataError

__all__ = ["CustomerDatabase"]


class CustomerDatabase:
    """Transactions, contacts, complaints, survey answers and subscriptions of a firm's customers, in one file.

    Made if it is not there, unless `read_only`. With a `key` every customer id is replaced by a pseudonym before it is
    written, and nothing the database writes holds the id itself. `files_within` is a directory that the paths given to
    `add` and `export` must lie in. Use it in a ``with`` statement, or `close` it.

    Raises DataError for a file that is no customer database or is open elsewhere, ConfigError for the wrong key.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        key: PseudonymKey | None = None,
        files_within: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self._within = None if files_within is None else Path(files_within)
        self._key = key
        self._connection = connect(self.path, read_only=read_only, key=key)

    def __enter__(self) -> CustomerDatabase:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"CustomerDatabase({str(self.path)!r})"

    def close(self) -> None:
        """Close the file; another process may open it then."""
        self._connection.close()

    def add(
        self,
        source: Any,
        *,
        table: str = "transactions",
        date_format: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        name: str | None = None,
        on_bad: Literal["raise", "set_aside"] = "set_aside",
        most_bad: float = MOST_BAD,
        duplicates: Literal["keep", "set_aside"] = "keep",
        today: str | datetime.date | None = None,
        progress: Callable[[int], None] | None = None,
        columns: Mapping[str, str | None] | None = None,
        **named: str | None,
    ) -> Added:
        """Add records from a file (CSV, Parquet, Excel), a DataFrame (pandas, Polars) or an Arrow table.

        Parameters
        ----------
        table, columns
            Where the records go, and what the source calls its columns, as a mapping or by name:
            ``customer_id="Client no", date="Day"``.
            Columns that are not named go by our name if the source has it; None does without an optional one.
        date_format, decimal, thousands, delimiter, encoding, sheet
            How the source is written. What is not given is found out and reported, or, where the source leaves it open
            (03/04/2025; 1,234; bytes that are not UTF-8), refused with a DataError that says what to pass.
        on_bad, most_bad
            Rows that cannot be used are kept in the table of set-aside rows with file, row and reason; more than the
            share `most_bad` of them, or with ``"raise"`` any, is a DataError and nothing is added.
        duplicates
            Rows that repeat an earlier row in every column: kept and counted by `check`, or set aside.
        today
            The last day a record may have; the present day of this computer unless given.
        progress
            Called with the number of rows read so far.

        The same records added again are recognised by their content, whatever the file is called, and nothing is added.
        All of it is one transaction: after an error, Ctrl-C or a kill the database is as it was. Rules:
        `docs/database.md`.
        """
        held = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())["pseudonym key"]
        if held and self._key is None:
            raise ConfigError(f"{self.path} holds pseudonyms. Open it with key= to add to it.")
        for argument, mark in (("decimal", decimal), ("thousands", thousands), ("delimiter", delimiter)):
            if mark is not None and len(mark) > 1:
                raise ConfigError(f"{argument} must be one character; got {mark!r}.")
        latest = pd.Timestamp.now().normalize() if today is None else calendar_day(today, name="today")
        rules = Rules(latest=latest, on_bad=on_bad, most_bad=most_bad, duplicates=duplicates)
        reading = Reading(
            date_format=date_format,
            decimal=decimal,
            thousands=thousands,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
        )
        records = open_source(source, reading, name=name, within=self._within)
        try:
            return load(
                self._connection,
                records,
                table_of(table),
                columns={**(columns or {}), **named},
                rules=rules,
                key=self._key,
                progress=progress,
            )
        except OSError as error:
            raise DataError(f"{records.name} cannot be read ({error.strerror or error}).") from None

    def check(self) -> QualityReport:
        """What the database holds and what is odd about it, rule by rule, with counts."""
        return check_quality(self._connection)

    def summarise(
        self,
        *,
        unit: str = "W",
        until: str | datetime.date | None = None,
        first_from: str | datetime.date | None = None,
        exchange_rates: Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """Frequency, recency, T and mean repeat spend of every customer, as `churnsim.summarise`, inside the database.

        `first_from`: leave out customers who were seen before that day, because their first purchase in the records
        need not be their first (records that begin in the middle of a firm's life). `exchange_rates`: what one unit
        of each currency is worth in the one wanted, such as ``{"USD": 1, "EUR": 1.08}``; asked for when there are
        several.
        """
        return summarise_database(
            self._connection, unit=unit, until=until, first_from=first_from, exchange_rates=exchange_rates
        )

    def transactions(self) -> pd.DataFrame:
        """The purchases as a log: ``customer_id``, ``date``, ``amount``; for everything that takes a DataFrame.

        Raises DataError when amounts are in several currencies.
        """
        currencies = self._connection.execute("SELECT count(DISTINCT currency) FROM transactions").fetchall()[0][0]
        if currencies > 1:
            raise DataError(f"{self.path} holds {currencies} currencies; their amounts cannot be put into one column.")
        frame: pd.DataFrame = self._connection.execute(
            "SELECT customer_id, date::TIMESTAMP_NS AS date, amount FROM transactions ORDER BY date, customer_id, "
            "amount"
        ).df()
        return frame.drop(columns="amount") if frame["amount"].isna().all() else frame

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables, or ``"set_aside"``, ``"refunds"`` or ``"loads"``, as a DataFrame."""
        if name not in (*TABLES, "set_aside", "refunds", "loads"):
            table_of(name)
        frame: pd.DataFrame = self._connection.execute(f'SELECT * FROM "{name}"').df()
        if name == "loads":
            frame["notes"] = frame["notes"].map(json.loads)
        return frame

    def export(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Write a table (see `table`), or ``"summary"``, to a .csv, .xlsx or .parquet file; returns its path.

        In CSV and Excel, text that a spreadsheet would run as a formula is made plain text by an apostrophe before it.
        """
        frame = self.summarise().reset_index() if name == "summary" else self.table(name)
        return export_table(frame, Path(path), within=self._within, source=self.path)
