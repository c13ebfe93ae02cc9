"""Boundaries between periods settled in compiled code: contacts, arrivals, and complaints in their turn.

`simulation/engine/epoch_boundary.py` does the same in Python, mechanism by mechanism. Here it is done for the few that
say in numbers what they do (`MechanismPart.compiled`), so that a small world, of which a study runs thousands, needs
Python once a replication instead of at every epoch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import Buffers, Tables
from churnsim.kernels.engine.desk import serve_complaints
from churnsim.kernels.engine.firm_view import FirmView, charge
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, early_first
from churnsim.kernels.engine.neighbours import arrivals_into
from churnsim.kernels.engine.newcomers import NewcomerArguments
from churnsim.kernels.engine.population_ops import enter, lift_purchases, update_lifetimes
from churnsim.kernels.engine.records import CLOCK, PAID, UNITS_PER_CENT, Records
from churnsim.kernels.numerics.jit import rare, rule
from churnsim.typing import Floats, Ints

NO_CAMPAIGN, EVERYBODY, RECENT_BUYERS = 0, 1, 2  # whom a campaign reaches

PLAN = np.dtype(
    [
        ("rows", np.int64),  # of the books, a period
        ("row", np.int64),  # the one that the next boundary opens
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


class Plan(NamedTuple):
    """What happens at boundaries; without `numbers` somebody else settles them. The other arrays are room to work."""

    numbers: Records  # one PLAN record, or none
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
    tables: Tables, plan: Plan, customers: Records, wake: Floats, view: FirmView, bounds: Floats, table: Ints,
    buffers: Buffers, replication: int, seed: int,
) -> int:  # fmt: skip
    """Settle boundaries until customers have to be advanced: how many, 0 at the horizon, -1 where room is short.

    At the start of a period these are all, later in it those at the first of the plan's `places`, whose complaints
    were answered. The plan's `row` is then one more than the one they are advanced from.
    """
    p = plan.numbers[0]
    while True:
        row = p.row
        answered = _answer(tables, plan, customers, wake, bounds[row], buffers, replication, seed) if row > 0 else 0
        if row == bounds.size - 1:
            return 0
        p.row = row + 1
        if row % p.rows == 0:
            if p.reaches != NO_CAMPAIGN:
                _contact(tables, plan, customers, wake, view, bounds[row], table[row])
            # Spending brings people at one hazard, whatever customers do: those of the whole period are known now.
            for other in range(row, row + p.rows):
                if not _arrive(
                    tables, plan, customers, wake, view, bounds[other], bounds[other + 1], replication, seed
                ):
                    return -1
            return p.customers
        if answered > 0:
            return answered


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
