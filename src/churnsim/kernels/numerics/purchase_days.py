"""A log of purchases put in order and taken together by customer and calendar day, in one pass over whole columns.

Rows are counted and laid out by customer (a counting sort: customers are whole numbers without large gaps), then each
customer's few rows are sorted by day and, within a day, by amount, so that the order of the rows given cannot change
the last digit of a sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.numerics.jit import rule
from churnsim.typing import Floats, Ints

DAYS, SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS = 0, 1, 2, 3, 4
SHORT = 24  # rows; below it an insertion sort is quicker than a heap sort
LIMIT = 106_650  # days from 1970 to 1678 and to 2261: what nanoseconds in 64 bits can say
# A customer's number and a day in one: the days lie below, in as many bits as twice LIMIT takes. With a customer below
# 2**35 it fits the 53 bits of a float exactly.
DAY_BITS = 18
DAY = (1 << DAY_BITS) - 1


@rule
def _day(time: int, unit: int) -> int:
    """The day of a time; the divisors are constants, which costs a multiplication where a division would take ten times
    as long."""
    if unit == NANOSECONDS:
        return time // 86_400_000_000_000
    if unit == MICROSECONDS:
        return time // 86_400_000_000
    if unit == MILLISECONDS:
        return time // 86_400_000
    if unit == SECONDS:
        return time // 86_400
    return time


@rule
def count(customer: NDArray[Any], lowest: int, shift: int, sizes: Ints) -> None:
    """Rows of each block of customers into `sizes`; a block is 2**`shift` numbers from `lowest` on."""
    for row in range(customer.size):
        sizes[(customer[row] - lowest) >> shift] += 1


@rule
def part(
    customer: NDArray[Any],
    lowest: int,
    shift: int,
    time: Ints,
    unit: int,
    amount: Floats,
    place: Ints,
    rows: Floats,
) -> tuple[int, int, int, float]:
    """Fill `rows` (customer and day in one number, amount) block by block; (bad rows, first day, last day, total).

    `place` says where each block begins, and afterwards where it ends. A row is bad when its time is missing or
    not of our centuries, or its amount (none when `amount` is empty) negative or not finite.
    """
    bad, total = 0, 0.0
    first, last = LIMIT, -LIMIT
    amounts = amount.size > 0
    for row in range(customer.size):
        day = _day(time[row], unit)
        value = amount[row] if amounts else 0.0
        # `value >= 0` is false of a NaN, which `value < 0` would let pass.
        if day < -LIMIT or day > LIMIT or not (value >= 0.0 and value < math.inf):
            bad += 1
            continue
        first = min(first, day)
        last = max(last, day)
        total += value
        number = int(customer[row]) - lowest
        block = number >> shift
        at = place[block]
        rows[at, 0] = (number << DAY_BITS) + (day + LIMIT)
        rows[at, 1] = value
        place[block] = at + 1
    return bad, first, last, total


@rule
def lay_out(
    shift: int,
    blocks: Ints,
    rows: Floats,
    scratch: Floats,
    ends: Ints,
    starts: Ints,
) -> int:
    """Turn the parted `rows` into entries (day, amount), packed, by customer and day; returns how many.

    A block's customers fit the cache, so that its rows are put in order there. `scratch` holds the largest block's,
    `ends` one more than a block's customers. Into `starts`, one more than customers, goes where the entries of each
    begin.
    """
    customers = starts.size - 1
    kept = 0
    for block in range(blocks.size - 1):
        low, high = blocks[block], blocks[block + 1]
        base = block << shift
        width = min(1 << shift, customers - base)
        for k in range(width + 1):
            ends[k] = 0
        for at in range(low, high):
            # Counted one place on, so that the running sums are where each customer begins.
            ends[(np.int64(rows[at, 0]) >> DAY_BITS) - base + 1] += 1
        for k in range(width):
            ends[k + 1] += ends[k]
        # Into scratch, since `_together` packs the entries over rows that have been read.
        for at in range(low, high):
            place = (np.int64(rows[at, 0]) >> DAY_BITS) - base
            to = ends[place]
            scratch[to, 0] = rows[at, 0]
            scratch[to, 1] = rows[at, 1]
            ends[place] = to + 1
        begin = 0
        for k in range(width):
            starts[base + k] = kept
            end = ends[k]
            if end > begin:
                # By amount within a day too: the sum of a day does not depend on the order of the file.
                _sort(scratch, begin, end)
                kept = _together(scratch, begin, end, rows, kept)
            begin = end
    starts[customers] = kept
    return kept


@rule
def _together(scratch: Floats, begin: int, end: int, rows: Floats, kept: int) -> int:
    """One customer's sorted rows as entries from `kept` on: purchases of one day taken together."""
    key = -1.0  # nobody's: keys are not negative
    for at in range(begin, end):
        if scratch[at, 0] == key:
            rows[kept - 1, 1] += scratch[at, 1]
        else:
            key = scratch[at, 0]
            rows[kept, 0] = (np.int64(key) & DAY) - LIMIT
            rows[kept, 1] = scratch[at, 1]
            kept += 1
    return kept


@rule
def summary(
    rows: Floats,
    starts: Ints,
    end: int,
    frequency: Ints,
    first: Ints,
    last: Ints,
    spend: Floats,
) -> None:
    """Of each customer's entries up to the day `end`: how many after the first, its day, the last one's, and the
    amounts after the first added up. `frequency` is -1 where there is no entry."""
    for k in range(starts.size - 1):
        low, high = starts[k], starts[k + 1]
        while high > low and rows[high - 1, 0] > end:
            high -= 1
        frequency[k] = high - low - 1
        if high > low:
            first[k] = np.int64(rows[low, 0])
            last[k] = np.int64(rows[high - 1, 0])
            total = 0.0
            for at in range(low + 1, high):
                total += rows[at, 1]
            spend[k] = total


@rule
def entries(
    rows: Floats,
    starts: Ints,
    customer: Ints,
    day: Ints,
    amount: Floats,
) -> None:
    """The packed entries as columns; customers without one are passed over in the numbering."""
    number = 0
    for k in range(starts.size - 1):
        for at in range(starts[k], starts[k + 1]):
            customer[at] = number
            day[at] = np.int64(rows[at, 0])
            amount[at] = rows[at, 1]
        if starts[k + 1] > starts[k]:
            number += 1


@rule
def _before(rows: Floats, a: int, b: int) -> bool:
    return bool(rows[a, 0] < rows[b, 0] or (rows[a, 0] == rows[b, 0] and rows[a, 1] < rows[b, 1]))


@rule
def _swap(rows: Floats, a: int, b: int) -> None:
    day, amount = rows[a, 0], rows[a, 1]
    rows[a, 0], rows[a, 1] = rows[b, 0], rows[b, 1]
    rows[b, 0], rows[b, 1] = day, amount


@rule
def _sort(rows: Floats, low: int, high: int) -> None:
    if high - low > SHORT:
        _heap_sort(rows, low, high)
        return
    for at in range(low + 1, high):
        day, amount = rows[at, 0], rows[at, 1]
        to = at
        while to > low and (rows[to - 1, 0] > day or (rows[to - 1, 0] == day and rows[to - 1, 1] > amount)):
            rows[to, 0], rows[to, 1] = rows[to - 1, 0], rows[to - 1, 1]
            to -= 1
        rows[to, 0], rows[to, 1] = day, amount


@rule
def _sift(rows: Floats, low: int, root: int, size: int) -> None:
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _before(rows, low + child, low + child + 1):
            child += 1
        if not _before(rows, low + root, low + child):
            return
        _swap(rows, low + root, low + child)
        root = child


@rule
def _heap_sort(rows: Floats, low: int, high: int) -> None:
    size = high - low
    for root in range(size // 2 - 1, -1, -1):
        _sift(rows, low, root, size)
    for end in range(size - 1, 0, -1):
        _swap(rows, low, low + end)
        _sift(rows, low, 0, end)
