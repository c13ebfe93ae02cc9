"""Rows of records, typed: each column by its kind, with the rules of `churnsim.data.tabular.columns`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from churnsim.checks import shown
from churnsim.data.tabular.columns import amounts, dates, file_ids, yes_or_no
from churnsim.data.tabular.order_states import STATES, count_states
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import Spelling
from churnsim.data.tabular.text_columns import ARROW_TEXT, as_text, mask
from churnsim.errors import ConfigError

ALL_GIVEN_BACK = "purchases of which all was given back"
CLOSE = 1e-9  # of an amount: what is left of it by the rounding of floats
_WITH_ZONE = r"\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
TRIMMED = "customer ids without the white space around them"
LOWERED = "customer ids that are e-mail addresses, without their capitals"
ZONED = "dates with a time zone"
Kind = Literal["id", "date", "amount", "number", "text", "flag"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: `optional` ones may be absent from a file, and empty in a row. What is not `stored` is only read to
    make another column of, and only where it is named."""

    name: str
    kind: Kind
    optional: bool = False
    may_lie_ahead: bool = False  # an end of contract may, a purchase may not
    stored: bool = True


def column_names(
    what: str, columns: Sequence[Column], given: Mapping[str, str | None], found: Sequence[str]
) -> dict[str, str]:
    """Our column to theirs, for the columns to be read: named ones, and others where a file has our own name.

    A required column is always in the result; whether the file has it is for the reader to check. An optional one is
    there if it is named or found under our name; None says to do without it. Raises ConfigError for a name of ours that
    `what` does not have, a required column given as None, one column of theirs for two of ours, and a price without a
    quantity or beside an amount.
    """
    known = {column.name for column in columns}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(f"{what} has no column {unknown[0]!r}; it has {', '.join(c.name for c in columns)}.")
    computed = _amount_is_computed(given)
    result = {}
    for column in columns:
        theirs = given.get(column.name, column.name if column.stored else None)
        if theirs is None:
            if not column.optional:
                raise ConfigError(f"{what} cannot do without {column.name}. Name the column that holds it.")
        elif (column.name in given or not column.optional or theirs in found) and not (
            computed and column.name == "amount"
        ):
            result[column.name] = theirs
    twice = [name for name in result.values() if list(result.values()).count(name) > 1]
    if twice:
        raise ConfigError(f"the column {twice[0]!r} is given for two columns of {what}.")
    return result


def _amount_is_computed(given: Mapping[str, str | None]) -> bool:
    """Whether amounts are prices times quantities; ConfigError where only one of the two is named, or an amount too."""
    price, quantity = given.get("price"), given.get("quantity")
    if given.get("refunded") is not None and price is None and given.get("amount", "") is None:
        raise ConfigError("refunded is taken off an amount, and amount=None does without. Leave one of them out.")
    if (price is None) != (quantity is None):
        raise ConfigError("price and quantity belong together: the amount is their product. Name both columns.")
    if price is not None and given.get("amount") is not None:
        raise ConfigError("the amount is a column of its own, or price times quantity. Name amount, or the other two.")
    return price is not None


def required_columns(columns: Sequence[Column], given: Mapping[str, str | None]) -> list[str]:
    """The columns of theirs that must be there, by which the delimiter is told."""
    for ours, theirs in given.items():
        if theirs is not None and not isinstance(theirs, str):
            raise ConfigError(f"{ours} must be the name of a column; got {shown(theirs)}.")
    required = [given.get(column.name) or column.name for column in columns if not column.optional]
    return list(dict.fromkeys([*required, *(name for name in given.values() if name is not None)]))


def typed_rows(
    raw: pd.DataFrame,
    *,
    columns: Sequence[Column],
    names: Mapping[str, str],
    flaws: Flaws,
    spelling: Spelling,
    latest: pd.Timestamp,
    text_ids: bool = False,
    negative: bool = True,
    what: str = "record",
    states: Sequence[str] = (),
) -> pd.DataFrame:
    """`raw` with our names and proper types; bad rows are marked in `flaws` and come back with whatever they had.

    Its ``attrs`` count TRIMMED, LOWERED and ZONED values, which were changed. `text_ids` makes text of ids that are
    numbers; without `negative` an amount below 0 is bad. Of the columns `states` it is counted what they say of the
    purchases.
    """
    counts = {TRIMMED: 0, LOWERED: 0, ZONED: 0}
    typed: dict[str, Any] = {}
    for column in columns:
        theirs = names.get(column.name)
        if theirs is None or not column.stored:
            continue
        values = raw[theirs]
        if column.kind == "id":
            typed[column.name], trimmed, lowered = file_ids(values, theirs, flaws, what=what, text=text_ids)
            counts[TRIMMED] += trimmed
            counts[LOWERED] += lowered
        elif column.kind == "date":
            counts[ZONED] += _zoned(values)
            typed[column.name] = dates(
                values, theirs, flaws, date_format=spelling.dates.get(theirs),
                latest=None if column.may_lie_ahead else latest, what=what, optional=column.optional,
            )  # fmt: skip
        elif column.kind in ("amount", "number"):
            # What "optional" says of an amount is that a log may do without; a row of a log that has amounts may not.
            typed[column.name] = amounts(
                values, theirs, flaws, written=spelling.number(theirs), negative=negative,
                optional=column.kind == "number",
            )  # fmt: skip
        elif column.kind == "flag":
            typed[column.name] = yes_or_no(values, theirs, flaws)
        else:
            typed[column.name] = _texts(values, theirs, flaws, column)
    if "price" in names and "quantity" in names:
        typed["amount"] = _products(raw, names["price"], names["quantity"], flaws, spelling, negative)
    if "refunded" in names:
        typed["amount"] = _kept(raw[names["refunded"]], names["refunded"], typed["amount"], flaws, spelling)
    frame = pd.DataFrame(typed)
    frame.attrs.update(counts)
    if states:
        sold = flaws.good & ~(frame["amount"].to_numpy() < 0) if "amount" in frame else flaws.good
        frame.attrs[STATES] = count_states(raw, states, sold)
    return frame


def _products(
    raw: pd.DataFrame, price: str, quantity: str, flaws: Flaws, spelling: Spelling, negative: bool
) -> pd.Series[float]:
    """Prices times quantities; a quantity below 0 is a refund."""
    factors = [
        amounts(raw[name], name, flaws, written=spelling.number(name), negative=True) for name in (price, quantity)
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        product = factors[0] * factors[1] + 0.0
    both = "is negative, and so is the quantity: their product says nothing of what was paid"
    remedy = "Write refunds with a negative quantity alone."
    flaws.mark((factors[0] < 0) & (factors[1] < 0), raw[price], price, both, remedy)
    beyond = "times the quantity is more than a number can hold"
    flaws.mark(~np.isfinite(product), raw[price], price, beyond, "Correct one of them.")
    # The product is an amount like any other, refunds included; only its name in messages is the quantity's.
    return amounts(product, f"{price} x {quantity}", flaws, negative=negative)


def _kept(
    values: pd.Series[Any], name: str, amount: pd.Series[float], flaws: Flaws, spelling: Spelling
) -> pd.Series[float]:
    """Amounts less what was given back of each, which some write with a minus; a row of which nothing is left is
    marked, and one with a negative amount is a refund as it stands."""
    back = amounts(values, name, flaws, written=spelling.number(name), negative=True, optional=True).abs().fillna(0.0)
    left = (amount - back).where(amount > 0, amount)
    gone = ((back > 0) & (amount > 0) & (left <= CLOSE * amount)).to_numpy(dtype=bool)
    flaws.mark(gone, values, name, ALL_GIVEN_BACK, "")
    return left


def _zoned(values: pd.Series[Any]) -> int:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return int(values.notna().sum())
    if values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
        text = as_text(values)
        longest = pc.max(pc.binary_length(text)).as_py()
        if longest is not None and longest > len("2024-01-01 00:00"):
            return int(mask(pc.match_substring_regex(text, _WITH_ZONE)).sum())
    return 0


def _texts(values: pd.Series[Any], name: str, flaws: Flaws, column: Column) -> pd.Series[Any]:
    text = as_text(values)
    null_byte = mask(pc.match_substring(text, "\0"))
    flaws.mark(null_byte, values, name, "holds a null byte", "Write the file again as plain text.")
    if not column.optional:
        empty = mask(pc.or_kleene(pc.is_null(text), pc.equal(pc.utf8_trim_whitespace(text), "")))
        flaws.mark(empty, values, name, "is missing", f"Give every row its {column.name}.")
    return pd.Series(text, dtype=ARROW_TEXT)
