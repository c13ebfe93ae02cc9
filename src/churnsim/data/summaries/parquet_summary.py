"""A summary in Parquet files: one row a customer, written in streams and read in pieces."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from churnsim.checks import shown
from churnsim.data.logs.log_rules import Refunds
from churnsim.data.summaries.counted import (
    HISTORY,
    SPEND,
    TaskRunner,
    check_amounts,
    check_parts,
    counting_sql,
    results,
    rows_of,
)
from churnsim.data.summaries.summary_query import asked_of, nobody_by
from churnsim.data.tabular.arrow_source import open_parquet, parquet_files
from churnsim.data.tabular.files import regular_file
from churnsim.data.tabular.table_columns import RENAME, check_columns
from churnsim.errors import ConfigError, DataError
from churnsim.units import check_unit

UNIT = b"churnsim unit"
ROWS_A_BATCH = 1 << 20
ROWS_A_FILE = 8 * ROWS_A_BATCH


class ParquetSummary:
    """A summary in Parquet files, of which no more than a million customers are in memory at a time.

    Parameters
    ----------
    path : str or path
        A Parquet file, or a directory of them, with the columns of `churnsim.summarise`, ``customer_id`` among them.
    unit : {"H", "D", "W", "M", "Y"}, optional
        Of time; files that `write_summary` wrote say it.

    Raises DataError for a missing or unreadable file, a missing column, and where the unit is not known.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim as cs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> cs.datasets.cdnow().to_parquet(folder / "log.parquet")
    >>> summary = cs.data.write_summary(cs.data.ParquetLog(folder / "log.parquet"), folder / "summary")
    >>> summary.customers, summary.unit, cs.BGNBD.fit(summary).status.code
    (2357, 'W', 'converged')
    """

    def __init__(self, path: str | os.PathLike[str], *, unit: str | None = None) -> None:
        self.path, self.files = parquet_files(path)
        self.customers = 0
        self.amounts = True
        units = set() if unit is None else {check_unit(unit)}
        for file in self.files:
            with open_parquet(regular_file(file)) as opened:
                schema, metadata = opened.schema_arrow, opened.metadata
            check_columns(schema.names, ["customer_id", *HISTORY], source=str(file), rename=RENAME)
            for name in HISTORY:
                kind = schema.field(name).type
                if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                    raise DataError(f"{file}, column {name!r} holds {kind}, not numbers. Make it with write_summary.")
            self.customers += metadata.num_rows
            self.amounts = self.amounts and "monetary_value" in schema.names
            told = (metadata.metadata or {}).get(UNIT)
            units |= set() if told is None else {told.decode()}
        if len(units) != 1:
            said = f"say different units ({', '.join(sorted(units))})" if units else "do not say their unit of time"
            raise DataError(
                f"the files of {self.path} {said}. Give unit=, or write them by write_summary or `churnsim summarise`."
            )
        self.unit = units.pop()

    def summary_rows(self, file: Path, *, size: int = ROWS_A_BATCH) -> Iterator[pd.DataFrame]:
        """The customers of one of the `files`, at most `size` at a time, as `churnsim.summarise` returns them."""
        names = ["customer_id", *HISTORY, *(["monetary_value"] if self.amounts else [])]
        with open_parquet(file) as opened:
            for batch in opened.iter_batches(batch_size=size, columns=names):
                frame = batch.to_pandas().set_index("customer_id")
                frame.attrs["unit"] = self.unit
                yield frame

    def counted(self, columns: tuple[str, ...], *, unit: str | None, until: object | None) -> pd.DataFrame:
        """See `churnsim.data.count_histories`, which calls this."""
        if until is not None or unit not in (None, self.unit):
            raise DataError(f"{self.path} is a summary as it is, in {self.unit!r}. Summarise the log again.")
        check_amounts(["monetary_value"] if self.amounts else [], columns)
        names = ", ".join(f'"{name}"' for name in columns)
        return self._asked(counting_sql(f"SELECT {names} FROM read_parquet(?)", columns))

    def spend_correlation(self) -> tuple[float, int]:
        """`churnsim.models.spend_correlation`, and of how many repeat customers it is."""
        check_amounts(["monetary_value"] if self.amounts else [], SPEND)
        asked = "SELECT corr(frequency, monetary_value) AS found, count(*) AS customers FROM read_parquet(?)"
        row = self._asked(f"{asked} WHERE frequency > 0 AND monetary_value > 0").iloc[0]
        return (float(row["found"]) if np.isfinite(row["found"]) else 0.0), int(row["customers"])

    def _asked(self, query: str) -> pd.DataFrame:
        """What DuckDB answers of the files."""
        with asked_of(self.path, "read") as connection:
            found: pd.DataFrame = connection.execute(query, [[str(file) for file in self.files]]).df()
        return found


def write_summary(
    log: Any,
    folder: str | os.PathLike[str],
    *,
    unit: str = "W",
    until: str | date | None = None,
    today: str | date | None = None,
    executor: TaskRunner | None = None,
    parts: int | None = None,
    on_refund: Refunds = "refuse",
) -> ParquetSummary:
    """`churnsim.summarise`, written to Parquet files in streams.

    Parameters
    ----------
    log : ParquetLog or CustomerDatabase
        The purchases.
    folder : str or path
        A directory to be made. It is there when all files are: after an error or Ctrl-C nothing is left.
    unit, until, today, on_refund
        As in `churnsim.summarise`.
    executor, parts
        As in `count_histories`; workers write to the same file system.

    Returns
    -------
    ParquetSummary
        The columns of `churnsim.summarise`, to the bit, ``customer_id`` first, customers in no order.

    Raises DataError as `churnsim.summarise` and for a folder that is there, ConfigError as `count_histories`.

    Examples
    --------
    >>> import tempfile, pathlib, churnsim as cs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> cs.datasets.cdnow().to_parquet(folder / "log.parquet")
    >>> log = cs.data.ParquetLog(folder / "log.parquet")
    >>> write_summary(log, folder / "summary", until="1997-09-30").files[0].name
    'part-00000-000.parquet'
    """
    check_unit(unit)
    if isinstance(log, type) or not hasattr(log, "purchase_rows"):
        raise ConfigError(f"log must be a ParquetLog or a CustomerDatabase; got {shown(log)}.")
    with new_folder(folder) as made:
        number = 1 if executor is None else check_parts(log, executor, parts)
        of = (log, made, unit, until, today, on_refund)
        results(executor, _write_part, [(*of, part, number) for part in range(number)])
    return ParquetSummary(folder)


@contextmanager
def new_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A directory beside `folder` that takes its name when the block ends well, and is removed when it does not.
    DataError where `folder` is there, or cannot be made."""
    try:
        target = Path(os.fsdecode(folder))
        if target.exists():
            raise FileExistsError("it is there already")
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.absolute().parent))
    except (OSError, TypeError, ValueError) as error:  # of a value that is no path, or leads nowhere
        name = str(folder) if isinstance(folder, Path) else shown(folder)
        raise DataError(f"{name} cannot be made a folder ({error}). Give another path.") from None
    try:
        made.chmod(0o777 & ~_umask())
        yield made
        for begun in made.glob(".*.part"):  # by a worker that was lost
            begun.unlink()
        made.rename(target)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error}).") from None
    finally:
        if made.exists():
            shutil.rmtree(made, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_batches(batches: Iterable[pa.Table], folder: Path, name: str, *, metadata: dict[bytes, bytes]) -> None:
    """Write tables as files ``name-000.parquet`` of some million rows. A file has its name once it is whole."""
    writer: Any = None
    number = rows = 0
    target = made = folder
    try:
        for table in batches:
            if writer is None:
                target, made = folder / f"{name}-{number:03d}.parquet", folder / f".{name}-{os.getpid()}.part"
                repeated = [field.name for field in table.schema if field.name in HISTORY]
                schema = table.schema.with_metadata(metadata)
                writer = pq.ParquetWriter(made, schema, use_dictionary=repeated)
            writer.write_table(table.cast(writer.schema), row_group_size=ROWS_A_BATCH)
            rows += table.num_rows
            if rows >= ROWS_A_FILE:
                writer.close()
                made.rename(target)
                writer, rows, number = None, 0, number + 1
        if writer is not None:
            writer.close()
            made.rename(target)
            writer = None
    finally:
        if writer is not None:
            writer.close()


def _write_part(
    log: Any, folder: Path, unit: str, until: Any, today: Any, on_refund: Refunds, part: int, parts: int
) -> None:
    """The summary of one part of the customers, as files in the folder."""
    with rows_of(log, until, today, on_refund, amounts=True, part=part, parts=parts) as (connection, rows):
        relation = connection.sql(rows.summary(unit), params=rows.parameters)
        # Its name until DuckDB 1.4.
        reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
        batches = (pa.Table.from_batches([batch]) for batch in reader(ROWS_A_BATCH) if batch.num_rows)
        write_batches(batches, folder, f"part-{part:05d}", metadata={UNIT: unit.encode()})
        if parts == 1 and not any(folder.iterdir()):
            raise nobody_by(rows.end)
