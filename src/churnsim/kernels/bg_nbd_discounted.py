"""BG/NBD and MBG/NBD: discounted expected purchases (DERT) of live customers.

Given lambda and p a live customer makes discounted purchases int_0^h lambda e^(-(lambda p + delta) t) dt =
lambda (1 - e^(-(lambda p + delta) h))/(lambda p + delta). Averaged over lambda ~ Gamma(r, alpha) and p ~ Beta(a, b) by
the trapezoidal rule in log lambda and in logit p: both integrands are analytic in a strip around the real line, where
it converges geometrically, and no term is negative. A short horizon needs no more than twelve values of the
undiscounted expectation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.bg_nbd_forecast import expected_while
from churnsim.kernels.jit import njit
from churnsim.kernels.quadrature import NODES, WEIGHTS

__all__ = ["discounted"]

Floats = NDArray[np.float64]

_CUT = 37.0  # terms below e^-37 of the largest are left out


@njit
def discounted(r: Floats, alpha: Floats, a: Floats, b: Floats, force: float, horizon: float) -> Floats:
    """E[sum of e^(-force t) over the purchases at t in the horizon] of live customers; `horizon` may be infinite."""
    out = np.empty(r.size)
    for i in range(r.size):
        if horizon <= 1.5 * alpha[i] and abs(force) * horizon <= 4.0:
            out[i] = _by_parts(r[i], alpha[i], a[i], b[i], force, horizon)
        else:
            out[i] = _by_traits(r[i], alpha[i], a[i], b[i], force, horizon)
    return out


@njit
def _by_parts(r: float, alpha: float, a: float, b: float, force: float, horizon: float) -> float:
    """e^(-delta h) E(h) + delta int_0^h e^(-delta t) E(t) dt, nodes in ln(1 + t/alpha), where E is smooth."""
    total = math.exp(-force * horizon) * expected_while(r, alpha, a, b, horizon)
    if force == 0.0 or horizon == 0.0:
        return total
    length = math.log1p(horizon / alpha)
    for k in range(12):
        t = alpha * math.expm1(length * NODES[k])
        weight = WEIGHTS[k] * length * (alpha + t) * force * math.exp(-force * t)
        total += weight * expected_while(r, alpha, a, b, t)
    return total


@njit
def _beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Values of p and weights (of sum 1) of a Beta(a, b), equally spaced in logit p.

    Beyond |logit p| = 45 p is 0 or 1 and the weight is geometric: those sums are taken exactly, at p = 0 and p = 1.
    """
    step = 0.35 * min(1.0, 2.0 * math.sqrt(1.0 / a + 1.0 / b))
    middle = min(max(math.log(a / b), -45.0), 45.0)
    less = math.log1p(math.exp(-abs(middle)))
    top = a * (min(middle, 0.0) - less) + b * (min(-middle, 0.0) - less)
    count = np.zeros(2, np.int64)
    for side in range(2):
        k = 1
        while True:
            y = middle + (k if side else -k) * step
            less = math.log1p(math.exp(-abs(y)))
            if a * (min(y, 0.0) - less) + b * (min(-y, 0.0) - less) < top - _CUT or abs(y) > 45.0:
                break
            k += 1
        count[side] = k
    size = count[0] + count[1] + 3
    p = np.empty(size)
    weight = np.empty(size)
    mass = 0.0
    for k in range(size - 2):
        y = middle + (k - count[0]) * step
        less = math.log1p(math.exp(-abs(y)))
        p[k] = math.exp(min(y, 0.0) - less)
        weight[k] = math.exp(a * (min(y, 0.0) - less) + b * (min(-y, 0.0) - less) - top)
        mass += weight[k]
    p[size - 2], weight[size - 2] = 0.0, weight[0] / math.expm1(a * step)
    p[size - 1], weight[size - 1] = 1.0, weight[size - 3] / math.expm1(b * step)
    mass += weight[size - 2] + weight[size - 1]
    for k in range(size):
        weight[k] /= mass
    return p, weight


@njit
def _by_traits(r: float, alpha: float, a: float, b: float, force: float, horizon: float) -> float:
    """The double sum over lambda and p, good for any parameters."""
    p, weight = _beta_nodes(a, b)
    step = 0.35 * min(1.0, 2.0 / math.sqrt(r))
    start = math.log(r / alpha)
    total = 0.0
    mass = 0.0
    for side in range(2):
        u = start if side == 0 else start + step
        while True:
            rate = math.exp(u)
            density = math.exp(r * (u - start) - alpha * rate + r)
            inner = 0.0
            if math.isinf(horizon):
                for k in range(p.size):
                    inner += weight[k] / (rate * p[k] + force)
            else:
                for k in range(p.size):
                    hazard = (rate * p[k] + force) * horizon
                    inner += weight[k] * horizon * (-math.expm1(-hazard) / hazard if hazard != 0.0 else 1.0)
            mass += density
            total += density * rate * inner
            if density * rate * inner < 1e-17 * total and (r < 5.0 or density < 1e-17 * mass):
                break
            u += step if side else -step
    # A small r lets the density fall off slowly, but its integral is known: e^r Gamma(r) r^-r.
    return total / mass if r >= 5.0 else total * step / math.exp(r + math.lgamma(r) - r * math.log(r))
