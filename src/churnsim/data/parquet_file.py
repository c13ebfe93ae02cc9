"""Columns out of a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from churnsim.data.table_columns import check_columns
from churnsim.errors import DataError

__all__ = ["read_parquet_columns"]


def read_parquet_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The named columns of a Parquet file; text stays Arrow text, dates and numbers become numpy's.

    Raises DataError for a file that is not sound Parquet, lacks a column, or holds lists or records in one.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names, columns, source=str(path))
            table = file.read(columns=list(dict.fromkeys(columns)))
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is not a sound Parquet file ({reason}). Write it again.") from None
    return pd.DataFrame({name: _series(table.column(name), name, path) for name in columns}, columns=list(columns))


def _series(values: Any, name: str, path: Path) -> pd.Series[Any]:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_nested(values.type):
        raise DataError(f"{path}, column {name!r} holds {values.type}, not single values. Write one value a row.")
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if pa.types.is_integer(values.type) and values.null_count:
        # numpy would turn the whole column into floats for the sake of the missing ones.
        return pd.Series(values, dtype=pd.ArrowDtype(values.type))
    if pa.types.is_string(values.type):
        return pd.Series(values, dtype=pd.ArrowDtype(pa.string()))
    series: pd.Series[Any] = values.to_pandas(date_as_object=False)
    return series
