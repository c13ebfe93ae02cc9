"""The three columns of a transaction log, customer id, date and amount: checked and typed without a loop.

Values arrive as any pandas column. Text goes through Arrow, whose string functions are compiled and run over
whole columns; columns that already have a type are only checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnsim.data.flaws import Flaw, Flaws
from churnsim.errors import ConfigError, DataError

__all__ = ["ISO_DATE", "Names", "dates", "ids", "numbers", "typed_columns"]

# What exporters write for "nothing here". A customer who is really called so would be taken for many others'
# missing id, so each of these is refused by name and never passed over.
MISSING = ("", "nan", "NaN", "NAN", "NaT", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none")

_OFFSET = r"(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
ISO_DATE = rf"^\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?(?: ?{_OFFSET})?)?$"
_ISO_WALL_CLOCK = rf"^(.{{10}}[T ][0-9:.]+) ?{_OFFSET}$"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the user's table calls the three columns; `amount` is None for a log without amounts."""

    customer_id: str
    date: str
    amount: str | None

    def present(self) -> list[str]:
        """The names asked for, in the order id, date, amount."""
        return [self.customer_id, self.date, *([] if self.amount is None else [self.amount])]


def typed_columns(
    raw: pd.DataFrame,
    *,
    names: Names,
    flaws: Flaws,
    date_format: str | None = None,
    latest: pd.Timestamp | None = None,
    trim_ids: bool = False,
) -> pd.DataFrame:
    """`raw` as `customer_id, date, amount` with proper types; what cannot be used is marked in `flaws`.

    Rows come back in the order given, bad ones included (with whatever value they had): the caller decides
    what becomes of them. Dates after the day `latest` are bad. `trim_ids` removes white space around ids that
    are text. Raises ConfigError for a `date_format` that is not one.
    """
    columns = {
        "customer_id": ids(raw[names.customer_id], names.customer_id, flaws, trim=trim_ids),
        "date": dates(raw[names.date], names.date, flaws, date_format=date_format, latest=latest),
    }
    if names.amount is not None:
        columns["amount"] = _amounts(raw[names.amount], names.amount, flaws)
    return pd.DataFrame(columns)


def ids(values: pd.Series[Any], name: str, flaws: Flaws, *, trim: bool, what: str = "purchase") -> pd.Series[Any]:
    """Customer ids; a missing one, or one with a null byte, is marked in `flaws`. A row is one `what`."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    given = values
    missing = Flaw(
        column=name,
        reason="is not a customer id (missing)",
        remedy=f"Give every {what} the id of its customer.",
    )
    if _is_arrow_text(values):
        text = pa.array(values)
        trimmed = pc.utf8_trim_whitespace(text)
        if trim:
            values = pd.Series(trimmed, index=values.index, dtype=values.dtype)
        empty = pc.is_in(trimmed, value_set=pa.array(MISSING))
        flaws.mark(_mask(pc.or_kleene(pc.is_null(text), empty)), given, missing)
        null_byte = _mask(pc.match_substring(text, "\0"))
    else:
        try:
            codes, uniques = pd.factorize(values, use_na_sentinel=True)
        except TypeError as error:
            raise DataError(
                f"column {name!r} holds values that cannot be customer ids ({error}). "
                "Use one number or one text per customer."
            ) from None
        texts = [value.strip() if isinstance(value, str) else None for value in uniques]
        # A code of -1 (a missing value) picks the entry appended last.
        empty_unique = np.array([text in MISSING for text in texts] + [True])
        null_unique = np.array(["\0" in text if text else False for text in texts] + [False])
        flaws.mark(empty_unique[codes], given, missing)
        null_byte = null_unique[codes]
    flaws.mark(
        null_byte,
        given,
        Flaw(
            column=name,
            reason="holds a null byte",
            remedy="Write the file again as plain text, or pass its encoding (such as 'utf-16').",
        ),
    )
    return values


def dates(
    values: pd.Series[Any],
    name: str,
    flaws: Flaws,
    *,
    date_format: str | None,
    latest: pd.Timestamp | None,
    what: str = "purchase",
) -> pd.Series[pd.Timestamp]:
    """Dates without a time zone; what is no date, or falls after the day `latest`, is marked in `flaws`."""
    if date_format is not None and "%" not in date_format:
        raise ConfigError(f"date_format must be made of codes such as '%d/%m/%Y'; got {date_format!r}.")
    given = values
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        dates, missing, asks = _wall_clock(values), values.isna().to_numpy(dtype=bool), None
    else:
        dates, missing, asks = _parsed_dates(values, date_format)
    flaws.mark(
        missing,
        given,
        Flaw(column=name, reason="is not a date (missing)", remedy=f"Give every {what} its date."),
    )
    if asks is not None:
        flaws.mark(
            asks,
            given,
            Flaw(
                column=name,
                reason="is not an ISO date (YYYY-MM-DD)",
                remedy="Write it so, or pass date_format, such as '%d/%m/%Y' (day first), '%m/%d/%Y' (month "
                "first) or '%Y%m%d': the order of day and month is never guessed.",
            ),
        )
    unreadable = (
        Flaw(
            column=name,
            reason="is not a day of the calendar between 1678 and 2261",
            remedy="Correct the date.",
        )
        if date_format is None
        else Flaw(
            column=name,
            reason=f"does not follow date_format {date_format!r}",
            remedy="Correct the date, or the date_format.",
        )
    )
    flaws.mark(dates.isna().to_numpy(dtype=bool), given, unreadable)
    if latest is not None:
        flaws.mark(
            (dates.dt.normalize() > latest).to_numpy(dtype=bool),
            given,
            Flaw(
                column=name,
                reason=f"is in the future (after {latest:%Y-%m-%d})",
                remedy="Correct the date, check the order of day and month, or pass today= if this "
                "computer's clock is wrong.",
            ),
        )
    return dates


def _wall_clock(values: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Nanosecond dates without a time zone: the clock on the wall where they were written is kept."""
    if values.dt.tz is not None:
        values = values.dt.tz_localize(None)
    if values.dtype == np.dtype("datetime64[ns]"):
        return values
    years = values.dt.year
    return values.where((years > 1677) & (years < 2262)).astype("datetime64[ns]")


def _parsed_dates(
    values: pd.Series[Any], date_format: str | None
) -> tuple[pd.Series[pd.Timestamp], NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Text to dates; the mask of what is missing; the mask of what only a `date_format` can make clear."""
    text = pc.utf8_trim_whitespace(_as_text(values))
    missing = _mask(pc.or_kleene(pc.is_null(text), pc.equal(text, "")))
    asks = None
    if date_format is None:
        is_iso = pc.match_substring_regex(text, ISO_DATE)
        asks = ~_mask(is_iso)
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
    return pd.Series(parsed.to_numpy(dtype="datetime64[ns]"), index=values.index), missing, asks


def numbers(values: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers, NaN where a value is none, and the mask of what is missing."""
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(values.dtype) and not (
        pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_complex_dtype(values.dtype)
    ):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), missing
    text = pc.utf8_trim_whitespace(_as_text(values))
    missing |= _mask(pc.equal(text, ""))
    is_number = pc.match_substring_regex(text, _NUMBER)
    plain = pc.if_else(is_number, text, pa.scalar(None, pa.string()))
    return plain.cast(pa.float64()).to_pandas().to_numpy(dtype=np.float64), missing


def _amounts(values: pd.Series[Any], name: str, flaws: Flaws) -> pd.Series[float]:
    amounts, missing = numbers(values)
    flaws.mark(
        missing,
        values,
        Flaw(
            column=name,
            reason="is not an amount (missing)",
            remedy="Give every purchase its amount, or pass amount=None to do without amounts.",
        ),
    )
    flaws.mark(
        ~np.isfinite(amounts),
        values,
        Flaw(
            column=name,
            reason="is not a finite number",
            remedy="Write amounts as plain numbers such as 1234.50: no currency sign, no thousands "
            "separator, a point before the decimals.",
        ),
    )
    flaws.mark(
        amounts < 0,
        values,
        Flaw(
            column=name,
            reason="is negative (a refund?)",
            remedy="Take refunds out, or net them against their purchase, beforehand.",
        ),
    )
    return pd.Series(amounts + 0.0, index=values.index)  # -0 becomes 0


def _is_arrow_text(values: pd.Series[Any]) -> bool:
    return isinstance(values.dtype, pd.ArrowDtype) and pa.types.is_string(values.dtype.pyarrow_dtype)


def _as_text(values: pd.Series[Any]) -> Any:
    """An Arrow array of the values as text, missing ones null."""
    if _is_arrow_text(values):
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


def _mask(values: Any) -> NDArray[np.bool_]:
    """An Arrow boolean array as a numpy mask, null counted as False."""
    return np.asarray(pc.fill_null(values, False)).astype(bool)
