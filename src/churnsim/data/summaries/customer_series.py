"""What happens to each customer in calendar time: contacts, offers, the price seen, a membership. Models in which a
customer's own series rescale its clock read it (`churnsim.models.SeriesModel`)."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, check_kind, labels_of, shown
from churnsim.data.logs.days import day_number, iso_day
from churnsim.data.logs.purchase_days import PurchaseDays
from churnsim.data.summaries.calendar import (
    FIRST,
    MOST_SERIES,
    PURCHASES,
    SUMS,
    Calendar,
    Future,
    calendar_mark,
    day_numbers,
)
from churnsim.errors import DataError
from churnsim.typing import Floats, Ints

Day: TypeAlias = int | str | date
DAYS = 2**24  # of 45,000 years


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerSeries:
    """Columns of numbers by customer and day, each with an effect on how often the customer buys: its rate is
    multiplied by e^(effect . (value - mean)). `CustomerSeries.of(frame)` makes it.

    As in `Calendar` the value of day d holds for (d - 1, d], the day as a summary counts it, and on until the
    customer's next row. A customer needs a row for the day after its first purchase or one before; a row is only
    needed where a value changes. What is the same for everybody (a season) is put beside them by `beside`.

    Attributes
    ----------
    names : tuple of str
        The columns.
    ids : Index
        The customers.
    starts : array of shape (customers + 1,)
        Where the rows of each customer begin.
    day : array of shape (rows,)
        From which day on a row holds, as a number since 1970, ascending within a customer.
    values : array of shape (rows, columns)
    common : tuple of str
        The columns that are the same for all customers, and hold for new ones too.
    yearly : tuple of str
        Those of them that only a whole year can tell from anything else.
    known : tuple of int, optional
        Until which day customers' own columns are known, and until which the common ones; the day of the last row, if
        absent.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2024-02-05", "2024-01-01"])
    >>> frame = pd.DataFrame({"customer_id": [1, 1, 2], "date": days, "member": [0.0, 1.0, 0.0]})
    >>> series = CustomerSeries.of(frame)
    >>> series.names, len(series.ids)
    (('member',), 2)
    """

    names: tuple[str, ...]
    ids: pd.Index[Any]
    starts: Ints
    day: Ints
    values: Floats
    common: tuple[str, ...] = ()
    yearly: tuple[str, ...] = ()
    known: tuple[int, int] | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Series from a frame with a row a customer and day on which a value changes (or a row a week), in any order.

        Parameters
        ----------
        frame : DataFrame
            ``customer_id``, ``date`` and the columns, finite numbers.

        Raises
        ------
        DataError
            Naming the customer: for a missing column or value, or a day that stands twice.
        """
        check_frame(frame, "the series", "Give a row a customer and day on which a value changes.")
        if lacking := [name for name in ("customer_id", "date") if name not in frame.columns]:
            raise DataError(f"the series lack {', '.join(map(repr, lacking))}; they have {shown(list(frame.columns))}.")
        names = [name for name in frame.columns if name not in ("customer_id", "date")]
        if not names or len(names) > MOST_SERIES or len(frame) == 0:
            raise DataError(f"the series must have rows and 1 to {MOST_SERIES} columns; got {frame.shape}.")
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise DataError(f"the columns of the series must have names, each once; got {shown(names)}.")
        day = day_numbers(frame["date"])
        code, ids = labels_of(frame["customer_id"], "the column customer_id of the series")
        if (code < 0).any():
            raise DataError("a customer_id of the series is missing. Fill it in, or leave its row out.")
        try:
            if odd := [name for name in names if getattr(frame[name].dtype, "kind", "O") in "cmM"]:
                raise TypeError(f"{odd[0]!r} is of {frame[odd[0]].dtype}")
            values = np.column_stack([frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names])
        except (TypeError, ValueError) as error:
            raise DataError(f"the series must hold numbers ({str(error)[:80]}).") from None
        if not (fine := np.isfinite(values).all(axis=1)).all():
            row = int(np.argmin(fine))
            raise DataError(
                f"the series must hold finite numbers; those of customer {str(ids[code[row]])[:80]!r} on "
                f"{iso_day(int(day[row]))} are {shown(values[row].tolist())}. Fill in what is missing."
            )
        return cls._sorted(tuple(names), pd.Index(ids), code.astype(np.int64), day, values)

    @classmethod
    def _sorted(cls, names: tuple[str, ...], ids: pd.Index[Any], code: Ints, day: Ints, values: Floats) -> Self:
        key = code * DAYS + day
        step = np.diff(key)
        if (step < 0).any():
            order = np.argsort(key, kind="stable")
            code, day, values, step = code[order], day[order], values[order], np.diff(key[order])
        if (step == 0).any():
            row = int(np.argmin(step))
            raise DataError(
                f"customer {str(ids[code[row]])[:80]!r} has {iso_day(int(day[row]))} twice in the series. Leave one."
            )
        starts = np.searchsorted(code, np.arange(len(ids) + 1))
        return cls(names=names, ids=ids, starts=starts, day=day, values=np.ascontiguousarray(values))

    def select(self, names: Sequence[str]) -> CustomerSeries:
        """Some of the columns. DataError for one that is not there."""
        if unknown := [name for name in names if name not in self.names]:
            raise DataError(f"the series have no {unknown[0]!r}; they have {', '.join(self.names)}.")
        values = np.ascontiguousarray(self.values[:, [self.names.index(name) for name in names]])
        common, yearly = (tuple(name for name in kind if name in names) for kind in (self.common, self.yearly))
        return replace(self, names=tuple(names), values=values, common=common, yearly=yearly)

    def beside(
        self, calendar: Calendar, first: Day, last: Day, *, seen_until: Day | None = None, future: Future | None = None
    ) -> Self:
        """These and a calendar's columns: a row a customer and day on which either changes.

        A season and a trend, which change every day, change by the week here, as with ``grid="W"``. The calendar's
        columns are known until `last`, customers' own until their last row.

        Parameters
        ----------
        calendar : Calendar
        first, last : date, str or int
            The days of the rows; an int is a number since 1970.
        seen_until : date, str or int, optional
            The last day on which a trend is known, `last` if absent.
        future : mapping, optional
            Of the days after that, and after the end of the calendar's own series, as in `Calendar.columns`.

        Raises
        ------
        DataError
            For a column that is there already, or one that is not known of one of the days.

        Examples
        --------
        >>> days = pd.to_datetime(["2024-01-01", "2024-02-05", "2024-01-01"])
        >>> series = CustomerSeries.of(pd.DataFrame({"customer_id": [1, 1, 2], "date": days, "member": [0, 1, 0]}))
        >>> series.beside(Calendar(trend="2024-01-01"), "2024-01-01", "2024-12-31").names
        ('member', 'trend')
        """
        begin, end = _number(first, "first"), _number(last, "last")
        seen = None if seen_until is None else _number(seen_until, "seen_until")
        if twice := [name for name in calendar.names if name in self.names]:
            raise DataError(
                f"customers' own series and what is common to all both have a column {twice[0]!r}. Rename one, or name "
                "the columns meant (`columns` in a study's table)."
            )
        by_day, by_week = (
            each.columns(begin, end, seen_until=seen, future=future) for each in (calendar, replace(calendar, grid="W"))
        )
        smooth = [name in (*calendar.waves, "trend") for name in calendar.names]
        table = np.where(smooth, by_week, by_day)
        days = np.flatnonzero(np.append(True, (np.diff(table, axis=0) != 0.0).any(axis=1))) + begin
        key = np.unique(np.concatenate([self._key, (np.arange(len(self.ids)) * DAYS)[:, None] + days], axis=None))
        row, (code, day) = np.searchsorted(self._key, key, side="right") - 1, np.divmod(key, DAYS)
        known = (self._key[row] // DAYS == code) & (row >= 0) & (day >= begin)
        code, day, own = code[known], day[known], self.values[row[known]]
        place = np.minimum(day, end) - begin
        return replace(
            self, names=(*self.names, *calendar.names), starts=np.searchsorted(code, np.arange(len(self.ids) + 1)),
            day=day, values=np.column_stack([own, table[place]]), common=(*self.common, *calendar.names),
            yearly=(*self.yearly, *calendar.yearly),
            known=(max(self._known_until(0)[0], begin), min(end, self.known[1]) if self.common and self.known else end),
        )  # fmt: skip

    def of_new(self, ids: pd.Index[Any], means: Floats) -> Self:
        """Of other customers, of whom only what is common to all is known; the other columns are at these means."""
        earliest = int(np.argmin(self.day[self.starts[:-1]]))
        rows = slice(*self.starts[earliest : earliest + 2])
        values = np.where([name in self.common for name in self.names], self.values[rows], means)
        day, count = self.day[rows], len(ids)
        return replace(
            self, ids=ids, starts=np.arange(count + 1) * day.size, day=np.tile(day, count),
            values=np.ascontiguousarray(np.tile(values, (count, 1))),
        )  # fmt: skip

    @cached_property
    def _last(self) -> int:
        """The day of the last row of all."""
        return int(self.day.max())

    def _known_until(self, seen: int) -> tuple[int, int]:
        """`known`, of data until the day `seen`, in which last values hold on."""
        own, common = self.known or (self._last, max(self._last, seen))
        return max(own, seen), common

    @cached_property
    def _key(self) -> Ints:
        """Customer and day of each row, ascending."""
        return np.asarray(np.repeat(np.arange(len(self.ids)), np.diff(self.starts)) * DAYS + self.day)

    @cached_property
    def _hash(self) -> int:
        parts = (self.starts, self.day, self.values)
        total = zlib.crc32("\n".join(map(str, self.ids)).encode())
        for part in parts:
            total = zlib.crc32(np.ascontiguousarray(part).view(np.uint8).data, total)
        return total

    def check_same_rows(self, other: CustomerSeries) -> None:
        """DataError unless others have rows of the same customers and days."""
        alike = other.ids.equals(self.ids) and np.array_equal(other.starts, self.starts)
        if not alike or not np.array_equal(other.day, self.day):
            raise DataError(
                "the series of both clocks must have rows of the same customers and days. Make them of one frame: "
                "whole.select([...])."
            )

    def to_dict(self) -> dict[str, Any]:
        """Which series these are, not the series: the columns, the number of rows and a checksum."""
        return {"names": list(self.names), "rows": len(self.day), "checksum": self._hash}

    def rows_of(self, ids: pd.Index[Any], first: Floats | Ints) -> Ints:
        """The places of customers among the ids. DataError for one who is not there, or whose series begin after the
        day after its `first` day."""
        owner = np.asarray(self.ids.get_indexer(ids), dtype=np.int64)
        if (owner < 0).any():
            lost = ids[int(np.argmin(owner))]
            raise DataError(f"customer {str(lost)[:80]!r} has no row in the series ({int((owner < 0).sum())} such).")
        late = self.day[self.starts[owner]] - 1 > first
        if late.any():
            row = int(np.argmax(late))
            begins = iso_day(int(self.day[self.starts[owner[row]]]))
            raise DataError(
                f"the series of customer {str(ids[row])[:80]!r} begin on {begins}, and are needed from "
                f"{iso_day(int(first[row]) + 1)} on ({int(late.sum())} such). Give an earlier row."
            )
        return owner

    def on_days(self, ids: pd.Index[Any], customer: Ints, day: Ints, first: Ints, end: int) -> Floats:
        """The values of customers (numbered as `ids`) on days until `end`, shape (days, names). Raises as `rows_of`,
        and DataError for a calendar beside them that ends before."""
        if self.common and end > self._known_until(end)[1]:
            raise DataError(self._unknown(self.common, self._known_until(end)[1], end))
        asked = np.unique(customer)
        owner = np.full(len(ids), -1, dtype=np.int64)
        owner[asked] = self.rows_of(ids[asked], first[asked])
        return self.values[np.searchsorted(self._key, owner[customer] * DAYS + day, side="right") - 1]

    def at(self, ids: pd.Index[Any], customer: Ints, day: Ints) -> Floats:
        """`on_days` of customers who are known from the first of their days on."""
        first = np.full(len(ids), DAYS)
        np.minimum.at(first, customer, day - 1)
        return self.on_days(ids, customer, day, first, 0)

    def means(self, owner: Ints, begin: Ints, end: Ints) -> Floats:
        """Means over the days after `begin` until `end` of the customers at these places, shape (rows, names)."""
        low, high = (np.searchsorted(self._key, owner * DAYS + day, side="right") - 1 for day in (begin + 1, end))
        number = high - low + 1
        start = np.cumsum(number) - number
        row = np.arange(number.sum()) - np.repeat(start - low, number)
        since = self.day[row]
        since[start] = begin + 1
        until = np.append(since[1:], 0)
        until[start + number - 1] = end + 1
        share = (until - since) / np.repeat(end - begin, number)
        return np.asarray(np.add.reduceat(self.values[row] * share[:, None], start, axis=0))

    def between(self, owner: Ints, low: int, high: int) -> tuple[Ints, Ints]:
        """The rows of customers at places `owner` that hold anywhere between two days, end to end, and where those of
        each begin. The first row stands for what is before it."""
        key = self._key
        first = np.maximum(np.searchsorted(key, owner * DAYS + low + 1, side="right") - 1, self.starts[owner])
        after = np.maximum(np.searchsorted(key, owner * DAYS + high, side="right"), first + 1)
        starts = np.concatenate([[0], np.cumsum(after - first)])
        return np.arange(starts[-1]) + np.repeat(first - starts[:-1], after - first), starts

    def known_to(self, until: float, seen: int, told: Callable[[], CustomerSeries | str | None]) -> CustomerSeries:
        """These until a position: where own or common columns are not known, of data until the day `seen`, by what is
        `told`: others, of days after that, or that last values hold. DataError by name where nothing is, or the others
        say nothing of a later day or of any of these customers; a UserWarning where they name others too."""
        known = self._known_until(seen)
        if until <= min(known) or isinstance(later := told(), str):
            return self
        own = tuple(name for name in self.names if name not in self.common)
        kinds = [*zip((own, self.common), known, strict=True)]
        for names, last in kinds:
            if names and until > last and (later is None or not set(names) <= set(later.names)):
                what = "what comes" if later is None else f"all of these (it has {later})"
                remedy = f'pass future="hold", or a frame of {what}'
                raise DataError(self._unknown(names, last, math.ceil(until), remedy))
        if later is None:
            return self
        place = self.ids.get_indexer(later.ids)
        if (place < 0).all():
            raise DataError(
                f"the future names none of the series' {len(self.ids):,} customers, such as {shown(self.ids[0])}; it "
                f"names {shown(later.ids[0])}. Ids must be written alike."
            )
        if (place < 0).any():
            others = later.ids[place < 0]
            warnings.warn(
                f"the future names {len(others):,} customers whom the series do not have and who are passed over "
                f"(first {', '.join(map(shown, others[:3]))}). Check that ids are written alike in both.",
                stacklevel=2,
            )
        code = place[np.repeat(np.arange(len(later.ids)), np.diff(later.starts))]
        key, listed = code * DAYS + later.day, code >= 0
        # Whatever the columns are, so that those of two clocks have the same rows.
        keys = np.union1d(self._key, key[listed & (later.day > min(known))])
        values = np.empty((keys.size, len(self.names)))
        for names, last in kinds:
            more = listed & (later.day > last) & (set(names) <= set(later.names))
            if names and until > last and not more.any():
                raise DataError(
                    f"the future has no row of these customers after {iso_day(last)}, the last day that is known, and "
                    'what it says of days until then is not read. Give a row of a later day, or future="hold".'
                )
            held = (self.day <= last) | np.isin(np.arange(self.day.size), self.starts)
            both = np.concatenate([self._key[held], key[more]])
            # Of the rows of one day the last one counts.
            row = np.argsort(both, kind="stable")[np.searchsorted(np.sort(both), keys, side="right") - 1]
            for name in names:
                said = [later.values[more, later.names.index(name)]] if more.any() else []
                column = self.names.index(name)
                values[:, column] = np.concatenate([self.values[held, column], *said])[row]
        code, day = np.divmod(keys, DAYS)
        return replace(self, starts=np.searchsorted(code, np.arange(len(self.ids) + 1)), day=day, values=values)

    def _unknown(self, names: Sequence[str], day: int, until: int, *remedies: str) -> str:
        which = "the series" if tuple(names) == self.names else f"{', '.join(names)} of the series"
        beside = ["put the calendar beside the series until then"] if names == self.common else []
        remedy = ", or ".join([*beside, *remedies])
        return (
            f"{which} are known until {iso_day(day)}, and are needed until {iso_day(until)}. "
            f"{remedy[0].upper()}{remedy[1:]}."
        )

    def __str__(self) -> str:
        return ", ".join(self.names)


def check_calendar(value: object, name: str = "calendar") -> None:
    """ConfigError for what is neither a calendar nor series of customers."""
    check_kind(
        value, name, (Calendar, CustomerSeries), "a churnsim.data.Calendar, or a CustomerSeries of customers' own"
    )


def add_calendar(
    summary: pd.DataFrame, log: PurchaseDays, end: int, calendar: Calendar | CustomerSeries, *, gaps: bool = False
) -> pd.DataFrame:
    """The summary at the end of the day `end` with the day of each first purchase and, for each column of the calendar
    or of customers' own series, the sum of its values on the days of the repeat purchases; with `gaps` also the days
    of all purchases. Customers come in the order of the log's ids."""
    check_calendar(calendar)
    first = log.first_day()
    seen = first <= end
    repeats = (log.day > first[log.customer]) & (log.day <= end)
    customer = log.customer[repeats]
    values = calendar.on_days(log.ids, customer, log.day[repeats], first, end)
    summary[FIRST] = first[seen].astype("datetime64[D]").astype("datetime64[ns]")
    for k, name in enumerate(calendar.names):
        sums = np.bincount(customer, weights=values[:, k], minlength=len(log.ids))
        summary[SUMS + name] = sums[seen]
    if gaps:
        known = log.day[log.day <= end]
        lengths = np.bincount(log.customer[log.day <= end], minlength=len(log.ids))[seen]
        parts = np.empty(len(lengths), dtype=object)
        parts[:] = np.split(known, np.cumsum(lengths)[:-1])
        summary[PURCHASES] = parts
    summary.attrs["calendar"] = calendar_mark(calendar)
    return summary


def _number(day: Day, name: str) -> int:
    return int(day) if isinstance(day, int | np.integer) else day_number(day, name)
