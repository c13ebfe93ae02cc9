"""Rising factorials (start)_n = start (start + 1) ... (start + n - 1), as logarithms with their derivatives, by n."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit, rule
from churnsim.typing import Floats, Ints


@rule
def highest_count(counts: Ints) -> int:
    """The largest of some counts, 0 of none. numpy's own maximum, which looks for NaN, takes a second to compile."""
    highest = 0
    for i in range(counts.size):
        highest = max(highest, counts[i])
    return highest


@njit
def rising_logs(start: float, count: int) -> tuple[Floats, Floats]:
    """ln (start)_n and its derivative in `start`, for n = 0 ... count."""
    # A logarithm a count: lgamma(start + n) - lgamma(start) would cancel where start is large.
    logs = np.zeros(count + 1)
    slopes = np.zeros(count + 1)
    for n in range(count):
        logs[n + 1] = logs[n] + math.log(start + n)
        slopes[n + 1] = slopes[n] + 1.0 / (start + n)
    return logs, slopes


@njit
def rising_squares(start: float, count: int) -> Floats:
    """Sums of 1/(start + j)^2 over j < n, for n = 0 ... count: minus the second derivative of ln (start)_n."""
    squares = np.zeros(count + 1)
    for n in range(count):
        squares[n + 1] = squares[n] + 1.0 / ((start + n) * (start + n))
    return squares
