"""Gamma-Gamma spend: log-likelihood with gradient, one customer at a time.

Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis", JMR 42, 415-430; Fader
& Hardie (2013), note 025. A purchase is worth z ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma), so the mean m of x
purchases has density

    f(m | x) = Gamma(p x + q) / (Gamma(p x) Gamma(q)) . gamma^q m^(p x - 1) x^(p x) / (gamma + x m)^(p x + q)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.jit import njit
from churnsim.kernels.philox import block
from churnsim.kernels.samplers import gamma_quantile
from churnsim.kernels.special import digamma

__all__ = ["log_likelihood", "objective", "posterior_rate"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit
def log_likelihood(p: float, q: float, gamma: float, x: Ints, m: Floats) -> Floats:
    """Log-likelihood of each repeat customer's mean spend `m` over `x` purchases, in the data's own money."""
    out = np.empty(x.size)
    for i in range(x.size):
        k = p * x[i]
        log_share = math.log(x[i] * m[i]) - math.log(gamma + x[i] * m[i])
        out[i] = (
            math.lgamma(k + q) - math.lgamma(k) - math.lgamma(q) + k * log_share
            - q * math.log1p(x[i] * m[i] / gamma) - math.log(m[i])
        )  # fmt: skip
    return out


@njit
def objective(p: float, q: float, gamma: float, x: Ints, m: Floats, weight: Floats) -> Floats:
    """Weighted log-likelihood and its gradient in (p, q, gamma), as an array of four, summed in blocks."""
    total = np.zeros(4)
    part = np.zeros(4)
    lg_q, psi_q = math.lgamma(q), digamma(q)
    for i in range(x.size):
        n, w = np.float64(x[i]), weight[i]
        k, s = p * n, n * m[i]
        log_share = math.log(s) - math.log(gamma + s)
        log_more = math.log1p(s / gamma)
        psi = digamma(k + q)
        value = math.lgamma(k + q) - math.lgamma(k) - lg_q + k * log_share - q * log_more - math.log(m[i])
        part[0] += w * value
        part[1] += w * n * (psi - digamma(k) + log_share)
        part[2] += w * (psi - psi_q - log_more)
        part[3] += w * (q / gamma - (k + q) / (gamma + s))
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def posterior_rate(
    p: float, q: float, gamma: float, x: int, m: float,
    uid: int, replication: int, seed: int, domain: int, stream: int,
) -> float:  # fmt: skip
    """One exact draw of nu given the history: Gamma(q + p x, rate gamma + x m). Mean spend of the customer is p /
    nu."""
    u, _, _, _ = block(1, stream, uid, replication, seed, domain)
    return gamma_quantile(u, q + p * x) / (gamma + x * m)
