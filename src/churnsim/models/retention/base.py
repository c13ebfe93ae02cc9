"""What every model of staying can be asked: survival, retention, expected tenure, and what a customer is still worth.

All verbs come in two forms. Without `customers` they speak of a new customer. With `customers`, a frame with `tenure`
(the time each has been there, in the model's unit) and the covariates of the model, they speak of each of those from
now on, given that it has stayed so far; customers whose `churned` is true are worth nothing and stay no more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.errors import ConfigError
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.retention.tenures import Tenures
from churnsim.typing import Floats
from churnsim.units import discount_force

__all__ = ["RetentionModel", "amounts_at", "endless_steps"]


ROWS_AT_ONCE = 4096  # customers valued together: some 80 MB for a horizon of 2,500 months
NEGLIGIBLE = 1e-9  # a discount factor below which an endless sum stops: less than a cent on ten million


class RetentionModel(ParametricModel):
    """Base of the models of staying. A subclass gives `unit` and `log_survival`, and `residual_survival` where
    customers differ."""

    unit: str
    # Whether customers can leave at renewals alone, so that sums over whole units are exact.
    at_renewals: ClassVar[bool] = False

    @abstractmethod
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) of a new customer, shape of `t` (1-d)."""

    def residual_survival(self, customers: pd.DataFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now), shape (customers, steps), whether or not `churned`."""
        tenure, place = np.unique(Tenures.of(customers, need_churned=False).tenure, return_inverse=True)
        ahead = self.log_survival((tenure[:, None] + steps[None, :]).ravel()).reshape(tenure.size, steps.size)
        ratio: Floats = np.exp(ahead - self.log_survival(tenure)[:, None])
        return ratio[place]

    def survival(self, t: ArrayLike, *, customers: pd.DataFrame | None = None) -> Floats | pd.DataFrame:
        """S(t): the probability to be there longer than `t` (in the model's unit), shape of `t`.

        With `customers`: a frame with a row a customer and a column for each t, counted from now.
        """
        ages = durations(t, "t")
        if customers is None:
            return np.exp(self.log_survival(ages.ravel())).reshape(ages.shape)
        flat = np.atleast_1d(ages).ravel()
        return pd.DataFrame(
            _active(customers)[:, None] * self.residual_survival(customers, flat), customers.index, flat
        )

    def retention(self, t: ArrayLike, *, customers: pd.DataFrame | None = None) -> Floats | pd.DataFrame:
        """r(t) = S(t) / S(t - 1): of those there at t - 1, the share still there at t. `t` is 1 or more, else
        ConfigError."""
        ages = durations(t, "t")
        if (ages < 1).any():
            raise ConfigError(f"retention is of the unit that ends at t, so t must be 1 or more; got {ages.min():g}.")
        flat = np.atleast_1d(ages).ravel()
        if customers is None:
            return np.exp(self.log_survival(flat) - self.log_survival(flat - 1.0)).reshape(ages.shape)
        both = self.residual_survival(customers, np.concatenate([flat, flat - 1.0]))
        with np.errstate(invalid="ignore"):
            return pd.DataFrame(both[:, : flat.size] / both[:, flat.size :], customers.index, flat)

    def expected_tenure(self, horizon: float, *, customers: pd.DataFrame | None = None) -> float | pd.Series[float]:
        """Expected time there within `horizon` from now: the sum (or integral) of survival, in the model's unit.
        ConfigError for a horizon that is no whole number of renewals, where customers leave at renewals alone."""
        span = float(durations(horizon, "horizon"))
        if self.at_renewals:
            if span != np.floor(span):
                raise ConfigError(f"horizon must be a whole number of renewals; got {span:g}.")
            steps, weights = np.arange(span), np.ones(int(span))
        else:
            # Simpson's rule at twenty points a unit.
            count = 2 * max(1, int(np.ceil(10 * span)))
            steps = np.linspace(0.0, span, count + 1)
            weights = np.where(np.arange(count + 1) % 2 == 1, 4.0, 2.0) * span / count / 3
            weights[[0, -1]] /= 2.0
        if customers is None:
            return float(np.exp(self.log_survival(steps)) @ weights)
        return pd.Series(_active(customers) * self._weighted(customers, steps, weights), customers.index)

    def residual_value(
        self,
        annual_discount_rate: float,
        margin: ArrayLike | pd.Series[float] = 1.0,
        *,
        customers: pd.DataFrame | None = None,
        horizon: float | None = None,
        by_tenure: Sequence[float] | None = None,
    ) -> float | pd.Series[float]:
        """Expected discounted margin from now on, in money: sum over k = 1, 2, ... of margin P(there after k) v^(k-1).

        The next renewal is due now and each unit's margin comes at the unit's start, as in Fader & Hardie (2010, eq.
        6: with `margin=1` and no `horizon` this is their DERL). `margin` is money per unit, one number or one a
        customer; `horizon` a whole number of units, without end if absent. A new customer stands before its first
        renewal: what it paid on arrival is not counted. `by_tenure` multiplies the margin by what a customer brings on
        arrival, at its first renewal, the next, ..., the last value holding on. Raises ConfigError for a horizon or
        amounts that are none, and for no horizon without discounting.
        """
        v = float(np.exp(-discount_force(annual_discount_rate, self.unit)))
        steps = endless_steps(horizon, v)
        weights = v ** (steps - 1.0)
        if by_tenure is not None and not np.isfinite(np.asarray(by_tenure, dtype=np.float64)).all():
            raise ConfigError(f"by_tenure must be finite amounts; got {list(by_tenure)!r}.")
        if customers is None:
            paid = weights if by_tenure is None else weights * amounts_at(by_tenure, steps)
            return float(np.exp(self.log_survival(steps)) @ paid) * float(np.asarray(margin))
        value = _active(customers) * self._weighted(customers, steps, weights, by_tenure)
        money = margin.reindex(customers.index) if isinstance(margin, pd.Series) else margin
        return pd.Series(value * np.asarray(money, dtype=np.float64), customers.index, name="residual_value")

    def _weighted(
        self, customers: pd.DataFrame, steps: Floats, weights: Floats, by_tenure: Sequence[float] | None = None
    ) -> Floats:
        """Weighted sum of each customer's residual survival, a few thousand customers at a time."""
        parts = []
        for part in _parts(customers):
            survival = self.residual_survival(part, steps)
            if by_tenure is not None:
                survival *= amounts_at(by_tenure, part["tenure"].to_numpy(np.float64)[:, None] + steps)
            parts.append(survival @ weights)
        return np.concatenate(parts)


def amounts_at(by_tenure: Sequence[float], tenure: Floats) -> Floats:
    """What is brought at the renewal with that number, 0 being the arrival; the last amount holds on."""
    amounts = np.array(by_tenure, dtype=np.float64)
    return np.asarray(amounts[np.minimum(tenure.astype(np.int64), amounts.size - 1)])


def _parts(customers: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(customers), ROWS_AT_ONCE):
        yield customers.iloc[start : start + ROWS_AT_ONCE]


def _active(customers: pd.DataFrame) -> Floats:
    """1 for customers still there, 0 for those who left."""
    return (~Tenures.of(customers, need_churned=False).churned).astype(np.float64)


def endless_steps(horizon: float | None, v: float) -> Floats:
    """Renewals 1, 2, ... to the horizon, or without one until the discount factor v^k is nothing."""
    return np.arange(1.0, _units_ahead(horizon, v) + 1.0)


def _units_ahead(horizon: float | None, v: float) -> int:
    if horizon is not None:
        span = float(durations(horizon, "horizon"))
        if span != np.floor(span):
            raise ConfigError(f"horizon must be a whole number of units; got {span:g}.")
        return int(span)
    if v >= 1.0:
        raise ConfigError("without discounting a value without horizon has no end. Give a horizon or a positive rate.")
    return int(np.ceil(np.log(NEGLIGIBLE) / np.log(v)))


def durations(t: ArrayLike, name: str) -> Floats:
    """`t` as an array of finite numbers, 0 or more; ConfigError otherwise."""
    values = np.asarray(t, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ConfigError(f"{name} must be finite and 0 or more; got {values.tolist()!r}.")
    return values
