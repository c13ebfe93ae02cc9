"""Histories on the clock of a calendar, day by day, for a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.data.summaries.calendar import Calendar, calendar_sums, first_days, gap_days
from churnsim.models.purchase.calendar.clock import at, positions
from churnsim.models.purchase.calendar.likelihood import standardised
from churnsim.models.purchase.fit_data import SKETCH, SKETCH_FROM, collapse
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT


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
    gaps: tuple[Floats | Ints, Floats | Ints, Floats] | None = None
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
        # As `positions`, of which most customers have one.
        end = first + h.T * per
        ends = positions(np.array([end.min(), end.max()]), np.zeros(2), per)
        together, start, until = bool(ends[0] == ends[1]), int(first.min()), math.ceil(ends[1])
        z, means, spread = standardised(calendar, calendar.columns(start + 1, until), start, until)
        scale = float((weight * h.T).sum()) / float(weight.sum())
        sums = calendar_sums(summary, calendar)
        owner, gap_from, gap_to = gap_days(summary, h.x) if stages > 1 else (np.zeros(0, dtype=np.int64),) * 3

        def part(rows: slice, few: HistoryDays | None) -> HistoryDays:
            own = Histories(
                np.ascontiguousarray(h.x[rows]), np.ascontiguousarray(h.t_x[rows]), np.ascontiguousarray(h.T[rows]),
                h.index[rows],
            )  # fmt: skip
            number = np.ascontiguousarray(weight[rows])
            added = (np.einsum("n,nk->k", number, sums[rows]) - np.einsum("n,n->", number, own.x) * means) / spread
            if together:
                own, number = collapse(own, number)
                begin = np.round(ends[0] - start - own.T * per)
                until_end = np.full(own.x.size, ends[0] - start)
            else:
                begin, until_end = first[rows] - start, positions(end[rows], np.zeros(1), per) - start
            places = [np.ascontiguousarray(each) for each in (begin, positions(begin, own.t_x, per), until_end)]
            scaled = Histories(own.x, own.t_x / scale, own.T / scale, own.index)
            whole = [each.astype(np.int64) for each in places]
            kept = tuple(w if (w == each).all() else each for w, each in zip(whole, places, strict=True))
            gaps = None
            if stages > 1:
                mine = np.isin(owner, np.arange(h.x.size)[rows])
                gaps = gap_from[mine] - start, gap_to[mine] - start, (stages - 1) * weight[owner[mine]]
            return cls(calendar, scaled, number, kept, added, z, means, spread, start, scale, per, gaps, few)

        some = part(slice(None, None, SKETCH), None) if h.x.size >= SKETCH_FROM else None
        return part(slice(None), some)

    def moments(self, calendar: Calendar) -> tuple[Floats, Floats, Floats]:
        """`standardised` of another calendar over the same days."""
        return standardised(calendar, calendar.columns(self.start + 1, self.until), self.start, self.until)

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
        gap = at(run, end) - at(run, begin)
        if not (gap > 0).all():  # beside days that a search tried with a speed many orders larger
            return -math.inf, 0.0
        size = len(run)
        found = scattered(end, weight / gap, size) - scattered(begin, weight / gap, size)
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
