"""Chebyshev sums in the logarithm of an age, one row of coefficients a kind of customer."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints


@njit
def at_ages(
    kind: Ints, T: Floats, offset: float, centre: float, half: float, terms: Ints, coefficients: Floats
) -> Floats:
    """sum_j c_j T_j(u) with u = (ln(offset + T) - centre)/half, by Clenshaw's recurrence; of the coefficients of a
    `kind` as many count as its `terms` say. NaN for the kind -1."""
    out = np.empty(T.size)
    for i in range(T.size):
        row = kind[i]
        if row < 0:
            out[i] = math.nan
            continue
        twice = 2.0 * (math.log(offset + T[i]) - centre) / half
        # b_j = 2 u b_j+1 - b_j+2 + c_j from the highest j down; the sum is u b_1 - b_2 + c_0.
        near = far = 0.0
        for j in range(terms[row] - 1, 0, -1):
            near, far = twice * near - far + coefficients[row, j], near
        out[i] = 0.5 * twice * near - far + coefficients[row, 0]
    return out
