"""What the database holds: the tables of records, each with its columns and what they must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from churnsim.checks import shown
from churnsim.data.logs.transactions import TRANSACTION_COLUMNS
from churnsim.data.records.kinds import RECORD_KINDS, RecordColumn, RecordKind
from churnsim.data.tabular.row_coercion import Column
from churnsim.errors import ConfigError

SQL_TYPES = {
    "id": "VARCHAR", "date": "TIMESTAMP", "amount": "DOUBLE", "number": "DOUBLE", "text": "VARCHAR", "flag": "BOOLEAN",
}  # fmt: skip
FIRST_LAYOUT = ("transactions", "contacts", "complaints", "survey_answers", "subscriptions")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of records; of records of a `kind`, those columns that the kind needs and a file here may lack."""

    name: str
    columns: Sequence[Column]
    kind: RecordKind | None = None
    may_lack: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: RecordKind, *, beside: Sequence[RecordColumn] = (), may_lack: tuple[str, ...] = ()) -> Table:
        """The table of a kind of records, with columns `beside` those that its estimator takes."""
        whole = replace(kind, columns=(*kind.columns, *beside))
        columns = [replace(column, name=column.held) for column in whole.columns]
        return cls(name=kind.name, columns=columns, kind=whole, may_lack=may_lack)

    def ddl(self) -> list[str]:
        """The columns as SQL declares them, names in quotation marks since some are words of SQL; every record knows
        the load it came with."""
        return [f'"{c.name}" {SQL_TYPES[c.kind]}' for c in self.columns if c.stored] + ["load_id INTEGER NOT NULL"]


_ID, _DATE = TRANSACTION_COLUMNS[:2]
_BESIDE = {
    # A plain log of contacts has no arms: it is kept, and no evidence comes of it.
    "contacts": Table.of(
        RECORD_KINDS["contacts"], may_lack=("arm",),
        beside=[RecordColumn(name="channel", kind="text", optional=True, meaning="by which it came")],
    ),
    "complaints": Table.of(
        RECORD_KINDS["complaints"],
        beside=[RecordColumn(name="reason", kind="text", optional=True, meaning="what it was about")],
    ),
}  # fmt: skip
_TABLES = (
    Table(name="transactions", columns=TRANSACTION_COLUMNS),
    *(_BESIDE.get(name, Table.of(kind)) for name, kind in RECORD_KINDS.items()),
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
    if not isinstance(name, str) or name not in TABLES:
        raise ConfigError(f"unknown table {shown(name)}. Use one of {', '.join(TABLES)}.")
    return TABLES[name]
