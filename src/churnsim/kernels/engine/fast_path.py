"""Fast path for independent customers: between boundaries nothing but their own purchases happens to them."""

from __future__ import annotations

import math

from churnsim.kernels.engine import event_rules
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import Buffers, Means, Tables
from churnsim.kernels.engine.clock_table import in_common_time, on_grid, row_on
from churnsim.kernels.engine.event_times import dropout_now, organic_factor, purchase_after, purchase_gap, shown
from churnsim.kernels.engine.ledger_updates import answered, lose, note
from churnsim.kernels.engine.records import DROPOUT, DROPOUT_AT_ONCE, UNITS_PER_CENT, Record, Records
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.typing import Floats, Ints


@rule
def is_independent(tables: Tables) -> bool:
    """Whether nothing but its own purchases can happen to a customer between boundaries, on a clock common to all."""
    rule = tables.rules[0]
    # A clock, a desk, satisfaction or a referral would be an event between purchases, or change the next one.
    return (
        (rule.lifetime == DROPOUT or rule.lifetime == DROPOUT_AT_ONCE)
        and rule.desk == 0
        and rule.satisfaction == 0
        and rule.referral_rate == 0.0
        and tables.buying.own.shape[0] == 0
    )


@inlined
def purchase_until(
    tables: Tables, means: Means, time: float, end: float, stop: int, bounds: Floats, i: int, c: Record, clocks: Floats,
    table: Ints, buffers: Buffers, replication: int, seed: int,
) -> float:  # fmt: skip
    """Repeat `purchase_event.buy` until `end`, where row `stop` begins, for a customer with independent purchases and
    no event log.

    Equivalent to the general path; what cannot change between boundaries is computed once. On a calendar purchases are
    followed on its clock, and only the times that somebody asks for are computed. Returns the time of the customer's
    next event (infinity when it is lost).
    """
    # What lifts a customer's buying begins with times. Of constants, so that each has a loop of its own.
    if tables.rows.bounds.shape[0] > 0 and clocks.shape[0] == 0:
        return _purchases(True, tables, means, time, end, stop, bounds, i, c, clocks, table, buffers, replication, seed)
    return _purchases(False, tables, means, time, end, stop, bounds, i, c, clocks, table, buffers, replication, seed)


@inlined
def _purchases(
    on_calendar: bool, tables: Tables, means: Means, time: float, end: float, stop: int, bounds: Floats, i: int,
    c: Record, clocks: Floats, table: Ints, buffers: Buffers, replication: int, seed: int,
) -> float:  # fmt: skip
    rules, spends, hazards, profits = tables.rules, tables.spends, tables.hazards, tables.profits
    rule = rules[0]
    uid, rate, seen = c.uid, c.rate, c.seen
    last, unhappy = c.last_purchase, c.unhappy
    # Nothing that these depend on changes between two boundaries.
    dropout = dropout_now(rules, hazards, c.dropout, seen + c.k, c.returns)
    organic = event_rules.organic_chance(rules, dropout, organic_factor(rules, means.effect, c))
    failure = event_rules.failure_probability(rules, rate, dropout) * means.quality
    raised = 1.0 + means.uplift if c.crossed != 0 else 1.0
    scale = event_rules.spend_scale(c.spend_rate, raised)
    k, revenue, account = c.k, 0, 0  # the last two of all rows
    now = shown(tables, time, clocks)
    asking = rule.asking_cents
    per_time = 1.0 / (bounds[1] - bounds[0])
    # The point of the clock at which a purchase is; that of the first, at `time`, need not be one, and is before it.
    start, point, last_point = time, -1.0, -1.0
    number = row_of(bounds, per_time, time) if on_calendar else 0
    while number < stop if on_calendar else time < end:
        # Booked one by one: which are the last of a row the processor does not foresee, and would wait for their times.
        row = table[number if on_calendar else row_of(bounds, per_time, time)]
        k += 1
        u_gap, u_spend, failed, kind, outcome = event_rules.purchase(
            rules, organic, failure, 1.0, k, uid, replication, seed
        )
        if on_calendar:
            due = time
            now = on_grid(tables.buying, now + purchase_gap(rules, tables.gaps, u_gap, rate))
            number = max(number, row_on(tables.rows, now))
            if failed or outcome != event_rules.KEEPS:
                time = max(start, in_common_time(tables.buying, point))
        else:
            due, now = purchase_after(tables, u_gap, rate, time, now, clocks, i)
        # Nobody has an offer here: those are made under contract.
        cents, margin = event_rules.paid(
            rules, event_rules.amount(rules, spends, profits, u_spend, scale, raised, seen + k), 0
        )
        row[accounts.ACCOUNT_OF[accounts.PURCHASE]] += 1
        row[accounts.REVENUE] += cents
        row[accounts.MARGIN] += margin
        row[accounts.SERVICE] += asking
        revenue += cents
        account += margin - asking
        last, last_point = time, point
        unhappy = 0
        if failed:
            unhappy = _fail_independent(rules, kind, time, c, row, buffers)
        if outcome != event_rules.KEEPS and lose(rules, outcome, k, time, c, row, buffers, replication, seed):
            time = math.inf
            break
        time, point = due, now
        if not on_calendar:
            c.due = time
    if on_calendar:
        last = max(start, in_common_time(tables.buying, last_point))
        if time < math.inf:
            time = c.due = max(start, in_common_time(tables.buying, point))
    c.revenue += revenue
    c.repeat_revenue += revenue
    c.account += account * UNITS_PER_CENT
    c.k = k
    c.last_purchase = last
    c.unhappy = unhappy
    return time


@inlined
def row_of(bounds: Floats, per_time: float, time: float) -> int:
    """The row of the books in which `time` falls, of `per_time` rows a time unit."""
    # A guess and a look instead of a search, whose end is hard to predict.
    now = min(int(time * per_time), bounds.size - 2)
    while time >= bounds[now + 1]:
        now += 1
    while time < bounds[now]:
        now -= 1
    return now


@rare
def _fail_independent(rules: Records, kind: int, time: float, c: Record, row: Ints, buffers: Buffers) -> int:
    """Process a failed purchase of an independent customer; returns whether it is unhappy now (1 or 0)."""
    # Without a desk nobody waits for a reply (`is_independent`).
    c.unhappy = 1
    note(accounts.FAILURE, 0, time, c, row, buffers)
    if kind != event_rules.NO_REPLY:
        note(accounts.COMPLAINT, 0, time, c, row, buffers)
        answered(rules, kind, time, c, row, buffers)
    else:
        row[accounts.TOLD_AGAINST] += rules[0].tells_against
    return c.unhappy
