"""A customer's purchase or renewal in the compiled engine, with every mechanism that may act on it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine import event_rules
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.event_times import dropout_now, firm_factor, offered_factor, organic_factor, purchase_gap
from churnsim.kernels.engine.ledger_updates import COMPLAINTS, answered, book, lose, note
from churnsim.kernels.engine.records import ACTIVE, AWAITING, CONTRACT, Record, Records
from churnsim.kernels.engine.satisfaction import people_told, satisfaction_factor
from churnsim.kernels.engine.satisfaction_updates import apply_purchase_quality, apply_reply
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.kernels.numerics.philox import block_of_five
from churnsim.kernels.numerics.rng_streams import PURCHASE, SIMULATION

__all__ = ["buy"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@inlined
def _raised(rules: Records, uplift: float, c: Record) -> float:
    """Factor on what the customer spends: offers that reached it, and its satisfaction before it buys."""
    return (1.0 + uplift if c.crossed != 0 else 1.0) * satisfaction_factor(rules[0].spend_effect, c.satisfied)


@inlined
def _fate(rules: Records, dropout: float, effect: float, u_organic: float, c: Record) -> int:
    """Whether the customer drops out by itself after a purchase that does not lose it."""
    most = firm_factor(rules, effect, c.response, c.contacted, c.member) * rules[0].dropout_most
    most = offered_factor(rules, most, c.response, c.offered)
    if u_organic >= event_rules.organic_chance(rules, dropout, most):
        return event_rules.KEEPS  # whatever its satisfaction: the usual case, which saves the exponential
    return event_rules.LOST_ORGANIC if u_organic < _organic(rules, dropout, effect, c) else event_rules.KEEPS


@rule
def _organic(rules: Records, dropout: float, effect: float, c: Record) -> float:
    factor = organic_factor(rules, effect, c.response, c.contacted, c.member, c.satisfied)
    return event_rules.organic_chance(rules, dropout, offered_factor(rules, factor, c.response, c.offered))


@inlined
def buy(
    rules: Records, spends: Floats, gaps: Floats, hazards: Floats, profits: Floats, effect: float, quality: float,
    uplift: float, time: float, i: int, c: Record, row: Ints, log: Records, complaints: Records, fill: Ints,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """Process the next purchase or renewal, or the reply to an open complaint.

    The decisions are those of `event_rules.purchase`; the event's block of random words is drawn once.
    """
    rule = rules[0]
    if c.state == AWAITING:
        _receive_reply(
            rules, spends, gaps, hazards, profits, effect, uplift, time, c, row, log, fill, replication, seed
        )  # fmt: skip
        return
    c.k += 1
    tenure = c.seen + c.k
    dropout = dropout_now(rules, hazards, c.dropout, tenure, c.returns)
    raised = _raised(rules, uplift, c)
    u_gap, u_spend, u_failure, u_organic, u_quality = block_of_five(c.k, PURCHASE, c.uid, replication, seed, SIMULATION)
    failed = u_failure < event_rules.failure_probability(rules, c.rate, dropout) * quality
    if rule.satisfaction != 0:
        apply_purchase_quality(rules, hazards, effect, u_quality, failed, time, c)
    fate = _fate(rules, dropout, effect, u_organic, c)
    listed = event_rules.amount(
        rules, spends, profits, u_spend, event_rules.spend_scale(c.spend_rate, raised), raised, tenure
    )
    if rule.lifetime != CONTRACT:
        c.repeat_revenue += book(rules, listed, time, c, row, log, fill)
    c.unhappy = 0
    if failed:
        fate = _fail(rules, hazards, effect, fate, time, i, c, row, log, complaints, fill, replication, seed)
        if fate == event_rules.AWAITS:
            return
    if fate != event_rules.KEEPS and lose(rules, fate, c.k, time, c, row, log, fill, replication, seed):
        return
    if rule.lifetime == CONTRACT:
        c.repeat_revenue += book(rules, listed, time, c, row, log, fill)
        c.offered = 0
    c.due = time + purchase_gap(rules, gaps, u_gap, c.rate)


@rule
def _fail(
    rules: Records, hazards: Floats, effect: float, unfailed: int, time: float, i: int, c: Record, row: Ints,
    log: Records, complaints: Records, fill: Ints, replication: int, seed: int,
) -> int:  # fmt: skip
    """The purchase failed: does the customer complain, who answers, and what does it lead to?"""
    rule = rules[0]
    complains = satisfaction_factor(rule.complaint_effect, c.satisfied)
    kind, fate = event_rules.failed_purchase(rules, unfailed, complains, c.k, c.uid, replication, seed)
    c.unhappy = 1
    note(accounts.FAILURE, 0, time, c, row, log, fill)
    if kind != event_rules.NO_REPLY:
        note(accounts.COMPLAINT, 0, time, c, row, log, fill)
        answered(rules, kind, time, c, row, log, fill)
        if rule.satisfaction != 0:
            apply_reply(rules, hazards, effect, kind, time, c, replication, seed)
    elif fate == event_rules.AWAITS:
        note(accounts.COMPLAINT, 0, time, c, row, log, fill)
        c.state = AWAITING
        c.due = math.inf
        c.death_at -= time
        c.referral_at -= time
        line = complaints[fill[COMPLAINTS]]
        line.time = time
        line.uid = c.uid
        line.customer = i
        fill[COMPLAINTS] += 1
    else:
        row[accounts.TOLD_AGAINST] += people_told(rule.tells_against, -rule.word_of_mouth_effect, c.satisfied)
    return fate


@rule
def _receive_reply(
    rules: Records, spends: Floats, gaps: Floats, hazards: Floats, profits: Floats, effect: float, uplift: float,
    time: float, c: Record, row: Ints, log: Records, fill: Ints, replication: int, seed: int,
) -> None:  # fmt: skip
    """The desk's reply reaches the customer, whose clocks go on."""
    rule = rules[0]
    raised, tenure = _raised(rules, uplift, c), c.seen + c.k
    c.state = ACTIVE
    c.death_at += time
    c.referral_at += time
    organic = _organic(rules, dropout_now(rules, hazards, c.dropout, tenure, c.returns), effect, c)
    u_gap, u_spend, fate = event_rules.reply(rules, organic, c.reply, c.k, c.uid, replication, seed)
    row[accounts.RECOVERY] += rule.reply_cents
    c.margin -= rule.reply_cents
    answered(rules, c.reply, time, c, row, log, fill)
    if rule.satisfaction != 0:
        apply_reply(rules, hazards, effect, c.reply, time, c, replication, seed)
    if fate != event_rules.KEEPS and lose(rules, fate, c.k, time, c, row, log, fill, replication, seed):
        return
    if rule.lifetime == CONTRACT:
        scale = event_rules.spend_scale(c.spend_rate, raised)
        listed = event_rules.amount(rules, spends, profits, u_spend, scale, raised, tenure)
        c.repeat_revenue += book(rules, listed, time, c, row, log, fill)
        c.offered = 0
    c.due = time + purchase_gap(rules, gaps, u_gap, c.rate)
