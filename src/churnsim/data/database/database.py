"""The customer database: one DuckDB file with a firm's records of its customers."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pandas as pd

from churnsim.checks import check_choice, check_kind, typed
from churnsim.data.database.connection import columns_of, connect
from churnsim.data.database.erasure import Erased, erase_customer, undo_import
from churnsim.data.database.export import export_table
from churnsim.data.database.loading import MOST_BAD, Added, columns_given, load, records_held
from churnsim.data.database.pseudonyms import PseudonymKey
from churnsim.data.database.quality import QualityReport, check_quality
from churnsim.data.database.tables import TABLES, table_of
from churnsim.data.logs.days import calendar_day, iso_day, past_day
from churnsim.data.logs.log_rules import REFUND_CHOICES, LogRecord, Refunds, exchange_factors
from churnsim.data.logs.transactions import refined_log
from churnsim.data.records.kinds import record_kind
from churnsim.data.summaries.summary_query import PurchaseRows, in_currency, refunds_dealt_with, summary_of
from churnsim.data.tabular.columns import text_as_objects
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.order_states import add_states
from churnsim.data.tabular.row_coercion import TRIMMED, ZONED, required_columns
from churnsim.data.tabular.row_errors import SetAside
from churnsim.data.tabular.source import FileFormat
from churnsim.data.tabular.tally import OnBad, RowRules
from churnsim.errors import ConfigError, DataError, interruptible
from churnsim.units import check_unit


@contextmanager
def rows_of_database(
    connection: Any,
    *,
    until: str | date | None,
    first_from: str | date | None,
    exchange_rates: Mapping[str, float] | None,
    today: object | None,
    refunds: Literal["apart", "net"],
) -> Iterator[PurchaseRows]:
    """The purchases for a summary, see `CustomerDatabase.summarise`."""
    last, rows, with_amount, largest = connection.execute(
        "SELECT max(date)::DATE - DATE '1970-01-01', count(*), count(amount), max(amount) FROM transactions"
    ).fetchall()[0]
    if not rows:
        raise DataError("the database holds no transactions. Add some first.")
    amounts = with_amount == rows  # where some purchases have no amount, no mean of them would be right
    returned = amounts and connection.execute("SELECT count(*) FROM refunds").fetchall()[0][0]
    columns = "customer_id, date, amount, currency"
    source = f"SELECT {columns} FROM transactions" + (f" UNION ALL SELECT {columns} FROM refunds" if returned else "")
    factors = None
    if amounts:
        found = connection.execute(f"SELECT DISTINCT currency FROM ({source})").fetchall()
        factors = exchange_factors([name for (name,) in found], exchange_rates)
        largest *= max(factors.values()) if factors else 1.0
    amount, given = in_currency("amount", "currency", factors)
    value = f", {amount} AS amount" if amounts else ""
    purchases = f"SELECT customer_id, date::DATE AS day, date::TIMESTAMP_NS AS time{value} FROM ({source})"
    told = None
    with ExitStack() as stack:
        if returned:
            purchases, told = stack.enter_context(refunds_dealt_with(connection, purchases, given, refunds))
            last = connection.execute(f"SELECT max(day) - DATE '1970-01-01' FROM ({purchases})", given).fetchall()[0][0]
            if last is None:
                raise DataError("no purchase is left to use: all were refunded in full.")
        end = int(last) if until is None else past_day(until, name="until", today=today)
        conditions, parameters = ["day <= ?::DATE"], [*given, iso_day(end)]
        if first_from is not None:
            conditions.append(f"customer_id NOT IN (SELECT customer_id FROM ({purchases}) WHERE day < ?::DATE)")
            parameters += [*given, iso_day(past_day(first_from, name="first_from", today=today))]
        yield PurchaseRows(
            sql=f"SELECT customer_id, day{', amount' if amounts else ''} FROM ({purchases}) "
            f"WHERE {' AND '.join(conditions)}",
            parameters=parameters, end=end, largest=largest if amounts else None, at_most=rows, refunds=told,
        )  # fmt: skip


MOST_LISTED = 1000  # rows set aside that a log carries along, one by one


class CustomerDatabase:
    """A firm's records of its customers in one file: transactions, contacts, spending on new customers, complaints,
    referrals, win-backs, offers, survey answers and subscriptions.

    Use it in a ``with`` statement, or `close` it.

    Parameters
    ----------
    path : str or path
        The file, made if it is not there.
    read_only : bool
        Whether the file must be there and stays as it is.
    key : PseudonymKey, optional
        Every customer id is replaced by a pseudonym before it is written, and nothing the database writes holds the id
        itself.
    files_within : str or path, optional
        The directory that the paths given to `add` and `export` must lie in.

    Raises DataError for a file that is no customer database or is open elsewhere, ConfigError for the wrong key.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "customers.db"
    >>> with churnsim.data.CustomerDatabase(path) as db:
    ...     print(db.add(churnsim.datasets.cdnow(), name="cdnow"))
    ...     len(db.summarise(until="1997-09-30"))
    cdnow: 6,919 of 6,919 rows added to transactions.
    2357
    """

    @typed
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
        self._connection = connect(self.path, read_only=bool(read_only), key=key)

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
        detect: bool = True,
        name: str | None = None,
        on_bad: OnBad = "set_aside",
        most_bad: float = MOST_BAD,
        guests: Literal["refuse", "apart"] = "refuse",
        refunds: Literal["refuse", "apart"] = "apart",
        duplicates: Literal["keep", "set_aside"] = "keep",
        leave_out: Mapping[str, Sequence[str]] | None = None,
        today: str | datetime.date | None = None,
        progress: Callable[[int], None] | None = None,
        columns: Mapping[str, str | None] | None = None,
        **named: str | None,
    ) -> Added:
        """Add records from a file (CSV, Parquet, Excel), a DataFrame (pandas, Polars) or an Arrow table.

        Parameters
        ----------
        table, columns
            Where the records go ("transactions", "contacts", "spend", "complaints", "referrals", "win_backs", "offers",
            "survey_answers", "subscriptions"), and what the source calls its columns, as a mapping or by name:
            ``customer_id="Client no", date="Day"``. Columns that are not named go by our name if the source has it;
            None does without an optional one. Of transactions, ``price`` and ``quantity`` may be named in place of
            ``amount``, which is then their product, and ``refunded``, what was given back of it.
        date_format, decimal, thousands, delimiter, encoding, sheet, detect
            How the source is written, see `read_transactions`. What is not given is found out and reported, or, where
            the source leaves it open (03/04/2025; 1,234; bytes that are not UTF-8), refused with a DataError that says
            what to pass.
        name
            What a DataFrame or table is called in the list of loads; a file goes by its own name.
        on_bad, most_bad
            Rows that cannot be used are kept in the table of set-aside rows with file, row and reason; more than the
            share `most_bad` of them, or with ``"raise"`` any, is a DataError and nothing is added.
        guests
            Whether a row without a customer id is one that cannot be used (``"refuse"``) or is set aside as a guest's,
            however many there are (``"apart"``).
        refunds
            Whether negative amounts are kept apart, in a table of their own, or rows that cannot be used.
        duplicates
            Rows that repeat an earlier row in every column: kept and counted by `check`, or set aside.
        leave_out
            Of transactions: columns that say of a row that it is no purchase, with the values that say so, as
            ``{"Status": ["void"]}``. Such rows are set aside, however many there are.
        today
            The last day a record may have; the present day of this computer unless given.
        progress
            Called with the number of rows read so far.

        The same records added again are recognised by their content, whatever the file is called, and nothing is added.
        All of it is one transaction: after an error, Ctrl-C or a kill the database is as it was. Rules:
        `docs/database.md`.
        """
        key = self._key_of_ids()
        check_choice(refunds, "refunds", ("refuse", "apart"))
        where = table_of(table)
        rules = RowRules(
            on_bad=on_bad, most_bad=most_bad, guests=guests, duplicates=duplicates,
            leave_out={} if leave_out is None else leave_out,
        )  # fmt: skip
        if rules.leave_out and where.name != "transactions":
            raise ConfigError(f"leave_out is for transactions; take such rows out of the {where.name} first.")
        if columns is not None:
            check_kind(columns, "columns", Mapping, "a mapping from our columns to the source's")
        given = {**(columns or {}), **named}
        form = FileFormat(
            date_format=date_format, decimal=decimal, thousands=thousands, delimiter=delimiter, encoding=encoding,
            sheet=sheet, detect=detect,
        )  # fmt: skip
        records = open_source(
            source, form, wanted=required_columns(where.columns if where.kind is None else (), given), name=name,
            within=self._within,
        )  # fmt: skip
        try:
            with interruptible():
                return load(
                    self._connection,
                    records,
                    where,
                    columns=given,
                    rules=rules,
                    latest=pd.Timestamp.now().normalize() if today is None else calendar_day(today, name="today"),
                    refunds=refunds,
                    key=key,
                    progress=progress,
                )
        except OSError as error:
            raise DataError(f"{records.name} cannot be read ({error.strerror or error}).") from None

    @typed
    def erase(self, customer: str | int, *, dry_run: bool = False) -> Erased:
        """Take out all rows in which a customer is named, purchases, refunds and set-aside values included.

        A file that was added before adds nothing when it is added again, so that the customer does not come back with
        it. All of it is one transaction. DuckDB may keep what was deleted in free space of the file until it is written
        over; where that matters, export the tables and add them to a new file.

        Parameters
        ----------
        customer : str or int
            The id as the firm writes it. A database of pseudonyms must be open with its key.
        dry_run : bool
            Only count what would be erased.

        Returns
        -------
        Erased
            How many rows of which table; none is no error.

        Examples
        --------
        >>> import tempfile, pathlib, churnsim
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "customers.db"
        >>> with churnsim.data.CustomerDatabase(path) as db:
        ...     _ = db.add(churnsim.datasets.cdnow(), name="cdnow")
        ...     print(db.erase(111, dry_run=True))
        ...     print(db.erase(111))
        ...     print(db.erase(111))
        customer '111': 3 of transactions would be erased.
        customer '111': 3 of transactions were erased.
        customer '111': there is no row to erase.
        """
        written = str(customer).strip()
        key = self._key_of_ids()
        held_as = written if key is None else key.pseudonym(written)
        with interruptible():
            return erase_customer(self._connection, written, held_as=held_as, dry_run=dry_run)

    @typed
    def undo(self, checksum: str, *, dry_run: bool = False) -> Erased:
        """Take out what one import brought, as if it had never been added.

        Parameters
        ----------
        checksum : str
            That of the import in the table ``"loads"``, or its first eight characters or more.
        dry_run : bool
            Only count what would be taken out.

        Returns
        -------
        Erased
            How many rows of which table. Raises DataError where not just one import has such a checksum.
        """
        with interruptible():
            return undo_import(self._connection, checksum, dry_run=dry_run)

    def _key_of_ids(self) -> PseudonymKey | None:
        """What makes pseudonyms of ids where the database holds them; ConfigError where it is not known."""
        held = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())["pseudonym key"]
        if held and self._key is None:
            raise ConfigError(f"{self.path} holds pseudonyms. Open it with key=.")
        return self._key

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
        refunds: Refunds = "apart",
        today: str | datetime.date | None = None,
    ) -> pd.DataFrame:
        """Frequency, recency, T and mean repeat spend of every customer, as `churnsim.summarise`, inside the database.

        Parameters
        ----------
        unit, until, today
            As in `churnsim.summarise`; days to come are refused when records are added.
        first_from
            Leave out customers who were seen before that day, because their first purchase in the records need not be
            their first (records that begin in the middle of a firm's life).
        exchange_rates
            What one unit of each currency is worth in the one wanted, such as ``{"USD": 1, "EUR": 1.08}``; asked for
            when there are several.
        refunds
            Whether refunds stay apart or are taken off the purchases before them, see `read_transactions`; to net them
            the purchases of customers with refunds are read into memory.
        """
        check_unit(unit)
        with self.purchase_rows(until, today, refunds, first_from=first_from, exchange_rates=exchange_rates) as (
            _,
            rows,
        ):
            return summary_of(self._connection, rows, unit)

    @contextmanager
    def purchase_rows(
        self,
        until: str | datetime.date | None,
        today: object | None,
        on_refund: Refunds = "apart",
        *,
        first_from: str | datetime.date | None = None,
        exchange_rates: Mapping[str, float] | None = None,
    ) -> Iterator[tuple[Any, PurchaseRows]]:
        """The connection, and the purchases up to `until` for it; refunds are kept apart where they are refused."""
        check_choice(on_refund, "refunds", REFUND_CHOICES)
        rows = rows_of_database(
            self._connection, until=until, first_from=first_from, exchange_rates=exchange_rates, today=today,
            refunds="net" if on_refund == "net" else "apart",
        )  # fmt: skip
        with interruptible(), rows as checked:
            yield self._connection, checked

    def transactions(
        self,
        *,
        refunds: Literal["apart", "net"] = "apart",
        exchange_rates: Mapping[str, float] | None = None,
        first_from: str | datetime.date | None = None,
        amounts: bool = True,
    ) -> pd.DataFrame:
        """The purchases as a log, for everything that takes a DataFrame: what a study reads of a database.

        Parameters
        ----------
        refunds : {"apart", "net"}
            Whether refunds are left out, or taken off the customer's purchases before them (see `read_transactions`).
        exchange_rates : mapping of str to float, optional
            What one unit of each currency is worth in the one wanted; needed when there are several.
        first_from : str or date, optional
            Leave out customers whose first purchase is before this day.
        amounts : bool
            Without them the log has no amounts, whatever currencies they are in.

        Returns
        -------
        DataFrame
            ``customer_id`` (text), ``date``, and ``amount`` where every purchase has one, in the order of the dates.
            ``.attrs["reading"]`` is a `LogRecord` of all loads: rows read, rows left out by reason; its checksum is
            that of the records, whatever file they lie in. ``.attrs["set_aside"]`` lists the first 1,000 rows that
            could not be used.

        Raises DataError for an empty database, and for amounts in several currencies without `exchange_rates`.

        Examples
        --------
        >>> import tempfile, pathlib, pandas as pd, churnsim
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "customers.db"
        >>> with churnsim.data.CustomerDatabase(path) as db:
        ...     _ = db.add(pd.DataFrame({"customer_id": [7, 7], "date": ["2024-01-05", "2024-02-05"],
        ...                              "amount": [10.0, -4.0]}))
        ...     log = db.transactions(refunds="apart")
        >>> log["amount"].tolist(), log.attrs["reading"]["left_out"]
        ([10.0], {'refunds (negative amounts)': 1})
        """
        check_choice(refunds, "refunds", ("apart", "net"))
        columns = "customer_id, date::TIMESTAMP_NS AS date" + (", amount, currency" if amounts else "")
        log: pd.DataFrame = self._connection.execute(
            f"SELECT {columns}, false AS refund FROM transactions UNION ALL SELECT {columns}, true FROM refunds"
        ).df()
        if not len(log):
            raise DataError(f"{self.path} holds no transactions. Add some first.")
        back = log.pop("refund").to_numpy(dtype=bool)
        log["customer_id"] = text_as_objects(log["customer_id"])
        # The order of the rows of a database is nothing to go by.
        by = ["date", "customer_id", *log.columns[2:]]
        order = log.sort_values(by, kind="stable").index.to_numpy()
        log, back = log.iloc[order].reset_index(drop=True), back[order]
        if amounts and log["amount"][~back].isna().any():
            amounts = False
        if not amounts:
            log = log.drop(columns=["amount", "currency"], errors="ignore")
        record = self._reading()
        if not amounts and back.any():
            log = log[~back]
            record["left_out"]["refunds (negative amounts)"] = int(back.sum())
        elif amounts and log["currency"].isna().all():
            log = log.drop(columns="currency")
        log = refined_log(log, record, refunds=refunds, exchange_rates=exchange_rates, first_from=first_from)
        aside = self._connection.execute(
            """SELECT row_number AS row, column_name AS column, value, reason FROM set_aside JOIN loads USING (load_id)
               WHERE table_name = 'transactions'
               AND (column_name IS NOT NULL OR value IS NOT NULL) ORDER BY load_id, row_number LIMIT ?""",
            [MOST_LISTED],
        ).df()
        log.attrs["set_aside"] = SetAside(aside.astype(object).where(aside.notna(), None).to_dict("records"))
        return log

    def log_checksums(self, table: str = "transactions") -> list[str]:
        """The checksum of the records of a table as it was before its first import and after each one."""
        loads = self._connection.execute(
            "SELECT checksum, notes FROM loads WHERE table_name = ? ORDER BY load_id", [table]
        ).fetchall()
        # An import of which something was erased holds other records than its file. Their order says nothing.
        held = [(checksum, json.loads(notes).get("erased", "")) for checksum, notes in loads]
        return [
            hashlib.sha256("".join(a + b for a, b in sorted(held[:count])).encode()).hexdigest()
            for count in range(len(held) + 1)
        ]

    def _reading(self, table: str = "transactions") -> LogRecord:
        """What all loads of a table together read and left out."""
        loads = self._connection.execute(
            "SELECT rows, notes FROM loads WHERE table_name = ? ORDER BY checksum", [table]
        ).fetchall()
        notes = [json.loads(text) for _, text in loads]
        reasons = self._connection.execute(
            """SELECT reason, count(*) FROM set_aside JOIN loads USING (load_id) WHERE table_name = ?
               GROUP BY reason ORDER BY 2 DESC, 1""",
            [table],
        ).fetchall()
        return LogRecord(
            source=self.path.name,
            checksum=self.log_checksums(table)[-1],
            rows=sum(rows for rows, _ in loads),
            used=0,
            left_out=dict(reasons),
            refunded=0.0,
            trimmed_ids=sum(note.get(TRIMMED, 0) for note in notes),
            zoned_dates=sum(note.get(ZONED, 0) for note in notes),
            detected={},
            currency=None,
            undone=reduce(add_states, (note.get("undone", {}) for note in notes), {}),
        )

    def records(self, kind: str) -> pd.DataFrame:
        """A firm's own records of a kind, as `churnsim.data.read_records` and the estimators take them.

        Parameters
        ----------
        kind : str
            "contacts", "spend", "complaints", "referrals", "win_backs" or "offers".

        Returns
        -------
        DataFrame
            The columns of the kind (docs/own-records.md) that the files had, by day. ``.attrs["reading"]`` is a
            `LogRecord` of all loads. Raises DataError where none were added.
        """
        of = record_kind(kind)
        given = set().union(*columns_given(self._connection, of))
        if not given:
            raise DataError(f"{self.path} holds no {of.name.replace('_', '-')}. Add some first.")
        names = [column.name for column in of.columns]
        days = [column.name for column in of.columns if column.kind == "date"]
        frame = records_held(self._connection, of)
        frame = frame.sort_values([*days, *(name for name in names if name not in days)], ignore_index=True)
        frame = frame[[name for name in names if name in given or not of.column(name).optional]]
        frame.attrs["reading"] = self._reading(of.name)
        return frame

    def contacts(self) -> pd.DataFrame:
        """The firm's contacts with its customers, one row each: ``customer_id, date, channel, cost``, by date."""
        return self._records("contacts", "date")[["customer_id", "date", "channel", "cost"]]

    def complaints(self) -> pd.DataFrame:
        """Complaints, one row each: ``customer_id, date, reason, answered`` (when; empty where it was not), by
        date."""
        return self._records("complaints", "date")[["customer_id", "date", "reason", "answered"]]

    def survey_answers(self) -> pd.DataFrame:
        """Answers to surveys, one row each: ``customer_id, date, question, answer``, by date."""
        return self._records("survey_answers", "date")

    def subscriptions(self) -> pd.DataFrame:
        """Subscriptions, one row each: ``customer_id, start, end`` (empty while it runs) and ``price``, by start."""
        return self._records("subscriptions", "start")

    def _records(self, name: str, when: str) -> pd.DataFrame:
        frame = self.table(name).drop(columns="load_id")
        order = [when, *(column for column in frame.columns if column != when)]
        return frame.sort_values(order, kind="stable", ignore_index=True)

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables, or ``"set_aside"``, ``"refunds"`` or ``"loads"``, as a DataFrame."""
        if not isinstance(name, str) or name not in ("set_aside", "refunds", "loads"):
            table_of(name)
        if name in TABLES and not columns_of(self._connection, name):  # a file of an earlier version, only read
            return pd.DataFrame(columns=[*(column.name for column in TABLES[name].columns), "load_id"])
        frame: pd.DataFrame = self._connection.execute(f'SELECT * FROM "{name}"').df()
        if name == "loads":
            frame["notes"] = frame["notes"].map(json.loads)
        return frame

    def export(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Write a table (see `table`), or ``"summary"``, to a .csv, .xlsx or .parquet file; returns its path.

        In CSV and Excel, text that a spreadsheet would run as a formula is made plain text by an apostrophe before it.
        """
        frame = self.summarise().reset_index() if name == "summary" else self.table(name)
        frame.attrs.pop("refunds", None)  # they have a table of their own
        return export_table(frame, Path(path), within=self._within, source=self.path)
