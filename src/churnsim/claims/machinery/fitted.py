"""What fitted customers are worth, in closed form, given each one's drawn traits.

Given its purchase rate lambda and dropout probability p (BG/NBD: after each purchase) a living customer's discounted
purchases until H are lambda (1 - e^(-h H)) / h with h = lambda p + delta. Averaging over draws of the fitted
parameters and of each customer's traits given its own history carries the uncertainty of the fit and of not knowing
who is still there. Nothing here is simulated in time; where customers do not influence each other, a simulation must
agree (and a test says so).
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
from churnsim.simulation.customers.base import Cohort
from churnsim.typing import Floats
from churnsim.units import units_per_year

__all__ = ["DrawnCustomers", "base_draws", "new_draws", "on_market"]

COHORT = 2000
"""New customers drawn for each set of parameters: their mean worth is then known to about 3% a draw."""


def on_market(judge: Callable[..., Finding]) -> Callable[..., Finding]:
    """A judge of claims on a market: UNTESTED without one, and with few replications when quick."""

    @wraps(judge)
    def judged(evidence: Evidence, quick: bool = False, **inputs: Any) -> Finding:
        if not isinstance(evidence, MarketEvidence):
            return not_run("Needs a fitted market: run it within a study, or hand over a market.")
        return judge(evidence.at(quick=quick), quick, **inputs)

    return judged


@dataclass(frozen=True)
class DrawnCustomers:
    """One draw of the customers, arrays of length n; durations in the market's unit, money as in its spend model."""

    rate: Floats
    dropout: Floats
    spend: Floats
    alive: NDArray[np.bool_]
    last_purchase: Floats
    repeat_revenue: Floats
    margin: float
    force: float
    year: float

    def __len__(self) -> int:
        return len(self.rate)

    def purchases(self, horizon: float = np.inf, *, factor: float = 1.0, force: float | None = None) -> Floats:
        """Discounted purchases to come of each customer, were it alive; dropout times `factor`."""
        hazard = self.rate * self.dropout * factor + (self.force if force is None else force)
        safe = np.where(hazard > 0.0, hazard, 1.0)
        whole = np.where(hazard > 0.0, -np.expm1(-safe * horizon) / safe, horizon)
        return np.asarray(self.rate * whole)

    def worth(self, horizon: float = np.inf, *, factor: float = 1.0) -> Floats:
        """Discounted margin to come of each customer, were it alive."""
        return self.margin * self.spend * self.purchases(horizon, factor=factor)

    def life(self, horizon: float) -> Floats:
        """Expected time in the relation until the horizon of each customer, were it alive, undiscounted."""
        hazard = np.maximum(self.rate * self.dropout, 1e-300)
        return np.asarray(-np.expm1(-hazard * horizon) / hazard)


def base_draws(evidence: MarketEvidence) -> Iterator[DrawnCustomers]:
    """Today's customers, one draw a replication."""
    for replication in range(evidence.replications):
        yield _drawn(evidence, replication)


def new_draws(evidence: MarketEvidence, size: int = COHORT) -> Iterator[DrawnCustomers]:
    """New customers drawn from the population, one draw a replication; all are alive and have just bought once."""
    return base_draws(replace(evidence, market=replace(evidence.market, customers=Cohort(size=size))))


def _drawn(evidence: MarketEvidence, replication: int) -> DrawnCustomers:
    market = evidence.market.in_replication(replication)
    base = market.customers.draw(
        purchases=market.purchases, spend=market.spend, seed=evidence.seed, replication=replication
    )
    rate, dropout, spend_rate = (np.ascontiguousarray(column) for column in base.traits[:, :3].T)
    return DrawnCustomers(
        rate=rate,
        dropout=dropout,
        spend=float(market.spend.p) / spend_rate,
        alive=base.alive,
        last_purchase=base.last_purchase,
        repeat_revenue=base.repeat_revenue,
        margin=float(market.terms.margin),
        force=market.discount_force,
        year=units_per_year(market.unit),
    )
