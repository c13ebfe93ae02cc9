"""What every source of records offers: a name, a fingerprint, what was found out about it, and typed pieces of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.text_columns import PLAIN, NumberFormat

__all__ = ["Piece", "Reading", "Source", "Spelling", "Typer", "as_labels"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the caller says about how a source is written; None asks the source to find out, or to refuse."""

    date_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """How a source writes its dates and numbers, by column of theirs; ISO dates and plain numbers where it says
    nothing."""

    dates: dict[str, str | None]
    numbers: dict[str, NumberFormat]

    def number(self, column: str) -> NumberFormat:
        """How the column writes its numbers."""
        return self.numbers.get(column, PLAIN)


Typer = Callable[[pd.DataFrame, Flaws, Spelling], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some rows: typed, with what is wrong with them, and what a person calls each of them."""

    frame: pd.DataFrame
    flaws: Flaws
    labels: NDArray[np.int64]


class Source(Protocol):
    """Records from somewhere; `row_word` is what its rows are called ("line", "row")."""

    name: str
    row_word: str

    def checksum(self) -> str:
        """A fingerprint of its content: equal for equal records, whatever they are called."""

    def columns(self) -> list[str]:
        """The names of its columns."""

    def detected(self, names: dict[str, str], kinds: dict[str, str]) -> dict[str, str]:
        """What was found out about it, in words, for the columns `names` (ours to theirs) of the given kinds.

        Raises DataError for what is ambiguous.
        """

    def pieces(self, names: dict[str, str], typer: Typer) -> Iterator[Piece]:
        """Its rows in order; each piece is typed as a frame of the wanted columns under their own names."""


def as_labels(first: int, rows: int) -> NDArray[Any]:
    """Consecutive labels from `first` on."""
    return np.arange(first, first + rows, dtype=np.int64)
