"""One pass over histories that says whether all of them can be."""

from __future__ import annotations

import math

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats

__all__ = ["valid_histories"]


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
