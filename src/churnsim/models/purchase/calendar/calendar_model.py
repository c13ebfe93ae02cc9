"""Purchase models whose buying clock a calendar common to all rescales."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.data.summaries.calendar import Calendar, Future
from churnsim.models.estimation.arguments import durations
from churnsim.models.purchase.calendar.clock import BuyingClock
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.effects import NewOnADay, by_day, values_of
from churnsim.typing import Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class CalendarModel(NewOnADay, ClockModel):
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

    def _values_on(self, ids: pd.Index[Any], customer: Ints, day: Ints, first: Ints, future: Future | None) -> Floats:
        low = int(first.min()) + 1
        return values_of(self.calendar, low, int(day.max(initial=low)), self._seen, self._told(future))[day - low]

    def expected_active_periods_new(
        self, t: float | ArrayLike, *, first: str | date, future: Future | None = None
    ) -> Floats:
        """E[periods with a repeat purchase by age `t`] of a customer who first buys on the day `first`. Shape of `t`. A
        part of a period that is left over comes first, and is not counted."""
        return self._by_age(self.expected_active_periods_like, durations(t, "t"), first, future)
