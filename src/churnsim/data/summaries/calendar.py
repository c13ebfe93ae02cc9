"""What happens to everybody in calendar time, as columns of numbers by day: a season, months, holidays, a trend, own
series. Models in which a calendar rescales the buying clock read it (`churnsim.models.CalendarModel`).

The value of day d holds for (d - 1, d] in the time of a summary: a customer whose first purchase was on day f and who
was observed to day e had the days f + 1 ... e in which to buy again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, check_count, check_frame, check_kind, check_number, shown, typed
from churnsim.data.logs.days import calendar_day, day_number, iso_day
from churnsim.errors import ConfigError, DataError
from churnsim.optional import optional_modules
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_YEAR

# What is given of the time after the data: by name a number that holds on, a Series by day, or what a trend does.
Future = Mapping[str, Any]
SUMS, FIRST, PURCHASES = "calendar:", "first_purchase", "purchase_days"  # the columns of a summary that it adds
MOST_PAIRS = 26  # a pair of the year's 26th part is a fortnight's wave
MOST_SERIES = 100
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONDAY = 4  # 1970-01-05 was one


@typed
@dataclass(frozen=True, kw_only=True, eq=False)
class Calendar:
    """Columns of numbers by day, each with an effect on how often customers buy: the rate is multiplied by
    e^(effect . (value - mean)).

    Seasons, months and holidays are known for all time. A series is known as far as it is given, a trend as far as the
    data it was fitted to; beyond, `future` must say what they do.

    Parameters
    ----------
    season : int
        Pairs of a cosine and a sine of the year, its half, its third and so on.
    months : bool
        A column of 0 and 1 for each month but January. Not beside a season, whose shape it has.
    holidays : str, optional
        A country, "US", or a part of one, "US-CA", of the library `holidays` (the extra ``calendar``): a column of 0
        and 1, the public holidays of the place.
    trend : str or date, optional
        The day from which years are counted.
    series : DataFrame, optional
        By day, a column of finite numbers each: a price, a share of stores open, a week of a campaign. A value holds
        until the next one; the last holds as long as the one before.
    grid : {"D", "W"}
        Values change every day, or on Mondays: then they are means of the week's days.

    Examples
    --------
    >>> import pandas as pd
    >>> price = pd.DataFrame({"price": [1.0, 1.2]}, index=pd.to_datetime(["2024-01-01", "2024-01-08"]))
    >>> Calendar(season=1, series=price).names
    ('cos 1', 'sin 1', 'price')
    """

    season: int = 0
    months: bool = False
    holidays: str | None = None
    trend: str | date | None = None
    series: pd.DataFrame | None = None
    grid: Literal["D", "W"] = "D"

    def __post_init__(self) -> None:
        check_count(self.season, "season", least=0, most=MOST_PAIRS)
        check_choice(self.grid, "grid", ("D", "W"))
        if self.season and self.months:
            raise ConfigError("a calendar takes a season or months: both would describe the same wave of the year.")
        if self.holidays is not None:
            _public_holidays(self.holidays, 2000)
        if self.trend is not None:
            calendar_day(self.trend, name="trend")
        if self.series is not None:
            object.__setattr__(self, "series", _checked_series(self.series, "series"))
            assert self.series is not None
            taken = [*self._of_all_time, "trend"]
            if clash := [name for name in self.series if name in taken]:
                raise ConfigError(f"the series {clash[0]!r} has the name of one of the calendar's own columns.")
        if not self.names:
            raise ConfigError("the calendar is empty. Give it a season, months, holidays, a trend or a series.")

    @property
    def waves(self) -> tuple[str, ...]:
        """The columns of the season."""
        return tuple(f"{wave} {k}" for k in range(1, self.season + 1) for wave in ("cos", "sin"))

    @property
    def _of_all_time(self) -> tuple[str, ...]:
        return (*self.waves, *(MONTHS[1:] if self.months else ()), *(("holiday",) if self.holidays else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        own = () if self.series is None else tuple(self.series.columns)
        return (*self._of_all_time, *(("trend",) if self.trend is not None else ()), *own)

    @property
    def yearly(self) -> tuple[str, ...]:
        """Those columns that only a whole year can tell from anything else."""
        return tuple(name for name in self._of_all_time if name != "holiday")

    def columns(self, first: int, last: int, *, seen_until: int | None = None, future: Future | None = None) -> Floats:
        """The values of the days `first` ... `last` (numbers since 1970), shape (days, names).

        A trend beyond the day `seen_until` and a series beyond its end are taken from `future`. Raises DataError by
        name where they are not in it, or a series begins after `first`.
        """
        ahead = check_future(self, future)
        low, high = first, last
        if self.grid == "W":
            low, high = _monday(first), _monday(last) + 6
        days = np.arange(low, high + 1, dtype=np.int64)
        values = np.column_stack([self._of_day(name, days, first, last, seen_until, ahead) for name in self.names])
        if self.grid == "W":
            weeks = values.reshape(-1, 7, len(self.names))
            known = ~np.isnan(weeks)  # a series may end, or begin, within a week
            means = np.where(known, weeks, 0.0).sum(axis=1) / known.sum(axis=1)
            values = np.repeat(means, 7, axis=0)[first - low : last - low + 1]
        return np.ascontiguousarray(values, dtype=np.float64)

    def _of_day(self, name: str, days: Ints, first: int, last: int, seen_until: int | None, ahead: Future) -> Floats:
        if name == "trend":
            since = (days - day_number(self.trend, "trend")) / DAYS_PER_YEAR
            if seen_until is None or last <= seen_until or ahead.get(name) == "continue":
                return np.asarray(since)
            if name not in ahead:
                raise self._unknown(name, seen_until, last, "'continue' or 'hold'")
            return np.minimum(since, (seen_until - day_number(self.trend, "trend")) / DAYS_PER_YEAR)
        if name == "holiday" and self.holidays:
            years = np.unique(days.astype("datetime64[D]").astype("datetime64[Y]")).astype(np.int64) + 1970
            off = np.concatenate([_public_holidays(self.holidays, int(year)) for year in years])
            return np.isin(days, off).astype(np.float64)
        if name in MONTHS and self.months:
            month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
            return np.asarray(month == MONTHS.index(name), dtype=np.float64)
        if name in self._of_all_time:
            wave, _, k = name.partition(" ")
            angle = 2 * math.pi * int(k) * days / DAYS_PER_YEAR
            return np.asarray(np.cos(angle) if wave == "cos" else np.sin(angle))
        return self._of_series(name, days, first, last, ahead)

    def _of_series(self, name: str, days: Ints, first: int, last: int, ahead: Future) -> Floats:
        assert self.series is not None
        values, end = _held(self.series[name], days)
        begins = int(day_numbers(self.series.index)[0])
        if begins > first:
            raise DataError(
                f"the calendar's {name!r} begins on {iso_day(begins)}, and is needed from {iso_day(first)}. Give it "
                "from there, or leave it out."
            )
        if last <= end:
            return values
        given = ahead.get(name)
        if given is None:
            raise self._unknown(name, end, last, "a number that holds on, or a Series by day")
        beyond = days > end
        if isinstance(given, pd.Series):
            more, given_end = _held(given, days)
            if np.isnan(more[beyond & (days <= last)]).any():
                raise self._unknown(name, min(end, given_end), last, "a longer Series")
            values[beyond] = more[beyond]
        else:
            values[beyond] = float(given)
        return values

    def _unknown(self, name: str, end: int, last: int, what: str) -> DataError:
        return DataError(
            f"the calendar's {name!r} is known until {iso_day(end)}, and is needed until {iso_day(last)}. Pass "
            f"future={{{name!r}: ...}} with {what}."
        )

    def on_days(self, ids: pd.Index[Any], customer: Ints, day: Ints, first: Ints, end: int) -> Floats:
        """The values on days until `end`, shape (days, names); whose they are makes no difference."""
        start = int(first.min())
        return self.columns(start, end)[day - start]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        series = self.series
        return {
            "season": self.season,
            "months": self.months,
            "holidays": self.holidays,
            "trend": None if self.trend is None else iso_day(day_number(self.trend, "trend")),
            "series": None
            if series is None
            else {
                "days": [iso_day(int(day)) for day in day_numbers(series.index)],
                "values": {str(name): [float(value) for value in series[name]] for name in series},
            },
            "grid": self.grid,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The calendar of a dict made by `to_dict`. Raises ConfigError for anything else."""
        check_kind(values, "values", Mapping, "a dict made by to_dict")
        try:
            rest = dict(values)
            if rest.get("series") is not None:
                rest["series"] = pd.DataFrame(rest["series"]["values"], index=pd.to_datetime(rest["series"]["days"]))
            return cls(**rest)
        except (TypeError, KeyError, ValueError) as error:
            raise ConfigError(f"cannot make a Calendar: {str(error).rstrip('.')}.") from None

    def __str__(self) -> str:
        return ", ".join(self.names)


def check_future(calendar: Calendar, future: Future | None) -> dict[str, Any]:
    """What is given of the future, by name. ConfigError for a name that the calendar does not have or that needs no
    future, for a trend that neither continues nor is held, and for what is no number."""
    if future is None:
        return {}
    if not isinstance(future, Mapping | pd.DataFrame):
        raise ConfigError(f"future must be a mapping of names to what they will be; got {shown(future)}.")
    found: dict[str, Any] = {}
    ends = calendar.names[len(calendar._of_all_time) :]
    for name in future:
        value = future[name]
        if name not in ends:
            has = f"it has {', '.join(ends)}" if ends else "all it has is known for all time"
            raise ConfigError(f"future names {shown(name)}, which the calendar has not to be told: {has}.")
        if name == "trend":
            found[name] = check_choice(value, "future: trend", ("continue", "hold"))
        elif isinstance(value, pd.Series):
            found[name] = _checked_series(value.to_frame(name), f"future: {name}")[name]
        else:
            found[name] = check_number(value, f"future: {name}")
    return found


def first_days(summary: pd.DataFrame) -> Ints:
    """The day of each customer's first purchase, as a number since 1970. DataError where it is missing."""
    check_frame(summary, "the summary")
    if FIRST not in summary.columns:
        raise DataError(
            f"the summary lacks {FIRST!r}, the day of each customer's first purchase. Make it with "
            "churnsim.summarise(transactions, calendar=...)."
        )
    return day_numbers(summary[FIRST])


def calendar_mark(calendar: Any) -> str:
    """What a summary carries of the calendar that it was made with: its columns, and a digest of all it says."""
    whole = json.dumps(calendar.to_dict(), sort_keys=True)
    return f"{calendar} ({hashlib.sha256(whole.encode()).hexdigest()[:12]})"


def calendar_sums(summary: pd.DataFrame, calendar: Any) -> Floats:
    """The sums of the calendar's values at each customer's repeat purchases, shape (customers, names). DataError where
    they are missing, or were made with another calendar."""
    missing = [name for name in calendar.names if SUMS + name not in summary.columns]
    made_with = summary.attrs.get("calendar")
    if missing or (made_with is not None and made_with != calendar_mark(calendar)):
        other = "with another calendar" if made_with is None else f"with the calendar {made_with}"
        how = f"without {', '.join(map(repr, missing))}, or with another calendar" if missing else other
        raise DataError(
            f"the summary was made {how}. Make it with churnsim.summarise(transactions, calendar=...) and this "
            f"calendar, {calendar_mark(calendar)}."
        )
    try:
        sums = np.column_stack([summary[SUMS + name].to_numpy(dtype=np.float64) for name in calendar.names])
    except (TypeError, ValueError) as error:
        raise DataError(f"the columns {SUMS}... of the summary must hold numbers ({str(error)[:80]}).") from None
    if not np.isfinite(sums).all():
        row, column = np.argwhere(~np.isfinite(sums))[0]
        raise DataError(
            f"the column {SUMS + calendar.names[column]!r} must hold finite numbers; customer "
            f"{str(summary.index[row])[:80]!r} has {sums[row, column]:g}."
        )
    return sums


def gap_days(summary: pd.DataFrame, frequency: Ints) -> tuple[Ints, Floats | Ints, Floats | Ints]:
    """Of every gap between a customer's purchases: the row, the day it begins and the day it ends, with parts of days
    where some are (simulated histories). DataError where the days of the purchases are missing, or are not those of the
    frequency."""
    if PURCHASES not in summary.columns:
        raise DataError(
            f"the summary lacks {PURCHASES!r}, the days of each customer's purchases, from which gaps are measured. "
            "Make it with churnsim.data.summarise_with_intervals(transactions, calendar=...)."
        )
    parts = summary[PURCHASES].to_list()
    lengths = np.array([len(part) if isinstance(part, np.ndarray) else -1 for part in parts])
    if (lengths != frequency + 1).any():
        row = int(np.argmax(lengths != frequency + 1))
        raise DataError(
            f"{PURCHASES} must hold an array of one day more than the frequency; customer "
            f"{str(summary.index[row])[:80]!r} has {max(lengths[row], 0)} and {frequency[row]}."
        )
    days = np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
    whole = days.astype(np.int64)
    days = whole if (whole == days).all() else days
    owner = np.repeat(np.arange(len(parts)), lengths)
    inner = np.flatnonzero(np.diff(owner) == 0)
    return owner[inner], days[inner], days[inner + 1]


def day_numbers(values: Any) -> Ints:
    """Dates as numbers since 1970. DataError for what is none, for text that is no ISO date, or missing."""
    try:
        if getattr(getattr(values, "dtype", None), "kind", "O") in "biuf":  # pandas would take them for nanoseconds
            raise TypeError("numbers")
        text = pd.api.types.infer_dtype(values) == "string"  # without a format the order of day and month is guessed
        days = pd.DatetimeIndex(pd.to_datetime(values, format="ISO8601") if text else values)
    except (TypeError, ValueError) as error:
        raise DataError(f"days must be dates, or text such as '2024-01-31' ({str(error)[:80]}).") from None
    if days.tz is not None:
        days = days.tz_localize(None)
    if days.hasnans:
        raise DataError("a day is missing. Fill it in, or leave its row out.")
    return days.to_numpy().astype("datetime64[D]").astype(np.int64)


def _monday(day: int) -> int:
    return (day - MONDAY) // 7 * 7 + MONDAY


def _checked_series(series: pd.DataFrame, name: str) -> pd.DataFrame:
    """The series with a row a day, sorted, of floats. DataError for what is none."""
    check_frame(series, name)
    if series.empty or series.shape[1] > MOST_SERIES:
        raise DataError(f"{name} must have rows and 1 to {MOST_SERIES} columns; got {series.shape}.")
    days = day_numbers(series.index)
    if len(np.unique(days)) < len(days):
        raise DataError(
            f"{name} has a day twice: {iso_day(int(pd.Series(days)[pd.Series(days).duplicated()].iloc[0]))}."
        )
    try:
        values = series.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must hold numbers ({str(error)[:80]}).") from None
    if not np.isfinite(values.to_numpy()).all():
        raise DataError(f"{name} must hold finite numbers. Fill in what is missing.")
    if not all(isinstance(column, str) for column in values.columns) or not values.columns.is_unique:
        raise DataError(f"the columns of {name} must have names, each once; got {shown(list(values.columns))}.")
    values.index = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[ns]"))
    return values.sort_index()


def _held(series: pd.Series[float], days: Ints) -> tuple[Floats, int]:
    """The value of each day, NaN before the first and after the last; and the last day that it is known for."""
    known = day_numbers(series.index)
    step = int(known[-1] - known[-2]) if known.size > 1 else 1
    end = int(known[-1]) + step - 1
    place = np.searchsorted(known, days, side="right") - 1
    values = np.array(series.to_numpy(), dtype=np.float64)[np.maximum(place, 0)]
    values[(place < 0) | (days > end)] = np.nan
    return values, end


@lru_cache(maxsize=1024)
def _public_holidays(place: str, year: int) -> Ints:
    """Days since 1970 of the public holidays of a country, or of a part of it, in a year."""
    (library,) = optional_modules("holidays", extra="calendar", purpose="a calendar with holidays")
    country, _, part = place.partition("-")
    try:
        found = library.country_holidays(country, subdiv=part or None, years=year)
    except (NotImplementedError, AttributeError) as error:
        raise ConfigError(
            f"holidays: {place!r} is not known ({str(error)[:80]}). Write a country such as 'US'."
        ) from None
    return np.array(sorted(found), dtype="datetime64[D]").astype(np.int64)
