"""How customers enter the compiled engine's arrays, and how what the firm decides reaches them there."""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.engine.arguments import BaseColumns, Tables
from churnsim.kernels.engine.buying_clock import CLUB, CONTACT, PRICE, RETURN
from churnsim.kernels.engine.clock_table import after
from churnsim.kernels.engine.event_rules import EVAPORATES, LOST_DISMISSED, comes_back
from churnsim.kernels.engine.event_times import (
    AHEAD,
    death_gap,
    dropout_now,
    first_due,
    lifted_purchase,
    moved_death,
    next_event,
    next_purchase,
    organic_factor,
    organic_hazard,
    referral_gap,
    rescaled,
    response_of,
)
from churnsim.kernels.engine.firm_view import FirmView, apply_pending, update_view
from churnsim.kernels.engine.newcomers import NewcomerArguments, draw_new
from churnsim.kernels.engine.records import (
    ACTIVE,
    AWAITING,
    CLOCK,
    CONTRACT,
    CUSTOMER,
    KNOWN,
    LOST,
    UNBORN,
    Record,
    Records,
)
from churnsim.kernels.engine.satisfaction_updates import hazard_of
from churnsim.kernels.numerics.intrinsics import fetch
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.typing import Flags, Floats, Ints

_BLANK = np.zeros(1, CUSTOMER)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth, TAOCP 3, 6.4)


@rule
def _traits(
    rules: Records,
    customers: Records,
    i: int,
    uid: int,
    rate: float,
    dropout: float,
    spend_rate: float,
    u_contact: float,
    u_member: float,
) -> None:
    # Every field, since the memory may be that of another replication.
    customers[i] = _BLANK[0]
    c = customers[i]
    c.uid = uid
    c.rate = rate
    c.dropout = dropout
    c.spend_rate = spend_rate
    c.response = response_of(rules, u_contact)
    # From its own uniform: whoever joins at a share of 20% is among those who join at 40%.
    c.member = 1 if u_member < rules[0].member_share else 0
    c.death_at = math.inf
    c.referral_at = math.inf
    c.expected = rules[0].first_expectation


@rule
def start(
    tables: Tables, customers: Records, wake: Floats, view: FirmView, base: BaseColumns, first: int, last: int,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """Enter customers `first`, ..., `last` - 1 of the starting base at time 0."""
    rules, hazards = tables.rules, tables.hazards
    for i in range(first, last):
        c = customers[i]
        traits = base.traits[i]
        _stop_clock(view, i)
        _traits(rules, customers, i, base.uids[i], traits[0], traits[1], traits[2], traits[3], base.members[i])
        c.origin = KNOWN
        c.first_purchase = base.first_purchase[i]
        c.last_purchase = base.last_purchase[i]
        c.repeat_revenue = base.repeat_cents[i]
        c.seen = base.seen[i]
        # The lost stay in the arrays: a firm without contracts does not see that they left. They count as lost at
        # their last purchase, since nobody knows better.
        c.state = LOST
        c.due = base.last_purchase[i]
        if base.alive[i]:
            c.state = ACTIVE
            c.due = first_due(tables, c.rate, base.last_purchase[i], i, c.uid, replication, seed)
            # Who was there before knows the old price, and joins the club as it opens.
            c.due = lifted_purchase(tables, PRICE, rules[0].price_lift, 0.0, c.due, view.clocks, i)
            if c.member != 0:
                c.due = lifted_purchase(tables, CLUB, rules[0].club_lift, 0.0, c.due, view.clocks, i)
            if rules[0].lifetime == CLOCK:
                factor = organic_factor(rules, 0.0, c)
                hazard = organic_hazard(rules, c.rate, dropout_now(rules, hazards, c.dropout, c.seen, 0), factor)
                c.death_at = after(tables.leaving, 0.0, death_gap(hazard, 0, c.uid, replication, seed), i)
            c.referral_at = referral_gap(rules, c.member, c.satisfied, 0, c.uid, replication, seed)
        wake[i] = next_event(c)
        _start_view(rules, view, i, c)


@inlined
def _stop_clock(view: FirmView, i: int) -> None:
    if view.clocks.shape[0] > 0:
        for column in range(view.clocks.shape[1]):
            view.clocks[i, column] = 0.0


@inlined
def _start_view(rules: Records, view: FirmView, i: int, c: Record) -> None:
    if view.uid.size > 0:
        view.uid[i] = c.uid
        view.first_purchase[i] = c.first_purchase
        view.response[i] = c.response
        view.attempts[i] = view.owed[i] = 0
        view.contacted[i] = view.crossed[i] = False
        update_view(view, i, c, rules[0].lifetime == CONTRACT)


@rule
def enter(
    rules: Records, population: NewcomerArguments, churn: tuple[float, float], customers: Records, wake: Floats,
    view: FirmView, place: int, times: Floats, uids: Ints, origins: Ints, channels: Ints, first: int,
    last: int, replication: int, seed: int,
) -> None:  # fmt: skip
    """Add new customers `first`, ..., `last` - 1 of those born at `times`, the first of all at `place`.

    `population` holds `draw_new`'s arguments before the uid, `churn` the factor and points of a change in dropout.
    """
    for j in range(first, last):
        i = place + j
        c = customers[i]
        rate, dropout, spend_rate, u_contact, u_member = draw_new(*population, uids[j], replication, seed)
        # A what-if concerns newcomers as well as the starting base.
        dropout = max(0.0, churn[0] * dropout - churn[1])
        _stop_clock(view, i)
        _traits(rules, customers, i, uids[j], rate, dropout, spend_rate, u_contact, u_member)
        c.origin = origins[j]
        c.channel = channels[j]
        c.state = UNBORN
        c.due = times[j]
        c.first_purchase = times[j]
        c.last_purchase = times[j]
        wake[i] = times[j]
        _start_view(rules, view, i, c)


@rule
def update_lifetimes(
    tables: Tables, customers: Records, wake: Floats, view: FirmView, before: float, effect: float, now: float,
    first: int, last: int,
) -> None:  # fmt: skip
    """Let lifetimes in time run at their new hazard after contacts, whose effect was `before` and is `effect`."""
    rules, hazards = tables.rules, tables.hazards
    for i in range(first, last):
        c = customers[i]
        old = hazard_of(rules, hazards, before, c)
        # Before the new hazard is asked for, which depends on it.
        c.contacted = 1 if view.contacted[i] else 0
        _run_on(tables, wake, i, c, old, effect, now)


@inlined
def _run_on(tables: Tables, wake: Floats, i: int, c: Record, old: float, effect: float, now: float) -> None:
    if c.state == ACTIVE or c.state == AWAITING:
        new = hazard_of(tables.rules, tables.hazards, effect, c)
        # A clock that is rescaled by 1 would lose its last bits.
        if new != old:
            if c.state == ACTIVE:
                c.death_at = moved_death(tables.leaving, c.death_at, now, old, new, i)
            else:
                c.death_at = rescaled(c.death_at, 0.0, old, new)  # what is left of it
            wake[i] = next_event(c)


@rule
def hazards(tables: Tables, customers: Records, effect: float, out: Floats) -> None:
    """Put the organic hazards of the first customers' lifetimes in time into `out`, contacts having this `effect`."""
    for i in range(out.size):
        out[i] = hazard_of(tables.rules, tables.hazards, effect, customers[i])


@rule
def run_on(tables: Tables, customers: Records, wake: Floats, before: Floats, effect: float, now: float) -> None:
    """Let lifetimes in time whose hazard was `before` run at what it is `now`, that of as many customers."""
    for i in range(before.size):
        _run_on(tables, wake, i, customers[i], before[i], effect, now)


@rule
def lift_purchases(
    tables: Tables, customers: Records, wake: Floats, view: FirmView, lift: float, now: float, first: int, last: int
) -> None:
    """Let the clocks of those contacted run at their new rates after contacts that can lift buying by `lift`."""
    for i in range(first, last):
        soon = min(i + AHEAD, last - 1)
        if view.contacted[soon] and wake[soon] < math.inf:
            fetch(customers, soon)
        if not view.contacted[i]:
            continue
        # The lost wake no more: no record is read for them. Who waits for a reply draws its next gap when it is told.
        if wake[i] < math.inf and customers[i].state == ACTIVE:
            c = customers[i]
            c.due = lifted_purchase(tables, CONTACT, lift, now, c.due, view.clocks, i)
            wake[i] = next_event(c)
        else:
            lifted_purchase(tables, CONTACT, lift, now, math.inf, view.clocks, i)


@rule
def win_back(
    tables: Tables, customers: Records, wake: Floats, view: FirmView, chosen: Ints, effect: float, cost: int,
    now: float, came: Flags, replication: int, seed: int,
) -> None:  # fmt: skip
    """Contact the silent customers at the places `chosen`, at `cost` to the account of each; `came`: who came back."""
    rules = tables.rules
    for j in range(chosen.size):
        c = customers[chosen[j]]
        # The contact is paid for also where it reaches somebody who never left.
        c.account -= cost
        view.attempts[chosen[j]] += 1
        came[j] = False
        if c.state != LOST:
            continue
        back, u_gap = comes_back(rules, now - c.due, view.attempts[chosen[j]], c.uid, replication, seed)
        if back:
            came[j] = True
            c.state = ACTIVE
            c.returns += 1
            c.lives += 1
            # It starts again: what annoyed it before it left is settled.
            c.unhappy = 0
            c.offered = 0
            view.there[chosen[j]] = True
            lifted_purchase(tables, RETURN, rules[0].return_lift, now, math.inf, view.clocks, chosen[j])
            c.due = next_purchase(tables, u_gap, c.rate, now, view.clocks, chosen[j])
            if rules[0].lifetime == CLOCK:
                hazard = hazard_of(rules, tables.hazards, effect, c)
                lasts = death_gap(hazard, c.lives, c.uid, replication, seed)
                c.death_at = after(tables.leaving, now, lasts, chosen[j])
            c.referral_at = now + referral_gap(rules, c.member, c.satisfied, c.referrals, c.uid, replication, seed)
            wake[chosen[j]] = next_event(c)


@rule
def dismiss(customers: Records, wake: Floats, view: FirmView, now: float, gone: Flags, first: int, last: int) -> None:
    """End the relation with all of customers `first`, ..., `last` - 1 who cost more than they brought since the last
    time; `gone` says whose ended so."""
    for i in range(first, last):
        c = customers[i]
        apply_pending(view, i, c)
        gone[i] = False
        # Not before it has come, nor while its complaint is open.
        if c.state == UNBORN or c.state == AWAITING or c.dismissed != 0:
            continue
        # Less than when it was last judged: it has cost more than it brought since then.
        if c.account < c.judged_account:
            c.dismissed = 1
            # It gets no contacts any more, nor an account that costs.
            view.known[i] = False
            view.there[i] = False
            if c.state == ACTIVE:
                gone[i] = True
                c.state = LOST
                c.cause = LOST_DISMISSED
                c.destination = EVAPORATES
                c.due = now
                wake[i] = math.inf
        c.judged_account = c.account


@rule
def renewals(customers: Records, due: Floats, first: int, last: int) -> None:
    """When the contract of customers `first`, ..., `last` - 1 comes up for renewal, without an offer for it so far;
    else infinity."""
    for i in range(first, last):
        c = customers[i]
        # One offer for one renewal: who has one is not asked again.
        due[i] = c.due if c.state == ACTIVE and c.offered == 0 else math.inf


@rule
def census(customers: Records, number: int, table: Ints) -> tuple[int, int, int]:
    """How many of the first `number` are active and how many wait for a reply; and the place of a born customer whose
    uid another one has, -1 if there is none. Works in a `table` of a power of 2 places, more than customers."""
    alone, active, waiting, bits, last = True, 0, 0, 0, table.size - 1
    while last >> bits:
        bits += 1
    table[:] = 0
    for i in range(number):
        c = customers[i]
        if c.state == UNBORN:
            continue
        active += c.state == ACTIVE
        waiting += c.state == AWAITING
        if c.uid == 0:  # the mark of an empty place
            if not alone:
                return active, waiting, i
            alone = False
            continue
        at = np.int64((np.uint64(c.uid) * _SPREAD) >> np.uint64(64 - bits))
        # Linear steps from the hashed place: a free place ends the search.
        while table[at] != 0:
            if table[at] == c.uid:
                return active, waiting, i
            at = (at + 1) & last
        table[at] = c.uid
    return active, waiting, -1


@rule
def active_members(customers: Records) -> int:
    """How many active customers are members of the club."""
    number = 0
    for i in range(customers.size):
        c = customers[i]
        if c.member != 0 and (c.state == ACTIVE or c.state == AWAITING):
            number += 1
    return number
