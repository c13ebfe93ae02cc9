"""Which reader a source of records needs, and its rows as they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import is_foreign_frame
from churnsim.data.tabular.arrow_source import ArrowSource, FrameSource, ParquetSource
from churnsim.data.tabular.csv_source import CsvSource
from churnsim.data.tabular.excel_source import ExcelSource
from churnsim.data.tabular.files import kind_of_file, regular_file
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, RecordSource, Spelling
from churnsim.data.tabular.table_columns import ARGUMENTS, check_columns
from churnsim.errors import DataError


def open_source(
    source: Any,
    form: FileFormat,
    *,
    wanted: Sequence[str] = (),
    arguments: Sequence[str] = ARGUMENTS,
    name: str | None = None,
    within: Path | None = None,
) -> RecordSource:
    """The reader for a path, a DataFrame, or a table that speaks Arrow. DataError for anything else.

    `wanted` are the columns that must be there, and `arguments` those by which the caller takes their names. `name` is
    what frames and tables are called in messages and in the list of loads; a file goes by its own name. `within` is the
    directory that paths must lie in.
    """
    if isinstance(source, pd.DataFrame):
        return FrameSource(source, form, name=name or "the DataFrame")
    if is_foreign_frame(source):
        return ArrowSource(source, form, name=name or "the table")
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            f"records come from a file, a DataFrame or an Arrow table; got a {type(source).__name__}. "
            "Give a path, or turn it into a DataFrame."
        )
    path = regular_file(source, within=within)
    kind = kind_of_file(path)
    if kind == "parquet":
        return ParquetSource(path, form)
    if kind == "excel":
        return ExcelSource(path, form)
    return CsvSource(path, form, wanted=wanted, arguments=arguments)


@dataclass(frozen=True, kw_only=True)
class RawRows:
    """Columns of a source as they are written: the rows, what a person calls each of them (`row_word` and label), what
    is wrong with them so far, and how they are written."""

    frame: pd.DataFrame
    labels: NDArray[np.int64]
    row_word: str
    flaws: Flaws
    spelling: Spelling

    def sound(self, source: str) -> tuple[pd.DataFrame, NDArray[np.int64], str]:
        """Rows, labels and word, of records none of which is bad by itself: what is in another column is not to be
        trusted. Raises DataError."""
        if self.flaws.count:
            raise self.flaws.error(
                source, row=lambda place: int(self.labels[place]), row_word=self.row_word, last_resort="Mend the file."
            )
        return self.frame, self.labels, self.row_word


def raw_rows(
    source: str | os.PathLike[str] | pd.DataFrame,
    columns: Sequence[str] | Callable[[list[str]], Sequence[str]],
    form: FileFormat,
    *,
    kinds: dict[str, str] | None = None,
    arguments: Sequence[str] = ("customer_id",),
) -> RawRows:
    """All rows of the `columns` of a source (a file, or a table) at once, in their order and untyped. `columns` may
    choose them from those that are there.

    `kinds` names those columns of theirs that hold "date"s, "amount"s or "number"s whose spelling is to be found out,
    and `arguments`, in the order of the columns, by what the caller takes their names, for messages. Raises DataError
    for a file or columns that are not there.
    """
    wanted = [] if callable(columns) else list(columns)
    records = open_source(source, form, wanted=wanted, arguments=arguments)
    try:
        found = records.columns()
        chosen = list(columns(found)) if callable(columns) else wanted
        where = str(source) if isinstance(source, str | os.PathLike) else records.name
        check_columns(found, chosen, source=where, delimiter=records.delimiter, arguments=arguments)
        spelling, _ = records.detected({name: kind for name, kind in (kinds or {}).items() if name in chosen})
        return gathered(records, chosen, spelling)
    except OSError as error:
        raise DataError(f"{source} cannot be read ({error.strerror or error}).") from None


def gathered(records: RecordSource, chosen: list[str], spelling: Spelling) -> RawRows:
    """All rows of the columns `chosen` of an open source."""
    pieces = list(records.pieces(chosen, lambda raw, flaws, spelling: raw, spelling, labelled=True))
    rows = sum(len(piece.frame) for piece in pieces)
    flaws, begin = Flaws(rows), 0
    for piece in pieces:
        flaws.adopt(piece.flaws, np.arange(begin, begin + len(piece.frame)))
        begin += len(piece.frame)
    frames = [piece.frame for piece in pieces]
    return RawRows(
        frame=pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=chosen),
        labels=np.concatenate([piece.labels for piece in pieces]) if pieces else np.empty(0, dtype=np.int64),
        row_word=records.row_word,
        flaws=flaws,
        spelling=spelling,
    )
