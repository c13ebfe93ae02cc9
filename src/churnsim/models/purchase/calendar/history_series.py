"""Histories on the clocks of customers' own series, for a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.summaries.calendar import calendar_sums, first_days, gap_days
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.kernels.likelihoods import customer_clock as kernel
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar.clock import positions
from churnsim.models.purchase.calendar.likelihood import check_columns
from churnsim.models.purchase.fit_data import SKETCH, SKETCH_FROM
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT


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

    def moments(self, series: CustomerSeries) -> tuple[Floats, Floats]:
        """Means and spreads of others of the same rows. Raises as `check_columns`."""
        begin, _, end = self.places
        means, spread, root = series_moments(series, self.owner, begin, end, self.weight)
        check_columns(series, root, spread, self.start, self.until)
        return means, spread

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
        own = Chunks(days.owner, *days.places, np.ascontiguousarray(at_last), np.ascontiguousarray(at_end))
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
