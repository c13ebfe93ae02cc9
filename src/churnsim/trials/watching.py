r"""Last time's forecasts against the purchases that came: counts by cohort and period, with limits that hold at all
looks at once.

What the customers of a cohort buy until the time t after the last day of the log, N(t), has by the model a mean m(t)
and a variance V(t): that of each customer's purchases given its history, added up, and that of m(t) over the estimates'
error. N - m is over many customers close to a Gaussian process whose future moves the way of its past, since who buys
often goes on to do so, and since an estimate that is too high stays it. So the limit of `churnsim.trials.sequence` on
the clock V is passed at any time with at most the chance 1 - level. Counts are skewed where there are few: the limit is
taken over as a probability into the negative binomial law of this mean and variance.

The chance of a false alarm is shared: half of it is for all customers together, the rest in equal parts for the cohorts
(Bonferroni), so that the chance of any false alarm, whenever and however often one looks, is at most 1 - level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from churnsim.checks import check_kind, check_level, check_number, typed
from churnsim.data.logs.days import calendar_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import DataError
from churnsim.models.estimation.fit import ModelFit, check_fit
from churnsim.models.evaluation.predictive import variance_of_counts
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.trials.sequence import best_scale, reach
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

ALL = "all"
OTHERS = "others"
DRAWS = 40
LEAST = 10.0  # purchases expected of a cohort until `planned`; smaller cohorts are taken together (assumed)


class _Sums:
    """Sums over the customers of each cohort, and over all."""

    def __init__(self, member: Ints) -> None:
        self._member = member
        self._cohorts = int(member.max()) + 1
        self.size = 1 if self._cohorts == 1 else self._cohorts + 1
        self.sizes = self(np.ones(member.size))

    def __call__(self, values: Floats) -> Floats:
        total = values.sum(keepdims=True)
        if self.size == 1:
            return np.asarray(total, dtype=np.float64)
        return np.append(np.bincount(self._member, weights=values, minlength=self._cohorts), total)


@dataclass(frozen=True, kw_only=True)
class ForecastLimits:
    """What the customers of each cohort, and all together, are expected to buy by the end of each period, and how many
    purchases are no alarm.

    Attributes
    ----------
    since : date
        The last day that the forecasts know.
    ends : tuple of dates
        The last days of the periods.
    table : DataFrame
        A row a cohort and period: `cohort`, `until`, `customers`; since `since`, `expected`, `lower`, `upper`; of the
        period alone `expected_in_period` and, where spend was forecast, `expected_spend`.
    """

    since: date
    ends: tuple[date, ...]
    table: pd.DataFrame
    _customers: pd.Index[Any]
    _sums: _Sums

    def against(self, purchases: pd.DataFrame) -> pd.DataFrame:
        """The table with what came beside it: `purchases` since `since` and `alarm` ("", or "fewer" or "more" than the
        limits); `in_period`, and with amounts `spend`, of the period alone.

        `purchases` has one row a purchase: ``customer_id``, ``date`` and perhaps ``amount``; those of one customer and
        day are one. Other customers and days are left out. Raises DataError for what is no such log.
        """
        purchases = purchase_days(purchases).frame()
        row = self._customers.get_indexer(pd.Index(purchases["customer_id"]))
        edges = np.array([self.since, *self.ends], dtype="datetime64[D]")
        period = np.searchsorted(edges, purchases["date"].to_numpy().astype("datetime64[D]")) - 1

        def by_period(weights: Floats) -> Floats:
            """Sums of the periods, a row each."""
            kept = [(period == place) & (row >= 0) for place in range(len(self.ends))]
            size = len(self._customers)
            sums = [np.bincount(row[k], weights=weights[k], minlength=size).astype(np.float64) for k in kept]
            return np.array([self._sums(each) for each in sums])

        counts = by_period(np.ones(len(purchases)))
        found = self.table.assign(
            purchases=counts.cumsum(axis=0).T.ravel().astype(np.int64), in_period=counts.T.ravel().astype(np.int64)
        )
        few, many = found["purchases"] < found["lower"], found["purchases"] > found["upper"]
        found["alarm"] = np.select([few, many], ["fewer", "more"], "")
        if "expected_spend" in found and "amount" in purchases:
            found["spend"] = by_period(purchases["amount"].to_numpy(dtype=np.float64)).T.ravel()
        return found


@in_kind
@typed
def forecast_limits(
    fit: ModelFit[PurchaseModel], summary: CustomerFrame, *, cohort: pd.Series[Any], since: str | date,
    ends: Sequence[str | date], planned: float, seed: int, level: float = 0.95, spend: GammaGamma | None = None,
) -> ForecastLimits:  # fmt: skip
    """Forecast the purchases of each cohort after `since`, with limits that hold at all looks at once.

    Parameters
    ----------
    fit : ModelFit
        Of a purchase model, with the error of its estimates.
    summary : DataFrame
        The customers as known at the end of the day `since`.
    cohort : Series
        The cohort of each customer of `summary`, as text.
    since : date
        The last day that the forecasts know.
    ends : sequence of dates
        The last days of the periods, in order.
    planned : float
        Time units after `since` at which the limits are to be narrowest; to be chosen before anything is looked at.
    seed : int
        Of the draws of the parameters.
    level : float
        One less the chance of any false alarm.
    spend : GammaGamma, optional
        What the customers spend on a purchase.

    Raises
    ------
    DataError
        For no period, one that ends before it begins, and a customer without a cohort.
    ConfigError
        For a level, length or day that is none.

    Examples
    --------
    >>> import churnsim as cs
    >>> log = cs.datasets.cdnow()
    >>> summary = cs.summarise(log, until="1997-12-31")
    >>> cohort = log.groupby("customer_id")["date"].min().dt.to_period("Q").astype(str)
    >>> limits = forecast_limits(
    ...     cs.BGNBD.fit(summary), summary, cohort=cohort, since="1997-12-31", ends=["1998-03-31"], planned=13.0, seed=1
    ... )
    >>> found = limits.against(log).iloc[0]
    >>> int(found["purchases"]), round(found["expected"]), found["alarm"]
    (656, 607, '')
    """
    check_fit(fit, "fit")
    check_level(level)
    check_number(planned, "planned", above=0)
    check_kind(cohort, "cohort", pd.Series, "a Series with the cohort of each customer")
    check_kind(ends, "ends", (list, tuple), "a list of days")
    check_kind(spend, "spend", (GammaGamma, type(None)), "a GammaGamma model, or None")
    start = calendar_day(since, name="since").date()
    last_days = [calendar_day(end, name="ends").date() for end in ends]
    days = [(end - start).days for end in last_days]
    if not days or min(np.diff(days, prepend=0)) <= 0:
        raise DataError(
            f"the periods must end one after the other, after {start}; got {', '.join(map(str, last_days))}."
        )
    unknown = summary.index.difference(cohort.index)
    if len(unknown):
        raise DataError(f"cohort says nothing of customer {unknown[0]!r}, one of {len(unknown):,}.")
    drawn = fit.draw_parameters(DRAWS, seed=seed)

    def each(model: PurchaseModel, span: float) -> Floats:
        return np.asarray(model.expected_purchases(summary, span), dtype=np.float64)

    names, member = _groups(cohort.reindex(summary.index).astype(str).to_numpy(), each(fit.model, planned))
    sums = _Sums(member)

    def variance(span: float) -> Floats:
        chance = sums(np.asarray(variance_of_counts(fit.model, summary, span), dtype=np.float64))
        of_estimates = np.var([sums(each(model, span)) for model in drawn], axis=0, ddof=1)
        return chance + np.asarray(of_estimates, dtype=np.float64)

    spans = [days_ahead / DAYS_PER_UNIT[fit.model.unit] for days_ahead in days]
    means = [each(fit.model, span) for span in spans]
    expected = np.array([sums(mean) for mean in means]).T  # a row a cohort from here on
    levels, at_plan, spreads = (
        _levels(level, sums.size),
        variance(planned),
        np.array([variance(span) for span in spans]),
    )
    limits = np.array(
        [
            [count_limits(expected[k, i], spreads[i, k], planned=at_plan[k], level=levels[k]) for i in range(len(ends))]
            for k in range(sums.size)
        ]
    )
    table = pd.DataFrame(
        {
            "cohort": np.repeat(np.array(names, dtype=object), len(ends)),
            "until": last_days * sums.size,
            "customers": np.repeat(sums.sizes.astype(np.int64), len(ends)),
            "expected": expected.ravel(),
            "lower": limits[..., 0].ravel(),
            "upper": limits[..., 1].ravel(),
            "expected_in_period": np.diff(expected, prepend=0.0).ravel(),
        }
    )
    if spend is not None:
        mean_spend = spend.expected_spend(summary).to_numpy()
        table["expected_spend"] = np.diff(np.array([sums(mean * mean_spend) for mean in means]).T, prepend=0.0).ravel()
    return ForecastLimits(since=start, ends=tuple(last_days), table=table, _customers=summary.index, _sums=sums)


def count_limits(mean: float, variance: float, *, planned: float, level: float) -> tuple[float, float]:
    """The least and the most purchases that are no alarm, where the variance is to be `planned` at the look that
    matters most. Both sides together are passed at any look with at most 1 - level.

    Examples
    --------
    >>> count_limits(1000.0, 2000.0, planned=2000.0, level=0.95)  # a single look: 914 to 1,089
    (868.0, 1140.0)
    """
    if variance <= 0:
        return mean, mean
    tail = float(stats.norm.sf(reach(variance, best_scale(planned, level), level) / np.sqrt(variance)))
    if variance > mean * (1 + 1e-6):
        law = stats.nbinom(mean**2 / (variance - mean), mean / variance)
        return float(law.ppf(tail)), float(law.isf(tail))
    normal = stats.norm(mean, np.sqrt(variance))  # buyers more regular than a Poisson process
    return max(0.0, float(np.ceil(normal.ppf(tail)))), float(np.floor(normal.isf(tail)))


def _groups(cohort: Any, expected: Floats) -> tuple[list[str], Ints]:
    """The names of the cohorts and of all, and each customer's cohort; those of few purchases are one."""
    names, member = np.unique(cohort, return_inverse=True)
    few = np.bincount(member, weights=expected) < LEAST
    if few.any():
        names, member = np.unique(np.where(few[member], OTHERS, cohort.astype(object)).astype(str), return_inverse=True)
    return ([ALL] if len(names) == 1 else [*map(str, names), ALL]), member


def _levels(level: float, groups: int) -> list[float]:
    if groups == 1:
        return [level]
    half = (1 - level) / 2
    return [1 - half / (groups - 1)] * (groups - 1) + [1 - half]
