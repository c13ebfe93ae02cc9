"""The integral behind Pareto/NBD: int_t0^t1 (alpha + y)^-R (beta + y)^-S dy, with everything a fit needs of it.

The literature writes it as a difference of Gauss hypergeometric functions (Schmittlein, Morrison & Colombo 1987),
which cancels where t1 - t0 is short, overflows where x is large and changes form with the sign of alpha - beta. As an
integral it is benign: with m = min(alpha, beta), M the other and v = ln((m + y)/(m + t0)) the integrand is
log-concave in v and analytic for |Im v| < pi, whatever the parameters. Twelve-point Gauss-Legendre panels, no longer
than 3 and over no more than eight e-foldings each, leave an error near rounding; panels stop where nothing is left to
add.
"""

from __future__ import annotations

import math

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.quadrature import NODES, WEIGHTS
from churnsim.typing import Floats

_LONGEST = 3.0  # of a panel; measured here against mpmath: relative error below 1e-13
_STEEPEST = 8.0  # e-foldings over a panel
_SURELY_SHORT = 7.999  # less than that by more than rounding


@njit
def _panel(start: float, end: float, R: float, S: float, m: float, M: float, t0: float, steep_m: bool) -> float:
    """Length of the panel from `start`: short enough for the steepest decay in it."""
    length = min(_LONGEST, end - start)
    # No decay is steeper than R + S - 1: nearly always that tells enough, without an exponential.
    if length * (R + S - 1.0) < _SURELY_SHORT:
        return length
    last = (m + t0) * math.exp(start + length)  # m + y at its end
    # (m + y)/(M + y) grows with y, so the decay in v is steepest at the panel's end.
    ratio = last / (last + (M - m))
    slope = (R + S * ratio if steep_m else S + R * ratio) - 1.0
    return min(length, _STEEPEST / slope) if slope > 0.0 else length


@njit
def share(R: float, alpha: float, S: float, beta: float, t0: float, t1: float) -> float:
    """The integral times (alpha + t0)^R (beta + t0)^S, so that its integrand starts at 1."""
    m, M = min(alpha, beta), max(alpha, beta)
    on_m, on_M = (R, S) if alpha <= beta else (S, R)
    end = math.log1p((t1 - t0) / (m + t0))
    spread = (m + t0) / (M + t0)
    total = 0.0
    v = 0.0
    while v < end:
        length = _panel(v, end, R, S, m, M, t0, alpha <= beta)
        added = 0.0
        for k in range(12):
            at = v + length * NODES[k]
            grown = math.expm1(at)
            # The first `at` is of dy = (m + y) dv.
            added += WEIGHTS[k] * math.exp(at - on_m * at - on_M * math.log1p(grown * spread))
        added *= length
        # Log-concave: once the terms fall, and fall below what counts, the rest is less still.
        falling = added < 1e-18 * total
        total += added
        v += length
        if falling:
            break
    return total * (m + t0)


@njit
def moments(R: float, alpha: float, S: float, beta: float, t0: float, t1: float, out: Floats, second: bool) -> float:
    """ln of `share`, and means over y (in the integrand's own law) in `out`:

    0: ln((alpha + y)/(alpha + t0)), 1: 1/(alpha + y), 2: ln((beta + y)/(beta + t0)), 3: 1/(beta + y); with `second`
    also the means of their products, 4 + 4 i + j for i <= j.
    """
    m, M = min(alpha, beta), max(alpha, beta)
    low = alpha <= beta
    on_m, on_M = (R, S) if low else (S, R)
    end = math.log1p((t1 - t0) / (m + t0))
    spread = (m + t0) / (M + t0)
    total = 0.0
    for j in range(20 if second else 4):
        out[j] = 0.0
    v = 0.0
    while v < end:
        length = _panel(v, end, R, S, m, M, t0, low)
        added = 0.0
        for k in range(12):
            at = v + length * NODES[k]
            grown = math.expm1(at)
            other = math.log1p(grown * spread)
            weight = WEIGHTS[k] * length * math.exp(at - on_m * at - on_M * other)
            # By m and M first, then by alpha and beta: which of them is smaller decides the substitution only.
            y_m = 1.0 / ((m + t0) * (1.0 + grown))
            y_M = 1.0 / ((M + t0) * (1.0 + grown * spread))
            f0, f1, f2, f3 = (at, y_m, other, y_M) if low else (other, y_M, at, y_m)
            added += weight
            out[0] += weight * f0
            out[1] += weight * f1
            out[2] += weight * f2
            out[3] += weight * f3
            if second:
                out[4] += weight * f0 * f0
                out[5] += weight * f0 * f1
                out[6] += weight * f0 * f2
                out[7] += weight * f0 * f3
                out[9] += weight * f1 * f1
                out[10] += weight * f1 * f2
                out[11] += weight * f1 * f3
                out[14] += weight * f2 * f2
                out[15] += weight * f2 * f3
                out[19] += weight * f3 * f3
        falling = added < 1e-18 * total
        total += added
        v += length
        if falling:
            break
    if total == 0.0:
        return -math.inf
    for j in range(20 if second else 4):
        out[j] /= total
    return math.log(total * (m + t0))


@njit
def place(R: float, alpha: float, S: float, beta: float, t0: float, t1: float, target: float) -> float:
    """The y at which `share` from t0 to y reaches `target`, by Newton steps in v inside a bracket; t1 if it never
    does."""
    if share(R, alpha, S, beta, t0, t1) <= target:
        return t1
    m = min(alpha, beta)
    low, high = 0.0, math.log1p((t1 - t0) / (m + t0))
    v = min(0.5 * high, math.log1p(target / (m + t0)))
    for _ in range(200):
        y = t0 + (m + t0) * math.expm1(v)
        excess = share(R, alpha, S, beta, t0, y) - target
        if excess > 0.0:
            high = v
        else:
            low = v
        slope = (m + y) * math.exp(-R * math.log1p((y - t0) / (alpha + t0)) - S * math.log1p((y - t0) / (beta + t0)))
        # Newton where it stays inside the bracket, else bisection.
        following = v - excess / slope if slope > 0.0 else 0.5 * (low + high)
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - v) <= 1e-13 * max(v, 1e-3):
            v = following
            break
        v = following
    return t0 + (m + t0) * math.expm1(v)
