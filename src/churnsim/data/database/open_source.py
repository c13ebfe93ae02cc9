"""Which reader a source of records needs; and that a path leads to a file one may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.database.arrow_source import ArrowSource, FrameSource, ParquetSource, is_tabular
from churnsim.data.database.csv_source import CsvSource
from churnsim.data.database.excel_source import ExcelSource
from churnsim.data.database.source import Reading, Source
from churnsim.data.logs.transactions import PARQUET_SUFFIXES, TEXT_SUFFIXES
from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError

__all__ = ["confined", "open_source"]

EXCEL_SUFFIXES = (".xlsx", ".xlsm")


def open_source(source: Any, reading: Reading, *, name: str | None = None, within: Path | None = None) -> Source:
    """The reader for a path, a DataFrame, or a table that speaks Arrow. DataError for anything else.

    `name` is what frames and tables are called in messages and in the list of loads; a file goes by its own name.
    `within` is the directory that paths must lie in.
    """
    if isinstance(source, pd.DataFrame):
        return FrameSource(source, reading, name=name or "the DataFrame")
    if is_tabular(source):
        return ArrowSource(source, reading, name=name or "the table")
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            f"records come from a file, a DataFrame or an Arrow table; got a {type(source).__name__}. "
            "Give a path, or turn it into a DataFrame."
        )
    path = checked_file(source, within)
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower() if suffix == ".gz" else suffix
    if suffix in PARQUET_SUFFIXES:
        return ParquetSource(path, reading)
    if suffix in EXCEL_SUFFIXES:
        return ExcelSource(path, reading)
    if inner in TEXT_SUFFIXES:
        return CsvSource(path, reading)
    raise DataError(
        f"{path} ends in {path.suffix!r}, which says neither CSV, Parquet nor Excel. Save it as "
        f"{', '.join(TEXT_SUFFIXES + PARQUET_SUFFIXES + EXCEL_SUFFIXES)}."
    )


def checked_file(source: str | os.PathLike[str], within: Path | None) -> Path:
    """The path, if it leads to a regular file (inside `within`)."""
    text = os.fspath(source)
    if "\0" in str(text):
        raise DataError(f"the path {show(text)} holds a null byte. Check it.")
    path = Path(text)
    if within is not None:
        path = confined(path, within)
    if path.is_dir():
        raise DataError(f"{path} is a directory. Give a file in it.")
    try:
        exists = path.exists()
    except OSError as error:
        raise DataError(f"{show(text)} cannot be a path ({error.strerror}). Check it.") from None
    if not exists:
        raise DataError(f"{show(str(path))} does not exist. Check the path (it is taken from {Path.cwd()}).")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file. Give a CSV, Parquet or Excel file.")
    return path


def confined(path: Path, directory: Path) -> Path:
    """`path`, taken from `directory`, if it stays inside it once links and ``..`` are followed; DataError if not."""
    inside = directory.resolve()
    whole = (inside / path).resolve()
    if not whole.is_relative_to(inside):
        raise DataError(f"{show(str(path))} leads outside {directory}. Give a file inside it.")
    return whole
