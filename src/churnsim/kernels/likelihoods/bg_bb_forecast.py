"""BG/BB: expectations, counts, discounted purchases and waits of live customers.

A customer who meets the next opportunity has traits Beta(A, B) for the chance p to buy at one and Beta(g, d) for the
chance theta to leave before a later one; A = alpha + x, B = beta + n - x, d = delta + n + 1 given a history. Fader,
Hardie & Shang (2010), eq. 8-11; the sums over the time of leaving are taken as they stand, since no term is negative.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats

_MOST = 10_000_000  # opportunities looked ahead at most


@njit
def _log_gamma_ratio(z: float, e: float) -> float:
    """ln Gamma(z + e) - ln Gamma(z), right to its own last digits also where e is small or z large (Stirling's series
    after an upward shift; DLMF 5.11.1)."""
    shift = 0.0
    while z < 20.0 or z + e < 20.0:
        shift -= math.log1p(e / z)
        z += 1.0
    w = z + e
    series = -e / (12.0 * z * w)
    for power, factor in ((3, -1.0 / 360.0), (5, 1.0 / 1260.0), (7, -1.0 / 1680.0)):
        series += factor * (w**-power - z**-power)
    return shift + (z - 0.5) * math.log1p(e / z) + e * math.log(w) - e + series


@njit
def met(g: float, d: float, h: float) -> float:
    """Expected number met of the next h opportunities: sum_{j<h} (d)_j/(d + g)_j.

    With e = g - 1 it is (d + e)/e [1 - (d)_h/(d + e)_h], at e = 0 its limit.
    """
    # Few: the sum as it stands; many: by the ratio of gamma functions.
    if h <= 64.0:
        total, chance = 0.0, 1.0
        for j in range(int(h)):
            total += chance
            chance *= (d + j) / (d + g + j)
        return total
    e = g - 1.0
    if abs(e) < 1e-9:  # an error of 1e-9 times a logarithm at most
        e = 1e-9
    log_ratio = _log_gamma_ratio(d, e) - _log_gamma_ratio(d + h, e)
    return (d + e) / e * -math.expm1(log_ratio)


@njit
def expected(A: Floats, B: Floats, g: Floats, d: Floats, horizon: Floats) -> Floats:
    """E[purchases at the whole opportunities of a horizon]."""
    out = np.empty(A.size)
    for i in range(A.size):
        out[i] = A[i] / (A[i] + B[i]) * met(g[i], d[i], math.floor(horizon[i]))
    return out


@njit
def discounted(A: Floats, B: Floats, g: Floats, d: Floats, force: float, horizon: float) -> Floats:
    """E[sum of e^(-force j) over the purchases at opportunities j of a horizon, which may be infinite]."""
    out = np.empty(A.size)
    factor = math.exp(-force)
    most = min(math.floor(horizon), np.float64(_MOST)) if math.isfinite(horizon) else np.float64(_MOST)
    for i in range(A.size):
        total = 0.0
        term = factor
        j = 0.0
        while j < most:
            total += term
            term *= (d[i] + j) / (d[i] + g[i] + j) * factor
            j += 1.0
            # What is left is a geometric series at most.
            if force > 0.0 and term < 1e-16 * total * force:
                break
        out[i] = A[i] / (A[i] + B[i]) * total
    return out


@njit
def pmf(A: Floats, B: Floats, g: Floats, d: Floats, horizon: Floats, count: int) -> Floats:
    """P(count purchases at the opportunities of a horizon): all of them met, or gone after i of them."""
    out = np.empty(A.size)
    for i in range(A.size):
        out[i] = _pmf(A[i], B[i], g[i], d[i], count, math.floor(horizon[i]))
    return out


@njit
def _pmf(A: float, B: float, g: float, d: float, count: int, h: int) -> float:
    if count > h:
        return 0.0
    if h == 0:
        return 1.0
    log_buy = 0.0  # ln P(count purchases at i opportunities met), from i = count up
    log_met = 0.0  # ln P(met i), at least the next one
    for j in range(count):
        log_buy += math.log((A + j) / (A + B + j))
        if j > 0:
            log_met += math.log((d + j - 1.0) / (d + g + j - 1.0))
    total = 0.0
    for i in range(count, h):
        if i > 0:
            total += math.exp(log_buy + log_met) * g / (g + d + i - 1.0)
            log_met += math.log((d + i - 1.0) / (d + g + i - 1.0))
        log_buy += math.log((i + 1.0) / (i + 1.0 - count) * ((B + i - count) / (A + B + i)))
        # Below e^-745 nothing is left in a double.
        if log_buy + log_met < -745.0 and i > 2 * count:
            return total
    return total + math.exp(log_buy + log_met)


@njit
def wait(A: Floats, B: Floats, g: Floats, d: Floats, chance: Floats) -> Floats:
    """Opportunity by which a live customer has bought with this chance; infinite where it is not reached."""
    out = np.empty(A.size)
    for i in range(A.size):
        out[i] = math.inf
        reached = 0.0
        silent = 1.0  # P(no purchase at j opportunities met)
        stay = 1.0
        for j in range(_MOST):
            # All that can still come is at most silent . stay.
            if chance[i] >= 1.0 or reached + silent * stay < chance[i]:
                break
            following = silent * (B[i] + j) / (A[i] + B[i] + j)
            reached += (silent - following) * stay
            silent = following
            stay *= (d[i] + j) / (d[i] + g[i] + j)
            if reached >= chance[i]:
                out[i] = j + 1.0
                break
    return out
