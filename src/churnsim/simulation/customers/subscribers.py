"""From fitted retention models and actual subscribers to a market: the link between survival and simulation.

`contract_of` makes a `ContractualLifetime` of any model of staying, with the differences between subscribers that the
model knows. Cumulative hazards multiply: with H(t) the one of t renewals, a subscriber is there with e^(-m H(t)), where

    sBG, BdW        m = -ln(1 - theta), theta ~ Beta(a, b), H(t) = t^c (c = 1 in the sBG, whose theta does not change)
    ... covariates  the same with an `a` of its own
    Cox, Weibull    m = e^(z b) of its covariates, H the baseline's: survival is the regression's at every tenure
    others          m = 1: whoever has the same tenure is alike

Actual subscribers start from the posterior given their tenure, Beta(a, b + H(tenure)); new ones are drawn from the
population, with the covariates of an observed subscriber where the model has any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, check_kind, check_number, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.engine.newcomers import draw_dropouts
from churnsim.models.estimation.arguments import numbers
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.beta_renewal import BetaRenewal
from churnsim.models.retention.renewal_covariates import RenewalCovariates
from churnsim.models.retention.tenures import Tenures
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.survival.regression import SurvivalRegression
from churnsim.simulation.core.lifetimes import ContractualLifetime
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import Base
from churnsim.simulation.customers.traits import TraitsBase
from churnsim.typing import Floats
from churnsim.units import term_of

RENEWALS = 240  # hazards kept for that many renewals; the last one holds from then on
# Shape of one charge: the larger, the steadier. 400 is a standard deviation of 5% from month to month (assumed).
STEADY = 400.0
MOST_HAZARD = float(np.nextafter(1.0, 0.0))  # of a renewal that loses not everybody: a cumulative hazard of 36.7
AHEAD = 12  # renewals over which a multiplier keeps a subscriber as probably as its regression says


class ObservedSubscribers:
    """Subscribers whom a model with covariates tells apart, and what each pays (`charges`: money per renewal, on their
    index): made once for the contracts of many models, since it keeps what looking them up takes."""

    def __init__(self, frame: pd.DataFrame, *, charges: pd.Series[float] | None = None) -> None:
        self.frame, self.uids = frame, customer_uids(frame.index)
        self.charges = None if charges is None else self.by_uid(numbers(charges.reindex(frame.index), "charges"))
        self._centred: dict[Design, Floats] = {}

    def by_uid(self, values: NDArray[Any]) -> CustomerScores:
        """Values in the order of the rows, to be found by uid."""
        return CustomerScores(self.uids, values)

    def centred(self, design: Design) -> Floats:
        """Their covariates as numbers."""
        if design not in self._centred:
            self._centred[design] = design.centred(self.frame)
        return self._centred[design]


@typed
def contract_of(
    model: RetentionModel,
    *,
    renewals: int = RENEWALS,
    subscribers: pd.DataFrame | ObservedSubscribers | None = None,
    charges: pd.Series[float] | None = None,
    ahead: int = AHEAD,
) -> ContractualLifetime:
    """The contract whose customers stay as `model` says, renewed every unit of the model (see the module).

    `subscribers`, with the model's covariates, says whom a model with covariates tells apart: those of them in the
    market's `SubscriberBase` are themselves, and each new customer is like one of them, drawn at random, `charges`
    (money per renewal, on their index) included. Without them a model with covariates gives the customer at the mean.
    Cox with strata and accelerated failure times other than Weibull's are not proportional: multipliers of their
    subscribers' average curve then keep each as probably as the regression says `ahead` renewals from its tenure on.

    Parameters
    ----------
    model : RetentionModel
        Of any family: sBG, BdW, their covariate models, survival curves and regressions.
    renewals : int
        How many hazards are kept; the last one holds from then on.
    subscribers : DataFrame or ObservedSubscribers, optional
    charges : Series, optional
        Money per renewal, on the subscribers' index.
    ahead : int
        Renewals over which a regression without proportional hazards is matched.

    Raises
    ------
    ConfigError
        Where survival rises or `renewals` is not above 0.

    Examples
    --------
    >>> import churnsim as cs
    >>> contract = contract_of(cs.ShiftedBetaGeometric(alpha=1.0, beta=3.0, unit="Y"))
    >>> contract.a, contract.b, contract.term
    (1.0, 3.0, 1.0)
    """
    if renewals < 1:
        raise ConfigError(f"renewals must be 1 or more; got {renewals}.")
    seen = ObservedSubscribers(subscribers, charges=charges) if isinstance(subscribers, pd.DataFrame) else subscribers
    ages = np.arange(renewals + 1.0)
    if isinstance(model, RenewalCovariates):
        return _of_beta(model.average_customer, ages, _apart(seen, model.own_weight, model.design))
    if isinstance(model, BetaRenewal):
        return _of_beta(model, ages, {})
    if not isinstance(model, SurvivalRegression) or seen is None:
        return ContractualLifetime(hazards=_hazards(model.log_survival(ages)), **_term(model))
    if model.proportional:
        apart = _apart(seen, model.multiplier_at, model.design)
        return ContractualLifetime(hazards=_hazards(model.log_survival(ages)), **_term(model), **apart)
    with np.errstate(divide="ignore"):
        new = seen.frame.assign(tenure=0.0, churned=False)
        hazards = _hazards(np.log(model.residual_survival(new, ages).mean(axis=0)))
    mean = ContractualLifetime(hazards=hazards, **_term(model))
    own = hazard_multipliers(seen.frame, model, mean, ahead=ahead).to_numpy()
    return replace(mean, own=seen.by_uid(own), charges=seen.charges)


def _apart(seen: ObservedSubscribers | None, own: Callable[[Floats], Floats], design: Design) -> dict[str, Any]:
    """What a contract knows of observed subscribers, if there are any."""
    return {} if seen is None else {"own": seen.by_uid(own(seen.centred(design))), "charges": seen.charges}


def _of_beta(model: BetaRenewal, ages: Floats, apart: dict[str, Any]) -> ContractualLifetime:
    """The contract of customers who differ by their own theta ~ Beta(a, b), with H(t) = t^c.

    A model that has the parameter c keeps its hazards at c = 1 too: the law is the sBG's, the draws are not.
    """
    a, b, c = model.shape
    hazards = _hazards(-(ages**c)) if hasattr(model, "c") else None
    return ContractualLifetime(a=a, b=b, hazards=hazards, **_term(model), **apart)


def _term(model: RetentionModel) -> dict[str, Any]:
    """The time between renewals as a contract takes it: a term in a unit."""
    term = term_of(model.unit)
    return {"term": term.value, "unit": term.unit}


def _hazards(log_s: Floats) -> tuple[float, ...]:
    """The chance to leave at each renewal of one whose log-survival after 0, 1, 2 ... renewals this is."""
    with np.errstate(invalid="ignore"):
        # Not rounded to 1, which would lose those of small multipliers too.
        hazards = np.minimum(-np.expm1(np.diff(log_s)), MOST_HAZARD)
    hazards = np.where(np.isneginf(log_s[1:]), 1.0, hazards)
    if not np.isfinite(hazards).all() or (hazards < -1e-12).any():
        raise ConfigError("survival must be finite and never rise to make a contract of it.")
    return tuple(np.clip(hazards, 0.0, 1.0))


@typed
def hazard_multipliers(
    subscriptions: pd.DataFrame, regression: RetentionModel, contract: ContractualLifetime, *, ahead: int = AHEAD
) -> pd.Series[float]:
    """What each subscriber's cumulative hazard is of the contract's, so that both keep it equally probably over `ahead`
    renewals: ln of S(tenure + ahead | z)/S(tenure | z), from `regression`, over the sum of ln(1 - h(tenure + k)).

    Where the contract loses nobody any more it is 1. Raises ConfigError for a contract without hazards.

    Examples
    --------
    >>> import churnsim as cs
    >>> known = {"tenure": [1, 2, 3, 4] * 25, "churned": [True, False] * 50, "old": [0.0, 1.0] * 50}
    >>> subscriptions = pd.DataFrame(known)
    >>> model = cs.models.ShiftedBetaGeometricCovariates.fit(subscriptions, covariates=["old"]).model
    >>> contract = ContractualLifetime(hazards=(0.2,) * 40)
    >>> found = hazard_multipliers(subscriptions, model, contract)
    >>> found.name, bool(found[1] < found[0])
    ('hazard_multiplier', True)
    """
    if contract.hazards is None:
        raise ConfigError("multipliers belong to a contract with hazards by tenure; an sBG's customers draw their own.")
    check_count(ahead, "ahead", most=10_000)
    tenure = Tenures.of(subscriptions).tenure.astype(np.int64)
    wanted = np.log(np.maximum(regression.residual_survival(subscriptions, np.array([float(ahead)]))[:, 0], 1e-300))
    kept = contract.log_survival(tenure + ahead) - contract.log_survival(tenure)
    found = np.divide(wanted, kept, out=np.ones_like(wanted), where=kept < 0)
    return pd.Series(found, subscriptions.index, name="hazard_multiplier")


@typed
def charges_model(charges: pd.Series[float], *, steadiness: float = STEADY) -> GammaGamma:
    """A Gamma-Gamma whose customers' mean charges spread as those given: their inverses as a gamma, by its moments.

    `steadiness` is the shape of one charge about its customer's mean. Raises DataError unless all are above 0.

    Examples
    --------
    >>> model = charges_model(pd.Series([20.0, 30.0, 50.0, 60.0]))
    >>> round(model.p * model.gamma / (model.q - 1.0), 2)  # the mean of the charges
    40.0
    """
    check_number(steadiness, "steadiness", above=0)
    values = numbers(charges, "charges")
    if values.size < 2 or not np.isfinite(values).all() or (values <= 0).any():
        raise DataError("charges must be at least two finite amounts above 0.")
    inverse = 1.0 / values
    shape = float(inverse.mean() ** 2 / max(inverse.var(ddof=1), 1e-12))
    # The mean of the model, p gamma/(q - 1), is put at the customers' own mean.
    q = max(shape, 1.5)
    return GammaGamma(p=steadiness, q=q, gamma=float(values.mean()) * (q - 1.0) / steadiness)


class SubscriberBase:
    """The subscribers who are there now, each with its tenure, charge and, if given, its hazard multiplier.

    `subscriptions` has whole `tenure` (terms, as `churnsim.data.count_renewals` counts them) and `churned`; those who
    left are not in the base: under contract the firm knows. `charges`, `multipliers` and `contact_ranks` (the share of
    customers who take contacts worse, drawn in each replication if absent) are one a subscriber, on its index. What the
    contract knows of each (`own`) holds where no multipliers are given; where customers differ beyond that each
    replication draws everybody's churn probability from its posterior given the tenure so far. Raises DataError where
    every subscriber has churned.

    Examples
    --------
    >>> subscriptions = pd.DataFrame({"tenure": [3, 12, 5], "churned": [False, False, True]}, index=["a", "b", "c"])
    >>> base = SubscriberBase(subscriptions, charges=pd.Series([20.0, 35.0, 20.0], index=["a", "b", "c"]))
    >>> list(base.ids)  # who left is not in it
    ['a', 'b']
    """

    @typed
    def __init__(
        self,
        subscriptions: pd.DataFrame,
        *,
        charges: pd.Series[float],
        multipliers: pd.Series[float] | None = None,
        contact_ranks: pd.Series[float] | None = None,
    ) -> None:
        given = {"charges": charges, "multipliers": multipliers, "contact_ranks": contact_ranks}
        for name, series in given.items():
            if series is not None or name == "charges":
                check_kind(series, name, pd.Series, "a Series on the subscriptions' index")
        there = subscriptions[~Tenures.of(subscriptions).in_whole_units().churned]
        if there.empty:
            raise DataError("every subscriber has churned: a base needs one at least who has not.")
        traits = pd.DataFrame(
            {"mean_spend": numbers(charges.reindex(there.index), "charges"), "tenure": there["tenure"], "dropout": 1.0},
            there.index,
        )
        if multipliers is not None:
            traits["dropout"] = multipliers.reindex(there.index)
        if contact_ranks is not None:
            traits["contact_rank"] = contact_ranks.reindex(there.index)
        unit = subscriptions.attrs.get("unit")
        term = None if unit is None else term_of(unit)
        self.unit: str | None = None if term is None else term.unit
        traits["first_purchase"] = -traits["tenure"] * (term.value if term else 1.0)
        traits["repeat_revenue"] = traits["mean_spend"] * traits["tenure"]
        self._tenure = there["tenure"].to_numpy(dtype=np.float64)
        self._uids, self._index = customer_uids(there.index), there.index
        self._given = multipliers is not None
        self._traits = TraitsBase(traits)

    @property
    def ids(self) -> pd.Index:
        """The subscribers' own ids."""
        return self._index

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} customers>"

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Any, spend: Any, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same subscriber gets the same draw whoever else is in the base."""
        base = self._traits.draw(purchases=purchases, spend=spend, seed=seed, replication=replication)
        if not isinstance(purchases, ContractualLifetime) or (self._given and purchases.a is None):
            return base
        own = np.full(len(self), purchases.a or 1.0) if purchases.own is None else self._known(purchases.own)
        if purchases.a is None or purchases.b is None:
            base.traits[:, 1] = own
        else:
            passed = -purchases.log_survival(self._tenure) if purchases.hazards else self._tenure
            base.traits[:, 1] = draw_dropouts(
                own, purchases.b + passed, purchases.hazards is not None, self._uids, replication, seed
            )
        return base

    def _known(self, own: CustomerScores) -> Floats:
        """What the contract knows of each. Raises DataError for a subscriber of whom it knows nothing."""
        found = own.at(self._uids, otherwise=np.nan)
        missing = np.flatnonzero(np.isnan(found))
        if missing.size:
            raise DataError(
                f"the contract tells observed subscribers apart, but not {str(self._index[missing[0]])[:80]!r} "
                f"({missing.size} such). Make it with contract_of(model, subscribers=...) of all of them."
            )
        return found
