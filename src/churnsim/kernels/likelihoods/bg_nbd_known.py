"""BG/NBD and MBG/NBD: expected purchases of many known customers.

The series of `bg_nbd_forecast.expected_while` has coefficients that depend on a customer by x alone (its shapes are r +
x and b + x), so they are tabulated once, and a customer costs a polynomial in z = h/(alpha + T + h) without a division.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd_forecast import expected_while
from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints

__all__ = ["expected_known"]


_TABLED = 64  # purchases up to which coefficients are tabulated
# z up to which 32, 64 and 128 terms leave less than 1e-16 of the sum.
_LIMITS = (0.30, 0.55, 0.74)


@njit
def _coefficients(r: float, a: float, b: float, top: int) -> Floats:
    """Row x: the coefficients of z^1 ... z^128 of the series for r + x and b + x."""
    out = np.zeros((top + 1, 128))
    for x in range(top + 1):
        c = a + b + x - 1.0
        if c <= 0.0:
            continue
        term = (c - r - x) / c
        for n in range(128):
            out[x, n] = term
            term *= (c - r - x + n + 1.0) * (a + n) / ((c + n + 1.0) * (n + 2.0))
    return out


@njit
def expected_known(
    x: Ints, t_x: Floats, T: Floats, horizon: Floats, r: float, alpha: float, a: float, b: float, first: bool
) -> Floats:
    """E[purchases in (T, T + horizon] | x, t_x, T]: P(alive) times that of a live customer. `b` as in `bg_nbd.py`."""
    e = a - 1.0
    top = min(x.max(), _TABLED) if x.size else 0
    # All terms have one sign where a + b - 1 > r and a + b > 1, whatever x: nothing to watch then but the last step.
    steady = a + b - 1.0 > r and a + b > 1.0
    table = _coefficients(r, a, b, top if steady else 0)
    out = np.empty(x.size)
    for i in range(x.size):
        n, A, h = x[i], alpha + T[i], horizon[i]
        alive = 1.0
        if n > 0 or first:
            odds = math.log(a / (b + n - 1.0)) + (r + n) * math.log1p((T[i] - t_x[i]) / (alpha + t_x[i]))
            alive = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
        value = -1.0
        z = h / (A + h)
        if steady and n <= top and z <= _LIMITS[2]:
            terms = 32 if z <= _LIMITS[0] else (64 if z <= _LIMITS[1] else 128)
            # Horner's rule in z^4, four sums side by side.
            z2 = z * z
            z4 = z2 * z2
            s0 = s1 = s2 = s3 = 0.0
            for k in range(terms - 4, -1, -4):
                s0 = s0 * z4 + table[n, k]
                s1 = s1 * z4 + table[n, k + 1]
                s2 = s2 * z4 + table[n, k + 2]
                s3 = s3 * z4 + table[n, k + 3]
            series = z * (s0 + z * s1 + z2 * (s2 + z * s3))
            log_rest = -math.log1p(h / A)
            power = e * log_rest
            grown = math.expm1(power)
            ratio = -grown / e if abs(e) > 1e-300 else -log_rest
            c = a + b + n - 1.0
            value = c * (ratio - (1.0 + grown) * series)
            end = z4 * z4 * z4 * z4  # z^16; a large a makes the terms rise before they fall
            end *= end
            if terms > 32:
                end *= end
            if terms > 64:
                end *= end
            # As in `expected_while`: nothing left, and at most three digits may cancel.
            left = table[n, terms - 1] * end > 1e-16 * series * z * (1.0 - z)
            if left or not c * (ratio + (1.0 + grown) * series) < 1000.0 * value:
                value = -1.0
        out[i] = alive * (value if value >= 0.0 else expected_while(r + n, A, a, b + n, h))
    return out
