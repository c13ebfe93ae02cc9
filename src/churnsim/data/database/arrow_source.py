"""Records that already are a table: a DataFrame of pandas or Polars, an Arrow table, or a Parquet file."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from churnsim.data.database.format_detection import detect_spelling
from churnsim.data.database.source import Piece, Reading, Spelling, Typer, as_labels
from churnsim.data.tabular.parquet_file import arrow_column, open_parquet
from churnsim.data.tabular.row_errors import Flaws
from churnsim.errors import DataError

__all__ = ["ArrowSource", "FrameSource", "ParquetSource", "is_tabular"]

ROWS = 1 << 19  # rows typed at a time


def is_tabular(source: object) -> bool:
    """Whether `source` offers Arrow's stream interface, as tables of Arrow, Polars, DuckDB and others do."""
    return hasattr(source, "__arrow_c_stream__") and not isinstance(source, pd.DataFrame)


class _Tabular(ABC):
    """What the three share: their columns have types of their own, text among them is looked at as in a file."""

    row_word = "row"
    name: str

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._spelling = Spelling(dates={}, numbers={})

    @abstractmethod
    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """The rows of these columns, a piece at a time."""

    def detected(self, names: dict[str, str], kinds: dict[str, str]) -> dict[str, str]:
        """How text columns write dates and numbers, from all rows."""
        theirs = {names[ours]: kind for ours, kind in kinds.items() if ours in names}
        texts: dict[str, list[pd.Series[Any]]] = {column: [] for column in theirs}
        for frame in self._frames(list(theirs)):
            for column in theirs:
                # Distinct values suffice to tell a spelling, and stay small.
                values = frame[column]
                if values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
                    texts[column].append(values.drop_duplicates() if _hashable(values) else values)
        found = {column: pd.concat(parts, ignore_index=True) for column, parts in texts.items() if parts}
        sample = pd.DataFrame({column: pd.Series(values) for column, values in found.items()})
        self._spelling, words = detect_spelling(
            sample,
            {column: kind for column, kind in theirs.items() if column in found},
            self._reading,
            source=self.name,
        )
        return words

    def pieces(self, names: dict[str, str], typer: Typer) -> Iterator[Piece]:
        """Its rows, some hundred thousand at a time, numbered from 1."""
        first = 1
        for frame in self._frames(list(names.values())):
            flaws = Flaws(len(frame))
            yield Piece(frame=typer(frame, flaws, self._spelling), flaws=flaws, labels=as_labels(first, len(frame)))
            first += len(frame)


class FrameSource(_Tabular):
    """A pandas DataFrame."""

    def __init__(self, frame: pd.DataFrame, reading: Reading, *, name: str) -> None:
        super().__init__(reading)
        self.name = name
        self._frame = frame
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"{name} has several columns called {twice!r}. Rename all but one.")

    def checksum(self) -> str:
        """SHA-256 over each column's hashed values, its name and type."""
        digest = hashlib.sha256()
        for column in self._frame.columns:
            values = self._frame[column]
            digest.update(f"{column!r}:{values.dtype}:{len(values)};".encode("utf-8", "surrogatepass"))
            try:
                hashed = pd.util.hash_pandas_object(values, index=False)
            except TypeError:
                hashed = pd.util.hash_pandas_object(values.map(repr), index=False)
            digest.update(hashed.to_numpy().tobytes())
        return digest.hexdigest()

    def columns(self) -> list[str]:
        """The names of the columns, as text."""
        return [str(name) for name in self._frame.columns]

    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self._frame), ROWS):
            yield self._frame[columns].iloc[start : start + ROWS].reset_index(drop=True)


class ArrowSource(_Tabular):
    """An Arrow table, or anything that offers Arrow's stream interface."""

    def __init__(self, table: Any, reading: Reading, *, name: str) -> None:
        super().__init__(reading)
        self.name = name
        self._table = table if isinstance(table, pa.Table) else pa.table(table)

    def checksum(self) -> str:
        """SHA-256 of the table as an Arrow stream."""
        return _stream_checksum(iter(self._table.combine_chunks().to_batches(ROWS)), self._table.schema)

    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._table.column_names)

    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, self._table.num_rows, ROWS):
            part = self._table.select(columns).slice(start, ROWS)
            yield pd.DataFrame({name: arrow_column(part.column(name), name, self.name) for name in columns})


class ParquetSource(_Tabular):
    """A Parquet file, read some row groups at a time."""

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(reading)
        self.name = path.name
        self._path = path

    def checksum(self) -> str:
        """SHA-256 of the file."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def columns(self) -> list[str]:
        """The names of the columns."""
        with open_parquet(self._path) as file:
            return list(file.schema_arrow.names)

    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        with open_parquet(self._path) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=columns):
                part = pa.Table.from_batches([batch])
                yield pd.DataFrame({name: arrow_column(part.column(name), name, str(self._path)) for name in columns})


def _stream_checksum(batches: Iterator[Any], schema: Any) -> str:
    digest = hashlib.sha256()

    class _Sink:
        closed = False

        def write(self, data: Any) -> int:
            digest.update(memoryview(data))
            return len(memoryview(data))

        def flush(self) -> None:
            """Nothing is held back."""

        def close(self) -> None:
            """Nothing is open."""

    with pa.ipc.new_stream(pa.PythonFile(_Sink(), mode="w"), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return digest.hexdigest()


def _hashable(values: pd.Series[Any]) -> bool:
    try:
        pd.unique(values.head(1000))
    except TypeError:
        return False
    return True
