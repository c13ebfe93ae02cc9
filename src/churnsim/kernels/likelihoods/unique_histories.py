"""Identical histories as one, by an open hash table: quicker than sorting three keys, and in the order of the rows."""

from __future__ import annotations

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints

__all__ = ["unique_histories"]


_K1 = np.uint64(0x9E3779B97F4A7C15)  # odd constants of SplitMix64 (Steele, Lea & Flood 2014)
_K2 = np.uint64(0xBF58476D1CE4E5B9)
_K3 = np.uint64(0x94D049BB133111EB)
_S = np.uint64(31)
# Where more than 9 in 10 of this many rows differ, looking further does not pay.
_TRIAL = 16_384


@njit
def unique_histories(x: Ints, t_x: Ints, T: Ints, weight: Floats) -> tuple[Ints, Floats]:
    """First row of each distinct (x, t_x, T) with weight, and the weights summed. `t_x` and `T` as the bits of floats.

    Gives up, and returns every row with weight, where the first rows hardly repeat.
    """
    size = 1024
    while size < 2 * x.size:
        size *= 2
    mask = np.uint64(size - 1)
    slot = np.zeros(size, np.int64)  # number of the distinct row there, from 1; 0 is free
    rows = np.empty(x.size, np.int64)
    summed = np.empty(x.size)
    distinct = 0
    for i in range(x.size):
        if i == _TRIAL and 10 * distinct > 9 * _TRIAL:
            break
        if weight[i] == 0.0:
            continue
        key = (np.uint64(x[i]) * _K1) ^ (np.uint64(t_x[i]) * _K2)
        key = (key ^ (key >> _S)) * _K3 ^ (np.uint64(T[i]) * _K1)
        key = (key ^ (key >> _S)) * _K2
        at = (key ^ (key >> _S)) & mask
        while True:
            found = slot[at]
            if found == 0:
                rows[distinct] = i
                summed[distinct] = weight[i]
                distinct += 1
                slot[at] = distinct
                break
            first = rows[found - 1]
            if x[first] == x[i] and t_x[first] == t_x[i] and T[first] == T[i]:
                summed[found - 1] += weight[i]
                break
            at = (at + np.uint64(1)) & mask
    else:
        return rows[:distinct].copy(), summed[:distinct].copy()
    distinct = 0
    for i in range(x.size):
        if weight[i] > 0.0:
            rows[distinct] = i
            summed[distinct] = weight[i]
            distinct += 1
    return rows[:distinct].copy(), summed[:distinct].copy()
