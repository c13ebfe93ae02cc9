"""Fitting Pareto/NBD on two clocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import check_kind
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.errors import interruptible
from churnsim.kernels.likelihoods import pareto_nbd_calendar as kernel
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks, on_threads
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.fit import begun
from churnsim.models.purchase.calendar.history_days import HistoryDays
from churnsim.models.purchase.calendar.history_series import HistorySeries
from churnsim.models.purchase.calendar.likelihood import likelihood_of_days
from churnsim.models.purchase.calendar.two_clock_series import Pieces, TwoClockSeriesModel
from churnsim.models.purchase.calendar.two_clocks import LEAVING, TwoClockModel, TwoClocks
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats

CUSTOMERS = 4096  # whose pieces of time are laid out at once


def fit_two_clocks(
    family: Any, summary: pd.DataFrame, calendar: Any, leaving: Any, *, unit: str | None, weights: ArrayLike | None
) -> CalendarFit:
    """Maximum likelihood of Pareto/NBD on clocks that calendars, or customers' own series with rows of the same
    customers and days, rescale, begun at the plain family's. Raises as `fit_calendar`."""
    found, plain = likelihood_on_two_clocks(family, summary, calendar, leaving, unit=unit, weights=weights)
    return CalendarFit(**vars(fit_likelihood(found)), plain=plain)


def likelihood_on_two_clocks(
    family: Any, summary: pd.DataFrame, calendar: Any, leaving: Any, *, unit: str | None, weights: ArrayLike | None
) -> tuple[Likelihood[Any], ModelFit[PurchaseModel]]:
    """What `fit_two_clocks` maximises, and the plain fit at which it begins."""
    own = isinstance(calendar, CustomerSeries)
    if own and leaving is not None:
        check_kind(leaving, "leaving", CustomerSeries, "a churnsim.data.CustomerSeries, as calendar is")
        calendar.check_same_rows(leaving)
    days, of_plain, plain = begun(family, summary, calendar, unit=unit, weights=weights)
    likelihood: Any = series_likelihood if own else two_clock_likelihood
    return likelihood(days, leaving, of_plain, plain), plain


def two_clock_likelihood(
    days: HistoryDays, leaving: Calendar | None, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel]
) -> Likelihood[Any]:
    """The likelihood over the family's parameters and the effects of both calendars' columns."""
    z_leaving, means, spread = np.zeros((len(days.z), 0)), np.zeros(0), np.zeros(0)
    if leaving is not None:
        z_leaving, means, spread = days.moments(leaving)
    z_leaving = np.ascontiguousarray(z_leaving)
    begin, last, end = (place.astype(np.float64) for place in days.places)
    order = np.lexsort((-last, end, begin, days.h.x))
    chunks = Chunks(*(np.ascontiguousarray(each[order]) for each in (days.h.x, begin, last, end, days.weight)))
    z = np.ascontiguousarray(days.z)
    length = 1.0 / (days.per * days.scale)

    def terms(base: Floats, gamma: Floats, delta: Floats) -> Floats | None:
        speeds = speeds_of(z, gamma, length), speeds_of(z_leaving, delta, length)
        if not usable(*speeds):
            return None
        parts = chunks.each(kernel.terms, tuple(base), (*speeds, z, z_leaving))
        return np.asarray(np.sum([part for part, _ in parts], axis=0))

    return on_clocks(two_clock_likelihood, TwoClockModel, days, leaving, means, spread, terms, of_plain, plain)


def on_clocks(
    again: Callable[..., Likelihood[Any]], model: type[TwoClocks], days: Any, leaving: Any, means: Floats,
    spread: Floats, terms: Callable[[Floats, Floats, Floats], Floats | None], of_plain: Likelihood[Any],
    plain: ModelFit[PurchaseModel],
) -> Likelihood[Any]:  # fmt: skip
    """The likelihood from the kernel's sums by the family's parameters and both clocks' effects, None where a clock
    stops or never does."""
    sums, base = days.sums, len(of_plain.names)
    both = base + sums.size

    def objective(parameters: Floats) -> tuple[float, Floats]:
        gamma = parameters[base:both]
        total = terms(parameters[:base], gamma, parameters[both:])
        if total is None:
            return -math.inf, np.zeros(parameters.size)
        total[1 + base : 1 + both] += sums
        return float(total[0] + (sums * gamma).sum()), total[1:]

    names, yearly = ([LEAVING + name for name in getattr(leaving, kind, ())] for kind in ("names", "yearly"))
    known = {f"mean:{name}": float(mean) for name, mean in zip(names, means, strict=True)}
    return likelihood_of_days(
        days, of_plain, plain, objective, model=model, sketch=lambda few: again(few, leaving, of_plain, plain),
        more=dict(zip(names, spread.tolist(), strict=True)), known={**known, "leaving": leaving}, yearly=yearly,
    )  # fmt: skip


def speeds_of(z: Floats, effects: Floats, length: Floats | float) -> Floats:
    """How far a clock runs in pieces of time of a length."""
    if not effects.size:
        return np.asarray(length * np.ones(len(z)))
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(np.einsum("nk,k->n", z, effects)) * length)


def usable(buying: Floats, leaving: Floats) -> bool:
    """Whether both clocks run in every piece, and none for ever."""
    finite = np.isfinite(buying.sum() + leaving.sum())
    return bool(finite and min(buying.min(initial=1.0), leaving.min(initial=1.0)) > 0)


def series_likelihood(
    days: HistorySeries, leaving: CustomerSeries | None, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel]
) -> Likelihood[Any]:
    """The likelihood over the family's parameters and the effects of the columns on both clocks."""
    effects = 0 if leaving is None else len(leaving.names)
    means, spread = np.zeros(effects), np.ones(effects)
    if leaving is not None:
        means, spread = days.moments(leaving)

    def customers(rows: slice) -> tuple[Any, ...]:
        places = [each[rows] for each in days.places]
        pieces = Pieces.of(days.calendar, days.owner[rows], *places)
        z, on_leaving = (days.calendar.values[pieces.row] - days.means) / days.spread, np.zeros((pieces.row.size, 0))
        if leaving is not None:
            on_leaving = (leaving.values[pieces.row] - means) / spread
        return days.h.x[rows], *pieces.places, days.weight[rows], z, on_leaving, pieces.length / (days.per * days.scale)

    blocks = [customers(slice(k, k + CUSTOMERS)) for k in range(0, days.h.x.size, CUSTOMERS)]

    @interruptible()
    def terms(base: Floats, gamma: Floats, delta: Floats) -> Floats | None:
        def one(block: tuple[Any, ...]) -> Floats | None:
            histories, (z, on_leaving, length) = block[:-3], block[-3:]
            speeds = speeds_of(z, gamma, length), speeds_of(on_leaving, delta, length)
            if not usable(*speeds):
                return None
            arguments: tuple[Any, ...] = (*base, *histories, *speeds, z, on_leaving)
            found: Floats = kernel.terms(*arguments)[0]
            return found

        found = [part for part in on_threads(one, blocks) if part is not None]
        return np.asarray(np.sum(found, axis=0)) if len(found) == len(blocks) else None

    return on_clocks(series_likelihood, TwoClockSeriesModel, days, leaving, means, spread, terms, of_plain, plain)
