"""Records from a sheet of an Excel workbook (.xlsx, .xlsm), values only: no formula is ever computed."""

from __future__ import annotations

import hashlib
import re
import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property, reduce
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.tabular.files import check_unpacked_size
from churnsim.data.tabular.format_detection import FIRST_ROWS, NUMBERS, detect_spelling, rows_above_names
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, Piece, Spelling, Typer
from churnsim.data.tabular.table_columns import listed
from churnsim.errors import DataError
from churnsim.optional import optional_modules

MOST_ROWS = 1_048_576  # of a sheet
MOST_CELLS = 1 << 25  # 33 million: a full sheet of 32 columns
# A sheet may hold thousands of formatted columns in which nothing stands, and each empty cell takes some microseconds.
MOST_EMPTY = 1 << 19
EMPTY_TO_FILLED = 64  # beyond MOST_EMPTY: an export of 200 columns has five filled ones at least
# Bytes, unpacked, of what is read besides the cells: the 65,490 styles that a workbook may have take less.
MOST_STYLES = 1 << 24
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
PIECE, LONGEST_TAG = 1 << 20, 200  # bytes
LEGACY = b"\xd0\xcf\x11\xe0"


ALL = "*"
"""In a sheet's name, which has no such letter: any letters. Of all sheets that hold something and are called so, which
have the same columns."""


class ExcelSource:
    """One sheet of a workbook: `form.sheet`, or the only one that holds anything; or those of a pattern, one below
    another, whose rows are counted through."""

    delimiter = None

    def __init__(self, path: Path, form: FileFormat) -> None:
        self.name = path.name
        self.row_word = "row through the sheets" if ALL in (form.sheet or "") else "row"
        self._path = path
        self._form = form
        self._amounts: set[str] = set()

    def checksum(self) -> str:
        """SHA-256 of the file and the sheet's name."""
        digest = hashlib.sha256(self._path.read_bytes())
        digest.update(self._sheet[0].encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def columns(self) -> list[str]:
        """The names in the first row that is not empty, titles apart."""
        return [str(cell).strip() for cell in self._sheet[1] if cell is not None]

    def detected(self, kinds: dict[str, str]) -> tuple[Spelling, dict[str, str]]:
        """The sheet, and how cells of text write dates and numbers."""
        self._amounts = {name for name, kind in kinds.items() if kind in NUMBERS}
        spelling, words = detect_spelling(self._frame(list(kinds)), kinds, self._form, source=str(self._path))
        return spelling, {"sheet": repr(self._sheet[0]), **words}

    def pieces(
        self, columns: list[str], typer: Typer, spelling: Spelling, *, labelled: bool = False
    ) -> Iterator[Piece]:
        """The whole sheet; rows are called as the spreadsheet numbers them."""
        frame = self._frame(columns)
        flaws = Flaws(len(frame))
        yield Piece(frame=typer(frame, flaws, spelling), flaws=flaws, labels=self._sheet[3])

    def _frame(self, columns: list[str]) -> pd.DataFrame:
        header = [None if cell is None else str(cell).strip() for cell in self._sheet[1]]
        places = [header.index(name) for name in columns]
        return pd.DataFrame(
            {
                # What a merged cell says, it says of all its rows; an amount is there once.
                name: pd.Series([_cell(row, place, once=name in self._amounts) for row in self._sheet[2]], dtype=object)
                for name, place in zip(columns, places, strict=True)
            }
        )

    @cached_property
    def _sheet(self) -> tuple[str, list[Any], list[tuple[Any, ...]], np.ndarray[Any, np.dtype[np.int64]]]:
        """Name, header, rows that are not empty, and the number of each in the spreadsheet."""
        (openpyxl,) = optional_modules("openpyxl", extra="database", purpose="reading a workbook")
        try:
            _check_container(self._path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions, which are not read here
                book = openpyxl.load_workbook(self._path, read_only=True, data_only=True, keep_links=False)
                for sheet in book.worksheets:
                    sheet.parent = _Book(book)
                try:
                    with ExitStack() as opened:
                        name, rows = self._chosen({sheet.title: sheet for sheet in book.worksheets}, opened)
                finally:
                    book.close()
        except (MemoryError, DataError):
            raise
        # Whatever a damaged part of a workbook makes the readers trip over, the file is what is wrong.
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
            raise DataError(f"{self._path} is not a sound workbook ({reason}). Save it again, or as CSV.") from None
        (_, header), *rest = rows
        return name, list(header), [row for _, row in rest], np.array([number for number, _ in rest], dtype=np.int64)

    def _chosen(self, sheets: dict[str, Any], opened: ExitStack) -> tuple[str, list[tuple[int, tuple[Any, ...]]]]:
        """The sheet's name and rows; DataError unless it is there, the only one with anything in it, and not empty.
        What is `opened` and not read to its end is closed with it, else the file would stay open."""
        name = self._form.sheet
        if name is not None and ALL not in name:
            if name not in sheets:
                raise DataError(f"{self._path} has no sheet {name!r}; it has {listed([*sheets])}.")
        else:
            begun = {
                title: self._rows(sheet) for title, sheet in sheets.items() if name is None or fnmatchcase(title, name)
            }
            for rows_of_sheet in begun.values():
                opened.callback(rows_of_sheet.close)
            heads = {title: next(rows, None) for title, rows in begun.items()}
            filled = {title: _names(head[1]) for title, head in heads.items() if head is not None}
            if not filled and name not in (None, ALL):
                raise DataError(f"{self._path} has no sheet like {name!r}; it has {listed([*sheets])}.")
            if not filled:
                raise DataError(f"{self._path} is empty. It needs a row of column names and one row for each record.")
            first, *others = filled
            odd = next((title for title in others if sorted(filled[title]) != sorted(filled[first])), None)
            if name is not None and odd is not None:
                raise DataError(
                    f"{self._path}, sheet {odd!r} has the columns {listed(filled[odd])}, and sheet "
                    f"{first!r} has {listed(filled[first])}: they cannot be read together. Pass sheet=."
                )
            if name is not None and others:
                return ", ".join(filled), self._together({title: sheets[title] for title in filled}, filled[first])
            if others:
                alike = _pattern_of_alike(filled)
                told = f", or sheet={alike!r} for all those called so, which have the same columns" if alike else ""
                raise DataError(
                    f"{self._path} has several sheets that hold something: {listed([*filled])}. Pass sheet={told}."
                )
            return first, [row for row in (heads[first], *begun[first]) if row is not None]
        rows = list(self._rows(sheets[name]))
        if not rows:
            raise DataError(f"{self._path}, sheet {name!r} is empty. It needs a row of names and one for each record.")
        return name, rows

    def _rows(self, sheet: Any) -> Generator[tuple[int, tuple[Any, ...]]]:
        """The rows of a sheet that are not empty, from the names of the columns on."""
        rows = _merged_down(_filled_rows(sheet, self._path), sheet)
        first = list(islice(rows, FIRST_ROWS))
        yield from first[rows_above_names([row for _, row in first]) if self._form.detect else 0 :]
        yield from rows

    def _together(self, sheets: dict[str, Any], names: list[str]) -> list[tuple[int, tuple[Any, ...]]]:
        """The rows of several sheets under one head, cells in the order of its names."""
        found: list[tuple[int, tuple[Any, ...]]] = []
        passed = 0
        for sheet in sheets.values():
            (_, head), *rows = self._rows(sheet)
            own = [None if cell is None else str(cell).strip() for cell in head]
            places = [own.index(name) for name in names]
            found = found or [(1, tuple(names))]
            found += [(passed + n, tuple(row[p] if p < len(row) else None for p in places)) for n, row in rows]
            passed = found[-1][0]
        return found


def _pattern_of_alike(filled: dict[str, list[str]]) -> str | None:
    """How those sheets are called, and no other, that have the same columns as most have; None for no such pattern."""
    kinds = [sorted(names) for names in filled.values()]
    alike = [title for title, names in filled.items() if sorted(names) == max(kinds, key=kinds.count)]
    ends = [
        len(list(takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))))
        for names in (alike, [t[::-1] for t in alike])
    ]
    pattern = alike[0][: ends[0]] + ALL + alike[0][len(alike[0]) - ends[1] :]
    called = [title for title in filled if fnmatchcase(title, pattern)]
    if called == [*filled]:
        return ALL if alike == called else None
    return pattern if len(alike) > 1 and called == alike else None


def _names(head: tuple[Any, ...]) -> list[str]:
    return [str(cell).strip() for cell in head if cell is not None]


def _filled_rows(sheet: Any, path: Path) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows of a sheet that are not empty, with the numbers the spreadsheet gives them.

    A workbook may state a million rows of sixteen thousand columns in a few bytes: what it states is not believed, and
    rows or cells beyond what a sheet can hold and a reader can take are refused.
    """
    sheet.reset_dimensions()
    cells = filled = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells += len(row)
        if number > MOST_ROWS or cells > MOST_CELLS:
            raise DataError(
                f"{path}, sheet {sheet.title!r} has more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells. Save the "
                "columns that you need as CSV."
            )
        there = sum(cell is not None for cell in row)
        filled += there
        if cells - filled > max(MOST_EMPTY, EMPTY_TO_FILLED * filled):
            raise DataError(
                f"{path}, sheet {sheet.title!r} has {cells - filled:,} empty cells in its first {number:,} rows and "
                f"{filled:,} that hold something. Delete the empty columns, or save the columns that you need as CSV."
            )
        if there:
            yield number, row


@dataclass(frozen=True)
class _Merged:
    """A cell that was merged with those above it, of which only the first holds the value."""

    value: Any

    def __str__(self) -> str:
        return str(self.value)


def _merged_down(rows: Iterator[tuple[int, tuple[Any, ...]]], sheet: Any) -> Generator[tuple[int, tuple[Any, ...]]]:
    """The rows with what a cell says in each of the rows that it was merged over."""
    # openpyxl tells of merged cells only where it holds the whole sheet; they stand behind its rows.
    begins: dict[int, list[tuple[int, int]]] = {}
    with sheet._get_source() as part:
        rest = b""
        for piece in iter(lambda: part.read(PIECE), b""):
            rest += piece
            end = 0
            for found in MERGED.finditer(rest):
                end, (first, last) = found.end(), (int(found[2]), int(found[3]))
                if first < last:
                    column = reduce(lambda number, letter: 26 * number + letter - ord("@"), found[1], 0)
                    begins.setdefault(first, []).append((column - 1, last))
            rest = rest[max(end, len(rest) - LONGEST_TAG) :]
    open_cells: dict[int, tuple[int, Any]] = {}
    for number, row in rows:
        open_cells = {place: cell for place, cell in open_cells.items() if number <= cell[0]}
        if open_cells:
            cells = [*row, *[None] * (max(open_cells) + 1 - len(row))]
            for place, (_, value) in open_cells.items():
                cells[place] = value if cells[place] is None else cells[place]
            row = tuple(cells)
        open_cells |= {
            place: (last, _Merged(row[place]))
            for place, last in begins.get(number, ())
            if place < len(row) and row[place] is not None
        }
        yield number, row


class _Book:
    """A workbook whose cells keep their day. openpyxl adds a cell's whole days to the epoch and then its time, which it
    rounds to milliseconds: in the last half of one before midnight, to a whole day more."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.epoch = _Epoch.combine(book.epoch, book.epoch.time())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)


class _Epoch(datetime):
    def __add__(self, days: timedelta) -> datetime:  # type: ignore[override]
        return _Day.combine(super().__add__(days), self.time())


class _Day(datetime):
    def __add__(self, time: timedelta) -> datetime:  # type: ignore[override]
        return datetime.combine(self, self.time()) + min(time, timedelta(days=1, microseconds=-1))


def _cell(row: tuple[Any, ...], place: int, *, once: bool) -> Any:
    value = row[place] if place < len(row) else None
    if isinstance(value, _Merged):
        value = None if once else value.value
    # A spreadsheet has only one kind of number: 7 is stored as 7.0 by some programs.
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _check_container(path: Path) -> None:
    """DataError for an encrypted workbook, one of before 2007, and one that would fill the memory."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(LEGACY):
        raise DataError(
            f"{path} is encrypted, or an .xls of before 2007. Take the password off, or save it as .xlsx or CSV."
        )
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise DataError(f"{path} is encrypted. Take the password off.")
    check_unpacked_size(sum(part.file_size for part in parts), path)
    for part in parts:
        if part.filename in ("xl/styles.xml", "xl/workbook.xml") and part.file_size > MOST_STYLES:
            raise DataError(
                f"{path} has {part.file_size:,} bytes of styles or names of cells ({part.filename}), more than a list "
                "of records needs. Save the records that you need as CSV."
            )
