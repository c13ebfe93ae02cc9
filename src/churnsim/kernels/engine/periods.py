"""Replications in compiled code, one after the other, with the boundaries between their periods: contacts, arrivals,
and complaints in their turn.

`simulation/engine/epoch_boundary.py` does the same in Python, mechanism by mechanism. Here it is done for the few that
say in numbers what they do (`MechanismPart.compiled`), so that small worlds, of which a study runs thousands, need
Python once a block of replications instead of at every epoch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import BaseColumns, Buffers, Tables
from churnsim.kernels.engine.desk import serve_complaints
from churnsim.kernels.engine.event_times import arrival_gap
from churnsim.kernels.engine.firm_view import FirmView, charge
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, early_first
from churnsim.kernels.engine.neighbours import arrivals_into
from churnsim.kernels.engine.newcomers import NewcomerArguments
from churnsim.kernels.engine.population_ops import census, enter, lift_purchases, start, update_lifetimes
from churnsim.kernels.engine.records import CLOCK, PAID, UNITS_PER_CENT, Records
from churnsim.kernels.engine.residual import total_residual
from churnsim.kernels.numerics.jit import rare, rule
from churnsim.typing import Flags, Floats, Ints

NO_ROOM, SHARED_UID = -1, -2  # why a replication is not finished
NO_CAMPAIGN, EVERYBODY, RECENT_BUYERS = 0, 1, 2  # whom a campaign reaches

PLAN = np.dtype(
    [
        ("world", np.int64),  # the replication's place among `Worlds`
        ("replication", np.int64),
        ("rows", np.int64),  # of the books, a period
        ("row", np.int64),  # the one that the next boundary opens; -1 before the replication begins
        ("customers", np.int64),  # records in use
        ("reaches", np.int64),  # whom the campaign reaches
        ("within", np.float64),  # time units since the last purchase of a recent buyer
        ("budget", np.float64),  # of the campaign, money per period
        ("budget_cents", np.int64),
        ("most_effect", np.float64),  # of a contact, as `contact_effect` takes them
        ("spend_scale", np.float64),
        ("effect", np.float64),  # of the last review's contacts
        ("channel", np.int64),  # whose arrivals come at the `hazard`
        ("lineage", np.int64),  # of their uids and clocks
        ("hazard", np.float64),
        ("left", np.int64),  # who may still come, how many came, and what is left of the next one's clock
        ("came", np.int64),
        ("clock", np.float64),
    ]
)


class Worlds(NamedTuple):
    """Replications of one market, with the same customers but for what is drawn of them."""

    replications: Ints  # their numbers
    traits: Floats  # of each the starting base's, as in `BaseColumns`
    members: Floats
    alive: Flags
    uids: Ints
    first_purchase: Floats
    last_purchase: Floats
    repeat_cents: Ints
    seen: Ints
    tables: Ints  # books of each
    ends: Ints  # of each the active at the start and at the end, those who wait for a reply, what the active are worth
    seats: Ints  # room for the census
    force: float  # discount rate of what the active are worth, 0 where that is not asked for


class Plan(NamedTuple):
    """What happens in replications; without `numbers` somebody else settles it. The other arrays are room to work."""

    numbers: Records  # a PLAN record, and the one with which each replication begins; or none
    clerks: Floats  # when each is done with what came before
    places: Ints  # of the customers who are advanced next; room for all
    times: Floats  # of those who come in one row
    uids: Ints
    origins: Ints
    channels: Ints
    lines: Ints  # the buffer of complaints, its rows as whole numbers
    moments: Floats  # and as numbers with a fraction
    population: NewcomerArguments
    churn: tuple[float, float]
    worlds: Worlds


@rule
def contact_effect(most: float, scale: float, spend: float) -> float:
    """Share of organic dropout that a contact worth `spend` prevents: most (1 - e^(-spend / scale))."""
    return -most * math.expm1(-(1.0 / scale) * spend) if most > 0.0 else 0.0


@rule
def contact_lift(most: float, scale: float, spend: float) -> float:
    """By what share a contact worth `spend` raises the rate of buying at once: most (1 - e^(-spend / scale))."""
    return most * -math.expm1(-spend / scale)


@rare
def next_leg(
    tables: Tables, plan: Plan, customers: Records, wake: Floats, view: FirmView, bounds: Floats, buffers: Buffers,
    seed: int,
) -> int:  # fmt: skip
    """Settle boundaries until customers have to be advanced: how many; 0 when all replications are done, or why one is
    not.

    At the start of a period these are all, later in it those at the first of the plan's `places`, whose complaints
    were answered. The plan's `row` is then one more than the one they are advanced from.
    """
    p, worlds = plan.numbers[0], plan.worlds
    while True:
        if p.row < 0:
            if p.world == worlds.replications.size:
                return 0
            _begin(tables, plan, customers, wake, view, buffers, seed)
        row, replication, table = p.row, p.replication, worlds.tables[p.world]
        answered = _answer(tables, plan, customers, wake, bounds[row], buffers, replication, seed) if row > 0 else 0
        if row == bounds.size - 1:
            if not _end(tables, plan, customers, view, bounds[row]):
                return SHARED_UID
            p.world += 1
            p.row = -1
            continue
        p.row = row + 1
        if row % p.rows == 0:
            if p.reaches != NO_CAMPAIGN:
                _contact(tables, plan, customers, wake, view, bounds[row], table[row])
            # Spending brings people at one hazard, whatever customers do: those of the whole period are known now.
            for other in range(row, row + p.rows):
                if not _arrive(
                    tables, plan, customers, wake, view, bounds[other], bounds[other + 1], replication, seed
                ):
                    return NO_ROOM
            if p.customers > 0:
                return p.customers
        # With nobody to advance the next boundary follows at once: 0 would end all replications.
        elif answered > 0:
            return answered


@rule
def _begin(
    tables: Tables, plan: Plan, customers: Records, wake: Floats, view: FirmView, buffers: Buffers, seed: int
) -> None:
    """Begin the replication whose turn it is."""
    p, w, world = plan.numbers[0], plan.worlds, plan.numbers[0].world
    plan.numbers[0] = plan.numbers[1]
    p.world, p.replication, p.row, p.customers = world, w.replications[world], 0, w.uids.size
    if p.hazard > 0.0:
        p.clock = arrival_gap(0, p.lineage, p.replication, seed)
    plan.clerks[:] = 0.0
    buffers.fill[:] = 0
    base = BaseColumns(
        w.uids, w.traits[world], w.members[world], w.alive[world], w.first_purchase, w.last_purchase, w.repeat_cents,
        w.seen,
    )  # fmt: skip
    start(tables, customers, wake, view, base, 0, p.customers, p.replication, seed)
    number = 0
    for i in range(p.customers):
        number += base.alive[i]
    w.ends[world, 0] = number


@rule
def _end(tables: Tables, plan: Plan, customers: Records, view: FirmView, horizon: float) -> bool:
    """Write down how a replication ends, unless two customers share a uid."""
    p, w = plan.numbers[0], plan.worlds
    end = w.ends[p.world]
    end[1], end[2], twice = census(customers, p.customers, w.seats)
    if twice >= 0:
        return False
    if w.force > 0.0:
        end[3] = total_residual(tables, customers, view.clocks, horizon, w.force, 0, p.customers)
    return True


@rule
def _answer(
    tables: Tables, plan: Plan, customers: Records, wake: Floats, before: float, buffers: Buffers, replication: int,
    seed: int,
) -> int:  # fmt: skip
    """Let clerks settle when the complaints made `before` this time are answered; their number."""
    made = buffers.fill[COMPLAINTS]
    number = early_first(plan.moments, plan.lines, made, before)
    # In the order of (time, uid): there are few, and insertion needs no room.
    for j in range(1, number):
        at = j
        while at > 0 and (
            plan.moments[at, 0] < plan.moments[at - 1, 0]
            or (plan.moments[at, 0] == plan.moments[at - 1, 0] and plan.lines[at, 1] < plan.lines[at - 1, 1])
        ):
            for column in range(plan.lines.shape[1]):
                value = plan.lines[at, column]
                plan.lines[at, column] = plan.lines[at - 1, column]
                plan.lines[at - 1, column] = value
            at -= 1
    serve_complaints(tables.rules, buffers.complaints, number, plan.clerks, customers, wake, replication, seed)
    for j in range(number):
        plan.places[j] = plan.lines[j, 2]
    for j in range(number, made):
        for column in range(plan.lines.shape[1]):
            plan.lines[j - number, column] = plan.lines[j, column]
    buffers.fill[COMPLAINTS] = made - number
    return number


@rule
def _contact(
    tables: Tables, plan: Plan, customers: Records, wake: Floats, view: FirmView, now: float, row: Ints
) -> None:
    """Spread the campaign's budget evenly over the customers whom it reaches."""
    p = plan.numbers[0]
    number = 0
    since = -math.inf if p.reaches == EVERYBODY else now - p.within
    for i in range(p.customers):
        view.contacted[i] = view.there[i] & (view.last_purchase[i] >= since)
        number += view.contacted[i]
    before, lift = p.effect, 0.0
    p.effect = 0.0
    if number > 0:
        each = p.budget / number
        p.effect = contact_effect(p.most_effect, p.spend_scale, each)
        lift = contact_lift(tables.rules[0].contact_lift, p.spend_scale, each)
        charge(view.owed, view.contacted, p.customers, math.floor(each * 100.0 * UNITS_PER_CENT + 0.5))
        row[accounts.RETENTION] += p.budget_cents
        row[accounts.CONTACTS] += number
    if tables.rules[0].lifetime == CLOCK:
        update_lifetimes(tables, customers, wake, view, before, p.effect, now, 0, p.customers)
    if lift != 0.0:
        lift_purchases(tables, customers, wake, view, lift, now, 0, p.customers)


@rule
def _arrive(
    tables: Tables, plan: Plan, customers: Records, wake: Floats, view: FirmView, start: float, end: float,
    replication: int, seed: int,
) -> bool:  # fmt: skip
    """Enter those who come between two boundaries; whether there was room for them."""
    p = plan.numbers[0]
    number, clock = arrivals_into(
        plan.times, plan.uids, start, end, p.hazard, p.left, p.came, p.clock, p.lineage, replication, seed
    )
    if number < 0 or p.customers + number > customers.size:
        return False
    for j in range(number):
        plan.origins[j] = PAID
        plan.channels[j] = p.channel
    enter(
        tables.rules, plan.population, plan.churn, customers, wake, view, p.customers, plan.times, plan.uids,
        plan.origins, plan.channels, 0, number, replication, seed,
    )  # fmt: skip
    p.customers += number
    p.left -= number
    p.came += number
    p.clock = clock
    return True
