"""Arrivals by compiled code are those of the clocks run one by one, to the last bit."""

import pytest

from churnsim.kernels.engine.event_times import arrival_gap
from churnsim.kernels.engine.neighbours import arrivals_until
from churnsim.kernels.numerics.philox import mix

CHANNEL, REPLICATION, SEED = 0x70616964, 2, 7


def one_by_one(end, hazard, left, clock):
    came, now = [], 0.0
    while left > 0 and hazard > 0:
        arrival = now + clock / (left * hazard)
        if arrival >= end:
            return came, clock - (end - now) * (left * hazard)
        came.append((arrival, mix(CHANNEL, len(came))))
        now, left = arrival, left - 1
        clock = arrival_gap(len(came), CHANNEL, REPLICATION, SEED)
    return came, clock


@pytest.mark.parametrize(
    ("hazard", "left", "number"), [(1e-3, 18_000, 62), (1e-2, 18_000, 707), (0.0, 10, 0), (1.0, 40, 37)]
)
def test_arrivals_are_those_of_their_clocks(hazard, left, number):
    clock = arrival_gap(0, CHANNEL, REPLICATION, SEED)
    times, uids, rest = arrivals_until(0.0, 4.0, hazard, left, 0, clock, CHANNEL, REPLICATION, SEED)
    came, remains = one_by_one(4.0, hazard, left, clock)
    assert len(came) == number
    assert list(zip(times.tolist(), uids.tolist(), strict=True)) == came
    assert rest == remains
