"""Rows of any of the tables, typed: each column by its kind, with the rules of `churnsim.data.tabular.columns`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churnsim.data.database.source import Spelling
from churnsim.data.database.tables import Column, Table
from churnsim.data.tabular.columns import amounts, dates, ids
from churnsim.data.tabular.row_errors import Flaw, Flaws
from churnsim.data.tabular.text_columns import as_text, is_arrow_text, mask

__all__ = ["TRIMMED", "ZONED", "ids_as_text", "typed_rows"]

LONGEST_ID = 500  # characters; a longer one is a paragraph that slipped into the wrong column
_WITH_ZONE = r"\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"


TRIMMED = "customer ids without the white space around them"
ZONED = "dates with a time zone"


def typed_rows(
    raw: pd.DataFrame,
    *,
    table: Table,
    names: dict[str, str],
    flaws: Flaws,
    spelling: Spelling,
    latest: pd.Timestamp,
) -> pd.DataFrame:
    """`raw` with our names and proper types; bad rows are marked in `flaws` and come back with whatever they had.

    Its ``attrs`` count TRIMMED and ZONED values, which were changed.
    """
    counts = {TRIMMED: 0, ZONED: 0}
    typed: dict[str, Any] = {}
    for column in table.columns:
        theirs = names.get(column.name)
        if theirs is None:
            continue
        values = raw[theirs]
        if column.kind == "id":
            typed[column.name] = _ids(values, theirs, flaws, counts)
        elif column.kind == "date":
            counts[ZONED] += _zoned(values)
            typed[column.name] = dates(
                values, theirs, flaws, date_format=spelling.dates.get(theirs),
                latest=None if column.may_lie_ahead else latest, optional=column.optional,
            )  # fmt: skip
        elif column.kind in ("amount", "number"):
            # What "optional" says of an amount is that a log may do without; a row of a log that has amounts may not.
            typed[column.name] = amounts(
                values, theirs, flaws, written=spelling.number(theirs), negative=True, optional=column.kind == "number"
            )
        else:
            typed[column.name] = _texts(values, theirs, flaws, column)
    frame = pd.DataFrame(typed)
    frame.attrs.update(counts)
    return frame


def ids_as_text(ids: pd.Series[Any]) -> Any:
    """Ids as an Arrow array of text: 7, 7.0 and "7" are one customer, 007 is another."""
    if is_arrow_text(ids):
        return pa.array(ids)
    if pd.api.types.is_integer_dtype(ids.dtype):
        return pa.array(ids).cast(pa.string())
    codes, uniques = pd.factorize(ids, use_na_sentinel=True)
    texts = pa.array([_as_text(value) for value in uniques], type=pa.string())
    return texts.take(pa.array(codes, mask=codes < 0))


def _as_text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "replace").decode()


def _ids(values: pd.Series[Any], name: str, flaws: Flaws, counts: dict[str, int]) -> pd.Series[Any]:
    checked = ids(values, name, flaws, trim=False, what="record")
    text = ids_as_text(checked)
    trimmed = pc.utf8_trim_whitespace(text)
    counts[TRIMMED] += int(mask(pc.not_equal(trimmed, text)).sum())
    flaws.mark(
        mask(pc.greater(pc.utf8_length(trimmed), LONGEST_ID)),
        values,
        Flaw(
            column=name,
            reason=f"is longer than {LONGEST_ID} characters",
            remedy="Check that this column holds the customer's id.",
        ),
    )
    return pd.Series(trimmed, dtype=pd.ArrowDtype(pa.string()))


def _zoned(values: pd.Series[Any]) -> int:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return int(values.notna().sum())
    if is_arrow_text(values) or values.dtype == object:
        text = as_text(values)
        longest = pc.max(pc.binary_length(text)).as_py()
        if longest is not None and longest > len("2024-01-01 00:00"):
            return int(mask(pc.match_substring_regex(text, _WITH_ZONE)).sum())
    return 0


def _texts(values: pd.Series[Any], name: str, flaws: Flaws, column: Column) -> pd.Series[Any]:
    text = as_text(values)
    flaws.mark(
        mask(pc.match_substring(text, "\0")),
        values,
        Flaw(column=name, reason="holds a null byte", remedy="Write the file again as plain text."),
    )
    if not column.optional:
        flaws.mark(
            mask(pc.or_kleene(pc.is_null(text), pc.equal(pc.utf8_trim_whitespace(text), ""))),
            values,
            Flaw(column=name, reason="is missing", remedy=f"Give every row its {column.name}."),
        )
    return pd.Series(text, dtype=pd.ArrowDtype(pa.string()))
