"""Bad rows: which rows of a table cannot be used, why, and the one error that says so."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import DataError

SHOWN_CHARACTERS = 60  # long enough to recognise a value, short enough for one terminal line
SHOWN_ROWS = 5  # enough to see whether one row or one kind of row is at fault


@dataclass(frozen=True)
class Flaw:
    """One way in which a row is bad; `reason` completes "<value> ..." and `remedy` is a sentence."""

    column: str | None
    reason: str
    remedy: str


class SetAside(list[dict[str, Any]]):
    """Rows left out: dicts of `row`, `column`, `value` (as shown in messages) and `reason`.

    It is not copied with the frame that carries it: pandas deep-copies `attrs` at every step, which would
    make a frame with many set-aside rows slow to work with.
    """

    def __copy__(self) -> SetAside:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SetAside:
        return self


class Flaws:
    """The bad rows of a table of `rows` rows. The first flaw found in a row is the one told of that row."""

    def __init__(self, rows: int) -> None:
        self._kind: NDArray[np.int16] = np.full(rows, -1, dtype=np.int16)
        self._kinds: list[tuple[Flaw, Sequence[Any] | pd.Series[Any], int]] = []  # values of the rows from the third on

    def mark(
        self, bad: Any, values: Sequence[Any] | pd.Series[Any], column: str | None, reason: str, remedy: str
    ) -> None:
        """Give a `Flaw` to the rows of the mask `bad` that have none yet; `values` are shown in messages."""
        self._mark(np.asarray(bad, dtype=bool), values, Flaw(column, reason, remedy))

    def _mark(self, bad: NDArray[np.bool_], values: Sequence[Any] | pd.Series[Any], flaw: Flaw, first: int = 0) -> None:
        """The same; `values` are those of the rows from `first` on."""
        fresh = bad & (self._kind < 0)
        if fresh.any():
            self._kind[fresh] = len(self._kinds)
            self._kinds.append((flaw, values, first))

    def adopt(
        self, other: Flaws, positions: NDArray[np.int64], values: Sequence[Any] | pd.Series[Any] | None = None
    ) -> None:
        """Take over the flaws of a part of the rows: row i of `other` is row `positions[i]` here. Without `values` the
        part is a stretch of rows, and its own are shown."""
        for kind, (flaw, theirs, first) in enumerate(other._kinds):
            bad = np.zeros(len(self._kind), dtype=bool)
            bad[positions[other._kind == kind]] = True
            if values is None:
                self._mark(bad, theirs, flaw, first + int(positions[0]))
            else:
                self._mark(bad, values, flaw)

    def because(self, reason: str) -> NDArray[np.bool_]:
        """Mask of the rows that are bad for this reason."""
        kinds = [kind for kind, (flaw, _, _) in enumerate(self._kinds) if flaw.reason == reason]
        return np.isin(self._kind, kinds)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Mask of the rows without a flaw."""
        return self._kind < 0

    @property
    def count(self) -> int:
        """Number of bad rows."""
        return int(np.count_nonzero(self._kind >= 0))

    def remedies(self, *, besides: Container[str] = ()) -> list[str]:
        """What to do about the flaws, each remedy once; not about those with a reason in `besides`."""
        return list(dict.fromkeys(flaw.remedy for flaw, _, _ in self._kinds if flaw.reason not in besides))

    def records(
        self, row: Callable[[int], Any], *, most: int | None = None, without: NDArray[np.bool_] | None = None
    ) -> SetAside:
        """One dict a bad row, in the order of the rows, except those of the mask `without`; `row` turns a position into
        what a reader calls it."""
        records = SetAside()
        bad = self._kind >= 0
        for position in np.flatnonzero(bad if without is None else bad & ~without)[:most]:
            flaw, values, first = self._kinds[self._kind[position]]
            place = position - first
            value = values.iloc[place] if isinstance(values, pd.Series) else values[place]
            records.append(
                {
                    "row": row(int(position)),
                    "column": flaw.column,
                    "value": show(value),
                    "reason": flaw.reason,
                }
            )
        return records

    def error(
        self, source: str, *, row: Callable[[int], Any], row_word: str, last_resort: str, things: str = "rows"
    ) -> DataError:
        """The one error for all bad rows of `source`; `last_resort` says what to do when mending is no
        option, `things` what the rows are.
        """
        first = self.records(row, most=SHOWN_ROWS)
        return rows_error(
            source, first, self.count, len(self._kind), self.remedies(), row_word=row_word, last_resort=last_resort,
            things=things,
        )  # fmt: skip


def rows_error(
    source: str, first: Sequence[dict[str, Any]], bad: int, rows: int, remedies: Sequence[str], *, row_word: str,
    last_resort: str, things: str = "rows",
) -> DataError:  # fmt: skip
    """The one error for `bad` of the `rows` of a source, of which the `first` are told."""
    told = [_sentence(record, row_word) for record in first]
    remedy = " ".join(remedies)
    if bad == 1:
        return DataError(f"{source}, {told[0]}. {remedy} {last_resort}".rstrip())
    some = "" if bad <= SHOWN_ROWS else f"first {SHOWN_ROWS}: "
    return DataError(
        f"{source}: {bad:,} of {rows:,} {things} cannot be used. {some}{'; '.join(told)}. {remedy} "
        f"{last_resort}".rstrip()
    )


def _sentence(record: dict[str, Any], row_word: str) -> str:
    column = "" if record["column"] is None else f", column {record['column']!r}"
    return f"{row_word} {record['row']}{column}: {record['value']} {record['reason']}"


def show(value: object) -> str:
    """`value` as code would write it, cut to a length that fits a message."""
    if isinstance(value, np.generic):
        value = value.item()
    # Only the beginning of a huge text is escaped at all.
    text = repr(value[: SHOWN_CHARACTERS + 1]) if isinstance(value, str | bytes) else repr(value)
    if len(text) <= SHOWN_CHARACTERS + 2:
        return text
    length = len(value) if isinstance(value, str | bytes) else len(text)
    return f"{text[:SHOWN_CHARACTERS]}… ({length:,} characters)"
