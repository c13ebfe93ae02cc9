"""In which encoding a text file is written: found where the bytes say so, asked for where they do not."""

from __future__ import annotations

import codecs

from churnsim.errors import DataError

__all__ = ["detect_encoding"]

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
