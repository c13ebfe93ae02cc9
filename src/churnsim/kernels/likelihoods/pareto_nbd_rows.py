"""Pareto/NBD where each customer has its own alpha and beta: what covariates need, and draws. See `pareto_nbd.py`."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.pareto_nbd import log_odds, posterior_draw
from churnsim.kernels.likelihoods.pareto_nbd_integral import moments, share
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.typing import Flags, Floats, Ints


@njit
def terms(alpha: Floats, beta: Floats, x: Ints, t_x: Floats, T: Floats, r: float, s: float) -> Floats:
    """Rows: log-likelihood, and its slopes in r, ln alpha_i, ln beta_i and s."""
    rate, d_rate = rising_logs(r, highest_count(x))
    out = np.empty((x.size, 5))
    mean = np.zeros(20)
    for i in range(x.size):
        n, A, B = x[i], alpha[i], beta[i]
        R = r + n
        log_share = moments(R, A, s + 1.0, B, t_x[i], T[i], mean, False)
        grown_a, grown_b = math.log1p(T[i] / A), math.log1p(T[i] / B)
        odds = log_odds(R, A, s, B, t_x[i], T[i], log_share)
        small = math.exp(-abs(odds))
        gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
        alive = 1.0 - gone
        value = rate[n] - r * grown_a - n * math.log(A + T[i]) - s * grown_b
        out[i, 0] = value + max(odds, 0.0) + math.log1p(small)
        out[i, 1] = d_rate[n] - alive * grown_a - gone * (math.log1p(t_x[i] / A) + mean[0])
        # In ln alpha_i and ln beta_i, so times alpha_i and beta_i.
        out[i, 2] = r - R * A * (alive / (A + T[i]) + gone * mean[1])
        out[i, 3] = s - alive * s * B / (B + T[i]) - gone * (s + 1.0) * B * mean[3]
        out[i, 4] = gone / s - alive * grown_b - gone * (math.log1p(t_x[i] / B) + mean[2])
    return out


@njit
def p_alive(alpha: Floats, beta: Floats, x: Ints, t_x: Floats, T: Floats, r: float, s: float) -> Floats:
    """P(alive at T | history) of each customer."""
    out = np.ones(x.size)
    for i in range(x.size):
        part = share(r + x[i], alpha[i], s + 1.0, beta[i], t_x[i], T[i])
        if part > 0.0:
            odds = log_odds(r + x[i], alpha[i], s, beta[i], t_x[i], T[i], math.log(part))
            out[i] = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
    return out


@njit
def draw_histories(
    alpha: Floats, beta: Floats, x: Ints, t_x: Floats, T: Floats, r: float, s: float,
    uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> tuple[Floats, Flags]:  # fmt: skip
    """Posterior rows (rate, death rate), and who is alive."""
    traits = np.empty((x.size, 2))
    alive = np.empty(x.size, np.bool_)
    for i in range(x.size):
        traits[i, 0], traits[i, 1], alive[i] = posterior_draw(
            r, alpha[i], s, beta[i], x[i], t_x[i], T[i], uids[i], replication, seed, domain, stream
        )
    return traits, alive
