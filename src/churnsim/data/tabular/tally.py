"""The rows of a source counted while they are read: what was used, what was left out and why, what was changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churnsim.checks import check_share
from churnsim.data.tabular.columns import MISSING_ID
from churnsim.data.tabular.files import check_choice
from churnsim.data.tabular.row_coercion import TRIMMED, ZONED
from churnsim.data.tabular.row_errors import SHOWN_ROWS, SetAside, rows_error
from churnsim.data.tabular.source import Piece
from churnsim.errors import DataError

OnBad = Literal["raise", "set_aside"]
GUESTS = "rows without a customer id (guests)"


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """What becomes of rows that cannot be used, that have no customer id, or that are there already."""

    on_bad: OnBad
    most_bad: float
    guests: Literal["refuse", "apart"] = "refuse"
    duplicates: Literal["keep", "set_aside"] = "keep"

    def __post_init__(self) -> None:
        check_choice(self.on_bad, "on_bad", ("raise", "set_aside"))
        check_choice(self.guests, "guests", ("refuse", "apart"))
        check_choice(self.duplicates, "duplicates", ("keep", "set_aside"))
        check_share(self.most_bad, "most_bad", zero=True)


@dataclass(kw_only=True)
class Tally:
    """Counts of one reading. `source` and `row_word` are what messages call the source and its rows."""

    source: str
    row_word: str
    rules: RowRules
    withheld: str | None = None  # stands for every value where ids are not to be shown
    rows: int = 0
    bad: int = 0
    guests: int = 0
    trimmed: int = 0
    zoned: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)
    remedies: dict[str, None] = field(default_factory=dict)

    def take(self, piece: Piece) -> tuple[NDArray[np.bool_], SetAside, NDArray[np.int64]]:
        """Count a typed piece; the mask of its rows that can be used, its bad rows as records, and what the rows of
        guests are called."""
        flaws = piece.flaws
        self.rows += len(piece.frame)
        self.trimmed += piece.frame.attrs.get(TRIMMED, 0)
        self.zoned += piece.frame.attrs.get(ZONED, 0)
        if not flaws.count:
            return flaws.good, SetAside(), piece.labels[:0]
        apart = self.rules.guests == "apart"
        guests = flaws.because(MISSING_ID) & apart
        self.guests += int(guests.sum())
        records = flaws.records(lambda position: int(piece.labels[position]), without=guests)
        if self.withheld is not None:
            for record in records:
                record["value"] = self.withheld
        self.bad += len(records)
        self.first += records[: max(0, SHOWN_ROWS - len(self.first))]
        self.remedies.update(dict.fromkeys(flaws.remedies(besides=MISSING_ID if apart else None)))
        for record in records:
            self.reasons[record["reason"]] = self.reasons.get(record["reason"], 0) + 1
        return flaws.good, records, piece.labels[guests]

    @property
    def left_out(self) -> dict[str, int]:
        """Rows left out by reason, the most frequent first."""
        found = {**self.reasons, **({GUESTS: self.guests} if self.guests else {})}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def judge(self, what: str = "records") -> None:
        """DataError when nothing can be used, or more is bad than may be."""
        if not self.rows:
            raise DataError(f"{self.source} holds no {what}. Give it at least one row.")
        share = self.bad / self.rows
        if self.bad + self.guests == self.rows:
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
            raise DataError(f"no row of {self.source} has a customer id, so there is nobody to count. {way_out}")
        raise rows_error(
            self.source, self.first, self.bad, self.rows, list(self.remedies), row_word=self.row_word,
            last_resort=way_out,
        )  # fmt: skip
