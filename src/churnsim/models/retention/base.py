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

from churnsim.checks import check_number, shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import durations, numbers
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.retention.tenures import Tenures
from churnsim.typing import Floats
from churnsim.units import discount_force, term_of

# Customers valued together, and numbers in a matrix of them by renewals: a few of 90 MB each at once.
ROWS_AT_ONCE, STEPS_AT_ONCE, CELLS = 4096, 4096, 11_000_000
ROUNDING = 1e-16
NODES = 200  # of the quadrature: to 1e-10 over a horizon of a hundred times the mean tenure
MOST_UNITS = 10_000_000  # units that a sum without horizon may run over
NEGLIGIBLE = 1e-9  # a discount factor below which an endless sum stops: less than a cent on ten million


class RetentionModel(ParametricModel):
    """Base of the models of staying. A subclass gives `unit` and `log_survival`, and `residual_survival` where
    customers differ.

    Examples
    --------
    >>> from churnsim.models import ShiftedBetaGeometric
    >>> model: RetentionModel = ShiftedBetaGeometric(alpha=0.668, beta=3.806, unit="Y")
    >>> model.survival(np.array([0.0, 1.0, 2.0])).round(3).tolist()
    [1.0, 0.851, 0.747]
    """

    unit: str
    # Whether customers can leave at renewals alone, so that sums over whole units are exact.
    at_renewals: ClassVar[bool] = False

    @staticmethod
    def check_unit(unit: str) -> None:
        """ConfigError for what is no time between renewals: a unit, or a term of several such as "3 M"."""
        term_of(unit)

    @abstractmethod
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) of a new customer, shape of `t` (1-d)."""

    @typed
    def residual_survival(self, customers: CustomerFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now), shape (customers, steps), whether or not `churned`."""
        steps = durations(steps, "steps").ravel()
        tenure, place = np.unique(Tenures.of(customers, need_churned=False).tenure, return_inverse=True)
        ahead = self.log_survival((tenure[:, None] + steps[None, :]).ravel()).reshape(tenure.size, steps.size)
        return ratio_of_survivals(ahead, self.log_survival(tenure)[:, None])[place]

    def survival(self, t: ArrayLike, *, customers: CustomerFrame | None = None) -> Floats | pd.DataFrame:
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

    def retention(self, t: ArrayLike, *, customers: CustomerFrame | None = None) -> Floats | pd.DataFrame:
        """r(t) = S(t) / S(t - 1): of those there at t - 1, the share still there at t. `t` is 1 or more, else
        ConfigError."""
        ages = durations(t, "t")
        if (ages < 1).any():
            raise ConfigError(f"retention is of the unit that ends at t, so t must be 1 or more; got {ages.min():g}.")
        flat = np.atleast_1d(ages).ravel()
        if customers is None:
            return ratio_of_survivals(self.log_survival(flat), self.log_survival(flat - 1.0)).reshape(ages.shape)
        after, before = (self.residual_survival(customers, steps) for steps in (flat, flat - 1.0))
        kept = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
        return pd.DataFrame(kept, customers.index, flat)

    def expected_tenure(self, horizon: float, *, customers: CustomerFrame | None = None) -> float | pd.Series[float]:
        """Expected time there within `horizon` from now: the sum (or integral) of survival, in the model's unit.
        ConfigError for a horizon that is no whole number of renewals, where customers leave at renewals alone."""
        means = self.restricted_mean(customers, horizon)
        return float(means[0]) if customers is None else pd.Series(_active(customers) * means, customers.index)

    @typed
    def restricted_mean(self, customers: CustomerFrame | None, horizon: float) -> Floats:
        """The same as an array, a customer each, whether or not `churned`; one entry without customers.

        A sum where customers leave at renewals alone; else Gauss and Legendre's rule in the fourth root of the time
        ahead, which is smooth there also where the hazard is infinite at 0.
        """
        horizon = check_number(horizon, "horizon", least=0, most=MOST_UNITS)
        if self.at_renewals:
            if horizon != np.floor(horizon):
                raise ConfigError(f"horizon must be a whole number of renewals; got {horizon:g}.")
            steps, weights = np.arange(horizon), np.ones(int(horizon))
        else:
            nodes, share = np.polynomial.legendre.leggauss(NODES)
            root = (nodes + 1.0) / 2.0
            steps, weights = horizon * root**4, horizon * 2.0 * root**3 * share
        if customers is None:
            return np.atleast_1d(np.exp(self.log_survival(steps)) @ weights)
        return self._weighted(customers, steps, weights)

    @typed
    def residual_value(
        self,
        annual_discount_rate: float,
        margin: ArrayLike | pd.Series[float] = 1.0,
        *,
        customers: CustomerFrame | None = None,
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
        v = float(np.exp(-discount_force(annual_discount_rate, self.unit, horizon=horizon or 0.0)))
        steps = endless_steps(horizon, v)
        weights = v ** (steps - 1.0)
        if by_tenure is not None and not (len(by_tenure) and np.isfinite(numbers(by_tenure, "by_tenure")).all()):
            raise ConfigError(f"by_tenure must be finite amounts, one at least; got {shown(list(by_tenure))}.")
        if customers is None:
            paid = weights if by_tenure is None else weights * amounts_at(by_tenure, steps)
            return float(np.exp(self.log_survival(steps)) @ paid) * check_number(margin, "margin")
        value = _active(customers) * self._weighted(customers, steps, weights, by_tenure)
        money = margin.reindex(customers.index) if isinstance(margin, pd.Series) else margin
        amounts = numbers(money, "margin")
        if amounts.shape not in ((), value.shape):
            raise ConfigError(
                f"margin must be one number or one a customer ({value.size}); got {amounts.size} of them."
            )
        return pd.Series(value * amounts, customers.index, name="residual_value")

    def _weighted(
        self, customers: pd.DataFrame, steps: Floats, weights: Floats, by_tenure: Sequence[float] | None = None
    ) -> Floats:
        """Weighted sum of each customer's residual survival, over blocks of customers and of `steps`, which ascend.

        Survival never rises, so what a block leaves is at most its last survival times the weights to come; where
        that is below the rounding error the sum ends.
        """
        amounts = 1.0 if by_tenure is None else float(np.abs(by_tenure).max())
        to_come = np.cumsum(weights[::-1])[::-1] * amounts
        parts = []
        for rows in parts_of(len(customers), min(steps.size, STEPS_AT_ONCE)):
            part, total = customers.iloc[rows], np.zeros(rows.stop - rows.start)
            for start in range(0, steps.size, STEPS_AT_ONCE):
                ahead = slice(start, start + STEPS_AT_ONCE)
                survival = self.residual_survival(part, steps[ahead])
                last = survival[:, -1].copy()
                if by_tenure is not None:
                    survival *= amounts_at(by_tenure, part["tenure"].to_numpy(np.float64)[:, None] + steps[ahead])
                total += survival @ weights[ahead]
                if ahead.stop >= steps.size or (last * to_come[ahead.stop] <= ROUNDING * np.abs(total)).all():
                    break
            parts.append(total)
        return np.concatenate(parts) if parts else np.zeros(0)


def amounts_at(by_tenure: Sequence[float], tenure: Floats) -> Floats:
    """What is brought at the renewal with that number, 0 being the arrival; the last amount holds on."""
    amounts = np.array(by_tenure, dtype=np.float64)
    return np.asarray(amounts[np.minimum(tenure.astype(np.int64), amounts.size - 1)])


def ratio_of_survivals(ahead: Floats, now: Floats) -> Floats:
    """S(later)/S(now) from the logarithms; 0 where S(now) is 0, since nobody gets there."""
    here = np.broadcast_to(now, ahead.shape)
    ratio: Floats = np.exp(np.subtract(ahead, here, out=np.full(ahead.shape, -np.inf), where=here > -np.inf))
    return ratio


def decay_integral(rate: Floats, span: Floats) -> Floats:
    """The integral of e^(-rate u) over u from 0 to `span`."""
    some = rate > 0
    return np.asarray(np.where(some, -np.expm1(-rate * span) / np.where(some, rate, 1.0), span))


def parts_of(rows: int, columns: int) -> Iterator[slice]:
    """Slices of `rows` that make matrices of at most `CELLS` numbers with that many columns."""
    size = max(1, min(ROWS_AT_ONCE, CELLS // max(columns, 1)))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def _active(customers: pd.DataFrame) -> Floats:
    """1 for customers still there, 0 for those who left."""
    return (~Tenures.of(customers, need_churned=False).churned).astype(np.float64)


def endless_steps(horizon: float | None, v: float) -> Floats:
    """Renewals 1, 2, ... to the horizon, or without one until the discount factor v^k is nothing."""
    return np.arange(1.0, _units_ahead(horizon, v) + 1.0)


def _units_ahead(horizon: float | None, v: float) -> int:
    if horizon is not None:
        span = check_number(horizon, "horizon", least=0, most=MOST_UNITS)
        if span != np.floor(span):
            raise ConfigError(f"horizon must be a whole number of units; got {span:g}.")
        return int(span)
    if v >= 1.0:
        raise ConfigError("without discounting a value without horizon has no end. Give a horizon or a positive rate.")
    units = np.ceil(np.log(NEGLIGIBLE) / np.log(v))
    if units > MOST_UNITS:
        raise ConfigError(
            f"at this rate a value without horizon is a sum over {units:.3g} units. Give a horizon, a longer unit or a "
            "higher rate."
        )
    return int(units)
