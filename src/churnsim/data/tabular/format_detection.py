"""How the columns of a source write dates and numbers, found out once for all of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from churnsim.data.tabular.date_formats import detect_date_format
from churnsim.data.tabular.number_marks import detect_number_format
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.text_columns import NumberFormat, is_arrow_text
from churnsim.errors import DataError

__all__ = ["NUMBERS", "detect_spelling"]

NUMBERS = ("amount", "number", "measure")


def detect_spelling(
    sample: pd.DataFrame, kinds: dict[str, str], form: FileFormat, *, source: str
) -> tuple[Spelling, dict[str, str]]:
    """The spelling of the columns of `sample` by what `form` says and otherwise by what they hold; and in words.

    `kinds` says of each column of theirs what it is ("date", "amount", "number", "measure", ...). Columns with a type
    of their own need no spelling. Raises DataError for what is ambiguous, except in measures, which are then plain.
    """
    dates: dict[str, str | None] = {}
    numbers: dict[str, NumberFormat] = {}
    words: dict[str, str] = {}
    stated = form.numbers()
    for column, kind in kinds.items():
        if kind == "date" and form.date_format is not None:
            dates[column] = form.date_format
        elif kind in NUMBERS and stated is not None:
            numbers[column] = stated
        elif kind in ("date", *NUMBERS) and form.detect:
            text = _text(sample[column]) if column in sample else None
            if text is None:
                continue
            if kind == "date":
                dates[column], words[column] = detect_date_format(text, column=column, source=source)
            else:
                try:
                    numbers[column], words[column] = detect_number_format(text, column=column, source=source)
                except DataError:
                    # 1.234 in a column of measurements is what it seems; among amounts it may be a thousand and more.
                    if kind != "measure":
                        raise
    return Spelling(dates=dates, numbers=numbers), words


def _text(values: pd.Series[Any]) -> Any:
    """The text in the column as an Arrow array, or None when it holds no text at all."""
    if is_arrow_text(values):
        return pa.array(values)
    if values.dtype != object and not pd.api.types.is_string_dtype(values.dtype):
        return None
    texts = [value for value in values if isinstance(value, str)]
    return pa.array(texts, type=pa.string()) if texts else None
