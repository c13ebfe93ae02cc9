"""Philox4x64-10: a counter-based random number generator.

Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 4.3. A block of
four 64-bit words is a bijection of (counter, key); nothing is carried from one draw to the next. The simulation's
counter is (ordinal, stream, uid, replication) and its key (seed, domain), so each decision of each customer has its
own numbers, whatever else happens in the run. Checked against the paper's known answers and `numpy.random.Philox`.
"""

from __future__ import annotations

import numpy as np

from churnsim.kernels.numerics.intrinsics import multiply_high
from churnsim.kernels.numerics.jit import inlined, rule

# Multipliers and Weyl increments (golden ratio, sqrt(3) - 1) of the paper: with others every stored run would change.
_M0 = np.uint64(0xD2E7470EE14C6C93)
_M1 = np.uint64(0xCA5A826395121157)
_W0 = np.uint64(0x9E3779B97F4A7C15)
_W1 = np.uint64(0xBB67AE8584CAA73B)
# Shifts as unsigned words: numba turns an unsigned word with a signed one into a float.
_S1 = np.uint64(1)
_S11 = np.uint64(11)
_S22 = np.uint64(22)
_S27 = np.uint64(27)
_S30 = np.uint64(30)
_S31 = np.uint64(31)
_S33 = np.uint64(33)
_LOW = np.uint64(2047)  # the 11 bits that `unit_interval` leaves
# Multipliers of SplitMix64.
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@inlined
def words(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """The four words of one block: ten rounds of (counter, key)."""
    for _ in range(10):
        # A round: two products of 128 bits whose halves cross over, then the key moves on by the Weyl increments.
        high0, low0 = multiply_high(_M0, c0), _M0 * c0
        high1, low1 = multiply_high(_M1, c2), _M1 * c2
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = k0 + _W0
        k1 = k1 + _W1
    return c0, c1, c2, c3


@inlined
def unit_interval(word: np.uint64) -> float:
    """The upper 53 bits as a number strictly inside (0, 1): (bits + 1/2) / 2^53.

    The largest value rounds to 1 - 2^-53, so both logarithms, of u and of 1 - u, are finite.
    """
    return min((np.float64(word >> _S11) + 0.5) * 1.1102230246251565e-16, 0.9999999999999999)


@inlined
def _words_at(
    ordinal: int, stream: int, uid: int, replication: int, seed: int, domain: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    return words(
        np.uint64(ordinal),
        np.uint64(stream),
        np.uint64(uid),
        np.uint64(replication),
        np.uint64(seed),
        np.uint64(domain),
    )


@rule
def block(
    ordinal: int, stream: int, uid: int, replication: int, seed: int, domain: int
) -> tuple[float, float, float, float]:
    """Four uniforms on (0, 1) for one event of one customer in one replication."""
    w0, w1, w2, w3 = _words_at(ordinal, stream, uid, replication, seed, domain)
    return unit_interval(w0), unit_interval(w1), unit_interval(w2), unit_interval(w3)


@inlined
def block_of_five(
    ordinal: int, stream: int, uid: int, replication: int, seed: int, domain: int
) -> tuple[float, float, float, float, float]:
    """The four uniforms of `block` and a fifth from the 4 x 11 bits that they leave unused: (bits + 1/2) / 2^44,
    independent of the four, in steps of 6e-14. Half as long as a second block."""
    w0, w1, w2, w3 = _words_at(ordinal, stream, uid, replication, seed, domain)
    # The low bits of the four words side by side: `unit_interval` drops them, so they are independent of the four.
    left = (w0 & _LOW) | ((w1 & _LOW) << _S11) | ((w2 & _LOW) << _S22) | ((w3 & _LOW) << _S33)
    fifth = (np.float64(left) + 0.5) * 5.684341886080802e-14
    return unit_interval(w0), unit_interval(w1), unit_interval(w2), unit_interval(w3), fifth


@rule
def mix(origin: int, index: int) -> int:
    """A 63-bit uid from a lineage: `origin` (a channel or a parent's uid) and the `index` of the child.

    Two rounds of the SplitMix64 finaliser (Steele, Lea & Flood 2014). 63 bits, so that a uid is a plain signed integer
    everywhere; whoever makes uids checks that they differ.
    """
    # The index is spread before the origin joins it, so that neighbours of neighbouring parents do not meet.
    z = np.uint64(index) + _W0
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = (z ^ (z >> _S31)) ^ np.uint64(origin)
    z = z + _W0
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return int(np.int64((z ^ (z >> _S31)) >> _S1))
