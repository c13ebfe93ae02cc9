"""Adding records: whole or not at all, once, with every row that is left out written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.data.database.pseudonyms import WITHHELD, PseudonymKey
from churnsim.data.database.row_coercion import TRIMMED, ZONED, typed_rows
from churnsim.data.database.source import Piece, Source, Spelling
from churnsim.data.database.tables import Table, column_names
from churnsim.data.tabular.row_errors import SHOWN_ROWS, Flaws
from churnsim.data.tabular.table_columns import check_columns
from churnsim.errors import ConfigError, DataError

__all__ = ["Added", "Rules", "load"]

MOST_BAD = 0.05  # assumed: what one would still call "some bad rows"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What becomes of rows that cannot be used or are there already."""

    latest: pd.Timestamp
    on_bad: Literal["raise", "set_aside"] = "set_aside"
    most_bad: float = MOST_BAD
    duplicates: Literal["keep", "set_aside"] = "keep"

    def __post_init__(self) -> None:
        if self.on_bad not in ("raise", "set_aside"):
            raise ConfigError(f"on_bad must be 'raise' or 'set_aside'; got {self.on_bad!r}.")
        if self.duplicates not in ("keep", "set_aside"):
            raise ConfigError(f"duplicates must be 'keep' or 'set_aside'; got {self.duplicates!r}.")
        if not 0 <= self.most_bad <= 1:
            raise ConfigError(f"most_bad must be a share between 0 and 1; got {self.most_bad!r}.")


@dataclass(frozen=True, kw_only=True)
class Added:
    """What came of one `add`. `already` says that the same records had been added before, and nothing was done."""

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

    def __str__(self) -> str:
        if self.already:
            return f"{self.name}: already in {self.table}; nothing added."
        parts = [f"{self.name}: {self.added:,} of {self.rows:,} rows added to {self.table}"]
        if self.refunds:
            parts.append(f"{self.refunds:,} refunds (negative amounts) kept apart")
        if self.set_aside:
            why = "; ".join(f"{count:,} {reason}" for reason, count in list(self.reasons.items())[:SHOWN_ROWS])
            parts.append(f"SET ASIDE {self.set_aside:,} rows ({self.set_aside / self.rows:.1%}): {why}")
        if self.trimmed_ids:
            parts.append(f"{self.trimmed_ids:,} {TRIMMED}")
        if self.zoned_dates:
            parts.append(f"{self.zoned_dates:,} {ZONED}, taken by their own wall clock")
        if self.detected:
            parts.append("read as " + ", ".join(f"{what}: {how}" for what, how in self.detected.items()))
        return ". ".join(parts) + "."


def load(
    connection: Any,
    source: Source,
    table: Table,
    *,
    columns: dict[str, str | None],
    rules: Rules,
    key: PseudonymKey | None,
    progress: Callable[[int], None] | None = None,
) -> Added:
    """Add the records of `source` to `table` in one transaction. Raises DataError, and then nothing has changed."""
    given = [name for name in columns.values() if name is not None]
    wanted = getattr(source, "wanted", None)
    if wanted is not None:
        required = [columns.get(c.name) or c.name for c in table.columns if not c.optional]
        wanted(list(dict.fromkeys([*required, *given])))
    found = source.columns()
    names = column_names(table, columns, found)
    check_columns(found, list(names.values()), source=source.name, arguments=list(names), delimiter=_delimiter(source))
    checksum = _fingerprint(source, table, names)
    if connection.execute(
        "SELECT 1 FROM loads WHERE table_name = ? AND checksum = ?", [table.name, checksum]
    ).fetchall():
        return Added(
            table=table.name, name=source.name, rows=0, added=0, set_aside=0, refunds=0, trimmed_ids=0, zoned_dates=0,
            already=True,
        )  # fmt: skip
    kinds = {column.name: column.kind for column in table.columns}
    detected = source.detected(names, {name: str(kind) for name, kind in kinds.items()})

    def typer(raw: pd.DataFrame, flaws: Flaws, spelling: Spelling) -> pd.DataFrame:
        return typed_rows(raw, table=table, names=names, flaws=flaws, spelling=spelling, latest=rules.latest)

    connection.execute("BEGIN")
    try:
        added = _Load(connection, source, table, rules, key).run(names, typer, progress, checksum, detected)
        connection.execute("COMMIT")
    except BaseException as error:
        connection.execute("ROLLBACK")
        # Ctrl-C while DuckDB is at work arrives as an error of its own, without a type of its own.
        if isinstance(error, RuntimeError) and "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
    return added


def _fingerprint(source: Source, table: Table, names: dict[str, str]) -> str:
    """By what the same records are recognised. One purchase is one, whatever columns it was read by; of a survey each
    question's column may be added by itself."""
    if table.name == "transactions":
        return source.checksum()
    return f"{source.checksum()}:{json.dumps(names, sort_keys=True)}"


class _Load:
    """One load, inside its transaction."""

    def __init__(self, connection: Any, source: Source, table: Table, rules: Rules, key: PseudonymKey | None) -> None:
        self.connection, self.source, self.table, self.rules, self.key = connection, source, table, rules, key
        (self.number,) = connection.execute("SELECT coalesce(max(load_id), 0) + 1 FROM loads").fetchall()[0]
        self.rows = self.bad = self.refunds = self.trimmed = self.zoned = 0
        self.first: list[dict[str, Any]] = []
        self.remedies: dict[str, None] = {}
        self.reasons: dict[str, int] = {}

    def run(
        self, names: dict[str, str], typer: Any, progress: Callable[[int], None] | None, checksum: str,
        detected: dict[str, str],
    ) -> Added:  # fmt: skip
        for piece in self.source.pieces(names, typer):
            self._keep(piece)
            self._put_aside(piece)
            if progress is not None:
                progress(self.rows)
        self._judge()
        if self.rules.duplicates == "set_aside" and self.table.name == "transactions":
            self._put_duplicates_aside()
        added = Added(
            table=self.table.name, name=self.source.name, rows=self.rows, added=self.rows - self.bad - self.refunds,
            set_aside=self.bad, refunds=self.refunds, trimmed_ids=self.trimmed, zoned_dates=self.zoned,
            detected=detected, reasons=dict(sorted(self.reasons.items(), key=lambda item: -item[1])),
        )  # fmt: skip
        notes = {TRIMMED: self.trimmed, ZONED: self.zoned, "detected": detected, "columns": names}
        if self.key is not None:
            notes["detected"] = {name: how.split(", by")[0].split(", for")[0] for name, how in detected.items()}
        self.connection.execute(
            "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [self.number, self.table.name, self.source.name, checksum, added.rows, added.added, added.set_aside,
             added.refunds, json.dumps(notes, ensure_ascii=False)],
        )  # fmt: skip
        return added

    def _keep(self, piece: Piece) -> None:
        frame, good = piece.frame, piece.flaws.good
        self.rows += len(frame)
        self.trimmed += frame.attrs[TRIMMED]
        self.zoned += frame.attrs[ZONED]
        if piece.flaws.count:
            frame = frame[good]
        if not len(frame):
            return
        columns = {}
        for column in self.table.columns:
            if column.name not in frame:
                continue
            values = frame[column.name]
            array = pa.array(values) if column.kind in ("id", "text") else pa.array(values.to_numpy(), from_pandas=True)
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

    def _put_aside(self, piece: Piece) -> None:
        if not piece.flaws.count:
            return
        records = piece.flaws.records(lambda position: int(piece.labels[position]))
        if self.key is not None:
            for record in records:
                record["value"] = WITHHELD
        self.bad += len(records)
        self.first += records[: max(0, SHOWN_ROWS - len(self.first))]
        self.remedies.update(dict.fromkeys(piece.flaws.remedies()))
        for record in records:
            self.reasons[record["reason"]] = self.reasons.get(record["reason"], 0) + 1
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

    def _judge(self) -> None:
        """DataError when nothing can be used, or more is bad than may be."""
        if not self.rows:
            raise DataError(f"{self.source.name} holds no records. Give it at least one row.")
        allowed = 0 if self.rules.on_bad == "raise" else self.rules.most_bad * self.rows
        if self.bad <= allowed and self.bad < self.rows:
            return
        told = "; ".join(
            f"{self.source.row_word} {record['row']}"
            + ("" if record["column"] is None else f", column {record['column']!r}")
            + f": {record['value']} {record['reason']}"
            for record in self.first
        )
        if self.rules.on_bad == "raise":
            way_out = "Or pass on_bad='set_aside' to leave such rows out and have them listed."
        elif self.bad == self.rows:
            way_out = "No row is left to use."
        else:
            way_out = (
                f"That is more than the {self.rules.most_bad:.0%} that may be set aside: pass most_bad= a larger "
                f"share if "
                "the rest is to be used all the same."
            )
        raise DataError(
            f"{self.source.name}: {self.bad:,} of {self.rows:,} rows ({self.bad / self.rows:.1%}) cannot be used, and "
            f"nothing was added. First: {told}. {' '.join(self.remedies)} {way_out}"
        )

    def _put_duplicates_aside(self) -> None:
        """Rows that repeat an earlier one in every column, of this load or another, leave the table."""
        same = "customer_id, date, amount, currency"
        self.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE repeats AS
                SELECT place FROM (SELECT rowid AS place, load_id,
                    row_number() OVER (PARTITION BY {same} ORDER BY load_id, rowid) AS number FROM transactions)
                WHERE number > 1 AND load_id = ?""",
            [self.number],
        )
        (count,) = self.connection.execute("SELECT count(*) FROM repeats").fetchall()[0]
        if count:
            reason = "repeats an earlier row in every column"
            self.connection.execute(
                "INSERT INTO set_aside SELECT ?, 0, NULL, NULL, ? FROM repeats", [self.number, reason]
            )
            self.connection.execute("DELETE FROM transactions WHERE rowid IN (SELECT place FROM repeats)")
            self.bad += count
            self.reasons[reason] = count
        self.connection.execute("DROP TABLE repeats")


def _storable(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _delimiter(source: Source) -> str | None:
    return getattr(source, "_delimiter", None)
