"""The buying clock that a calendar rescales, one for all: B(t) by day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.interpolate import BarycentricInterpolator

from churnsim.data.summaries.customer_series import DAYS
from churnsim.models.purchase.histories import Histories
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

# A position within so many days of midnight is midnight: a duration is a number of days over those of a unit.
MIDNIGHT = 1e-6
# Beyond so many days (400 years, a cycle of the Gregorian calendar) a wait goes on at the mean speed of the clock.
CYCLE = 146_097
# By the numbers of a first and a last day: what a purchase of each day counts.
LevelByDay = Callable[[int, int], Floats]
# The steps of levels that change seldom: whose each customer's are, where those of each of these begin, at which
# positions, and the levels from there on.
LevelSteps = tuple[Ints, Ints, Floats, Floats]


class DayLevels(Protocol):
    """What a purchase of each day counts, `own` to each customer or the same for all."""

    own: bool

    def _levels_of(self, first: int, last: int) -> Floats:
        """Where it is the same for all, by the numbers of a first and a last day."""

    def _level_steps(self, ids: pd.Index[Any], begin: Floats, until: float) -> LevelSteps:
        """Of customers from positions `begin` to one."""


@dataclass(frozen=True, eq=False)
class OwnLevels:
    """Levels of customers' own after the `end` of each, by steps: `key` has the customer and the day of each."""

    end: Floats
    per: float
    key: Floats
    starts: Ints
    level: Floats

    @classmethod
    def of(cls, level: DayLevels, ids: pd.Index[Any], end: Floats, span: float, per: float) -> OwnLevels:
        """For a `span` of time."""
        until = float(positions(end, np.full(end.size, span), per).max())
        _, starts, changes, values = level._level_steps(ids, end, until)
        return cls(end, per, np.repeat(np.arange(end.size), np.diff(starts)) * DAYS + changes, starts, values)

    def edges(self, span: float) -> Floats:
        """The times of a span at which any changes, with those where it begins and ends."""
        times = (self.key % DAYS - np.repeat(self.end, np.diff(self.starts))) / self.per
        return np.unique(np.concatenate([[0.0], times[(times > 0.0) & (times < span)], [span]]))

    def at(self, time: float) -> Floats:
        """Of each customer after a time."""
        place = np.arange(self.end.size) * DAYS + np.floor(self.end + time * self.per)
        row = np.searchsorted(self.key, place, side="right") - 1
        return np.asarray(self.level[np.maximum(row, self.starts[:-1])])


def between_points(low: float, high: float, degree: int) -> BarycentricInterpolator:
    """The polynomials that are 1 at one of the Chebyshev points (`xi`) between two numbers and 0 at the others, by
    Berrut & Trefethen (2004, SIAM Review 46(3), 501-517, eq. 5.4)."""
    weights = np.where(np.arange(degree + 1) % 2, -1.0, 1.0)
    weights[[0, -1]] /= 2
    points = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * np.arange(degree + 1) / degree)
    return BarycentricInterpolator(points, np.eye(degree + 1), wi=weights)


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
    """A table's value at its entries or between them."""
    if place.dtype == np.int64:
        return np.asarray(table[place])
    low = np.minimum(place.astype(np.int64), len(table) - 1)
    part = place - low
    high = np.minimum(low + 1, len(table) - 1)
    return np.asarray(table[low] + part * (table[high] - table[low]))


def on_clock(h: Histories, clock: BuyingClock, first: Floats) -> Histories:
    """The histories in the time of the clock."""
    T = clock.time(first, h.T)
    return Histories(h.x, np.minimum(clock.time(first, h.t_x), T), T, h.index)
