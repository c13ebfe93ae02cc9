"""What the bytes of a text file say of its encoding, and its lines of what separates the columns: found out where they
decide, asked for where not."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence

from churnsim.errors import DataError

__all__ = ["detect_delimiter", "detect_encoding"]

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
        "from the bytes. Pass encoding='cp1252' (Excel in Western Europe), 'gb18030' (Chinese), 'shift_jis' "
        "(Japanese) or "
        "the one it was written in."
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


def detect_delimiter(text: str, wanted: Sequence[str], *, source: str) -> str:
    """The delimiter of the file that begins with `text` and has the columns `wanted`.

    Among comma, semicolon, tab and bar those qualify under which the header holds every wanted name. When several do
    (only a header with one wanted name can), the one under which the lines have as many fields as the header. When none
    does, the one that splits the header most, for the error about the missing column to speak of. Raises DataError when
    two are left.
    """
    found = {candidate: _records(text, candidate) for candidate in CANDIDATES}
    headers = {
        candidate: [name.strip() for name in records[0]] if records else [] for candidate, records in found.items()
    }
    fits = [candidate for candidate in CANDIDATES if set(wanted) <= set(headers[candidate])]
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


def _records(text: str, delimiter: str) -> list[list[str]]:
    records = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in record):
                records.append(record)
            if len(records) > SAMPLED_LINES:
                break
    except csv.Error:
        pass  # what is wrong with the record is said, with its line, when the file is read
    return records
