"""Columns of text out of a delimited file, with the line on which each record begins.

A file is read by Arrow's compiled parser. Only when that parser, or a later check, meets something wrong is
the file read again record by record, which is slower and knows the line numbers.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.table_columns import ARGUMENTS, check_columns
from churnsim.data.tabular.text_columns import ARROW_TEXT
from churnsim.errors import DataError

_UNDECODED = re.compile("[\udc80-\udcff]")  # where Python keeps bytes that did not decode


LONGEST_LINE = 1 << 24  # bytes: a hundred of them for each of 160,000 columns


@dataclass(frozen=True)
class Records:
    """Named columns of text, the line each record begins on (the first is 1), and what is wrong so far."""

    frame: pd.DataFrame
    lines: NDArray[np.int64]
    flaws: Flaws


@dataclass(frozen=True, kw_only=True)
class DelimitedText:
    """The content of one delimited file: read quickly, or carefully."""

    source: str
    content: bytes
    delimiter: str
    encoding: str
    arguments: Sequence[str] = ARGUMENTS  # by which the caller takes the names of the columns it wants
    header_bytes: int  # of `content`, blank lines before the header included
    header_lines: int
    skipped: int = 0  # lines of the file between the header and the first record of `content`

    def columns(self) -> list[str]:
        """The names in the header, without white space around them. Raises DataError for an empty file."""
        return [name.strip() for name in self._first()]

    def _first(self) -> list[str]:
        first = next(self._records(self.content[: self.header_bytes]), None)
        if first is None:
            raise DataError(f"{self.source} is empty. It needs a header line and one line for each record.")
        return first[1]

    def quickly(self, columns: Sequence[str]) -> pd.DataFrame | None:
        """The columns by the compiled parser, or None when any record is out of the ordinary.

        Raises DataError when a column is missing.
        """
        header = self._header(columns)
        wanted = [header[name] for name in columns]
        try:
            content = self._utf8()
            quotes = b'"' in content
            if quotes and not _well_quoted(content, self.delimiter):
                return None
            table = pyarrow.csv.read_csv(
                pa.BufferReader(content),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=quotes,  # costs the parser its second core, so only when possible
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=list(dict.fromkeys(wanted)),
                    column_types={name: pa.string() for name in wanted},
                    strings_can_be_null=False,
                ),
            )
        except (pa.ArrowException, UnicodeError):
            return None
        return pd.DataFrame(
            {name: pd.Series(table.column(header[name]), dtype=ARROW_TEXT) for name in columns},
            columns=list(columns),
        )

    def carefully(self, columns: Sequence[str]) -> Records:
        """The columns record by record, with line numbers; records of wrong length or encoding are marked.

        Raises DataError when a column is missing or a quotation mark is never closed.
        """
        header: list[str] | None = None
        places: list[int] = []
        lines: list[int] = []
        overlong: dict[int, str] = {}
        cells: list[tuple[str, ...]] = []
        for line, record in self._records(self.content):
            if header is None:
                header = record
                named = self._header(columns)
                places = [header.index(named[name]) for name in columns]
                continue
            if len(record) > len(header) and any(cell.strip() for cell in record[len(header) :]):
                overlong[len(lines)] = self.delimiter.join(record)
            lines.append(line)
            width = len(record)
            cells.append(tuple(record[place] if place < width else "" for place in places))
        flaws = Flaws(len(lines))
        if overlong:
            at = np.zeros(len(lines), dtype=bool)
            at[list(overlong)] = True
            flaws.mark(
                at, [overlong.get(position, "") for position in range(len(lines))], None,
                f"has more fields than the {len(header or [])} of the header",
                f"Put a value that contains the delimiter {self.delimiter!r} in quotation marks.",
            )  # fmt: skip
        by_column = [list(column) for column in zip(*cells, strict=True)] or [[] for _ in columns]
        frame = pd.DataFrame(
            {
                name: pd.Series(self._decoded(name, values, flaws), dtype=ARROW_TEXT)
                for name, values in zip(columns, by_column, strict=True)
            },
            columns=list(columns),
        )
        return Records(frame, np.array(lines, dtype=np.int64), flaws)

    def _utf8(self) -> bytes:
        if codecs.lookup(self.encoding).name == "utf-8":
            return self.content
        return self.content.decode(self.encoding).encode("utf-8")

    def _decoded(self, name: str, values: list[str], flaws: Flaws) -> list[str]:
        """The values with undecodable ones blanked and marked, so that the rest can be typed."""
        wrong = [not value.isascii() and _UNDECODED.search(value) is not None for value in values]
        if not any(wrong):
            return values
        remedy = "Pass the encoding the file was written in, such as encoding='cp1252' (Excel)."
        flaws.mark(wrong, values, name, f"holds bytes that are not {self.encoding}", remedy)
        return ["" if bad else value for value, bad in zip(values, wrong, strict=True)]

    def _header(self, columns: Sequence[str]) -> dict[str, str]:
        """The wanted columns as the file spells them (white space around a name is overlooked)."""
        found = self._first()
        check_columns(
            [name.strip() for name in found],
            columns,
            source=self.source,
            delimiter=self.delimiter,
            arguments=self.arguments,
        )
        return {name.strip(): name for name in found}

    def _line(self, line: int) -> int:
        """The line of the file that is line `line` of the content."""
        return line + self.skipped if line > self.header_lines else line

    def _records(self, content: bytes) -> Iterator[tuple[int, list[str]]]:
        """Each record of a beginning of the content that is not blank, with the line it begins on."""
        try:
            text = content.decode(self.encoding, "surrogateescape")
        except UnicodeError as error:
            raise DataError(
                f"{self.source} is not {self.encoding} ({error}). Pass the encoding the file was written in."
            ) from None
        text = text.removeprefix("\ufeff")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
        begins = 1
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise DataError(
                    f"{self.source}, line {self._line(begins)}: the record that begins here cannot be read ({error}). "
                    "Look for a quotation mark that is never closed, or a wrong delimiter."
                ) from None
            if len(record) > 1 or (record and record[0].strip()):
                yield self._line(begins), record
            begins = reader.line_num + 1


def _well_quoted(content: bytes, delimiter: str) -> bool:
    """Whether every quotation mark opens or closes a whole value, or is doubled inside one.

    Arrow's parser does not ask: it would let a mark that is never closed swallow the rows after it.
    """
    codes = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(codes == ord('"'))
    if len(quotes) % 2:
        return False
    edges = np.frombuffer(f'{delimiter}\r\n"'.encode(), dtype=np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    before = codes[opening[opening > 0] - 1]
    after = codes[closing[closing < len(codes) - 1] + 1]
    return bool(np.isin(before, edges).all() and np.isin(after, edges).all())


def check_text(content: bytes, *, source: str, encoding: str | None) -> None:
    """DataError for bytes that begin like a workbook, an archive or a Parquet file, UTF-16 where `encoding` is not, and
    a line beyond `LONGEST_LINE`."""
    if content.startswith((b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{source} is a workbook, an archive or a Parquet file, not text. Save it as CSV.")
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if encoding is not None and marked and "16" not in encoding and "32" not in encoding:
        raise DataError(f"{source} is UTF-16, not {encoding}. Pass encoding='utf-16'.")
    begin = 0
    while len(content) - begin > LONGEST_LINE:
        window = begin, begin + LONGEST_LINE
        end = max(content.rfind(mark, *window) for mark in (b"\n", b"\r")) + 1
        if not end:
            line = content.count(b"\n", 0, begin) + 1
            raise DataError(
                f"{source}, line {line}: has more than {LONGEST_LINE:,} bytes, too "
                "many for a record. Write each record on a line of its own."
            )
        begin = end
