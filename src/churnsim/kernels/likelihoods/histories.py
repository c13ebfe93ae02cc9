"""Histories of customers: whether all of them can be, identical ones as one, and simulated ones.

`observe` simulates every continuous-time family: purchases come with gaps of `phases` exponential stages each (1:
Poisson); after each purchase the customer drops out with probability `dropout` (after the first one too where `first`
says so); and it is gone for good after `lifetime` (infinite where the family knows no such thing).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit, rule
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantiles import exponential_quantile
from churnsim.typing import Floats, Ints


@rule
def valid_histories(x: Floats, t_x: Floats, T: Floats, most: float, longest: float) -> bool:
    """Whether every row has a whole x from 0 to `most` and 0 <= t_x <= T <= `longest`, with t_x above 0 just where x
    is."""
    for i in range(x.size):
        n, last, age = x[i], t_x[i], T[i]
        # Comparisons with a NaN are false.
        if not (0.0 <= n <= most and n == math.floor(n) and 0.0 <= last <= age * (1.0 + 1e-12) and age <= longest):
            return False
        if (n > 0.0) != (last > 0.0):
            return False
    return True


_K1 = np.uint64(0x9E3779B97F4A7C15)  # odd constants of SplitMix64 (Steele, Lea & Flood 2014)
_K2 = np.uint64(0xBF58476D1CE4E5B9)
_K3 = np.uint64(0x94D049BB133111EB)
_S = np.uint64(31)
# Where more than 9 in 10 of this many rows differ, looking further does not pay.
_TRIAL = 16_384


def unique_histories(x: Ints, t_x: Ints, T: Ints, weight: Floats) -> tuple[Ints, Floats]:
    """First row of each distinct (x, t_x, T) with weight, and the weights summed. `t_x` and `T` as the bits of floats.

    Gives up, and returns every row with weight, where the first rows hardly repeat.
    """
    rows, summed = np.empty(x.size, dtype=np.int64), np.empty(x.size)
    slot = np.zeros(max(1024, 1 << (2 * x.size - 1).bit_length()), dtype=np.int64)
    distinct = _unique(x, t_x, T, weight, slot, rows, summed)
    return rows[:distinct].copy(), summed[:distinct].copy()


@rule
def _unique(x: Ints, t_x: Ints, T: Ints, weight: Floats, slot: Ints, rows: Ints, summed: Floats) -> int:
    """Into `rows` and `summed` what `unique_histories` returns; how many. `slot`, zeros in a power of two, has the
    number of the distinct row there, from 1; 0 is free."""
    mask = np.uint64(slot.size - 1)
    distinct = 0
    for i in range(x.size):
        if i == _TRIAL and 10 * distinct > 9 * _TRIAL:
            distinct = 0
            for j in range(x.size):
                if weight[j] > 0.0:
                    rows[distinct] = j
                    summed[distinct] = weight[j]
                    distinct += 1
            return distinct
        if weight[i] == 0.0:
            continue
        # Every bit of the three numbers reaches the low bits, which are the slot.
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
            # Taken by another history: the next slot (linear probing); half of the table stays free.
            at = (at + np.uint64(1)) & mask
    return distinct


@njit
def observe(
    rate: Floats, dropout: Floats, lifetime: Floats, T: Floats, phases: int, first: bool,
    replication: int, seed: int, domain: int, stream: int,
) -> Floats:  # fmt: skip
    """Rows (frequency, recency, sum of the logarithms of the gaps) of customers 0 ... n - 1, observed for T each."""
    out = np.zeros((T.size, 3))
    for i in range(T.size):
        # Ordinal 0 belongs to the first purchase; the k-th repeat has the blocks from 1 + (k - 1) phases on.
        _, u, _, _ = block(0, stream, i, replication, seed, domain)
        if first and u < dropout[i]:
            continue
        end = min(T[i], lifetime[i])
        ordinal = 1
        while rate[i] > 0.0:
            gap = 0.0
            u_stay = 1.0
            for _ in range(phases):
                u_gap, u_stay, _, _ = block(ordinal, stream, i, replication, seed, domain)
                gap += exponential_quantile(u_gap) / rate[i]
                ordinal += 1
            # A gap that rounds to nothing, at an enormous rate, would never end.
            if out[i, 1] + gap > end or gap <= 0.0:
                break
            out[i, 0] += 1.0
            out[i, 1] += gap
            out[i, 2] += math.log(gap)
            if u_stay < dropout[i]:
                break
    return out
