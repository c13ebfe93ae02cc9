"""The limit above which a given number of values lie, also where nearly all are equal."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from churnsim.kernels.jit import njit

__all__ = ["nth_highest"]

_MULTIPLIER, _MODULUS = 1_103_515_245, 1 << 31  # of a linear congruential sequence, C's old `rand`


@njit
def nth_highest(values: NDArray[Any], number: int) -> float:
    """The `number`-th highest of `values`, counting equals; of no NaN among them, 1 <= `number` <= their count.

    Quickselect (Hoare 1961, Algorithm 65) with three parts, below, at and above the pivot: most customers may share
    one score, on which a partition in two, as numpy's, takes ten times as long.
    """
    left = values.copy()
    turn = 1
    low, high, place = 0, values.size - 1, values.size - number
    while True:
        turn = (turn * _MULTIPLIER + 12_345) % _MODULUS  # a pivot from no fixed place: no order of values is a bad one
        pivot = left[low + turn % (high - low + 1)]
        below, at, above = low, low, high
        while at <= above:
            value = left[at]
            if value < pivot:
                left[at] = left[below]
                left[below] = value
                below += 1
                at += 1
            elif value > pivot:
                left[at] = left[above]
                left[above] = value
                above -= 1
            else:
                at += 1
        if place < below:
            high = below - 1
        elif place > above:
            low = above + 1
        else:
            return pivot
