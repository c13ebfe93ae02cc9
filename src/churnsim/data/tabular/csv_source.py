"""Records from a delimited text file of any size, read in blocks of whole records on two threads.

What the bytes say of the encoding, and the lines of what separates the columns, is found out where they decide.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data.tabular.csv_file import DelimitedText, check_text
from churnsim.data.tabular.files import unpacked_content
from churnsim.data.tabular.format_detection import (
    FIRST_ROWS,
    NUMBERS,
    WHOLE_NUMBERS,
    detect_spelling,
    rows_above_names,
)
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat, Piece, Spelling, Typer
from churnsim.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE = 1 << 22


def detect_encoding(content: bytes, *, source: str) -> tuple[str, str]:
    """The encoding of `content` and how it is known, in words.

    A byte order mark decides; UTF-16 without one shows by its null bytes; whatever decodes as UTF-8 is UTF-8 (text in
    another encoding does so only by a freak of chance). Raises DataError for anything else: the bytes of cp1252,
    latin-1, gb18030 or shift_jis do not tell them apart.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name, f"{name}, by its byte order mark"
    head = content[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd:
        if odd > len(head) // 4 and even == 0:
            return "utf-16-le", "utf-16-le, by its null bytes"
        if even > len(head) // 4 and odd == 0:
            return "utf-16-be", "utf-16-be, by its null bytes"
    wrong = _first_not_utf8(content)
    if wrong is None:
        return "utf-8", "utf-8" if not content.isascii() else "ascii"
    line = content.count(b"\n", 0, wrong) + 1
    raise DataError(
        f"{source}, line {line}: the byte 0x{content[wrong]:02x} is not UTF-8, and which encoding it is cannot be told "
        "from the bytes. Pass encoding='cp1252' (Excel in Western Europe), 'gb18030' (Chinese), 'shift_jis' (Japanese) "
        "or the one it was written in."
    )


def _first_not_utf8(content: bytes) -> int | None:
    """Where the first byte stands that cannot be UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=start + _PIECE >= len(content))
        except UnicodeDecodeError as error:
            return min(start - held + error.start, len(content) - 1)
    return None


CANDIDATES = (",", ";", "\t", "|")
SAMPLED_LINES = 100
LEAST_BY_SPACES = 3
"""Columns of a file that nothing but spaces separates: two could be one with a name, or a day, of two words."""


def detect_delimiter(text: str, wanted: Sequence[str], *, source: str) -> str:
    """The delimiter of the file that begins with `text` and has the columns `wanted`.

    Among comma, semicolon, tab and bar those qualify under which the header holds every wanted name. When several do
    (only a header with one wanted name can), the one under which the lines have as many fields as the header. When none
    does, spaces where they part every line into as many fields, else the one that splits the header most, for the error
    about the missing column to speak of. Raises DataError when two are left.
    """
    found = {candidate: _below_titles(_records(text, candidate), wanted) for candidate in CANDIDATES}
    headers = {
        candidate: [name.strip() for name in records[0]] if records else [] for candidate, records in found.items()
    }
    fits = [candidate for candidate in CANDIDATES if set(wanted) <= set(headers[candidate])]
    if all(len(header) <= 1 for header in headers.values()) and '"' not in text:
        widths = {len(line.split()) for line in text.splitlines()[:SAMPLED_LINES] if line.strip()}
        if len(widths) == 1 and min(widths) >= LEAST_BY_SPACES:
            return " "
    if not fits:
        return max(CANDIDATES, key=lambda candidate: len(headers[candidate]))
    if len(fits) > 1:
        fits = [c for c in fits if all(len(record) == len(headers[c]) for record in found[c])] or fits
    most = max(len(headers[candidate]) for candidate in fits)
    fits = [candidate for candidate in fits if len(headers[candidate]) == most]
    if most <= 1:
        return ","  # one column is separated by nothing
    if len(fits) > 1:
        raise DataError(
            f"{source}: the columns may be separated by {' or '.join(map(repr, fits))}. Say which with delimiter=."
        )
    return fits[0]


def _below_titles(records: list[list[str]], wanted: Sequence[str]) -> list[list[str]]:
    """Records from the names of the columns on; the first has them if it has those `wanted`."""
    if wanted and records and {*wanted} <= {name.strip() for name in records[0]}:
        return records
    return records[rows_above_names(records[:FIRST_ROWS]) :]


def _records(text: str, delimiter: str) -> list[list[str]]:
    records = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in record):
                records.append(record)
            if len(records) > SAMPLED_LINES:
                break
    except csv.Error:  # what is wrong with the record is said, with its line, when the file is read
        records = records or [text.split("\n", 1)[0].split(delimiter)]
    return records


BLOCK = 1 << 23  # 8 MiB: large enough for the compiled parser, small enough for two in memory to be nothing
SAMPLES = 5
SAMPLE = 1 << 20
THREADS = 2


class CsvSource:
    """A file of delimited text, perhaps packed with gzip. `wanted` are columns that must be there: they tell the
    delimiter."""

    row_word = "line"

    def __init__(self, path: Path, form: FileFormat, *, wanted: Sequence[str], arguments: Sequence[str]) -> None:
        self.name = path.name
        self._path = path
        self._form = form
        self._wanted = wanted
        self._arguments = arguments

    @cached_property
    def _raw(self) -> bytes:
        content = unpacked_content(self._path)
        check_text(content, source=str(self._path), encoding=self._given_encoding)
        return content

    @property
    def _given_encoding(self) -> str | None:
        return self._form.encoding or (None if self._form.detect else "utf-8")

    @cached_property
    def _encoding(self) -> tuple[str, str]:
        given = self._given_encoding
        return (given, "") if given is not None else detect_encoding(self._raw, source=str(self._path))

    @cached_property
    def _content(self) -> bytes:
        """The text from the names of the columns on."""
        return self._whole[self._titles[0] :]

    @cached_property
    def _titles(self) -> tuple[int, int]:
        """Bytes and lines of titles above the names of the columns."""
        if not self._form.detect:
            return 0, 0
        ends, rows = [0], list[list[str]]()
        while len(rows) < FIRST_ROWS and ends[-1] < len(self._whole):
            ends.append(_record_end(self._whole, ends[-1]))
            text = self._whole[ends[-2] : ends[-1]].decode(self._block_encoding, "replace")
            rows.append(next(iter(_records(text, self.delimiter)), []))
        filled = [place for place, row in enumerate(rows) if row]
        records = [rows[place] for place in filled]
        above = len(records) - len(_below_titles(records, self._wanted))
        end = ends[filled[above]] if above else 0
        return end, _lines(self._whole[:end])

    @cached_property
    def _whole(self) -> bytes:
        """The text, with one space for several where spaces separate the columns, and none around a line."""
        text = self._written
        if self.delimiter != " " or b'"' in text:
            return text
        return re.sub(rb"[ \t]+", b" ", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", text))

    @cached_property
    def _written(self) -> bytes:
        """The text as UTF-8 where its encoding does not write line ends, quotation marks and delimiters as ASCII
        does."""
        name = codecs.lookup(self._encoding[0]).name
        if _like_ascii(name):
            return _line_feeds(self._raw.removeprefix(codecs.BOM_UTF8))
        try:
            return _line_feeds(self._raw.decode(name).encode("utf-8"))
        except UnicodeError as error:
            raise DataError(
                f"{self._path} is not {name} ({error}). Pass the encoding the file was written in."
            ) from None

    @cached_property
    def _block_encoding(self) -> str:
        name = codecs.lookup(self._encoding[0]).name
        return name if _like_ascii(name) else "utf-8"

    @cached_property
    def delimiter(self) -> str:
        """What separates its columns."""
        if self._form.delimiter is not None:
            return self._form.delimiter
        if self._path.name.lower().removesuffix(".gz").endswith(".tsv"):
            return "\t"
        if not self._form.detect:
            return ","
        head = self._written[:SAMPLE].decode(self._block_encoding, "replace")
        return detect_delimiter(head, self._wanted, source=str(self._path))

    def checksum(self) -> str:
        """SHA-256 of the bytes, unpacked."""
        return hashlib.sha256(self._raw).hexdigest()

    def _text(self, content: bytes, skipped: int = 0) -> DelimitedText:
        return DelimitedText(
            source=str(self._path), content=content, delimiter=self.delimiter, encoding=self._block_encoding,
            arguments=self._arguments, header_bytes=self._header_end, header_lines=self._header_lines,
            skipped=skipped,
        )  # fmt: skip

    def columns(self) -> list[str]:
        """The names in the header, without white space around them."""
        return self._text(self._content[: self._header_end]).columns()

    @cached_property
    def _header_end(self) -> int:
        """Where the header record ends (blank lines before it included)."""
        start = 0
        while True:
            end = _record_end(self._content, start)
            if end >= len(self._content) or self._content[start:end].strip():
                return end
            start = end

    @cached_property
    def _header_lines(self) -> int:
        return _lines(self._content[: self._header_end])

    def detected(self, kinds: dict[str, str]) -> tuple[Spelling, dict[str, str]]:
        """Encoding, delimiter, and how dates and numbers are written, from all of the file or five stretches, and of
        columns that seem to hold whole numbers from all of it."""
        found = {"encoding": self._encoding[1], "delimiter": repr(self.delimiter) if self._form.detect else ""}
        if self._form.delimiter:
            found["delimiter"] = ""
        if self._titles[1]:
            found["names of the columns"] = f"in line {self._titles[1] + 1}, below a title"
        columns = [column for column, kind in kinds.items() if kind in ("date", *NUMBERS)]
        sample = self._sample(columns, self._stretches()) if columns and self._form.detect else pd.DataFrame()
        spelling, words = detect_spelling(sample, kinds, self._form, source=str(self._path))
        unmarked = [column for column, how in words.items() if how.startswith(WHOLE_NUMBERS)]
        if unmarked and not self._is_short:
            # A single 1.234 anywhere leaves open whether it is a thousand and more.
            every = self._sample(unmarked, (block for block, _ in self._blocks()))
            again, told = detect_spelling(every, {c: kinds[c] for c in unmarked}, self._form, source=str(self._path))
            spelling.numbers.update(again.numbers)
            words |= told
        return spelling, {key: value for key, value in {**found, **words}.items() if value}

    @property
    def _is_short(self) -> bool:
        return len(self._content) - self._header_end <= SAMPLES * SAMPLE

    def _stretches(self) -> Iterator[bytes]:
        """Whole records from five places of the file; all of them where it is short."""
        if self._is_short:
            yield self._content[self._header_end :]
            return
        for place in np.linspace(self._header_end, len(self._content) - SAMPLE, SAMPLES).astype(int):
            begin = _record_end(self._content, int(place)) if place > self._header_end else int(place)
            yield self._content[begin : self._content.rfind(b"\n", begin, begin + SAMPLE) + 1]

    def _sample(self, columns: list[str], blocks: Iterable[bytes]) -> pd.DataFrame:
        frames = []
        for block in blocks:
            text = self._text(self._content[: self._header_end] + block)
            quick = text.quickly(columns)
            # What is wrong with a record is said, with its line, when all of the file is read.
            with suppress(DataError):
                frame = text.carefully(columns).frame if quick is None else quick
                frames.append(frame.drop_duplicates())  # enough to tell a spelling, and small
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({name: [] for name in columns})

    def pieces(
        self, columns: list[str], typer: Typer, spelling: Spelling, *, labelled: bool = False
    ) -> Iterator[Piece]:
        """Blocks of whole records, two of them worked on at a time."""
        header = self._content[: self._header_end]

        def work(block: bytes, skipped: int) -> Piece:
            text = self._text(header + block, skipped)
            quick = None if labelled else text.quickly(columns)
            if quick is not None:
                flaws = Flaws(len(quick))
                frame = typer(quick, flaws, spelling)
                if not flaws.count:
                    return Piece(frame=frame, flaws=flaws, labels=np.empty(0, dtype=np.int64))
            # Something is out of the ordinary: once more, record by record, to know the lines.
            records = text.carefully(columns)
            frame = typer(records.frame, records.flaws, spelling)
            return Piece(frame=frame, flaws=records.flaws, labels=records.lines)

        waiting: deque[Future[Piece]] = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            for block, skipped in self._blocks():
                waiting.append(pool.submit(work, block, skipped))
                if len(waiting) > THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _blocks(self) -> Iterator[tuple[bytes, int]]:
        """Whole records, about BLOCK bytes of them at a time, and how many lines of records come before them."""
        start, skipped = self._header_end, self._titles[1]
        while start < len(self._content):
            end = _record_end(self._content, min(start + BLOCK, len(self._content)), begin=start)
            block = self._content[start:end]
            yield block, skipped
            skipped += _lines(block)
            start = end


def _like_ascii(encoding: str) -> bool:
    """Whether line ends, quotation marks and delimiters of a text in this encoding are the bytes that ASCII has for
    them, wherever one begins to read: not so in UTF-16, UTF-7, codes with shifts, and those of mainframes."""
    if encoding.startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")):
        return False
    marks = '\r\n\t ,;|"0123456789'
    return marks.encode(encoding, "replace") == marks.encode()


def _record_end(content: bytes, position: int, *, begin: int | None = None) -> int:
    """The first end of a line at or after `position` that is not inside quotation marks opened since `begin`."""
    odd = begin is not None and content.count(b'"', begin, position) % 2 == 1
    size = 1 << 8
    while position < len(content):  # in windows: line by line, a mark that is never closed takes minutes
        window = np.frombuffer(content, np.uint8, count=min(size, len(content) - position), offset=position)
        quoted = np.logical_xor.accumulate(window == ord('"')) ^ odd
        ends = np.flatnonzero((window == ord("\n")) & ~quoted)
        if ends.size:
            return position + int(ends[0]) + 1
        odd, size = bool(quoted[-1]), min(4 * size, _PIECE)
        position += window.size
    return len(content)


def _line_feeds(content: bytes) -> bytes:
    """The text with line feeds where old programs ended every line with a carriage return alone."""
    return content.replace(b"\r", b"\n") if b"\n" not in content and b"\r" in content else content


def _lines(block: bytes) -> int:
    return block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)
