"""Logs and markets of made-up customers, for worlds in which what a claim says of them is known to be true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

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


def made_up_log(
    customers: int, orders: int, *, every: float, amount: Callable[[int], float], seed: int = 1, noise: float = 0.1
) -> pd.DataFrame:
    """Customers who start over a quarter and each order `orders` times, about `every` days apart, for `amount` of the
    order's number (from 0), give or take the share `noise`."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 90, size=(customers, 1))
    gaps = rng.uniform(0.8, 1.2, size=(customers, orders)) * every
    gaps[:, 0] = 0.0
    days = np.floor(start + np.cumsum(gaps, axis=1)).astype(np.int64)
    money = np.array([amount(order) for order in range(orders)]) * rng.uniform(1 - noise, 1 + noise, days.shape)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers), orders),
            "date": np.datetime64("2020-01-01") + days.ravel().astype("timedelta64[D]"),
            "amount": money.ravel(),
        }
    )
