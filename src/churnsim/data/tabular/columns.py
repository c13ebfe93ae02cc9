"""The columns of a transaction log, customer ids, dates and amounts: checked and typed without a loop.

Values arrive as any pandas column. Text goes through Arrow, whose string functions are compiled and run over
whole columns; columns that already have a type are only checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnsim.data.tabular.row_errors import Flaws, show
from churnsim.data.tabular.text_columns import (
    ARROW_TEXT,
    PLAIN,
    NumberFormat,
    as_text,
    is_arrow_text,
    mask,
    parsed_dates,
    parsed_numbers,
    wall_clock,
)
from churnsim.errors import ConfigError, DataError

# What exporters write for "nothing here". A customer who is really called so would be taken for many others'
# missing id, so each of these is refused by name and never passed over.
MISSING = ("", "nan", "NaN", "NAN", "NaT", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none")
MISSING_ID = "is not a customer id (missing)"
YES = ("yes", "y", "true", "t", "1", "1.0", "ja", "oui", "si", "sí", "sì", "wahr", "vrai", "是", "有")
NO = ("no", "n", "false", "f", "0", "0.0", "nein", "nee", "non", "falsch", "faux", "否", "無", "无")
IDS_SHOWN = 3
MAILBOX = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
LONGEST_ID = 500  # characters; a longer one is a paragraph that slipped into the wrong column


def ids(values: pd.Series[Any], name: str, flaws: Flaws, *, what: str = "purchase") -> pd.Series[Any]:
    """The column `name` as customer ids, as they are; bad ones marked. A row is one `what`."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if is_arrow_text(values):
        text = pa.array(values)
        empty = pc.is_in(pc.utf8_trim_whitespace(text), value_set=pa.array(MISSING))
        missing = mask(pc.or_kleene(pc.is_null(text), empty))
        null_byte = mask(pc.match_substring(text, "\0"))
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
        missing, null_byte = empty_unique[codes], null_unique[codes]
    remedy = f"Give every {what} the id of its customer, or pass guests='apart' to leave out rows without one."
    flaws.mark(missing, values, name, MISSING_ID, remedy)
    remedy = "Write the file again as plain text, or pass its encoding (such as 'utf-16')."
    flaws.mark(null_byte, values, name, "holds a null byte", remedy)
    return values


def file_ids(
    values: pd.Series[Any], name: str, flaws: Flaws, *, what: str = "purchase", text: bool = False
) -> tuple[pd.Series[Any], int, int]:
    """The column `name` of a file as customer ids, and how many of them lost white space around them, and capitals.

    Whole numbers stay numbers (7.0 is 7) unless `text` is asked for; everything else is text without white space around
    it, in which 7.0 is 7, 007 another customer, and an e-mail address is in small letters: one mailbox may be written
    with any capitals, other ids with other capitals are others. Bad ones are marked.
    """
    given = ids(values, name, flaws, what=what)
    if pd.api.types.is_integer_dtype(given.dtype) and not text:
        return given, 0, 0
    if pd.api.types.is_float_dtype(given.dtype) and not text:
        number = given.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(number)
        whole = (number[known] == np.floor(number[known])) & (np.abs(number[known]) < 2.0**53)
        if (known | np.isnan(number)).all() and whole.all():
            return pd.Series(pd.array(number, dtype="Int64"), index=given.index), 0, 0
    written = _id_texts(given)
    trimmed = pc.utf8_trim_whitespace(written)
    plain = trimmed
    if pc.any(pc.match_substring(trimmed, ".0")).as_py():
        plain = pc.replace_substring_regex(trimmed, r"^(-?[1-9]\d*|0)\.0+$", r"\1")
    lowered = 0
    if pc.any(pc.match_substring(trimmed, "@")).as_py():
        mail = pc.match_substring_regex(trimmed, MAILBOX)
        plain = pc.if_else(mail, pc.utf8_lower(trimmed), plain)
        lowered = int(mask(pc.and_(mail, pc.not_equal(plain, trimmed))).sum())
    long = mask(pc.greater(pc.utf8_length(plain), LONGEST_ID))
    remedy = "Check that this column holds the customer's id."
    flaws.mark(long, values, name, f"is longer than {LONGEST_ID} characters", remedy)
    return (
        pd.Series(plain, index=values.index, dtype=ARROW_TEXT),
        int(mask(pc.not_equal(trimmed, written)).sum()),
        lowered,
    )


def refuse_ids(values: Iterable[Any], column: str, remedy: str) -> None:
    """DataError for texts among the ids of a `column` that say "missing", or hold a null byte."""
    bad = [value for value in values if isinstance(value, str) and (value.strip() in MISSING or "\0" in value)]
    if bad:
        raise DataError(f"{column}: {', '.join(map(show, bad[:IDS_SHOWN]))} cannot be a customer id. {remedy}")


def numpy_ids(values: pd.Series[Any]) -> pd.Series[Any]:
    """Ids of which none is missing any more as the types pandas users expect: str objects or numpy integers."""
    if pd.api.types.is_integer_dtype(values.dtype):
        kind = np.uint64 if pd.api.types.is_unsigned_integer_dtype(values.dtype) else np.int64
        whole = values.to_numpy(dtype=kind)
        small = kind is np.int64 or not len(whole) or int(whole.max()) <= np.iinfo(np.int64).max
        return pd.Series(whole.astype(np.int64) if small else whole, index=values.index)
    return text_as_objects(values)


def text_as_objects(values: pd.Series[Any]) -> pd.Series[Any]:
    """Ids as they are, but text as str objects: from a query, pandas 3 gives it a type of its own."""
    if pd.api.types.is_integer_dtype(values.dtype):
        return values
    return pd.Series(values.to_numpy(dtype=object), index=values.index, dtype=object)


def _id_texts(values: pd.Series[Any]) -> Any:
    """Ids as an Arrow array of text."""
    if is_arrow_text(values):
        return pa.array(values)
    if pd.api.types.is_integer_dtype(values.dtype):
        return pa.array(values).cast(pa.string())
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    texts = pa.array([_id_text(value) for value in uniques], type=pa.string())
    return texts.take(pa.array(codes, mask=codes < 0))


def _id_text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "replace").decode()


def dates(
    values: pd.Series[Any],
    name: str,
    flaws: Flaws,
    *,
    date_format: str | None,
    latest: pd.Timestamp | None,
    what: str = "purchase",
    optional: bool = False,
    ask: str = "pass today=",
    say: str = "pass date_format=",
) -> pd.Series[pd.Timestamp]:
    """The column `name` as dates without a zone (datetime64[ns]), the one way in which dates are read everywhere: the
    clock on the wall where a date was written is kept.

    `values` are text, dates, times of any precision and zone, or periods; text follows `date_format`, codes of
    `datetime.strptime`, or is ISO where that is None. Bad dates, those after the day `latest`, and unless `optional`
    missing ones are marked in `flaws`. In messages a row is a `what`; `ask` and `say` are how the caller's user says
    that the computer's clock is wrong, and what the dates are written like.
    """
    if date_format is not None and "%" not in date_format:
        raise ConfigError(f"date_format must be made of codes such as '%d/%m/%Y'; got {date_format!r}.")
    given = values
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        parsed, missing, asks = wall_clock(values), values.isna().to_numpy(dtype=bool), None
    else:
        parsed, missing, asks = parsed_dates(values, date_format)
    if not optional:
        flaws.mark(missing, given, name, "is not a date (missing)", f"Give every {what} its date.")
    if asks is not None:
        remedy = (
            f"Write it so, or {say}, such as '%d/%m/%Y' (day first), '%m/%d/%Y' (month first) or '%Y%m%d': the order "
            "of day and month is not guessed."
        )
        flaws.mark(asks & ~missing, given, name, "is not an ISO date (YYYY-MM-DD)", remedy)
    reason, remedy = "is not a day of the calendar between 1678 and 2261", "Correct the date."
    if date_format is not None:
        reason, remedy = f"does not follow date_format {date_format!r}", "Correct the date, or the date_format."
    flaws.mark(parsed.isna() & ~missing, given, name, reason, remedy)
    if latest is not None:
        remedy = f"Correct the date, check the order of day and month, or {ask} if this computer's clock is wrong."
        ahead = parsed.dt.normalize() > latest
        flaws.mark(ahead, given, name, f"is in the future (after {latest:%Y-%m-%d})", remedy)
    return parsed


def numbers(values: pd.Series[Any], written: NumberFormat = PLAIN) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers `written` so, NaN where a value is none, and the mask of what is missing."""
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(values.dtype) and not (
        pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_complex_dtype(values.dtype)
    ):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), missing
    text = pc.utf8_trim_whitespace(as_text(values))
    return parsed_numbers(text, written), missing | mask(pc.equal(text, ""))


def amounts(
    values: pd.Series[Any],
    name: str,
    flaws: Flaws,
    *,
    written: NumberFormat = PLAIN,
    negative: bool = False,
    optional: bool = False,
) -> pd.Series[float]:
    """The column `name` as finite numbers, `written` so; others, and those not wanted, marked."""
    amount, missing = numbers(values, written)
    if not optional:
        remedy = "Give every purchase its amount, or pass amount=None to do without amounts."
        flaws.mark(missing, values, name, "is not an amount (missing)", remedy)
    remedy = (
        "Write amounts as plain numbers such as 1234.50: no currency sign, no thousands separator, a point before the "
        "decimals."
    )
    flaws.mark(~np.isfinite(amount) & ~missing, values, name, "is not a finite number", remedy)
    if not negative:
        remedy = (
            "Pass refunds='apart' to leave refunds out, or refunds='net' to take them off the purchases before them."
        )
        flaws.mark(amount < 0, values, name, "is negative (a refund?)", remedy)
    return pd.Series(amount + 0.0, index=values.index)  # -0 becomes 0


def yes_or_no(values: pd.Series[Any], name: str, flaws: Flaws) -> NDArray[np.bool_]:
    """Which values of the column `name` say yes; those that say neither yes nor no are marked."""
    text = values.astype(str).str.strip().str.lower()
    yes, no = text.isin(YES).to_numpy(dtype=bool), text.isin(NO).to_numpy(dtype=bool)
    flaws.mark(~(yes | no), values, name, "is neither yes nor no", "Write yes/no, true/false or 1/0.")
    return yes
