"""What the sBG and the BdW share: customers whose chance to leave at a renewal differs as a beta distribution.

A customer with theta is there after t renewals with (1 - theta)^(t^c), theta ~ Beta(a, b) over customers; c is 1 in the
sBG. Values and elasticities after Fader & Hardie (2010), "Customer-base valuation in a contractual setting: the perils
of ignoring heterogeneity", Marketing Science 29(1), 85-93.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import shown
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import durations
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.parameters import forward_covariates
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.renewal_values import derl_of, elasticity_of
from churnsim.models.retention.tenures import Cohorts, Tenures
from churnsim.typing import Floats
from churnsim.units import discount_force

# alpha + beta beyond which a search that has not ended is taken to be on its way to customers all alike: a churn
# probability of one half then varies by 1.6 points between customers.
ALIKE = 1e3
REMEDIES = (
    "Customers look alike, or nobody leaves: read the survival curve, not the parameters, use more renewals, or "
    "take one common retention rate."
)


class BetaRenewal(RetentionModel):
    """Base of the two models. A subclass gives its likelihood (`patterns`), `log_survival`, and a, b and c."""

    at_renewals: ClassVar[bool] = True
    parameter_names: ClassVar[tuple[str, ...]]
    remedies: ClassVar[str]

    @property
    @abstractmethod
    def shape(self) -> tuple[float, float, float]:
        """a and b of theta, and c of its course."""

    @classmethod
    @abstractmethod
    def patterns(cls, parameters: Floats, factor: Floats, cohorts: Cohorts) -> tuple[float, Floats, Floats]:
        """Log-likelihood of patterns of customers whose first parameter is multiplied by these factors; its slopes in
        the parameters, and in ln of each factor."""

    @classmethod
    def _hessian(cls, cohorts: Cohorts) -> Callable[[Floats], Floats] | None:
        """The second derivatives of the log-likelihood of one pattern at given parameters, where they are known."""

    @classmethod
    @abstractmethod
    def _starts(cls, cohorts: Cohorts) -> list[Floats]:
        """Where a search begins."""

    @classmethod
    def likelihood(cls, subscriptions: CustomerFrame, *, unit: str | None = None) -> Likelihood[Self]:
        """The likelihood of tenures in whole renewals, for searches and samplers. Raises as `fit`."""
        cohorts = Cohorts.of(Tenures.of(subscriptions))
        return cls._likelihood(cohorts, subscriptions.attrs.get("unit", "M") if unit is None else unit)

    @classmethod
    def _likelihood(cls, cohorts: Cohorts, unit: str) -> Likelihood[Self]:
        alike = np.ones(1)
        return Likelihood(
            names=cls.parameter_names,
            scales=np.ones(len(cls.parameter_names)),
            starts=cls._starts(cohorts),
            customers=cohorts.customers,
            log_scale=0.0,
            objective=lambda parameters: cls.patterns(parameters, alike, cohorts)[:2],
            build=lambda values: cls.from_dict({**values, "unit": unit}),
            remedies=cls.remedies,
            hessian=cls._hessian(cohorts),
        )

    @classmethod
    def _fit(cls, cohorts: Cohorts, unit: str) -> ModelFit[Self]:
        """Maximum likelihood from counts."""
        found = fit_likelihood(cls._likelihood(cohorts, unit))
        weight = sum(found.model.shape[:2])
        return replace(found, status=judge(cohorts, found.status, weight=weight))

    @classmethod
    @forward_covariates
    def fit(cls, subscriptions: CustomerFrame, *, unit: str | None = None) -> ModelFit[Self]:
        """Maximum likelihood from individual tenures in whole renewals (columns tenure, churned and perhaps entry).

        A customer who left with tenure t renewed t - 1 times; one still there with tenure t renewed t times. `unit`,
        the time between renewals ("M", or a term of several such as "3 M"), is the frame's own where it has one, else
        "M". Raises DataError for a frame that is not one.
        """
        cohorts = Cohorts.of(Tenures.of(subscriptions))
        return cls._fit(cohorts, subscriptions.attrs.get("unit", "M") if unit is None else unit)

    @classmethod
    def fit_cohort(cls, survivors: Any, *, unit: str | None = None) -> ModelFit[Self]:
        """Maximum likelihood from cohort counts: customers left after 0, 1, 2 ... renewals.

        A sequence, or a frame with a column for each cohort, which may differ in length and then share the
        parameters. `unit` is the frame's own where it has one, else "Y". Raises DataError for counts that rise.
        """
        return cls._fit(
            Cohorts.of_survivors(survivors), getattr(survivors, "attrs", {}).get("unit", "Y") if unit is None else unit
        )

    def log_likelihood(self, subscriptions: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, given that it was there at its `entry`."""
        tenures = Tenures.of(subscriptions).in_whole_units()
        before = self.log_survival(np.maximum(tenures.tenure - 1.0, 0.0))
        now = self.log_survival(tenures.tenure)
        with np.errstate(divide="ignore"):
            leaving = before + np.log(-np.expm1(now - before))
        value = np.where(tenures.churned, leaving, now) - self.log_survival(tenures.entry)
        return tenures.series(value, "log_likelihood")

    def derl(self, annual_discount_rate: float, tenure: ArrayLike = 0.0) -> Floats:
        """Discounted expected residual lifetime of active customers with `tenure` renewals behind them, in units.

        Just before the next renewal, which counts if made (Fader & Hardie 2010, eq. 6, with n = tenure + 1): for the
        sBG (beta + tenure) / (alpha + beta + tenure) 2F1(1, beta + n; alpha + beta + n; v), for the BdW the sum of
        v^(k-1) S(tenure + k)/S(tenure) over k = 1, 2, ... Shape of `tenure`; infinite where nothing discounts and
        the mean of T is.
        """
        a, b, c = self.shape
        done = whole(tenure)
        return derl_of(np.full(done.shape, a), b, c, done, discount_per_term(annual_discount_rate, self.unit))

    def elasticity(self, annual_discount_rate: float, tenure: ArrayLike = 0.0) -> Floats:
        """Mean of the customers' own elasticities of value to retention given `tenure`.

        By how many percent the residual value of a customer rises when its retention at every coming renewal rises by
        one percent, averaged over those who have renewed `tenure` times: E[(1 + d)/(1 + d - r)] in the sBG (Fader &
        Hardie 2010), in the BdW the mean over theta of sum k v^(k-1) P_k / sum v^(k-1) P_k, P_k the chance to be there
        after k more. One common rate r understates it.
        """
        a, b, c = self.shape
        done = whole(tenure)
        return elasticity_of(np.full(done.shape, a), b, c, done, discount_per_term(annual_discount_rate, self.unit))


def discount_per_term(annual_discount_rate: float, unit: str) -> float:
    """What money one term later is worth now; ConfigError for a rate below 0, under which no endless sum has an end."""
    v = float(np.exp(-discount_force(annual_discount_rate, unit)))
    if v > 1.0:
        raise ConfigError(f"a value without end needs a rate of 0 or more; got {shown(annual_discount_rate)}.")
    return v


def whole(tenure: ArrayLike) -> NDArray[np.float64]:
    """Tenures as an array of whole numbers, 0 or more; ConfigError otherwise."""
    values = durations(tenure, "tenure")
    if (values != np.floor(values)).any():
        raise ConfigError(f"tenure must be whole numbers of renewals, 0 or more; got {shown(tenure)}.")
    return values


def exposure(cohorts: Cohorts) -> float:
    """Renewals that came due: t for each customer, less those before entry."""
    return max(float(cohorts.t @ (cohorts.lost + cohorts.kept)), 1.0)


def judge(cohorts: Cohorts, status: FitStatus, *, weight: float) -> FitStatus:
    """The verdict on a fit, given what the data say before any search and the `weight` alpha + beta it ended at."""
    if cohorts.lost.sum() == 0:
        return FitStatus(
            "too little data",
            "no customer has churned, so the chance to leave is only known to be small.",
            "Observe longer.",
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
