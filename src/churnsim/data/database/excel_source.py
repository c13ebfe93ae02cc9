"""Records from a sheet of an Excel workbook (.xlsx, .xlsm), values only: no formula is ever computed."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.database.format_detection import detect_spelling
from churnsim.data.database.source import Piece, Reading, Spelling, Typer
from churnsim.data.tabular.row_errors import Flaws
from churnsim.errors import DataError
from churnsim.optional import optional_modules

__all__ = ["ExcelSource"]

UNPACKED_LIMIT = 2 << 30  # a sheet of a million rows unpacks to some hundred megabytes
LEGACY = b"\xd0\xcf\x11\xe0"


class ExcelSource:
    """One sheet of a workbook: `reading.sheet`, or the only one that holds anything."""

    row_word = "row"

    def __init__(self, path: Path, reading: Reading) -> None:
        self.name = path.name
        self._path = path
        self._reading = reading
        self._spelling = Spelling(dates={}, numbers={})

    def checksum(self) -> str:
        """SHA-256 of the file and the sheet's name."""
        digest = hashlib.sha256(self._path.read_bytes())
        digest.update(self._sheet[0].encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def columns(self) -> list[str]:
        """The names in the first row that is not empty."""
        return [str(cell).strip() for cell in self._sheet[1] if cell is not None]

    def detected(self, names: dict[str, str], kinds: dict[str, str]) -> dict[str, str]:
        """The sheet, and how cells of text write dates and numbers."""
        frame = self._frame(list(names.values()))
        theirs = {names[ours]: kind for ours, kind in kinds.items() if ours in names}
        self._spelling, words = detect_spelling(frame, theirs, self._reading, source=str(self._path))
        return {"sheet": repr(self._sheet[0]), **words}

    def pieces(self, names: dict[str, str], typer: Typer) -> Iterator[Piece]:
        """The whole sheet; rows are called as the spreadsheet numbers them."""
        frame = self._frame(list(names.values()))
        flaws = Flaws(len(frame))
        yield Piece(frame=typer(frame, flaws, self._spelling), flaws=flaws, labels=self._sheet[3])

    def _frame(self, columns: list[str]) -> pd.DataFrame:
        header = [None if cell is None else str(cell).strip() for cell in self._sheet[1]]
        places = [header.index(name) for name in columns]
        return pd.DataFrame(
            {
                name: pd.Series([_cell(row, place) for row in self._sheet[2]], dtype=object)
                for name, place in zip(columns, places, strict=True)
            }
        )

    @cached_property
    def _sheet(self) -> tuple[str, list[Any], list[tuple[Any, ...]], np.ndarray[Any, np.dtype[np.int64]]]:
        """Name, header, rows that are not empty, and the number of each in the spreadsheet."""
        sheets = self._sheets()
        if self._reading.sheet is not None:
            if self._reading.sheet not in sheets:
                raise DataError(
                    f"{self._path} has no sheet {self._reading.sheet!r}; it has {', '.join(map(repr, sheets))}."
                )
            name = self._reading.sheet
        else:
            filled = [name for name, rows in sheets.items() if rows]
            if len(filled) > 1:
                raise DataError(
                    f"{self._path} has several sheets that hold something: {', '.join(map(repr, filled))}. Pass sheet=."
                )
            if not filled:
                raise DataError(f"{self._path} is empty. It needs a row of column names and one row for each record.")
            name = filled[0]
        if not sheets[name]:
            raise DataError(f"{self._path}, sheet {name!r} is empty. It needs a row of names and one for each record.")
        (_, header), *rest = sheets[name]
        return name, list(header), [row for _, row in rest], np.array([number for number, _ in rest], dtype=np.int64)

    def _sheets(self) -> dict[str, list[tuple[int, tuple[Any, ...]]]]:
        (openpyxl,) = optional_modules("openpyxl", extra="database", purpose="reading a workbook")
        _check_container(self._path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions, which are not read here
                return _filled_rows(
                    openpyxl.load_workbook(self._path, read_only=True, data_only=True, keep_links=False)
                )
        except MemoryError:
            raise
        # Whatever a damaged part of a workbook makes the reader trip over, the file is what is wrong.
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
            raise DataError(f"{self._path} is not a sound workbook ({reason}). Save it again, or as CSV.") from None


def _filled_rows(book: Any) -> dict[str, list[tuple[int, tuple[Any, ...]]]]:
    """Of each sheet, the rows that are not empty, with the numbers the spreadsheet gives them."""
    try:
        return {
            sheet.title: [
                (number, row)
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)
                if any(cell is not None for cell in row)
            ]
            for sheet in book.worksheets
        }
    finally:
        book.close()


def _cell(row: tuple[Any, ...], place: int) -> Any:
    value = row[place] if place < len(row) else None
    # A spreadsheet has only one kind of number: 7 is stored as 7.0 by some programs.
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _check_container(path: Path) -> None:
    """DataError for what is no .xlsx at all, and for one that would fill the memory."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(LEGACY):
        raise DataError(
            f"{path} is encrypted, or an .xls of before 2007. Take the password off, or save it as .xlsx or CSV."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        # The last is of an archive of a make that Python's reader does not know.
        raise DataError(f"{path} is not a sound workbook ({error}). Save it again, or as CSV.") from None
    if any(part.flag_bits & 1 for part in parts):
        raise DataError(f"{path} is encrypted. Take the password off.")
    size = sum(part.file_size for part in parts)
    if size > UNPACKED_LIMIT:
        raise DataError(f"{path} unpacks to {size:,} bytes, more than a workbook holds. Save the sheet as CSV.")
