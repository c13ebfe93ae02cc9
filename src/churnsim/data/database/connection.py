"""The DuckDB file behind a customer database: opened, recognised, and closed to everything outside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from churnsim.data.database.pseudonyms import PseudonymKey
from churnsim.data.database.tables import FIRST_LAYOUT, TABLES
from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError, DataError

SCHEMA_VERSION = "1"
MAGIC, PLACE_OF_MAGIC = b"DUCK", 8  # of a DuckDB file
_BOOKS = (
    "CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)",
    """CREATE TABLE loads (load_id INTEGER PRIMARY KEY, table_name VARCHAR NOT NULL, name VARCHAR NOT NULL,
       checksum VARCHAR NOT NULL, rows BIGINT NOT NULL, added BIGINT NOT NULL, set_aside BIGINT NOT NULL,
       refunds BIGINT NOT NULL, notes VARCHAR NOT NULL, UNIQUE (table_name, checksum))""",
    """CREATE TABLE set_aside (load_id INTEGER NOT NULL, row_number BIGINT NOT NULL, column_name VARCHAR,
       value VARCHAR, reason VARCHAR NOT NULL)""",
)


def connect(path: Path, *, read_only: bool, key: PseudonymKey | None) -> Any:
    """A connection to the database at `path`, made if it is not there (unless `read_only`).

    Once open it can read and write nothing but its own file. Raises DataError for a file that is no customer database
    or that another process has open; ConfigError when the pseudonyms' key is not the one the database was made with.
    """
    import duckdb

    try:
        new = path.stat().st_size == 0 and path.is_file()  # what a full disk left
    except FileNotFoundError:
        new = True
    except (OSError, ValueError):
        new = False  # what is wrong with the path is said next
    if new and read_only:
        raise DataError(f"{path} does not exist. Add records to it first.")
    if new:
        path.unlink(missing_ok=True)
    else:
        with regular_file(path, what="database").open("rb") as file:
            if file.read(PLACE_OF_MAGIC + len(MAGIC))[PLACE_OF_MAGIC:] != MAGIC:
                raise DataError(
                    f"{path} cannot be used as a customer database, for it is none. Give another path: `churnsim db "
                    "add` makes one there of exports."
                )
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        raise _unusable(path, error) from None
    try:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET python_enable_replacements = false")  # a table's name is never taken for a variable's
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        if new:
            _create(connection, key)
        else:
            held = _recognise(connection, path, key)
            if not read_only:
                _complete(connection, held)
    except duckdb.Error as error:
        connection.close()
        raise _unusable(path, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: Any, key: PseudonymKey | None) -> None:
    connection.execute("BEGIN")
    for statement in _BOOKS:
        connection.execute(statement)
    for table in TABLES.values():
        connection.execute(f'CREATE TABLE "{table.name}" ({", ".join(table.ddl())})')
    connection.execute(
        "CREATE TABLE refunds (customer_id VARCHAR, date TIMESTAMP, amount DOUBLE, currency VARCHAR, "
        "load_id INTEGER NOT NULL)"
    )
    connection.execute("INSERT INTO meta VALUES ('churnsim customer database', ?)", [SCHEMA_VERSION])
    connection.execute("INSERT INTO meta VALUES ('pseudonym key', ?)", ["" if key is None else key.fingerprint()])
    connection.execute("COMMIT")


def quoted(name: str) -> str:
    """A name of ours as SQL takes it: some are words of its own."""
    return f'"{name}"'


def columns_held(connection: Any) -> dict[str, list[str]]:
    """The columns of each of our tables that the file has."""
    # Each alone: a file's first look into the whole catalogue takes far longer.
    held = {table: columns_of(connection, table) for table in ("meta", "loads", "set_aside", "refunds", *TABLES)}
    return {table: columns for table, columns in held.items() if columns}


def columns_of(connection: Any, table: str) -> list[str]:
    """The columns of a table; none where the file has no such table."""
    import duckdb

    try:
        described = connection.execute(f'SELECT rowid, * FROM "{table}" LIMIT 0').description
    except (duckdb.CatalogException, duckdb.BinderException):
        return []  # not there; or a view, which has no row number
    row, *columns = (name for name, *_ in described)
    return [] if row in columns else columns  # a view may name a column so


def _complete(connection: Any, held: Mapping[str, Sequence[str]]) -> None:
    """Add the tables and columns that a file of an earlier version does not have."""
    missing = [
        f'CREATE TABLE "{table.name}" ({", ".join(table.ddl())})' for table in TABLES.values() if table.name not in held
    ] + [
        f'ALTER TABLE "{table.name}" ADD COLUMN {declared}'
        for table in TABLES.values()
        for declared in table.ddl()[:-1]
        if table.name in held and declared.split('"')[1] not in held[table.name]
    ]
    if missing:
        connection.execute("BEGIN")
        for statement in missing:
            connection.execute(statement)
        connection.execute("COMMIT")


def _recognise(connection: Any, path: Path, key: PseudonymKey | None) -> dict[str, list[str]]:
    """The columns of its tables; DataError or ConfigError for a file that is not to be used."""
    held = columns_held(connection)
    if not {"meta", "loads", "set_aside", *FIRST_LAYOUT} <= held.keys():
        raise DataError(f"{path} is a DuckDB file, but not a customer database. Give another path.")
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    version = meta.get("churnsim customer database")
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{path} has layout {version!r}; this version of churnsim reads {SCHEMA_VERSION!r}. Add it anew."
        )
    fingerprint, given = meta.get("pseudonym key", ""), "" if key is None else key.fingerprint()
    if key is None and fingerprint:
        return held  # reading needs no key; adding asks for it
    if fingerprint != given:
        raise ConfigError(
            f"{path} was made "
            + ("without pseudonyms" if not fingerprint else "with another key for its pseudonyms")
            + ". One database holds one kind of ids: use the right key, or another path."
        )
    return held


def _unusable(path: Path, error: Exception) -> DataError:
    text = str(error)
    first = (text.splitlines() or [type(error).__name__])[0][:300]
    if "lock" in text.lower():
        return DataError(f"{path} is open in another process. Close it there first.")
    return DataError(
        f"{path} cannot be used as a customer database ({first}). Give another path, or add the files anew."
    )
