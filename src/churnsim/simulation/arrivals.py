"""Paid arrivals: a death process on the pool of prospects, run by unit-exponential clocks.

With n prospects left and a period's share a, each comes at hazard -ln(1 - a)/period, so the gap before arrival k is
its own unit-exponential over n times the hazard. A larger budget brings the same people, only sooner; what is left
of a clock at a period's end carries over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from churnsim.kernels.clocks import arrival_gap
from churnsim.kernels.philox import mix

__all__ = ["PAID_CHANNEL", "Arrivals"]

# Lineage of the paid channel; a fixed number apart from the cohort's.
PAID_CHANNEL = 0x70616964


class Arrivals:
    """The paid channel of one replication."""

    def __init__(self, *, size: float, seed: int, replication: int) -> None:
        self._left = int(size)
        self._seed = seed
        self._replication = replication
        self._next = 0
        self._clock = arrival_gap(0, PAID_CHANNEL, replication, seed)

    def during(self, start: float, end: float, share: float) -> Iterator[tuple[float, int]]:
        """(time, uid) of those who come in [start, end) when `share` of the pool would come in it."""
        hazard = -math.log1p(-share) / (end - start)
        now = start
        while self._left > 0 and hazard > 0:
            arrival = now + self._clock / (self._left * hazard)
            if arrival >= end:
                self._clock -= (end - now) * (self._left * hazard)
                return
            yield arrival, mix(PAID_CHANNEL, self._next)
            now = arrival
            self._left -= 1
            self._next += 1
            self._clock = arrival_gap(self._next, PAID_CHANNEL, self._replication, self._seed)
