"""The limit above which a given number of values lie, and those who have them, also where nearly all are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Flags, Ints

_MULTIPLIER, _MODULUS = 1_103_515_245, 1 << 31  # of a linear congruential sequence, C's old `rand`
_SAMPLE = 512
_MARGIN = 48  # places of the sample: four standard deviations of a median's
_WORTH_SAMPLING = 8 * _SAMPLE


@njit
def nth_highest(values: NDArray[Any], number: int) -> float:
    """The `number`-th highest of `values`, counting equals; of no NaN among them, 1 <= `number` <= their count.

    Two values of a sample that have the wanted one between them, nearly always, leave a tenth of all to select from
    (Floyd & Rivest 1975); the rest is quickselect.
    """
    if values.size < _WORTH_SAMPLING:
        return _selected(values.copy(), number)
    sample = np.empty(_SAMPLE, values.dtype)
    turn = 1
    for j in range(_SAMPLE):
        turn = (turn * _MULTIPLIER + 12_345) % _MODULUS
        sample[j] = values[turn % values.size]
    place = number * _SAMPLE // values.size + 1
    least = _selected(sample, min(place + _MARGIN, _SAMPLE))
    most = _selected(sample, max(place - _MARGIN, 1))
    between = np.empty(values.size, values.dtype)
    above, count = 0, 0
    for i in range(values.size):
        value = values[i]
        above += value > most
        # Written in any case and kept by counting on: a branch on it would be mispredicted.
        between[count] = value
        count += (value >= least) & (value <= most)
    # The sample misled where the wanted one lies outside: then all are selected from.
    if above < number <= above + count:
        return _selected(between[:count], number - above)
    return _selected(values.copy(), number)


@njit
def _selected(left: NDArray[Any], number: int) -> float:
    """`nth_highest` of what is `left`, which is moved about.

    Quickselect (Hoare 1961, Algorithm 65) with three parts, below, at and above the pivot: most customers may share
    one score, on which a partition in two, as numpy's, takes ten times as long.
    """
    turn = 1
    low, high, place = 0, left.size - 1, left.size - number
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


@njit
def highest_of(values: NDArray[Any], uids: Ints, eligible: Flags, number: int) -> Flags:
    """Flags of the `number` eligible with the highest value; among equals those of the lowest uids."""
    held = np.empty(values.size, values.dtype)
    count = 0
    for i in range(values.size):
        held[count] = values[i]
        count += eligible[i]
    if number >= count:
        return eligible.copy()
    chosen = np.zeros(values.size, np.bool_)
    if number <= 0:
        return chosen
    limit = nth_highest(held[:count], number)
    above, equal = 0, 0
    for i in range(values.size):
        chosen[i] = eligible[i] & (values[i] > limit)
        above += chosen[i]
        equal += eligible[i] & (values[i] == limit)
    first = np.empty(equal, np.int64)
    equal = 0
    for i in range(values.size):
        if eligible[i] and values[i] == limit:
            first[equal] = uids[i]
            equal += 1
    # The wanted-th lowest uid is the (equal - wanted + 1)-th highest.
    last = nth_highest(first, equal - (number - above) + 1)
    for i in range(values.size):
        if eligible[i] and values[i] == limit and uids[i] <= last:
            chosen[i] = True
    return chosen
