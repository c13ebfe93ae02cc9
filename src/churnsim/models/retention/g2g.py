"""Gamma-geometric with proportional hazards (G2G): retention of subscribers whose covariates change from renewal to
renewal.

Fader & Hardie, "Incorporating time-varying covariates in a simple mixture model for discrete-time duration data": a
customer with lambda stays through renewal s with the chance exp(-lambda e^(delta . z(s))), lambda ~ Gamma(r, alpha)
over customers (the complementary log-log link). With C(t) = sum_{s <= t} e^(delta . z(s))

    survival  S(t) = (alpha/(alpha + C(t)))^r,   P(T = t) = S(t - 1) - S(t),

closed for any course of the covariates; with none of them C(t) = t. z is a covariate less its mean over the observed
renewals. The sBG (`sbg.py`), whose chances are a beta distribution, has no such form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import labels_of, shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.arguments import durations
from churnsim.models.estimation.design_matrix import check_spread, independent_columns, multiplier, number_columns
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.beta_renewal import discount_per_term, judge, whole
from churnsim.models.retention.renewal_values import derl_of_hazards
from churnsim.models.retention.tenures import Cohorts, Tenures
from churnsim.typing import Floats, Ints

REMEDIES = (
    "Customers look alike, or nobody leaves: read the survival curve, not the parameters, use more renewals, or fewer "
    "covariates."
)


@dataclass(frozen=True, kw_only=True)
class GammaGeometric(RetentionModel):
    """A G2G: shape `r` and rate `alpha` of the hazard's gamma distribution, effects of covariates that may change, and
    the `unit` between renewals.

    Raises ConfigError unless r and alpha are finite and above 0.

    Parameters
    ----------
    r, alpha : float
        Of the hazard at average covariates.
    lifetime_effects, covariate_means : mapping of covariate to number
        The hazard of a renewal is multiplied by e^(effect . (covariate - mean)): a positive effect means a shorter
        life.
    unit : str
        Time between renewals.

    Examples
    --------
    >>> model = GammaGeometric(r=1.0, alpha=9.0, unit="M")
    >>> model.survival([0, 1, 9]).round(3).tolist()
    [1.0, 0.9, 0.5]
    """

    r: float
    alpha: float
    lifetime_effects: Mapping[str, float] = field(default_factory=dict)
    covariate_means: Mapping[str, float] = field(default_factory=dict)
    unit: str = "M"

    family: ClassVar[str] = "g2g"
    at_renewals: ClassVar[bool] = True
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha")
    prefixes: ClassVar[Mapping[str, str]] = {"lifetime": "lifetime_effects", "mean": "covariate_means"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.lifetime_effects) != set(self.covariate_means):
            raise ConfigError("GammaGeometric: lifetime_effects and covariate_means must name the same covariates.")

    @classmethod
    def likelihood(
        cls, subscriptions: CustomerFrame, *, covariates: Sequence[str] = (), customer: str = "customer_id",
        unit: str | None = None,
    ) -> Likelihood[Self]:  # fmt: skip
        """The likelihood of tenures in whole renewals. Raises as `fit`."""
        if isinstance(covariates, str):
            raise ConfigError(f"covariates are a list of columns; got {shown(covariates)}.")
        spells = _Spells.of(subscriptions, customer)
        columns = number_columns(subscriptions, tuple(covariates))
        values = np.column_stack([np.zeros((spells.length.size, 0)), *columns.values()])
        renewals = float(spells.length.sum())
        means = (spells.length[:, None] * values).sum(axis=0) / max(renewals, 1.0)
        spread = np.sqrt((spells.length[:, None] * (values - means) ** 2).sum(axis=0) / max(renewals, 1.0))
        check_spread(dict(zip(columns, spread.tolist(), strict=True)), columns)
        z = (values - means) / spread
        if not independent_columns(z * np.sqrt(spells.length)[:, None]).all():
            raise DataError("the covariates are linear combinations of each other. Leave one of them out.")

        def objective(parameters: Floats) -> tuple[float, Floats]:
            r, alpha, delta = parameters[0], parameters[1], parameters[2:]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value, slopes = spells.terms(r, alpha, np.exp((z * delta).sum(axis=1)), z)
            return (value, slopes) if np.isfinite(value) else (-np.inf, np.zeros(parameters.size))

        hazard = max(float(spells.churned.sum()) / max(renewals, 1.0), 1e-6)
        base = {f"mean:{name}": float(mean) for name, mean in zip(columns, means, strict=True)}
        named = unit or subscriptions.attrs.get("unit", "M")
        return Likelihood(
            names=(*cls.parameter_names, *(f"lifetime:{name}" for name in columns)),
            scales=np.concatenate([np.ones(2), 1 / spread]),
            starts=[np.array([r, r / hazard, *np.zeros(spread.size)]) for r in (1.0, 5.0, 0.3)],
            customers=float(spells.churned.size),
            log_scale=0.0,
            objective=objective,
            build=lambda found: cls.from_dict({**found, **base, "unit": named}),
            remedies=REMEDIES,
            real=(False, False) + (True,) * spread.size,
            doubt=spells.doubt(),
        )

    @classmethod
    @typed
    def fit(
        cls, subscriptions: CustomerFrame, *, covariates: Sequence[str] = (), customer: str = "customer_id",
        unit: str | None = None,
    ) -> ModelFit[Self]:  # fmt: skip
        """Maximum likelihood from tenures in whole renewals, with covariates that may change.

        Raises DataError for rows that do not follow on each other, and for covariates that do not vary or are
        combinations of others.

        Parameters
        ----------
        subscriptions : DataFrame
            `tenure`, `churned` and the covariates. A customer whose covariates change has several rows with one
            `customer`, each from its `entry` to its `tenure` with the values that held, the first from 0; without that
            column a row is a customer.
        covariates : sequence of str
            Columns of finite numbers.
        customer : str
            The column that says whose row it is.
        unit : str, optional
            The time between renewals; the frame's own, or months.

        Examples
        --------
        >>> rows = pd.DataFrame({
        ...     "customer_id": [1, 1, 2, 3, 4, 5], "entry": [0, 2, 0, 0, 0, 0], "tenure": [2, 5, 4, 2, 1, 3],
        ...     "churned": [False, True, False, True, True, True], "price": [9.0, 12.0, 9.0, 12.0, 12.0, 9.0],
        ... })
        >>> GammaGeometric.fit(rows, covariates=["price"]).names
        ('r', 'alpha', 'lifetime:price')
        """
        return fit_likelihood(cls.likelihood(subscriptions, covariates=covariates, customer=customer, unit=unit))

    @typed
    def log_likelihood(self, subscriptions: CustomerFrame, *, customer: str = "customer_id") -> pd.Series[float]:
        """Log-likelihood of each customer, in the order of their first rows."""
        spells = _Spells.of(subscriptions, customer)
        before, now = spells.clock(self._factor(subscriptions))
        with np.errstate(divide="ignore"):
            left = np.log(np.exp(self._log_survival_at(before)) - np.exp(self._log_survival_at(now)))
        values = np.where(spells.churned, left, self._log_survival_at(now))
        return pd.Series(values, index=spells.ids, name="log_likelihood")

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) of a customer whose covariates stay at their means, shape of `t`."""
        return self._log_survival_at(np.floor(np.asarray(t, dtype=np.float64)))

    def _log_survival_at(self, clock: Floats) -> Floats:
        return np.asarray(-self.r * np.log1p(clock / self.alpha))

    def _factor(self, rows: pd.DataFrame) -> Floats:
        """By what the hazard of each row is multiplied."""
        return multiplier(self.lifetime_effects, self.covariate_means, rows)

    @typed
    def residual_survival(self, customers: CustomerFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now) of customers whose covariates have been and stay as their row
        says, shape (customers, steps), whether or not `churned`. See `survival_path` for others."""
        ahead = np.floor(durations(steps, "steps").ravel())
        tenure, factor = Tenures.of(customers, need_churned=False).tenure[:, None], self._factor(customers)[:, None]
        now = self._log_survival_at(factor * tenure)
        return np.asarray(np.exp(self._log_survival_at(factor * (tenure + ahead)) - now))

    @typed
    def derl(
        self, annual_discount_rate: float, tenure: ArrayLike = 0.0, *, customers: CustomerFrame | None = None
    ) -> Floats | pd.Series[float]:
        """Discounted expected residual lifetime of active customers with `tenure` renewals behind them, in units: the
        sum of v^(k-1) S(tenure + k)/S(tenure) over k = 1, 2, ... Shape of `tenure`.

        Just before the next renewal, which counts if made, with covariates at their means. With `customers` each has
        the tenure and covariates of its row, as in `residual_survival`, and those who have left have 0. Raises
        ConfigError unless the rate is above 0.

        Examples
        --------
        >>> GammaGeometric(r=1.0, alpha=9.0, unit="Y").derl(0.1, [0, 9]).round(2).tolist()
        [6.01, 7.5]
        """
        v = discount_per_term(annual_discount_rate, self.unit)
        if customers is not None:
            tenures = Tenures.of(customers, need_churned=False)
            rates = self.alpha / self._factor(customers) + whole(tenures.tenure)
            kinds, place = np.unique(rates, return_inverse=True)
            found = derl_of_hazards(self.r, kinds, v)[place]
            return tenures.series(np.where(tenures.churned, 0.0, found), "derl")
        done = whole(tenure)
        return derl_of_hazards(self.r, self.alpha + done.ravel(), v).reshape(done.shape)

    @typed
    def survival_path(
        self, subscriptions: CustomerFrame, future: pd.DataFrame, *, customer: str = "customer_id"
    ) -> pd.DataFrame:
        """P(still there after each coming renewal | there now), a row a customer, a column a renewal.

        `future` has a row a customer and coming renewal, in order, with the covariates: a planned price. Raises
        DataError where customers have different numbers of them, or none.

        Examples
        --------
        >>> model = GammaGeometric(
        ...     r=1.0, alpha=9.0, lifetime_effects={"price": 0.1}, covariate_means={"price": 10.0}
        ... )
        >>> now = pd.DataFrame({"customer_id": [7], "tenure": [3], "churned": [False], "price": [10.0]})
        >>> plan = pd.DataFrame({"customer_id": [7, 7], "price": [10.0, 12.0]})
        >>> model.survival_path(now, plan).round(3).to_numpy().tolist()
        [[0.923, 0.844]]
        """
        spells = _Spells.of(subscriptions, customer)
        if customer not in future.columns:
            raise DataError(f"future lacks {customer!r}, whose renewals these are.")
        if isinstance(future[customer], pd.DataFrame):
            raise DataError(f"future has {customer!r} more than once. Leave one of these columns.")
        code, asked = labels_of(future[customer], customer)
        owner = np.where(code < 0, -1, spells.ids.get_indexer(pd.Index(asked))[code])
        number = np.bincount(owner[owner >= 0], minlength=len(spells.ids))
        if (number == 0).any() or (number != number[0]).any():
            raise DataError("future must have as many rows for each customer of the subscriptions, one at least.")
        order = np.argsort(owner, kind="stable")[(owner < 0).sum() :]
        clock = np.cumsum(self._factor(future)[order].reshape(len(number), -1), axis=1)
        now = spells.clock(self._factor(subscriptions))[1][:, None]
        values = np.exp(self._log_survival_at(now + clock) - self._log_survival_at(now))
        return pd.DataFrame(values, index=spells.ids, columns=np.arange(1, clock.shape[1] + 1))


@dataclass(frozen=True, eq=False)
class _Spells:
    """Rows of subscriptions as spells of constant covariates: whose each is and how many renewals it holds; of each
    customer whether it left, and its last row."""

    ids: pd.Index[Any]
    owner: Ints
    length: Floats
    churned: Any
    last: Ints
    tenures: Tenures

    @classmethod
    def of(cls, subscriptions: pd.DataFrame, customer: str) -> _Spells:
        """Checked: whole renewals, spells that follow on each other from 0, nobody who left before its last."""
        tenures = Tenures.of(subscriptions).in_whole_units()
        given = subscriptions[customer] if customer in subscriptions.columns else pd.Series(subscriptions.index)
        if isinstance(given, pd.DataFrame) or given.isna().any():
            raise DataError(f"{customer!r} must be one column that says whose row it is. Fill in what is missing.")
        owner, ids = labels_of(given, customer)
        order = np.lexsort((tenures.tenure, owner))
        same = np.diff(owner[order], prepend=-1) == 0
        before = np.where(same, np.roll(tenures.tenure[order], 1), 0.0)
        wrong = tenures.entry[order] != before
        early = tenures.churned[order] & np.roll(same, -1)
        for bad, rule in (
            (wrong, "each row must begin where the one before ended, the first at 0"),
            (early, "a customer can only have left in its last row"),
        ):
            if bad.any():
                row = order[int(np.argmax(bad))]
                raise DataError(
                    f"{rule}; customer {str(ids[owner[row]])[:80]!r} has entry {tenures.entry[row]:g}, tenure "
                    f"{tenures.tenure[row]:g} ({int(bad.sum())} such rows). Check entry and tenure."
                )
        last = order[~np.roll(same, -1)]
        length = tenures.tenure - tenures.entry
        return cls(pd.Index(ids, name=customer), owner, length, tenures.churned[last], last, tenures)

    def clock(self, factor: Floats) -> tuple[Floats, Floats]:
        """C before the last renewal, and at it."""
        now: Floats = np.asarray(np.bincount(self.owner, self.length * factor, len(self.ids)), dtype=np.float64)
        return now - np.where(self.length[self.last] > 0, factor[self.last], 0.0), now

    def terms(self, r: float, alpha: float, factor: Floats, z: Floats) -> tuple[float, Floats]:
        """The log-likelihood and its slopes in r, alpha and the effects."""
        before, now = self.clock(factor)
        by_now = np.column_stack(
            [np.bincount(self.owner, self.length * factor * column, len(self.ids)) for column in z.T]
        ) if z.shape[1] else np.zeros((len(self.ids), 0))  # fmt: skip
        by_before = by_now - factor[self.last, None] * z[self.last]
        log_now, log_before = np.log1p(now / alpha), np.log1p(before / alpha)
        # ln(S(t - 1) - S(t)) = ln S(t - 1) + ln(1 - q), q = S(t)/S(t - 1).
        q = np.exp(-r * (log_now - log_before))
        left = self.churned
        rest = np.where(left, -np.expm1(-r * (log_now - log_before)), 1.0)
        value = np.where(left, -r * log_before + np.log(rest), -r * log_now)
        odds = np.where(left, q / rest, 0.0)
        # How the value changes with the two clocks' ln(alpha + C), times r.
        at_before, at_now = np.where(left, -1.0 - odds, 0.0), np.where(left, odds, -1.0)
        in_r = at_before * log_before + at_now * log_now
        in_alpha = r * (at_before * (1 / (alpha + before) - 1 / alpha) + at_now * (1 / (alpha + now) - 1 / alpha))
        in_effects = r * (
            (at_before / (alpha + before))[:, None] * by_before + (at_now / (alpha + now))[:, None] * by_now
        )
        return float(value.sum()), np.concatenate([[in_r.sum(), in_alpha.sum()], in_effects.sum(axis=0)])

    def doubt(self) -> Any:
        """What the data say before any search."""
        none = np.zeros(len(self.ids))
        whole = Tenures(self.tenures.tenure[self.last], self.churned, none, self.ids, none > 0)
        found = judge(Cohorts.of(whole), FitStatus("converged", ""), weight=1.0)
        return None if found.ok else found
