"""Forecasts of many customers who differ in their age alone.

Among customers with as many purchases a forecast that depends on x and T only is an analytic function of ln(offset +
T), where `offset` takes the law's nearest singularity to T = 0. So it is found at some Chebyshev points and
interpolated (Trefethen 2013, Approximation Theory and Approximation Practice, chapters 4 and 8): a series of hundreds
of terms a customer becomes a sum of some ten. The error is measured, halfway between the points, before it is used.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.fft import dct

from churnsim.kernels.numerics.chebyshev import at_ages
from churnsim.models.estimation.threads import by_chunks
from churnsim.typing import Floats, Ints

__all__ = ["TOLERANCE", "by_age"]


# Largest error halfway between the points, relative to the smallest value at any. The forecasts themselves are good
# to some 1e-13, and 1e-10 where x and a + b make them cancel (measured here).
TOLERANCE = 1e-11
# Degrees tried, the first for half a year between the youngest and the oldest, the last for a factor of 10,000.
DEGREES = (8, 16, 32, 64)
# Rows for each value that a degree costs, below which interpolation is not worth it.
ROWS_A_VALUE = 3


def by_age(function: Callable[[Ints, Floats], Floats], x: Ints, T: Floats, offset: float) -> Floats:
    """`function(x, T)`, row by row, to a relative `TOLERANCE`: interpolated in T where many rows have one x."""
    kind, kinds = pd.factorize(x)
    rows = np.bincount(kind)
    many = np.flatnonzero(rows >= ROWS_A_VALUE * (2 * DEGREES[0] + 1))
    if many.size == 0:
        return function(x, T)
    low, high = (float(np.log(offset + end)) for end in (T.min(), T.max()))
    centre, half = (low + high) / 2, max((high - low) / 2, 1e-9)  # above 0 where all are of one age
    terms = np.zeros(many.size, dtype=np.int64)
    coefficients = np.zeros((many.size, DEGREES[-1] + 1))
    for degree in DEGREES:
        tried = np.flatnonzero((terms == 0) & (rows[many] >= ROWS_A_VALUE * (2 * degree + 1)))
        if tried.size == 0:
            break
        # The doubled grid holds the degree's own points and those farthest from them.
        ages = np.exp(centre + half * np.cos(np.pi * np.arange(2 * degree + 1) / (2 * degree))) - offset
        ages = np.maximum(ages, 0.0)  # the youngest may come out below 0 by rounding
        values = function(np.repeat(kinds[many[tried]], ages.size), np.tile(ages, tried.size)).reshape(tried.size, -1)
        found = dct(values[:, ::2], type=1, axis=1) / degree
        found[:, [0, -1]] /= 2
        between = ages[1::2]
        guess = at_ages(
            np.repeat(np.arange(tried.size), between.size), np.tile(between, tried.size), offset, centre, half,
            np.full(tried.size, degree + 1), found,
        ).reshape(tried.size, -1)  # fmt: skip
        with np.errstate(invalid="ignore"):
            good = np.abs(guess - values[:, 1::2]).max(axis=1) <= TOLERANCE * np.abs(values).min(axis=1)
        terms[tried[good]] = degree + 1
        coefficients[tried[good], : degree + 1] = found[good]
    place = np.full(kinds.size, -1)
    place[many[terms > 0]] = np.flatnonzero(terms)
    row = place[kind]
    out = by_chunks(at_ages, (row, T), offset, centre, half, terms, coefficients)
    left = np.flatnonzero(row < 0)
    if left.size:
        out[left] = function(x[left], T[left])
    return out
