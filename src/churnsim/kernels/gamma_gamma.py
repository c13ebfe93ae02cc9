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

__all__ = ["log_likelihood", "objective", "objective_each", "posterior_rate"]

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
    """Weighted log-likelihood of the mean spends and its gradient in (p, q, gamma), an array of four, summed in
    blocks."""
    lg, lg_q, psi, psi_q = _by_count(p, q, x.max() if x.size else 0)
    total = np.zeros(4)
    part = np.zeros(4)
    log_gamma = math.log(gamma)
    for i in range(x.size):
        n, w = x[i], weight[i]
        k, s = p * n, n * m[i]
        log_all = math.log(gamma + s)
        log_s = math.log(s)
        log_share, log_more = log_s - log_all, log_all - log_gamma
        value = lg_q[n] - lg[n] - lg_q[0] + k * log_share - q * log_more - math.log(m[i])
        part[0] += w * value
        part[1] += w * n * (psi_q[n] - psi[n] + log_share)
        part[2] += w * (psi_q[n] - psi_q[0] - log_more)
        part[3] += w * (q / gamma - (k + q) / (gamma + s))
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def objective_each(p: float, q: float, gamma: float, x: Ints, s: Floats, log_values: Floats, weight: Floats) -> Floats:
    """The same from single purchases: `s` is their sum and `log_values` the sum of their logarithms.

    f = Gamma(p x + q)/(Gamma(q) Gamma(p)^x) . gamma^q prod z^(p-1)/(gamma + s)^(p x + q) .
    """
    _, lg_q, _, psi_q = _by_count(p, q, x.max() if x.size else 0)
    total = np.zeros(4)
    part = np.zeros(4)
    log_gamma, lg_p, psi_p = math.log(gamma), math.lgamma(p), digamma(p)
    for i in range(x.size):
        n, w = x[i], weight[i]
        log_all = math.log(gamma + s[i])
        log_more = log_all - log_gamma
        value = lg_q[n] - lg_q[0] - n * lg_p + (p - 1.0) * log_values[i] - p * n * log_all - q * log_more
        part[0] += w * value
        part[1] += w * (n * (psi_q[n] - psi_p - log_all) + log_values[i])
        part[2] += w * (psi_q[n] - psi_q[0] - log_more)
        part[3] += w * (q / gamma - (p * n + q) / (gamma + s[i]))
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def _by_count(p: float, q: float, top: int) -> tuple[Floats, Floats, Floats, Floats]:
    """ln Gamma(p x), ln Gamma(p x + q) and their digammas for x = 0 ... top: no customer needs its own."""
    lg, lg_q, psi, psi_q = np.zeros(top + 1), np.zeros(top + 1), np.zeros(top + 1), np.zeros(top + 1)
    for n in range(top + 1):
        k = p * n
        lg_q[n], psi_q[n] = math.lgamma(k + q), digamma(k + q)
        if n > 0:
            lg[n], psi[n] = math.lgamma(k), digamma(k)
    return lg, lg_q, psi, psi_q


@njit
def posterior_rate(
    p: float, q: float, gamma: float, x: int, m: float,
    uid: int, replication: int, seed: int, domain: int, stream: int,
) -> float:  # fmt: skip
    """One exact draw of nu given the history: Gamma(q + p x, rate gamma + x m). Mean spend of the customer is p /
    nu."""
    u, _, _, _ = block(1, stream, uid, replication, seed, domain)
    return gamma_quantile(u, q + p * x) / (gamma + x * m)
