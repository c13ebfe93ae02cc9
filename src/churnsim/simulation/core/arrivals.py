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
    """One channel of one replication: `left` people may still come through it, `came` have, and the `clock` of the next
    one has so much left."""

    def __init__(self, *, channel: int, size: float, seed: int, replication: int) -> None:
        self.left = int(size)
        self.channel = channel
        self._seed = seed
        self._replication = replication
        self.came = 0
        self.clock = arrival_gap(0, channel, replication, seed)

    def during(self, start: float, end: float, hazard: float) -> tuple[Floats, Ints, range]:
        """Times, uids and places in the channel of those who come in [start, end) at `hazard` per person and time
        unit."""
        times, uids, self.clock = arrivals_until(
            float(start), float(end), float(hazard), self.left, self.came, self.clock, self.channel,
            self._replication, self._seed,
        )  # fmt: skip
        places = range(self.came, self.came + times.size)
        self.left -= times.size
        self.came += times.size
        return times, uids, places
