"""Pareto/NBD: log-likelihood with gradient and Hessian, P(alive) and exact posterior draws, one customer at a time.

Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will they do next?", Management
Science 33(1), 1-24. Purchases come at rate lambda ~ Gamma(r, alpha) until the customer leaves, at a time of rate mu ~
Gamma(s, beta). With R = r + x a customer with x repeat purchases, the last at t_x, observed to T has

    L = prod_{j<x} (r + j) . alpha^r beta^s
        . [ (alpha + T)^-R (beta + T)^-s + s int_t_x^T (alpha + y)^-R (beta + y)^-(s+1) dy ]

the two terms being "alive at T" and "left at y"; the integral is `pareto_nbd_integral.py`'s.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.pareto_nbd_integral import moments, place, share
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs, rising_squares
from churnsim.kernels.numerics.quantiles import gamma_quantile
from churnsim.typing import Floats, Ints


@njit
def log_odds(R: float, alpha: float, s: float, beta: float, t_x: float, T: float, log_share: float) -> float:
    """ln of the odds that a customer is gone, from ln of the integral's `share`."""
    silent = T - t_x
    return (
        math.log(s) - math.log(beta + t_x) + log_share
        + R * math.log1p(silent / (alpha + t_x)) + s * math.log1p(silent / (beta + t_x))
    )  # fmt: skip


@njit
def _odds(r: float, alpha: float, s: float, beta: float, x: int, t_x: float, T: float) -> float:
    part = share(r + x, alpha, s + 1.0, beta, t_x, T)
    return log_odds(r + x, alpha, s, beta, t_x, T, math.log(part)) if part > 0.0 else -math.inf


@njit
def log_likelihood(r: float, alpha: float, s: float, beta: float, x: Ints, t_x: Floats, T: Floats) -> Floats:
    """Log-likelihood of each customer, in the data's own time unit."""
    rate, _ = rising_logs(r, highest_count(x))
    out = np.empty(x.size)
    for i in range(x.size):
        n = x[i]
        odds = _odds(r, alpha, s, beta, n, t_x[i], T[i])
        log_either = max(odds, 0.0) + math.log1p(math.exp(-abs(odds)))
        # r ln alpha - (r + n) ln(alpha + T), without the cancellation of large r.
        out[i] = (
            rate[n]
            - r * math.log1p(T[i] / alpha)
            - n * math.log(alpha + T[i])
            - s * math.log1p(T[i] / beta)
            + log_either
        )
    return out


@njit
def p_alive(r: float, alpha: float, s: float, beta: float, x: Ints, t_x: Floats, T: Floats) -> Floats:
    """P(alive at T | x, t_x, T)."""
    out = np.empty(x.size)
    for i in range(x.size):
        odds = _odds(r, alpha, s, beta, x[i], t_x[i], T[i])
        out[i] = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
    return out


@njit
def objective(r: float, alpha: float, s: float, beta: float, x: Ints, t_x: Floats, T: Floats, weight: Floats) -> Floats:
    """Weighted log-likelihood and its gradient in (r, alpha, s, beta), as an array of five, summed in blocks."""
    rate, d_rate = rising_logs(r, highest_count(x))
    total = np.zeros(5)
    part = np.zeros(5)
    mean = np.zeros(20)
    for i in range(x.size):
        n, w = x[i], weight[i]
        R = r + n
        log_share = moments(R, alpha, s + 1.0, beta, t_x[i], T[i], mean, False)
        gone_from_alpha, gone_from_beta = math.log1p(T[i] / alpha), math.log1p(T[i] / beta)
        odds = log_odds(R, alpha, s, beta, t_x[i], T[i], log_share)
        small = math.exp(-abs(odds))
        gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
        # From the odds themselves: 1 - gone is 0 where hardly anybody is alive.
        alive = 1.0 - gone if odds < 0.0 else small / (1.0 + small)
        part[0] += w * (
            rate[n] - r * gone_from_alpha - n * math.log(alpha + T[i]) - s * gone_from_beta
            + max(odds, 0.0) + math.log1p(small)
        )  # fmt: skip
        at_x = math.log1p(t_x[i] / alpha) + mean[0]  # mean of ln((alpha + y)/alpha) of those gone
        part[1] += w * (d_rate[n] - alive * gone_from_alpha - gone * at_x)
        part[2] += w * (r / alpha - R * (alive / (alpha + T[i]) + gone * mean[1]))
        at_x = math.log1p(t_x[i] / beta) + mean[2]
        part[3] += w * (gone / s - alive * gone_from_beta - gone * at_x)
        part[4] += w * (s / beta - alive * s / (beta + T[i]) - gone * (s + 1.0) * mean[3])
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part


@njit
def hessian(r: float, alpha: float, s: float, beta: float, x: Ints, t_x: Floats, T: Floats, weight: Floats) -> Floats:
    """Second derivatives of the weighted log-likelihood in (r, alpha, s, beta), a symmetric 4 x 4 array.

    With g the chance of being gone, u and v the slopes of ln of the two terms: (1 - g) u' + g v' + g (1 - g) (v - u)(v
    - u)^T; v' is the mean second derivative of the integrand's logarithm plus the covariance of its slope.
    """
    squares = rising_squares(r, highest_count(x))
    out = np.zeros((4, 4))
    mean = np.zeros(20)
    apart = np.zeros(4)
    for i in range(x.size):
        n, w = x[i], weight[i]
        R = r + n
        log_share = moments(R, alpha, s + 1.0, beta, t_x[i], T[i], mean, True)
        odds = log_odds(R, alpha, s, beta, t_x[i], T[i], log_share)
        small = math.exp(-abs(odds))
        gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
        alive = 1.0 - gone
        late_a, late_b = 1.0 / (alpha + T[i]), 1.0 / (beta + T[i])
        out[0, 0] -= w * squares[n]
        out[0, 1] += w * (1.0 / alpha - alive * late_a - gone * mean[1])
        out[1, 1] += w * (R * (alive * late_a * late_a + gone * mean[9]) - r / (alpha * alpha))
        out[2, 2] -= w * gone / (s * s)
        out[2, 3] += w * (1.0 / beta - alive * late_b - gone * mean[3])
        out[3, 3] += w * (alive * s * late_b * late_b + gone * (s + 1.0) * mean[19] - s / (beta * beta))
        # v - u: the slopes of "left at y" on average less those of "alive at T".
        apart[0] = math.log1p((T[i] - t_x[i]) / (alpha + t_x[i])) - mean[0]
        apart[1] = R * (late_a - mean[1])
        apart[2] = 1.0 / s + math.log1p((T[i] - t_x[i]) / (beta + t_x[i])) - mean[2]
        apart[3] = s * late_b - (s + 1.0) * mean[3]
        for j in range(4):
            # Slope of the integrand's logarithm: minus mean[j], times the exponent where j is alpha or beta.
            by_j = R if j == 1 else (s + 1.0 if j == 3 else 1.0)
            for k in range(j, 4):
                by_k = R if k == 1 else (s + 1.0 if k == 3 else 1.0)
                spread = by_j * by_k * (mean[4 + 4 * j + k] - mean[j] * mean[k])
                out[j, k] += w * gone * (spread + alive * apart[j] * apart[k])
    for j in range(4):
        for k in range(j):
            out[j, k] = out[k, j]
    return out


@njit
def posterior_draw(
    r: float, alpha: float, s: float, beta: float, x: int, t_x: float, T: float,
    uid: int, replication: int, seed: int, domain: int, stream: int,
) -> tuple[float, float, bool]:  # fmt: skip
    """One exact draw of (lambda, mu, alive) given the customer's history.

    Alive with P(alive), then Gamma(r+x, alpha+T) x Gamma(s, beta+T). Gone: the time y of leaving has density (alpha +
    y)^-R (beta + y)^-(s+1) on (t_x, T), drawn by inverting its integral, then Gamma(r+x, alpha+y) x Gamma(s+1, beta+y).
    """
    R = r + x
    u_alive, u_rate, u_death, _ = block(0, stream, uid, replication, seed, domain)
    odds = _odds(r, alpha, s, beta, x, t_x, T)
    alive = u_alive < (1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0)
    until, shape = T, s
    if not alive:
        # A block of its own, of the gone alone: the words of block 0 stand for the same thing in both cases.
        u_when, _, _, _ = block(2, stream, uid, replication, seed, domain)
        total = share(R, alpha, s + 1.0, beta, t_x, T)
        until = place(R, alpha, s + 1.0, beta, t_x, T, u_when * total)
        shape = s + 1.0
    return gamma_quantile(u_rate, R) / (alpha + until), gamma_quantile(u_death, shape) / (beta + until), alive
