"""Static covariates of subscribers: what a customer is moves its chance to leave at a renewal.

In the spirit of Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models"
(note 019), as in `covariates.py`: the odds of the mean chance to leave at the first renewal are multiplied by
e^(g . z), that is alpha_i = alpha e^(g . z) in the sBG and gamma_i = gamma e^(g . z) in the BdW. A positive g means a
shorter life. z is a covariate less its mean over the fitted customers (words become a 0 or 1 for each level but the
commonest), so that the model's own parameters are those of the average customer. Customers alike in all covariates are
counted together. What the covariates do not tell apart stays in the beta distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import betaln

from churnsim.checks import shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError
from churnsim.models.estimation.design_matrix import Design, check_penalty
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.beta_renewal import BetaRenewal, discount_per_term, judge, whole
from churnsim.models.retention.renewal_values import derl_of, elasticity_of
from churnsim.models.retention.tenures import Cohorts, Tenures
from churnsim.typing import Floats

REMEDIES = (
    "Use fewer covariates, merge rare values, observe more renewals, or fit with a penalty; read survival rather than "
    "single parameters."
)


class RenewalCovariates(RetentionModel):
    """Base of the two models: effects by name of the design's columns, survival of each customer."""

    average: ClassVar[type[BetaRenewal]]
    parameter_names: ClassVar[tuple[str, ...]]
    at_renewals: ClassVar[bool] = True
    prefixes: ClassVar[Mapping[str, str]] = {"lifetime": "lifetime_effects"}
    lifetime_effects: Mapping[str, float]
    design: Design

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "average" in vars(cls):
            cls.average.covariate_family = cls
            cls.parameter_names = cls.average.parameter_names

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.lifetime_effects) != set(self.design.names):
            raise ConfigError(
                f"{type(self).__name__}: effects are of {', '.join(self.design.names)}; got "
                f"{', '.join(self.lifetime_effects)}."
            )

    @property
    def average_customer(self) -> BetaRenewal:
        """The model without covariates of the customer whose covariates are all at their means."""
        return self.average.from_dict({name: getattr(self, name) for name in (*self.parameter_names, "unit")})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; effects as `lifetime:NAME`, and how covariates become numbers under `design`."""
        return {**super().to_dict(), "design": self.design.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`. Raises ConfigError for another family or other keys."""
        design = values.get("design")
        if not isinstance(design, Design):
            try:
                values = {**values, "design": Design.from_dict(design)}  # type: ignore[arg-type]
            except (TypeError, KeyError) as error:
                raise ConfigError(
                    f"cannot make a {cls.__name__}: `design` does not describe covariates ({error!r})."
                ) from None
        return super().from_dict(values)

    @classmethod
    def likelihood(
        cls, subscriptions: CustomerFrame, *, covariates: Sequence[str], unit: str | None = None, penalty: float = 0.0
    ) -> Likelihood[Self]:
        """The likelihood of tenures in whole renewals with covariates; less the penalty, if any. Raises ConfigError and
        DataError as `fit`."""
        check_penalty(penalty)
        if isinstance(covariates, str) or len(covariates) == 0:
            raise ConfigError(f"covariates are a list of at least one column; got {shown(covariates)}.")
        tenures = Tenures.of(subscriptions)
        design = Design.of(subscriptions, covariates)
        centred = design.centred(subscriptions)
        spread = centred.std(axis=0)
        z, pattern = np.unique(centred / spread, axis=0, return_inverse=True)
        cohorts = Cohorts.of(tenures, pattern.ravel())
        named = unit or subscriptions.attrs.get("unit", "M")
        base = len(cls.parameter_names)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            effects = parameters[base:]
            with np.errstate(over="ignore", invalid="ignore"):
                value, slopes, by_pattern = cls.average.patterns(parameters[:base], np.exp(z @ effects), cohorts)
                gradient = np.concatenate([slopes, z.T @ by_pattern - penalty * effects])
            return value - penalty / 2 * float(effects @ effects), gradient

        # Without covariates first: there the search is easy, and the effects start from none.
        alike = cls.average.fit(subscriptions, unit=named).parameters
        start = np.array([alike[name] for name in cls.parameter_names])
        none = np.zeros(z.shape[1])
        weights = np.where(np.array(cls.parameter_names) == "c", 0.0, 1.0)
        return Likelihood(
            names=(*cls.parameter_names, *(f"lifetime:{name}" for name in design.names)),
            scales=np.array([*np.ones(base), *(1 / spread)]),
            starts=[np.array([*(start * scale**weights), *none]) for scale in (1.0, 3.0, 0.3)],
            customers=cohorts.customers,
            log_scale=0.0,
            objective=objective,
            build=lambda values: cls.from_dict({**values, "design": design, "unit": named}),
            remedies=REMEDIES,
            real=(False,) * base + (True,) * z.shape[1],
            doubt=None,
        )

    @classmethod
    @typed
    def fit(
        cls, subscriptions: CustomerFrame, *, covariates: Sequence[str], unit: str | None = None, penalty: float = 0.0
    ) -> ModelFit[Self]:
        """Maximum likelihood from individual tenures in whole renewals with `covariates`, columns of numbers or words.

        Effects are per unit of a number, and against the commonest level of a word. `penalty` subtracts penalty/2
        times the squared effects, each for one standard deviation of its column: a normal prior of variance
        1/penalty; the reported log-likelihood is without it. Raises ConfigError for a covariate that is not there,
        named twice, or a bad penalty; DataError for one with missing values or one value only.
        """
        wanted = cls.likelihood(subscriptions, covariates=covariates, unit=unit, penalty=penalty)
        found = fit_likelihood(wanted)
        base = len(cls.parameter_names)
        at = wanted.parameters(found.model)
        status = judge(Cohorts.of(Tenures.of(subscriptions)), found.status, weight=float(at[:2].sum()))
        return replace(found, loglik=found.loglik + penalty / 2 * float(at[base:] @ at[base:]), status=status)

    def own_weight(self, centred: Floats) -> Floats:
        """Each customer's own alpha (gamma in the BdW), from its covariates as `design.centred` writes them."""
        effects = np.array([self.lifetime_effects[name] for name in self.design.names])
        return np.asarray(float(getattr(self, self.parameter_names[0])) * np.exp(centred @ effects))

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) of the average customer, 1-d."""
        return self.average_customer.log_survival(t)

    def _log_survival_of(self, customers: pd.DataFrame, t: Floats) -> Floats:
        """ln S(t) of each customer, shape of `t` (customers, times): ln B(a_i, b + t^c) - ln B(a_i, b)."""
        _, b, c = self.average_customer.shape
        own = self.own_weight(self.design.centred(customers))[:, None]
        return np.asarray(betaln(own, b + t**c) - betaln(own, b))

    def residual_survival(self, customers: CustomerFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now), shape (customers, steps), whether or not `churned`."""
        tenure = Tenures.of(customers, need_churned=False).tenure[:, None]
        ahead = self._log_survival_of(customers, tenure + steps[None, :])
        return np.asarray(np.exp(ahead - self._log_survival_of(customers, tenure)))

    def derl(self, annual_discount_rate: float, customers: CustomerFrame) -> pd.Series[float]:
        """Discounted expected residual lifetime of each customer in units, given its covariates and `tenure` so far: as
        `ShiftedBetaGeometric.derl`, with its own alpha. Those who have left have 0."""
        return self._valued(derl_of, annual_discount_rate, customers, gone=0.0, name="derl")

    def elasticity(self, annual_discount_rate: float, customers: CustomerFrame) -> pd.Series[float]:
        """Elasticity of each customer's value to its retention, in the mean over what its covariates leave open: as
        `ShiftedBetaGeometric.elasticity`. Missing for those who have left, who have no value."""
        return self._valued(elasticity_of, annual_discount_rate, customers, gone=np.nan, name="elasticity")

    def _valued(
        self, of: Callable[..., Floats], annual_discount_rate: float, customers: pd.DataFrame, *, gone: float, name: str
    ) -> pd.Series[float]:
        tenures = Tenures.of(customers, need_churned=False)
        _, b, c = self.average_customer.shape
        own = self.own_weight(self.design.centred(customers))
        # Customers alike in covariates and tenure are worked out once.
        kinds, place = np.unique(np.column_stack([own, whole(tenures.tenure)]), axis=0, return_inverse=True)
        found = of(kinds[:, 0], b, c, kinds[:, 1], discount_per_term(annual_discount_rate, self.unit))[place.ravel()]
        return tenures.series(np.where(tenures.churned, gone, found), name)

    def log_likelihood(self, subscriptions: CustomerFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, given its covariates and that it was there at its `entry`."""
        tenures = Tenures.of(subscriptions).in_whole_units()
        at = np.column_stack([np.maximum(tenures.tenure - 1.0, 0.0), tenures.tenure, tenures.entry])
        before, now, entry = self._log_survival_of(subscriptions, at).T
        with np.errstate(divide="ignore"):
            leaving = before + np.log(-np.expm1(now - before))
        return tenures.series(np.where(tenures.churned, leaving, now) - entry, "log_likelihood")
