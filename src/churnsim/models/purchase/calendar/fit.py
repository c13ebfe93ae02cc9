"""Fitting a purchase model whose buying clock is rescaled: likelihood, gradient and curvature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries, check_calendar
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.calendar_model import CalendarModel
from churnsim.models.purchase.calendar.clock import ClockTerms
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.history_days import HistoryDays
from churnsim.models.purchase.calendar.history_series import HistorySeries
from churnsim.models.purchase.calendar.likelihood import check_names, likelihood_of_days, season_doubt
from churnsim.models.purchase.calendar.series_model import SeriesModel
from churnsim.models.purchase.calendar.two_clocks import LEAVING
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats


def fit_calendar(
    family: Any, summary: pd.DataFrame, calendar: Calendar | CustomerSeries, *, unit: str | None,
    weights: ArrayLike | None, **fixed: Any,
) -> CalendarFit:  # fmt: skip
    """Maximum likelihood of a family on a clock that a calendar or customers' own series rescale, begun at the plain
    family's.

    Raises DataError for a summary that was not made with the calendar, and for a column that does not vary, or is
    determined by others, over the days of the data.
    """
    found, plain = likelihood_on_calendar(family, summary, calendar, unit=unit, weights=weights, **fixed)
    return CalendarFit(**vars(fit_likelihood(found)), plain=plain)


def likelihood_on_calendar(
    family: Any, summary: pd.DataFrame, calendar: Calendar | CustomerSeries, *, unit: str | None,
    weights: ArrayLike | None, **fixed: Any,
) -> tuple[Likelihood[Any], ModelFit[PurchaseModel]]:  # fmt: skip
    """What `fit_calendar` maximises, and the plain fit at which it begins."""
    days, of_plain, plain = begun(family, summary, calendar, unit=unit, weights=weights, **fixed)
    return calendar_likelihood(family, days, of_plain, plain, **fixed), plain


def begun(
    family: Any, summary: pd.DataFrame, calendar: Calendar | CustomerSeries, *, unit: str | None,
    weights: ArrayLike | None, **fixed: Any,
) -> tuple[Any, Likelihood[Any], ModelFit[PurchaseModel]]:  # fmt: skip
    """`HistoryDays` or `HistorySeries`, and the plain family's likelihood and fit, at which a search begins."""
    check_calendar(calendar)
    of_plain = family.likelihood(summary, unit=unit, weights=weights, **fixed)
    plain = fit_likelihood(of_plain)
    kind: Any = HistoryDays if isinstance(calendar, Calendar) else HistorySeries
    days = kind.of(summary, calendar, unit=plain.model.unit, weights=weights, stages=fixed.get("k", 1))
    return days, of_plain, plain


def clock_doubt(
    summary: pd.DataFrame, calendar: Calendar | CustomerSeries, leaving: Any = None, *, unit: str,
    families: Sequence[Any] = (),
) -> FitStatus | None:  # fmt: skip
    """What can be said of fits of these families before any is made: the status of one whose season the days do not
    tell. Raises as `fit_calendar`."""
    for family in families:
        check_names(calendar.names, family.parameter_names, ("family", "unit", "k", "calendar", "seen_until"))
    kind: Any = HistoryDays if isinstance(calendar, Calendar) else HistorySeries
    days = kind.of(summary, calendar, unit=unit, weights=None)
    if leaving is not None:
        days.moments(leaving)
    yearly = (*calendar.yearly, *(LEAVING + name for name in getattr(leaving, "yearly", ())))
    return season_doubt(yearly, days.start, days.until)


class RescaledClock(Protocol):
    """Histories on the clock that some effects make, and what a gradient and a curvature in the effects need of it.

    `in_gaps` is what the gaps' own factor (gap on the clock / gap)^(stages - 1) adds to the log-likelihood.
    """

    @property
    def clocked(self) -> Histories:
        """The histories on the clock."""

    @property
    def in_gaps(self) -> float:
        """The factor of the gaps."""

    def slopes(self, at_last: Floats, at_end: Floats) -> Floats:
        """How the log-likelihood changes with the effects, from how it does with customers' times on the clock."""

    def second(self, at_last: Floats, at_end: Floats) -> Floats:
        """The part of its second derivatives that is the clock's own."""

    def table(self) -> tuple[tuple[Floats, ...], Floats]:
        """A table of slopes of the clock in the effects, and the place there of each beginning, last purchase and
        end."""


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
