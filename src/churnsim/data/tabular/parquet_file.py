"""Columns out of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from churnsim.errors import DataError

__all__ = ["arrow_column", "open_parquet"]


@contextmanager
def open_parquet(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """The file, opened; whatever turns out to be wrong with it while it is open becomes a DataError."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is not a sound Parquet file ({reason}). Write it again.") from None


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
