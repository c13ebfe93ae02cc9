"""Traits of simulated customers: drawn from their own history's posterior, or from the population for new ones."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import living_share
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantile_batches import beta_quantiles, gamma_quantiles
from churnsim.kernels.numerics.quantiles import exponential_quantile, gamma_quantile
from churnsim.typing import Flags, Floats, Ints


@njit
def draw_base(
    r: float, alpha: float, a: float, b: float, p: float, q: float, gamma: float,
    x: Ints, t_x: Floats, T: Floats, m: Floats, first: bool, uids: Ints, replication: int, seed: int, domain: int,
    stream: int, lost: bool,
) -> tuple[Floats, Flags, Floats]:  # fmt: skip
    """Posterior traits of every known customer: rows (rate, dropout, spend rate, contact uniform), who is alive, and
    club uniforms. Without the `lost` the first three of those who are gone are NaN.

    BG/NBD, or MBG/NBD with `first` and its b raised by one. The draws of `bg_nbd.posterior_draw` and
    `draw_spend_rates`.
    """
    traits, alive, members = np.empty((x.size, 4)), np.empty(x.size, np.bool_), np.empty(x.size)
    counts = 1
    for i in range(x.size):
        counts = max(counts, x[i] + 1)
    # Of each count: the shapes of rate and spend rate; dropout of who is gone and of who is alive.
    gammas, ones, others = np.empty(2 * counts), np.empty(2 * counts), np.empty(2 * counts)
    for k in range(counts):
        gammas[k], gammas[counts + k] = r + k, q + p * k
        ones[k], ones[counts + k] = a + 1.0, a
        others[k], others[counts + k] = b + k - 1.0, b + k
    who, u_gamma, u_beta = np.empty(x.size, np.int64), np.empty(2 * x.size), np.empty(x.size)
    of_gamma, of_beta = np.empty(2 * x.size, np.int64), np.empty(x.size, np.int64)
    number = 0
    for i in range(x.size):
        u_alive, u_rate, u_dropout, traits[i, 3] = block(0, stream, uids[i], replication, seed, domain)
        u_spend, members[i], _, _ = block(1, stream, uids[i], replication, seed, domain)
        alive[i] = u_alive < living_share(r, alpha, a, b, x[i], t_x[i], T[i], first)
        if lost or alive[i]:
            who[number], u_beta[number], of_beta[number] = i, u_dropout, x[i] + alive[i] * counts
            u_gamma[2 * number], of_gamma[2 * number] = u_rate, x[i]
            u_gamma[2 * number + 1], of_gamma[2 * number + 1] = u_spend, x[i] + counts
            number += 1
        else:
            traits[i, 0] = traits[i, 1] = traits[i, 2] = math.nan
    drawn = gamma_quantiles(u_gamma[: 2 * number], gammas, of_gamma)
    dropouts = beta_quantiles(u_beta[:number], ones, others, of_beta)
    for j in range(number):
        i = who[j]
        traits[i, 0] = drawn[2 * j] / (alpha + (T[i] if alive[i] else t_x[i]))
        traits[i, 1] = dropouts[j]
        traits[i, 2] = drawn[2 * j + 1] / (gamma + x[i] * m[i])
    return traits, alive, members


def draw_spend_rates(
    p: float, q: float, gamma: float,
    x: Ints, m: Floats, uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Posterior spend rate nu of each customer."""
    counts = np.arange(x.max(initial=0) + 1, dtype=np.float64)
    u = _spend_uniforms(uids, replication, seed, domain, stream)
    return np.asarray(gamma_quantiles(u, q + p * counts, x) / (gamma + x * m))


@njit
def _spend_uniforms(uids: Ints, replication: int, seed: int, domain: int, stream: int) -> Floats:
    u = np.empty(uids.size)
    for i in range(uids.size):
        u[i], _, _, _ = block(1, stream, uids[i], replication, seed, domain)
    return u


@njit
def draw_gamma_pairs(
    r: float, alpha: float, s: float, beta: float, n: int, replication: int, seed: int, domain: int, stream: int
) -> Floats:
    """Rows (purchase rate, death rate, lifetime) of n customers of a Pareto/NBD population; customer i's uid is i."""
    traits = np.empty((n, 3))
    for i in range(n):
        _, u_rate, u_death, _ = block(0, stream, i, replication, seed, domain)
        u_life, _, _, _ = block(2, stream, i, replication, seed, domain)
        traits[i, 0] = gamma_quantile(u_rate, r) / alpha
        traits[i, 1] = gamma_quantile(u_death, s) / beta
        # Not by 0: a death rate that underflows stands for a life without end.
        traits[i, 2] = exponential_quantile(u_life) / max(traits[i, 1], 1e-300)
    return traits


@njit
def draw_rates(
    shape: Floats, rate: Floats, uids: Ints, replication: int, seed: int, domain: int, stream: int
) -> Floats:
    """A purchase rate ~ Gamma(shape, rate) of each customer."""
    out = np.empty(shape.size)
    for i in range(shape.size):
        _, u_rate, _, _ = block(0, stream, uids[i], replication, seed, domain)
        out[i] = gamma_quantile(u_rate, shape[i]) / rate[i]
    return out
