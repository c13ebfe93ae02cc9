"""What every source of records offers: a name, a fingerprint, what was found out about it, and typed pieces of rows."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import shown
from churnsim.data.tabular.row_errors import Flaws, show
from churnsim.data.tabular.text_columns import PLAIN, NumberFormat
from churnsim.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """What the caller says about how a source is written.

    What is None is found out, or refused where the source leaves it open; without `detect` it is the plain form: UTF-8,
    commas (tabs in ``.tsv``), ISO dates, and numbers with a point and no mark between thousands.
    """

    date_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    detect: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.detect, bool):
            raise ConfigError(f"detect must be True or False; got {shown(self.detect)}.")
        for name in ("decimal", "thousands", "delimiter"):
            mark = getattr(self, name)
            if mark is not None and (not isinstance(mark, str) or len(mark) > 1):
                raise ConfigError(f"{name} must be one character; got {mark!r}.")
        if self.delimiter is not None and (self.delimiter in '"\r\n\0' or not self.delimiter.isascii()):
            raise ConfigError(f"delimiter must be one character such as ',' or ';'; got {self.delimiter!r}.")
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.date_format is not None and (not isinstance(self.date_format, str) or "%" not in self.date_format):
            raise ConfigError(f"date_format must be made of codes such as '%d/%m/%Y'; got {self.date_format!r}.")
        self.numbers()

    def numbers(self) -> NumberFormat | None:
        """How numbers are written, None where it is to be found out. Where the decimal mark alone is stated the other
        one may stand between thousands, before three digits each, unless nothing is to be found out."""
        if self.decimal is None and self.thousands is None:
            return None if self.detect else PLAIN
        decimal = self.decimal or ("." if self.thousands != "." else ",")
        other = "," if decimal == "." else "."
        return NumberFormat(decimal=decimal, thousands=self.thousands or (other if self.detect else ""))


# Codecs of Python that turn text into other text, or names of hosts into names of hosts.
NO_ENCODINGS = ("punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape")


def check_encoding(name: object) -> str:
    """Python's name of the encoding `name` of text files; ConfigError for what is none."""
    try:
        known = codecs.lookup(name) if isinstance(name, str) else None
    except (LookupError, ValueError):
        known = None
    if known is None or not known._is_text_encoding or known.name.replace("-", "_") in NO_ENCODINGS:
        raise ConfigError(f"unknown encoding {show(name)}. Use a name such as 'utf-8', 'cp1252' or 'utf-16'.")
    return known.name


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
    """Some rows: typed, with what is wrong with them, and what a person calls each of them.

    `labels` is empty where nothing is wrong and nobody asked for them.
    """

    frame: pd.DataFrame
    flaws: Flaws
    labels: NDArray[np.int64]


class RecordSource(Protocol):
    """Records from somewhere; `row_word` is what its rows are called ("line", "row")."""

    name: str
    row_word: str

    @property
    def delimiter(self) -> str | None:
        """What its columns were told apart by, for messages; None where nothing does."""

    def checksum(self) -> str:
        """A fingerprint of its content: equal for equal records, whatever they are called."""

    def columns(self) -> list[str]:
        """The names of its columns."""

    def detected(self, kinds: dict[str, str]) -> tuple[Spelling, dict[str, str]]:
        """How the columns in `kinds` (of theirs, each "date", "amount", ...) are written, and what was found out about
        the source in words. Raises DataError for what is ambiguous."""

    def pieces(
        self, columns: list[str], typer: Typer, spelling: Spelling, *, labelled: bool = False
    ) -> Iterator[Piece]:
        """Its rows in order, typed a piece at a time."""


def as_labels(first: int, rows: int) -> NDArray[Any]:
    """Consecutive labels from `first` on."""
    return np.arange(first, first + rows, dtype=np.int64)
