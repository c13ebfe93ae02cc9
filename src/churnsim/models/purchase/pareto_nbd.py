"""Pareto/NBD: repeat buying until the customer leaves, unseen, at a time of its own.

Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will they do next?", Management
Science 33(1), 1-24. While alive a customer buys as a Poisson process at rate lambda; its lifetime is exponential with
rate mu; lambda ~ Gamma(r, rate alpha) and mu ~ Gamma(s, rate beta), independently.

A customer with x repeat purchases, the last at t_x, observed to T has the likelihood (their appendix; as an integral in
Fader & Hardie 2005, "A note on deriving the Pareto/NBD model and related expressions")

    L = prod_{j<x} (r + j) . alpha^r beta^s
        . [ (alpha + T)^-(r+x) (beta + T)^-s + s int_t_x^T (alpha + y)^-(r+x) (beta + y)^-(s+1) dy ]

of which the first term is that of being alive at T and the second that of having left at y. Hence

    P(alive at T | x, t_x, T) = first term / (first term + second term)

A live customer's traits given its history have the prior's form again, Gamma(R, A) and Gamma(s, B) with R = r + x,
A = alpha + T and B = beta + T. So every forecast is P(alive) times that of a new customer with these parameters:

    expected_purchases     E[X(h)] = R B/(A (s - 1)) [1 - (B/(B + h))^(s-1)], and R B/A ln((B + h)/B) at s = 1
    conditional_pmf        P(X(h) = n) = p_n(h) (B/(B + h))^s + int_0^h p_n(y) s B^s (B + y)^-(s+1) dy, alive with n
                           purchases or gone at y after n, p_n(y) = (R)_n/n! (A/(A + y))^R (y/(A + y))^n
    residual_transactions  R/A int_0^h e^(-delta t) (B/(B + t))^s dt
    time_to_next_purchase  P(a purchase by w | alive) = int_0^w R A^R (A + y)^-(R+1) (B/(B + y))^s dy

`expected_purchases_new` and `purchase_pmf` are the first two with R = r, A = alpha and B = beta. The arithmetic is in
`churnsim.kernels.likelihoods` (`pareto_nbd`, `pareto_nbd_forecast`, `pareto_nbd_integral`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.counted import SummaryLike
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods import pareto_nbd as kernel
from churnsim.kernels.likelihoods import pareto_nbd_forecast as forecast
from churnsim.kernels.likelihoods import pareto_nbd_rows as by_row
from churnsim.kernels.likelihoods.population import draw_gamma_pairs
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import forward_covariates
from churnsim.models.estimation.threads import by_chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.buy_till_you_die import LiveKernels, Living
from churnsim.models.purchase.calendar.calendar_fit import CalendarFit
from churnsim.models.purchase.calendar.two_clock_fit import fit_two_clocks, likelihood_on_two_clocks
from churnsim.models.purchase.continuous_time import ContinuousTime
from churnsim.models.purchase.covariates import CovariatesInTime
from churnsim.models.purchase.fit_data import ScaledHistories, likelihood_of, summed
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.typing import Floats, Ints

REMEDIES = (
    "Read p_alive and forecasts, which often stay well determined, rather than the single parameters; use a longer "
    "observation or more customers; compare with NBD, which has no dropout, and with BG/NBD."
)
# Starts (s, beta) in units of the mean observation: from half of the customers gone early to hardly any.
LIFETIMES = ((0.6, 0.5), (0.6, 0.5), (1.5, 3.0), (0.3, 0.1), (5.0, 50.0), (0.1, 1.0))


TOGETHER = 16  # counts whose chances are summed together: their ratios stay far from the largest float


class LivingGammaGamma(ContinuousTime):
    """Models whose live customers buy at a rate Gamma(R, A) and leave at a rate Gamma(s, B)."""

    live: ClassVar[LiveKernels] = LiveKernels(
        expected=forecast.expected, pmf=forecast.pmf, discounted=forecast.discounted
    )
    traits: ClassVar[tuple[str, ...]] = ("rate", "death_rate")

    def _living(self, h: Histories) -> Living:
        r, alpha, s, beta = self._of(h)
        return r + h.x.astype(np.float64), alpha + h.T, np.full(h.x.size, s), beta + h.T

    def _staying(self, living: Living, horizon: Floats) -> Floats:
        return np.exp(-living[2] * np.log1p(horizon / living[3]))

    def _pmf_living(self, living: Living, n: int, horizon: Floats) -> Floats:
        return self._pmfs_living(living, [n], horizon)[:, 0]

    def _pmfs_living(self, living: Living, wanted: Sequence[int], horizon: Floats) -> Floats:
        # Counts near each other are summed over the same times of leaving.
        rising, place = np.unique(np.asarray(wanted, dtype=np.int64), return_inverse=True)
        near = np.split(rising, np.flatnonzero(np.diff(rising // TOGETHER)) + 1)
        return np.hstack([by_chunks(forecast.pmf, (*living, horizon), counts) for counts in near])[:, place]

    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        return self._pmfs_later(living, [n], start, horizon)[:, 0]

    def _pmfs_later(self, living: Living, wanted: Sequence[int], start: Floats, horizon: Floats) -> Floats:
        # Whether a customer stays says nothing of its rate of purchase.
        R, A, s, B = living
        stays = self._staying(living, start)
        gone = np.where(np.asarray(wanted) == 0, (1.0 - stays)[:, None], 0.0)
        return stays[:, None] * self._pmfs_living((R, A, s, B + start), wanted, horizon) + gone

    def _living_traits(self, living: Living) -> LivingTraits:
        R, A, s, B = living
        return LivingTraits(R, A, "death", s, B)

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        return by_chunks(forecast.wait, (*living, share))

    def _new(self, n: int) -> tuple[float, Living]:
        return 1.0, tuple(np.full(n, value) for value in self._parameters)

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Columns `rate` (purchases per unit), `death_rate` (per unit) and `lifetime` (time from the first purchase
        until the customer leaves)."""
        r, alpha, s, beta = self._parameters
        rows = draw_gamma_pairs(r, alpha, s, beta, rate.size, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(
            {"rate": rows[:, 0] * rate, "death_rate": rows[:, 1] * leaving, "lifetime": rows[:, 2] / leaving}
        )

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        # The posterior is a mixture of Gamma x Gamma over "alive" and the time of leaving (see the kernel).
        r, alpha, s, beta = self._of(h)
        return self._drawn(by_row.draw_histories, (alpha, beta), (r, s), h, uids, seed, replication)


@dataclass(frozen=True, kw_only=True)
class ParetoNBD(LivingGammaGamma):
    """A Pareto/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, shape `s` and rate `beta`
    (in time units) of the death rate, and the `unit` of time ("H", "D", "W", "M", "Y"). Raises ConfigError unless all
    are finite and above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> model = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86]})
    >>> [float(value.iloc[0].round(3)) for value in (model.expected_purchases(customer, 39.0), model.p_alive(customer))]
    [1.455, 0.869]
    """

    r: float
    alpha: float
    s: float
    beta: float
    unit: str = "W"

    family: ClassVar[str] = "pareto_nbd"
    title: ClassVar[str] = "Pareto/NBD"
    simulated_as: ClassVar[Simulated | None] = "clock"
    within: ClassVar[str | None] = "nbd"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    takes_calendar: ClassVar[bool] = True
    calendar_model: ClassVar[str | None] = "TwoClockModel"

    @overload
    @classmethod
    def fit(
        cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None, calendar: None = None
    ) -> ModelFit[Self]: ...

    @overload
    @classmethod
    def fit(
        cls, summary: SummaryLike, *, unit: str | None = None, weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries,
        leaving: Calendar | CustomerSeries | None = None,
    ) -> CalendarFit: ...  # fmt: skip

    @classmethod
    @forward_covariates
    def fit(
        cls,
        summary: Any,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        calendar: Calendar | CustomerSeries | None = None,
        leaving: Calendar | CustomerSeries | None = None,
    ) -> ModelFit[Self] | CalendarFit:
        """Maximum likelihood, as of every family. With a `calendar`, with which the summary was made too, the fit is of
        a `TwoClockModel`: it rescales the buying clock, and a calendar `leaving` the leaving clock, whose effects are
        named ``leaving:COLUMN``. With a `CustomerSeries` for each it is of a `TwoClockSeriesModel`. Raises ConfigError
        for `leaving` without `calendar`."""
        if calendar is not None:
            return fit_two_clocks(cls, summary, calendar, leaving, unit=unit, weights=weights)
        if leaving is not None:
            raise ConfigError("leaving= goes with calendar=, with which the summary was made. Give both.")
        return fit_likelihood(cls.likelihood(summary, unit=unit, weights=weights))

    @classmethod
    def calendar_likelihood(
        cls, summary: pd.DataFrame, *, calendar: Calendar | CustomerSeries, unit: str | None = None,
        weights: ArrayLike | None = None, leaving: Calendar | CustomerSeries | None = None,
    ) -> Likelihood[Any]:  # fmt: skip
        """The likelihood on clocks that calendars rescale, for searches and samplers. Raises as `fit`."""
        return likelihood_on_two_clocks(cls, summary, calendar, leaving, unit=unit, weights=weights)[0]

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`)."""
        data = ScaledHistories.of(summary, unit=unit, weights=weights)
        chunks = data.chunks()

        def hessian(parameters: Floats) -> Floats:
            return chunks.sum(kernel.hessian, tuple(parameters))

        return likelihood_of(
            cls, data, summed(kernel.objective, chunks), leaving=LIFETIMES, remedies=REMEDIES, hessian=hessian
        )

    def _log_likelihood(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.log_likelihood, self._parameters)

    def _alive(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.p_alive, self._parameters)

    @property
    def _age_offset(self) -> float:
        return float(min(self.alpha, self.beta))


@dataclass(frozen=True, kw_only=True)
class ParetoNBDCovariates(CovariatesInTime, LivingGammaGamma):
    """A Pareto/NBD model whose `alpha` and `beta` are those of an average customer.

    Known customers' summaries must hold the covariates; new customers are average ones.

    Parameters
    ----------
    r, alpha : float
        Shape and rate (in time units) of an average customer's purchase rate.
    s, beta : float
        Shape and rate (in time units) of an average customer's death rate.
    rate_effects, lifetime_effects : mapping of covariate to effect
        The purchase rate, or the death rate, is multiplied by e^(effect . (covariate - mean)).
    covariate_means : mapping of covariate to mean
        What an average customer has.
    unit : str
        Of time.

    Examples
    --------
    >>> model = ParetoNBDCovariates(
    ...     r=0.55, alpha=10.6, s=0.61, beta=11.7, rate_effects={"big": np.log(2.0)}, covariate_means={"big": 0.0}
    ... )
    >>> customers = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": 1e-9, "big": [0.0, 1.0]})
    >>> model.expected_purchases(customers, 39.0).round(2).tolist()  # twice as many
    [1.2, 2.4]
    """

    r: float
    alpha: float
    s: float
    beta: float
    rate_effects: Mapping[str, float] = field(default_factory=dict)
    lifetime_effects: Mapping[str, float] = field(default_factory=dict)
    covariate_means: Mapping[str, float] = field(default_factory=dict)
    unit: str = "W"

    family: ClassVar[str] = "pareto_nbd_covariates"
    plain: ClassVar[Any] = ParetoNBD
    kernels: ClassVar[Any] = by_row
    own_names: ClassVar[tuple[str, str]] = ("alpha", "beta")
    moved: ClassVar[tuple[int, int]] = (-1, -1)
