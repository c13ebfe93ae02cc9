"""The rows of a source counted while they are read: what was used, what was left out and why, what was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnsim.checks import check_choice, check_kind, check_share, shown
from churnsim.data.tabular.columns import MISSING_ID
from churnsim.data.tabular.order_states import STATES, States, add_states, stated
from churnsim.data.tabular.row_coercion import ALL_GIVEN_BACK, LOWERED, TRIMMED, ZONED
from churnsim.data.tabular.row_errors import SHOWN_ROWS, Flaws, SetAside, rows_error
from churnsim.data.tabular.source import Piece
from churnsim.data.tabular.text_columns import as_text, mask
from churnsim.errors import ConfigError, DataError

OnBad = Literal["raise", "set_aside"]
GUESTS = "rows without a customer id (guests)"


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """What becomes of rows that cannot be used, that have no customer id, that are there already, or that a column says
    are no purchases: `leave_out` has the column's values by which they are told."""

    on_bad: OnBad
    most_bad: float
    guests: Literal["refuse", "apart"] = "refuse"
    duplicates: Literal["keep", "set_aside"] = "keep"
    leave_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice(self.on_bad, "on_bad", ("raise", "set_aside"))
        check_choice(self.guests, "guests", ("refuse", "apart"))
        check_choice(self.duplicates, "duplicates", ("keep", "set_aside"))
        check_share(self.most_bad, "most_bad", zero=True)
        check_kind(self.leave_out, "leave_out", Mapping, "a mapping from a column to a list of its values")
        for column, values in self.leave_out.items():
            if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in (column, *values)):
                raise ConfigError(
                    f"leave_out must map a column to a list of its values, as text; got {shown(values)} for "
                    f"{shown(column)}."
                )

    def mark(self, raw: pd.DataFrame, flaws: Flaws) -> None:
        """Mark the rows that are left out as stated, before their other columns are looked at."""
        for column, values in self.leave_out.items():
            text = pc.utf8_trim_whitespace(as_text(raw[column]))
            for value in values:
                found = mask(pc.equal(text, value.strip()))
                flaws.mark(found, raw[column], column, stated(column, value), "")

    @property
    def reasons(self) -> dict[str, str]:
        """Why a row is left out however many there are, by the reason of its flaw."""
        guests = {MISSING_ID: GUESTS} if self.guests == "apart" else {}
        return guests | {reason: reason for reason in (ALL_GIVEN_BACK, *self.stated)}

    @property
    def stated(self) -> list[str]:
        """The reasons of `leave_out`."""
        return [stated(column, value) for column, values in self.leave_out.items() for value in values]


@dataclass(kw_only=True)
class Tally:
    """Counts of one reading. `source` and `row_word` are what messages call the source and its rows."""

    source: str
    row_word: str
    rules: RowRules
    withheld: str | None = None  # stands for every value where ids are not to be shown
    rows: int = 0
    bad: int = 0
    trimmed: int = 0
    lowered: int = 0
    zoned: int = 0
    states: States = field(default_factory=dict)  # of the rows that are used as purchases
    apart: dict[str, int] = field(default_factory=dict)  # left out however many there are, by reason
    reasons: dict[str, int] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)
    remedies: dict[str, None] = field(default_factory=dict)

    def take(self, piece: Piece) -> tuple[NDArray[np.bool_], SetAside, dict[str, NDArray[np.int64]]]:
        """Count a typed piece; the mask of its rows that can be used, its bad rows as records, and what the rows are
        called that are left out for a reason that is none of theirs, as guests' are."""
        flaws = piece.flaws
        self.rows += len(piece.frame)
        self.trimmed += piece.frame.attrs.get(TRIMMED, 0)
        self.lowered += piece.frame.attrs.get(LOWERED, 0)
        self.zoned += piece.frame.attrs.get(ZONED, 0)
        self.states = add_states(self.states, piece.frame.attrs.pop(STATES, {}))
        if not flaws.count:
            return flaws.good, SetAside(), {}
        apart = {told: flaws.because(reason) for reason, told in self.rules.reasons.items()}
        apart = {told: rows for told, rows in apart.items() if rows.any()}
        for told, rows in apart.items():
            self.apart[told] = self.apart.get(told, 0) + int(rows.sum())
        without = np.logical_or.reduce(list(apart.values())) if apart else None
        records = flaws.records(lambda position: int(piece.labels[position]), without=without)
        if self.withheld is not None:
            for record in records:
                record["value"] = self.withheld
        self.bad += len(records)
        self.first += records[: max(0, SHOWN_ROWS - len(self.first))]
        self.remedies.update(dict.fromkeys(flaws.remedies(besides=self.rules.reasons)))
        for record in records:
            self.reasons[record["reason"]] = self.reasons.get(record["reason"], 0) + 1
        return flaws.good, records, {told: piece.labels[rows] for told, rows in apart.items()}

    @property
    def left_out(self) -> dict[str, int]:
        """Rows left out by reason, the most frequent first; a stated value that no row has counts none, and is told."""
        none = dict.fromkeys(self.rules.stated, 0)
        return dict(sorted({**none, **self.reasons, **self.apart}.items(), key=lambda item: -item[1]))

    def judge(self, what: str = "records") -> None:
        """DataError when nothing can be used, or more is bad than may be."""
        if not self.rows:
            raise DataError(f"{self.source} holds no {what}. Give it at least one row.")
        share = self.bad / self.rows
        if self.bad + sum(self.apart.values()) == self.rows:
            way_out = "No row is left to use."
        elif self.rules.on_bad == "raise" and self.bad:
            way_out = "Or pass on_bad='set_aside' to leave such rows out and have them listed."
        elif share > self.rules.most_bad:
            way_out = (
                f"These are {share:.1%} of all rows, more than the {self.rules.most_bad:.0%} that may be set aside: "
                "pass most_bad= a larger share if the rest is to be used all the same."
            )
        else:
            return
        if not self.bad:
            told = "; ".join(f"{number:,} {reason}" for reason, number in self.apart.items())
            raise DataError(f"{self.source}: no purchase is left to use ({told}).")
        raise rows_error(
            self.source, self.first, self.bad, self.rows, list(self.remedies), row_word=self.row_word,
            last_resort=way_out,
        )  # fmt: skip
