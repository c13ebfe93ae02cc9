"""A simulated customer's history: what would be seen of it up to T.

One story for every continuous-time family: purchases come with gaps of `phases` exponential stages each (1: Poisson);
after each purchase the customer drops out with probability `dropout` (after the first one too where `first` says so);
and it is gone for good after `lifetime` (infinite where the family knows no such thing).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantiles import exponential_quantile
from churnsim.typing import Floats

__all__ = ["observe"]


@njit
def observe(
    rate: Floats, dropout: Floats, lifetime: Floats, T: Floats, phases: int, first: bool,
    replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Rows (frequency, recency, sum of the logarithms of the gaps) of customers 0 ... n - 1, observed for T each."""
    out = np.zeros((T.size, 3))
    for i in range(T.size):
        # Ordinal 0 belongs to the first purchase; the k-th repeat has the blocks from 1 + (k - 1) phases on.
        _, u, _, _ = block(0, stream, i, replication, seed, domain)
        if first and u < dropout[i]:
            continue
        end = min(T[i], lifetime[i])
        ordinal = 1
        while rate[i] > 0.0:
            gap = 0.0
            u_stay = 1.0
            for _ in range(phases):
                u_gap, u_stay, _, _ = block(ordinal, stream, i, replication, seed, domain)
                gap += exponential_quantile(u_gap) / rate[i]
                ordinal += 1
            if out[i, 1] + gap > end or gap <= 0.0:
                break
            out[i, 0] += 1.0
            out[i, 1] += gap
            out[i, 2] += math.log(gap)
            if u_stay < dropout[i]:
                break
    return out
