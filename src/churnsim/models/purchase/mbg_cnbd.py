"""MBG/CNBD-k: regular buyers. As MBG/NBD, but with Erlang-k gaps, so that a long silence says more.

Platzer & Reutterer (2016), "Ticking away the moments: timing regularity helps to better predict customer activity",
Marketing Science 35(5), 779-799. Between two purchases lie k stages, each exponential with rate lambda ~ Gamma(r,
alpha); after each purchase, the first one too, the customer leaves with probability p ~ Beta(a, b). k = 1 is MBG/NBD.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln, softmax, xlogy

from churnsim.checks import check_count, shown, typed
from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.counted import SummaryLike
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.likelihoods import mbg_cnbd as kernel
from churnsim.kernels.likelihoods import mbg_cnbd_forecast as forecast
from churnsim.kernels.likelihoods.bg_nbd_rows import draw_population
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.arguments import numbers, refuse
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks, by_chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.bg_nbd import DROPOUTS, REMEDIES, BGNBDCovariates
from churnsim.models.purchase.buy_till_you_die import LiveKernels, Living
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.clock import ClockTerms
from churnsim.models.purchase.calendar.fit import fit_calendar
from churnsim.models.purchase.continuous_time import ContinuousTime, TakesCalendar
from churnsim.models.purchase.fit_data import ScaledHistories, likelihood_of, summed
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.models.purchase.protocol import Reads, Simulated
from churnsim.typing import Floats, Ints

MOST_ASKED = 10_000
MOST_STAGES = 12  # assumed: an Erlang-12 gap varies by 29% of its mean, more regular than customers are


class LivingErlang(ContinuousTime):
    """Models whose live customers pass stages at a rate Gamma(R, A), k to each purchase, and drop out with a
    probability Beta(a, B)."""

    k: int
    live: ClassVar[LiveKernels] = LiveKernels(
        expected=forecast.expected, pmf=forecast.pmf, discounted=forecast.discounted
    )
    traits: ClassVar[tuple[str, ...]] = ("rate", "dropout", "stages")

    @property
    def _stages(self) -> tuple[int, ...]:
        return (self.k,)

    def log_likelihood(self, summary: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit; reads `log_intervals` where k is above 1."""
        h = self._histories(summary)
        gaps = (self.k - 1) * log_intervals(summary, self.k) - h.x * math.lgamma(self.k)
        return h.series(self._log_likelihood(h) + gaps, "log_likelihood")

    def _living(self, h: Histories) -> Living:
        r, alpha, a, b = self._of(h)
        x = h.x.astype(np.float64)
        return r + self.k * x, (h.T - h.t_x) / (alpha + h.T), alpha + h.T, a * np.ones(x.size), b + x + 1.0

    def _new(self, n: int) -> tuple[float, Living]:
        r, alpha, a, b = self._parameters
        law = tuple(np.full(n, value) for value in (r, 0.0, alpha, a, b + 1.0))
        return b / (a + b), law

    def _staying(self, living: Living, horizon: Floats) -> Floats:
        # As of every family in which each purchase can be the last (see `bg_nbd.py`).
        R, w, A, a, b = living
        return 1.0 - a / (a + b) * self._expected_living((R, w, A, a + 1.0, b), horizon)

    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        R, _, A, _, _ = living
        if (most := float((R * start / A).max(initial=0.0))) > forecast.MANY:
            raise ConfigError(
                f"{most:,.0f} stages are expected before the interval; its counts follow them one by one, up to "
                f"{forecast.MANY:,.0f}. Let it begin earlier (after=), or use expected_purchases."
            )
        return by_chunks(forecast.pmf_later, (*living, start, horizon), n, self.k)

    def _living_traits(self, living: Living) -> LivingTraits:
        R, w, A, a, b = living
        return LivingTraits(R, A, "dropout", a, b, self.k, w * A)

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        R, w, A, _, _ = living
        return by_chunks(forecast.wait, (R, w, A, share), self.k)

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        # `stages`: how many of the k to the next purchase a live customer has behind it.
        r, alpha, a, b = self._of(h)
        drawn = self._drawn(kernel.draw_histories, (alpha, a), (r, b), h, uids, seed, replication, self.k)
        return drawn.assign(rate=drawn["rate"] / self.k, stages=drawn["stages"].astype(np.int64))

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Columns `rate` (purchases per unit: 1/k of the stages') and `dropout` (probability)."""
        r, alpha, a, b = self._parameters
        rows = draw_population(alpha / rate, a * leaving, r, b, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame({"rate": rows[:, 0] / self.k, "dropout": rows[:, 1]})


@dataclass(frozen=True, kw_only=True)
class MBGCNBD(LivingErlang, TakesCalendar):
    """An MBG/CNBD-k model: shape `r` and rate `alpha` (in time units) of the stages' rate, `a` and `b` of the dropout
    probability, `k` stages a gap (a whole number), and the `unit` of time ("H", "D", "W", "M", "Y").

    `fit` and `log_likelihood` read the column `log_intervals`, the sum of the logarithms of a customer's gaps in `unit`
    (see `churnsim.data.summarise_with_intervals`), without which different k cannot be compared. Raises ConfigError
    unless all parameters are finite and above 0.

    Parameters
    ----------
    r, alpha : float
        Shape and rate (in time units) of the stages' rate.
    a, b : float
        Of the dropout probability.
    k : int
        Stages a gap.
    unit : str
        Of time.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.data.summarise_with_intervals(cs.datasets.cdnow())
    >>> MBGCNBD.fit(summary, k=2).model.k
    2
    """

    r: float
    alpha: float
    a: float
    b: float
    k: int
    unit: str = "W"

    family: ClassVar[str] = "mbg_cnbd"
    title: ClassVar[str] = "MBG/CNBD-k"
    reads: ClassVar[Reads] = "intervals"
    simulated_as: ClassVar[Simulated | None] = "dropout at once"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    drops_at_first: ClassVar[bool] = True
    clock_curvature: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k != math.floor(self.k):
            raise ConfigError(f"MBGCNBD: k must be a whole number of stages, 1 or more; got {shown(self.k)}.")
        object.__setattr__(self, "k", int(self.k))

    @overload
    @classmethod
    def fit(
        cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None, calendar: None = None,
        k: int | None = None,
    ) -> ModelFit[Self]: ...  # fmt: skip

    @overload
    @classmethod
    def fit(
        cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries, k: int | None = None,
    ) -> CalendarFit: ...  # fmt: skip

    @classmethod
    @typed
    def fit(
        cls,
        summary: Any,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries | None = None,
        k: int | None = None,
    ) -> ModelFit[Self] | CalendarFit:
        """Maximum likelihood for `k` stages; without it, for that k from 1 to 12 at which the likelihood is largest.

        The search over k stops after two that are worse than the best. Standard errors take k as known. With a
        `calendar`, with which `churnsim.data.summarise_with_intervals` made the summary too, gaps are measured on the
        clock that it rescales. Raises DataError for a summary that is not one or lacks `log_intervals`.
        """

        def of(stages: int) -> Any:
            if calendar is not None:
                return fit_calendar(cls, summary, calendar, unit=unit, weights=weights, k=stages)
            return fit_likelihood(cls.likelihood(summary, unit=unit, weights=weights, k=stages))

        return best_stages(of, k)  # type: ignore[no-any-return]

    @classmethod
    def _on_clock(cls, parameters: Floats, h: Histories, weight: Floats, **fixed: Any) -> ClockTerms:
        # ln P depends on the clock by w = (T - t_x)/(alpha + T): dw/dT = (alpha + t_x)/(alpha + T)^2,
        # dw/dt_x = -1/(alpha + T).
        k = fixed["k"]
        r, alpha, a, b = parameters
        result = Chunks(h.x, h.t_x, h.T, weight).sum(kernel.objective, (r, alpha, a, b), (k,))
        alive = h.chunks().join(kernel.p_alive, (r, alpha, a, b), (k,))
        R, early, late = r + k * h.x, alpha + h.t_x, alpha + h.T
        w = (h.T - h.t_x) / late
        term, total, slope = np.ones(h.x.size), np.ones(h.x.size), np.zeros(h.x.size)
        for j in range(1, k):
            slope += term * (R + j - 1.0)  # (R)_j w^(j-1) / (j-1)!
            term = term * (R + j - 1.0) * w / j
            total += term
        in_w = slope / total
        at_last = -weight * (alive * in_w / late + (1.0 - alive) * R / early)
        at_end = weight * alive * (in_w * early / late - R) / late
        return ClockTerms(float(result[0]), result[1:], at_last, at_end)

    @classmethod
    def likelihood(
        cls,
        summary: CustomerFrame,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        k: int | None = None,
    ) -> Likelihood[Self]:
        """The likelihood of a summary for `k` stages, or for the best number of them (see `fit`)."""
        if k is None:
            k = cls.fit(summary, unit=unit, weights=weights).model.k
        data = ScaledHistories.of(summary, unit=unit, weights=weights)
        chunks = data.chunks()

        # Starts are of purchases; k stages come for each.
        return likelihood_of(
            cls, data, summed(kernel.objective, chunks, k), leaving=DROPOUTS, remedies=REMEDIES, rate=k,
            log_scale=with_gaps(data.log_scale, summary, weights, k), fixed={"k": k},
        )  # fmt: skip

    @property
    def _age_offset(self) -> float:
        return float(self.alpha)

    def _living_by_age(self, h: Histories, function: Callable[[Living], Floats]) -> Floats:
        # By how many stages each has passed: given these its law depends on x and T alone.
        R, w, *_ = self._living(h)
        passed: Floats = np.arange(float(self.k))[:, None]
        logs = gammaln(R + passed) - gammaln(R) - gammaln(passed + 1.0) + xlogy(passed, w)
        total = np.zeros(h.x.size)
        for j, share in enumerate(softmax(logs, axis=0)):

            def there(law: Living, j: int = j) -> Floats:
                return function((law[0], np.full(law[0].size, -1.0 - j), *law[2:]))

            total += share * super()._living_by_age(h, there)
        return total

    @property
    def simulated_parameters(self) -> tuple[float, ...]:
        """As of every family; the rate is that of purchases, not of the k stages of a gap."""
        r, alpha, a, b = self._parameters
        return r, alpha * self.k, a, b

    def _log_likelihood(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.log_likelihood, self._parameters, (self.k,))

    def _alive(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.p_alive, self._parameters, (self.k,))


@dataclass(frozen=True, kw_only=True)
class MBGCNBDCovariates(LivingErlang, BGNBDCovariates):
    """An MBG/CNBD-k model whose `alpha` and `a` are those of an average customer; all else as in `BGNBDCovariates`.

    Parameters
    ----------
    r, alpha : float
        Shape and rate (in time units) of an average customer's stages.
    a, b : float
        Of an average customer's dropout probability.
    k : int
        Stages a gap.
    rate_effects, lifetime_effects, covariate_means : mapping of covariate to number
        As of `BGNBDCovariates`.
    unit : str
        Of time.

    Examples
    --------
    >>> people = pd.DataFrame({"T": np.full(500, 40.0), "big": np.tile([0.0, 1.0], 250)})
    >>> true = MBGCNBDCovariates(
    ...     r=0.5, alpha=4.0, a=0.8, b=2.5, k=2, rate_effects={"big": 0.5}, covariate_means={"big": 0.5}
    ... )
    >>> fit = MBGCNBDCovariates.fit(true.draw_summary_like(people, seed=1), covariates_rate=["big"], k=2)
    >>> fit.names[-1], fit.status.code
    ('rate:big', 'converged')
    """

    k: int

    family: ClassVar[str] = "mbg_cnbd_covariates"
    plain: ClassVar[Any] = MBGCNBD
    more: ClassVar[tuple[Any, ...]] = (True,)
    drops_at_first: ClassVar[bool] = True
    # The engines know these customers by their plain family alone.
    simulated_as: ClassVar[Simulated | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self.k, f"{type(self).__name__}: k")

    @classmethod
    def fit(cls, summary: SummaryLike, *, k: int | None = None, **options: Any) -> ModelFit[Self]:
        """As `BGNBDCovariates.fit`, of a summary with `log_intervals`, for `k` stages or, without it, the best number
        of them (see `MBGCNBD.fit`)."""
        found: ModelFit[Self] = best_stages(
            lambda stages: super(MBGCNBDCovariates, cls).fit(summary, k=stages, **options), k
        )
        return found

    @classmethod
    def likelihood(cls, summary: CustomerFrame, *, k: int | None = None, **options: Any) -> Likelihood[Self]:
        """As `BGNBDCovariates.likelihood`, for `k` stages or for the best number of them."""
        if k is None:
            k = cls.fit(summary, **options).model.k
        found = super().likelihood(summary, k=k, **options)
        return replace(found, log_scale=with_gaps(found.log_scale, summary, options.get("weights"), k))

    @property
    def _more(self) -> tuple[Any, ...]:
        return self._kernel_last(k=self.k)


def best_stages(of: Callable[[int], Any], k: int | None) -> Any:
    """A fit of `k` stages, or of those at which the likelihood is largest: the search stops after two worse ones."""
    if k is not None:
        return of(check_count(k, "k", most=MOST_ASKED))
    best, best_k = of(1), 1
    for stages in range(2, MOST_STAGES + 1):
        found = of(stages)
        if found.loglik > best.loglik:
            best, best_k = found, stages
        elif stages > best_k + 1:
            break
    return best


def with_gaps(log_scale: float, summary: pd.DataFrame, weights: ArrayLike | None, k: int) -> float:
    """What undoes the scaling of time, from what does for k = 1, and the gaps' own factor: the k stages of a gap scale
    its density's other part by time^-k, its own factor by time^(k-1)."""
    weight = checked_weights(weights, len(summary))
    gaps = float((weight * log_intervals(summary, k)).sum())
    repeats = float((weight * Histories.of(summary).x).sum())
    return k * log_scale + (k - 1) * gaps - repeats * math.lgamma(k)


def log_intervals(summary: pd.DataFrame, k: int) -> Floats:
    """The column `log_intervals`; 0 for k = 1, where it does not matter. DataError where it is missing or no number."""
    if k == 1:
        return np.zeros(len(summary))
    if "log_intervals" not in summary.columns:
        raise DataError(
            "the summary lacks 'log_intervals', the sum of the logarithms of each customer's gaps, which tells regular "
            "from irregular buyers. Make it with churnsim.data.summarise_with_intervals(transactions)."
        )
    values = numbers(summary["log_intervals"].to_numpy(), "log_intervals")
    remedy = "Purchases at the same time count as one."
    refuse(summary.index, values, ~np.isfinite(values), "log_intervals must be a finite number", remedy)
    return values
