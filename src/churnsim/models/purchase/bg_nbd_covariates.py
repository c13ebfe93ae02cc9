"""BG/NBD with static covariates on the purchase rate and on dropout (see `covariates.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.kernels.likelihoods import bg_nbd_rows as kernel
from churnsim.kernels.likelihoods.simulate_history import observe
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.beta_dropout import LivingGammaBeta
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.buy_till_you_die import Living
from churnsim.models.purchase.covariates import CovariateModel, RowHistories
from churnsim.models.purchase.histories import Histories

__all__ = ["BGNBDCovariates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BGNBDCovariates(CovariateModel, LivingGammaBeta):
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
    plain: ClassVar[Any] = BGNBD
    kernels: ClassVar[Any] = kernel

    @classmethod
    def _row_objective(cls, parameters: Floats, h: RowHistories) -> Floats:
        r, alpha, a, b = map(float, parameters)
        chunks = Chunks(alpha / h.rate_factor, a * h.leaving_factor, h.x, h.t_x, h.T)
        value, in_r, in_alpha, in_a, in_b = chunks.join(kernel.terms, last=(r, b)).T
        return np.column_stack([value, in_r, in_alpha / alpha, in_a / a, in_b, -in_alpha, in_a])

    def _own(self, h: Histories) -> tuple[Floats, Floats]:
        assert isinstance(h, RowHistories)  # made by `_histories`
        return self.alpha / h.rate_factor, self.a * h.leaving_factor

    @property
    def _shared(self) -> tuple[float, float]:
        return float(self.r), float(self.b)

    def _living(self, h: Histories) -> Living:
        alpha, a = self._own(h)
        x = h.x.astype(np.float64)
        return self.r + x, alpha + h.T, a, self.b + x

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        alpha, a = self.alpha / rate, self.a * leaving
        rows = kernel.draw_population(alpha, a, *self._shared, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=["rate", "dropout"])

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        alpha, a = self._own(h)
        traits, alive = kernel.draw_histories(
            alpha, a, h.x, h.t_x, h.T, *self._shared, uids, replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame(traits, columns=["rate", "dropout"]).assign(alive=alive)

    def _seen(self, traits: pd.DataFrame, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        rate, dropout = (np.ascontiguousarray(traits[name]) for name in ("rate", "dropout"))
        rows = observe(rate, dropout, np.full(T.size, np.inf), T, 1, False, replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
