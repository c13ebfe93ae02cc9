"""New customers: drawn from the population when they come, and the lineage that addresses their numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.jit import njit
from churnsim.kernels.philox import block, mix
from churnsim.kernels.rules import CLOCK, CONTRACT, DROPOUT_AT_ONCE, GAMMA_GAMMA
from churnsim.kernels.streams import SIMULATION, TRAITS
from churnsim.kernels.tables import beta_draw, gamma_draw

__all__ = ["draw_cohort", "draw_new", "lineage", "trait_uniforms"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit
def draw_new(
    lifetime: int, spending: int, parameters: Floats, rates: Floats, dropouts: Floats, spends: Floats,
    uid: int, replication: int, seed: int,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """A new customer: (purchase rate, dropout, spend rate nu, uniform that decides how it takes contacts, uniform
    that decides whether it joins a club).

    `parameters` are (r, alpha, a, b, q, gamma); for a lifetime in time a and b are its shape and rate; for a contract
    dropout is Beta(a, b), or 1, the multiple of its hazards, where a is 0. `rates`, `dropouts` and `spends` are the
    tables of the three quantiles (`tables.py`), which may be empty.
    """
    r, alpha, a, b = parameters[0], parameters[1], parameters[2], parameters[3]
    _, u_rate, u_dropout, u_contact = block(0, TRAITS, uid, replication, seed, SIMULATION)
    u_spend, u_member, _, _ = block(1, TRAITS, uid, replication, seed, SIMULATION)
    rate = 1.0 if lifetime == CONTRACT else gamma_draw(rates, u_rate, r) / alpha
    if lifetime == CLOCK:
        dropout = gamma_draw(dropouts, u_dropout, a) / b
    else:
        dropout = beta_draw(dropouts, u_dropout, a, b) if a > 0.0 else 1.0
    spend_rate = gamma_draw(spends, u_spend, parameters[4]) / parameters[5] if spending == GAMMA_GAMMA else 1.0
    return rate, dropout, spend_rate, u_contact, u_member


@njit
def draw_cohort(
    lifetime: int, spending: int, parameters: Floats, rates: Floats, dropouts: Floats, spends: Floats,
    uids: Ints, replication: int, seed: int, traits: Floats, members: Floats, alive: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Fill rows (rate, dropout, spend rate, contact uniform), club uniforms and who is alive for new customers.

    All are alive at their first purchase but those of MBG/NBD, who may drop out after it.
    """
    for i in range(uids.size):
        traits[i, 0], traits[i, 1], traits[i, 2], traits[i, 3], members[i] = draw_new(
            lifetime, spending, parameters, rates, dropouts, spends, uids[i], replication, seed
        )
        alive[i] = True
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


@njit
def lineage(origin: int, uids: Ints) -> None:
    """The uids of children 0, 1, ... of `origin`."""
    for i in range(uids.size):
        uids[i] = mix(origin, i)
