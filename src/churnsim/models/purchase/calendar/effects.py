"""Models in which a calendar has effects: what all of them hold, check, store and are told of the future."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_kind, check_number, shown
from churnsim.data.logs.days import calendar_day, day_number, iso_day
from churnsim.data.summaries.calendar import FIRST, Calendar, calendar_sums, check_future
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import counts, durations
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.purchase.histories import Histories
from churnsim.typing import Floats

HOLD = "hold"


@dataclass(frozen=True, kw_only=True, eq=False)
class CalendarEffects(ParametricModel):
    """Base of the models in which the columns of a calendar have effects."""

    effects: Mapping[str, float]
    means: Mapping[str, float]
    seen_until: str | date
    future: Any = field(default=None)
    calendar: Any = field(default=None)

    # What has the effects, for titles and refusals.
    rescaled_by: ClassVar[str] = "calendar"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_calendar()
        for kind in ("effects", "means"):
            check_effects(getattr(self, kind), kind, self._names)
        calendar_day(self.seen_until, name="seen_until")
        self._check_future(self.future)

    def _check_calendar(self) -> None:
        """ConfigError for what is no calendar."""
        check_kind(self.calendar, "calendar", Calendar, "a churnsim.data.Calendar")

    @property
    def _names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(self.calendar.names)

    def _check_future(self, future: Any) -> Any:
        """What is given of the future, checked."""
        return check_future(self.calendar, future)

    @property
    @abstractmethod
    def _average(self) -> Any:
        """The model of an average day."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Those of an average day, and the columns."""
        return (*self._average.parameter_names, *self._names)

    # ---- what is stored ----

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: those of an average day, effects by column, means as `mean:COLUMN`, the calendar (of
        customers' own series the columns alone) and the last day. What is said of the future is not stored."""
        values = {**self._average.to_dict(), "family": self.family}
        values |= {name: float(self.effects[name]) for name in self._names}
        values |= {f"mean:{name}": float(self.means[name]) for name in self._names}
        return {**values, "calendar": self._stored_calendar, "seen_until": iso_day(self._seen)}

    @property
    def _stored_calendar(self) -> Any:
        return self.calendar.to_dict()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`. Raises ConfigError for another family or other keys."""
        check_kind(values, "values", Mapping, "a dict made by to_dict")
        rest = dict(values)
        build = cls._average_of(rest.pop("family", None))
        if build is None or not {"calendar", "seen_until"} <= set(rest):
            raise ConfigError(f"this is no {cls.__name__}. Make the dict with its to_dict.")
        calendar, names = cls._calendar_of(rest.pop("calendar"))
        try:
            own: dict[str, Any] = {
                "effects": {name: rest.pop(name) for name in names},
                "means": {name: rest.pop(f"mean:{name}") for name in names},
                **cls._rest_of_dict(rest),
            }
        except (KeyError, TypeError) as error:
            raise ConfigError(f"a model with this {cls.rescaled_by} needs {error}.") from None
        until = rest.pop("seen_until")
        return cls(calendar=calendar, seen_until=until, **own, **build(rest))

    @classmethod
    @abstractmethod
    def _average_of(cls, family: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """For the family of a dict what makes the fields of the model of an average day of the rest; None of another
        one."""

    @classmethod
    def _calendar_of(cls, given: Any) -> tuple[Any, Sequence[str]]:
        """The calendar of a dict, which may be one already, and its columns."""
        calendar = given if isinstance(given, Calendar) else Calendar.from_dict(given)
        return calendar, calendar.names

    @classmethod
    def _rest_of_dict(cls, rest: dict[str, Any]) -> dict[str, Any]:
        """Takes what the class has more than this one out of a dict."""
        return {}

    # ---- the future ----

    def with_future(self, future: Any) -> Self:
        """The same model, told once what comes."""
        return replace(self, future=future)

    def _like(self, other: Self) -> Self:
        """This model, with what the other is told of the future."""
        return self.with_future(other.future)

    def _told(self, future: Any) -> dict[str, Any]:
        """What is known of the future."""
        return {**(self.future or {}), **self._check_future(future)}

    def _check_endless(self, future: Any) -> None:
        """ConfigError where what is to come has no sum."""
        if self._told(future).get("trend") == "continue":
            raise ConfigError("a trend that continues for ever has no sum. Hold it, or give a finite horizon.")

    # ---- what the effects do ----

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """The traits of `n` customers from the population, those of an average day."""
        found: pd.DataFrame = self._average.draw_customers(n, seed=seed, replication=replication)
        return found

    @property
    def _seen(self) -> int:
        return day_number(self.seen_until, "seen_until")

    @property
    def _even(self) -> bool:
        """Whether nothing has an effect, so that all verbs are the plain family's."""
        return not self._gamma.any()

    @property
    def _gamma(self) -> Floats:
        return numbers_of(self.effects, self._names)

    @property
    def _means(self) -> Floats:
        return numbers_of(self.means, self._names)

    def _speed(self, first: int, last: int, told: Mapping[str, Any]) -> Floats:
        """e^(effects . (values - means)) of the days `first` ... `last`."""
        return factors(values_of(self.calendar, first, last, self._seen, told), self._gamma, self._means)

    def _at_purchases(self, summary: pd.DataFrame, h: Histories) -> Floats:
        """Sum of the logarithms of what the effects do at each customer's purchases."""
        sums = calendar_sums(summary, self.calendar)
        return np.asarray(((sums - h.x[:, None] * self._means) * self._gamma).sum(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesEffects(CalendarEffects):
    """The part of a model in which customers' own series have the effects, before the class that it makes of one with a
    calendar."""

    rescaled_by: ClassVar[str] = "series"

    def _check_calendar(self) -> None:
        if self.calendar is not None:
            check_kind(self.calendar, "calendar", CustomerSeries, "a churnsim.data.CustomerSeries")
            if self.calendar.names != tuple(self.effects):
                raise ConfigError(f"effects must name {self.calendar}; got {', '.join(map(str, self.effects))}.")
        check_kind(self.effects, "effects", Mapping, "a mapping of the series' columns to numbers")

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.effects)

    def with_series(self, series: CustomerSeries) -> Self:
        """The same model with these series, such as those of other customers, or after it was loaded."""
        return replace(self, calendar=series)

    def _like(self, other: Self) -> Self:
        return replace(self, calendar=other.calendar, future=other.future)

    @property
    def _stored_calendar(self) -> list[str]:
        return list(self._names)

    @classmethod
    def _calendar_of(cls, given: Any) -> tuple[CustomerSeries | None, Sequence[str]]:
        if isinstance(given, CustomerSeries):
            return given, given.names
        if not isinstance(given, list | tuple):
            raise ConfigError(f"calendar must name the columns of the series; got {shown(given)}.")
        return None, [str(name) for name in given]

    def _check_future(self, future: Any) -> Any:
        if future is None or (isinstance(future, str) and future == HOLD):
            return future
        if isinstance(future, pd.DataFrame):
            return CustomerSeries.of(future)
        if isinstance(future, CustomerSeries):
            return future
        raise ConfigError(f'future must be "hold", or a frame as that of the series; got {shown(future)}.')

    def _check_endless(self, future: Any) -> None:
        """What is held has a sum."""

    def _known_series(self, series: CustomerSeries | None, until: float, future: Any) -> CustomerSeries:
        """Series until a position. Raises DataError where they must be told what comes."""
        if series is None:
            raise ConfigError("the model was saved without its series. Give them by with_series(series).")
        return series.known_to(until, self._seen, lambda: self._check_future(self.future if future is None else future))


def of_base(name: str, doc: str) -> Any:
    """A property that is the base's own."""
    return property(lambda self: getattr(self.base, name), doc=doc)


@dataclass(frozen=True, kw_only=True, eq=False)
class PurchasesWithEffects(CalendarEffects):
    """Base of the purchase models in which a calendar has effects on those of a model `base`."""

    base: Any

    unit = of_base("unit", "The time unit of the base.")

    @property
    def _average(self) -> Any:
        return self.base

    def p_alive_path(self, summary: CustomerFrame, times: Sequence[float], *, future: Any = None) -> pd.DataFrame:
        """`p_alive` at T + each of `times`: one row a customer, one column a time."""
        wanted = durations(np.asarray(times, dtype=object), "times").ravel()
        columns = {float(t): self.p_alive(summary, at=float(t), future=future) for t in wanted}
        return pd.DataFrame(columns, index=summary.index).rename_axis(columns="at")


class NewOnADay(PurchasesWithEffects):
    """The verbs of new customers who first buy on one day (BG/BB: in the period that ends on, or holds it), where a
    calendar is the same for all, from those of customers like others."""

    first_column: ClassVar[str] = FIRST

    def _firsts(self, first: str | date, size: int) -> pd.DataFrame:
        day = pd.Timestamp(iso_day(day_number(first, "first")))
        columns = {"frequency": 0, "recency": 0.0, "T": 0.0, self.first_column: day}
        return pd.DataFrame(columns, index=pd.RangeIndex(size, name="customer_id"))

    def expected_purchases_new(self, t: float | ArrayLike, *, first: str | date, future: Any = None) -> Floats:
        """E[X(t)]: repeat purchases by age `t` of a customer who first buys on the day `first`. Shape of `t`."""
        ages = durations(t, "t")
        return self._by_age(self.expected_purchases_like, ages, first, future)

    def _by_age(self, verb: Callable[..., Floats], ages: Floats, first: str | date, future: Any) -> Floats:
        """What a verb of customers like others says of new ones by these ages."""
        found = verb(self._firsts(first, ages.size), ages.ravel(), future=future) if ages.size else ages
        return found.reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Any = None
    ) -> Floats:
        """P(X(t) = n) of a customer who first buys on the day `first`. Shape of `n`."""
        wanted, age, one = counts(n), durations(t, "t", shape=(1,)), self._firsts(first, 1)
        values = self._pmf_like(wanted.ravel().tolist(), one, age, future)
        return np.array(values, dtype=np.float64).reshape(wanted.shape)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Any = None
    ) -> pd.DataFrame:
        """A summary of simulated customers who first buy on the day `first`, each observed for its own `T`. Customer i
        has the traits of row i of `draw_customers` with the same seed and replication."""
        ages = durations(T, "T").ravel()
        new = self._firsts(first, ages.size).assign(T=ages)
        found: pd.DataFrame = self.draw_summary_like(new, seed=seed, replication=replication, future=future)
        return found


def numbers_of(given: Mapping[str, float], names: Sequence[str]) -> Floats:
    """The numbers of these columns."""
    return np.array([float(given[name]) for name in names])


def values_of(calendar: Calendar, first: int, last: int, seen: int, told: Mapping[str, Any]) -> Floats:
    """A calendar's values on the days `first` ... `last`, of what is told what concerns it."""
    own = {name: told[name] for name in told if name in calendar.names}
    return calendar.columns(first, last, seen_until=seen, future=own)


def factors(values: Floats, gamma: Floats, means: Floats) -> Floats:
    """e^(gamma . (values - means)) of each row."""
    with np.errstate(over="ignore"):
        found: Floats = np.exp(((values - means) * gamma).sum(axis=1))
    if not np.isfinite(found).all():
        raise ConfigError("the calendar's values make a day infinitely fast. Check the effects and the future.")
    return found


def by_day(first: str | date, last: str | date, function: Callable[[int, int], Floats]) -> pd.Series[float]:
    """What a function says of the days from `first` to `last`."""
    days = day_number(first, "first"), day_number(last, "last")
    if days[0] > days[1]:
        raise ConfigError(f"first must not be after last; got {first} and {last}.")
    index = pd.date_range(iso_day(days[0]), iso_day(days[1]), name="date")
    return pd.Series(function(*days), index=index)


def check_effects(given: Any, kind: str, names: Sequence[str]) -> None:
    """ConfigError unless there is a number for each of a calendar's columns."""
    check_kind(given, kind, Mapping, "a mapping of the calendar's columns to numbers")
    if set(given) != set(names):
        raise ConfigError(f"{kind} must name {', '.join(names) or 'nothing'}; got {', '.join(map(str, given))}.")
    for name, value in given.items():
        check_number(value, f"{kind}: {name}")
