"""Clocks that a calendar rescales: the time on a clock of a time of the simulation, and the inverse, from one table.

The rate of a clock is constant on each piece (a day) of a grid. On piece k, which begins at t_k with B_k on the clock
and has the speed s_k, with a_k = B_k - t_k,

    B(t) = t + a_k + (a_k+1 - a_k)(t - t_k)/(t_k+1 - t_k),      t(B) = B - a_k - (1 - 1/s_k)(B - B_k),

so that a clock of speed 1 returns what it is given, to the bit; both are the identity without a table. Before the table
its first piece goes on, after it the speed is 1. Where a purchase or the end of a life is due is drawn on the clock and
mapped back (the time-rescaling theorem; `buying_clock.py`).

Where customers have clocks of their own, each has a table of pieces of any length (rows t_k, B_k, s_k), of which the
last goes on; they lie end to end, and a piece is found by halving. Who came later, beyond all that have one, shares the
last table.

Every purchase passes here: the inverse finds its piece by a table of more parts than pieces, so that the step to the
next piece is nearly always the last, and no branch depends on it. Purchases fall on a grid of the clock's time that is
coarser than what rounding leaves of a way there and back: what the clock shows at a purchase is then known from before
its time is, and the next purchase need not wait for that. Whoever asks only for the row of the books in which it falls
needs no time at all (`ClockRows`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from churnsim.kernels.numerics.jit import inlined, njit, rare
from churnsim.typing import Floats, Ints


class ClockTable(NamedTuple):
    """A clock of n pieces; without any it is time itself."""

    start: float  # t_0
    pieces: float  # in a time unit
    length: float  # of a piece
    knots: Floats  # rows a_k, a_k+1 - a_k, and one for the end
    inverse: Floats  # rows a_k - (1 - 1/s_k) B_k, 1 - 1/s_k, and one for the end
    places: Ints  # of equal parts of the clock's time, the piece in which each begins
    begin: float  # B_0
    end: float  # B_n
    parts: float  # in a unit of the clock's time
    own: Ints  # where the table of each customer begins among the knots, and the end; none on a clock common to all
    lasting: Floats  # speed of each of those for ever after


class ClockRows(NamedTuple):
    """The rows of the books by what a clock shows; without any where it is time itself."""

    bounds: Floats  # the first points of the grid whose times are in the rows, and one for the end
    first: Ints  # of equal parts of the clock's time, the row in which each begins
    parts: float  # in a unit of the clock's time


GRID = 2.0**-24
# Added and taken off again, this rounds to multiples of 2^-24 what is below 2^27 (1.5 . 2^52 . 2^-24).
ROUNDS = 1.5 * 2.0**28


@inlined
def on_clock(clock: ClockTable, time: float, i: int) -> float:
    """B(time) of customer i."""
    if clock.own.shape[0] > 0:
        return _on_own_clock(clock.knots, clock.own, time, i)
    return on_common_clock(clock, time)


@inlined
def on_common_clock(clock: ClockTable, time: float) -> float:
    """B(time) where no customer has a clock of its own."""
    knots = clock.knots
    last = knots.shape[0] - 1
    if last < 0:
        return time
    place = (time - clock.start) * clock.pieces
    # Also of infinity, which is in no piece.
    if not place < last:
        return time + knots[last, 0]
    piece = int(max(place, 0.0))
    return time + (knots[piece, 0] + (place - piece) * knots[piece, 1])


@inlined
def on_grid(clock: ClockTable, reached: float) -> float:
    """The point of the grid next to what the clock has reached; that itself without a table."""
    return reached if clock.knots.shape[0] == 0 else (reached + ROUNDS) - ROUNDS


@inlined
def in_time(clock: ClockTable, reached: float, i: int) -> float:
    """The time at which the clock of customer i has `reached` so much."""
    if clock.own.shape[0] > 0:
        return _in_own_time(clock.knots, clock.own, reached, i)
    return in_common_time(clock, reached)


@inlined
def in_common_time(clock: ClockTable, reached: float) -> float:
    """The same where no customer has a clock of its own."""
    knots = clock.knots
    last = knots.shape[0] - 1
    if last < 0:
        return reached
    if not reached < clock.end:
        return reached - knots[last, 0]
    k = int(clock.places[int(max((reached - clock.begin) * clock.parts, 0.0))])
    time = _on_piece(clock, k, reached)
    # Both are computed, so that no branch depends on where the next piece begins.
    after, edge = _on_piece(clock, k + 1, reached), clock.start + (k + 1) * clock.length
    if time >= edge:
        time = after
    while time >= edge + clock.length:  # rare: parts are shorter than most pieces
        edge += clock.length
        k += 1
        time = _on_piece(clock, k + 1, reached)
    return time


@inlined
def whose(own: Ints, i: int) -> int:
    """The number of the table that customer i goes by."""
    return min(i, own.shape[0] - 2)


@inlined
def _own_piece(knots: Floats, own: Ints, column: int, value: float, i: int) -> int:
    """The piece of customer i in which a time (column 0) or what the clock shows (1) lies; the first also before it."""
    table = whose(own, i)
    low, high = own[table], own[table + 1]
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle, column] <= value:
            low = middle
        else:
            high = middle
    return low


@rare
def _on_own_clock(knots: Floats, own: Ints, time: float, i: int) -> float:
    if not time < math.inf:
        return time
    k = _own_piece(knots, own, 0, time, i)
    start, begin, speed = knots[k, 0], knots[k, 1], knots[k, 2]
    return time + ((begin - start) + (speed - 1.0) * (time - start))


@rare
def _in_own_time(knots: Floats, own: Ints, reached: float, i: int) -> float:
    if not reached < math.inf:
        return reached
    k = _own_piece(knots, own, 1, reached, i)
    start, begin, speed = knots[k, 0], knots[k, 1], knots[k, 2]
    return reached - ((begin - start) + (1.0 - 1.0 / speed) * (reached - begin))


@inlined
def lasting_speed(clock: ClockTable, i: int) -> float:
    """How fast the clock of customer i goes on for ever, where it has one of its own; else 1."""
    return 1.0 if clock.own.shape[0] == 0 else clock.lasting[whose(clock.own, i)]


@inlined
def _on_piece(clock: ClockTable, k: int, reached: float) -> float:
    return reached - (clock.inverse[k, 0] + clock.inverse[k, 1] * reached)


@inlined
def row_on(rows: ClockRows, reached: float) -> int:
    """The row in which the clock has `reached`, at least 0, so much; as many as there are from the last one's end."""
    bounds, last = rows.bounds, rows.bounds.shape[0] - 1
    if not reached < bounds[last]:
        return last
    row = int(rows.first[int(reached * rows.parts)])
    # Not a branch, as the next row nearly always is the last.
    row += reached >= bounds[row + 1]
    while reached >= bounds[row + 1]:
        row += 1
    return row


@njit
def rows_on(clock: ClockTable, bounds: Floats, parts: int) -> ClockRows:
    """The rows that `bounds`, which begin at 0, part time into on a clock common to all; `parts` are for each on
    average."""
    shown = np.empty(bounds.size)
    for j in range(bounds.size):
        point = on_grid(clock, on_common_clock(clock, bounds[j]))
        step = max(GRID, abs(point) * 2.0**-52)
        while in_common_time(clock, point) >= bounds[j]:
            point -= step
        while in_common_time(clock, point) < bounds[j]:
            point += step
        shown[j] = point
    number = parts * (bounds.size - 1)
    per = number / shown[-1]
    first = np.empty(number + 1, dtype=np.int64)
    row = 0
    for part in range(number + 1):
        # Earlier than what rounding can put into the part.
        while row < bounds.size - 2 and shown[row + 1] <= (part - 1e-6) / per:
            row += 1
        first[part] = row
    return ClockRows(shown, first, per)


@njit
def own_knots(starts: Ints, t: Floats, speed: Floats, last: float, year: float) -> tuple[Floats, Floats]:
    """The knots of customers' own clocks, of pieces that begin at `t` with a `speed`, those of each from one of
    `starts` on; and the mean speed of each over the `year` before `last`, or since its first piece."""
    knots, lasting = np.empty((t.size, 3)), np.empty(starts.size - 1)
    for k in range(t.size):  # a copy as such takes a second to compile
        knots[k, 0], knots[k, 2] = t[k], speed[k]
    for i in range(starts.size - 1):
        ahead, at_zero = 0.0, 0.0
        for k in range(starts[i], starts[i + 1]):
            if k > starts[i]:
                ahead += (speed[k - 1] - 1.0) * (t[k] - t[k - 1])
            knots[k, 1] = ahead
            if t[k] <= 0.0:
                at_zero = ahead + (speed[k] - 1.0) * (0.0 - t[k])
        for k in range(starts[i], starts[i + 1]):
            knots[k, 1] = t[k] + (knots[k, 1] - at_zero)
        first = max(t[starts[i]], last - year)
        run = _on_own_clock(knots, starts, last, i) - _on_own_clock(knots, starts, first, i)
        lasting[i] = run / (last - first)
    return knots, lasting


@inlined
def after(clock: ClockTable, time: float, gap: float, i: int) -> float:
    """When `gap` has passed on the clock of customer i since `time`; not before `time`, whatever is rounded."""
    return max(time, in_time(clock, on_clock(clock, time, i) + gap, i))
