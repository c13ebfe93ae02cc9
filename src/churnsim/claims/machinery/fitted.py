"""What fitted customers are worth, in closed form, given each one's drawn traits.

How long a drawn customer stays, and what it buys until then, is asked of the model that it was drawn from: what its
`dropout` means differs between models (`RemainingLifetimes`). Averaging over draws of the fitted parameters and of each
customer's traits given its own history carries the uncertainty of the fit and of not knowing who is still there.
Nothing here is simulated in time; where customers do not influence each other, a simulation must agree (and a test says
so for every model).

A log cannot tell how many of the silent are lost. On CDNOW the BG/NBD and the MBG/NBD fit equally well and disagree
about who has left: in the one a customer who has bought once cannot have dropped out, in the other it can at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, not_run
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import Spread, spread
from churnsim.errors import DataError
from churnsim.simulation.core.lifetimes import FixedSpend, ProfitByTenure
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.customers.remaining_lifetimes import RemainingLifetimes
from churnsim.typing import Floats
from churnsim.units import units_per_year

COHORT = 2000
"""New customers drawn for each set of parameters: their mean worth is then known to about 3% a draw."""


def on_market(judge: Callable[..., Finding]) -> Callable[..., Finding]:
    """A judge of claims on a market: UNTESTED without one, and with few replications when quick."""

    @wraps(judge)
    def judged(evidence: Evidence, quick: bool = False, **inputs: Any) -> Finding:
        if not isinstance(evidence, MarketEvidence):
            return not_run("Needs a fitted market: run it within a study, or hand over a market.")
        if len(evidence.market.customers) == 0:
            raise DataError(f"there are no customers in {evidence.label}.")
        return judge(evidence.at(quick=quick), quick, **inputs)

    return judged


@dataclass(frozen=True)
class DrawnCustomers:
    """One draw of n customers; durations in the market's unit, money as in its spend model.

    What the verbs say of each customer is as if it were alive, which `alive` says; they return arrays of length n.
    """

    lifetimes: RemainingLifetimes
    spend: Floats
    """Mean of a purchase, each customer's own."""
    alive: NDArray[np.bool_]
    last_purchase: Floats
    repeat_revenue: Floats
    margin: float
    force: float
    year: float

    def __len__(self) -> int:
        return len(self.spend)

    def purchases(self, horizon: float = np.inf, *, factor: float = 1.0, force: float | None = None) -> Floats:
        """Discounted purchases to come; dropout times `factor`."""
        return self.lifetimes.purchases(horizon, force=self.force if force is None else force, factor=factor)

    def worth(self, horizon: float = np.inf, *, factor: float = 1.0) -> Floats:
        """Discounted margin to come. Raises DataError where margin or amounts are 0."""
        each = self.margin * self.spend
        if not each.any():
            raise DataError("these customers earn the firm nothing: the market's margin, or what they spend, is 0.")
        return each * self.purchases(horizon, factor=factor)

    def revenue(self, horizon: float, *, factor: float = 1.0) -> Floats:
        """Undiscounted revenue to come. Raises DataError where amounts are 0."""
        if not self.spend.any():
            raise DataError("these customers spend nothing.")
        return self.spend * self.purchases(horizon, factor=factor, force=0.0)

    def worth_by_outcome(self, horizon: float = np.inf, *, factor: float = 1.0) -> Floats:
        """Discounted margin to come, nothing of those who are not alive any more."""
        return np.where(self.alive, self.worth(horizon, factor=factor), 0.0)

    def life(self, horizon: float) -> Floats:
        """Expected time in the relation until the horizon, nothing of those who are not alive any more."""
        return np.where(self.alive, self.lifetimes.expected_time(horizon), 0.0)

    def lost(self, horizon: float, *, factor: float = 1.0) -> Floats:
        """Probability to have left by the horizon; 1 of those who are not alive any more."""
        return np.where(self.alive, self.lifetimes.left_by(horizon, factor=factor), 1.0)


def base_draws(evidence: MarketEvidence) -> Iterator[DrawnCustomers]:
    """Today's customers, one draw a replication."""
    for replication in range(evidence.replications):
        yield draw_of(evidence, replication)


def new_draws(evidence: MarketEvidence, size: int = COHORT) -> Iterator[DrawnCustomers]:
    """New customers drawn from the population who have just bought once, one draw a replication.

    All are alive, but for models by which a customer may leave at its first purchase.
    """
    return base_draws(replace(evidence, market=replace(evidence.market, customers=Cohort(size=size))))


def worth_of_the_living(evidence: MarketEvidence) -> Spread:
    """Mean discounted margin to come of a customer who is alive, over the draws in which somebody is.

    Raises DataError where nobody is alive in any.
    """
    values = [float(draw.worth()[draw.alive].mean()) for draw in base_draws(evidence) if draw.alive.any()]
    if not values:
        raise DataError(f"nobody of {evidence.label} is likely to be a customer still.")
    return spread(values)


def draw_of(evidence: MarketEvidence, replication: int, *, uniforms_of: int | None = None) -> DrawnCustomers:
    """The customers under the parameters of one replication; with `uniforms_of` by another one's random numbers."""
    market = evidence.market.in_replication(replication, seed=evidence.seed)
    base = market.customers.draw(
        purchases=market.purchases,
        spend=market.spend,
        seed=evidence.seed,
        replication=replication if uniforms_of is None else uniforms_of,
    )
    return DrawnCustomers(
        lifetimes=market.remaining_lifetimes(base),
        spend=_mean_spend(market.spend, np.ascontiguousarray(base.traits[:, 2])),
        alive=base.alive,
        last_purchase=base.last_purchase,
        repeat_revenue=base.repeat_revenue,
        margin=float(market.terms.margin),
        force=market.discount_force,
        year=units_per_year(market.unit),
    )


def _mean_spend(spend: Any, spend_rates: Floats) -> Floats:
    """Mean of each customer's purchases: p / nu of a Gamma-Gamma, or the amount that is the same for all."""
    if isinstance(spend, FixedSpend):
        return np.full(spend_rates.size, spend.amount)
    if isinstance(spend, ProfitByTenure):
        raise DataError(
            "profits by tenure have no closed form in the claims' tests. Take a market whose spend is a fitted model "
            "or a FixedSpend."
        )
    return np.asarray(float(spend.p) / spend_rates)
