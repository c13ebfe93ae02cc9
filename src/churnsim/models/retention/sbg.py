"""Shifted beta-geometric (sBG): retention of customers under contract who differ in their chance to leave.

Fader & Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1), 76-90; values and
elasticities after Fader & Hardie (2010), "Customer-base valuation in a contractual setting: the perils of ignoring
heterogeneity", Marketing Science 29(1), 85-93. At each renewal a customer leaves with its own probability theta, the
same every time; theta ~ Beta(alpha, beta) over customers. Retention rises with tenure because those likelier to leave
have left.

    survival        S(t) = B(alpha, beta + t)/B(alpha, beta)                                        (2007, eq. 6)
    log_likelihood  ln P(T = t), P(T = t) = S(t - 1) alpha/(alpha + beta + t - 1), of who left      (2007, eq. 5);
                    ln S(t) of who is still there; less ln S(entry) where observation began later
    retention       r(t) = S(t)/S(t - 1) = (beta + t - 1)/(alpha + beta + t - 1)
    derl            (beta + n - 1)/(alpha + beta + n - 1) 2F1(1, beta + n; alpha + beta + n; v), n = tenure + 1
                    (2010, eq. 6); `residual_value` is its sum over the renewals of a horizon, times the margin
    elasticity      E[1/(1 - v (1 - theta))] over theta ~ Beta(alpha, beta + tenure), that is
                    2F1(1, beta + tenure; alpha + beta + tenure; v)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.kernels.likelihoods import sbg as kernel
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.retention.beta_renewal import REMEDIES, BetaRenewal, exposure
from churnsim.models.retention.renewal_covariates import RenewalCovariates
from churnsim.models.retention.tenures import Cohorts, Tenures
from churnsim.typing import Floats


@dataclass(frozen=True, kw_only=True)
class ShiftedBetaGeometric(BetaRenewal):
    """An sBG: `alpha` and `beta` of the churn probability per renewal, and the `unit` between renewals.

    Raises ConfigError unless both are finite and above 0.

    Examples
    --------
    >>> model = ShiftedBetaGeometric(alpha=0.668, beta=3.806, unit="Y")
    >>> model.survival([1, 2, 7]).round(3).tolist()
    [0.851, 0.747, 0.489]
    """

    alpha: float
    beta: float
    unit: str = "Y"

    family: ClassVar[str] = "sbg"
    parameter_names: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    remedies: ClassVar[str] = REMEDIES

    @property
    def shape(self) -> tuple[float, float, float]:
        """alpha, beta, and 1: a customer's chance to leave does not change."""
        return float(self.alpha), float(self.beta), 1.0

    @classmethod
    def patterns(cls, parameters: Floats, factor: Floats, cohorts: Cohorts) -> tuple[float, Floats, Floats]:
        """Log-likelihood of patterns of customers, and its slopes (see `BetaRenewal`)."""
        alpha, groups = parameters[0] * factor, factor.size
        beta = parameters[1:] if groups == 1 else parameters[1:].repeat(groups)
        out = kernel.objective(alpha, beta, cohorts.first, cohorts.t, cohorts.lost, cohorts.kept)
        in_alpha, in_beta = out[1 : 1 + groups], out[1 + groups :]
        by_pattern = in_alpha * alpha
        if groups == 1:  # without covariates numpy's sums would take as long as the kernel
            in_alpha *= factor
            return float(out[0]), out[1:], by_pattern
        return float(out[0]), np.array([in_alpha @ factor, in_beta.sum()]), by_pattern

    @classmethod
    def _hessian(cls, cohorts: Cohorts) -> Callable[[Floats], Floats]:
        """The second derivatives of the log-likelihood of one pattern at given parameters."""
        return lambda at: kernel.hessian(at[0], at[1], cohorts.t, cohorts.lost, cohorts.kept)

    @classmethod
    def _starts(cls, cohorts: Cohorts) -> list[Floats]:
        churn = min(max(cohorts.lost.sum() / exposure(cohorts), 1e-6), 1 - 1e-6)
        return [np.array([churn * scale, (1 - churn) * scale]) for scale in (2.0, 20.0, 0.2)]

    def log_likelihood(self, subscriptions: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, given that it was there at its `entry`."""
        tenures = Tenures.of(subscriptions).in_whole_units()
        done = np.where(tenures.churned, tenures.tenure - 1.0, tenures.tenure)
        leaving = np.log(self.alpha / (self.alpha + self.beta + done))
        value = self.log_survival(done) - self.log_survival(tenures.entry) + np.where(tenures.churned, leaving, 0.0)
        return tenures.series(value, "log_likelihood")

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), shape of `t`."""
        ages = np.ascontiguousarray(t, dtype=np.float64)
        return kernel.log_survival(float(self.alpha), float(self.beta), ages.ravel()).reshape(ages.shape)

    @property
    def mean_churn(self) -> float:
        """Mean churn probability of new customers, alpha / (alpha + beta)."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def polarization(self) -> float:
        """1 / (1 + alpha + beta): 0 when all customers are alike, 1 when each leaves at once or never."""
        return 1.0 / (1.0 + self.alpha + self.beta)


@dataclass(frozen=True, kw_only=True)
class ShiftedBetaGeometricCovariates(RenewalCovariates):
    """An sBG whose `alpha` is that of the average customer and moves with the covariates (see the module).

    Examples
    --------
    >>> from churnsim import datasets
    >>> fit = ShiftedBetaGeometricCovariates.fit(datasets.telco().head(500), covariates=["contract"])
    >>> {name: round(value, 1) for name, value in fit.model.lifetime_effects.items()}
    {'contract=Two year': -3.6, 'contract=One year': -2.8}
    """

    alpha: float
    beta: float
    lifetime_effects: Mapping[str, float]
    design: Design
    unit: str = "Y"

    family: ClassVar[str] = "sbg_covariates"
    average: ClassVar[type[BetaRenewal]] = ShiftedBetaGeometric
