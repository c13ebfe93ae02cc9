"""Markets of made-up customers, for worlds in which what a claim says of a market is known to be true."""

from __future__ import annotations

from typing import Any

from churnsim.claims.machinery.evidence import MarketEvidence, market_evidence
from churnsim.models import BGNBD
from churnsim.simulation.core.lifetimes import FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.scenario.market import Market


def made_up_market(
    evidence: MarketEvidence, customers: int, *, gap: float, dropout: float, amount: float = 10.0, **parts: Any
) -> MarketEvidence:
    """New customers who differ little: they buy every `gap` weeks for `amount`, and drop out after a purchase with
    probability `dropout`. The market has these `parts`, and is run as often as the evidence and from its seed."""
    purchases = BGNBD(r=100.0, alpha=100.0 * gap, a=20.0, b=20.0 / dropout - 20.0, unit="W")
    spend = FixedSpend(amount=amount)
    market = Market(customers=Cohort(size=customers), purchases=purchases, spend=spend, **parts)
    return market_evidence(market, replications=evidence.replications, seed=evidence.seed)
