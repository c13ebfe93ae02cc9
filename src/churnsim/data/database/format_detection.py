"""How the columns of a source write dates and numbers, found out once for all of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from churnsim.data.database.date_formats import detect_date_format
from churnsim.data.database.number_marks import detect_number_format
from churnsim.data.database.source import Reading, Spelling
from churnsim.data.tabular.text_columns import NumberFormat, is_arrow_text

__all__ = ["detect_spelling"]


def detect_spelling(
    sample: pd.DataFrame, kinds: dict[str, str], reading: Reading, *, source: str
) -> tuple[Spelling, dict[str, str]]:
    """The spelling of the columns of `sample` by what `reading` says and otherwise by what they hold; and in words.

    `kinds` says of each column of theirs what it is ("date", "amount", ...). Columns with a type of their own need no
    spelling. Raises DataError for what is ambiguous.
    """
    dates: dict[str, str | None] = {}
    numbers: dict[str, NumberFormat] = {}
    words: dict[str, str] = {}
    for column, kind in kinds.items():
        text = _text(sample[column])
        if text is None:
            continue
        if kind == "date":
            if reading.date_format is not None:
                dates[column] = reading.date_format
            else:
                dates[column], words[column] = detect_date_format(text, column=column, source=source)
        elif kind in ("amount", "number"):
            if reading.decimal is not None or reading.thousands is not None:
                decimal = reading.decimal or ("." if reading.thousands != "." else ",")
                numbers[column] = NumberFormat(decimal=decimal, thousands=reading.thousands or "")
            else:
                numbers[column], words[column] = detect_number_format(text, column=column, source=source)
    return Spelling(dates=dates, numbers=numbers), words


def _text(values: pd.Series[Any]) -> Any:
    """The text in the column as an Arrow array, or None when it holds no text at all."""
    if is_arrow_text(values):
        return pa.array(values)
    if values.dtype != object and not pd.api.types.is_string_dtype(values.dtype):
        return None
    texts = [value for value in values if isinstance(value, str)]
    return pa.array(texts, type=pa.string()) if texts else None
