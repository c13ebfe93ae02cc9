"""New customers: drawn from the population when they come, and the lineage that addresses their numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.records import CLOCK, CONTRACT, DROPOUT_AT_ONCE, GAMMA_GAMMA
from churnsim.kernels.numerics.jit import njit, rule
from churnsim.kernels.numerics.philox import block, mix
from churnsim.kernels.numerics.quantile_tables import beta_draw, gamma_draw
from churnsim.kernels.numerics.quantiles import beta_quantile
from churnsim.kernels.numerics.rng_streams import SIMULATION, TRAITS
from churnsim.typing import Floats, Ints

NewcomerArguments = tuple[int, int, Floats, Floats, Floats, Floats, Floats]
"""The arguments of `draw_new` before the uid."""

_SURELY = 1e-300  # a chance to stay below this is none


@rule
def draw_new(
    lifetime: int, spending: int, parameters: Floats, rates: Floats, dropouts: Floats, spends: Floats, kinds: Floats,
    uid: int, replication: int, seed: int,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """A new customer: (purchase rate, dropout, spend rate nu, uniform that decides how it takes contacts, uniform
    that decides whether it joins a club).

    `parameters` are (r, alpha, a, b, q, gamma, multiplied); for a lifetime in time a and b are its shape and rate; for
    a contract dropout is Beta(a, b), of which a multiplier of its hazards is made where `multiplied` is not 0, or 1
    where a is 0. `rates`, `dropouts` and `spends` are the tables of the three quantiles, which may be
    empty. `kinds`, rows of an observed subscriber's own a (or multiplier, where a is 0) and spend rate, may be empty
    too: else the customer is like one of them, all as likely.
    """
    r, alpha, a, b = parameters[0], parameters[1], parameters[2], parameters[3]
    _, u_rate, u_dropout, u_contact = block(0, TRAITS, uid, replication, seed, SIMULATION)
    u_spend, u_member, u_kind, _ = block(1, TRAITS, uid, replication, seed, SIMULATION)
    rate = 1.0 if lifetime == CONTRACT else gamma_draw(rates, u_rate, r) / alpha
    spend_rate = 1.0
    if kinds.shape[0] > 0:
        # Leaving and paying come from one and the same subscriber, so that they stay as related as in the data.
        kind = kinds[int(u_kind * kinds.shape[0])]
        dropout = chance(u_dropout, kind[0], b, parameters[6] != 0.0) if a > 0.0 else kind[0]
        if spending == GAMMA_GAMMA:
            spend_rate = kind[1]
        return rate, dropout, spend_rate, u_contact, u_member
    # A hazard has a gamma law, a chance a beta law.
    if lifetime == CLOCK:
        dropout = gamma_draw(dropouts, u_dropout, a) / b
    else:
        dropout = beta_draw(dropouts, u_dropout, a, b) if a > 0.0 else 1.0
        if parameters[6] != 0.0:
            dropout = multiplier(dropout)
    if spending == GAMMA_GAMMA:
        spend_rate = gamma_draw(spends, u_spend, parameters[4]) / parameters[5]
    return rate, dropout, spend_rate, u_contact, u_member


@rule
def multiplier(theta: float) -> float:
    """m with (1 - theta)^H = e^(-m H): what multiplies a cumulative hazard H, given the chance to leave at H = 1."""
    return -math.log(max(1.0 - theta, _SURELY))


@rule
def chance(u: float, a: float, b: float, multiplied: bool) -> float:
    """A subscriber's chance to leave at a renewal, Beta(a, b) at probability u, or the multiplier made of it."""
    theta = beta_quantile(u, a, b)
    return multiplier(theta) if multiplied else theta


@njit
def draw_dropouts(a: Floats, b: Floats, multiplied: bool, uids: Ints, replication: int, seed: int) -> Floats:
    """Each customer's chance to leave at a renewal ~ Beta(a, b), its own, or the multiplier made of it."""
    out = np.empty(uids.size)
    for i in range(uids.size):
        _, _, u_dropout, _ = block(0, TRAITS, uids[i], replication, seed, SIMULATION)
        out[i] = chance(u_dropout, a[i], b[i], multiplied)
    return out


@rule
def draw_cohort(
    lifetime: int, spending: int, parameters: Floats, rates: Floats, dropouts: Floats, spends: Floats, kinds: Floats,
    uids: Ints, replication: int, seed: int, traits: Floats, members: Floats, alive: NDArray[np.bool_], first: int,
    last: int,
) -> None:  # fmt: skip
    """Fill rows (rate, dropout, spend rate, contact uniform), club uniforms and who is alive for new customers `first`,
    ..., `last` - 1.

    All are alive at their first purchase but those of MBG/NBD, who may drop out after it.
    """
    for i in range(first, last):
        traits[i, 0], traits[i, 1], traits[i, 2], traits[i, 3], members[i] = draw_new(
            lifetime, spending, parameters, rates, dropouts, spends, kinds, uids[i], replication, seed
        )
        alive[i] = True
        # The word that no trait takes.
        if lifetime == DROPOUT_AT_ONCE:
            u_alive, _, _, _ = block(0, TRAITS, uids[i], replication, seed, SIMULATION)
            alive[i] = u_alive >= traits[i, 1]


@njit
def trait_uniforms(uids: Ints, replication: int, seed: int) -> Floats:
    """Each customer's uniforms that decide how it takes contacts and whether it joins a club."""
    out = np.empty((uids.size, 2))
    for i in range(uids.size):
        _, _, _, out[i, 0] = block(0, TRAITS, uids[i], replication, seed, SIMULATION)
        _, out[i, 1], _, _ = block(1, TRAITS, uids[i], replication, seed, SIMULATION)
    return out


@rule
def lineage(origin: int, uids: Ints, first: int, last: int) -> None:
    """The uids of children `first`, ..., `last` - 1 of `origin`."""
    for i in range(first, last):
        uids[i] = mix(origin, i)
