"""From fitted retention models and actual subscribers to a market: the bridge between survival and simulation.

A `ContractualLifetime` takes its hazards from any model of staying: h(t) = 1 - S(t)/S(t - 1) at renewal t. An sBG
keeps its heterogeneity: new customers draw their own churn probability, actual ones from its posterior Beta(alpha,
beta + tenure). Where a regression tells subscribers apart, each gets a multiplier of the hazards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.identity import customer_uids
from churnsim.errors import ConfigError, DataError
from churnsim.kernels.philox import block
from churnsim.kernels.samplers import beta_quantile
from churnsim.kernels.streams import SIMULATION, TRAITS
from churnsim.models.gamma_gamma import GammaGamma
from churnsim.models.retention import RetentionModel
from churnsim.models.sbg import ShiftedBetaGeometric
from churnsim.models.tenures import Tenures
from churnsim.simulation.lifetimes import ContractualLifetime
from churnsim.simulation.population import Base
from churnsim.simulation.traits import TraitsBase

__all__ = ["SubscriberBase", "charges_model", "contract_of", "hazard_multipliers"]

Floats = NDArray[np.float64]

RENEWALS = 240  # hazards kept for that many renewals; the last one holds from then on
# Shape of one charge: the larger, the steadier. 400 is a standard deviation of 5% from month to month (assumed).
STEADY = 400.0
AHEAD = 12  # renewals over which a multiplier keeps a subscriber as probably as its regression says


def contract_of(model: RetentionModel, *, renewals: int = RENEWALS) -> ContractualLifetime:
    """The contract whose customers stay as `model` says, renewed every unit of the model.

    An sBG becomes its beta distribution; any other model the hazards of new customers at the first `renewals`
    renewals. Raises ConfigError where survival rises or `renewals` is not above 0.
    """
    if isinstance(model, ShiftedBetaGeometric):
        return ContractualLifetime(a=float(model.alpha), b=float(model.beta), unit=model.unit)
    if renewals < 1:
        raise ConfigError(f"renewals must be 1 or more; got {renewals}.")
    log_s = model.log_survival(np.arange(renewals + 1.0))
    hazards = -np.expm1(np.diff(log_s))
    if not np.isfinite(hazards).all() or (hazards < -1e-12).any():
        raise ConfigError("survival must be finite and never rise to make a contract of it.")
    return ContractualLifetime(hazards=tuple(np.clip(hazards, 0.0, 1.0)), unit=model.unit)


def hazard_multipliers(
    subscriptions: pd.DataFrame, regression: RetentionModel, contract: ContractualLifetime, *, ahead: int = AHEAD
) -> pd.Series[float]:
    """What each subscriber's hazards are of the contract's, so that both keep it equally probably over `ahead`
    renewals.

    Solves prod over k of (1 - m h(tenure + k)) = S(tenure + ahead | z)/S(tenure | z), the right side from `regression`.
    Raises ConfigError for a contract without hazards.
    """
    if contract.hazards is None:
        raise ConfigError("multipliers belong to a contract with hazards by tenure; an sBG's customers draw their own.")
    tenure = Tenures.of(subscriptions).tenure.astype(np.int64)
    wanted = np.log(np.maximum(regression.residual_survival(subscriptions, np.array([float(ahead)]))[:, 0], 1e-300))
    hazards = np.array(contract.hazards)
    coming = hazards[np.minimum(tenure[:, None] + np.arange(ahead), hazards.size - 1)]
    # Bisection: the kept share falls with m, from 1 at 0 to 0 where the largest hazard reaches 1.
    low, high = np.zeros(tenure.size), 1.0 / np.maximum(coming.max(axis=1), 1e-12)
    with np.errstate(divide="ignore"):
        for _ in range(60):
            middle = (low + high) / 2
            kept = np.log1p(-np.minimum(middle[:, None] * coming, 1.0)).sum(axis=1)
            low, high = np.where(kept > wanted, middle, low), np.where(kept > wanted, high, middle)
    return pd.Series((low + high) / 2, subscriptions.index, name="hazard_multiplier")


def charges_model(charges: pd.Series[float], *, steadiness: float = STEADY) -> GammaGamma:
    """A Gamma-Gamma whose customers' mean charges spread as those given: their inverses as a gamma, by its moments.

    `steadiness` is the shape of one charge about its customer's mean. Raises DataError unless all are above 0.
    """
    values = charges.to_numpy(dtype=np.float64)
    if values.size < 2 or not np.isfinite(values).all() or (values <= 0).any():
        raise DataError("charges must be at least two finite amounts above 0.")
    inverse = 1.0 / values
    shape = float(inverse.mean() ** 2 / max(inverse.var(ddof=1), 1e-12))
    # The mean of the model, p gamma/(q - 1), is put at the customers' own mean.
    q = max(shape, 1.5)
    return GammaGamma(p=steadiness, q=q, gamma=float(values.mean()) * (q - 1.0) / steadiness)


class SubscriberBase:
    """The subscribers who are there now, each with its tenure, charge and, if given, its hazard multiplier.

    `subscriptions` has whole `tenure` and `churned`; those who left are not in the base: under contract the firm knows.
    `charges`, `multipliers` and `contact_ranks` (the share of customers who take contacts worse, drawn in each
    replication if absent) are one a subscriber, on its index. With an sBG contract each replication draws
    everybody's churn probability from its posterior given the tenure so far. Raises DataError where nobody is there.
    """

    def __init__(
        self,
        subscriptions: pd.DataFrame,
        *,
        charges: pd.Series[float],
        multipliers: pd.Series[float] | None = None,
        contact_ranks: pd.Series[float] | None = None,
    ) -> None:
        there = subscriptions[~Tenures.of(subscriptions).in_whole_units().churned]
        if there.empty:
            raise DataError("nobody is there any more, so there is no base to start from.")
        traits = pd.DataFrame(
            {"mean_spend": charges.reindex(there.index), "tenure": there["tenure"], "dropout": 1.0}, there.index
        )
        if multipliers is not None:
            traits["dropout"] = multipliers.reindex(there.index)
        if contact_ranks is not None:
            traits["contact_rank"] = contact_ranks.reindex(there.index)
        traits["first_purchase"] = -traits["tenure"]
        traits["repeat_revenue"] = traits["mean_spend"] * traits["tenure"]
        self.unit: str | None = subscriptions.attrs.get("unit")
        self._tenure = there["tenure"].to_numpy(dtype=np.float64)
        self._uids = customer_uids(there.index)
        self._traits = TraitsBase(traits)

    def __len__(self) -> int:
        return len(self._uids)

    def draw(self, *, purchases: Any, spend: Any, seed: int, replication: int) -> Base:
        """Draw the base of one replication. The same subscriber gets the same draw whoever else is in the base."""
        base = self._traits.draw(purchases=purchases, spend=spend, seed=seed, replication=replication)
        if isinstance(purchases, ContractualLifetime) and purchases.a is not None and purchases.b is not None:
            chances = [block(0, TRAITS, uid, replication, seed, SIMULATION)[1] for uid in self._uids.tolist()]
            a, b = purchases.a, purchases.b
            pairs = zip(chances, self._tenure.tolist(), strict=True)
            base.traits[:, 1] = [beta_quantile(u, a, b + tenure) for u, tenure in pairs]
        return base
