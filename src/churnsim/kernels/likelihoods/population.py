"""Traits of simulated customers: drawn from their own history's posterior, or from the population for new ones."""

from __future__ import annotations

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import posterior_draw
from churnsim.kernels.likelihoods.gamma_gamma import posterior_rate
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantiles import exponential_quantile, gamma_quantile
from churnsim.typing import Flags, Floats, Ints


@njit
def draw_base(
    r: float, alpha: float, a: float, b: float, p: float, q: float, gamma: float,
    x: Ints, t_x: Floats, T: Floats, m: Floats, first: bool, uids: Ints, replication: int, seed: int, domain: int,
    stream: int,
) -> tuple[Floats, Flags]:  # fmt: skip
    """Posterior traits of every known customer: rows (rate, dropout, spend rate, contact uniform), and who is alive.

    BG/NBD, or MBG/NBD with `first` and its b raised by one.
    """
    traits = np.empty((x.size, 4))
    alive = np.empty(x.size, np.bool_)
    for i in range(x.size):
        rate, dropout, living = posterior_draw(
            r, alpha, a, b, x[i], t_x[i], T[i], first, uids[i], replication, seed, domain, stream
        )
        traits[i, 0] = rate
        traits[i, 1] = dropout
        traits[i, 2] = posterior_rate(p, q, gamma, x[i], m[i], uids[i], replication, seed, domain, stream)
        _, _, _, traits[i, 3] = block(0, stream, uids[i], replication, seed, domain)
        alive[i] = living
    return traits, alive


@njit
def draw_spend_rates(
    p: float, q: float, gamma: float,
    x: Ints, m: Floats, uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Posterior spend rate nu of each customer."""
    rates = np.empty(x.size)
    for i in range(x.size):
        rates[i] = posterior_rate(p, q, gamma, x[i], m[i], uids[i], replication, seed, domain, stream)
    return rates


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
