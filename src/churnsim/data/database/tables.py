"""What the database holds: five tables of records, each with its columns and what they must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from churnsim.errors import ConfigError

__all__ = ["TABLES", "Column", "Table", "column_names", "table_of"]

Kind = Literal["id", "date", "amount", "number", "text"]
SQL_TYPES: dict[Kind, str] = {
    "id": "VARCHAR", "date": "TIMESTAMP", "amount": "DOUBLE", "number": "DOUBLE", "text": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: `optional` ones may be absent from a file, and empty in a row."""

    name: str
    kind: Kind
    optional: bool = False
    may_lie_ahead: bool = False  # an end of contract may, a purchase may not


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of records."""

    name: str
    columns: tuple[Column, ...]

    def ddl(self) -> list[str]:
        """The columns as SQL declares them; every record knows the load it came with."""
        return [f"{column.name} {SQL_TYPES[column.kind]}" for column in self.columns] + ["load_id INTEGER NOT NULL"]


_ID = Column(name="customer_id", kind="id")
_DATE = Column(name="date", kind="date")
_TABLES = (
    Table(
        name="transactions",
        columns=(
            _ID, _DATE, Column(name="amount", kind="amount", optional=True),
            Column(name="currency", kind="text", optional=True),
        ),
    ),
    Table(
        name="contacts",
        columns=(
            _ID, _DATE, Column(name="channel", kind="text", optional=True),
            Column(name="cost", kind="number", optional=True),
        ),
    ),
    Table(
        name="complaints",
        columns=(
            _ID, _DATE, Column(name="reason", kind="text", optional=True),
            Column(name="answered", kind="date", optional=True),
        ),
    ),
    Table(
        name="survey_answers",
        columns=(_ID, _DATE, Column(name="question", kind="text"), Column(name="answer", kind="text", optional=True)),
    ),
    Table(
        name="subscriptions",
        columns=(
            _ID, Column(name="start", kind="date"),
            Column(name="end", kind="date", optional=True, may_lie_ahead=True),
            Column(name="price", kind="number", optional=True),
        ),
    ),
)  # fmt: skip
TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


def table_of(name: str) -> Table:
    """The table called `name`; ConfigError when there is none."""
    if name not in TABLES:
        raise ConfigError(f"unknown table {name!r}. Use one of {', '.join(TABLES)}.")
    return TABLES[name]


def column_names(table: Table, columns: Mapping[str, str | None] | None, found: list[str]) -> dict[str, str]:
    """Our column to theirs, for the columns to be read: named ones, and others where a file has our own name.

    A required column is always in the result; whether the file has it is for the reader to check. An optional one is
    there if it is named or found under our name; None says to do without it. Raises ConfigError for a name of ours that
    the table does not have, a required column given as None, or one column of theirs for two of ours.
    """
    given = dict(columns or {})
    unknown = [name for name in given if name not in {column.name for column in table.columns}]
    if unknown:
        raise ConfigError(
            f"{table.name} has no column {unknown[0]!r}; it has {', '.join(column.name for column in table.columns)}."
        )
    result = {}
    for column in table.columns:
        theirs = given.get(column.name, column.name)
        if theirs is None:
            if not column.optional:
                raise ConfigError(f"{table.name} cannot do without {column.name}. Name the column that holds it.")
        elif column.name in given or not column.optional or theirs in found:
            result[column.name] = theirs
    twice = [name for name in result.values() if list(result.values()).count(name) > 1]
    if twice:
        raise ConfigError(f"the column {twice[0]!r} is given for two columns of {table.name}.")
    return result
