"""Records that already are a table: a DataFrame of pandas or Polars, an Arrow table, or a Parquet file."""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from churnsim.data.tabular.files import SUFFIXES, check_unpacked_size, regular_file
from churnsim.data.tabular.format_detection import NUMBERS, detect_spelling
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, Piece, Spelling, Typer, as_labels
from churnsim.errors import DataError


@contextmanager
def open_parquet(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """The file, opened; whatever turns out to be wrong with it while it is open becomes a DataError."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
        if path.suffix.lower() not in SUFFIXES["parquet"]:
            raise DataError(f"{path} ends in {path.suffix!r} and is no Parquet file. Write it as .parquet.") from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is not a sound Parquet file ({reason}). Write it again.") from None


def parquet_files(path: str | os.PathLike[str]) -> tuple[Path, list[Path]]:
    """The path, and the Parquet files there: itself, or those of a directory. DataError for none."""
    if not (isinstance(path, str | os.PathLike) and os.path.isdir(path)):
        return (file := regular_file(path)), [file]
    files = sorted(Path(path).glob("*.parquet"))
    if not files:
        raise DataError(f"{Path(path)} holds no .parquet file. Check the path.")
    return Path(path), files


def arrow_column(values: Any, name: str, source: str) -> pd.Series[Any]:
    """An Arrow column as pandas; text stays Arrow text. DataError for lists, records, bytes and text not in UTF-8."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_nested(values.type):
        raise DataError(f"{source}, column {name!r} holds {values.type}, not single values. Write one value a row.")
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        raise DataError(f"{source}, column {name!r} holds bytes, not text or numbers. Write it as text.")
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if pa.types.is_integer(values.type) and values.null_count:
        # numpy would turn the whole column into floats for the sake of the missing ones.
        return pd.Series(values, dtype=pd.ArrowDtype(values.type))
    if pa.types.is_string(values.type):
        try:
            values.validate(full=True)  # a damaged file's bytes are found here, not where they are first used
        except pa.ArrowInvalid:
            raise DataError(f"{source}, column {name!r} holds text that is not UTF-8. Write the file again.") from None
        return pd.Series(values, dtype=pd.ArrowDtype(pa.string()))
    series: pd.Series[Any] = values.to_pandas(date_as_object=False)
    return series


ROWS = 1 << 19  # rows typed at a time
NUMBER_BYTES = 8


class _Tabular(ABC):
    """What the three share: their columns have types of their own, text among them is looked at as in a file."""

    row_word = "row"
    delimiter = None
    name: str

    def __init__(self, form: FileFormat) -> None:
        self._form = form

    @abstractmethod
    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """The rows of these columns, a piece at a time."""

    def _may_hold_text(self, column: str) -> bool:
        """Whether the column's type leaves open how dates and numbers in it are written."""
        return True

    def detected(self, kinds: dict[str, str]) -> tuple[Spelling, dict[str, str]]:
        """How text columns write dates and numbers, from all rows."""
        asked = [name for name, kind in kinds.items() if kind in ("date", *NUMBERS)]
        asked = [name for name in asked if self._may_hold_text(name)] if self._form.detect else []
        texts: dict[str, list[pd.Series[Any]]] = {column: [] for column in asked}
        for frame in self._frames(asked) if asked else ():
            for column in asked:
                # Distinct values suffice to tell a spelling, and stay small.
                values = frame[column]
                if values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
                    texts[column].append(values.drop_duplicates())
        found = {column: pd.concat(parts, ignore_index=True) for column, parts in texts.items() if parts}
        sample = pd.DataFrame({column: pd.Series(values) for column, values in found.items()})
        return detect_spelling(sample, kinds, self._form, source=self.name)

    def pieces(
        self, columns: list[str], typer: Typer, spelling: Spelling, *, labelled: bool = False
    ) -> Iterator[Piece]:
        """Its rows, some hundred thousand at a time, numbered from 1."""
        first = 1
        for frame in self._frames(list(dict.fromkeys(columns))):
            flaws = Flaws(len(frame))
            yield Piece(frame=typer(frame, flaws, spelling), flaws=flaws, labels=as_labels(first, len(frame)))
            first += len(frame)


class FrameSource(_Tabular):
    """A pandas DataFrame."""

    def __init__(self, frame: pd.DataFrame, form: FileFormat, *, name: str) -> None:
        super().__init__(form)
        self.name = name
        self._frame = frame.copy(deep=False)
        self._frame.columns = pd.Index([str(label) for label in frame.columns], dtype=object)
        if not self._frame.columns.is_unique:
            twice = self._frame.columns[self._frame.columns.duplicated()][0]
            raise DataError(f"{name} has several columns called {twice!r}. Rename all but one.")

    def checksum(self) -> str:
        """SHA-256 over each column's hashed values, its name and type."""
        digest = hashlib.sha256()
        for column in self._frame.columns:
            values = self._frame[column]
            digest.update(f"{column!r}:{values.dtype}:{len(values)};".encode("utf-8", "surrogatepass"))
            try:
                hashed = pd.util.hash_pandas_object(values, index=False)
            except (TypeError, ValueError):  # of lists, of tuples
                hashed = pd.util.hash_pandas_object(values.map(repr), index=False)
            digest.update(hashed.to_numpy().tobytes())
        return digest.hexdigest()

    def columns(self) -> list[str]:
        """The names of the columns, as text."""
        return list(self._frame.columns)

    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self._frame), ROWS):
            yield self._frame[columns].iloc[start : start + ROWS].reset_index(drop=True)


class ArrowSource(_Tabular):
    """An Arrow table, or anything that offers Arrow's stream interface."""

    def __init__(self, table: Any, form: FileFormat, *, name: str) -> None:
        super().__init__(form)
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

    def __init__(self, path: Path, form: FileFormat) -> None:
        super().__init__(form)
        self.name = path.name
        self._path = path

    def checksum(self) -> str:
        """SHA-256 of the file."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def columns(self) -> list[str]:
        """The names of the columns. Raises DataError for a file that holds far more rows than its size lets expect."""
        return list(self._schema.names)

    @cached_property
    def _schema(self) -> pa.Schema:
        with open_parquet(self._path) as file:
            check_unpacked_size(NUMBER_BYTES * file.metadata.num_rows * file.metadata.num_columns, self._path)
            return file.schema_arrow

    def _may_hold_text(self, column: str) -> bool:
        kind = self._schema.field(column).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        return not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind))

    def _frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        with open_parquet(self._path) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=columns):
                part = pa.Table.from_batches([batch])
                yield pd.DataFrame({name: arrow_column(part.column(name), name, str(self._path)) for name in columns})


def _stream_checksum(batches: Iterator[Any], schema: Any) -> str:
    digest = hashlib.sha256()

    class _Sink(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            digest.update(memoryview(data))
            return len(memoryview(data))

    with pa.ipc.new_stream(pa.PythonFile(_Sink(), mode="w"), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return digest.hexdigest()
