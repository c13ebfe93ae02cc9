"""Traits of simulated customers: drawn from their own history's posterior, or from the population for new ones."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd import living_share
from churnsim.kernels.numerics.jit import inlined, njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantiles import (
    BetaLaw,
    GammaLaw,
    beta_law,
    exponential_quantile,
    gamma_law,
    gamma_quantile,
    quantile_of_beta,
    quantile_of_gamma,
)
from churnsim.typing import Flags, Floats, Ints

_WIDTH = 7  # numbers of a GammaLaw or BetaLaw


@njit
def _laws(x: Ints) -> Floats:
    """A row of NaN for the law of each count of purchases."""
    most = 0
    for i in range(x.size):
        most = max(most, x[i])
    return np.full((most + 1, _WIDTH), math.nan)


@inlined
def _gamma(laws: Floats, kind: int, shape: float, u: float) -> float:
    """`gamma_quantile`; what depends on the shape alone is worked out at a kind's first draw and kept in `laws`."""
    if math.isnan(laws[kind, 0]):
        law = gamma_law(shape)
        for j in range(_WIDTH):
            laws[kind, j] = law[j]
    row = laws[kind]
    return quantile_of_gamma(GammaLaw(row[0], row[1], row[2], row[3], row[4], row[5], row[6]), u)


@inlined
def _beta(laws: Floats, kind: int, a: float, b: float, u: float) -> float:
    """`beta_quantile` likewise."""
    if math.isnan(laws[kind, 0]):
        law = beta_law(a, b)
        for j in range(_WIDTH):
            laws[kind, j] = law[j]
    row = laws[kind]
    return quantile_of_beta(BetaLaw(row[0], row[1], row[2], row[3], row[4], row[5], row[6]), u)


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
    rates, spends, staying, leaving = _laws(x), _laws(x), _laws(x), _laws(x)
    for i in range(x.size):
        u_alive, u_rate, u_dropout, traits[i, 3] = block(0, stream, uids[i], replication, seed, domain)
        u_spend, members[i], _, _ = block(1, stream, uids[i], replication, seed, domain)
        alive[i] = u_alive < living_share(r, alpha, a, b, x[i], t_x[i], T[i], first)
        if alive[i]:
            traits[i, 1] = _beta(staying, x[i], a, b + x[i], u_dropout)
        elif lost:
            traits[i, 1] = _beta(leaving, x[i], a + 1.0, b + x[i] - 1.0, u_dropout)
        else:
            traits[i, 0] = traits[i, 1] = traits[i, 2] = math.nan
            continue
        traits[i, 0] = _gamma(rates, x[i], r + x[i], u_rate) / (alpha + (T[i] if alive[i] else t_x[i]))
        traits[i, 2] = _gamma(spends, x[i], q + p * x[i], u_spend) / (gamma + x[i] * m[i])
    return traits, alive, members


@njit
def draw_spend_rates(
    p: float, q: float, gamma: float,
    x: Ints, m: Floats, uids: Ints, replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Posterior spend rate nu of each customer."""
    laws, out = _laws(x), np.empty(x.size)
    for i in range(x.size):
        u, _, _, _ = block(1, stream, uids[i], replication, seed, domain)
        out[i] = _gamma(laws, x[i], q + p * x[i], u) / (gamma + x[i] * m[i])
    return out


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
