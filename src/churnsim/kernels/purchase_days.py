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

from churnsim.kernels.jit import njit

__all__ = ["DAYS", "MICROSECONDS", "MILLISECONDS", "NANOSECONDS", "SECONDS", "count", "entries", "lay_out", "summary"]

DAYS, SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS = 0, 1, 2, 3, 4
SHORT = 24  # rows; below it an insertion sort is quicker than a heap sort
MISSING = np.int64(-(2**63))


@njit
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


@njit
def count(
    customer: NDArray[Any],
    lowest: int,
    time: NDArray[np.int64],
    unit: int,
    amount: NDArray[np.float64],
    sizes: NDArray[np.int64],
) -> tuple[int, int, int, float]:
    """Rows of each customer into `sizes`, by `customer` - `lowest`; (bad rows, first day, last day, total of amounts).

    A row is bad when its time is missing, or its amount (none when `amount` is empty) negative or not finite.
    """
    bad = 0
    first, last = 4611686018427387904, -4611686018427387904
    total = 0.0
    amounts = amount.size > 0
    for row in range(customer.size):
        if time[row] == MISSING:
            bad += 1
            continue
        day = _day(time[row], unit)
        first = min(first, day)
        last = max(last, day)
        if amounts:
            value = amount[row]
            if not (value >= 0.0 and value < math.inf):
                bad += 1
            total += value
        sizes[customer[row] - lowest] += 1
    return bad, first, last, total


@njit
def lay_out(
    customer: NDArray[Any],
    lowest: int,
    time: NDArray[np.int64],
    unit: int,
    amount: NDArray[np.float64],
    starts: NDArray[np.int64],
    rows: NDArray[np.float64],
) -> int:
    """Fill `rows` (day, amount) by customer, each customer's in order, days of several purchases taken together.

    `starts` (one more than customers) says where each customer's rows go; at the end it says where its entries lie,
    packed from the beginning of `rows`. Returns the number of entries.
    """
    customers = starts.size - 1
    place = np.empty(customers, np.int64)
    for k in range(customers):
        place[k] = starts[k]
    amounts = amount.size > 0
    for row in range(customer.size):
        k = customer[row] - lowest
        at = place[k]
        rows[at, 0] = _day(time[row], unit)
        rows[at, 1] = amount[row] if amounts else 0.0
        place[k] = at + 1
    kept = 0
    for k in range(customers):
        low, high = starts[k], starts[k + 1]
        starts[k] = kept
        if high > low:
            _sort(rows, low, high)
            for at in range(low, high):
                if at > low and rows[at, 0] == rows[kept - 1, 0]:
                    rows[kept - 1, 1] += rows[at, 1]
                else:
                    rows[kept, 0] = rows[at, 0]
                    rows[kept, 1] = rows[at, 1]
                    kept += 1
    starts[customers] = kept
    return kept


@njit
def summary(
    rows: NDArray[np.float64],
    starts: NDArray[np.int64],
    end: int,
    frequency: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    spend: NDArray[np.float64],
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


@njit
def entries(
    rows: NDArray[np.float64],
    starts: NDArray[np.int64],
    customer: NDArray[np.int64],
    day: NDArray[np.int64],
    amount: NDArray[np.float64],
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


@njit
def _before(rows: NDArray[np.float64], a: int, b: int) -> bool:
    return bool(rows[a, 0] < rows[b, 0] or (rows[a, 0] == rows[b, 0] and rows[a, 1] < rows[b, 1]))


@njit
def _swap(rows: NDArray[np.float64], a: int, b: int) -> None:
    day, amount = rows[a, 0], rows[a, 1]
    rows[a, 0], rows[a, 1] = rows[b, 0], rows[b, 1]
    rows[b, 0], rows[b, 1] = day, amount


@njit
def _sort(rows: NDArray[np.float64], low: int, high: int) -> None:
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


@njit
def _sift(rows: NDArray[np.float64], low: int, root: int, size: int) -> None:
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _before(rows, low + child, low + child + 1):
            child += 1
        if not _before(rows, low + root, low + child):
            return
        _swap(rows, low + root, low + child)
        root = child


@njit
def _heap_sort(rows: NDArray[np.float64], low: int, high: int) -> None:
    size = high - low
    for root in range(size // 2 - 1, -1, -1):
        _sift(rows, low, root, size)
    for end in range(size - 1, 0, -1):
        _swap(rows, low, low + end)
        _sift(rows, low, 0, end)
