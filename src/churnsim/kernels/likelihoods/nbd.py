"""NBD: log-likelihood with gradient, and the distribution of counts, one customer at a time.

Purchases come at rate lambda ~ Gamma(r, rate alpha) for ever, so the times of x repeat purchases up to T have density
L = prod_{j<x} (r + j) . alpha^r (alpha + T)^-(r+x).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.typing import Floats, Ints


@njit
def log_likelihood(r: float, alpha: float, x: Ints, T: Floats) -> Floats:
    """Log-likelihood of each customer, in the data's own time unit."""
    rate, _ = rising_logs(r, highest_count(x))
    out = np.empty(x.size)
    for i in range(x.size):
        # r ln alpha - (r + x) ln(alpha + T) without the cancellation of large r: r ln(1 + T/alpha) is taken out.
        out[i] = rate[x[i]] - r * math.log1p(T[i] / alpha) - x[i] * math.log(alpha + T[i])
    return out


@njit
def objective(r: float, alpha: float, x: Ints, T: Floats, weight: Floats) -> Floats:
    """Weighted log-likelihood and its gradient in (r, alpha), as an array of three, summed in blocks."""
    rate, d_rate = rising_logs(r, highest_count(x))
    total = np.zeros(3)
    part = np.zeros(3)
    for i in range(x.size):
        n, w = x[i], weight[i]
        grown = math.log1p(T[i] / alpha)
        part[0] += w * (rate[n] - r * grown - n * math.log(alpha + T[i]))
        part[1] += w * (d_rate[n] - grown)
        part[2] += w * (r / alpha - (r + n) / (alpha + T[i]))
        # In blocks, so that the rounding error of a million rows stays below what a line search sees.
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def pmf(R: Floats, A: Floats, horizon: Floats, count: int) -> Floats:
    """P(count purchases in a horizon) of customers with rate ~ Gamma(R, A): negative binomial."""
    out = np.empty(R.size)
    for i in range(R.size):
        h = horizon[i]
        if h <= 0.0:
            out[i] = 1.0 if count == 0 else 0.0
            continue
        # ln of A/(A + h), of which the R-th power is the chance of no purchase.
        log_rest = -math.log1p(h / A[i])
        log_p = R[i] * log_rest
        # (R)_n/n! factor by factor: a ratio of gamma functions would cancel where R is large.
        for j in range(count):
            log_p += math.log((R[i] + j) / (j + 1.0))
        if count > 0:
            log_p += count * (math.log(h / A[i]) + log_rest)
        out[i] = math.exp(log_p)
    return out
