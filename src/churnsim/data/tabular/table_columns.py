"""Which columns a table must have, and what to say when one is not there."""

from __future__ import annotations

import difflib
import keyword
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError

ARGUMENTS = ("customer_id", "date", "amount")

SHOWN_COLUMNS = 20  # a wide table's names would drown the message


RENAME = "Rename the column that holds it"


def check_columns(
    found: Sequence[object],
    wanted: Sequence[str],
    *,
    source: str,
    delimiter: str | None = None,
    rename: str = "",
    arguments: Sequence[str] = ARGUMENTS,
) -> None:
    """Raise DataError unless each of `wanted` is in `found` exactly once; says what is there and what is
    close.

    `wanted` is in the order of `arguments`, by which the caller takes the names; those beyond them it takes in a list.
    `delimiter` is the one the columns were told apart by. `rename` is what to do where the caller takes no names of
    columns, so that the table itself must change.
    """
    times = Counter(found)
    for argument, name in zip_longest(arguments[: len(wanted)], wanted):
        number = times[name]
        if number > 1:
            raise DataError(f"{source} has {number} columns called {show(name)}. Rename all but one.")
        if number == 0:
            remedy = _delimiter_hint(found, delimiter) or (
                _close(found, name)
                + (rename or _pass(argument))
                + (", or pass amount=None for a log without amounts." if argument == "amount" else ".")
            )
            raise DataError(f"{source} has no column {show(name)}; it has {listed(found)}. {remedy}")


def _pass(argument: str | None) -> str:
    if argument is not None and keyword.iskeyword(argument):  # "from" is no name of an argument
        return f"Pass columns={{{argument!r}: ...}} with the name of the column that holds it"
    return (
        f"Pass {argument}= the name of the column that holds it"
        if argument
        else "Give the name of the column that holds it"
    )


def listed(found: Sequence[object]) -> str:
    """The names of columns or sheets for a message: the first twenty, and how many more there are."""
    more = f" and {len(found) - SHOWN_COLUMNS:,} more" if len(found) > SHOWN_COLUMNS else ""
    return (", ".join(show(name) for name in found[:SHOWN_COLUMNS]) or "none") + more


def _close(found: Sequence[object], name: str) -> str:
    lowered = {str(other).lower(): other for other in found}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(show(lowered[other]) for other in close)}? " if close else ""


def _delimiter_hint(found: Sequence[object], delimiter: str | None) -> str | None:
    if delimiter is None or len(found) != 1:
        return None
    for other in ";\t|,":
        if other != delimiter and other in str(found[0]):
            return f"The delimiter seems to be {other!r}: pass delimiter={other!r}."
    return None
