"""Records beside the purchases: what a table of them must hold, its bad rows by name, and the purchases around them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from churnsim.data.logs.days import latest_day
from churnsim.data.logs.purchase_days import PurchaseDays, purchase_days
from churnsim.data.subscriptions.subscriptions import yes_or_no
from churnsim.data.tabular.columns import numpy_ids
from churnsim.data.tabular.open_source import RawRows, raw_rows
from churnsim.data.tabular.row_coercion import Column, typed_rows
from churnsim.data.tabular.row_errors import Flaw
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError
from churnsim.simulation.core.belief import Belief, Status
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints

__all__ = ["NEVER", "History", "Measured", "RecordTable", "Schema", "day_numbers", "ratio_of_means", "read_records"]

NEVER = np.iinfo(np.int64).max // 4  # a day that does not come


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A table of records: what a row is called, its columns, and those that say yes or no."""

    what: str
    columns: tuple[Column, ...]
    flags: tuple[str, ...] = ()


class RecordTable:
    """Typed rows (`frame`) with the columns that were `given`, of which more rows can be refused before they are
    used."""

    def __init__(self, frame: pd.DataFrame, raw: RawRows, source: str, what: str) -> None:
        self.frame = frame
        self.given = frozenset(raw.frame.columns)
        self._raw, self._source, self._what = raw, source, what

    def refuse(self, bad: Any, column: str, reason: str, remedy: str) -> None:
        """Mark the rows of the mask `bad`; `reason` completes "<value> ...", `remedy` is a sentence."""
        flaw = Flaw(column=column, reason=reason, remedy=remedy)
        self._raw.flaws.mark(np.asarray(bad, dtype=bool), self._raw.frame[column], flaw)

    def checked(self) -> pd.DataFrame:
        """The rows. Raises one DataError for all bad ones, with row, column, value and remedy."""
        if self._raw.flaws.count:
            raise self._raw.flaws.error(
                self._source, row=lambda position: int(self._raw.labels[position]), row_word=self._raw.row_word,
                last_resort="", things=f"{self._what}s",
            )  # fmt: skip
        return self.frame


def read_records(source: Any, schema: Schema, *, today: object | None = None) -> RecordTable:
    """Rows of a CSV, Parquet or Excel file, a DataFrame or an Arrow table, typed by a schema.

    Optional columns that are not there are filled with missing values; dates after `today` are bad. Raises DataError
    for a file or a column that is not there, and for a table without rows.
    """
    needed = [column.name for column in schema.columns if not column.optional]
    optional = [column.name for column in schema.columns if column.optional]
    kinds: dict[str, str] = {column.name: column.kind for column in schema.columns if column.kind not in ("id", "text")}

    def chosen(found: list[str]) -> list[str]:
        return [*needed, *(name for name in optional if name in found)]

    raw = raw_rows(source, chosen, FileFormat(), kinds=kinds, arguments=())
    name = str(source) if isinstance(source, str | os.PathLike) else f"the {schema.what}s"
    if raw.frame.empty:
        raise DataError(f"{name}: there is no row. Give at least one {schema.what}.")
    latest = pd.Timestamp(np.datetime64(latest_day(today), "D"))
    for column in schema.columns:
        if column.kind == "id" and not column.optional:
            raw.flaws.mark(
                raw.frame[column.name].isna().to_numpy(dtype=bool), raw.frame[column.name],
                Flaw(column=column.name, reason="is missing", remedy=f"Give every {schema.what} its {column.name}."),
            )  # fmt: skip
    flags = {flag: yes_or_no(raw.frame[flag], flag, raw.flaws) for flag in schema.flags}
    frame = typed_rows(
        raw.frame, columns=[column for column in schema.columns if column.name not in schema.flags],
        names={column: column for column in raw.frame.columns}, flaws=raw.flaws, spelling=raw.spelling, latest=latest,
        negative=False, what=schema.what,
    ).assign(**flags)  # fmt: skip
    for column in schema.columns:
        if column.name not in frame:
            frame[column.name] = np.datetime64("NaT", "ns") if column.kind == "date" else np.nan
        elif column.kind == "id" and raw.flaws.good.all():
            frame[column.name] = numpy_ids(frame[column.name])
        elif column.kind == "text" and column.name not in schema.flags:
            frame[column.name] = frame[column.name].astype(object)
    return RecordTable(frame, raw, name, schema.what)


def day_numbers(dates: pd.Series[Any]) -> Ints:
    """Days since 1970; NEVER where there is no date."""
    days = dates.to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")
    return np.where(np.isnat(days), NEVER, days.astype(np.int64))


@dataclass(frozen=True, eq=False)
class History:
    """Purchases by customer and day until a last day, and what one customer did before and after any day."""

    days: PurchaseDays
    until: int

    @classmethod
    def of(cls, purchases: Any, until: object | None = None) -> History:
        """The history of a log; DataError for its bad rows."""
        return cls(*purchase_days(purchases).seen_until(until))

    def customers(self, ids: pd.Series[Any]) -> Ints:
        """The places of these customers, -1 for those without a purchase."""
        return np.asarray(self.days.ids.get_indexer(pd.Index(ids)), dtype=np.int64)

    @property
    def _first(self) -> int:
        return int(self.days.day.min())

    @property
    def _span(self) -> int:
        return self.until - self._first + 3

    def _place(self, customer: Ints, day: Ints, side: Any) -> Ints:
        """Where in the entries this customer's purchases of the day begin ("left") or end ("right")."""
        keys = self.days.customer * self._span + (self.days.day - self._first + 1)
        asked = customer * self._span + np.clip(day - self._first + 1, 0, self._span - 1)
        return np.searchsorted(keys, asked, side=side)

    def _starts(self) -> Ints:
        return np.append(self.days.starts(), len(self.days.day))

    def first(self, customer: Ints) -> Ints:
        """Day of each customer's first purchase; NEVER for those without one."""
        return np.where(customer >= 0, self.days.day[self.days.starts()[customer]], NEVER)

    def bought_before(self, customer: Ints, day: Ints) -> Ints:
        """Days with a purchase before this one."""
        return np.where(customer >= 0, self._place(customer, day, "left") - self._starts()[customer], 0)

    def last_before(self, customer: Ints, day: Ints) -> Ints:
        """The last day with a purchase before this one; -NEVER where there is none."""
        place = self._place(customer, day, "left") - 1
        found = self.bought_before(customer, day) > 0
        return np.where(found, self.days.day[np.maximum(place, 0)], -NEVER)

    def next_after(self, customer: Ints, day: Ints) -> Ints:
        """The first day with a purchase after this one; NEVER where there is none until the end."""
        place = self._place(customer, day, "right")
        found = (customer >= 0) & (place < self._starts()[customer + 1])
        return np.where(found, self.days.day[np.minimum(place, len(self.days.day) - 1)], NEVER)

    def spend_between(self, customer: Ints, after: Ints, until: Ints) -> Floats:
        """What each bought after one day and until another, both included at the end alone; purchases where the log
        has no amounts."""
        amount = np.ones(len(self.days.day)) if self.days.amount is None else self.days.amount
        total = np.append(0.0, np.cumsum(amount))
        found = total[self._place(customer, until, "right")] - total[self._place(customer, after, "right")]
        return np.where(customer >= 0, found, 0.0)


def ratio_of_means(y: Floats, x: Floats) -> tuple[float, float]:
    """sum y / sum x over independent units, and its standard error by the delta method."""
    ratio = float(y.sum() / x.sum())
    n = len(y)
    return ratio, float(np.sqrt(n / max(n - 1, 1) * ((y - ratio * x) ** 2).sum()) / x.sum())


class Measured(NamedTuple):
    """A number, its standard error (of its logarithm or log odds where that is the scale of its interval) and the
    interval."""

    value: float
    standard_error: float
    low: float
    high: float

    @classmethod
    def positive(cls, value: float, log_error: float, level: float) -> Measured:
        """A positive number whose logarithm has this standard error; the ends are NaN where the value is 0."""
        if not value > 0:
            return cls(value, log_error, math.nan, math.nan)
        reach = math.exp(normal_quantile(level) * log_error)
        return cls(value, log_error, value / reach, value * reach)

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def belief(self, status: Status, source: str, level: float) -> Belief:
        """The belief with this interval."""
        return Belief(value=self.value, low=self.low, high=self.high, level=level, status=status, source=source)
