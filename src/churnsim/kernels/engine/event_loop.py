"""The compiled engine's inner loop: customers advanced independently from one boundary to a later one.

Between two boundaries (an epoch, or a period or more where nothing interacts) no customer sees another, so any chunk of
customers can be advanced by any thread; and one that waits for nothing of others may be advanced beyond the next
boundary, as long as what it does to them is kept until then. What concerns others goes into buffers: complaints for the
desk, referrals, and the event log if there is one. Where a buffer fills up, the kernel stops between two events, says
at which customer, and is called again with empty ones.
"""

from __future__ import annotations

import math

from churnsim.kernels.engine import event_rules
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import Buffers, Means, Tables
from churnsim.kernels.engine.buying_clock import CLUB
from churnsim.kernels.engine.clock_table import after
from churnsim.kernels.engine.event_times import (
    AHEAD,
    death_gap,
    lifted_purchase,
    next_event,
    next_purchase,
    referral_gap,
)
from churnsim.kernels.engine.fast_path import is_independent, purchase_until, row_of
from churnsim.kernels.engine.firm_view import FirmView, apply_pending, update_view
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, LOG, REFERRALS, book, lose, note
from churnsim.kernels.engine.periods import NO_ROOM, Plan, next_leg
from churnsim.kernels.engine.purchase_event import buy
from churnsim.kernels.engine.records import ACTIVE, CLOCK, CONTRACT, DROPOUT_AT_ONCE, UNBORN, Record, Records
from churnsim.kernels.engine.satisfaction_updates import hazard_of
from churnsim.kernels.numerics.intrinsics import fetch
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.typing import Floats, Ints

_MOST_AT_ONCE = 8  # lines that one event can put into a buffer


@rare
def _arrive(
    tables: Tables, effect: float, time: float, i: int, c: Record, clocks: Floats, row: Ints, buffers: Buffers,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """Process a new customer's first purchase at `time`: it cannot fail; in MBG/NBD alone it may be the last."""
    rules, spends, hazards, profits = tables.rules, tables.spends, tables.hazards, tables.profits
    c.state = ACTIVE
    note(accounts.BIRTH, 0, time, c, row, buffers)
    row[accounts.BIRTHS_PAID + c.origin - 1] += 1
    row[accounts.MEMBERS] += c.member
    listed, u_gap, u_organic = event_rules.first_amount(rules, spends, profits, c.spend_rate, c.uid, replication, seed)
    book(rules, listed, time, c, row, buffers)
    # In MBG/NBD the first purchase too may be the last; elsewhere a newcomer stays until the next at least.
    if (
        rules[0].lifetime == DROPOUT_AT_ONCE
        and u_organic < c.dropout
        and lose(rules, event_rules.LOST_ORGANIC, 0, time, c, row, buffers, replication, seed)
    ):
        return
    if c.member != 0:
        lifted_purchase(tables, CLUB, rules[0].club_lift, time, math.inf, clocks, i)
    c.due = next_purchase(tables, u_gap, c.rate, time, clocks, i)
    # Only lifetimes in time have a clock of their own; others end at purchases.
    if rules[0].lifetime == CLOCK:
        lasts = death_gap(hazard_of(rules, hazards, effect, c), 0, c.uid, replication, seed)
        c.death_at = after(tables.leaving, time, lasts, i)
    c.referral_at = time + referral_gap(rules, c.member, c.satisfied, 0, c.uid, replication, seed)


@rare
def _end_lifetime(
    tables: Tables, effect: float, time: float, i: int, c: Record, row: Ints, buffers: Buffers, replication: int,
    seed: int,
) -> None:  # fmt: skip
    """End a lifetime in time at `time`; where switching costs hold the customer, draw a new lifetime from then on."""
    rules = tables.rules
    if not lose(
        rules, event_rules.LOST_ORGANIC, event_rules.DEATHS + c.lives, time, c, row, buffers, replication, seed
    ):
        # Each lifetime has a number, by which its length is drawn: the prevented one is not drawn again.
        c.lives += 1
        lasts = death_gap(hazard_of(rules, tables.hazards, effect, c), c.lives, c.uid, replication, seed)
        c.death_at = after(tables.leaving, time, lasts, i)


@rule
def _refer(rules: Records, time: float, c: Record, buffers: Buffers, replication: int, seed: int) -> None:
    """Record a referral, unless the customer is unhappy, and schedule the next one."""
    # An unhappy customer's referral is skipped but counted, so that its later ones keep their random numbers.
    if c.unhappy == 0:
        line = buffers.referrals[buffers.fill[REFERRALS]]
        line.time = time
        line.uid = c.uid
        line.ordinal = c.referrals
        buffers.fill[REFERRALS] += 1
    c.referrals += 1
    c.referral_at = time + referral_gap(rules, c.member, c.satisfied, c.referrals, c.uid, replication, seed)


@inlined
def _list_due(wake: Floats, number: int, end: float, places: Ints) -> int:
    """Fill in the places of those of the first `number` customers who wake before `end`; how many they are."""
    found = 0
    # Without a branch: who is due the processor does not foresee.
    for i in range(number):
        places[found] = i
        found += wake[i] < end
    return found


@inlined
def _next_place(customers: Records, wake: Floats, where: Ints, listed: bool, j: int, last: int, end: float) -> int:
    """The place of the customer who is the j-th to be advanced; records that are due soon are asked for."""
    soon = min(j + AHEAD, last - 1)
    soon = where[soon] if listed else soon
    if wake[soon] < end:
        # Records are taken in storage order but only some are due: the processor does not foresee which.
        fetch(customers, soon)
    return where[j] if listed else j


@rare
def _advance_independent(
    tables: Tables, means: Means, customers: Records, wake: Floats, view: FirmView, where: Ints, listed: bool,
    first: int, last: int, end: float, stop: int, bounds: Floats, table: Ints, buffers: Buffers, replication: int,
    seed: int,
) -> None:  # fmt: skip
    """`_advance_events` where nothing but its arrival and its own purchases can happen to a customer; no buffer fills
    up."""
    filed, per_time = view.uid.size > 0, 1.0 / (bounds[1] - bounds[0])
    for j in range(first, last):
        i = _next_place(customers, wake, where, listed, j, last, end)
        time = wake[i]
        if time >= end:
            continue
        c = customers[i]
        if filed:
            apply_pending(view, i, c)
        if c.state == UNBORN:
            row = table[row_of(bounds, per_time, time)]
            _arrive(tables, means.effect, time, i, c, view.clocks, row, buffers, replication, seed)
            time = next_event(c)
        if time < end:
            time = purchase_until(
                tables, means, time, end, stop, bounds, i, c, view.clocks, table, buffers, replication, seed,
            )  # fmt: skip
        wake[i] = time
        if filed:
            update_view(view, i, c, False)


@rare
def _advance_events(
    tables: Tables, means: Means, customers: Records, wake: Floats, view: FirmView, where: Ints, listed: bool,
    first: int, last: int, end: float, bounds: Floats, table: Ints, buffers: Buffers, replication: int, seed: int,
) -> int:  # fmt: skip
    """Advance customers event by event; returns `last`, or with whom to go on when a buffer is nearly full."""
    rules = tables.rules
    log, complaints, referrals, fill = buffers
    filed, contract = view.uid.size > 0, rules[0].lifetime == CONTRACT
    per_time = 1.0 / (bounds[1] - bounds[0])  # rows, which are all as long
    for j in range(first, last):
        i = _next_place(customers, wake, where, listed, j, last, end)
        time = wake[i]
        if time >= end:
            continue
        c = customers[i]
        # What the firm decided at the last review lies with its view: the record learns of it when it is taken up.
        if filed:
            apply_pending(view, i, c)
        while time < end:
            # Stop before an event, not in it: nothing is half done when the caller has emptied the buffers.
            if (
                (log.size > 0 and fill[LOG] + _MOST_AT_ONCE > log.size)
                or fill[COMPLAINTS] + 1 > complaints.size
                or fill[REFERRALS] + 1 > referrals.size
            ):
                wake[i] = time
                if filed:
                    update_view(view, i, c, contract)
                return j
            row = table[row_of(bounds, per_time, time)]
            # Of events due at one time the first of this list happens first, in both engines.
            if c.state == UNBORN:
                _arrive(tables, means.effect, time, i, c, view.clocks, row, buffers, replication, seed)
            elif c.due <= time:
                buy(tables, means, time, i, c, view.clocks, row, buffers, replication, seed)
            elif c.referral_at <= time:
                _refer(rules, time, c, buffers, replication, seed)
            else:
                _end_lifetime(tables, means.effect, time, i, c, row, buffers, replication, seed)
            time = next_event(c)
        wake[i] = time
        if filed:
            update_view(view, i, c, contract)
    return last


@rule
def advance(
    tables: Tables, means: Means, plan: Plan, customers: Records, wake: Floats, view: FirmView, places: Ints,
    first: int, last: int, end: float, bounds: Floats, table: Ints, buffers: Buffers, replication: int, seed: int,
) -> int:  # fmt: skip
    """Advance customers `first`, ..., `last` - 1 to the time `end`; returns `last` when all are there.

    Where `places` is not empty, those at its entries `first`, ..., `last` - 1 instead. `wake` holds the time of each
    customer's next event. `bounds` part time into the rows of `table`, which with the buffers and `view`, if there are
    any, is written to. Returns early, with where to go on, when a buffer is nearly full.

    With a `plan` all of its replications are run to the last of `bounds`, each in its own books, and boundaries are
    settled on the way; returns 0, or why one is not finished: the next call goes on where the plan's record says.
    """
    # With a log, or where anything can happen between purchases, every event takes the general path.
    alone = buffers.log.size == 0 and is_independent(tables)
    per_time = 1.0 / (bounds[1] - bounds[0])
    planned = plan.numbers.size > 0
    listed = planned or places.size > 0
    where = plan.places if planned else places
    stop = bounds.size - 1 if end >= bounds[bounds.size - 1] else row_of(bounds, per_time, end)
    while True:
        if planned:
            last = next_leg(tables, plan, customers, wake, view, bounds, buffers, seed)
            if last <= 0:
                return last
            first, since, rows = 0, plan.numbers[0].row - 1, plan.numbers[0].rows
            replication, table = plan.numbers[0].replication, plan.worlds.tables[plan.numbers[0].world]
            stop = since - since % rows + rows
            end = bounds[stop]
            if since % rows == 0:
                last = _list_due(wake, last, end, where)
            means = Means(plan.numbers[0].effect, means.quality, means.uplift)
        # Functions of their own: in one, what either path needs would be kept at hand on both.
        if alone:
            _advance_independent(
                tables, means, customers, wake, view, where, listed, first, last, end, stop, bounds, table, buffers,
                replication, seed,
            )  # fmt: skip
        else:
            reached = _advance_events(
                tables, means, customers, wake, view, where, listed, first, last, end, bounds, table, buffers,
                replication, seed,
            )  # fmt: skip
            if reached < last:
                return NO_ROOM if planned else reached
        if not planned:
            return last
