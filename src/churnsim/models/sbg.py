"""Shifted beta-geometric (sBG): retention of customers under contract who differ in their chance to leave.

Fader & Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1), 76-90; values and
elasticities after Fader & Hardie (2010), "Customer-base valuation in a contractual setting: the perils of ignoring
heterogeneity", Marketing Science 29(1), 85-93. At each renewal a customer leaves with its own probability theta, the
same every time; theta ~ Beta(alpha, beta) over customers. Retention rises with tenure because those likelier to leave
have left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.errors import ConfigError
from churnsim.kernels import sbg as kernel
from churnsim.models.fit import FitStatus, ModelFit, build_fit, status_of
from churnsim.models.optimise import maximise
from churnsim.models.parameters import ParametricModel
from churnsim.models.retention import RetentionModel
from churnsim.models.tenures import Cohorts, Tenures
from churnsim.units import discount_force

__all__ = ["ShiftedBetaGeometric"]

# alpha + beta beyond which a search that has not ended is taken to be on its way to customers all alike: a churn
# probability of one half then varies by 1.6 points between customers.
ALIKE = 1e3

Floats = NDArray[np.float64]

REMEDIES = (
    "Customers look alike, or nobody leaves: read the survival curve, not the parameters, use more renewals, or "
    "take one common retention rate."
)


@dataclass(frozen=True, kw_only=True)
class ShiftedBetaGeometric(RetentionModel, ParametricModel):
    """An sBG: `alpha` and `beta` of the churn probability per renewal, and the `unit` between renewals.

    Raises ConfigError unless both are finite and above 0.
    """

    alpha: float
    beta: float
    unit: str = "Y"

    family: ClassVar[str] = "sbg"
    at_renewals: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        subscriptions: pd.DataFrame,
        *,
        unit: str | None = None,
        covariates: Sequence[str] = (),
        penalty: float = 0.0,
    ) -> ModelFit[Any]:
        """Maximum likelihood from individual tenures in whole renewals (columns tenure, churned and perhaps entry).

        A customer who left with tenure t renewed t - 1 times; one still there with tenure t renewed t times. `unit`
        is the frame's own where it has one, else "M". With `covariates` the fit's model is a
        `ShiftedBetaGeometricCovariates`, whose `fit` says what the last two arguments are. Raises DataError for a
        frame that is not one.
        """
        if covariates:
            from churnsim.models.renewal_covariates import ShiftedBetaGeometricCovariates

            return ShiftedBetaGeometricCovariates.fit(subscriptions, unit=unit, covariates=covariates, penalty=penalty)
        cohorts = Cohorts.of(Tenures.of(subscriptions))
        return cls._fit(cohorts, unit or subscriptions.attrs.get("unit", "M"))

    @classmethod
    def fit_cohort(cls, survivors: Any, *, unit: str | None = None) -> ModelFit[ShiftedBetaGeometric]:
        """Maximum likelihood from cohort counts: customers left after 0, 1, 2 ... renewals.

        A sequence, or a frame with a column for each cohort, which may differ in length and then share the
        parameters. `unit` is the frame's own where it has one, else "Y". Raises DataError for counts that rise.
        """
        return cls._fit(Cohorts.of_survivors(survivors), unit or getattr(survivors, "attrs", {}).get("unit", "Y"))

    @classmethod
    def _fit(cls, cohorts: Cohorts, unit: str) -> ModelFit[ShiftedBetaGeometric]:
        def objective(parameters: Floats) -> tuple[float, Floats]:
            out = kernel.objective(parameters[:1], parameters[1:], cohorts.first, cohorts.t, cohorts.lost, cohorts.kept)
            return float(out[0]), out[1:]

        churn = min(max(cohorts.lost.sum() / exposure(cohorts), 1e-6), 1 - 1e-6)
        starts = [np.array([churn * scale, (1 - churn) * scale]) for scale in (2.0, 20.0, 0.2)]
        optimum = maximise(objective, starts=starts, customers=cohorts.customers)
        alpha, beta = map(float, optimum.parameters)
        names = ("alpha", "beta")
        status = judge(cohorts, status_of(optimum, names, REMEDIES), weight=alpha + beta)
        model = cls(alpha=alpha, beta=beta, unit=unit)
        return build_fit(model, names=names, optimum=optimum, loglik=optimum.value, n=cohorts.customers, status=status)

    def log_likelihood(self, subscriptions: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, given that it was there at its `entry`."""
        tenures = Tenures.of(subscriptions).in_whole_units()
        done = np.where(tenures.churned, tenures.tenure - 1.0, tenures.tenure)
        leaving = np.log(self.alpha / (self.alpha + self.beta + done))
        value = self.log_survival(done) - self.log_survival(tenures.entry) + np.where(tenures.churned, leaving, 0.0)
        return tenures.series(value, "log_likelihood")

    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), 1-d."""
        return kernel.log_survival(float(self.alpha), float(self.beta), np.ascontiguousarray(t, dtype=np.float64))

    @property
    def mean_churn(self) -> float:
        """Mean churn probability of new customers, alpha / (alpha + beta)."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def polarization(self) -> float:
        """1 / (1 + alpha + beta): 0 when all customers are alike, 1 when each leaves at once or never."""
        return 1.0 / (1.0 + self.alpha + self.beta)

    def derl(self, annual_discount_rate: float, tenure: ArrayLike = 0.0) -> Floats:
        """Discounted expected residual lifetime of active customers with `tenure` renewals behind them, in units.

        Just before the next renewal, which counts if made (Fader & Hardie 2010, eq. 6, with n = tenure + 1):
        (beta + tenure) / (alpha + beta + tenure) 2F1(1, beta + n; alpha + beta + n; v). Shape of `tenure`; infinite
        where nothing discounts and alpha <= 1.
        """
        done = whole(tenure)
        stay = (self.beta + done) / (self.alpha + self.beta + done)
        return np.asarray(stay * self._endless(done + 1.0, annual_discount_rate))

    def elasticity(self, annual_discount_rate: float, tenure: ArrayLike = 0.0) -> Floats:
        """Mean of the customers' own elasticities of value to retention, E[(1 + d)/(1 + d - r)] given `tenure`.

        By how many percent the residual value of a customer rises when its retention rises by one percent, averaged
        over those who have renewed `tenure` times (Fader & Hardie 2010). One common rate r understates it.
        """
        return np.asarray(self._endless(whole(tenure), annual_discount_rate))

    def _endless(self, done: Floats, annual_discount_rate: float) -> Floats:
        """Sum over i of v^i S(done + i)/S(done)."""
        v = float(np.exp(-discount_force(annual_discount_rate, self.unit)))
        if v > 1.0:
            raise ConfigError(f"a value without end needs a rate of 0 or more; got {annual_discount_rate!r}.")
        a, b = float(self.alpha), self.beta + done
        if v == 1.0:
            return (a + b - 1.0) / (a - 1.0) if a > 1.0 else np.full_like(b, np.inf)
        sums = [kernel.discounted_renewals(a, float(x), v) for x in b.ravel()]
        return np.array(sums, dtype=np.float64).reshape(b.shape)


def whole(tenure: ArrayLike) -> Floats:
    """Tenures as an array of whole numbers, 0 or more; ConfigError otherwise."""
    values = np.asarray(tenure, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.floor(values)).any():
        raise ConfigError(f"tenure must be whole numbers of renewals, 0 or more; got {values.tolist()!r}.")
    return values


def exposure(cohorts: Cohorts) -> float:
    """Renewals that came due: t for each customer, less those before entry."""
    return max(float(cohorts.t @ (cohorts.lost + cohorts.kept)), 1.0)


def judge(cohorts: Cohorts, status: FitStatus, *, weight: float) -> FitStatus:
    """The verdict on a fit, given what the data say before any search and the `weight` alpha + beta it ended at."""
    if cohorts.lost.sum() == 0:
        return FitStatus(
            "too little data", "no customer left, so the chance to leave is only known to be small.", "Observe longer."
        )
    if not (cohorts.t[(cohorts.lost + cohorts.kept) > 0] > 1).any():
        return FitStatus(
            "too little data", "only one renewal was observed, so differences between customers cannot be told.",
            "Observe a second renewal, or use the share that stayed.",
        )  # fmt: skip
    if status.code == "not converged" and weight > ALIKE:
        return FitStatus(
            "boundary",
            f"customers look alike (polarization {1 / (1 + weight):.1g}): there is no inner maximum.",
            REMEDIES,
        )
    return status
