"""What the database holds: five tables of records, each with its columns and what they must be."""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.data.logs.transactions import TRANSACTION_COLUMNS
from churnsim.data.tabular.row_coercion import Column
from churnsim.errors import ConfigError

__all__ = ["TABLES", "Table", "table_of"]

SQL_TYPES = {"id": "VARCHAR", "date": "TIMESTAMP", "amount": "DOUBLE", "number": "DOUBLE", "text": "VARCHAR"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of records."""

    name: str
    columns: tuple[Column, ...]

    def ddl(self) -> list[str]:
        """The columns as SQL declares them; every record knows the load it came with."""
        return [f"{c.name} {SQL_TYPES[c.kind]}" for c in self.columns if c.stored] + ["load_id INTEGER NOT NULL"]


_ID, _DATE = TRANSACTION_COLUMNS[:2]
_TABLES = (
    Table(name="transactions", columns=TRANSACTION_COLUMNS),
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
