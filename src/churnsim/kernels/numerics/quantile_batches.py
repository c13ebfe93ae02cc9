"""Many quantiles at once: what `gamma_quantile` and `beta_quantile` return, to the bit, in a fraction of the time.

Steps are taken by all draws of a block in turn, so that the sums and fractions of eight of them are worked out
together (`lanes.py`).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.exponential import exponential
from churnsim.kernels.numerics.jit import inlined, njit
from churnsim.kernels.numerics.lanes import LANES, beta_lanes, fraction_lanes, series_lanes
from churnsim.kernels.numerics.quantiles import (
    SMALLEST,
    STEPS,
    BetaLaw,
    GammaLaw,
    beta_arguments,
    beta_law,
    beta_side,
    beta_start,
    beta_step,
    gamma_law,
    gamma_start,
    gamma_step,
    logistic,
)
from churnsim.typing import Floats, Ints

_BLOCK = 256  # draws, whose numbers stay in the nearest cache


@inlined
def _gamma(rows: Floats, kind: int) -> GammaLaw:
    return GammaLaw(
        rows[kind, 0], rows[kind, 1], rows[kind, 2], rows[kind, 3], rows[kind, 4], rows[kind, 5], rows[kind, 6]
    )


@inlined
def _beta(rows: Floats, kind: int) -> BetaLaw:
    return BetaLaw(
        rows[kind, 0], rows[kind, 1], rows[kind, 2], rows[kind, 3], rows[kind, 4], rows[kind, 5], rows[kind, 6]
    )


@njit
def gamma_quantiles(u: Floats, shapes: Floats, kinds: Ints) -> Floats:
    """Draws from Gamma(shapes[kinds[i]], rate 1) at probabilities u[i]. Of few shapes what depends on them alone is
    worked out once."""
    laws = np.full((shapes.size, 7), math.nan)  # NaN until the first draw that needs it
    out = np.empty(u.size)
    y, low, high = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    active = np.empty(_BLOCK, np.int64)
    # Those below shape + 1, then those above.
    which, shape, x, total = (
        np.empty(2 * _BLOCK, np.int64),
        np.ones(2 * _BLOCK),
        np.ones(2 * _BLOCK),
        np.empty(2 * _BLOCK),
    )
    for first in range(0, u.size, _BLOCK):
        number = 0
        for i in range(min(_BLOCK, u.size - first)):
            kind = kinds[first + i]
            if math.isnan(laws[kind, 0]):
                row = laws[kind]
                row[0], row[1], row[2], row[3], row[4], row[5], row[6] = gamma_law(shapes[kind])
            law = _gamma(laws, kind)
            y[i], low[i], high[i] = gamma_start(law, u[first + i]), SMALLEST, law.highest
            if y[i] < SMALLEST:
                out[first + i] = 0.0
            else:
                active[number] = i
                number += 1
        for step in range(STEPS):
            below, above = 0, _BLOCK
            for j in range(number):
                i = active[j]
                reached, own = exponential(y[i]), laws[kinds[first + i], 0]
                # The sum below shape + 1 and the fraction above it, as in `lower_gamma_given`.
                if reached < own + 1.0:
                    at = below
                    below += 1
                else:
                    at = above
                    above += 1
                which[at], shape[at], x[at] = i, own, reached
            # What lies beyond the last one is left from before and of no account.
            for at in range(0, below, LANES):
                series_lanes((shape, x, total), at)
            for at in range(_BLOCK, above, LANES):
                fraction_lanes((shape, x, total), at)
            # Who has not settled is active in the next step; the order among them is of no account.
            number = 0
            for part in range(2):
                for at in range(_BLOCK * part, above if part else below):
                    i = which[at]
                    law, given = _gamma(laws, kinds[first + i]), u[first + i]
                    y[i], done, low[i], high[i] = gamma_step(law, given, y[i], x[at], total[at], low[i], high[i])
                    if done or step == STEPS - 1:
                        out[first + i] = exponential(y[i])
                    else:
                        active[number] = i
                        number += 1
            if number == 0:
                break
    return out


@njit
def beta_quantiles(u: Floats, a: Floats, b: Floats, kinds: Ints) -> Floats:
    """Draws from Beta(a[kinds[i]], b[kinds[i]]) at probabilities u[i]."""
    laws = np.full((a.size, 7), math.nan)
    out = np.empty(u.size)
    y, low, high = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    active, below, z, tail = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.bool_), np.empty(_BLOCK), np.empty(_BLOCK)
    p, q, w, fraction = np.ones(_BLOCK), np.ones(_BLOCK), np.zeros(_BLOCK), np.empty(_BLOCK)
    for first in range(0, u.size, _BLOCK):
        number = 0
        for i in range(min(_BLOCK, u.size - first)):
            kind = kinds[first + i]
            if math.isnan(laws[kind, 0]):
                row = laws[kind]
                row[0], row[1], row[2], row[3], row[4], row[5], row[6] = beta_law(a[kind], b[kind])
            y[i], low[i], high[i] = beta_start(_beta(laws, kind), u[first + i]), SMALLEST, -SMALLEST
            if abs(y[i]) >= high[i]:
                out[first + i] = logistic(y[i])
            else:
                active[number] = i
                number += 1
        for step in range(STEPS):
            for j in range(number):
                i = active[j]
                law = _beta(laws, kinds[first + i])
                below[j], z[j], tail[j] = beta_side(law, u[first + i], y[i])
                _, p[j], q[j], w[j] = beta_arguments(law, below[j], z[j])
            for j in range(0, number, LANES):
                beta_lanes((p, q, w, fraction), j)
            left = 0
            for j in range(number):
                i = active[j]
                y[i], done, low[i], high[i] = beta_step(
                    _beta(laws, kinds[first + i]), u[first + i], y[i], below[j], z[j], tail[j], fraction[j], low[i],
                    high[i],
                )  # fmt: skip
                if done or step == STEPS - 1:
                    out[first + i] = logistic(y[i])
                else:
                    active[left] = i
                    left += 1
            number = left
            if number == 0:
                break
    return out
