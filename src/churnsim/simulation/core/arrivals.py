"""Arrivals from a pool of people: a death process on it, run by unit-exponential clocks.

With n people left and a hazard h for each, the gap before arrival k is its own unit-exponential over n h. A larger
hazard brings the same people, only sooner; what is left of a clock at a stretch's end carries over.
"""

from __future__ import annotations

from churnsim.kernels.engine.event_times import arrival_gap
from churnsim.kernels.numerics.philox import mix

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
        self._clock = self._gap()

    def _gap(self) -> float:
        return arrival_gap(self._next, self._channel, self._replication, self._seed)

    def during(self, start: float, end: float, hazard: float) -> list[tuple[float, int, int]]:
        """(time, uid, place in the channel) of those who come in [start, end) at `hazard` per person and time unit."""
        came = []
        now = start
        while self.left > 0 and hazard > 0:
            arrival = now + self._clock / (self.left * hazard)
            if arrival >= end:
                self._clock -= (end - now) * (self.left * hazard)
                break
            came.append((arrival, mix(self._channel, self._next), self._next))
            now = arrival
            self.left -= 1
            self._next += 1
            self._clock = self._gap()
        return came
