"""Arrivals from a pool of people: a death process on it, run by unit-exponential clocks.

With n people left and a hazard h for each, the gap before arrival k is its own unit-exponential over n h. A larger
hazard brings the same people, only sooner; what is left of a clock at a stretch's end carries over.
"""

from __future__ import annotations

from churnsim.kernels.engine.event_times import arrival_gap
from churnsim.kernels.engine.neighbours import arrivals_until
from churnsim.typing import Floats, Ints

# Lineages of the channels; fixed numbers apart from the cohort's.
PAID_CHANNEL = 0x70616964
SWITCHING_CHANNEL = 0x73776974


class Arrivals:
    """One channel of one replication; `left` people may still come through it."""

    def __init__(self, *, channel: int, size: float, seed: int, replication: int) -> None:
        self.left = int(size)
        self._channel = channel
        self._seed = seed
        self._replication = replication
        self._next = 0
        self._clock = arrival_gap(0, channel, replication, seed)

    def during(self, start: float, end: float, hazard: float) -> tuple[Floats, Ints, range]:
        """Times, uids and places in the channel of those who come in [start, end) at `hazard` per person and time
        unit."""
        times, uids, self._clock = arrivals_until(
            float(start), float(end), float(hazard), self.left, self._next, self._clock, self._channel,
            self._replication, self._seed,
        )  # fmt: skip
        places = range(self._next, self._next + times.size)
        self.left -= times.size
        self._next += times.size
        return times, uids, places
