"""Pareto/NBD with static covariates on the purchase rate and on the death rate (see `covariates.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.kernels.likelihoods import pareto_nbd_rows as kernel
from churnsim.kernels.likelihoods.population import draw_gamma_pairs
from churnsim.kernels.likelihoods.simulate_history import observe
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.buy_till_you_die import Living
from churnsim.models.purchase.covariates import CovariateModel, RowHistories
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.pareto_nbd import LivingGammaGamma, ParetoNBD

__all__ = ["ParetoNBDCovariates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ParetoNBDCovariates(CovariateModel, LivingGammaGamma):
    """A Pareto/NBD model whose `alpha` and `beta` are those of an average customer.

    `rate_effects` multiply a customer's purchase rate by e^(effect . (covariate - mean)), `lifetime_effects` its
    death rate; `covariate_means` has the mean of each covariate. Known customers' summaries must hold
    the covariates; new customers are average ones.
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
    base_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    parameter_names: ClassVar[tuple[str, ...]] = base_names
    plain: ClassVar[Any] = ParetoNBD
    kernels: ClassVar[Any] = kernel

    @classmethod
    def _row_objective(cls, parameters: Floats, h: RowHistories) -> Floats:
        r, alpha, s, beta = map(float, parameters)
        chunks = Chunks(alpha / h.rate_factor, beta / h.leaving_factor, h.x, h.t_x, h.T)
        value, in_r, in_alpha, in_beta, in_s = chunks.join(kernel.terms, last=(r, s)).T
        return np.column_stack([value, in_r, in_alpha / alpha, in_s, in_beta / beta, -in_alpha, -in_beta])

    def _own(self, h: Histories) -> tuple[Floats, Floats]:
        assert isinstance(h, RowHistories)  # made by `_histories`
        return self.alpha / h.rate_factor, self.beta / h.leaving_factor

    @property
    def _shared(self) -> tuple[float, float]:
        return float(self.r), float(self.s)

    def _living(self, h: Histories) -> Living:
        alpha, beta = self._own(h)
        return self.r + h.x.astype(np.float64), alpha + h.T, np.full(h.x.size, float(self.s)), beta + h.T

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        r, alpha, s, beta = self._parameters
        rows = draw_gamma_pairs(r, alpha, s, beta, rate.size, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(
            {"rate": rows[:, 0] * rate, "death_rate": rows[:, 1] * leaving, "lifetime": rows[:, 2] / leaving}
        )

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        alpha, beta = self._own(h)
        traits, alive = kernel.draw_histories(
            alpha, beta, h.x, h.t_x, h.T, *self._shared, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame(traits, columns=["rate", "death_rate"]).assign(alive=alive)

    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        rate, lifetime = (np.ascontiguousarray(traits[name]) for name in ("rate", "lifetime"))
        rows = observe(rate, np.zeros(T.size), lifetime, T, 1, False, replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
