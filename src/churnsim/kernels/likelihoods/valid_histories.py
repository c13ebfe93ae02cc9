"""One pass over histories that says whether all of them can be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.jit import njit

__all__ = ["valid_histories"]

Floats = NDArray[np.float64]


@njit
def valid_histories(x: Floats, t_x: Floats, T: Floats) -> bool:
    """Whether every row has a whole x >= 0 and 0 <= t_x <= T, finite, with t_x above 0 just where x is."""
    for i in range(x.size):
        n, last, age = x[i], t_x[i], T[i]
        # Comparisons with a NaN are false.
        if not (0.0 <= n < 1e15 and n == math.floor(n) and 0.0 <= last <= age * (1.0 + 1e-12) and age < math.inf):
            return False
        if (n > 0.0) != (last > 0.0):
            return False
    return True
