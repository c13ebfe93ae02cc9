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

from churnsim.data.tabular.row_errors import Flaw, Flaws
from churnsim.data.tabular.text_columns import (
    PLAIN,
    NumberFormat,
    as_text,
    is_arrow_text,
    mask,
    parsed_dates,
    parsed_numbers,
)
from churnsim.errors import ConfigError, DataError

__all__ = ["MISSING", "Names", "amounts", "dates", "ids", "numbers", "typed_columns"]

# What exporters write for "nothing here". A customer who is really called so would be taken for many others'
# missing id, so each of these is refused by name and never passed over.
MISSING = ("", "nan", "NaN", "NAN", "NaT", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none")


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
        columns["amount"] = amounts(raw[names.amount], names.amount, flaws)
    return pd.DataFrame(columns)


def ids(values: pd.Series[Any], name: str, flaws: Flaws, *, trim: bool, what: str = "purchase") -> pd.Series[Any]:
    """The column `name` as customer ids, as they are or without white space around them; bad ones marked. A row
    is one `what`."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    given = values
    missing = Flaw(
        column=name,
        reason="is not a customer id (missing)",
        remedy=f"Give every {what} the id of its customer.",
    )
    if is_arrow_text(values):
        text = pa.array(values)
        trimmed = pc.utf8_trim_whitespace(text)
        if trim:
            values = pd.Series(trimmed, index=values.index, dtype=values.dtype)
        empty = pc.is_in(trimmed, value_set=pa.array(MISSING))
        flaws.mark(mask(pc.or_kleene(pc.is_null(text), empty)), given, missing)
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
    optional: bool = False,
) -> pd.Series[pd.Timestamp]:
    """The column `name` as dates without a zone; bad ones, and missing ones unless `optional`, marked."""
    if date_format is not None and "%" not in date_format:
        raise ConfigError(f"date_format must be made of codes such as '%d/%m/%Y'; got {date_format!r}.")
    given = values
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        parsed, missing, asks = _wall_clock(values), values.isna().to_numpy(dtype=bool), None
    else:
        parsed, missing, asks = parsed_dates(values, date_format)
    if not optional:
        flaws.mark(
            missing,
            given,
            Flaw(column=name, reason="is not a date (missing)", remedy=f"Give every {what} its date."),
        )
    if asks is not None:
        flaws.mark(
            asks & ~missing,
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
    flaws.mark(parsed.isna().to_numpy(dtype=bool) & ~missing, given, unreadable)
    if latest is not None:
        flaws.mark(
            (parsed.dt.normalize() > latest).to_numpy(dtype=bool),
            given,
            Flaw(
                column=name,
                reason=f"is in the future (after {latest:%Y-%m-%d})",
                remedy="Correct the date, check the order of day and month, or pass today= if this "
                "computer's clock is wrong.",
            ),
        )
    return parsed


def _wall_clock(values: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Nanosecond dates without a time zone: the clock on the wall where they were written is kept."""
    if values.dt.tz is not None:
        values = values.dt.tz_localize(None)
    if values.dtype == np.dtype("datetime64[ns]"):
        return values
    years = values.dt.year
    return values.where((years > 1677) & (years < 2262)).astype("datetime64[ns]")


def numbers(values: pd.Series[Any], written: NumberFormat = PLAIN) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers `written` so, NaN where a value is none, and the mask of what is missing."""
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(values.dtype) and not (
        pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_complex_dtype(values.dtype)
    ):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), missing
    text = pc.utf8_trim_whitespace(as_text(values))
    missing |= mask(pc.equal(text, ""))
    return parsed_numbers(text, written), missing


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
        ~np.isfinite(amount) & ~missing,
        values,
        Flaw(
            column=name,
            reason="is not a finite number",
            remedy="Write amounts as plain numbers such as 1234.50: no currency sign, no thousands "
            "separator, a point before the decimals.",
        ),
    )
    if not negative:
        flaws.mark(
            amount < 0,
            values,
            Flaw(
                column=name,
                reason="is negative (a refund?)",
                remedy="Take refunds out, or net them against their purchase, beforehand.",
            ),
        )
    return pd.Series(amount + 0.0, index=values.index)  # -0 becomes 0
