"""Models in which purchases come at any time; they can also say in how many of the next periods one will come."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.counted import SummaryLike
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.kernels.likelihoods.histories import observe
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE
from churnsim.models.estimation.arguments import counts, durations, lead_and_periods, whole_periods
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import forward_covariates
from churnsim.models.purchase.active_periods import LivingTraits, active_chances, active_mean
from churnsim.models.purchase.buy_till_you_die import BuyTillYouDie, Living
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.clock import ClockTerms
from churnsim.models.purchase.calendar.fit import fit_calendar, likelihood_on_calendar
from churnsim.models.purchase.histories import Histories
from churnsim.typing import Floats


class ContinuousTime(BuyTillYouDie):
    """Base of the models in continuous time. A period is one of the model's unit, the first begins at T."""

    # Whether the first purchase can be the last.
    drops_at_first: ClassVar[bool] = False

    def _of(self, h: Histories) -> Sequence[float | Floats]:
        """The parameters, each for all customers or one a customer."""
        return self._parameters

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        # The next purchase of a live customer comes at its rate, whatever follows it: P(none in h) = (A/(A + h))^R.
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(living[1] * np.expm1(-np.log1p(-share) / living[0]))

    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Simulated frequency and recency of customers with these traits, observed for T."""

        def trait(name: str, otherwise: float) -> Floats:
            return np.ascontiguousarray(traits[name]) if name in traits else np.full(T.size, otherwise)

        stages = self._stages[0] if self._stages else 1
        dropout, lifetime = trait("dropout", 0.0), trait("lifetime", np.inf)
        rows = observe(
            trait("rate", 0.0) * stages, dropout, lifetime, T, stages, self.drops_at_first, replication, seed,
            MODEL_DRAWS, PURCHASE,
        )  # fmt: skip
        frame = pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
        return frame.assign(log_intervals=rows[:, 2]) if self.reads == "intervals" else frame

    @abstractmethod
    def _living_traits(self, living: Living) -> LivingTraits:
        """The traits behind live customers' law."""

    def expected_active_periods(self, summary: CustomerFrame, periods: int | ArrayLike) -> pd.Series[float]:
        """E[how many of the next `periods` hold a purchase | history], what BG/BB calls purchases.

        `periods` is a whole number, or one a row; ConfigError otherwise.
        """
        h = self._histories(summary)
        spans = whole_periods(periods, h.x.shape)
        each = active_mean(self._living_traits(self._living(h)), spans, np.zeros(h.x.size))
        return h.series(self._alive(h) * each, "expected_active_periods")

    def active_periods_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: CustomerFrame, periods: int | ArrayLike
    ) -> pd.DataFrame:
        """P(n of the next `periods` hold a purchase | history): one row a customer, one column for each n."""
        h = self._histories(summary)
        spans = whole_periods(periods, h.x.shape)
        wanted, traits = counts(n).ravel(), self._living_traits(self._living(h))
        chances = active_chances(self._alive(h), traits, wanted, spans, None)
        return pd.DataFrame(chances, index=h.index, columns=wanted).rename_axis(columns="n")

    def expected_active_periods_new(self, t: ArrayLike) -> Floats:
        """E[periods with a repeat purchase by age t] of a new customer. Shape of `t`.

        Periods are counted back from t: what is left over of `t` is the part of the first purchase's own period, in
        which a customer may buy again and leave, but nothing is counted.
        """
        ages = durations(t, "t")
        flat = np.ascontiguousarray(ages.ravel())
        alive, living = self._new(flat.size)
        return np.asarray(alive * self._active_by(living, flat)).reshape(ages.shape)

    def _active_by(self, living: Living, ages: Floats) -> Floats:
        lead, whole = lead_and_periods(ages)
        return active_mean(self._living_traits(living), whole, lead)


class TakesCalendar(ContinuousTime):
    """Base of the models in which a calendar can rescale the buying clock (see `calendar/clock_model.py`)."""

    takes_calendar: ClassVar[bool] = True
    calendar_model: ClassVar[str | None] = "CalendarModel"
    # Whether `_on_clock` gives second derivatives; else they are differences of the slopes.
    clock_curvature: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def _on_clock(cls, parameters: Floats, h: Histories, weight: Floats, **fixed: Any) -> ClockTerms:
        """The likelihood of histories whose times are those of the clock, in scaled data; `fixed` is what the family
        has beside its estimated parameters."""

    @overload
    @classmethod
    def fit(
        cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None, calendar: None = None
    ) -> ModelFit[Self]: ...

    @overload
    @classmethod
    def fit(
        cls,
        summary: SummaryLike,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries,
    ) -> CalendarFit: ...

    @classmethod
    @forward_covariates
    def fit(
        cls,
        summary: Any,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries | None = None,
    ) -> ModelFit[Self] | CalendarFit:
        """Maximum likelihood.

        `summary` has `frequency, recency, T` in `unit`, which is the summary's own where `churnsim.summarise` made
        it, and weeks where nothing says; `weights` (one a row, finite, 0 or more) count customers of that row. A
        `ParquetLog`, `CustomerDatabase`, Ibis table or `ParquetSummary` in place of it is counted where it lies (see
        `churnsim.data.count_histories`). With a `calendar`, with which the summary was made too, the fit is of a
        `CalendarModel`: the calendar rescales the buying clock; with a `CustomerSeries` it is of a `SeriesModel`, in
        which each customer's own series do. Identical rows are collapsed, time is scaled by its mean, so that days and
        years give the same fit. Raises DataError for a summary that is not one; a likelihood without an inner maximum
        is no error but a FitStatus.
        """
        if calendar is not None:
            return fit_calendar(cls, summary, calendar, unit=unit, weights=weights)
        return fit_likelihood(cls.likelihood(summary, unit=unit, weights=weights))

    @classmethod
    def calendar_likelihood(
        cls, summary: pd.DataFrame, *, calendar: Calendar | CustomerSeries, unit: str | None = None,
        weights: ArrayLike | None = None, **fixed: Any,
    ) -> Likelihood[Any]:  # fmt: skip
        """The likelihood on a clock that a calendar rescales, for searches and samplers. Raises as `fit`."""
        return likelihood_on_calendar(cls, summary, calendar, unit=unit, weights=weights, **fixed)[0]
