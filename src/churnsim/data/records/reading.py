"""A firm's own records from a file, a frame or the customer database: where they are checked, once."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from churnsim.checks import check_kind
from churnsim.data.logs.days import calendar_day
from churnsim.data.logs.log_rules import LogRecord
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.logs.transactions import REPEATS
from churnsim.data.records.kinds import RecordKind, record_kind
from churnsim.data.records.record_table import RecordTable
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.row_coercion import TRIMMED, ZONED
from churnsim.data.tabular.source import FileFormat, Piece, RecordSource
from churnsim.data.tabular.tally import OnBad, RowRules, Tally
from churnsim.errors import DataError

MOST_BAD = 0.5  # assumed: as of a log of purchases


def read_records(
    kind: Literal["contacts", "spend", "complaints", "referrals", "win_backs", "offers"],
    source: Any,
    *,
    columns: Mapping[str, str | None] | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    detect: bool = True,
    on_bad: OnBad = "raise",
    most_bad: float = MOST_BAD,
    duplicates: Literal["keep", "set_aside"] = "keep",
    purchases: Any = None,
    today: str | datetime.date | None = None,
    **named: str | None,
) -> pd.DataFrame:
    """Read a firm's own records of one kind, as the estimators of `churnsim.evidence` take them.

    Parameters
    ----------
    kind : str
        "contacts", "spend", "complaints", "referrals", "win_backs" or "offers"; the columns of each stand in
        docs/own-records.md.
    source : path, DataFrame, Arrow table or CustomerDatabase
        A CSV (``.csv .txt .tsv``, also ``.gz``), Parquet or Excel file, a table, or the database that holds them.
    columns : mapping, optional
        What the source calls our columns, as a mapping or by name: ``at="Sent on"``. Those not named go by our name or
        by another under which they are known (``date`` for ``at``), whatever its case; None does without an optional
        one. Columns that are not asked for are ignored.
    date_format, decimal, thousands, delimiter, encoding, sheet, detect
        How the file is written, found out where not given, see `read_transactions`.
    on_bad : {"raise", "set_aside"}
        Whether any bad row is an error, or bad rows are left out, counted and listed.
    most_bad : float
        The largest share of rows that may be set aside; more of them are an error all the same.
    duplicates : {"keep", "set_aside"}
        What becomes of rows that repeat an earlier row in every column. Of kinds with one row to each contact,
        referral, renewal or channel and period a repeated row is a bad one, unless it is set aside here.
    purchases : DataFrame, CustomerDatabase or ParquetLog, optional
        The purchases of the same customers: a row about somebody without one is then a bad row.
    today : str or date, optional
        The last day a record may have; the present day of this computer unless given.

    Returns
    -------
    DataFrame
        The columns of the kind that the source has, by our names: days as datetime64[ns], numbers as floats, ids as in
        the purchases (`read_transactions`). ``.attrs["reading"]`` is a `LogRecord`: rows read, rows left out by reason,
        what was found out about the file. ``.attrs["set_aside"]`` lists the bad rows: `row`, `column`, `value` and
        `reason`.

    Raises
    ------
    DataError
        One error for everything wrong, which names source, row, value and what to do.
    ConfigError
        An argument is impossible.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "contacts.csv"
    >>> _ = path.write_text("Kunde;Date;Arm;Cost\\n7;25.03.2024;mail;0,55\\n8;25.03.2024;control;0,00\\n")
    >>> contacts = read_records("contacts", path, customer_id="Kunde")
    >>> contacts["at"].dt.date.astype(str).tolist(), contacts["cost"].tolist()
    (['2024-03-25', '2024-03-25'], [0.55, 0.0])
    """
    of = record_kind(kind)
    rules = RowRules(on_bad=on_bad, most_bad=most_bad, duplicates=duplicates)
    form = FileFormat(
        date_format=date_format, decimal=decimal, thousands=thousands, delimiter=delimiter, encoding=encoding,
        sheet=sheet, detect=detect,
    )  # fmt: skip
    if columns is not None:
        check_kind(columns, "columns", Mapping, "a mapping from our columns to the source's")
    latest = None if today is None else calendar_day(today, name="today")
    table, records = _read(of, source, form, {**(columns or {}), **named}, latest=latest)
    aside = duplicates == "set_aside"
    if purchases is not None:
        table.refuse_strangers(purchase_days(purchases).ids)
    table.check(repeats=aside)
    tally = Tally(source=table.where, row_word=table.raw.row_word, rules=rules)
    good, bad, _ = tally.take(Piece(frame=table.frame, flaws=table.flaws, labels=table.raw.labels))
    tally.judge(of.name)
    frame = table.plain_ids(table.frame[good])
    left_out = tally.left_out
    if aside and (repeats := frame.duplicated().to_numpy()).any():
        frame, left_out = frame[~repeats], {**left_out, REPEATS: int(repeats.sum())}
    frame = frame[[name for name in frame if name in table.given]].reset_index(drop=True)
    before = table.read_before
    record = LogRecord(
        source=records.name, checksum=records.checksum(), rows=tally.rows + sum(before.values()), used=len(frame),
        left_out=dict(Counter(before) + Counter(left_out)), refunded=0.0, trimmed_ids=table.frame.attrs[TRIMMED],
        zoned_dates=table.frame.attrs[ZONED], detected=table.detected, currency=None,
    )  # fmt: skip
    frame.attrs = {"reading": record, "set_aside": bad}
    return frame


def record_table(kind: str, source: Any) -> RecordTable:
    """The records that an estimator is given, of which it may refuse more rows."""
    return _read(record_kind(kind), source, FileFormat(), {}, latest=None, by_name=False)[0].check()


def _read(
    kind: RecordKind, source: Any, form: FileFormat, given: Mapping[str, str | None], *, latest: pd.Timestamp | None,
    by_name: bool = True,
) -> tuple[RecordTable, RecordSource]:  # fmt: skip
    held, name = getattr(source, "records", None), f"the {kind.name.replace('_', '-')}"
    if callable(held):
        # They were checked when they were added, the days among them.
        source, name, latest = held(kind.name), str(source.path), pd.Timestamp.max.normalize()
    wanted = [theirs for theirs in given.values() if isinstance(theirs, str)]
    records = open_source(source, form, wanted=wanted, arguments=(), name=name)
    where = str(source) if isinstance(source, str | os.PathLike) else records.name
    try:
        table = RecordTable.read(
            kind, records, where=where, columns=given,
            latest=pd.Timestamp.now().normalize() if latest is None else latest, by_name=by_name,
        )  # fmt: skip
        if isinstance(source, pd.DataFrame) and "reading" in source.attrs:
            table.read_before = dict(source.attrs["reading"]["left_out"])
        return table, records
    except OSError as error:
        raise DataError(f"{where} cannot be read ({error.strerror or error}).") from None
