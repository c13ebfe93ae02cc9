"""Pareto/NBD: repeat buying until the customer leaves, unseen, at a time of its own.

Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will they do next?", Management
Science 33(1), 1-24. While alive a customer buys as a Poisson process at rate lambda; its lifetime is exponential with
rate mu; lambda ~ Gamma(r, rate alpha) and mu ~ Gamma(s, rate beta), independently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.kernels.likelihoods import pareto_nbd as kernel
from churnsim.kernels.likelihoods import pareto_nbd_forecast as forecast
from churnsim.kernels.likelihoods.population import draw_gamma_pairs
from churnsim.kernels.likelihoods.simulate_history import observe
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import by_chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.buy_till_you_die import Living
from churnsim.models.purchase.continuous_time import ContinuousTime
from churnsim.models.purchase.fit_data import ScaledHistories, rate_starts
from churnsim.models.purchase.histories import Histories

__all__ = ["LivingGammaGamma", "ParetoNBD"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REMEDIES = (
    "Read p_alive and forecasts, which often stay well determined, rather than the single parameters; use a longer "
    "observation or more customers; compare with NBD, which has no dropout, and with BG/NBD."
)
# Starts (s, beta) in units of the mean observation: from half of the customers gone early to hardly any.
LIFETIMES = ((0.6, 0.5), (0.6, 0.5), (1.5, 3.0), (0.3, 0.1), (5.0, 50.0), (0.1, 1.0))


class LivingGammaGamma(ContinuousTime):
    """What live customers do whose rate is Gamma(R, A), and whose death rate is Gamma(s, B): their law is (R, A, s,
    B)."""

    def _expected_living(self, living: Living, horizon: Floats) -> Floats:
        return by_chunks(forecast.expected, (*living, horizon))

    def _pmf_living(self, living: Living, n: int, horizon: Floats) -> Floats:
        return by_chunks(forecast.pmf, (*living, horizon), n)

    def _discounted_living(self, living: Living, force: float, horizon: float) -> Floats:
        return by_chunks(forecast.discounted, living, force, horizon)

    def _living_traits(self, living: Living) -> LivingTraits:
        R, A, s, B = living
        return LivingTraits(R, A, "death", s, B)

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        return by_chunks(forecast.wait, (*living, share))


@dataclass(frozen=True, kw_only=True)
class ParetoNBD(LivingGammaGamma):
    """A Pareto/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, shape `s` and rate `beta`
    (in time units) of the death rate, and the `unit` of time ("D", "W", "M", "Y"). Raises ConfigError unless all are
    finite and above 0."""

    r: float
    alpha: float
    s: float
    beta: float
    unit: str = "W"

    family: ClassVar[str] = "pareto_nbd"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

    @classmethod
    def fit(
        cls,
        summary: pd.DataFrame,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        covariates_rate: Sequence[str] = (),
        covariates_lifetime: Sequence[str] = (),
        penalty: float = 0.0,
    ) -> ModelFit[Any]:
        """Maximum likelihood (see `BuyTillYouDie.fit`); with covariates the fit's model is a `ParetoNBDCovariates`,
        whose `fit` says what the last three arguments are."""
        if not covariates_rate and not covariates_lifetime:
            return super().fit(summary, unit=unit, weights=weights)
        from churnsim.models.purchase.pareto_nbd_covariates import ParetoNBDCovariates

        return ParetoNBDCovariates.fit(
            summary, unit=unit, weights=weights, covariates_rate=covariates_rate,
            covariates_lifetime=covariates_lifetime, penalty=penalty,
        )  # fmt: skip

    @classmethod
    def likelihood(
        cls, summary: pd.DataFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`)."""
        data = ScaledHistories.of(summary, unit=unit, weights=weights)
        chunks = data.chunks()

        def objective(parameters: Floats) -> tuple[float, Floats]:
            result = chunks.sum(kernel.objective, tuple(parameters))
            return float(result[0]), result[1:]

        def hessian(parameters: Floats) -> Floats:
            return chunks.sum(kernel.hessian, tuple(parameters))

        return Likelihood(
            names=cls.parameter_names,
            scales=np.array([1.0, data.scale, 1.0, data.scale]),
            starts=[np.array([*rate, *life]) for rate, life in zip(rate_starts(data), LIFETIMES, strict=True)],
            customers=data.customers,
            log_scale=data.log_scale,
            objective=objective,
            hessian=hessian,
            build=lambda values: cls.from_dict({**values, "unit": data.unit}),
            remedies=REMEDIES,
            doubt=data.doubt,
        )

    def _log_likelihood(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.log_likelihood, self._parameters)

    def _alive(self, h: Histories) -> Floats:
        return h.chunks().join(kernel.p_alive, self._parameters)

    def _living(self, h: Histories) -> Living:
        r, alpha, s, beta = self._parameters
        return r + h.x.astype(np.float64), alpha + h.T, np.full(h.x.size, s), beta + h.T

    @property
    def _age_offset(self) -> float:
        return float(min(self.alpha, self.beta))

    def _new(self, n: int) -> tuple[float, Living]:
        r, alpha, s, beta = self._parameters
        return 1.0, (np.full(n, r), np.full(n, alpha), np.full(n, s), np.full(n, beta))

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` customers from the population: columns `rate` (purchases per unit), `death_rate` (per unit) and
        `lifetime` (time from the first purchase until the customer leaves)."""
        r, alpha, s, beta = self._parameters
        rows = draw_gamma_pairs(r, alpha, s, beta, n, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=["rate", "death_rate", "lifetime"])

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        # The posterior is a mixture of Gamma x Gamma over "alive" and the time of leaving (see the kernel).
        r, alpha, s, beta = self._parameters
        traits, alive = kernel.draw_posterior(
            r, alpha, s, beta, h.x, h.t_x, h.T, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame(traits, columns=["rate", "death_rate"]).assign(alive=alive)

    def _observe(self, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        traits = self.draw_customers(T.size, seed=seed, replication=replication)
        rate, lifetime = (np.ascontiguousarray(traits[name]) for name in ("rate", "lifetime"))
        rows = observe(rate, np.zeros(T.size), lifetime, T, 1, False, replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
