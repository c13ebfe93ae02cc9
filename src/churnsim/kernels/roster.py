"""How customers enter the compiled engine's arrays, and how what the firm decides reaches them there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.clocks import (
    death_gap,
    dropout_now,
    organic_factor,
    organic_hazard,
    purchase_gap,
    referral_gap,
    rescaled,
    response_of,
    starting_gap,
)
from churnsim.kernels.jit import njit
from churnsim.kernels.life import EVAPORATES, LOST_DISMISSED, comes_back
from churnsim.kernels.lives import next_event
from churnsim.kernels.moods import hazard_of
from churnsim.kernels.newcomers import draw_new
from churnsim.kernels.rules import ACTIVE, AWAITING, CLOCK, CONTRACT, KNOWN, LOST, UNBORN, Record, Records

__all__ = [
    "active_members", "contact", "dismiss", "enter", "offer", "offer_renewals", "renewals", "serve_accounts", "start",
    "win_back",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@njit
def _traits(
    rules: Records,
    c: Record,
    uid: int,
    rate: float,
    dropout: float,
    spend_rate: float,
    u_contact: float,
    u_member: float,
) -> None:
    c.uid = uid
    c.rate = rate
    c.dropout = dropout
    c.spend_rate = spend_rate
    c.response = response_of(rules, u_contact)
    c.member = 1 if u_member < rules[0].member_share else 0
    c.death_at = math.inf
    c.referral_at = math.inf
    c.expected = rules[0].first_expectation
    c.satisfied = 0.0


@njit
def start(
    rules: Records, hazards: Floats, customers: Records, wake: Floats, uids: Ints, traits: Floats, members: Floats,
    alive: Flags, first_purchase: Floats, last_purchase: Floats, repeat_cents: Ints, seen: Ints, replication: int,
    seed: int,
) -> None:  # fmt: skip
    """Enter the starting base at time 0."""
    for i in range(uids.size):
        c = customers[i]
        _traits(rules, c, uids[i], traits[i, 0], traits[i, 1], traits[i, 2], traits[i, 3], members[i])
        c.origin = KNOWN
        c.first_purchase = first_purchase[i]
        c.last_purchase = last_purchase[i]
        c.repeat_revenue = repeat_cents[i]
        c.seen = seen[i]
        c.state = LOST
        c.due = last_purchase[i]
        if alive[i]:
            c.state = ACTIVE
            c.due = starting_gap(rules, c.rate, -last_purchase[i], c.uid, replication, seed)
            if rules[0].lifetime == CLOCK:
                factor = organic_factor(rules, 0.0, c.response, 0, c.member, c.satisfied)
                hazard = organic_hazard(rules, c.rate, dropout_now(rules, hazards, c.dropout, c.seen, 0), factor)
                c.death_at = death_gap(hazard, 0, c.uid, replication, seed)
            c.referral_at = referral_gap(rules, c.member, c.satisfied, 0, c.uid, replication, seed)
        wake[i] = next_event(c)


@njit
def enter(
    rules: Records, lifetime: int, spending: int, parameters: Floats, rates: Floats, dropouts: Floats, spends: Floats,
    kinds: Floats, churn_factor: float, churn_points: float, customers: Records, wake: Floats, first: int,
    times: Floats, uids: Ints, origins: Ints, replication: int, seed: int,
) -> None:  # fmt: skip
    """Put new customers, born at `times`, into the places from `first` on."""
    for j in range(uids.size):
        c = customers[first + j]
        rate, dropout, spend_rate, u_contact, u_member = draw_new(
            lifetime, spending, parameters, rates, dropouts, spends, kinds, uids[j], replication, seed
        )
        dropout = max(0.0, churn_factor * dropout - churn_points)
        _traits(rules, c, uids[j], rate, dropout, spend_rate, u_contact, u_member)
        c.origin = origins[j]
        c.state = UNBORN
        c.due = times[j]
        c.first_purchase = times[j]
        c.last_purchase = times[j]
        wake[first + j] = times[j]


@njit
def contact(
    rules: Records, hazards: Floats, customers: Records, wake: Floats, chosen: Flags, before: float, effect: float,
    cents: int, now: float,
) -> None:  # fmt: skip
    """Contact those `chosen` and no others; a lifetime in time then runs at its new hazard.

    `before` and `effect` are the contacts' effects in the last and the coming period, `cents` what each one costs.
    """
    clock = rules[0].lifetime == CLOCK
    for i in range(customers.size):
        c = customers[i]
        old = hazard_of(rules, hazards, before, c) if clock else 0.0
        c.contacted = 1 if chosen[i] else 0
        c.margin -= cents * c.contacted
        if clock and (c.state == ACTIVE or c.state == AWAITING):
            new = hazard_of(rules, hazards, effect, c)
            if new != old:
                c.death_at = rescaled(c.death_at, now if c.state == ACTIVE else 0.0, old, new)
                wake[i] = next_event(c)


@njit
def win_back(
    rules: Records, hazards: Floats, customers: Records, wake: Floats, chosen: Ints, effect: float, cents: int,
    now: float, came: Flags, replication: int, seed: int,
) -> None:  # fmt: skip
    """Contact the silent customers at the places `chosen`, at `cents` each; `came` says who came back."""
    for j in range(chosen.size):
        c = customers[chosen[j]]
        c.margin -= cents
        c.attempts += 1
        came[j] = False
        if c.state != LOST:
            continue
        back, u_gap = comes_back(rules, now - c.due, c.attempts, c.uid, replication, seed)
        if back:
            came[j] = True
            c.state = ACTIVE
            c.returns += 1
            c.lives += 1
            c.unhappy = 0
            c.offered = 0
            c.due = now + purchase_gap(rules, u_gap, c.rate)
            if rules[0].lifetime == CLOCK:
                c.death_at = now + death_gap(hazard_of(rules, hazards, effect, c), c.lives, c.uid, replication, seed)
            c.referral_at = now + referral_gap(rules, c.member, c.satisfied, c.referrals, c.uid, replication, seed)
            wake[chosen[j]] = next_event(c)


@njit
def dismiss(customers: Records, wake: Floats, now: float, gone: Flags) -> None:
    """End the relation with all who cost more than they brought since the last time; `gone` says whose ended so."""
    for i in range(customers.size):
        c = customers[i]
        gone[i] = False
        if c.state == UNBORN or c.state == AWAITING or c.dismissed != 0:
            continue
        if c.margin < c.judged_margin:
            c.dismissed = 1
            if c.state == ACTIVE:
                gone[i] = True
                c.state = LOST
                c.cause = LOST_DISMISSED
                c.destination = EVAPORATES
                c.due = now
                wake[i] = math.inf
        c.judged_margin = c.margin


@njit
def serve_accounts(rules: Records, customers: Records, cents: int) -> int:
    """Charge every known customer with what an account costs, under contract those who have one; their number."""
    number, contract = 0, rules[0].lifetime == CONTRACT
    for i in range(customers.size):
        c = customers[i]
        if c.state != UNBORN and c.dismissed == 0 and not (contract and c.state == LOST):
            c.margin -= cents
            number += 1
    return number


@njit
def offer(customers: Records, chosen: Flags, cents: int) -> None:
    """Offer more to those `chosen` and no others, at `cents` each."""
    for i in range(customers.size):
        c = customers[i]
        c.crossed = 1 if chosen[i] else 0
        c.margin -= cents * c.crossed


@njit
def renewals(customers: Records, due: Floats) -> None:
    """When the contract of each customer comes up for renewal, without an offer for it so far; else infinity."""
    for i in range(customers.size):
        c = customers[i]
        due[i] = c.due if c.state == ACTIVE and c.offered == 0 else math.inf


@njit
def offer_renewals(customers: Records, chosen: Flags, cents: int) -> None:
    """Make those `chosen` an offer for their coming renewal, at `cents` each."""
    for i in range(customers.size):
        if chosen[i]:
            customers[i].offered = 1
            customers[i].margin -= cents


@njit
def active_members(customers: Records) -> int:
    """How many active customers are members of the club."""
    number = 0
    for i in range(customers.size):
        c = customers[i]
        if c.member != 0 and (c.state == ACTIVE or c.state == AWAITING):
            number += 1
    return number
