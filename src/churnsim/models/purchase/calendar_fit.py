"""Fitting a purchase model whose buying clock a calendar rescales: likelihood, gradient and curvature, and what the
data tell of the calendar. `churnsim.models.purchase.calendar_model` has the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.logs.days import iso_day
from churnsim.data.summaries.calendar import Calendar, calendar_sums, first_days, gap_days
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.errors import DataError
from churnsim.kernels.likelihoods import customer_clock as kernel
from churnsim.models.estimation.design_matrix import independent_columns
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar_model import CalendarFit, CalendarModel, ClockModel, ClockTerms, at, positions
from churnsim.models.purchase.fit_data import SKETCH, SKETCH_FROM, Objective, collapse
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.series_model import SeriesModel
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

YEAR = 365  # days of purchases that tell a wave of the year


def fit_calendar(
    family: Any, summary: pd.DataFrame, calendar: Calendar | CustomerSeries, *, unit: str | None,
    weights: ArrayLike | None, **fixed: Any,
) -> CalendarFit:  # fmt: skip
    """Maximum likelihood of a family on a clock that a calendar or customers' own series rescale, begun at the plain
    family's.

    Raises DataError for a summary that was not made with the calendar, and for a column that does not vary, or is
    determined by others, over the days of the data.
    """
    check_calendar(calendar)
    of_plain = family.likelihood(summary, unit=unit, weights=weights, **fixed)
    plain = fit_likelihood(of_plain)
    kind: Any = HistoryDays if isinstance(calendar, Calendar) else HistorySeries
    days = kind.of(summary, calendar, unit=plain.model.unit, weights=weights, stages=fixed.get("k", 1))
    found = fit_likelihood(calendar_likelihood(family, days, of_plain, plain, **fixed))
    return CalendarFit(**vars(found), plain=plain)


class RescaledClock(Protocol):
    """Histories on the clock that some effects make, and what a gradient and a curvature in the effects need of it.

    `in_gaps` is what the gaps' own factor (gap on the clock / gap)^(stages - 1) adds to the log-likelihood.
    """

    @property
    def clocked(self) -> Histories: ...
    @property
    def in_gaps(self) -> float: ...
    def slopes(self, at_last: Floats, at_end: Floats) -> Floats:
        """How the log-likelihood changes with the effects, from how it does with customers' times on the clock."""

    def second(self, at_last: Floats, at_end: Floats) -> Floats:
        """The part of its second derivatives that is the clock's own."""

    def table(self) -> tuple[tuple[Floats, ...], Floats]:
        """A table of slopes of the clock in the effects, and the place there of each beginning, last purchase and
        end."""


@dataclass(frozen=True, eq=False)
class HistoryDays:
    """Histories in units of the mean observation `scale`, with the days of a calendar on which each begins, last buys
    and ends (counted from `start`, whose columns less their means, over their spread, are `z`), and the weighted sums
    of z on the days of the repeat purchases."""

    calendar: Calendar
    h: Histories
    weight: Floats
    places: tuple[Floats | Ints, ...]
    sums: Floats
    z: Floats
    means: Floats
    spread: Floats
    start: int
    scale: float
    per: float
    gaps: tuple[Ints, Ints, Floats] | None = None
    few: HistoryDays | None = None

    @classmethod
    def of(
        cls, summary: pd.DataFrame, calendar: Calendar, *, unit: str, weights: ArrayLike | None, stages: int = 1
    ) -> HistoryDays:
        """Raises as `fit_calendar`. Where all are observed to one day identical rows are taken together. With several
        stages the gaps are kept, each with the weight of its customer times the stages but one."""
        h = Histories.of(summary, unit=unit)
        weight = checked_weights(weights, h.x.size)
        first, per = first_days(summary).astype(np.float64), DAYS_PER_UNIT[unit]
        last, end = positions(first, h.t_x, per), positions(first, h.T, per)
        start, until = int(first.min()), math.ceil(end.max())
        columns = calendar.columns(start + 1, until)
        means, spread = columns.mean(axis=0), columns.std(axis=0)
        check_columns(calendar, columns - means, spread, start, until)
        scale = float((weight * h.T).sum()) / float(weight.sum())
        sums = (calendar_sums(summary, calendar) - h.x[:, None] * means) / spread
        together = bool((end == end[0]).all())
        owner, gap_from, gap_to = gap_days(summary, h.x) if stages > 1 else (np.zeros(0, dtype=np.int64),) * 3

        def part(rows: slice, few: HistoryDays | None) -> HistoryDays:
            own = Histories(
                np.ascontiguousarray(h.x[rows]), np.ascontiguousarray(h.t_x[rows]), np.ascontiguousarray(h.T[rows]),
                h.index[rows],
            )  # fmt: skip
            number, added = np.ascontiguousarray(weight[rows]), (sums[rows] * weight[rows, None]).sum(axis=0)
            places = [np.ascontiguousarray(each[rows]) - start for each in (first, last, end)]
            if together:
                own, number = collapse(own, number)
                begin = np.round(end[0] - start - own.T * per)
                places = [begin, positions(begin, own.t_x, per), np.full(own.x.size, end[0] - start)]
            scaled = Histories(own.x, own.t_x / scale, own.T / scale, own.index)
            z = (columns - means) / spread
            whole = [each.astype(np.int64) for each in places]
            kept = tuple(w if (w == each).all() else each for w, each in zip(whole, places, strict=True))
            gaps = None
            if stages > 1:
                mine = np.isin(owner, np.arange(h.x.size)[rows])
                gaps = gap_from[mine] - start, gap_to[mine] - start, (stages - 1) * weight[owner[mine]]
            return cls(calendar, scaled, number, kept, added, z, means, spread, start, scale, per, gaps, few)

        some = part(slice(None, None, SKETCH), None) if h.x.size >= SKETCH_FROM else None
        return part(slice(None), some)

    def clocked(self, speed: Floats) -> Histories:
        """The histories in the time of the clock."""
        ahead = np.concatenate([[0.0], np.cumsum(speed - 1.0)]) / (self.per * self.scale)
        begin, last, end = (at(ahead, place) for place in self.places)
        T = self.h.T + (end - begin)
        return Histories(self.h.x, np.minimum(self.h.t_x + (last - begin), T), T, self.h.index)

    def by_day(self, at_last: Floats, at_end: Floats) -> Floats:
        """How a sum changes with the speed of each day, from how it does with customers' times on the clock."""
        begin, last, end = self.places
        size = len(self.z) + 1
        found = scattered(last, at_last, size) + scattered(end, at_end, size) - scattered(begin, at_last + at_end, size)
        return np.asarray(np.cumsum(found[::-1])[::-1][1:]) / (self.per * self.scale)

    def in_gaps(self, speed: Floats) -> tuple[float, Floats | float]:
        """What the gaps' own factor (gap on the clock / gap)^(stages - 1) adds to the log-likelihood, and how that
        changes with the speed of each day."""
        if self.gaps is None:
            return 0.0, 0.0
        begin, end, weight = self.gaps
        run = np.concatenate([[0.0], np.cumsum(speed)])
        gap = run[end] - run[begin]
        if not (gap > 0).all():  # beside days that a search tried with a speed many orders larger
            return -math.inf, 0.0
        size = len(run)
        found = np.bincount(end, weight / gap, size) - np.bincount(begin, weight / gap, size)
        return float((weight * np.log(gap / (end - begin))).sum()), np.cumsum(found[::-1])[::-1][1:]

    @property
    def until(self) -> int:
        """The last day."""
        return self.start + len(self.z)

    def rescaled(self, effects: Floats) -> RescaledDays:
        """By these effects."""
        with np.errstate(over="ignore", invalid="ignore"):
            speed = np.exp((self.z * effects).sum(axis=1))
            return RescaledDays(self, speed, self.clocked(speed), *self.in_gaps(speed))


@dataclass(frozen=True, eq=False)
class RescaledDays:
    """`RescaledClock` by a calendar: the clock is one table by day for all, so sums over customers go day by day."""

    days: HistoryDays
    speed: Floats
    clocked: Histories
    in_gaps: float
    by_gaps: Floats | float

    def slopes(self, at_last: Floats, at_end: Floats) -> Floats:
        """As of `RescaledClock`."""
        by_day = self.days.by_day(at_last, at_end) + self.by_gaps
        return np.asarray(((by_day * self.speed)[:, None] * self.days.z).sum(axis=0))

    def second(self, at_last: Floats, at_end: Floats) -> Floats:
        """As of `RescaledClock`."""
        z = self.days.z
        return _sum((self.days.by_day(at_last, at_end) * self.speed)[:, None] * z, z)

    def table(self) -> tuple[tuple[Floats, ...], Floats]:
        """As of `RescaledClock`."""
        days, z = self.days, self.days.z
        table = np.concatenate([np.zeros((1, z.shape[1])), np.cumsum(self.speed[:, None] * z, axis=0)])
        return tuple(place.astype(np.float64) for place in days.places), table / (days.per * days.scale)


@dataclass(frozen=True, eq=False)
class HistorySeries:
    """As `HistoryDays`, of customers with series of their own: `owner` says where each stands among these. `gaps` are
    those of all customers, as rows of the same kind."""

    calendar: CustomerSeries
    h: Histories
    weight: Floats
    owner: Ints
    places: tuple[Floats, Floats, Floats]
    sums: Floats
    means: Floats
    spread: Floats
    until: int
    start: int
    scale: float
    per: float
    gaps: tuple[Ints, Floats, Floats, Floats] | None = None
    few: HistorySeries | None = None

    @classmethod
    def of(
        cls, summary: pd.DataFrame, calendar: CustomerSeries, *, unit: str, weights: ArrayLike | None, stages: int = 1
    ) -> HistorySeries:
        """Raises as `fit_calendar`. Means and spreads are over the days of all customers."""
        h = Histories.of(summary, unit=unit)
        weight = checked_weights(weights, h.x.size)
        first, per = first_days(summary).astype(np.float64), DAYS_PER_UNIT[unit]
        owner = calendar.rows_of(h.index, first)
        last, end = positions(first, h.t_x, per), positions(first, h.T, per)
        start, until = int(first.min()), math.ceil(end.max())
        means, spread, root = series_moments(calendar, owner, first, end, weight)
        check_columns(calendar, root, spread, start, until)
        sums = (calendar_sums(summary, calendar) - h.x[:, None] * means) / spread
        scale = float((weight * h.T).sum()) / float(weight.sum())
        gaps = None
        if stages > 1:
            of, gap_from, gap_to = gap_days(summary, h.x)
            gaps = owner[of], gap_from.astype(np.float64), gap_to.astype(np.float64), (stages - 1) * weight[of]

        def part(rows: slice, few: HistorySeries | None) -> HistorySeries:
            def of(each: NDArray[Any]) -> Any:
                return np.ascontiguousarray(each[rows])

            number = of(weight)
            scaled = Histories(of(h.x), of(h.t_x) / scale, of(h.T) / scale, h.index[rows])
            places = of(first), of(last), of(end)
            added = (sums[rows] * number[:, None]).sum(axis=0)
            return cls(
                calendar, scaled, number, of(owner), places, added, means, spread, until, start, scale, per,
                gaps, few,
            )  # fmt: skip

        # The gaps of some customers are not told apart, so that with stages all are searched.
        some = part(slice(None, None, SKETCH), None) if h.x.size >= SKETCH_FROM and stages == 1 else None
        return part(slice(None), some)

    def moments(self, series: CustomerSeries) -> tuple[Floats, Floats, Floats]:
        """`series_moments` of others of the same rows."""
        begin, _, end = self.places
        return series_moments(series, self.owner, begin, end, self.weight)

    def rescaled(self, effects: Floats) -> RescaledSeries:
        """By these effects."""
        gamma = effects / self.spread
        last = (*_arrays(self.calendar), self.means, gamma)
        with np.errstate(over="ignore"):
            rows = Chunks(self.owner, *self.places).join(kernel.run, last=last)
            gaps = None
            if self.gaps is not None:
                whose, begin, end, weight = self.gaps
                gaps = Chunks(whose, begin, end, end).join(kernel.run, last=last)
        per = self.per * self.scale
        T = self.h.T + rows[:, 1] / per
        clocked = Histories(self.h.x, np.minimum(self.h.t_x + rows[:, 0] / per, T), T, self.h.index)
        rows[:, 2:] /= per * np.tile(self.spread, 2)
        if gaps is None:
            return RescaledSeries(self, gamma, rows, clocked, 0.0, 0.0)
        ahead = (end - begin) + gaps[:, 1]
        if not (ahead > 0).all() or not np.isfinite(ahead).all():
            return RescaledSeries(self, gamma, rows, clocked, -math.inf, 0.0)
        by_gaps = ((weight / ahead)[:, None] * gaps[:, 2 : 2 + gamma.size]).sum(axis=0) / self.spread
        return RescaledSeries(
            self, gamma, rows, clocked, float((weight * np.log(ahead / (end - begin))).sum()), by_gaps
        )


@dataclass(frozen=True, eq=False)
class RescaledSeries:
    """`RescaledClock` by series: `rows` hold the slopes of each customer's own clock."""

    days: HistorySeries
    gamma: Floats
    rows: Floats
    clocked: Histories
    in_gaps: float
    by_gaps: Floats | float

    def slopes(self, at_last: Floats, at_end: Floats) -> Floats:
        """As of `RescaledClock`."""
        effects = self.gamma.size
        by_last, by_end = self.rows[:, 2 : 2 + effects], self.rows[:, 2 + effects :]
        return np.asarray((at_last[:, None] * by_last + at_end[:, None] * by_end).sum(axis=0) + self.by_gaps)

    def second(self, at_last: Floats, at_end: Floats) -> Floats:
        """As of `RescaledClock`."""
        days = self.days
        own = Chunks(days.owner, *days.places, at_last, at_end)
        found = own.sum(kernel.second, (), (*_arrays(days.calendar), days.means, self.gamma))
        return np.asarray(found / (days.per * days.scale * np.outer(days.spread, days.spread)))

    def table(self) -> tuple[tuple[Floats, ...], Floats]:
        """As of `RescaledClock`: a row of 0 where all begin, then two rows a customer."""
        at: Floats = np.asarray(1.0 + 2.0 * np.arange(len(self.rows)))
        slopes = self.rows[:, 2:].reshape(-1, self.gamma.size)
        return (0.0 * at, at, np.asarray(at + 1.0)), np.concatenate([np.zeros((1, self.gamma.size)), slopes])


def series_moments(
    series: CustomerSeries, owner: Ints, begin: Floats, end: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Means and spreads of the columns over the days of all customers, 0 where a column does not vary, and columns as
    dependent as these."""
    origin = np.ascontiguousarray(series.values[0])
    days, total, *products = Chunks(owner, begin, end, weight).sum(kernel.moments, (), (*_arrays(series), origin))
    mean = total / days
    covariance = np.array(products) / days - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread = np.where(spread > 1e-9 * np.abs(origin), spread, 0.0)  # what rounding leaves of nothing
    values, vectors = np.linalg.eigh(covariance)
    return origin + mean, spread, np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


def _arrays(series: CustomerSeries) -> tuple[Ints, Ints, Floats]:
    return series.starts, series.day, series.values


def calendar_likelihood(
    family: Any, days: Any, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel], **fixed: Any
) -> Likelihood[ClockModel]:
    """The likelihood over the family's parameters and the effects of the columns of `HistoryDays` or
    `HistorySeries`."""
    base = len(of_plain.names)
    seen: dict[bytes, tuple[RescaledClock, ClockTerms]] = {}  # at the last point: its curvature is asked next

    def terms_at(parameters: Floats) -> tuple[RescaledClock, ClockTerms] | None:
        key = parameters.tobytes()
        if key not in seen:
            rescaled: RescaledClock = days.rescaled(parameters[base:])
            if not np.isfinite(rescaled.clocked.T).all() or math.isinf(rescaled.in_gaps):
                return None
            seen.clear()
            seen[key] = rescaled, family._on_clock(parameters[:base], rescaled.clocked, days.weight, **fixed)
        return seen[key]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        gamma, found = parameters[base:], terms_at(parameters)
        if found is None:
            return -math.inf, np.zeros(parameters.size)
        rescaled, terms = found
        value = terms.value + rescaled.in_gaps + float((days.sums * gamma).sum())
        return value, np.concatenate([terms.slopes, days.sums + rescaled.slopes(terms.at_last, terms.at_end)])

    def hessian(parameters: Floats) -> Floats:
        found = terms_at(parameters)
        assert found is not None  # a search asks for the curvature where the value is finite
        rescaled, terms = found
        assert terms.curvature is not None  # as `clock_curvature` says
        second, mixed = terms.curvature(*rescaled.table())
        out = np.empty((parameters.size, parameters.size))
        out[:base, :base] = second
        out[:, base:] = mixed
        out[base:, :base] = mixed[:base].T
        out[base:, base:] += rescaled.second(terms.at_last, terms.at_end)
        return out

    return likelihood_of_days(
        days, of_plain, plain, objective, model=CalendarModel if isinstance(days, HistoryDays) else SeriesModel,
        hessian=hessian if family.clock_curvature else None,
        sketch=lambda few: calendar_likelihood(family, few, of_plain, plain, **fixed),
    )  # fmt: skip


def likelihood_of_days(
    days: Any, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel], objective: Objective, *,
    model: type[ClockModel], sketch: Callable[[Any], Likelihood[Any]],
    hessian: Callable[[Floats], Floats] | None = None, more: Mapping[str, float] | None = None,
    known: Mapping[str, Any] | None = None, yearly: Sequence[str] = (),
) -> Likelihood[Any]:  # fmt: skip
    """The likelihood over the family's parameters, the effects of the calendar's columns, and `more` effects, each with
    the spread of its column, of which a whole year tells those in `yearly`; `known` is what the model has more."""
    more = more or {}
    effects, until = (*days.calendar.names, *more), days.until
    base = len(of_plain.names)
    fixed: dict[str, Any] = {
        f"mean:{name}": float(mean) for name, mean in zip(days.calendar.names, days.means, strict=True)
    }
    fixed |= {"calendar": days.calendar, "seen_until": iso_day(until), "family": plain.model.family + model.suffix}
    fixed |= known or {}
    begin = of_plain.parameters(plain.model)
    few = days.few
    return Likelihood(
        names=(*of_plain.names, *effects),
        scales=np.concatenate([of_plain.scales, 1 / days.spread, 1 / np.array([*more.values()])]),
        starts=[np.concatenate([point, np.zeros(len(effects))]) for point in (begin, *of_plain.starts)],
        customers=float(days.weight.sum()),
        log_scale=of_plain.log_scale,
        objective=objective,
        hessian=hessian,
        build=lambda values: model.from_dict({**plain.model.to_dict(), **values, **fixed}),
        remedies=of_plain.remedies,
        real=(False,) * base + (True,) * len(effects),
        doubt=of_plain.doubt or season_doubt((*days.calendar.yearly, *yearly), days.start, until),
        sketch=(lambda: sketch(few)) if few else None,
    )


def _sum(first: Floats, second: Floats) -> Floats:
    """Sum over rows of the products of two arrays' columns, without waking BLAS's threads."""
    return np.asarray(np.einsum("ni,nj->ij", first, second))


def scattered(place: Floats | Ints, values: Floats, size: int) -> Floats:
    """Values added up by place, those between two places shared out."""
    if place.dtype == np.int64:
        return np.asarray(np.bincount(place, values, size), dtype=np.float64)
    low = place.astype(np.int64)
    part = place - low
    high = np.minimum(low + 1, size - 1)
    return np.asarray(np.bincount(low, values * (1 - part), size) + np.bincount(high, values * part, size))


def check_columns(calendar: Any, centred: Floats, spread: Floats, start: int, until: int) -> None:
    """DataError for a column that does not vary over the days, or is determined by others."""
    days = f"from {iso_day(start + 1)} to {iso_day(until)}"
    for name, value in zip(calendar.names, spread, strict=True):
        if value <= 1e-12:
            raise DataError(f"the calendar's {name!r} is the same on every day {days}, so nothing can be said of it.")
    keep = independent_columns(centred)
    if not keep.all():
        name = calendar.names[int(np.argmin(keep))]
        raise DataError(
            f"the calendar's {name!r} is determined by the columns before it {days}. Leave one of them out."
        )


def season_doubt(yearly: Sequence[str], start: int, until: int) -> FitStatus | None:
    """The status of a fit whose days do not tell its yearly columns."""
    if not yearly or until - start >= YEAR:
        return None
    return FitStatus(
        "too little data",
        f"the season ({', '.join(yearly)}) is told from {until - start} days, less than one whole year: what "
        "it shows may as well be a trend, or the age of the customers.",
        "Observe a whole year, or take the season from elsewhere as a series.",
    )
