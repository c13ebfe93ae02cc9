"""Gamma-Gamma spend: log-likelihood with its derivatives.

Fader, Hardie & Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis", JMR 42, 415-430; Fader
& Hardie (2013), note 025. A purchase is worth z ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma), so the mean m of x
purchases has density

    f(m | x) = Gamma(p x + q) / (Gamma(p x) Gamma(q)) . gamma^q m^(p x - 1) x^(p x) / (gamma + x m)^(p x + q)
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.special import digamma, trigamma
from churnsim.typing import Floats, Ints


@njit
def log_likelihood(p: float, q: float, gamma: float, x: Ints, m: Floats) -> Floats:
    """Log-likelihood of each repeat customer's mean spend `m` over `x` purchases, in the data's own money."""
    out = np.empty(x.size)
    for i in range(x.size):
        k = p * x[i]
        # Powers of the shares x m/(gamma + x m) and gamma/(gamma + x m): the unit of money enters by 1/m alone.
        log_share = math.log(x[i] * m[i]) - math.log(gamma + x[i] * m[i])
        out[i] = (
            math.lgamma(k + q) - math.lgamma(k) - math.lgamma(q) + k * log_share
            - q * math.log1p(x[i] * m[i] / gamma) - math.log(m[i])
        )  # fmt: skip
    return out


@njit
def sums(gamma: float, x: Ints, s: Floats, logs: Floats, weight: Floats) -> Floats:
    """All that the likelihood needs of single customers, one logarithm each; `s` is the sum of a customer's purchases.

    With S = gamma + s the weighted sums of logs - x ln S, ln(gamma/S), 1/S, x/S, 1/S^2 and x/S^2, taken in blocks.
    `logs` is x ln s where means are modelled and the sum of ln z where single purchases are.
    """
    total = np.zeros(6)
    log_gamma = math.log(gamma)
    for start in range(0, x.size, 1024):
        share = more = one = many = one_2 = many_2 = 0.0
        for i in range(start, min(start + 1024, x.size)):
            n, w = x[i], weight[i]
            # One logarithm a customer: it serves both ln(s/S) and ln(gamma/S).
            log_all = math.log(gamma + s[i])
            late = 1.0 / (gamma + s[i])
            share += w * (logs[i] - n * log_all)
            more += w * (log_gamma - log_all)
            one += w * late
            many += w * n * late
            one_2 += w * late * late
            many_2 += w * n * late * late
        total[0] += share
        total[1] += more
        total[2] += one
        total[3] += many
        total[4] += one_2
        total[5] += many_2
    return total


@njit
def objective(p: float, q: float, gamma: float, counts: Ints, customers: Floats, each: bool, sums: Floats) -> Floats:
    """Weighted log-likelihood and its gradient in (p, q, gamma), an array of four, from the `sums` at gamma.

    `customers` have each of the `counts` of purchases: what depends on x alone is found once for all of them. With
    `each` it is the likelihood of single purchases z, Gamma(p x + q)/(Gamma(q) Gamma(p)^x) . gamma^q prod z^(p-1)/
    (gamma + s)^(p x + q), otherwise that of means; in both less what has no parameter in it, sum ln z or ln m.
    """
    value, by_p, by_q, all_customers = 0.0, 0.0, 0.0, 0.0
    lg_q, psi_q, lg_p, psi_p = math.lgamma(q), digamma(q), math.lgamma(p), digamma(p)
    for i in range(counts.size):
        n, w = counts[i], customers[i]
        # Once for every count of purchases, whoever has it.
        psi = digamma(p * n + q)
        value += w * (math.lgamma(p * n + q) - lg_q - (n * lg_p if each else math.lgamma(p * n)))
        by_p += w * n * (psi - (psi_p if each else digamma(p * n)))
        by_q += w * (psi - psi_q)
        all_customers += w
    return np.array(
        [
            value + p * sums[0] + q * sums[1],
            by_p + sums[0],
            by_q + sums[1],
            all_customers * q / gamma - p * sums[3] - q * sums[2],
        ]
    )


@njit
def hessian(p: float, q: float, gamma: float, counts: Ints, customers: Floats, each: bool, sums: Floats) -> Floats:
    """Second derivatives of the weighted log-likelihood in (p, q, gamma), a symmetric 3 x 3 array."""
    pp = pq = qq = all_customers = 0.0
    psi_q, psi_p = trigamma(q), trigamma(p)
    for i in range(counts.size):
        n, w = counts[i], customers[i]
        psi = trigamma(p * n + q)
        pp += w * n * (n * psi - (psi_p if each else n * trigamma(p * n)))
        pq += w * n * psi
        qq += w * (psi - psi_q)
        all_customers += w
    pg, qg = -sums[3], all_customers / gamma - sums[2]
    gg = p * sums[5] + q * sums[4] - all_customers * q / (gamma * gamma)
    return np.array([[pp, pq, pg], [pq, qq, qg], [pg, qg, gg]])
