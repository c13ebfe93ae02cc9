"""Customers whose buying and leaving follow their satisfaction in a known way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import check_count, typed
from churnsim.satisfaction.synthetic.answers import generator, people

BUYING, LEAVING = 0.02, -0.03
"""ln rate of buying, and ln hazard of leaving, per point of satisfaction (assumed)."""
RATE, HAZARD, OBSERVED = 0.10, 0.01, 52.0
SPEND, MARGIN = 30.0, 0.3


@typed
def synthetic_customers(n: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """`satisfaction, frequency, T, tenure, churned, revenue, profit` of n customers observed for a year of weeks, or
    until they left.

    Examples
    --------
    >>> customers = synthetic_customers(100, seed=1)
    >>> customers[["satisfaction", "frequency", "tenure", "churned"]].head(2).round(1).to_dict("list")
    {'satisfaction': [70.1, 42.7], 'frequency': [9, 0], 'tenure': [52.0, 6.1], 'churned': [0, 1]}
    """
    check_count(n, "n")
    random = generator(seed)
    satisfaction = np.clip(60 + 18 * random.standard_normal(n), 0, 100)
    step = satisfaction - 60
    life = random.exponential(1 / (HAZARD * np.exp(LEAVING * step)))
    tenure = np.minimum(life, OBSERVED)
    frequency = random.poisson(RATE * np.exp(BUYING * step) * tenure)
    revenue = np.array([random.gamma(4.0 * max(k, 1e-12), SPEND / 4.0) if k else 0.0 for k in frequency])
    return pd.DataFrame(
        {
            "satisfaction": satisfaction, "frequency": frequency, "T": tenure, "tenure": tenure,
            "churned": (life <= OBSERVED).astype(int), "revenue": revenue, "profit": MARGIN * revenue,
        },
        index=people(n),
    )  # fmt: skip
