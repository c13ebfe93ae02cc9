"""Logs of made-up customers, for worlds in which what a claim says of purchases is known to be true."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd


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
