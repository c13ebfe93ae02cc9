"""NBD: repeat buying without dropout, the baseline that every other family must beat.

Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1), 26-41. A customer buys as a Poisson
process at rate lambda for ever; lambda ~ Gamma(r, rate alpha). The time of the last purchase says nothing here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.kernels.likelihoods import nbd as kernel
from churnsim.kernels.likelihoods.population import draw_rates
from churnsim.kernels.likelihoods.simulate_history import observe
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, PURCHASE, TRAITS
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import Chunks, by_chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.buy_till_you_die import Living
from churnsim.models.purchase.continuous_time import ContinuousTime
from churnsim.models.purchase.fit_data import ScaledHistories, rate_starts
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.typing import Floats, Ints

__all__ = ["NBD"]


REMEDIES = "Customers buy as if all at one rate (or are too few to tell): read r / alpha, their mean rate."


@dataclass(frozen=True, kw_only=True)
class NBD(ContinuousTime):
    """An NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, and the `unit` of time ("D", "W",
    "M", "Y"). Raises ConfigError unless both are finite and above 0. Everybody is alive for ever.

    Examples
    --------
    >>> model = NBD(r=0.385, alpha=12.07)
    >>> round(float(model.expected_purchases_new(39.0)), 3)
    1.244
    """

    r: float
    alpha: float
    unit: str = "W"

    family: ClassVar[str] = "nbd"
    title: ClassVar[str] = "NBD"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha")
    simulated_as: ClassVar[Simulated | None] = "dropout"

    @property
    def simulated_parameters(self) -> tuple[float, ...]:
        """Nobody leaves: a dropout probability drawn from Beta(1e-300, 1) is 0."""
        return self.r, self.alpha, 1e-300, 1.0

    @classmethod
    def likelihood(
        cls, summary: pd.DataFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`)."""
        data = ScaledHistories.of(summary, unit=unit, weights=weights)
        chunks = Chunks(data.histories.x, data.histories.T, data.weight)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            result = chunks.sum(kernel.objective, tuple(parameters))
            return float(result[0]), result[1:]

        return Likelihood(
            names=cls.parameter_names,
            scales=np.array([1.0, data.scale]),
            starts=[np.array(rate) for rate in rate_starts(data)],
            customers=data.customers,
            log_scale=data.log_scale,
            objective=objective,
            build=lambda values: cls.from_dict({**values, "unit": data.unit}),
            remedies=REMEDIES,
            doubt=data.doubt,
        )

    def _log_likelihood(self, h: Histories) -> Floats:
        r, alpha = self._parameters
        return kernel.log_likelihood(r, alpha, h.x, h.T)

    def _alive(self, h: Histories) -> Floats:
        return np.ones(h.x.size)

    def _living(self, h: Histories) -> Living:
        r, alpha = self._parameters
        return r + h.x.astype(np.float64), alpha + h.T

    def _new(self, n: int) -> tuple[float, Living]:
        r, alpha = self._parameters
        return 1.0, (np.full(n, r), np.full(n, alpha))

    def _expected_living(self, living: Living, horizon: Floats) -> Floats:
        return np.asarray(living[0] / living[1] * horizon)

    def _pmf_living(self, living: Living, n: int, horizon: Floats) -> Floats:
        return by_chunks(kernel.pmf, (*living, horizon), n)

    def _discounted_living(self, living: Living, force: float, horizon: float) -> Floats:
        length = -math.expm1(-force * horizon) / force if force else horizon
        return np.asarray(living[0] / living[1] * length)

    def _living_traits(self, living: Living) -> LivingTraits:
        R, A = living
        return LivingTraits(R, A, "never", np.ones(R.size), np.ones(R.size))

    def _wait_living(self, living: Living, share: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(living[1] * np.expm1(-np.log1p(-share) / living[0]))

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` customers from the population: the column `rate` (purchases per unit)."""
        r, alpha = self._parameters
        shape, rate = np.full(n, r), np.full(n, alpha)
        uids = np.arange(n, dtype=np.int64)
        return pd.DataFrame({"rate": draw_rates(shape, rate, uids, replication, seed, MODEL_DRAWS, TRAITS)})

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        shape, rate = self._living(h)
        rates = draw_rates(shape, rate, uids, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame({"rate": rates, "alive": True})

    def _observe(self, T: Floats, seed: int, replication: int) -> pd.DataFrame:
        rate = np.ascontiguousarray(self.draw_customers(T.size, seed=seed, replication=replication)["rate"])
        forever = np.full(T.size, np.inf)
        rows = observe(rate, np.zeros(T.size), forever, T, 1, False, replication, seed, MODEL_DRAWS, PURCHASE)
        return pd.DataFrame({"frequency": rows[:, 0].astype(np.int64), "recency": rows[:, 1]})
