"""Traits of simulated customers: drawn from their own history's posterior, or from the population for new ones."""

from __future__ import annotations

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import living_share
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantile_batches import beta_quantiles, gamma_quantiles
from churnsim.kernels.numerics.quantiles import exponential_quantile, gamma_quantile
from churnsim.typing import Flags, Floats, Ints


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
    u, alive = _base_uniforms(r, alpha, a, b, x, t_x, T, first, uids, replication, seed, domain, stream)
    who = np.arange(x.size) if lost else np.flatnonzero(alive)
    count, living = x[who], alive[who]
    counts = np.arange(x.max(initial=0) + 1, dtype=np.float64)
    traits = np.full((x.size, 4), np.nan)
    traits[:, 3] = u[3]
    until = np.where(living, T[who], t_x[who])
    traits[who, 0] = gamma_quantiles(u[0, who], r + counts, count) / (alpha + until)
    # Of each count who is gone, then who is alive.
    shapes = np.column_stack([np.full(counts.size, a + 1.0), np.full(counts.size, a)]).ravel()
    others = np.column_stack([b + counts - 1.0, b + counts]).ravel()
    traits[who, 1] = beta_quantiles(u[1, who], shapes, others, 2 * count + living)
    traits[who, 2] = gamma_quantiles(u[2, who], q + p * counts, count) / (gamma + count * m[who])
    return traits, alive, u[4].copy()


@njit
def _base_uniforms(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, first: bool, uids: Ints,
    replication: int, seed: int, domain: int, stream: int,
) -> tuple[Floats, Flags]:  # fmt: skip
    """Rows of uniforms (of rate, dropout, spend rate, contacts, club) of every customer, and who is alive."""
    u, alive = np.empty((5, x.size)), np.empty(x.size, np.bool_)
    for i in range(x.size):
        u_alive, u[0, i], u[1, i], u[3, i] = block(0, stream, uids[i], replication, seed, domain)
        u[2, i], u[4, i], _, _ = block(1, stream, uids[i], replication, seed, domain)
        alive[i] = u_alive < living_share(r, alpha, a, b, x[i], t_x[i], T[i], first)
    return u, alive


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
