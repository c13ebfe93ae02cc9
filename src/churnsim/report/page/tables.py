"""Tables from stored rows whose columns are not known beforehand, and small helpers for those that are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import ColumnHead, Details, TableBlock, TableCell
from churnsim.report.page.context import Context

PAGE_LETTERS = 88
"""That stand beside each other in a table as wide as the page."""
PROSE_LETTERS = 24
WIDE = "\u2e80-\u9fff\uff00-\uffef"
"""Letters between which a line may break, each as wide as two others."""


def heads(context: Context, section: str, *keys: str, **said: str) -> list[ColumnHead]:
    """Column heads by their keys in a section of the sentences: a key ends in # for numbers, in ~ for prose."""
    return [
        ColumnHead(
            title=context.say(f"{section}.{key.rstrip('#~')}", **said),
            numeric=key.endswith("#"),
            prose=key.endswith("~"),
        )
        for key in keys
    ]


def row_of(*values: str | TableCell) -> list[TableCell]:
    """A row of cells; plain text becomes a plain cell."""
    return [value if isinstance(value, TableCell) else TableCell(text=value) for value in values]


def table(
    caption: str, columns: Sequence[ColumnHead], rows: list[list[TableCell]], *, quiet: bool = False
) -> TableBlock:
    """A table. Every row must fit the columns."""
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"table {caption!r}: a row does not have the {len(columns)} cells of the heads.")
    letters = [_letters(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    wide = sum(letters) > PAGE_LETTERS
    return TableBlock(caption=caption, columns=list(columns), rows=rows, quiet=quiet, wide=wide)


def folded(caption: str, columns: Sequence[ColumnHead], rows: list[list[TableCell]]) -> Details:
    """A table folded away under its caption."""
    return Details(summary=caption, blocks=[table(caption, columns, rows, quiet=True)])


def noted(text: str, note: str) -> TableCell:
    """A cell with a note below its text, where there is one."""
    return TableCell(text=text, note="" if note == fmt.ABSENT else note)


def _letters(column: ColumnHead, cells: list[TableCell]) -> int:
    """About how many letters wide a column is at least, the gap beside it included: figures stay on one line."""
    if column.prose:
        return PROSE_LETTERS
    words = column.title if column.numeric else " ".join([column.title, *(cell.text for cell in cells)])
    unbroken = [*re.split(f"[ -]|(?<=[{WIDE}])(?=[{WIDE}])", words), *(cell.text for cell in cells if column.numeric)]
    return 2 + max(map(text_width, unbroken), default=0)


def text_width(text: str) -> int:
    """How many Latin letters wide a text is: a Chinese one is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pieces(text: str, *, wide: float = 1.0) -> Iterator[tuple[int, float]]:
    """What a line breaks between: (whether a space stands before it, how many letters wide). A Chinese letter is one by
    itself, `wide` times two letters."""
    for word in text.split(" "):
        parts = [part for part in re.split(f"([{WIDE}])", word) if part] or [""]
        for place, part in enumerate(parts):
            yield int(place == 0), text_width(part) * (1.0 if part.isascii() else wide)


def lines_of(text: str, letters: float, *, wide: float = 1.0) -> int:
    """Lines of a text that breaks at its spaces and between Chinese letters; a word longer than a line is broken."""
    lines, used = 1, 0.0
    for space, width in pieces(text, wide=wide):
        if used and used + space + width > letters:
            lines, used = lines + 1, 0.0
        used += width + (space if used else 0)
        while used > letters:
            lines, used = lines + 1, used - letters
    return lines


def records_table(
    caption: str, records: Sequence[dict[str, Any]], *, limit: int, told: Callable[[str], str] = str
) -> TableBlock:
    """The first `limit` records, columns in the order they first occur, numbers of one column rounded alike; `told`
    puts stored words into the report's language."""
    names = list(dict.fromkeys(name for record in records for name in record))
    shown = records[:limit]
    texts, columns = [], []
    for name in names:
        values = [record.get(name) for record in shown]
        numeric = all(value is None or _is_number(value) for value in values) and any(map(_is_number, values))
        texts.append(_column_texts(name, values) if numeric else [told(fmt.cell(value)) for value in values])
        prose = any(len(text) > 40 for text in texts[-1])
        columns.append(ColumnHead(title=told(name.replace("_", " ")), numeric=numeric, prose=prose))
    rows = [[TableCell(text=column[i]) for column in texts] for i in range(len(shown))]
    return table(caption, columns, rows, quiet=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _column_texts(name: str, values: Sequence[int | float | None]) -> list[str]:
    if name in ("p", "p_value"):
        return [fmt.p_value(value) for value in values]
    present = [value for value in values if value is not None]
    if all(float(value).is_integer() and abs(value) < 10_000 for value in present):
        # Small whole numbers may be years or identifiers: no thousands comma.
        return [fmt.ABSENT if value is None else fmt.cell(int(value)) for value in values]
    decimals = fmt.decimals_shown(values)
    return [fmt.fixed(value, decimals) for value in values]
