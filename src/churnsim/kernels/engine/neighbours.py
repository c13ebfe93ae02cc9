"""What customers do to prospects: referrals, and word of mouth, which decays and changes their response."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.engine.event_times import arrival_gap
from churnsim.kernels.numerics.jit import njit, rule
from churnsim.kernels.numerics.philox import block, mix
from churnsim.kernels.numerics.rng_streams import ARRIVALS, REFERRAL, SIMULATION
from churnsim.typing import Flags, Floats, Ints


@njit
def within_reach(uids: Ints, ordinals: Ints, left: int, people: int, replication: int, seed: int) -> Flags:
    """Which referrals would reach a prospect if each were the first, with `left` of `people` to be found."""
    may = np.empty(uids.size, np.bool_)
    for j in range(uids.size):
        _, u_reach, _, _ = block(ordinals[j], REFERRAL, uids[j], replication, seed, SIMULATION)
        # With as many left as now: an upper bound for all later ones, which keeps few for the ordered pass.
        may[j] = u_reach * people < left
    return may


@rule
def settle_referrals(
    uids: Ints, ordinals: Ints, left: int, people: int, replication: int, seed: int, children: Ints
) -> int:
    """Of the referrals made, in order, those that reach one of the `left` prospects among `people`: fills in the
    `children`'s uids and returns their number. A child's lineage is its parent and the referral's place in its life."""
    number = 0
    for j in range(uids.size):
        _, u_reach, _, _ = block(ordinals[j], REFERRAL, uids[j], replication, seed, SIMULATION)
        if u_reach * people < left:
            children[number] = mix(uids[j], ordinals[j])
            number += 1
            # Who has come does not come again: the next referral finds one fewer.
            left -= 1
    return number


@rule
def word_of_mouth_balance(balance: float, favourable: int, people: int, span: float, half_life: float) -> float:
    """Tellings remembered per person, for less against: `balance` decayed over `span`, plus the new ones."""
    return balance * math.exp(-math.log(2.0) * span / half_life) + favourable / people


@rule
def word_of_mouth_factor(weight: float, balance: float) -> float:
    """Factor on the hazard at which prospects answer spending."""
    return math.exp(weight * balance)


@njit
def due_to_spending(first: int, number: int, channel: int, share: float, replication: int, seed: int) -> Flags:
    """Which of so many arrivals of a channel from the `first` on, a `share` of whose hazard is due to spending, came
    for that reason."""
    due = np.empty(number, np.bool_)
    for j in range(number):
        _, u, _, _ = block(first + j, ARRIVALS, channel, replication, seed, SIMULATION)
        due[j] = u < share
    return due


@njit
def arrivals_until(
    start: float, end: float, hazard: float, left: int, number: int, clock: float, channel: int, replication: int,
    seed: int,
) -> tuple[Floats, Ints, float]:  # fmt: skip
    """Times and uids of those of the `left` people of a channel who come from `start` to before `end`, each at `hazard`
    per time unit, from arrival `number` on; and what is left of the clock of the next one."""
    room = 16
    while True:
        times, uids = np.empty(room), np.empty(room, np.int64)
        came, rest = arrivals_into(times, uids, start, end, hazard, left, number, clock, channel, replication, seed)
        if came >= 0:
            return times[:came], uids[:came], rest
        room *= 4


@rule
def arrivals_into(
    times: Floats, uids: Ints, start: float, end: float, hazard: float, left: int, number: int, clock: float,
    channel: int, replication: int, seed: int,
) -> tuple[int, float]:  # fmt: skip
    """Fill in the times and uids that `arrivals_until` returns; how many they are, -1 where they are more than there is
    room for, and what is left of the clock."""
    came, now = 0, start
    while left > 0 and hazard > 0.0:
        # All who are left together: the first of them comes when a unit-exponential clock has run at their rate.
        pull = left * hazard
        arrival = now + clock / pull
        # What is left of the clock runs on at the next epoch's hazard: nothing is drawn again.
        if arrival >= end:
            clock -= (end - now) * pull
            break
        if came == times.size:
            return -1, clock
        times[came], uids[came] = arrival, mix(channel, number)
        came += 1
        now = arrival
        left -= 1
        number += 1
        clock = arrival_gap(number, channel, replication, seed)
    return came, clock


@njit
def channel_words(first: int, number: int, channel: int, replication: int, seed: int) -> Floats:
    """The uniforms that decide which of several kinds of spending brought so many arrivals of a channel."""
    words = np.empty(number)
    for j in range(number):
        _, _, words[j], _ = block(first + j, ARRIVALS, channel, replication, seed, SIMULATION)
    return words
