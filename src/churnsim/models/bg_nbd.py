"""BG/NBD: repeat buying with dropout after a purchase.

Fader, Hardie & Lee (2005), "'Counting your customers' the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24(2), 275-284. While alive a customer buys as a Poisson process at rate lambda; after each repeat
purchase it drops out with probability p; lambda ~ Gamma(r, rate alpha) and p ~ Beta(a, b), independently. Equation
numbers below are that paper's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.identity import customer_uids
from churnsim.errors import ConfigError, DataError
from churnsim.kernels import bg_nbd as kernel
from churnsim.kernels import bg_nbd_forecast as forecast
from churnsim.kernels.population import draw_histories, draw_population
from churnsim.kernels.streams import MODEL_DRAWS, TRAITS
from churnsim.models.fit import FitStatus, ModelFit, build_fit, status_of
from churnsim.models.histories import Histories, checked_weights
from churnsim.models.optimise import maximise
from churnsim.models.parameters import ParametricModel

__all__ = ["BGNBD"]

Floats = NDArray[np.float64]

REMEDIES = (
    "Read p_alive and forecasts, which often stay well determined, rather than the single parameters; use a longer "
    "observation or more customers; compare with a model without dropout."
)


@dataclass(frozen=True, kw_only=True)
class BGNBD(ParametricModel):
    """A BG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0."""

    r: float
    alpha: float
    a: float
    b: float
    unit: str = "W"

    family: ClassVar[str] = "bg_nbd"

    @classmethod
    def fit(
        cls, summary: pd.DataFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> ModelFit[BGNBD]:
        """Maximum likelihood (eq. 7).

        `summary` has `frequency, recency, T` in `unit`, which is the summary's own where `churnsim.summarise` made
        it, and weeks where nothing says; `weights` (one a row, finite, 0 or more) count customers of that row.
        Identical rows are collapsed, time is scaled by its mean, so that days and years give the same fit. Raises
        DataError for a summary that is not one; a likelihood without an inner maximum is no error but a FitStatus.
        """
        histories = Histories.of(summary, unit=unit)
        unit = unit or summary.attrs.get("unit", "W")
        x, t_x, T, weight = _collapse(histories, checked_weights(weights, histories.x.size))
        customers = float(weight.sum())
        repeats = float(weight @ x)
        scale = float(weight @ T) / customers
        if scale == 0:
            raise DataError(
                "every customer first bought on the last day (T is 0 throughout), so there is nothing to fit. "
                "Check the observation end, or observe longer."
            )
        t_x, T = t_x / scale, T / scale

        def objective(parameters: Floats) -> tuple[float, Floats]:
            r, alpha, a, b = parameters
            result = kernel.objective(r, alpha, a, b, x, t_x, T, weight)
            return float(result[0]), result[1:]

        def hessian(parameters: Floats) -> Floats:
            r, alpha, a, b = parameters
            return kernel.hessian(r, alpha, a, b, x, t_x, T, weight)

        never = float(weight[x == 0].sum()) / customers
        optimum = maximise(objective, starts=_starts(repeats / customers, never), customers=customers, hessian=hessian)
        r, alpha, a, b = map(float, optimum.parameters)
        model = cls(r=r, alpha=alpha * scale, a=a, b=b, unit=unit)
        status = status_of(optimum, ("r", "alpha", "a", "b"), REMEDIES)
        if repeats == 0:
            status = FitStatus(
                "too little data",
                "no customer bought again, so neither the purchase rate nor dropout can be told.",
                "Observe longer, or check that repeat purchases are in the log.",
            )
        # Scaling time by s multiplies the density of x purchase times by s^x.
        loglik = optimum.value - repeats * float(np.log(scale))
        return build_fit(
            model, names=("r", "alpha", "a", "b"), optimum=optimum, loglik=loglik, n=customers, status=status
        )

    @property
    def _parameters(self) -> tuple[float, float, float, float]:
        return float(self.r), float(self.alpha), float(self.a), float(self.b)

    def log_likelihood(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer (eq. 6), in the data's own time unit."""
        h = Histories.of(summary, unit=self.unit)
        return h.series(kernel.log_likelihood(*self._parameters, h.x, h.t_x, h.T), "log_likelihood")

    def p_alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """P(alive at T | history) of each customer; 1 where there is no repeat purchase, since dropout follows one."""
        h = Histories.of(summary, unit=self.unit)
        return h.series(kernel.p_alive(*self._parameters, h.x, h.t_x, h.T), "p_alive")

    def expected_purchases(self, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.Series[float]:
        """E[purchases in (T, T + horizon] | history] of each customer (eq. 10).

        `horizon` in the model's unit, a number or one per row, finite and 0 or more.
        """
        h = Histories.of(summary, unit=self.unit)
        spans = np.ascontiguousarray(np.broadcast_to(_durations(horizon, "horizon"), h.x.shape))
        return h.series(forecast.expected_purchases(*self._parameters, h.x, h.t_x, h.T, spans), "expected_purchases")

    def expected_purchases_new(self, t: float | ArrayLike) -> Floats:
        """E[X(t)]: repeat purchases of a new customer by age `t` in the model's unit (eq. 9). Shape of `t`."""
        ages = _durations(t, "t")
        return forecast.expected_new(*self._parameters, ages.ravel()).reshape(ages.shape)

    def purchase_pmf(self, n: int | Sequence[int] | NDArray[np.int64], t: float) -> Floats:
        """P(X(t) = n): a new customer makes n repeat purchases by age t (eq. 8). Shape of `n`."""
        counts = np.asarray(n, dtype=np.int64)
        if (counts < 0).any():
            raise ConfigError(f"n must be 0 or more; got {counts.min()}.")
        age = float(_durations(t, "t"))
        values = [forecast.purchase_pmf(*self._parameters, int(k), age) for k in counts.ravel()]
        return np.array(values, dtype=np.float64).reshape(counts.shape)

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """`n` customers from the population: columns `rate` (purchases per unit) and `dropout` (probability)."""
        rows = draw_population(*self._parameters, n, replication, seed, MODEL_DRAWS, TRAITS)
        return pd.DataFrame(rows, columns=["rate", "dropout"])

    def draw_posterior(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One exact draw of each customer's `rate`, `dropout` and `alive` given its own history.

        The posterior is a mixture of Gamma x Beta for the living and for the gone (see the kernel). A customer's
        draw depends on its id, `seed` and `replication` alone, not on who else is in the frame.
        """
        h = Histories.of(summary, unit=self.unit)
        traits, alive = draw_histories(
            *self._parameters, h.x, h.t_x, h.T, customer_uids(h.index), replication, seed, MODEL_DRAWS, TRAITS
        )
        return pd.DataFrame(traits, columns=["rate", "dropout"], index=h.index).assign(alive=alive)


def _starts(mean: float, never: float) -> list[Floats]:
    """Starting points in units of the mean observation.

    The first matches the `mean` repeat count and the share who `never` bought again, as if nobody dropped out (NBD:
    P(0) = (1 + mean/r)^-r), with moderate dropout; the others span light and heavy dropout.
    """
    mean = max(mean, 1e-3)
    low, high = math.log(0.05), math.log(20.0)
    for _ in range(12):
        r = math.exp((low + high) / 2)
        # P(0) falls with r: the more alike customers are, the fewer never buy.
        low, high = (math.log(r), high) if (1 + mean / r) ** -r > never else (low, math.log(r))
    shapes = [(r, 0.8, 2.5), (2.0, 0.8, 2.5), (0.2, 0.2, 4.0), (1.0, 2.0, 2.0), (5.0, 0.05, 1.0), (1.0, 5.0, 200.0)]
    return [np.array([r, r / mean, a, b]) for r, a, b in shapes]


def _collapse(h: Histories, weight: Floats) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """One row for identical histories, with their summed weight; rows without weight are left out."""
    order = np.lexsort((h.T, h.t_x, h.x))
    x, t_x, T, weight = h.x[order], h.t_x[order], h.T[order], weight[order]
    fresh = np.r_[True, (np.diff(x) != 0) | (np.diff(t_x) != 0) | (np.diff(T) != 0)]
    summed = np.add.reduceat(weight, np.flatnonzero(fresh))
    kept = summed > 0
    return x[fresh][kept], t_x[fresh][kept], T[fresh][kept], summed[kept]


def _durations(value: float | ArrayLike, name: str) -> Floats:
    """Durations as a float array; ConfigError for a negative or non-finite one."""
    values = np.asarray(value, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ConfigError(f"{name} must be finite and 0 or more, in the model's unit; got {value!r}.")
    return values
