"""What fitted customers are worth, in closed form, given each one's drawn traits.

Given its purchase rate lambda and dropout probability p (BG/NBD: after each purchase) a living customer's discounted
purchases until H are lambda (1 - e^(-h H)) / h with h = lambda p + delta. Averaging over draws of the fitted
parameters and of each customer's traits given its own history carries the uncertainty of the fit and of not knowing
who is still there. Nothing here is simulated in time; where customers do not influence each other, a simulation must
agree (and a test says so).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.simulation.customers.base import Cohort
from churnsim.typing import Floats
from churnsim.units import units_per_year

__all__ = ["NEEDS_MARKET", "Customers", "Spread", "base_draws", "new_draws", "spread"]

NEEDS_MARKET = "Needs a fitted market: run it within a study, or hand over a market."
COHORT = 2000
"""New customers drawn for each set of parameters: their mean worth is then known to about 3% a draw."""


@dataclass(frozen=True)
class Customers:
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


def base_draws(evidence: MarketEvidence) -> Iterator[Customers]:
    """Today's customers, one draw a replication."""
    for replication in range(evidence.replications):
        yield _drawn(evidence, replication)


def new_draws(evidence: MarketEvidence, size: int = COHORT) -> Iterator[Customers]:
    """New customers drawn from the population, one draw a replication; all are alive and have just bought once."""
    return base_draws(replace(evidence, market=replace(evidence.market, customers=Cohort(size=size))))


def _drawn(evidence: MarketEvidence, replication: int) -> Customers:
    market = evidence.market.in_replication(replication)
    base = market.customers.draw(
        purchases=market.purchases, spend=market.spend, seed=evidence.seed, replication=replication
    )
    rate, dropout, spend_rate = (np.ascontiguousarray(column) for column in base.traits[:, :3].T)
    return Customers(
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


@dataclass(frozen=True)
class Spread:
    """A figure over the draws: its mean and the middle 95% of them."""

    mean: float
    lower: float
    upper: float

    def __str__(self) -> str:
        digits = ",.0f" if max(abs(self.lower), abs(self.upper)) >= 1000 else ",.4g"
        return f"{self.mean:{digits}} [{self.lower:{digits}}, {self.upper:{digits}}]"

    def above(self, level: float = 0.0) -> Verdict:
        """HOLDS above the level, FAILS below it, UNTESTABLE across it."""
        if self.lower > level:
            return Verdict.HOLDS
        return Verdict.FAILS if self.upper <= level else Verdict.UNTESTABLE


def spread(values: Floats | list[float]) -> Spread:
    """Mean and middle 95% over draws."""
    array = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(array, [0.025, 0.975])
    return Spread(float(array.mean()), float(low), float(high))


def fitted(evidence: Evidence, *, quick: bool) -> MarketEvidence | None:
    """The evidence if it is a market, with few replications when quick; None otherwise."""
    return evidence.at(quick=quick) if isinstance(evidence, MarketEvidence) else None
