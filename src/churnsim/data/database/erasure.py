"""Taking records out again: all of one customer, or all of one import."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from churnsim.checks import shown
from churnsim.data.database.connection import columns_held, quoted
from churnsim.data.database.tables import TABLES
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError

ERASED = "erased on request"
SHORTEST = 8  # characters of a checksum that tell an import


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What one `CustomerDatabase.erase` or `CustomerDatabase.undo` took out; as text it is a sentence.

    Parameters
    ----------
    what : str
        Whose records they were.
    rows : dict of str to int
        How many rows of each table, those with none left out.
    dry_run : bool
        Whether they were only counted.
    """

    what: str
    rows: dict[str, int]
    dry_run: bool

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.what}: there is no row to erase."
        told = ", ".join(f"{count:,} of {name}" for name, count in self.rows.items())
        return f"{self.what}: {told} {'would be' if self.dry_run else 'were'} erased."


def erase_customer(connection: Any, customer: str, *, held_as: str, dry_run: bool) -> Erased:
    """Take out all rows in which a customer is named, in one transaction. What was read of each import stays known, so
    that a file that is added again does not bring the customer back.

    `held_as` is the id as the database holds it, which is not `customer` where it holds pseudonyms.
    """
    rows: dict[str, int] = {}

    def work() -> None:
        for name, columns in _tables(connection).items():
            named = " OR ".join(f"{quoted(column)} = ?" for column in columns)
            value = [held_as] * len(columns)
            loads = connection.execute(
                f"SELECT load_id, count(*) FROM {quoted(name)} WHERE {named} GROUP BY load_id ORDER BY load_id", value
            ).fetchall()
            if loads:
                rows[name] = sum(count for _, count in loads)
                connection.execute(f"DELETE FROM {quoted(name)} WHERE {named}", value)
            for load, count in loads:
                _note(connection, load, count, refund=name == "refunds")
        # Values of rows that could not be used are kept as a message shows them.
        written = [held_as, customer, show(customer)]
        (seen,) = connection.execute("SELECT count(*) FROM set_aside WHERE value IN (?, ?, ?)", written).fetchall()[0]
        if seen:
            rows["set_aside"] = seen
            connection.execute("UPDATE set_aside SET value = NULL WHERE value IN (?, ?, ?)", written)

    _in_transaction(connection, work, keep=not dry_run)
    return Erased(what=f"customer {shown(customer)}", rows=rows, dry_run=dry_run)


def undo_import(connection: Any, checksum: str, *, dry_run: bool) -> Erased:
    """Take out what one import brought, by its checksum or the beginning of it, in one transaction, as if it had never
    been added: it can be added again. Rows of other imports that were set aside because they repeat its rows stay so.

    Raises DataError where no import, or more than one, has such a checksum.
    """
    given = checksum.strip()
    found = connection.execute(
        "SELECT load_id, table_name, name FROM loads WHERE starts_with(checksum, ?) ORDER BY load_id", [given]
    ).fetchall()
    if len(given) < SHORTEST or len(found) != 1:
        what = f"{len(found)} imports have" if len(found) else "no import has"
        remedy = f"Give {SHORTEST} characters of it or more" if len(given) < SHORTEST else "Look it up"
        raise DataError(
            f"{what} a checksum that begins with {shown(given)}. {remedy}: `churnsim db export DATABASE loads FILE` "
            "writes all of them."
        )
    ((load, table, name),) = found
    rows: dict[str, int] = {}

    def work() -> None:
        for each in (table, *(["refunds"] if table == "transactions" else []), "set_aside"):
            (count,) = connection.execute(f"SELECT count(*) FROM {quoted(each)} WHERE load_id = ?", [load]).fetchall()[
                0
            ]
            if count:
                rows[each] = count
                connection.execute(f"DELETE FROM {quoted(each)} WHERE load_id = ?", [load])
        connection.execute("DELETE FROM loads WHERE load_id = ?", [load])

    _in_transaction(connection, work, keep=not dry_run)
    return Erased(what=f"import {name}", rows=rows, dry_run=dry_run)


def _tables(connection: Any) -> dict[str, list[str]]:
    """The tables in which customers are named, and by which columns."""
    held = columns_held(connection)
    found = {
        name: [column.name for column in table.columns if column.kind == "id" and column.name in held.get(name, ())]
        for name, table in TABLES.items()
    }
    return {name: columns for name, columns in {**found, "refunds": ["customer_id"]}.items() if columns}


def _note(connection: Any, load: int, count: int, *, refund: bool) -> None:
    """Keep the books of an import: what was erased counts as left out, and the records are other ones now."""
    ((notes,),) = connection.execute("SELECT notes FROM loads WHERE load_id = ?", [load]).fetchall()
    # By chance: a checksum of what is gone would tell of it.
    notes = json.dumps({**json.loads(notes), "erased": secrets.token_hex(16)}, ensure_ascii=False)
    less = "refunds" if refund else "added"
    connection.execute(
        f"UPDATE loads SET {less} = {less} - ?, set_aside = set_aside + ?, notes = ? WHERE load_id = ?",
        [count, count, notes, load],
    )
    connection.execute(
        "INSERT INTO set_aside SELECT ?, 0, NULL, NULL, ? FROM range(?)", [load, ERASED, count]
    )  # fmt: skip


def _in_transaction(connection: Any, work: Any, *, keep: bool) -> None:
    connection.execute("BEGIN")
    try:
        work()
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT" if keep else "ROLLBACK")
    if keep:
        connection.execute("CHECKPOINT")
