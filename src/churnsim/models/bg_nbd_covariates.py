"""BG/NBD with static covariates on the purchase rate and on dropout (see `covariates.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.kernels import bg_nbd_forecast as forecast
from churnsim.kernels import bg_nbd_rows as kernel
from churnsim.kernels.bg_nbd_discounted import discounted
from churnsim.kernels.observed import observe
from churnsim.kernels.streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.bg_nbd import BGNBD
from churnsim.models.buy_till_you_die import Living
from churnsim.models.chunks import Chunks, by_chunks
from churnsim.models.covariates import CovariateModel, RowHistories
from churnsim.models.histories import Histories
from churnsim.models.likelihood import Likelihood

__all__ = ["BGNBDCovariates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BGNBDCovariates(CovariateModel):
    """A BG/NBD model whose `alpha` and `a` are those of an average customer.

    `rate_effects` multiply a customer's purchase rate by e^(effect . (covariate - mean)), `lifetime_effects` the odds
    of its mean dropout probability; `covariate_means` has the mean of each covariate. Known customers' summaries must
    hold the covariates; new customers are average ones.
    """

    r: float
    alpha: float
    a: float
    b: float
    rate_effects: Mapping[str, float] = field(default_factory=dict)
    lifetime_effects: Mapping[str, float] = field(default_factory=dict)
    covariate_means: Mapping[str, float] = field(default_factory=dict)
    unit: str = "W"

    family: ClassVar[str] = "bg_nbd_covariates"
    base_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    parameter_names: ClassVar[tuple[str, ...]] = base_names

    @classmethod
    def _base_likelihood(cls, summary: pd.DataFrame, *, unit: str | None, weights: ArrayLike | None) -> Likelihood[Any]:
        return BGNBD.likelihood(summary, unit=unit, weights=weights)

    @classmethod
    def _row_objective(cls, parameters: Floats, h: RowHistories) -> Floats:
        r, alpha, a, b = map(float, parameters)
        chunks = Chunks(alpha / h.rate_factor, a * h.leaving_factor, h.x, h.t_x, h.T)
        value, in_r, in_alpha, in_a, in_b = chunks.join(kernel.terms, last=(r, b)).T
        return np.column_stack([value, in_r, in_alpha / alpha, in_a / a, in_b, -in_alpha, in_a])

    def _own(self, h: Histories) -> tuple[Floats, Floats]:
        assert isinstance(h, RowHistories)  # made by `_histories`
        return self.alpha / h.rate_factor, self.a * h.leaving_factor

    def _log_likelihood(self, h: Histories) -> Floats:
        return by_chunks(kernel.terms, (*self._own(h), h.x, h.t_x, h.T), float(self.r), float(self.b))[:, 0]

    def _alive(self, h: Histories) -> Floats:
        return by_chunks(kernel.p_alive, (*self._own(h), h.x, h.t_x, h.T), float(self.r), float(self.b))

    def _living(self, h: Histories) -> Living:
        alpha, a = self._own(h)
        x = h.x.astype(np.float64)
        return self.r + x, alpha + h.T, a, self.b + x

    def _new(self, n: int) -> tuple[float, Living]:
        return 1.0, tuple(np.full(n, value) for value in self._parameters)

    def _expected_living(self, living: Living, horizon: Floats) -> Floats:
        return by_chunks(forecast.expected, (*living, horizon))

    def _pmf_living(self, living: Living, n: int, horizon: Floats) -> Floats:
        return by_chunks(forecast.pmf, (*living, horizon), n)

    def _discounted_living(self, living: Living, force: float, horizon: float) -> Floats:
        return by_chunks(discounted, living, force, horizon)

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(living[1] * np.expm1(-np.log1p(-share) / living[0]))

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` average customers: columns `rate` (purchases per unit) and `dropout` (probability)."""
        alpha, a = np.full(n, float(self.alpha)), np.full(n, float(self.a))
        return self._population(alpha, a, seed, replication)

    def _population(self, alpha: Floats, a: Floats, seed: int, replication: int) -> pd.DataFrame:
        r, b = float(self.r), float(self.b)
        rows = kernel.draw_population(alpha, a, r, b, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=["rate", "dropout"])

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        alpha, a = self._own(h)
        r, b = float(self.r), float(self.b)
        traits, alive = kernel.draw_histories(
            alpha, a, h.x, h.t_x, h.T, r, b, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame(traits, columns=["rate", "dropout"]).assign(alive=alive)

    def _observe(self, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        return self._seen(self.draw_customers(T.size, seed=seed, replication=replication), T, seed, replication)

    def draw_summary_like(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """A summary of simulated customers with the covariates and T of these."""
        start = summary.assign(frequency=0, recency=0.0)
        h = self._histories(start)
        traits = self._population(*self._own(h), seed, replication)
        return start.assign(**self._seen(traits, h.T, seed, replication).set_index(summary.index))

    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        rate, dropout = (np.ascontiguousarray(traits[name]) for name in ("rate", "dropout"))
        rows = observe(rate, dropout, np.full(T.size, np.inf), T, 1, False, replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
