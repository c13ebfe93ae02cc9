"""Traits of simulated customers: drawn from their own history's posterior, or from the population for new ones."""

from __future__ import annotations

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import living_share
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count
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
    `gamma_gamma.posterior_rate`.
    """
    traits, alive, members = np.full((x.size, 4), np.nan), np.empty(x.size, np.bool_), np.empty(x.size)
    who, count, life = np.empty(x.size, np.int64), np.empty(x.size, np.int64), np.empty(x.size, np.int64)
    u_rate, u_dropout, u_spend = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    n = 0
    for i in range(x.size):
        u_alive, u_rate[n], u_dropout[n], traits[i, 3] = block(0, stream, uids[i], replication, seed, domain)
        u_spend[n], members[i], _, _ = block(1, stream, uids[i], replication, seed, domain)
        alive[i] = u_alive < living_share(r, alpha, a, b, x[i], t_x[i], T[i], first)
        if alive[i] or lost:
            who[n], count[n], life[n] = i, x[i], 2 * x[i] + alive[i]
            n += 1
    counts = np.arange(highest_count(x) + 1).astype(np.float64)
    rates = gamma_quantiles(u_rate[:n], r + counts, count[:n])
    spends = gamma_quantiles(u_spend[:n], q + p * counts, count[:n])
    # Who is gone, then who is alive, by count.
    first_shape, second_shape = np.empty(2 * counts.size), np.empty(2 * counts.size)
    first_shape[::2], first_shape[1::2] = a + 1.0, a
    second_shape[::2], second_shape[1::2] = b + counts - 1.0, b + counts
    dropouts = beta_quantiles(u_dropout[:n], first_shape, second_shape, life[:n])
    for j in range(n):
        i = who[j]
        traits[i, 0] = rates[j] / (alpha + (T[i] if alive[i] else t_x[i]))
        traits[i, 1] = dropouts[j]
        traits[i, 2] = spends[j] / (gamma + x[i] * m[i])
    return traits, alive, members


@njit
def draw_spend_rates(
    p: float, q: float, gamma: float,
    x: Ints, m: Floats, uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Posterior spend rate nu of each customer."""
    u = np.empty(x.size)
    for i in range(x.size):
        u[i], _, _, _ = block(1, stream, uids[i], replication, seed, domain)
    rates: Floats = gamma_quantiles(u, q + p * np.arange(highest_count(x) + 1).astype(np.float64), x) / (gamma + x * m)
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
