"""Purchase models whose buying clock a calendar rescales: a season, holidays, a trend, prices or any other series.

In the time of the clock B(t) = int m, m = e^(gamma . (z - mean z)) (`churnsim.data.Calendar` holds the columns z, which
are piecewise constant), a customer buys at a constant rate. So the purchase times t_1 < ... < t_x have the density
(time-rescaling theorem)

    plain likelihood at (x, B(t_x), B(T)) . prod_j m(t_j)

for every family in which leaving follows a purchase or does not happen: these take a calendar. B of one customer is a
difference of one table for all at two days, so its slopes in gamma are differences of tables too: a fit adds up, day by
day, how the likelihood changes with the table, and takes the product with the tables of slopes once.

Every forecast is the plain one in the time of the clock. A discounted one is int e^(-force t) dE(B(t)): E is analytic
in B, so it is interpolated between Chebyshev points of panels whose lengths double, and the rest, which is the same for
all customers observed to one day, becomes the weights of these points (Trefethen 2013, chapters 4 and 19).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_kind, check_number, shown, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.data.logs.days import calendar_day, iso_day
from churnsim.data.summaries.calendar import Calendar, Future, calendar_sums, check_future, first_days, gap_days
from churnsim.data.summaries.frame_kinds import verbs_in_kind
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import check_draws, counts, discounting, durations
from churnsim.models.estimation.fit import ModelFit, Parametric
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.statistics import chi2_tail
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

# A position within so many days of midnight is midnight: a duration is a number of days over those of a unit.
MIDNIGHT = 1e-6
# Of the discounted sum: points of a panel less one (5.8^-14 of a panel's largest value is left out), nodes of a piece
# of a panel with few and with many pieces, and how small e^(-force t) gets before the rest counts as nothing.
DEGREE, NODES, FEW = 14, (8, 3), 50
NOTHING = 32.0
MOST_DAYS = 2_000_000
# By the numbers of a first and a last day: what a purchase of each day counts.
Level = Callable[[int, int], Floats]
# Beyond so many days (400 years, a cycle of the Gregorian calendar) a wait goes on at the mean speed of the clock.
CYCLE = 146_097


@dataclass(frozen=True)
class ClockTerms:
    """A weighted log-likelihood of histories in the time of a clock, its slopes in the parameters, and row by row in
    the clock's time of the last purchase and of the end. `curvature`, where a family has it, computes the second
    derivatives in the parameters, and those in each parameter, then each effect, and each effect (without what the
    clock's own curvature adds), from the histories' three places and the clock's slopes in the effects by day."""

    value: float
    slopes: Floats
    at_last: Floats
    at_end: Floats
    curvature: Callable[[tuple[Floats, ...], Floats], tuple[Floats, Floats]] | None = None


@dataclass(frozen=True, eq=False)
class BuyingClock:
    """By how much the buying clock is ahead, at midnight of the day `start` + k, since `start`: B(t) - t."""

    start: int
    per: float
    ahead: Floats

    @classmethod
    def of(cls, speed: Floats, start: int, unit: str) -> BuyingClock:
        """Of the clock's `speed` on the days after `start`."""
        per = DAYS_PER_UNIT[unit]
        return cls(start, per, np.concatenate([[0.0], np.cumsum(speed - 1.0)]) / per)

    def gained(self, begin: Floats, end: Floats) -> Floats:
        """B - t between two positions, in days since 1970."""
        return at(self.ahead, end - self.start) - at(self.ahead, begin - self.start)

    def rows(self, rows: Ints) -> BuyingClock:
        """That of some customers, which is that of all."""
        return self

    def alike(self, end: Floats) -> Iterator[tuple[Ints, BuyingClock]]:
        """The rows that end together, and their clock."""
        for each in np.unique(end):
            yield np.flatnonzero(end == each), self

    def time(self, begin: Floats, span: Floats) -> Floats:
        """B of a `span` of time that begins at a position."""
        return np.asarray(span + self.gained(begin, positions(begin, span, self.per)))


def positions(begin: Floats, span: Floats, per: float) -> Floats:
    """Where a span of time ends, in days; at midnight where that is but for rounding."""
    end = begin + span * per
    whole = np.round(end)
    return np.where(np.abs(end - whole) < MIDNIGHT, whole, end)


def at(table: Floats, place: Floats | Ints) -> Floats:
    """A table's value, or row, at its entries or between them."""
    if place.dtype == np.int64:
        return np.asarray(table[place])
    low = np.minimum(place.astype(np.int64), len(table) - 1)
    part = place - low
    high = np.minimum(low + 1, len(table) - 1)
    if table.ndim == 2:
        part = part[:, None]
    return np.asarray(table[low] + part * (table[high] - table[low]))


@dataclass(frozen=True, kw_only=True, eq=False)
class LikelihoodRatio:
    """A fit beside the one without its calendar: twice the difference of the log-likelihoods, the effects added, and
    the chance of as much were they all 0 (chi-square). `CalendarFit.likelihood_ratio` gives it.

    Examples
    --------
    >>> LikelihoodRatio(statistic=27.0, effects=1, p_value=2e-7).effects
    1
    """

    statistic: float
    effects: int
    p_value: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CalendarFit(ModelFit["ClockModel"]):
    """The fit of a `CalendarModel` or a `SeriesModel`.

    Attributes
    ----------
    plain : ModelFit
        The family without the calendar, on the same customers.

    Examples
    --------
    >>> import churnsim as cs
    >>> calendar = cs.data.Calendar(trend="1997-01-01")
    >>> fit = cs.NBD.fit(cs.summarise(cs.datasets.cdnow(), calendar=calendar), calendar=calendar)
    >>> isinstance(fit, CalendarFit), fit.likelihood_ratio.effects
    (True, 1)
    """

    plain: ModelFit[Parametric]

    def with_future(self, future: Future | None) -> Self:
        """The same fit, its model told once what comes."""
        return replace(self, model=self.model.with_future(future))

    def draw_parameters(self, n: int, *, seed: int) -> list[ClockModel]:
        """As of every fit; the models drawn are told of the future what this one is."""
        return [model._like(self.model) for model in super().draw_parameters(n, seed=seed)]

    @property
    def likelihood_ratio(self) -> LikelihoodRatio:
        """The test of the calendar against the plain family."""
        statistic = max(2 * (self.loglik - self.plain.loglik), 0.0)
        effects = len(self.names) - len(self.plain.names)
        return LikelihoodRatio(statistic=statistic, effects=effects, p_value=float(chi2_tail(statistic, effects)))


@verbs_in_kind
@dataclass(frozen=True, kw_only=True, eq=False)
class ClockModel(ParametricModel):
    """Base of the purchase models whose buying clock is rescaled. A subclass says how its clocks run (`_clock`)."""

    base: Any
    effects: Mapping[str, float]
    means: Mapping[str, float]
    seen_until: str | date
    future: Any = field(default=None)
    calendar: Any = field(default=None)

    simulated_as: ClassVar[None] = None
    suffix: ClassVar[str] = "_calendar"
    # What rescales the clock, and the class of models with a calendar that the base names.
    rescaled_by: ClassVar[str] = "calendar"
    like: ClassVar[str] = "CalendarModel"

    def __post_init__(self) -> None:
        for kind in ("effects", "means"):
            check_effects(getattr(self, kind), kind, self._names)
        calendar_day(self.seen_until, name="seen_until")
        self._check_future(self.future)
        wanted = getattr(type(self.base), "calendar_model", None)
        if wanted != self.like:
            raise ConfigError(
                f"a {type(self.base).__name__} takes a {wanted}." if wanted else
                f"base must be a model whose fit takes a calendar; got {shown(self.base)}."
            )  # fmt: skip

    @property
    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """The columns."""

    @abstractmethod
    def _check_future(self, future: Any) -> Any:
        """What is given of the future, checked."""

    @abstractmethod
    def _clock(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> Any:
        """The clock of customers from one position to another."""

    def _like(self, other: Self) -> Self:
        """This model, with what the other is told of the future."""
        return self.with_future(other.future)

    @classmethod
    def _rest_of_dict(cls, rest: dict[str, Any]) -> dict[str, Any]:
        """Takes what the class has more than this one out of a dict."""
        return {}

    @classmethod
    def _base_of(cls, rest: dict[str, Any], *needed: str) -> type[Any]:
        """The family of the base of a dict made by `to_dict`, whose name is taken out."""
        family = str(rest.pop("family", "")).removesuffix(cls.suffix)
        if family not in PURCHASE_FAMILIES or any(name not in rest for name in (*needed, "seen_until")):
            raise ConfigError(f"this is no model with a {cls.rescaled_by}. Make the dict with its to_dict.")
        wanted = PURCHASE_FAMILIES[family].calendar_model
        if wanted != cls.like:
            raise ConfigError(f"this is a model with a {cls.rescaled_by} of another kind. Use {wanted}.from_dict.")
        return PURCHASE_FAMILIES[family]

    @property
    def unit(self) -> str:
        """The time unit of the base."""
        return str(self.base.unit)

    @property
    def family(self) -> str:  # type: ignore[override]
        """The base's, marked."""
        return str(self.base.family) + self.suffix

    @property
    def title(self) -> str:
        """For readers."""
        return f"{self.base.title} with a {self.rescaled_by}"

    @property
    def reads(self) -> str:
        """What its summary must hold, as the base's."""
        return str(self.base.reads)

    @property
    def within(self) -> str:
        """The family that it becomes without effects."""
        return str(self.base.family)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The base's and the columns."""
        return (*self.base.parameter_names, *self._names)

    def with_future(self, future: Any) -> Self:
        """The same model, told once what comes."""
        return replace(self, future=future)

    # ---- the clock ----

    @cached_property
    def _seen(self) -> int:
        return day_number(self.seen_until, "seen_until")

    def _known(self, summary: pd.DataFrame, ahead: Floats | float, future: Any) -> _Known:
        """The histories in time and in the clock's, which is made for `ahead` of the end of each."""
        h = Histories.of(summary, unit=self.unit)
        first = first_days(summary).astype(np.float64)
        per = DAYS_PER_UNIT[self.unit]
        end = positions(first, h.T, per)
        clock = self._clock(
            first, positions(end, np.broadcast_to(np.asarray(ahead, dtype=float), end.shape), per), future, h.index
        )
        return _Known(h, on_clock(h, clock, first), clock, first, end)

    # ---- the verbs ----

    def log_likelihood(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit."""
        known = self._known(summary, 0.0, None)
        values = self.base._log_likelihood(known.clocked) + self._at_purchases(summary, known.h)
        stages = getattr(self.base, "k", 1)
        if stages > 1:
            owner, begin, end = gap_days(summary, known.h.x)
            gained = known.clock.rows(owner).gained(begin.astype(float), end.astype(float))
            gap = (end - begin) / known.clock.per + gained
            in_gaps = np.bincount(owner, np.log(gap), minlength=known.h.x.size)
            values += (stages - 1) * in_gaps - known.h.x * math.lgamma(stages)
        return known.h.series(values, "log_likelihood")

    def _at_purchases(self, summary: pd.DataFrame, h: Histories) -> Floats:
        """Sum of the logarithms of the clock's speed at each customer's purchases."""
        sums, names = calendar_sums(summary, self.calendar), self._names
        gamma, means = (np.array([float(kind[name]) for name in names]) for kind in (self.effects, self.means))
        return np.asarray(((sums - h.x[:, None] * means) * gamma).sum(axis=1))

    def p_alive(self, summary: pd.DataFrame, *, at: float | ArrayLike = 0.0, future: Any = None) -> pd.Series[float]:
        """P(alive at T + at | history to T) of each customer."""
        later = self._spans(summary, at, "at")
        known = self._known(summary, later, future)
        return known.h.series(self.base._alive_at(known.clocked, known.clock.time(known.end, later)), "p_alive")

    def p_alive_path(self, summary: pd.DataFrame, times: Sequence[float], *, future: Any = None) -> pd.DataFrame:
        """`p_alive` at T + each of `times`: one row a customer, one column a time."""
        wanted = durations(np.asarray(times, dtype=object), "times").ravel()
        columns = {float(t): self.p_alive(summary, at=float(t), future=future) for t in wanted}
        return pd.DataFrame(columns, index=summary.index).rename_axis(columns="at")

    def expected_purchases(
        self, summary: pd.DataFrame, horizon: float | ArrayLike, *, after: float | ArrayLike = 0.0,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """E[purchases in (T + after, T + after + horizon] | history] of each customer."""
        known, start, spans = self._ahead(summary, horizon, after, future)
        values = self.base._expected(known.clocked, start + spans)
        if start.any():
            values = values - self.base._expected(known.clocked, start)
        return known.h.series(values, "expected_purchases")

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: pd.DataFrame, horizon: float | ArrayLike, *,
        after: float | ArrayLike = 0.0, future: Any = None,
    ) -> pd.DataFrame:  # fmt: skip
        """P(n purchases in (T + after, T + after + horizon] | history): one row a customer, one column for each n."""
        known, start, spans = self._ahead(summary, horizon, after, future)
        base = self.base
        alive, living = base._alive(known.clocked), base._living(known.clocked)
        columns = {}
        for k in counts(n).ravel().tolist():
            each = base._pmf_later(living, k, start, spans) if start.any() else base._pmf_living(living, k, spans)
            columns[k] = alive * each + (1.0 - alive if k == 0 else 0.0)
        return pd.DataFrame(columns, index=known.h.index).rename_axis(columns="n")

    def residual_transactions(
        self, summary: pd.DataFrame, annual_discount_rate: float, *, horizon: float = math.inf,
        future: Any = None,
    ) -> pd.Series[float]:  # fmt: skip
        """Discounted expected residual transactions (DERT) of each customer: purchases after T, each discounted to T.

        `annual_discount_rate` is annual and effective; it must be above 0 for an infinite `horizon`, for which a trend
        must be held.
        """
        return self._discounted(summary, annual_discount_rate, horizon, future)

    def _discounted(
        self, summary: pd.DataFrame, annual_rate: float, horizon: float, future: Any, level: Level | None = None
    ) -> pd.Series[float]:
        """`residual_transactions`, each times what `level` says of its day."""
        force, span = self._discounted_span(annual_rate, horizon, future)
        known = self._known(summary, span, future)
        offset = min(float(getattr(self.base, name)) for name in ("alpha", "beta") if hasattr(self.base, name))
        values = np.empty(known.h.x.size)
        for rows, clock in known.clock.alike(known.end):
            points, weights = discount_rule(clock, float(known.end[rows[0]]), span, force, offset, level)
            part = known.clocked_of(rows)
            values[rows] = sum(
                weight * self.base._expected(part, np.full(rows.size, point))
                for point, weight in zip(points, weights, strict=True)
            )
        return known.h.series(values, "residual_transactions")

    def _check_endless(self, future: Any) -> None:
        """ConfigError where what is to come has no sum."""

    def _discounted_span(self, annual: float, horizon: float, future: Any) -> tuple[float, float]:
        """The force of a discount, and for how long it leaves anything."""
        force, span = discounting(annual, self.unit, horizon)
        if math.isinf(span):
            self._check_endless(future)
            span = NOTHING / force
        if span * DAYS_PER_UNIT[self.unit] > MOST_DAYS:
            raise ConfigError(f"{span:,.0f} {self.unit} are too many days to add up. Give a horizon, or a higher rate.")
        return force, span

    @typed
    def time_to_next_purchase(
        self, summary: pd.DataFrame, *, quantile: float = 0.5, if_alive: bool = False, future: Any = None
    ) -> pd.Series[float]:
        """Time after T by which the next purchase has come with probability `quantile`; infinite where it never does.

        A wait beyond 400 years goes on at the mean speed of the clock in them.
        """
        check_number(quantile, "quantile", above=0, below=1)
        known = self._known(summary, 0.0, None)
        base = self.base
        alive = np.ones(known.h.x.size) if if_alive else base._alive(known.clocked)
        with np.errstate(divide="ignore"):
            share = np.minimum(quantile / alive, 1.0)
        waits = np.asarray(base._wait_living(base._living(known.clocked), share))
        finite = np.isfinite(waits)
        out = np.full(waits.size, np.inf)
        for every, _ in known.clock.alike(known.end):
            rows = every[finite[every]]
            if rows.size:
                out[rows] = self._when(float(known.end[rows[0]]), waits[rows], future, known.h.index[rows[:1]])
        return known.h.series(out, "time_to_next_purchase")

    def _when(self, end: float, waits: Floats, future: Any, index: pd.Index[Any]) -> Floats:
        """The time after the position `end` at which the clock has run for these waits."""
        per, days = DAYS_PER_UNIT[self.unit], 366
        while True:
            edges: Floats = np.unique(
                np.concatenate([[end], np.arange(math.floor(end) + 1, math.floor(end) + days + 1.0)])
            )
            spans = (edges - end) / per
            run = self._clock(edges[:1], edges[-1:], future, index).time(np.full(edges.size, end), spans)
            if run[-1] >= waits.max() or days >= CYCLE:
                break
            days = min(4 * days, CYCLE)
        return np.where(waits <= run[-1], np.interp(waits, run, spans), waits * spans[-1] / run[-1])

    def expected_purchases_like(
        self, summary: pd.DataFrame, t: ArrayLike, *, from_morning: bool = False, future: Any = None
    ) -> Floats:
        """E[X(t)] of new customers with the first purchases of these rows, each by its own age `t` (or all by one).

        Their time begins at the end of the day of the first purchase, as T does, or `from_morning` (`tracking`).
        """
        spans = self._ages(summary, t, from_morning, future)
        alive, living = self.base._new(spans.size)
        return np.asarray(alive * self.base._expected_living(living, spans))

    def purchase_pmf_like(self, n: int, summary: pd.DataFrame, t: ArrayLike, *, future: Any = None) -> Floats:
        """P(X(t) = n) of new customers with the first purchases of these rows, each by its own age `t`."""
        spans = self._ages(summary, t, False, future)
        alive, living = self.base._new(spans.size)
        k = int(counts(n))
        return np.asarray(alive * self.base._pmf_living(living, k, spans) + (1.0 - alive if k == 0 else 0.0))

    def _ages(self, summary: pd.DataFrame, t: ArrayLike, from_morning: bool, future: Any) -> Floats:
        first = np.asarray(first_days(summary) - float(from_morning), dtype=np.float64)
        ages = durations(t, "t", shape=first.shape)
        clock = self._clock(first, positions(first, ages, DAYS_PER_UNIT[self.unit]), future, summary.index)
        return np.asarray(clock.time(first, ages))

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """The traits of `n` customers from the population; a rate is that of an average day."""
        found: pd.DataFrame = self.base.draw_customers(n, seed=seed, replication=replication)
        return found

    def draw_posterior(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's traits and of whether it is `alive`, given its own history."""
        check_draws(0, seed, replication)
        known = self._known(summary, 0.0, None)
        uids = customer_uids(known.h.index)
        found: pd.DataFrame = self.base.draw_known(known.clocked, uids, seed=seed, replication=replication)
        return found

    def _spans(self, summary: pd.DataFrame, value: float | ArrayLike, name: str) -> Floats:
        return durations(value, name, shape=(len(Histories.of(summary, unit=self.unit).x),))

    def _ahead(
        self, summary: pd.DataFrame, horizon: float | ArrayLike, after: float | ArrayLike, future: Any
    ) -> tuple[_Known, Floats, Floats]:
        """The histories, and on their clock what comes before an interval to come, and its length."""
        spans, start = self._spans(summary, horizon, "horizon"), self._spans(summary, after, "after")
        known = self._known(summary, start + spans, future)
        before = known.clock.time(known.end, start)
        return known, before, known.clock.time(known.end, start + spans) - before


@dataclass(frozen=True, kw_only=True, eq=False)
class CalendarModel(ClockModel):
    """A purchase model on a clock that a calendar rescales. Made by ``fit(summary, calendar=...)`` of a family.

    Its verbs are those of the family, of summaries with the column ``first_purchase``. Where a forecast reaches beyond
    what the calendar knows, `future` must say what comes: by name a number that holds on, a Series by day, or for a
    trend "continue" or "hold". A model whose own `future` is set (`with_future`) need not be told at each call.

    Parameters
    ----------
    base : a purchase model
        In the time of the clock: its rates are those of an average day of the fit.
    calendar : Calendar
    effects, means : mapping of column to number
        The rate of a day is multiplied by e^(effect . (value - mean)) for each column.
    seen_until : str or date
        The last day of the fit, up to which a trend is known.
    future : mapping, optional

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow()
    >>> calendar = cs.data.Calendar(trend="1997-01-01")
    >>> summary = cs.summarise(log, until="1997-09-30", calendar=calendar)
    >>> fit = cs.BGNBD.fit(summary, calendar=calendar)
    >>> fit.names
    ('r', 'alpha', 'a', 'b', 'trend')
    >>> bool(fit.likelihood_ratio.p_value < 0.001)
    True
    """

    calendar: Calendar

    def __post_init__(self) -> None:
        check_kind(self.calendar, "calendar", Calendar, "a churnsim.data.Calendar")
        super().__post_init__()

    @property
    def _names(self) -> tuple[str, ...]:
        return self.calendar.names

    @property
    def simulated_as(self) -> Simulated | None:  # type: ignore[override]
        """How the base's customers leave."""
        found: Simulated | None = self.base.simulated_as
        return found

    @property
    def simulated_parameters(self) -> tuple[float, ...]:
        """The base's."""
        return tuple(self.base.simulated_parameters)

    @property
    def k(self) -> int:
        """Stages of a gap, where the base has them: AttributeError elsewhere."""
        return int(self.base.k)

    def clocked(self, summary: pd.DataFrame) -> Histories:
        """The histories in the time of the buying clock."""
        return self._known(summary, 0.0, None).clocked

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the base's, effects by column, means as `mean:COLUMN`, the calendar and the last day. What
        is said of the future is not stored."""
        values = {**self.base.to_dict(), "family": self.family}
        values |= {name: float(self.effects[name]) for name in self.calendar.names}
        values |= {f"mean:{name}": float(self.means[name]) for name in self.calendar.names}
        return {**values, "calendar": self.calendar.to_dict(), "seen_until": iso_day(self._seen)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`. Raises ConfigError for another family or other keys."""
        check_kind(values, "values", Mapping, "a dict made by to_dict")
        rest = dict(values)
        family = cls._base_of(rest, "calendar")
        calendar = rest.pop("calendar")
        calendar = calendar if isinstance(calendar, Calendar) else Calendar.from_dict(calendar)
        try:
            effects = {name: rest.pop(name) for name in calendar.names}
            means = {name: rest.pop(f"mean:{name}") for name in calendar.names}
            more = cls._rest_of_dict(rest)
        except KeyError as error:
            raise ConfigError(f"a model with this calendar needs {error}.") from None
        until = rest.pop("seen_until")
        base = family.from_dict(rest)
        return cls(base=base, calendar=calendar, effects=effects, means=means, seen_until=until, **more)

    # ---- the clock ----

    def speed(self, first: str | date, last: str | date, *, future: Future | None = None) -> pd.Series[float]:
        """How fast the buying clock runs on each day, 1 on an average one: the picture of a season."""
        told = self._told(future)
        return by_day(first, last, lambda begin, end: self._speed(begin, end, told)).rename("speed")

    def _check_future(self, future: Future | None) -> dict[str, Any]:
        return check_future(self.calendar, future)

    def _told(self, future: Future | None) -> dict[str, Any]:
        """What is known of the future."""
        return {**(self.future or {}), **self._check_future(future)}

    def _speed(self, first: int, last: int, told: Future) -> Floats:
        own = {name: told[name] for name in told if name in self.calendar.names}
        return speeds(self.calendar, self.effects, self.means, first, last, seen=self._seen, told=own)

    def _clock(
        self, begin: Floats, end: Floats, future: Future | None, index: pd.Index[Any] | None = None
    ) -> BuyingClock:
        low, high = math.floor(begin.min()), math.ceil(end.max())
        speed = self._speed(low + 1, high, self._told(future)) if high > low else np.ones(0)
        return BuyingClock.of(speed, low, self.unit)

    def _check_endless(self, future: Any) -> None:
        if self._told(future).get("trend") == "continue":
            raise ConfigError("a trend that continues for ever has no sum. Hold it, or give a finite horizon.")

    # ---- the verbs ----

    def expected_purchases_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[X(t)]: repeat purchases by age `t` of a customer who first buys on the day `first`. Shape of `t`."""
        ages = durations(t, "t")
        spans = self._since(first, ages.ravel(), future)
        alive, living = self.base._new(ages.size)
        return np.asarray(alive * self.base._expected_living(living, spans)).reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """P(X(t) = n) of a customer who first buys on the day `first`. Shape of `n`."""
        wanted = counts(n)
        spans = self._since(first, durations(t, "t", shape=(1,)), future)
        alive, living = self.base._new(1)
        values = [
            alive * float(self.base._pmf_living(living, k, spans)[0]) + (1.0 - alive if k == 0 else 0.0)
            for k in wanted.ravel().tolist()
        ]
        return np.array(values, dtype=np.float64).reshape(wanted.shape)

    def _since(self, first: str | date, ages: Floats, future: Future | None) -> Floats:
        begin = np.full(ages.size, float(day_number(first, "first")))
        if not ages.size:
            return ages
        return self._clock(begin, positions(begin, ages, DAYS_PER_UNIT[self.unit]), future).time(begin, ages)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Future | None = None
    ) -> pd.DataFrame:
        """A summary of simulated customers who first buy on the day `first`, each observed for its own `T`."""
        return self._draw_summary(T, first, seed, replication, future, self._drawn)

    def _drawn(self, ages: Floats, begin: float, future: Future | None, seed: int, replication: int) -> pd.DataFrame:
        """Frequency and recency, on the clock."""
        spans = self._since(iso_day(int(begin)), ages, future)
        found: pd.DataFrame = self.base.draw_summary(spans, seed=seed, replication=replication)
        return found

    def _draw_summary(
        self, T: ArrayLike, first: str | date, seed: int, replication: int, future: Future | None,
        drawn: Callable[..., pd.DataFrame],
    ) -> pd.DataFrame:  # fmt: skip
        ages = np.ascontiguousarray(durations(T, "T").ravel())
        begin = float(day_number(first, "first"))
        frame = drawn(ages, begin, future, seed, replication)
        days = np.arange(0.0, math.ceil(positions(np.zeros(1), ages.max(initial=0.0), DAYS_PER_UNIT[self.unit])[0]) + 1)
        times = days / DAYS_PER_UNIT[self.unit]
        run = self._clock(np.array([begin]), np.array([begin + days[-1]]), future).time(
            np.full(days.size, begin), times
        )
        frame["recency"] = np.minimum(np.interp(frame["recency"], run, times), ages)
        frame = frame.drop(columns="log_intervals", errors="ignore")  # on the clock, of days that are not kept
        frame["T"] = ages
        frame["first_purchase"] = pd.Timestamp(iso_day(int(begin)))
        frame.attrs["unit"] = self.unit
        return frame


@dataclass(frozen=True, eq=False)
class _Known:
    h: Histories
    clocked: Histories
    clock: Any
    first: Floats
    end: Floats

    def clocked_of(self, rows: Ints) -> Histories:
        c = self.clocked
        return Histories(c.x[rows], c.t_x[rows], c.T[rows], c.index[rows])


def on_clock(h: Histories, clock: BuyingClock, first: Floats) -> Histories:
    """The histories in the time of the clock."""
    T = clock.time(first, h.T)
    return Histories(h.x, np.minimum(clock.time(first, h.t_x), T), T, h.index)


def discount_rule(
    clock: BuyingClock, end: float, span: float, force: float, offset: float, level: Level | None = None
) -> tuple[Floats, Floats]:
    """Points u and weights so that sum weight . E(u) is int_0^span e^(-force t) dE(B(t)), of an E that is analytic but
    for u <= -offset; B begins at the position `end`. With a `level` by day the integrand is times it."""
    last = float(positions(np.array([end]), np.array([span]), clock.per)[0])
    inner = np.arange(math.floor(end) + 1.0, math.ceil(last))
    days = np.concatenate([[end], inner, [last]]) if last > end else np.array([end])
    times = (days - end) / clock.per
    run = times + clock.gained(np.full(days.size, end), days)
    # Integrated by parts: where the level changes the integrand is e^(-force t) E(B(t)) times how much it falls.
    by_day = np.ones(times.size)  # from each of the times to the next
    if level is not None and times.size > 1:
        by_day = np.append(level(math.floor(end) + 1, math.floor(days[-2]) + 1), 0.0)
    falls = -np.diff(by_day, prepend=0.0)
    edges = [0.0]
    while edges[-1] < run[-1]:
        edges.append(min(edges[-1] + (offset + edges[-1]), run[-1]))
    cuts = np.interp(edges, run, times)
    angles = np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    signs = np.where(np.arange(DEGREE + 1) % 2, -1.0, 1.0)
    signs[[0, -1]] /= 2
    points, weights = [], []
    for k in range(len(edges) - 1):
        inside = times[(times > cuts[k]) & (times < cuts[k + 1])]
        pieces = np.concatenate([cuts[k : k + 1], inside, cuts[k + 1 : k + 2]])
        node, share = np.polynomial.legendre.leggauss(NODES[0] if pieces.size < FEW else NODES[1])
        half = np.diff(pieces)[:, None] / 2
        t = (pieces[:-1, None] + half * (1 + node)).ravel()
        mass = (half * share).ravel() * force * np.exp(-force * t)
        u = np.interp(t, times, run)
        if level is not None:
            mass *= by_day[np.searchsorted(times, t) - 1]
            change = (times > cuts[k]) & (times <= cuts[k + 1]) & (times < times[-1])
            u, mass = np.append(u, run[change]), np.append(mass, (falls * np.exp(-force * times))[change])
        if k == len(edges) - 2:  # E at the end of a finite horizon
            last_level = 1.0 if level is None else by_day[-2]
            u, mass = np.append(u, edges[-1]), np.append(mass, last_level * math.exp(-force * span))
        at_points = edges[k] + (edges[k + 1] - edges[k]) * (1 + angles) / 2
        # Barycentric interpolation (Berrut & Trefethen 2004, SIAM Review 46(3), 501-517, eq. 4.2).
        gaps = u[:, None] - at_points
        hit = gaps == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            basis = signs / gaps
            basis /= basis.sum(axis=1, keepdims=True)
        basis[hit.any(axis=1)] = hit[hit.any(axis=1)]
        points.append(at_points)
        weights.append((mass[:, None] * basis).sum(axis=0))
    return (np.concatenate(points), np.concatenate(weights)) if points else (np.zeros(1), np.zeros(1))


def speeds(
    calendar: Calendar, effects: Mapping[str, float], means: Mapping[str, float], first: int, last: int, *, seen: int,
    told: Future,
) -> Floats:  # fmt: skip
    """How fast a clock runs on the days `first` ... `last`."""
    values = calendar.columns(first, last, seen_until=seen, future=told)
    gamma, mean = (np.array([float(kind[name]) for name in calendar.names]) for kind in (effects, means))
    with np.errstate(over="ignore"):
        speed: Floats = np.exp(((values - mean) * gamma).sum(axis=1))
    if not np.isfinite(speed).all():
        raise ConfigError("the calendar's values make a day infinitely fast. Check the effects and the future.")
    return speed


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


def day_number(day: Any, name: str) -> int:
    """A day as a number since 1970."""
    return int(np.datetime64(calendar_day(day, name=name).date(), "D").astype(np.int64))
