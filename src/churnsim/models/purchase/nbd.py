"""NBD: repeat buying without dropout, the baseline that every other family must beat.

Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1), 26-41. A customer buys as a Poisson
process at rate lambda for ever; lambda ~ Gamma(r, rate alpha). The time of the last purchase says nothing here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import polygamma

from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.kernels.likelihoods import nbd as kernel
from churnsim.kernels.likelihoods.calendar_clock import curvature_of_effects
from churnsim.kernels.likelihoods.population import draw_rates
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import Chunks, by_chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.buy_till_you_die import Living
from churnsim.models.purchase.calendar.clock import ClockTerms
from churnsim.models.purchase.continuous_time import TakesCalendar
from churnsim.models.purchase.fit_data import ScaledHistories, likelihood_of, summed
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.typing import Floats, Ints

REMEDIES = "Customers buy as if all at one rate (or are too few to tell): read r / alpha, their mean rate."


@dataclass(frozen=True, kw_only=True)
class NBD(TakesCalendar):
    """An NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, and the `unit` of time ("H", "D",
    "W", "M", "Y"). Raises ConfigError unless both are finite and above 0. Everybody is alive for ever.

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
    # A life that ends at a rate of 0.
    simulated_as: ClassVar[Simulated | None] = "clock"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha")

    @classmethod
    def likelihood(
        cls, summary: CustomerFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers (see `Likelihood`)."""
        data = ScaledHistories.of(summary, unit=unit, weights=weights)
        chunks = Chunks(data.histories.x, data.histories.T, data.weight)

        return likelihood_of(cls, data, summed(kernel.objective, chunks), leaving=[()] * 6, remedies=REMEDIES)

    def _score_sql(self, *, x: str, T: str, **_: str) -> str:
        """Expected purchases in a unit of time in SQL; nobody leaves, so those of h units are h times as many."""
        r, alpha = map(float, self._parameters)
        return f"({r!r} + {x}) / ({alpha!r} + {T})"

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

    def _staying(self, living: Living, horizon: Floats) -> Floats:
        return np.ones(horizon.size)

    def _pmf_later(self, living: Living, n: int, start: Floats, horizon: Floats) -> Floats:
        return self._pmf_living(living, n, horizon)

    @classmethod
    def _on_clock(cls, parameters: Floats, h: Histories, weight: Floats, **fixed: Any) -> ClockTerms:
        r, alpha = parameters
        value, slopes = summed(kernel.objective, Chunks(h.x, h.T, weight))(parameters)

        def curvature(places: tuple[Floats, ...], table: Floats) -> tuple[Floats, Floats]:
            by_r, by_alpha = -weight / (alpha + h.T), weight * (r + h.x) / (alpha + h.T) ** 2
            both = float((weight * (1 / alpha - 1 / (alpha + h.T))).sum())
            kinds, kind = np.unique(h.x, return_inverse=True)
            in_r = float((np.bincount(kind, weight) * (polygamma(1, r + kinds) - polygamma(1, r))).sum())
            second = np.array([[in_r, both], [both, float(by_alpha.sum() - weight.sum() * r / alpha**2)]])
            nothing = np.zeros(h.x.size)
            rows = np.column_stack([nothing, nothing, by_alpha, nothing, nothing, by_r, by_alpha])
            return second, Chunks(rows, *places).sum(curvature_of_effects, (), (table,))

        return ClockTerms(value, slopes, np.zeros(h.x.size), -weight * (r + h.x) / (alpha + h.T), curvature)

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

    @property
    def simulated_parameters(self) -> tuple[float, ...]:
        """As of a Pareto/NBD whose death rate is 0 for everybody."""
        r, alpha = self._parameters
        return r, alpha, 1.0, math.inf

    def _population(self, rate: Floats, leaving: Floats, seed: int, replication: int) -> pd.DataFrame:
        """Columns `rate` (purchases per unit) and `death_rate`, which is 0."""
        r, alpha = self._parameters
        uids = np.arange(rate.size, dtype=np.int64)
        rates = draw_rates(np.full(rate.size, r), alpha / rate, uids, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame({"rate": rates, "death_rate": 0.0})

    def _draw(self, h: Histories, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        shape, rate = self._living(h)
        rates = draw_rates(shape, rate, uids, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame({"rate": rates, "death_rate": 0.0, "alive": True})
