"""Records from a delimited text file of any size, read in blocks of whole records on two threads."""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data.database.delimiters import detect_delimiter
from churnsim.data.database.encodings import detect_encoding
from churnsim.data.database.format_detection import detect_spelling
from churnsim.data.database.source import Piece, Reading, Spelling, Typer
from churnsim.data.tabular.csv_file import DelimitedText, check_text
from churnsim.data.tabular.row_errors import Flaws
from churnsim.errors import DataError

__all__ = ["CsvSource"]

BLOCK = 1 << 23  # 8 MiB: large enough for the compiled parser, small enough for two in memory to be nothing
SAMPLES = 5
SAMPLE = 1 << 20
THREADS = 2
UNPACKED_LIMIT = 1 << 26  # below this size no ratio is suspicious
UNPACKED_RATIO = 200  # measured here: a log of one customer and day packs about 150 to 1


class CsvSource:
    """A file of delimited text, perhaps packed with gzip."""

    row_word = "line"

    def __init__(self, path: Path, reading: Reading) -> None:
        self.name = path.name
        self._path = path
        self._reading = reading
        self._spelling: Spelling | None = None

    @cached_property
    def _raw(self) -> bytes:
        content = self._path.read_bytes()
        if self._path.suffix.lower() == ".gz":
            content = _unpacked(content, self._path)
        check_text(content, source=str(self._path), encoding=self._reading.encoding)
        return content

    @cached_property
    def _encoding(self) -> tuple[str, str]:
        if self._reading.encoding is not None:
            return self._reading.encoding, ""
        return detect_encoding(self._raw, source=str(self._path))

    @cached_property
    def _content(self) -> bytes:
        """The text as UTF-8 where its encoding has no line feeds that a search for their byte would find."""
        name = codecs.lookup(self._encoding[0]).name
        if name.startswith(("utf-16", "utf-32")):
            try:
                return _line_feeds(self._raw.decode(name).encode("utf-8"))
            except UnicodeError as error:
                raise DataError(
                    f"{self._path} is not {name} ({error}). Pass the encoding the file was written in."
                ) from None
        return _line_feeds(self._raw.removeprefix(codecs.BOM_UTF8))

    @cached_property
    def _block_encoding(self) -> str:
        name = self._encoding[0]
        return "utf-8" if codecs.lookup(name).name.startswith(("utf-16", "utf-32")) else name

    @cached_property
    def _delimiter(self) -> str:
        if self._reading.delimiter is not None:
            return self._reading.delimiter
        if self._path.name.lower().removesuffix(".gz").endswith(".tsv"):
            return "\t"
        head = self._content[:SAMPLE].decode(self._block_encoding, "replace")
        return detect_delimiter(head, self._wanted, source=str(self._path))

    _wanted: Sequence[str] = ()

    def wanted(self, names: Sequence[str]) -> None:
        """Say which columns must be there, before anything else is asked: they tell the delimiter."""
        self._wanted = names

    def checksum(self) -> str:
        """SHA-256 of the bytes, unpacked."""
        return hashlib.sha256(self._raw).hexdigest()

    def _text(self, content: bytes) -> DelimitedText:
        return DelimitedText(
            source=str(self._path), content=content, delimiter=self._delimiter, encoding=self._block_encoding
        )

    def columns(self) -> list[str]:
        """The names in the header, without white space around them."""
        return self._text(self._content[: self._header_end]).header_names()

    @cached_property
    def _header_end(self) -> int:
        """Where the header record ends (blank lines before it included)."""
        start = 0
        while True:
            end = _record_end(self._content, start)
            if end >= len(self._content) or self._content[start:end].strip():
                return end
            start = end

    def detected(self, names: dict[str, str], kinds: dict[str, str]) -> dict[str, str]:
        """Encoding, delimiter, and how dates and numbers are written, from all of the file or five stretches."""
        header = self._content[: self._header_end]
        columns = list(names.values())
        body = len(self._content) - self._header_end
        if body <= SAMPLES * SAMPLE:
            stretches = [self._content[self._header_end :]]
        else:
            starts = np.linspace(self._header_end, len(self._content) - SAMPLE, SAMPLES).astype(int)
            stretches = []
            for start in starts:
                begin = _record_end(self._content, int(start)) if start > self._header_end else int(start)
                stretches.append(self._content[begin : self._content.rfind(b"\n", begin, begin + SAMPLE) + 1])
        frames = []
        for stretch in stretches:
            text = self._text(header + stretch)
            quick = text.quickly(columns)
            frames.append(text.carefully(columns).frame if quick is None else quick)
        sample = pd.concat(frames, ignore_index=True)
        self._spelling, words = detect_spelling(
            sample, {names[ours]: kind for ours, kind in kinds.items() if ours in names}, self._reading,
            source=str(self._path),
        )  # fmt: skip
        found = {"encoding": self._encoding[1], "delimiter": "" if self._reading.delimiter else repr(self._delimiter)}
        return {key: value for key, value in {**found, **words}.items() if value}

    def pieces(self, names: dict[str, str], typer: Typer) -> Iterator[Piece]:
        """Blocks of whole records, two of them worked on at a time."""
        columns = list(names.values())
        spelling = self._spelling
        assert spelling is not None, "detected() comes first"
        header = self._content[: self._header_end]
        lines_of_header = _lines(header)

        def work(block: bytes, line: int) -> Piece:
            text = self._text(header + block)
            quick = text.quickly(columns)
            if quick is not None:
                flaws = Flaws(len(quick))
                frame = typer(quick, flaws, spelling)
                if not flaws.count:
                    return Piece(frame=frame, flaws=flaws, labels=np.empty(0, dtype=np.int64))
            records = text.carefully(columns)
            frame = typer(records.frame, records.flaws, spelling)
            return Piece(frame=frame, flaws=records.flaws, labels=records.lines + (line - lines_of_header - 1))

        waiting: deque[Future[Piece]] = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            for block, line in self._blocks():
                waiting.append(pool.submit(work, block, line))
                if len(waiting) > THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _blocks(self) -> Iterator[tuple[bytes, int]]:
        """Whole records, about BLOCK bytes of them at a time, and the line on which they begin."""
        start, line = self._header_end, 1 + _lines(self._content[: self._header_end])
        while start < len(self._content):
            end = _record_end(self._content, min(start + BLOCK, len(self._content)), begin=start)
            block = self._content[start:end]
            yield block, line
            line += _lines(block)
            start = end


def _record_end(content: bytes, position: int, *, begin: int | None = None) -> int:
    """The first end of a line at or after `position` that is not inside quotation marks opened since `begin`."""
    begin = position if begin is None else begin
    quotes = content.count(b'"', begin, position)
    while position < len(content):
        end = content.find(b"\n", position)
        end = len(content) if end < 0 else end + 1
        quotes += content.count(b'"', position, end)
        position = end
        if quotes % 2 == 0:
            return end
    return len(content)


def _line_feeds(content: bytes) -> bytes:
    """The text with line feeds where old programs ended every line with a carriage return alone."""
    return content.replace(b"\r", b"\n") if b"\n" not in content and b"\r" in content else content


def _lines(block: bytes) -> int:
    return block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)


def _unpacked(content: bytes, path: Path) -> bytes:
    """The content of a gzip file; DataError for one that is damaged or a bomb."""
    limit = max(UNPACKED_LIMIT, UNPACKED_RATIO * len(content))
    parts, total = [], 0
    while content:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacker.decompress(content, limit - total + 1))
        except zlib.error as error:
            raise DataError(f"{path} is not a sound gzip file ({error}). Compress it again.") from None
        total += len(parts[-1])
        if total > limit:
            raise DataError(
                f"{path} unpacks to more than {limit:,} bytes, {UNPACKED_RATIO} times its size or more. Unpack it "
                f"by hand "
                "if it is what you expect."
            )
        if not unpacker.eof:
            raise DataError(f"{path} is not a sound gzip file (it ends too early). Compress it again.")
        content = unpacker.unused_data
    return b"".join(parts)
