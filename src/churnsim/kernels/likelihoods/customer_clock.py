"""Buying clocks that each customer's own series rescale: how far they run, and how that changes with the effects.

A row of `values` holds from the end of the day before its `day` until that of the customer's next row, the last one on;
the rows of customer c are `starts[c]` ... `starts[c + 1]`. The clock runs at e^(sum gamma (value - mean)).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints


@njit
def _row_at(day: Ints, low: int, high: int, place: float) -> int:
    """The last of the rows that holds from a place on."""
    while high - low > 1:
        middle = (low + high) // 2
        if day[middle] - 1 <= place:
            low = middle
        else:
            high = middle
    return low


@njit
def _speed(values: Floats, row: int, means: Floats, gamma: Floats) -> float:
    total = 0.0
    for c in range(gamma.size):
        total += gamma[c] * (values[row, c] - means[c])
    return math.exp(total)


@njit
def run(
    owner: Ints, begin: Floats, last: Floats, end: Floats, starts: Ints, day: Ints, values: Floats, means: Floats,
    gamma: Floats,
) -> Floats:  # fmt: skip
    """Rows: by how many days the clock is ahead of time at `last` and at `end`, since `begin`, and its slopes in each
    effect at `last`, then at `end`."""
    effects = gamma.size
    out = np.empty((owner.size, 2 + 2 * effects))
    by = np.empty(effects)
    for i in range(owner.size):
        high = starts[owner[i] + 1]
        row = _row_at(day, starts[owner[i]], high, begin[i])
        speed = _speed(values, row, means, gamma)
        place, ahead = begin[i], 0.0
        by[:] = 0.0
        # One walk along the customer's rows, with a stop at the last purchase.
        for stop in range(2):
            goal = last[i] if stop == 0 else end[i]
            while place < goal:
                until = goal
                if row + 1 < high and day[row + 1] - 1 < goal:
                    until = np.float64(day[row + 1] - 1)
                length = until - place
                # What the clock is ahead of time: without an effect 0 exactly, so that times keep their last bits.
                ahead += (speed - 1.0) * length
                for c in range(effects):
                    by[c] += speed * length * (values[row, c] - means[c])
                place = until
                if row + 1 < high and day[row + 1] - 1 <= place:
                    row += 1
                    speed = _speed(values, row, means, gamma)
            out[i, stop] = ahead
            for c in range(effects):
                out[i, 2 + stop * effects + c] = by[c]
    return out


@njit
def second(
    owner: Ints, begin: Floats, last: Floats, end: Floats, at_last: Floats, at_end: Floats, starts: Ints, day: Ints,
    values: Floats, means: Floats, gamma: Floats,
) -> Floats:  # fmt: skip
    """The second derivatives in the effects of the sum of at_last . clock at `last` + at_end . clock at `end`."""
    effects = gamma.size
    out = np.zeros((effects, effects))
    for i in range(owner.size):
        high = starts[owner[i] + 1]
        row = _row_at(day, starts[owner[i]], high, begin[i])
        place = begin[i]
        while place < end[i]:
            # A piece ends at the last purchase too, where the weight changes.
            until = last[i] if place < last[i] else end[i]
            if row + 1 < high and day[row + 1] - 1 < until:
                until = np.float64(day[row + 1] - 1)
            weight = at_end[i] + (at_last[i] if place < last[i] else 0.0)
            weight *= _speed(values, row, means, gamma) * (until - place)
            for c in range(effects):
                for d in range(c + 1):
                    out[c, d] += weight * (values[row, c] - means[c]) * (values[row, d] - means[d])
            place = until
            if row + 1 < high and day[row + 1] - 1 <= place:
                row += 1
    for c in range(effects):
        for d in range(c):
            out[d, c] = out[c, d]
    return out


@njit
def moments(
    owner: Ints, begin: Floats, end: Floats, weight: Floats, starts: Ints, day: Ints, values: Floats, origin: Floats
) -> Floats:
    """Over the weighted days of all: their number, the sums of the values less the `origin`, and those of the products
    of two, shape (2 + columns, columns)."""
    columns = origin.size
    out = np.zeros((2 + columns, columns))
    for i in range(owner.size):
        high = starts[owner[i] + 1]
        row = _row_at(day, starts[owner[i]], high, begin[i])
        place = begin[i]
        while place < end[i]:
            until = end[i]
            if row + 1 < high and day[row + 1] - 1 < until:
                until = np.float64(day[row + 1] - 1)
            days = weight[i] * (until - place)
            for c in range(columns):
                value = values[row, c] - origin[c]
                out[0, c] += days
                out[1, c] += days * value
                for d in range(columns):
                    out[2 + c, d] += days * value * (values[row, d] - origin[d])
            place = until
            if row + 1 < high and day[row + 1] - 1 <= place:
                row += 1
    return out
