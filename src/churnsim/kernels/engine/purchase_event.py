"""A customer's purchase or renewal in the compiled engine, with every mechanism that may act on it."""

from __future__ import annotations

import math

from churnsim.kernels.engine import event_rules
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import Buffers, Means, Tables
from churnsim.kernels.engine.clock_table import in_time, on_clock
from churnsim.kernels.engine.event_times import (
    dropout_now,
    firm_factor,
    next_purchase,
    offered_factor,
    organic_factor,
    purchase_at,
    purchase_gap,
)
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, answered, book, lose, note
from churnsim.kernels.engine.records import ACTIVE, AWAITING, CONTRACT, UNITS_PER_CENT, Record, Records
from churnsim.kernels.engine.satisfaction import people_told, satisfaction_factor
from churnsim.kernels.engine.satisfaction_updates import apply_purchase_quality, apply_reply
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.kernels.numerics.philox import block_of_five
from churnsim.kernels.numerics.rng_streams import PURCHASE, SIMULATION
from churnsim.typing import Floats, Ints


@inlined
def _raised(rules: Records, uplift: float, c: Record) -> float:
    """Factor on what the customer spends: offers that reached it, and its satisfaction before it buys."""
    return (1.0 + uplift if c.crossed != 0 else 1.0) * satisfaction_factor(rules[0].spend_effect, c.satisfied)


@inlined
def _outcome(rules: Records, dropout: float, effect: float, u_organic: float, c: Record) -> int:
    """LOST_ORGANIC or KEEPS: organic dropout after a purchase whose failure does not lose the customer."""
    most = firm_factor(rules, effect, c) * rules[0].dropout_most
    most = offered_factor(rules, most, c.response, c.offered)
    if u_organic >= event_rules.organic_chance(rules, dropout, most):
        return event_rules.KEEPS  # whatever its satisfaction: the usual case, which saves the exponential
    return event_rules.LOST_ORGANIC if u_organic < _organic(rules, dropout, effect, c) else event_rules.KEEPS


@rule
def _organic(rules: Records, dropout: float, effect: float, c: Record) -> float:
    factor = organic_factor(rules, effect, c)
    return event_rules.organic_chance(rules, dropout, offered_factor(rules, factor, c.response, c.offered))


@inlined
def buy(
    tables: Tables, means: Means, time: float, i: int, c: Record, clocks: Floats, row: Ints, buffers: Buffers,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """Process the next purchase or renewal, or the reply to an open complaint.

    The decisions are those of `event_rules.purchase`; the event's block of random words is drawn once.
    """
    rules, spends, hazards, profits = tables.rules, tables.spends, tables.hazards, tables.profits
    effect, quality, uplift = means
    rule = rules[0]
    # A customer who waits for a reply wakes when it comes.
    if c.state == AWAITING:
        _receive_reply(tables, means, time, i, c, clocks, row, buffers, replication, seed)
        return
    c.k += 1
    tenure = c.seen + c.k
    dropout = dropout_now(rules, hazards, c.dropout, tenure, c.returns)
    # Before its satisfaction is updated: what it spends depends on how it came, not on this purchase.
    raised = _raised(rules, uplift, c)
    u_gap, u_spend, u_failure, u_organic, u_quality = block_of_five(c.k, PURCHASE, c.uid, replication, seed, SIMULATION)
    # What is drawn from tables comes first: it is ready when it is needed, after all the arithmetic that follows.
    gap = purchase_gap(rules, tables.gaps, u_gap, c.rate)
    listed = event_rules.amount(
        rules, spends, profits, u_spend, event_rules.spend_scale(c.spend_rate, raised), raised, tenure
    )
    failed = u_failure < event_rules.failure_probability(rules, c.rate, dropout) * quality
    # The experience comes before its consequences: it decides about complaining and leaving here and now.
    if rule.satisfaction != 0:
        apply_purchase_quality(tables, effect, u_quality, failed, time, i, c)
    outcome = _outcome(rules, dropout, effect, u_organic, c)
    # A contract is paid at its renewal, so only by those who are not lost here; elsewhere the purchase is made first.
    if rule.lifetime != CONTRACT:
        c.repeat_revenue += book(rules, listed, time, c, row, buffers)
    # A purchase that went well makes up for an earlier failure, so that the customer refers again.
    c.unhappy = 0
    # Rare, and long: kept out of the code of the usual purchase.
    if failed:
        outcome = _fail(tables, effect, outcome, time, i, c, row, buffers, replication, seed)
        if outcome == event_rules.AWAITS:
            return
    if outcome != event_rules.KEEPS and lose(rules, outcome, c.k, time, c, row, buffers, replication, seed):
        return
    if rule.lifetime == CONTRACT:
        c.repeat_revenue += book(rules, listed, time, c, row, buffers)
        c.offered = 0
    c.due = purchase_at(tables, gap, time, clocks, i)


@rare
def _fail(
    tables: Tables, effect: float, otherwise: int, time: float, i: int, c: Record, row: Ints, buffers: Buffers,
    replication: int, seed: int,
) -> int:  # fmt: skip
    """Process a failed purchase: complaint, answer, and what it leads to (one of the constants of `event_rules`)."""
    rules = tables.rules
    rule = rules[0]
    complains = satisfaction_factor(rule.complaint_effect, c.satisfied)
    kind, outcome = event_rules.failed_purchase(rules, otherwise, complains, c.k, c.uid, replication, seed)
    c.unhappy = 1
    note(accounts.FAILURE, 0, time, c, row, buffers)
    # Answered at once, by empowered staff or by the market's own handling.
    if kind != event_rules.NO_REPLY:
        note(accounts.COMPLAINT, 0, time, c, row, buffers)
        answered(rules, kind, time, c, row, buffers)
        if rule.satisfaction != 0:
            apply_reply(tables, effect, kind, time, i, c, replication, seed)
    elif outcome == event_rules.AWAITS:
        note(accounts.COMPLAINT, 0, time, c, row, buffers)
        c.state = AWAITING
        c.due = math.inf
        # While the complaint is open these hold remaining times: no lifetime passes and no referral is made.
        c.death_at = on_clock(tables.leaving, c.death_at, i) - on_clock(tables.leaving, time, i)
        c.referral_at -= time
        line = buffers.complaints[buffers.fill[COMPLAINTS]]
        line.time = time
        line.uid = c.uid
        line.customer = i
        buffers.fill[COMPLAINTS] += 1
    else:
        row[accounts.TOLD_AGAINST] += people_told(rule.tells_against, -rule.word_of_mouth_effect, c.satisfied)
    return outcome


@rare
def _receive_reply(
    tables: Tables, means: Means, time: float, i: int, c: Record, clocks: Floats, row: Ints, buffers: Buffers,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """Process the desk's reply to a complaint at `time`: the customer's event times, held meanwhile, run on."""
    rules, spends, hazards, profits = tables.rules, tables.spends, tables.hazards, tables.profits
    effect, _, uplift = means
    rule = rules[0]
    # As at the purchase, before the answer changes how satisfied it is.
    raised, tenure = _raised(rules, uplift, c), c.seen + c.k
    c.state = ACTIVE
    c.death_at = in_time(tables.leaving, on_clock(tables.leaving, time, i) + c.death_at, i)
    c.referral_at += time
    organic = _organic(rules, dropout_now(rules, hazards, c.dropout, tenure, c.returns), effect, c)
    u_gap, u_spend, outcome = event_rules.reply(rules, organic, c.reply, c.k, c.uid, replication, seed)
    row[accounts.RECOVERY] += rule.reply_cents
    c.account -= rule.reply_cents * UNITS_PER_CENT
    answered(rules, c.reply, time, c, row, buffers)
    if rule.satisfaction != 0:
        apply_reply(tables, effect, c.reply, time, i, c, replication, seed)
    if outcome != event_rules.KEEPS and lose(rules, outcome, c.k, time, c, row, buffers, replication, seed):
        return
    if rule.lifetime == CONTRACT:
        scale = event_rules.spend_scale(c.spend_rate, raised)
        listed = event_rules.amount(rules, spends, profits, u_spend, scale, raised, tenure)
        c.repeat_revenue += book(rules, listed, time, c, row, buffers)
        c.offered = 0
    c.due = next_purchase(tables, u_gap, c.rate, time, clocks, i)
