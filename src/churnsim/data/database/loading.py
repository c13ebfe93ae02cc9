"""Adding records: whole or not at all, once, with every row that is left out written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.data.database.connection import columns_of, quoted
from churnsim.data.database.pseudonyms import WITHHELD, PseudonymKey
from churnsim.data.database.tables import Table
from churnsim.data.logs.log_rules import currency_column
from churnsim.data.logs.transactions import REPEATS
from churnsim.data.records.kinds import RecordKind
from churnsim.data.records.record_table import RecordTable
from churnsim.data.tabular.order_states import holds_states, said_undone, told_of_undone
from churnsim.data.tabular.row_coercion import LOWERED, TRIMMED, ZONED, column_names, typed_rows
from churnsim.data.tabular.row_errors import SHOWN_ROWS, Flaws
from churnsim.data.tabular.source import Piece, RecordSource, Spelling
from churnsim.data.tabular.table_columns import check_columns
from churnsim.data.tabular.tally import RowRules, Tally
from churnsim.errors import DataError

MOST_BAD = 0.05  # assumed: what one would still call "some bad rows"


@dataclass(frozen=True, kw_only=True)
class Added:
    """What came of one `CustomerDatabase.add`; as text it is a sentence.

    Parameters
    ----------
    table, name
        Where the records went, and what they are called.
    rows, added, set_aside, refunds
        Rows read, and what became of them: the last three add up to the first.
    trimmed_ids, zoned_dates
        Ids that lost white space around them, and dates whose time zone was dropped.
    detected
        What was found out about the source, in words.
    reasons
        Rows set aside by reason, the most frequent first.
    already
        Whether the same records had been added before; then nothing was done.
    lacking
        Columns that the file does not have and without which nothing can be measured from its records.
    without_amounts
        Whether the purchases have no amounts though nobody said so.
    undone
        Rows read as purchases of which a column of states says otherwise, by column and value.
    repeated
        Rows among those added, and refunds, that repeat one of an earlier import in every column.
    """

    table: str
    name: str
    rows: int
    added: int
    set_aside: int
    refunds: int
    trimmed_ids: int
    zoned_dates: int
    detected: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    already: bool = False
    lacking: tuple[str, ...] = ()
    without_amounts: bool = False
    undone: dict[str, dict[str, int]] = field(default_factory=dict)
    repeated: int = 0

    def __str__(self) -> str:
        if self.already:
            return f"{self.name}: already in {self.table}; nothing added."
        parts = [f"{self.name}: {self.added:,} of {self.rows:,} rows added to {self.table}"]
        if self.refunds:
            parts.append(f"{self.refunds:,} refunds (negative amounts) kept apart")
        if self.set_aside:
            why = "; ".join(f"{count:,} {reason}" for reason, count in [*self.reasons.items()][:SHOWN_ROWS] if count)
            parts.append(f"SET ASIDE {self.set_aside:,} rows ({self.set_aside / self.rows:.1%}): {why}")
        parts += [f"no {reason}" for reason, count in self.reasons.items() if not count]
        if self.undone:
            parts.append(told_of_undone(self.undone))
        if self.repeated:
            parts.append(
                f"{self.repeated:,} of the rows kept repeat a row of an earlier import in every column, so that both "
                "count. If the files overlap, erase this import and pass duplicates='set_aside' to add it without them"
            )
        if self.trimmed_ids:
            parts.append(f"{self.trimmed_ids:,} {TRIMMED}")
        if self.zoned_dates:
            parts.append(f"{self.zoned_dates:,} {ZONED}, taken by their own wall clock")
        if self.lacking:
            parts.append(f"there is no column {' or '.join(self.lacking)}: nothing can be measured from these")
        if self.without_amounts:
            parts.append(
                "there is no column 'amount', so that it is taken as a log without amounts. If it has some, erase this "
                "import and name their column by amount=, or those of price and quantity by price= and quantity="
            )
        if self.detected:
            parts.append("read as " + ", ".join(f"{what}: {how}" for what, how in self.detected.items()))
        return ". ".join(parts) + "."


def load(
    connection: Any,
    source: RecordSource,
    table: Table,
    *,
    columns: Mapping[str, str | None],
    rules: RowRules,
    latest: pd.Timestamp,
    refunds: str,
    key: PseudonymKey | None,
    progress: Callable[[int], None] | None = None,
) -> Added:
    """Add the records of `source` to `table` in one transaction. Raises DataError, and then nothing has changed."""
    found = source.columns()
    stated = currency_column(found)
    kind, purchases = table.kind, table.name == "transactions"
    if purchases and stated is not None:
        columns = {"currency": stated, **columns}
    if kind is None:
        names = column_names(table.name, table.columns, columns, found)
    else:
        names = RecordTable.names_of(kind, found, source.name, columns, may_lack=table.may_lack)
    needed = [*names.values(), *rules.leave_out]
    check_columns(found, needed, source=source.name, arguments=list(names), delimiter=source.delimiter)
    states = [name for name in found if name not in needed and holds_states(name)] if purchases else []
    held = names if kind is None else {kind.column(ours).held: theirs for ours, theirs in names.items()}
    checksum = _fingerprint(source, table, held)
    if connection.execute(
        "SELECT 1 FROM loads WHERE table_name = ? AND checksum = ?", [table.name, checksum]
    ).fetchall():
        return Added(
            table=table.name, name=source.name, rows=0, added=0, set_aside=0, refunds=0, trimmed_ids=0, zoned_dates=0,
            already=True,
        )  # fmt: skip
    if kind is not None:
        _check_throughout(connection, source.name, kind, names)
        rows = RecordTable(kind, source, source.name, names, latest=latest, text_ids=True, guests=True)
        # What lacks a column that it needs is no record of its kind yet.
        earlier = records_held(connection, kind).dropna(subset=list(table.may_lack))
        repeats = rules.duplicates == "set_aside"
        rows.check(earlier=earlier, repeats=repeats, ids=None if key is None else key.replace)
        detected = rows.detected
    else:
        kinds = {column.name: column.kind for column in table.columns}
        spelling, detected = source.detected({theirs: str(kinds[ours]) for ours, theirs in names.items()})

    def typer(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
        rules.mark(raw, flaws)
        return typed_rows(
            raw, columns=table.columns, names=names, flaws=flaws, spelling=spelling, latest=latest, text_ids=True,
            negative=refunds == "apart" or not purchases, states=states,
        )  # fmt: skip

    connection.execute("BEGIN")
    try:
        work = _Load(connection, source, table, rules, key)
        pieces = (
            source.pieces(list(dict.fromkeys([*needed, *states])), typer, spelling)
            if kind is None
            else iter([rows.piece(held=True)])
        )
        added = work.run(pieces, held, progress, checksum, detected)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    priced = "amount" in columns or not {"amount", "price"}.isdisjoint(names)
    return replace(added, without_amounts=purchases and not priced)


def records_held(connection: Any, kind: RecordKind) -> pd.DataFrame:
    """The records of a kind by the names that its estimator takes; missing where the file has no such column."""
    held = columns_of(connection, kind.name)
    names = ", ".join(f"{quoted(c.held) if c.held in held else 'NULL'} AS {quoted(c.name)}" for c in kind.columns)
    frame: pd.DataFrame = connection.execute(f'SELECT {names} FROM "{kind.name}"').df()
    return frame


def columns_given(connection: Any, kind: RecordKind) -> list[set[str]]:
    """Of each load of a kind of records that added any, the columns it had, by our names."""
    loads = connection.execute("SELECT notes FROM loads WHERE table_name = ? AND added > 0", [kind.name]).fetchall()
    found = [json.loads(notes)["columns"] for (notes,) in loads]
    return [{column.name for column in kind.columns if column.held in held} for held in found]


def _check_throughout(connection: Any, name: str, kind: RecordKind, names: Mapping[str, str]) -> None:
    """DataError where a column of which a file without it says something else than empty cells do is in this file and
    not in those added before, or the other way round."""
    before = columns_given(connection, kind)
    for column in kind.columns:
        if column.throughout and before and (column.name in names) != (column.name in before[0]):
            has, lack = ("has a", "lack") if column.name in names else ("has no", "have")
            raise DataError(
                f"{name} {has} column {column.name!r}, which the {kind.name} added before {lack}: whether there was "
                "none or it was not recorded could not be told apart. Add files that are alike in this, or use another "
                "database."
            )


def _fingerprint(source: RecordSource, table: Table, names: dict[str, str]) -> str:
    """By what the same records are recognised. One purchase is one, whatever columns it was read by; of a survey each
    question's column may be added by itself."""
    if table.name == "transactions":
        return source.checksum()
    return f"{source.checksum()}:{json.dumps(names, sort_keys=True)}"


class _Load:
    """One load, inside its transaction."""

    def __init__(
        self, connection: Any, source: RecordSource, table: Table, rules: RowRules, key: PseudonymKey | None
    ) -> None:
        self.connection, self.source, self.table, self.rules, self.key = connection, source, table, rules, key
        (self.number,) = connection.execute("SELECT coalesce(max(load_id), 0) + 1 FROM loads").fetchall()[0]
        withheld = None if key is None else WITHHELD
        self.tally = Tally(source=source.name, row_word=source.row_word, rules=rules, withheld=withheld)
        self.refunds = 0

    def run(
        self, pieces: Iterator[Piece], names: dict[str, str], progress: Callable[[int], None] | None, checksum: str,
        detected: dict[str, str],
    ) -> Added:  # fmt: skip
        tally = self.tally
        for piece in pieces:
            good, records, apart = tally.take(piece)
            self._keep(piece.frame if good.all() else piece.frame[good])
            self._put_aside(records)
            for reason, labels in apart.items():
                self._put_aside([{"row": int(row), "column": None, "value": None, "reason": reason} for row in labels])
            if progress is not None:
                progress(tally.rows)
        tally.judge()
        repeats = repeated = 0
        purchases = self.table.name == "transactions"
        if self.rules.duplicates == "set_aside":
            repeats = self._put_duplicates_aside(self.table.name)
            if purchases:
                refunds = self._put_duplicates_aside("refunds")
                self.refunds -= refunds
                repeats += refunds
        elif purchases:
            repeated = self._repeated("transactions") + self._repeated("refunds")
        aside = tally.bad + sum(tally.apart.values()) + repeats
        reasons = {**tally.left_out, **({REPEATS: repeats} if repeats else {})}
        undone = said_undone(tally.states)
        added = Added(
            table=self.table.name, name=self.source.name, rows=tally.rows, added=tally.rows - aside - self.refunds,
            set_aside=aside, refunds=self.refunds, trimmed_ids=tally.trimmed, zoned_dates=tally.zoned,
            detected=detected, reasons=reasons,
            lacking=tuple(name for name in self.table.may_lack if name not in names), undone=undone,
            repeated=repeated,
        )  # fmt: skip
        notes = {
            TRIMMED: tally.trimmed,
            LOWERED: tally.lowered,
            ZONED: tally.zoned,
            "detected": detected,
            "columns": names,
            "reasons": reasons,
            "undone": undone,
        }
        if self.key is not None:
            notes["detected"] = {name: how.split(", by")[0].split(", for")[0] for name, how in detected.items()}
        self.connection.execute(
            "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [self.number, self.table.name, self.source.name, checksum, added.rows, added.added, added.set_aside,
             added.refunds, json.dumps(notes, ensure_ascii=False)],
        )  # fmt: skip
        return added

    def _keep(self, frame: pd.DataFrame) -> None:
        if not len(frame):
            return
        columns = {}
        for column in self.table.columns:
            if column.name not in frame:
                continue
            values = frame[column.name]
            if column.kind == "date":
                # The database holds microseconds: what is finer is cut off here, which DuckDB would round into the
                # next day.
                array = pa.array(values.to_numpy(dtype="datetime64[ns]").astype("datetime64[us]"), from_pandas=True)
            elif column.kind in ("id", "text"):
                array = pa.array(values, from_pandas=True)
            else:
                array = pa.array(values.to_numpy(), from_pandas=True)
            columns[column.name] = self.key.replace(array) if column.kind == "id" and self.key is not None else array
        rows = pa.table(columns)
        into = ", ".join(f'"{name}"' for name in columns)
        self.connection.register("incoming", rows)
        kept = ""
        if self.table.name == "transactions" and "amount" in columns:
            self.refunds += int(np.count_nonzero(frame["amount"].to_numpy() < 0))
            self.connection.execute(
                f"INSERT INTO refunds ({into}, load_id) SELECT {into}, ? FROM incoming WHERE amount < 0", [self.number]
            )
            kept = " WHERE amount >= 0"
        self.connection.execute(
            f'INSERT INTO "{self.table.name}" ({into}, load_id) SELECT {into}, ? FROM incoming{kept}', [self.number]
        )
        # Only after success: a failed transaction takes no further statement, and would hide why it failed.
        self.connection.unregister("incoming")

    def _put_aside(self, records: list[dict[str, Any]]) -> None:
        if not records:
            return
        rows = pa.table(
            {
                "row_number": pa.array([record["row"] for record in records], type=pa.int64()),
                "column_name": pa.array([record["column"] for record in records], type=pa.string()),
                "value": pa.array([_storable(record["value"]) for record in records], type=pa.string()),
                "reason": pa.array([record["reason"] for record in records], type=pa.string()),
            }
        )
        self.connection.register("incoming", rows)
        try:
            self.connection.execute("INSERT INTO set_aside SELECT ?, * FROM incoming", [self.number])
        finally:
            self.connection.unregister("incoming")

    def _repeated(self, table: str) -> int:
        """Rows of this load that are alike in every column to one of an earlier load."""
        same = " AND ".join(
            f'old."{column.name}" IS NOT DISTINCT FROM new."{column.name}"'
            for column in self.table.columns
            if column.stored
        )
        ((count,),) = self.connection.execute(
            f"""SELECT count(*) FROM "{table}" AS new WHERE load_id = ? AND EXISTS
                (SELECT 1 FROM "{table}" AS old WHERE old.load_id <> new.load_id AND {same})""",
            [self.number],
        ).fetchall()
        return int(count)

    def _put_duplicates_aside(self, table: str) -> int:
        """Rows that repeat an earlier one in every column, of this load or another, leave the table; how many."""
        same = ", ".join(f'"{column.name}"' for column in self.table.columns if column.stored)
        self.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE repeats AS
                SELECT place FROM (SELECT rowid AS place, load_id,
                    row_number() OVER (PARTITION BY {same} ORDER BY load_id, rowid) AS number FROM "{table}")
                WHERE number > 1 AND load_id = ?""",
            [self.number],
        )
        ((count,),) = self.connection.execute("SELECT count(*) FROM repeats").fetchall()
        self.connection.execute("INSERT INTO set_aside SELECT ?, 0, NULL, NULL, ? FROM repeats", [self.number, REPEATS])
        self.connection.execute(f'DELETE FROM "{table}" WHERE rowid IN (SELECT place FROM repeats)')
        self.connection.execute("DROP TABLE repeats")
        return int(count)


def _storable(value: object) -> str | None:
    return None if value is None else str(value).encode("utf-8", "replace").decode()
