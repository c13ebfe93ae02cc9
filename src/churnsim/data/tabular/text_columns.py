"""Columns of text read as dates and numbers, without a loop: Arrow's string functions run over whole columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnsim.errors import ConfigError

_OFFSET = r"(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
ISO_DATE = rf"^\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?(?: ?{_OFFSET})?)?$"
_ISO_WALL_CLOCK = rf"^(.{{10}}[T ][0-9:.]+) ?{_OFFSET}$"


# 1678-01-01 and 2261-12-31 as days since 1970: what nanoseconds in 64 bits can say.
FIRST_DAY, LAST_DAY = -106_650, 106_650


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: the mark before the decimals, and the one between thousands ("" for none).

    `currency` stands before or behind a number. Where it is not None ("" for none), a number in brackets or with its
    minus behind it is negative, as accountants and their programs write.
    """

    decimal: str = "."
    thousands: str = ""
    currency: str | None = None

    def __post_init__(self) -> None:
        marks = (".", ",", "", " ", "'", "\u00a0", "\u202f", "\u2019")
        if self.decimal not in (".", ",") or self.thousands not in marks or self.decimal == self.thousands:
            raise ConfigError(
                "decimal must be '.' or ',' and thousands another mark (',', '.', a space, an apostrophe) or ''; got "
                f"{self.decimal!r} and {self.thousands!r}."
            )

    def plain(self, text: Any) -> Any:
        """The texts as numbers with a point and no thousands mark; null where they are not written in this way."""
        if self.currency is not None:
            text = bare(text, self.currency)
        d = "\\" + self.decimal
        whole = r"\d+"
        if self.thousands:
            mark = "\\" + self.thousands if self.thousands in ".'" else self.thousands
            whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
        well_written = pc.match_substring_regex(text, rf"^[+-]?(?:{whole}(?:{d}\d*)?|{d}\d+)(?:[eE][+-]?\d+)?$")
        if self.thousands:
            text = pc.replace_substring(text, self.thousands, "")
        if self.decimal != ".":
            text = pc.replace_substring(text, self.decimal, ".")
        return pc.if_else(well_written, text, pa.scalar(None, pa.string()))


def bare(text: Any, currency: str) -> Any:
    """Texts without the currency before or behind them, with a minus in front in place of brackets or one behind."""
    mark, space = re.escape(currency), r"[\s\x{a0}\x{202f}]*"
    if currency:
        text = pc.replace_substring_regex(text, rf"^([(+-]?){space}{mark}{space}([+-]?)", r"\1\2")
        text = pc.replace_substring_regex(text, rf"{space}{mark}{space}(-?\)?)$", r"\1")
    return pc.replace_substring_regex(text, r"^(?:\((.*)\)|([^+-].*)-)$", r"-\1\2")


PLAIN = NumberFormat()
ARROW_TEXT = pd.ArrowDtype(pa.string())


def parsed_dates(
    values: pd.Series[Any], date_format: str | None
) -> tuple[pd.Series[pd.Timestamp], NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Text to dates; the mask of what is missing; the mask of what only a `date_format` can make clear."""
    text = pc.utf8_trim_whitespace(as_text(values))
    missing = mask(pc.or_kleene(pc.is_null(text), pc.equal(text, "")))
    asks = None
    plain_days = _plain_iso_days(text) if date_format is None else None
    if plain_days is not None:
        return pd.Series(plain_days, index=values.index), missing, None
    if date_format is None:
        is_iso = pc.match_substring_regex(text, ISO_DATE)
        asks = ~mask(is_iso)
        text = pc.replace_substring_regex(text, _ISO_WALL_CLOCK, r"\1")
        text = pc.if_else(is_iso, text, pa.scalar(None, pa.string()))
        parsed = pd.to_datetime(text.to_pandas(), format="ISO8601", errors="coerce")
    else:
        pattern = date_format.strip()
        if pattern.endswith(("%z", "%Z")):
            # Offsets may differ from row to row; each row keeps its own wall clock, so they are only cut off.
            pattern = pattern[:-2].rstrip()
            offset = rf"\s*{_OFFSET}$"
            has_offset = pc.match_substring_regex(text, offset)
            text = pc.if_else(has_offset, pc.replace_substring_regex(text, offset, ""), pa.scalar(None, pa.string()))
        if "%z" in pattern or "%Z" in pattern:
            raise ConfigError(f"date_format may hold a time zone only at its end; got {date_format!r}.")
        try:
            parsed = pd.to_datetime(text.to_pandas(), format=pattern, errors="coerce")
        except ValueError as error:
            raise ConfigError(
                f"date_format {date_format!r} is not a date format ({error}). Use codes such as '%d/%m/%Y'."
            ) from None
    return wall_clock(pd.Series(parsed).set_axis(values.index)), missing, asks


def wall_clock(values: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Nanosecond dates without a time zone: the clock on the wall where they were written is kept. What nanoseconds
    cannot say is missing."""
    if isinstance(values.dtype, pd.ArrowDtype) and pa.types.is_date(values.dtype.pyarrow_dtype):
        values = values.astype("datetime64[s]")  # Arrow's days cannot be asked for a zone
    if values.dt.tz is not None:
        values = values.dt.tz_localize(None)
    if values.dtype == np.dtype("datetime64[ns]"):
        return values
    years = values.dt.year
    return values.where((years > 1677) & (years < 2262)).astype("datetime64[ns]")


def _plain_iso_days(text: Any) -> NDArray[np.datetime64] | None:
    """The days of a column that holds nothing but YYYY-MM-DD of our times; None for any other column."""
    try:
        days = text.cast(pa.date32())
    except pa.ArrowInvalid:
        return None
    if days.null_count:
        return None
    bounds = pc.min_max(days.cast(pa.int32())).as_py()
    if bounds["min"] is None or not FIRST_DAY <= bounds["min"] <= bounds["max"] <= LAST_DAY:
        return None
    # Arrow reads only this spelling as a date; its length rules out whatever else a later version may take.
    if pc.min_max(pc.binary_length(text)).as_py() != {"min": 10, "max": 10}:
        return None
    return np.asarray(days.cast(pa.timestamp("ns")))


def _plain_numbers(text: Any) -> Any:
    """A column of numbers by the compiled parser; None where any value is out of the ordinary."""
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def parsed_numbers(text: Any, written: NumberFormat = PLAIN) -> NDArray[np.float64]:
    """Text to numbers; NaN where a value is not a number written so."""
    parsed = _plain_numbers(text) if written == PLAIN else None
    if parsed is None:
        parsed = written.plain(text).cast(pa.float64())
    numbers: NDArray[np.float64] = parsed.to_pandas().to_numpy(dtype=np.float64)
    return numbers


def is_arrow_text(values: pd.Series[Any]) -> bool:
    """Whether the column is text held by Arrow."""
    return isinstance(values.dtype, pd.ArrowDtype) and pa.types.is_string(values.dtype.pyarrow_dtype)


def as_text(values: pd.Series[Any]) -> Any:
    """An Arrow array of the values as text, missing ones null."""
    if is_arrow_text(values):
        return pa.array(values)
    try:
        return pa.array(values.to_numpy(dtype=object), type=pa.string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        # Dates, decimals or a mixture: their own text is ISO, or a number, or shows what is wrong.
        missing = values.isna().to_numpy(dtype=bool)
        return pa.array(
            [
                None if gone else str(value).encode("utf-8", "replace").decode()
                for value, gone in zip(values, missing, strict=True)
            ],
            type=pa.string(),
        )


def mask(values: Any) -> NDArray[np.bool_]:
    """An Arrow boolean array as a numpy mask, null counted as False."""
    return np.asarray(pc.fill_null(values, False)).astype(bool)
