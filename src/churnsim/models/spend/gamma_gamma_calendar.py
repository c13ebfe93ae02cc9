"""Gamma-Gamma spend whose price level follows a calendar (a season of amounts, inflation as a trend, a sale) or series
of each customer's own (the price it sees, an offer, a membership).

A purchase on day d is worth c(d) = e^(eta . (z(d) - mean z)) times what it were on an average day, z(d) the values of
all or of the customer, and average amounts follow the Gamma-Gamma law (`gamma_gamma.py`). So a customer's amounts a_1
... a_x on days d_1 ... d_x have the density

    plain density of the single purchases a_j/c(d_j), times prod_j 1/c(d_j),

and the mean of a purchase on day d, given these, is c(d) p (gamma + s)/(p x + q - 1), s = sum_j a_j/c(d_j). The means
of customers' amounts, which other fits read, do not tell on which days they were spent, so the fit is of a log.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln

from churnsim.checks import typed
from churnsim.data.logs.days import day_number
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.calendar import Calendar, Future, day_numbers
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods import gamma_gamma as kernel
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.clock import LevelSteps
from churnsim.models.purchase.calendar.effects import CalendarEffects, SeriesEffects, by_day, factors
from churnsim.models.purchase.calendar.likelihood import likelihood_with, standardised
from churnsim.models.spend.gamma_gamma import GammaGamma, repeat_purchases, with_finite_mean
from churnsim.typing import Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaGammaEffects(CalendarEffects):
    """What `GammaGammaCalendar` and `GammaGammaSeries` have in common."""

    p: float
    q: float
    gamma: float
    family: ClassVar[str]
    own: ClassVar[bool]  # whether a level is a customer's own
    instead: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("fit", "fit_purchases"), "GammaGammaCalendar.fit(log, calendar=...) makes it."),
        **dict.fromkeys(("likelihood", "likelihood_of_purchases"), "Use GammaGammaCalendar.likelihood_of_purchases."),
        "draw_summary_like": "Use draw_customers, whose mean_spend is on an average day.",
    }

    @classmethod
    def _average_of(cls, family: Any) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        return (lambda rest: vars(GammaGamma.from_dict(rest))) if family == cls.family else None

    @property
    def average(self) -> GammaGamma:
        """The model of amounts on an average day."""
        return GammaGamma(p=self.p, q=self.q, gamma=self.gamma)

    _average = average

    @abstractmethod
    def _at(self, ids: pd.Index[Any], customer: Ints, day: Ints, future: Any = None) -> Floats:
        """What purchases are worth of customers (numbered as `ids`) on days."""

    # ---- the verbs ----

    @typed
    def on_average_days(self, transactions: Any, *, until: str | date | None = None) -> pd.DataFrame:
        """Customers as the other verbs read them: `frequency`, how many days each bought on again, and
        `monetary_value`, what it spent on these in the mean at the level of an average day."""
        log, _ = purchase_days(transactions).seen_until(until)
        again = log.order_number() > 1
        size = int(log.customer.max()) + 1
        x = np.bincount(log.customer[again], minlength=size)
        spent = np.bincount(
            log.customer[again], log.spend()[again] / self._at(log.ids, log.customer[again], log.day[again]), size
        )
        frame = pd.DataFrame({"frequency": x, "monetary_value": spent / np.maximum(x, 1)}, index=log.ids)
        return frame.rename_axis("customer_id")

    @typed
    def log_likelihood(self, transactions: Any, *, until: str | date | None = None) -> pd.Series[float]:
        """Log-likelihood of each customer's repeat purchases with a positive amount, of those who have one."""
        log, used, _ = repeat_purchases(transactions, until)
        level, amount = self._at(log.ids, log.customer[used], log.day[used]), log.spend()[used]
        ids, owner = np.unique(log.customer[used], return_inverse=True)
        x = np.bincount(owner).astype(np.float64)
        s = np.bincount(owner, amount / level)
        by_each = np.bincount(owner, (self.p - 1.0) * np.log(amount / level) - np.log(level))
        shape = self.p * x + self.q
        front = gammaln(shape) - x * math.lgamma(self.p) - math.lgamma(self.q)
        values = front + self.q * math.log(self.gamma) + by_each - shape * np.log(self.gamma + s)
        return pd.Series(values, index=log.ids[ids], name="log_likelihood")

    def population_mean(self) -> float:
        """Mean spend per purchase on an average day; infinite for q <= 1."""
        return self.average.population_mean()

    @typed
    def expected_spend(
        self, summary: CustomerFrame, *, day: str | date | ArrayLike | None = None, future: Any = None
    ) -> pd.Series[float]:
        """E[spend of a purchase | history] of each customer on an average day, or on a `day`, one for all or a row
        each."""
        found = self.average.expected_spend(summary)
        if day is None:
            return found
        days = np.full(len(found), day_number(day, "day")) if isinstance(day, str | date) else day_numbers(day)
        if days.size != len(found):
            raise ConfigError(f"day must be one day, or one a customer ({len(found)}); got {days.size} of them.")
        return found * self._at(found.index, np.arange(days.size), days, future)

    @typed
    def draw_posterior(self, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's `spend_rate` and `mean_spend` on an average day given its purchases."""
        return self.average.draw_posterior(summary, seed=seed, replication=replication)


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaGammaCalendar(GammaGammaEffects):
    """A Gamma-Gamma model whose price level a calendar moves. Made by ``GammaGammaCalendar.fit(log, calendar=...)``.

    Its verbs read customers as `on_average_days` makes them.

    Parameters
    ----------
    p, q, gamma : float
        Of amounts on an average day.
    calendar, effects, means, seen_until, future
        As of `CalendarModel`; the amounts of a day are multiplied.

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow()
    >>> fit = cs.models.GammaGammaCalendar.fit(log, calendar=cs.data.Calendar(season=1))
    >>> fit.names, fit.likelihood_ratio.effects
    (('p', 'q', 'gamma', 'cos 1', 'sin 1'), 2)
    >>> customers = fit.model.on_average_days(log)
    >>> bool(fit.model.expected_spend(customers, day="1998-12-15").iloc[0] > 0)
    True
    """

    family: ClassVar[str] = "gamma_gamma_calendar"
    own: ClassVar[bool] = False

    @classmethod
    def likelihood_of_purchases(
        cls, transactions: Any, *, calendar: Calendar | CustomerSeries, until: str | date | None = None
    ) -> Likelihood[Any]:
        """The likelihood of single purchases, as `GammaGamma.likelihood_of_purchases`. Raises as `fit`."""
        log, used, end = repeat_purchases(transactions, until)
        plain = GammaGamma.likelihood_of_purchases(transactions, until=until)
        _, owner = np.unique(log.customer[used], return_inverse=True)
        day, amount = log.day[used], log.spend()[used] / float(plain.scales[2])
        start = int(day.min())
        # Rows of values, one a day or, of customers' own, one a purchase; and that of each purchase.
        if isinstance(calendar, Calendar):
            columns, row = calendar.columns(start, end), day - start
        else:
            columns, row = calendar.at(log.ids, log.customer[used], day), np.arange(day.size)
        model = GammaGammaCalendar if isinstance(calendar, Calendar) else GammaGammaSeries
        days, means, spread = standardised(calendar, columns, start - 1, end)
        z, size = days[row], int(owner.max()) + 1
        x = np.bincount(owner, minlength=size)
        place, counts = pd.factorize(x)
        customers, weight = np.bincount(place).astype(np.float64), np.ones(size)
        logs = np.bincount(owner, weights=np.log(amount), minlength=size)
        sums = np.column_stack([np.bincount(owner, weights=column, minlength=size) for column in z.T])

        def objective(parameters: Floats) -> tuple[float, Floats]:
            p, q, gamma = parameters[:3].tolist()
            with np.errstate(over="ignore"):
                own = amount * np.exp(-(days * parameters[3:]).sum(axis=1))[row]
            s = np.bincount(owner, weights=own, minlength=size)
            if not np.isfinite(s).all():
                return -math.inf, np.zeros(parameters.size)
            chunks = Chunks(x, s, logs - (sums * parameters[3:]).sum(axis=1), weight)
            found = chunks.sum(kernel.sums, (gamma,))
            result = kernel.objective(p, q, gamma, counts, customers, True, found)
            each = ((p * x + q) / (gamma + s))[owner] * own - p
            # The kernel leaves out the sum of ln(amount/level), which the density of the amounts has not either.
            return float(result[0]), np.concatenate([result[1:], (each[:, None] * z).sum(axis=0)])

        return likelihood_with(
            plain, model, calendar, means=means, spread=spread, start=start - 1, until=end, objective=objective,
            known={"family": model.family},
        )  # fmt: skip

    likelihood = likelihood_of_purchases  # for samplers

    @classmethod
    @typed
    def fit(
        cls, transactions: Any, *, calendar: Calendar | CustomerSeries, until: str | date | None = None
    ) -> CalendarFit:
        """Maximum likelihood on single purchases, beside the fit without the calendar (`plain`, and the test of both,
        `likelihood_ratio`). Raises as `GammaGamma.fit_purchases`, and DataError for a column that does not vary over
        the days of the data, or a customer whom series do not know."""
        check_calendar(calendar)
        plain = GammaGamma.fit_purchases(transactions, until=until)
        found = fit_likelihood(cls.likelihood_of_purchases(transactions, calendar=calendar, until=until))
        return CalendarFit(**vars(with_finite_mean(found)), plain=plain)

    def levels(self, first: str | date, last: str | date, *, future: Future | None = None) -> pd.Series[float]:
        """What a purchase of each day is worth, 1 on an average one: the picture of the amounts' season."""
        return by_day(first, last, lambda begin, end: self._levels_of(begin, end, future)).rename("level")

    def _levels_of(self, first: int, last: int, future: Future | None = None) -> Floats:
        """`levels` of days by their numbers since 1970."""
        return self._speed(first, last, self._told(future))

    def _level_steps(self, ids: pd.Index[Any], begin: Floats, until: float) -> LevelSteps:
        """As of `DayLevels`."""
        low = math.floor(begin.min())
        by_day = self._levels_of(low + 1, max(math.ceil(until), low + 1))
        at = np.flatnonzero(np.append(True, np.diff(by_day) != 0.0))
        return np.zeros(len(ids), dtype=np.int64), np.array([0, at.size]), 0.0 + low + at, by_day[at]

    def _at(self, ids: pd.Index[Any], customer: Ints, day: Ints, future: Any = None) -> Floats:
        if not day.size:
            return np.zeros(0)
        return self._levels_of(int(day.min()), int(day.max()), future)[day - int(day.min())]


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaGammaSeries(SeriesEffects, GammaGammaEffects):
    """A Gamma-Gamma model of amounts that each customer's own series move. Made by
    ``GammaGammaCalendar.fit(log, calendar=series)``.

    Its verbs read customers, whom the series know, as `on_average_days` makes them.

    Parameters
    ----------
    p, q, gamma : float
        Of amounts at the mean values.
    effects, means, seen_until, calendar, future
        As of `SeriesModel`; amounts are multiplied, and the means are those of the purchases of the fit.

    Examples
    --------
    >>> known = dict(effects={"member": 0.2}, means={"member": 0.4}, seen_until="1997-12-31")
    >>> GammaGammaSeries(p=6.0, q=4.0, gamma=16.0, **known).parameter_names
    ('p', 'q', 'gamma', 'member')
    """

    family: ClassVar[str] = "gamma_gamma_series"
    own: ClassVar[bool] = True

    def _level_steps(self, ids: pd.Index[Any], begin: Floats, until: float) -> LevelSteps:
        """As of `DayLevels`."""
        series, first = self._known_series(self.calendar, until, None), np.floor(begin)
        rows, starts = series.between(series.rows_of(ids, first), int(first.min()), math.ceil(until))
        changes: Floats = np.asarray(series.day[rows] - 1.0)
        return np.arange(len(ids)), starts, changes, factors(series.values[rows], self._gamma, self._means)

    def _at(self, ids: pd.Index[Any], customer: Ints, day: Ints, future: Any = None) -> Floats:
        series = self._known_series(self.calendar, float(day.max(initial=0)), future)
        return factors(series.at(ids, customer, day), self._gamma, self._means)
