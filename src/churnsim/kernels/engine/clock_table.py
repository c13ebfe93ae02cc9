"""Clocks that a calendar rescales: the time on a clock of a time of the simulation, and the inverse, from one table.

The rate of a clock is constant on each piece (a day) of a grid. On piece k, which begins at t_k with B_k on the clock
and has the speed s_k, with a_k = B_k - t_k,

    B(t) = t + a_k + (a_k+1 - a_k)(t - t_k)/(t_k+1 - t_k),      t(B) = B - a_k - (1 - 1/s_k)(B - B_k),

so that a clock of speed 1 returns what it is given, to the bit; both are the identity without a table. Before the table
its first piece goes on, after it the speed is 1. Where a purchase or the end of a life is due is drawn on the clock and
mapped back (the time-rescaling theorem; `buying_clock.py`).

Every purchase passes here: the inverse finds its piece by a table of more parts than pieces, so that the step to the
next piece is nearly always the last, and no branch depends on it; the customer's next purchase begins in that piece.
"""

from __future__ import annotations

from typing import NamedTuple

from churnsim.kernels.numerics.jit import inlined
from churnsim.typing import Floats, Ints


class ClockTable(NamedTuple):
    """A clock of n pieces; without any it is time itself."""

    start: float  # t_0
    pieces: float  # in a time unit
    knots: Floats  # rows B_k, a_k, 1 - 1/s_k, a_k+1 - a_k, and one for the end
    places: Ints  # of equal parts of the clock's time, the piece in which each begins
    begin: float  # B_0
    end: float  # B_n
    parts: float  # in a unit of the clock's time


@inlined
def on_clock_near(clock: ClockTable, time: float, piece: int) -> float:
    """B(time) of a `time` that probably lies in a `piece`, for which nothing then waits until it is found."""
    knots = clock.knots
    last = knots.shape[0] - 1
    if last < 0:
        return time
    place = (time - clock.start) * clock.pieces
    # Also of infinity, which is in no piece.
    if not place < last:
        return time + knots[last, 1]
    into = place - piece
    if not 0.0 <= into < 1.0:
        piece = int(max(place, 0.0))
        into = place - piece
    return time + (knots[piece, 1] + into * knots[piece, 3])


@inlined
def on_clock(clock: ClockTable, time: float) -> float:
    """B(time)."""
    return on_clock_near(clock, time, 0)


@inlined
def placed(clock: ClockTable, reached: float) -> tuple[float, int]:
    """The time at which the clock has `reached` so much, and the piece in which that is."""
    knots = clock.knots
    last = knots.shape[0] - 1
    if last < 0:
        return reached, 0
    if not reached < clock.end:
        return reached - knots[last, 1], 0
    k = int(clock.places[int(max((reached - clock.begin) * clock.parts, 0.0))])
    k += 1 if knots[k + 1, 0] <= reached else 0
    while knots[k + 1, 0] <= reached:
        k += 1
    return reached - (knots[k, 1] + knots[k, 2] * (reached - knots[k, 0])), k


@inlined
def in_time(clock: ClockTable, reached: float) -> float:
    """The time at which the clock has `reached` so much."""
    return placed(clock, reached)[0]


@inlined
def after(clock: ClockTable, time: float, gap: float) -> float:
    """When `gap` has passed on the clock since `time`; not before `time`, whatever is rounded."""
    return max(time, in_time(clock, on_clock(clock, time) + gap))
