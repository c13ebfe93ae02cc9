"""The rules of one customer's life. Every engine calls these; an engine itself is only a clock.

A rule gets its randomness by address, never by state: the block of (ordinal, stream, uid, replication, seed). All
are scalar and pure, so that two engines that call them with the same arguments get the same bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from churnsim.kernels.jit import njit
from churnsim.kernels.philox import block
from churnsim.kernels.samplers import exponential_quantile, gamma_quantile
from churnsim.kernels.streams import ARRIVALS, COMPLAINT, PURCHASE, SIMULATION

__all__ = [
    "AWAITS",
    "KEEPS",
    "LOST_COMPLAINT",
    "LOST_FAILURE",
    "LOST_ORGANIC",
    "NO_REPLY",
    "QUICK",
    "SLOW",
    "UNRESOLVED",
    "Rules",
    "arrival_gap",
    "contact_factor",
    "first_spend",
    "margin_of",
    "next_boundary",
    "organic_probability",
    "purchase",
    "purchase_gap",
    "reply",
    "residual_margin",
    "service_time",
]

# What a purchase or a reply leads to.
KEEPS, LOST_ORGANIC, LOST_FAILURE, LOST_COMPLAINT, AWAITS = 0, 1, 2, 3, 4
# How a complaint is answered.
NO_REPLY, QUICK, SLOW, UNRESOLVED = -1, 0, 1, 2


class Rules(NamedTuple):
    """The numbers the rules read, one set a scenario. Probabilities unless said otherwise."""

    failure_share: float  # phi: share of dropout that service failures cause under the market's own handling
    leave_after_failure: float  # D0: P(leaves | failure) under the market's own handling
    complaint_probability: float  # c: P(complains | failure), under this strategy
    silent_stay: float  # P(stays | failure, no complaint)
    quick_share: float  # market's own handling: share of complaints answered quickly
    slow_share: float  # ... and late; the rest stays unresolved
    stay_quick: float
    stay_slow: float
    stay_unresolved: float
    quick_within: float  # time units from complaint to reply
    slow_within: float
    spend_shape: float  # p of Gamma-Gamma


@njit
def purchase_gap(rate: float, k: int, uid: int, replication: int, seed: int) -> float:
    """Time from the customer's last event to its k-th purchase: a unit-exponential clock run at `rate`."""
    u, _, _, _ = block(k, PURCHASE, uid, replication, seed, SIMULATION)
    return exponential_quantile(u) / rate if rate > 0.0 else math.inf


@njit
def _spend(u: float, shape: float, spend_rate: float) -> int:
    """Cents of a purchase: Gamma(shape, rate nu), rounded half up."""
    return math.floor(gamma_quantile(u, shape) / spend_rate * 100.0 + 0.5)


@njit
def first_spend(rules: Rules, spend_rate: float, uid: int, replication: int, seed: int) -> int:
    """Cents of the purchase with which a new customer arrives. It can neither fail nor end the relation, as in BG/NBD,
    where only a repeat purchase can be the last."""
    _, u, _, _ = block(0, PURCHASE, uid, replication, seed, SIMULATION)
    return _spend(u, rules.spend_shape, spend_rate)


@njit
def organic_probability(dropout: float, failure_share: float) -> float:
    """o = p (1 - phi)/(1 - phi p): with failure losses phi p first, one purchase loses the customer with p exactly."""
    below = 1.0 - failure_share * dropout
    return dropout * (1.0 - failure_share) / below if below > 0.0 else 1.0


@njit
def _organic(u: float, dropout: float, failure_share: float, factor: float) -> int:
    """Organic dropout of a customer whom the failure did not lose; `factor` is what contacts do to its probability."""
    return LOST_ORGANIC if u < organic_probability(dropout, failure_share) * factor else KEEPS


@njit
def _stay(rules: Rules, kind: int) -> float:
    if kind == QUICK:
        return rules.stay_quick
    return rules.stay_slow if kind == SLOW else rules.stay_unresolved


@njit
def purchase(
    rules: Rules,
    dropout: float,
    spend_rate: float,
    factor: float,
    desk: bool,
    k: int,
    uid: int,
    replication: int,
    seed: int,
) -> tuple[int, bool, int, int]:
    """The customer's k-th purchase: (cents, failed, reply kind, what it leads to).

    With a `desk` a complaint AWAITS its reply; without one the market's own handling answers at once. A failure has
    probability f = phi p / D0. One word a decision: spend, failure, organic dropout from the purchase's block;
    complaint, kind of reply, stay from the complaint's. The stay word serves silent and complaining customers
    alike, so a customer that would stay without a word also stays after a reply that is at least as likely to keep
    it.
    """
    _, u_spend, u_failure, u_organic = block(k, PURCHASE, uid, replication, seed, SIMULATION)
    cents = _spend(u_spend, rules.spend_shape, spend_rate)
    if rules.failure_share == 0.0 or u_failure >= rules.failure_share * dropout / rules.leave_after_failure:
        return cents, False, NO_REPLY, _organic(u_organic, dropout, rules.failure_share, factor)
    u_complaint, u_kind, _, u_stay = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    if u_complaint >= rules.complaint_probability:
        if u_stay >= rules.silent_stay:
            return cents, True, NO_REPLY, LOST_FAILURE
        return cents, True, NO_REPLY, _organic(u_organic, dropout, rules.failure_share, factor)
    if desk:
        return cents, True, NO_REPLY, AWAITS
    kind = UNRESOLVED
    if u_kind < rules.quick_share:
        kind = QUICK
    elif u_kind < rules.quick_share + rules.slow_share:
        kind = SLOW
    if u_stay >= _stay(rules, kind):
        return cents, True, kind, LOST_COMPLAINT
    return cents, True, kind, _organic(u_organic, dropout, rules.failure_share, factor)


@njit
def reply(
    rules: Rules, dropout: float, factor: float, waited: float, k: int, uid: int, replication: int, seed: int
) -> tuple[int, int]:
    """The desk's answer to the complaint about purchase k, finished `waited` time units after it: (kind, what it
    leads to)."""
    kind = UNRESOLVED
    if waited <= rules.quick_within:
        kind = QUICK
    elif waited <= rules.slow_within:
        kind = SLOW
    _, _, _, u_stay = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    if u_stay >= _stay(rules, kind):
        return kind, LOST_COMPLAINT
    _, _, _, u_organic = block(k, PURCHASE, uid, replication, seed, SIMULATION)
    return kind, _organic(u_organic, dropout, rules.failure_share, factor)


@njit
def service_time(mean: float, k: int, uid: int, replication: int, seed: int) -> float:
    """How long a clerk works on the complaint about purchase k: exponential with the given mean."""
    _, _, u, _ = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    return exponential_quantile(u) * mean


@njit
def next_boundary(time: float, epoch: float) -> float:
    """The first epoch boundary after `time`."""
    boundary = (math.floor(time / epoch) + 1.0) * epoch
    # time / epoch may round up or down to a whole number.
    if boundary <= time:
        return boundary + epoch
    return boundary - epoch if boundary - epoch > time else boundary


@njit
def contact_factor(effect: float, harmed: bool) -> float:
    """Factor on organic dropout of a contacted customer: lower by `effect`, or higher where the contact does harm."""
    return 1.0 + effect if harmed else 1.0 - effect


@njit
def margin_of(cents: int, share: float) -> int:
    """Contribution of a purchase in cents, rounded half up."""
    return math.floor(cents * share + 0.5)


@njit
def residual_margin(rate: float, dropout: float, spend_rate: float, shape: float, margin: float, force: float) -> int:
    """Cents that a living customer is still expected to bring, left alone for ever and discounted at `force` > 0.

    It buys at `rate` while alive and leaves at hazard rate . dropout, so the discounted purchases are
    int rate e^(-(rate dropout + force) s) ds = rate/(rate dropout + force), each worth shape/spend_rate on average.
    """
    return math.floor(rate / (rate * dropout + force) * shape / spend_rate * margin * 100.0 + 0.5)


@njit
def arrival_gap(k: int, channel: int, replication: int, seed: int) -> float:
    """Unit-exponential clock before a channel's k-th arrival, to be run at the channel's hazard."""
    u, _, _, _ = block(k, ARRIVALS, channel, replication, seed, SIMULATION)
    return exponential_quantile(u)
