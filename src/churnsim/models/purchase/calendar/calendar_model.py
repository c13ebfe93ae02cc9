"""Purchase models whose buying clock a calendar common to all rescales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.logs.days import day_number, iso_day
from churnsim.data.summaries.calendar import Calendar, Future
from churnsim.models.estimation.arguments import counts, durations
from churnsim.models.purchase.calendar.clock import BuyingClock, positions
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.effects import by_day
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT


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

    # ---- the clock ----

    def speed(self, first: str | date, last: str | date, *, future: Future | None = None) -> pd.Series[float]:
        """How fast the buying clock runs on each day, 1 on an average one: the picture of a season."""
        told = self._told(future)
        return by_day(first, last, lambda begin, end: self._speed(begin, end, told)).rename("speed")

    def _clock(
        self, begin: Floats, end: Floats, future: Future | None, index: pd.Index[Any] | None = None
    ) -> BuyingClock:
        low, high = math.floor(begin.min()), math.ceil(end.max())
        speed = self._speed(low + 1, high, self._told(future)) if high > low else np.ones(0)
        return BuyingClock.of(speed, low, self.unit)

    # ---- the verbs ----

    def expected_purchases_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[X(t)]: repeat purchases by age `t` of a customer who first buys on the day `first`. Shape of `t`."""
        ages = durations(t, "t")
        begin = np.full(ages.size, float(day_number(first, "first")))
        return self._expected_new(begin, ages.ravel(), future).reshape(ages.shape)

    def purchase_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], t: float, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """P(X(t) = n) of a customer who first buys on the day `first`. Shape of `n`."""
        wanted, begin = counts(n), np.array([float(day_number(first, "first"))])
        values = self._pmf_new(wanted.ravel().tolist(), begin, durations(t, "t", shape=(1,)), future)
        return np.array(values, dtype=np.float64).reshape(wanted.shape)

    def expected_active_periods_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[periods with a repeat purchase by age `t`] of a customer who first buys on the day `first`. Shape of `t`. A
        part of a period that is left over comes first, and is not counted."""
        ages = durations(t, "t")
        begin = np.full(ages.size, float(day_number(first, "first")))
        return self._active_new(begin, ages.ravel(), future).reshape(ages.shape)

    def draw_summary(
        self, T: ArrayLike, *, first: str | date, seed: int, replication: int = 0, future: Future | None = None
    ) -> pd.DataFrame:
        """A summary of simulated customers who first buy on the day `first`, each observed for its own `T`."""
        ages = np.ascontiguousarray(durations(T, "T").ravel())
        begin = float(day_number(first, "first"))
        frame = self._drawn(ages, begin, future, seed, replication)
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

    def _drawn(self, ages: Floats, begin: float, future: Future | None, seed: int, replication: int) -> pd.DataFrame:
        """Frequency and recency, on the clock."""
        spans = self._run(np.full(ages.size, begin), ages, future, None)
        found: pd.DataFrame = self.base.draw_summary(spans, seed=seed, replication=replication)
        return found
