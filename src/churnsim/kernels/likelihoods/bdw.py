"""Beta-discrete-Weibull (BdW): log-likelihood with its gradient, and survival.

Fader, Hardie, Liu, Davin & Steenburgh (2018), "'How to project customer retention' revisited: the role of duration
dependence", Journal of Interactive Marketing 43, 1-16. A customer's own retention is that of a discrete Weibull,
(1 - theta)^(t^c), with theta ~ Beta(gamma, delta), so that

    S(t) = B(gamma, delta + t^c) / B(gamma, delta),     P(T = t) = S(t - 1) - S(t)

c < 1: the individual's chance to leave falls with tenure; c = 1: the sBG; c > 1: it rises. Rows and patterns as in
`kernels/likelihoods/sbg.py`.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.special import digamma
from churnsim.typing import Floats, Ints

_LONGEST = 10_000_000  # renewals of an endless sum; far fewer where anything is discounted
_ENOUGH = 1e-16


@njit
def _log_s(gamma: float, delta: float, u: float) -> float:
    """ln B(gamma, delta + u) - ln B(gamma, delta)."""
    if u == 0.0:
        return 0.0
    return math.lgamma(delta + u) - math.lgamma(gamma + delta + u) - math.lgamma(delta) + math.lgamma(gamma + delta)


@njit
def _slopes(gamma: float, delta: float, u: float, u_slope: float) -> tuple[float, float, float]:
    """Derivatives of ln S in gamma, delta and c, where `u_slope` is d u / d c."""
    if u == 0.0:
        return 0.0, 0.0, 0.0
    near, far = digamma(delta + u), digamma(gamma + delta + u)
    start = digamma(gamma + delta)
    return start - far, near - far - digamma(delta) + start, (near - far) * u_slope


@njit
def objective(gamma: Floats, delta: Floats, c: float, first: Ints, t: Ints, lost: Floats, kept: Floats) -> Floats:
    """Log-likelihood and its derivatives, shape (2 + 2 G): the sum, d/d c, then d/d gamma and d/d delta by pattern."""
    groups = gamma.size
    out = np.zeros(2 + 2 * groups)
    for g in range(groups):
        a, b = gamma[g], delta[g]
        before_t = 0
        before = d_a = d_b = d_c = 0.0  # ln S and its derivatives at before_t
        for row in range(first[g], first[g + 1]):
            now_t = t[row]
            # S(t - 1) is at hand where the row before is of t - 1.
            if before_t != now_t - 1:
                u = float(now_t - 1) ** c
                slope = u * math.log(now_t - 1.0) if now_t > 1 else 0.0
                before = _log_s(a, b, u if now_t > 1 else 0.0)
                d_a, d_b, d_c = _slopes(a, b, u if now_t > 1 else 0.0, slope)
            u = float(now_t) ** c
            now = _log_s(a, b, u)
            e_a, e_b, e_c = _slopes(a, b, u, u * math.log(float(now_t)))
            if lost[row] != 0.0:
                # ln(S(t-1) - S(t)), written so that nothing is lost where the two are close.
                # Its slope is (ln S(t-1))' + odds [(ln S(t-1))' - (ln S(t))'], odds being S(t)/(S(t-1) - S(t)).
                drop = before - now
                odds = 1.0 / math.expm1(drop) if drop > 0.0 else math.inf
                out[0] += lost[row] * (before + (math.log(-math.expm1(-drop)) if drop > 0.0 else -math.inf))
                out[1] += lost[row] * (d_c + odds * (d_c - e_c))
                out[2 + g] += lost[row] * (d_a + odds * (d_a - e_a))
                out[2 + groups + g] += lost[row] * (d_b + odds * (d_b - e_b))
            out[0] += kept[row] * now
            out[1] += kept[row] * e_c
            out[2 + g] += kept[row] * e_a
            out[2 + groups + g] += kept[row] * e_b
            before_t, before = now_t, now
            d_a, d_b, d_c = e_a, e_b, e_c
    return out


@njit
def log_survival(gamma: float, delta: float, c: float, t: Floats) -> Floats:
    """ln S(t) for t >= 0."""
    out = np.empty(t.size)
    for i in range(t.size):
        out[i] = _log_s(gamma, delta, t[i] ** c if t[i] > 0.0 else 0.0)
    return out


@njit
def discounted(gamma: float, delta: float, c: float, tenure: float, v: float) -> float:
    """Sum of v^(k-1) S(tenure + k)/S(tenure) over k = 1, 2, ..., for 0 < v < 1."""
    now = _log_s(gamma, delta, tenure**c if tenure > 0.0 else 0.0)
    total, weight = 0.0, 1.0
    for k in range(1, _LONGEST):
        term = weight * math.exp(_log_s(gamma, delta, (tenure + k) ** c) - now)
        total += term
        weight *= v
        if term * v <= _ENOUGH * (1.0 - v) * total:  # the rest is a geometric series at most
            break
    return total


@njit
def own_elasticities(stay: Floats, c: float, tenure: float, v: float) -> Floats:
    """sum k v^(k-1) P_k / sum v^(k-1) P_k of customers with ln(1 - theta) in `stay`, P_k = (1 - theta)^((tenure + k)^c
    - tenure^c)."""
    out = np.empty(stay.size)
    done = tenure**c if tenure > 0.0 else 0.0
    for i in range(stay.size):
        value = moved = 0.0
        weight = 1.0
        first = stay[i] * ((tenure + 1.0) ** c - done)  # taken out of both, so that neither vanishes
        for k in range(1, _LONGEST):
            term = weight * math.exp(stay[i] * ((tenure + k) ** c - done) - first)
            value += term
            moved += k * term
            weight *= v
            if k * term * v <= _ENOUGH * (1.0 - v) ** 2 * moved:
                break
        out[i] = moved / value
    return out
