"""Purchase models whose buying clock each customer's own series rescale: contacts, offers, the price it sees.

As in `clock_model.py`, with a clock a customer: B_i(t) = int e^(gamma . (z_i - mean z)). Only pieces of time in
which a customer's values do not change are looked at, one by one in compiled code, and nothing by customer and day is
kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from churnsim.data.logs.days import day_number, iso_day
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import customer_clock as kernel
from churnsim.models.estimation.threads import by_chunks
from churnsim.models.purchase.calendar.clock import BuyingClock, OwnLevels, positions
from churnsim.models.purchase.calendar.clock_model import ClockModel, ClockState
from churnsim.models.purchase.calendar.discounting import NODES, discount_rule
from churnsim.models.purchase.calendar.effects import HOLD, SeriesEffects
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

GROWTH = 1.5  # of the time since an offset, and of what a clock has run since then, in a panel of a discounted sum
SMALL = 0.1  # of a clock and of a discount: a panel of less takes the fewer nodes


def speeds_of(values: Floats, means: Floats, gamma: Floats) -> Floats:
    """e^(effects . (values - means)). ConfigError where that is infinite."""
    with np.errstate(over="ignore"):
        speed: Floats = np.exp((values - means) @ gamma)
    if not np.isfinite(speed).all():
        raise ConfigError("the series' values make a day infinitely fast. Check the effects and the future.")
    return speed


@dataclass(frozen=True, eq=False)
class OwnClocks:
    """As `BuyingClock`, one a customer; `owner` says whose series each follows."""

    series: CustomerSeries
    owner: Ints
    means: Floats
    gamma: Floats
    per: float

    def rows(self, rows: Ints) -> OwnClocks:
        """Those of some customers."""
        return replace(self, owner=self.owner[rows])

    def alike(self, end: Floats) -> Iterator[tuple[Ints, OwnClocks]]:
        """One customer after the other, each with its clock."""
        for row in range(self.owner.size):
            only = np.array([row])
            yield only, self.rows(only)

    def gained(self, begin: Floats, end: Floats) -> Floats:
        """B - t between two positions, a customer each, or many of one customer."""
        owner = self.owner if self.owner.size == end.size else np.repeat(self.owner, end.size)
        arrays = owner, np.asarray(begin, dtype=np.float64), end, end
        series = self.series
        found = by_chunks(kernel.run, arrays, series.starts, series.day, series.values, self.means, self.gamma)
        return np.asarray(found[:, 1] / self.per)

    def changes(self, end: Floats, span: float) -> Floats:
        """At which times within a span after its own `end` any customer's values change."""
        first, after = self.series.starts[self.owner], self.series.starts[self.owner + 1]
        row = np.arange((after - first).sum()) + np.repeat(
            first - np.cumsum(after - first) + after - first, after - first
        )
        times = (self.series.day[row] - 1.0 - np.repeat(end, after - first)) / self.per
        return np.unique(times[(times > 0.0) & (times < span)])

    def time(self, begin: Floats, span: Floats) -> Floats:
        """B of a `span` of time that begins at a position."""
        return np.asarray(span + self.gained(begin, positions(begin, span, self.per)))


@dataclass(frozen=True, eq=False)
class OwnPaths:
    """Pieces of time in which customers' values hold, end to end: those of each from one of `starts` on, the day at
    whose end each begins, and the values of its series, on the leaving clock too where there is one."""

    starts: Ints
    begin: Ints
    buying: Floats
    leaving: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesModel(SeriesEffects, ClockModel):
    """A purchase model on clocks that customers' own series rescale. Made by ``fit(summary, calendar=series)``.

    Its verbs are those of the family, of summaries with the column ``first_purchase``, of customers whom the series
    know. Beyond the last day of the fit or of the series, whichever is later, `future` must say what comes: "hold", by
    which each customer's last values hold on, or a frame as that of the series.

    Parameters
    ----------
    base : a purchase model
        In the time of the clock: its rates are those of an average day of the fit.
    effects, means : mapping of column to number
        The rate of a day is multiplied by e^(effect . (value - mean)) for each column.
    seen_until : str or date
        The last day of the fit.
    calendar : CustomerSeries, optional
        The series; a model that was saved has none, and is given them by `with_series`.
    future : "hold" or DataFrame, optional

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow()
    >>> days = [pd.Timestamp("1997-01-01"), pd.Timestamp("1997-06-01")]
    >>> ids = log["customer_id"].unique()
    >>> frame = pd.DataFrame({"customer_id": ids.repeat(2), "date": days * len(ids), "member": [0.0, 1.0] * len(ids)})
    >>> series = cs.data.CustomerSeries.of(frame)
    >>> summary = cs.summarise(log, until="1997-09-30", calendar=series)
    >>> fit = cs.BGNBD.fit(summary, calendar=series)
    >>> fit.names
    ('r', 'alpha', 'a', 'b', 'member')
    >>> float(fit.expected_purchases(summary, 13.0, future="hold").iloc[0].round(2))
    0.44
    """

    suffix: ClassVar[str] = "_series"

    def paths(self, index: pd.Index[Any], first: Ints, low: int, high: int) -> OwnPaths:
        """What customers, of first purchases on the days `first`, have between the ends of two days. Raises DataError
        where the future must be told, and of a customer whom the series do not know."""
        series = self._known_series(self.calendar, float(high), None)
        rows, starts = series.between(series.rows_of(index, first), low, high)
        return OwnPaths(starts, series.day[rows] - 1, series.values[rows])

    def of_new(self, index: pd.Index[Any], until: float) -> Self:
        """The model of other customers until a position: what is common to all holds for them, and series of customers'
        own, which nobody knows of them, are at their means."""
        series = self._known_series(self.calendar, until, None)
        return replace(self, calendar=series.of_new(index, self._means), future=HOLD)

    def paths_of_new(self, low: int, high: int) -> OwnPaths:
        """`paths` of any one of whom nothing is known but what is common to all."""
        anyone = pd.Index([0])
        found = self.of_new(anyone, high).paths(anyone, np.array([low]), low, high)
        values = found.buying if found.leaving is None else np.hstack([found.buying, found.leaving])
        keep = np.append(True, (np.diff(values, axis=0) != 0.0).any(axis=1))
        return OwnPaths(
            np.array([0, keep.sum()]), np.maximum(found.begin, low)[keep], found.buying[keep],
            None if found.leaving is None else found.leaving[keep],
        )  # fmt: skip

    def speeds(self, paths: OwnPaths) -> tuple[Floats, Floats | None]:
        """How fast the buying clock runs in each piece, and the leaving clock where it does not run evenly."""
        return speeds_of(paths.buying, self._means, self._gamma), None

    def _discounted(
        self, summary: pd.DataFrame, annual_rate: float, horizon: float, future: Any, level: Any = None
    ) -> pd.Series[float]:
        """As of a calendar; where purchases alone move the clock, all customers at once: by parts the sum is
        e^(-force span) E(span) + force int e^(-force t) E(t) dt, by Gauss's rule between the times at which anything
        changes; at a level, of all days by the rule of a calendar there, or piece by piece where it is their own."""
        force, span = self._discounted_span(annual_rate, horizon, future)
        state = self._state(summary, span, future)
        if type(state) is not ClockState:
            return state.h.series(state.discounted(span, force, level), "residual_transactions")
        end, per, cut = state.end, state.clock.per, force > 0.0 or level is not None

        def bought(clock: Floats) -> Floats:
            return np.asarray(self.base._expected(state.clocked, clock))

        # E is analytic but for clocks below -`offset`.
        offset = state.offset
        steps = math.ceil(math.log(1.0 + span / offset, GROWTH)) + 1 if cut else 0
        graded = offset * (GROWTH ** np.arange(steps) - 1.0)
        changes = state.clock.changes(end, span) if cut else np.zeros(0)
        own = OwnLevels.of(level, state.h.index, end, span, per) if level is not None and level.own else None
        edges = np.concatenate([graded[graded < span], changes, [0.0, span] if own is None else own.edges(span)])
        edges = self._cut(state, np.unique(edges))
        rules, kind = None, np.zeros(end.size, dtype=np.int64)
        if level is not None and own is None and span > 0.0:
            ends, kind = np.unique(end, return_inverse=True)
            even = BuyingClock(math.floor(ends[0]), per, np.zeros(1))
            found = [
                discount_rule(even, each, span, force, 1.0, level._levels_of, cuts=edges) for each in ends.tolist()
            ]
            rules = [np.reshape(part, (len(ends), edges.size - 1, -1)) for part in zip(*found, strict=True)]
        gauss = [np.polynomial.legendre.leggauss(nodes) for nodes in NODES]
        total, clock, begin, before = np.zeros(end.size), np.zeros(end.size), end, np.zeros(end.size)
        for k, (low, high) in enumerate(pairwise(edges.tolist())):
            # No clock changes its speed within.
            stop = positions(end, np.full(begin.size, high), per)
            run = (high - low) + state.clock.gained(begin, stop)
            node, share = gauss[max(float((run / (offset + clock)).max()), force * (high - low)) < SMALL]
            places = 0.5 * (1.0 + node)
            weights = (force * (high - low) * 0.5 * share * np.exp(-force * (low + places * (high - low))))[None, :]
            if rules is not None:
                places, weights = (rules[0][0, k] - low) / (high - low), rules[1][:, k]
            part = np.zeros(end.size)
            for place, weight in zip(places.tolist(), weights.T, strict=True):
                if weight.any():
                    part += weight[kind] * bought(clock + place * run)
            clock, begin = clock + run, stop
            if own is not None:
                after = math.exp(-force * high) * bought(clock)
                part, before = own.at((low + high) / 2) * (part + after - before), after
            total += part
        if level is None:
            total += math.exp(-force * span) * bought(clock)
        return state.h.series(total, "residual_transactions")

    def _cut(self, state: ClockState, edges: Floats) -> Floats:
        """Panels of time cut so that no clock grows by more than `GROWTH` in any."""
        clock, begin, found = np.zeros(state.end.size), state.end, [edges[:1]]
        for low, high in pairwise(edges.tolist()):
            stop = positions(state.end, np.full(begin.size, high), state.clock.per)
            run = (high - low) + state.clock.gained(begin, stop)
            most = float((run / (state.offset + clock)).max())
            parts = max(math.ceil(math.log1p(most) / math.log(GROWTH)), 1)
            inner = np.expm1(math.log1p(most) * np.arange(1, parts) / parts) / max(most, 1.0e-9)
            found += [low + (high - low) * inner, np.array([high])]
            clock, begin = clock + run, stop
        return np.concatenate(found)

    def _values_on(self, ids: pd.Index[Any], customer: Ints, day: Ints, first: Ints, future: Any) -> Floats:
        series = self._known_series(self.calendar, float(day.max(initial=0)), future)
        return series.on_days(ids, customer, day, first, 0)

    def mean_speed(self, summary: CustomerFrame, last: str | date) -> pd.Series[float]:
        """How fast the buying clocks run on each day to the `last`, on average over those who have bought by then."""
        h, begins, _, _ = self._places(summary, 0.0)
        first, end = begins.astype(np.int64), day_number(last, "last")
        low = int(first.min(initial=end))
        if low >= end:
            raise DataError(f"nobody has bought before {iso_day(end)}. Give a later day.")
        paths = self.paths(h.index, first, low, end)
        speed, _ = self.speeds(paths)
        owner = np.repeat(np.arange(len(first)), np.diff(paths.starts))
        begin = np.maximum(paths.begin, first[owner]) - low
        after = np.append(begin[1:], 0)
        after[paths.starts[1:] - 1] = end - low
        # Sums by day, from what each piece adds where it begins and takes where it ends.
        begin, after = np.minimum(begin, end - low), np.clip(after, begin, end - low)
        sums, there = (
            np.cumsum(np.bincount(begin, each, end - low + 1) - np.bincount(after, each, end - low + 1))[:-1]
            for each in (speed, np.ones(speed.size))
        )
        return pd.Series(sums / there, index=pd.date_range(iso_day(low + 1), iso_day(end), name="date"), name="speed")

    def _clock(self, begin: Floats, end: Floats, future: Any, index: pd.Index[Any] | None = None) -> OwnClocks:
        assert index is not None  # every verb that asks knows its customers
        series = self._known_series(self.calendar, float(end.max()), future)
        return OwnClocks(series, series.rows_of(index, begin), self._means, self._gamma, DAYS_PER_UNIT[self.unit])
