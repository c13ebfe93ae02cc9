"""The compiled engine's inner loop: customers advanced independently from one meeting point to the next.

Between two meetings (an epoch, or a period or more where nothing interacts) no customer sees another, so any chunk of
customers can be advanced by any thread. What concerns others goes into outboxes: complaints for the desk, referrals,
and the event log if there is one. Where an outbox fills up, the kernel stops between two events, says at which
customer, and is called again with empty ones.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels import accounts, life
from churnsim.kernels.clocks import (
    death_gap,
    dropout_now,
    offered_factor,
    organic_factor,
    purchase_gap,
    referral_gap,
)
from churnsim.kernels.jit import njit
from churnsim.kernels.moods import experience, hazard_of, recover
from churnsim.kernels.rules import (
    ACTIVE,
    AWAITING,
    CLOCK,
    CONTRACT,
    DROPOUT,
    DROPOUT_AT_ONCE,
    LOST,
    UNBORN,
    Record,
    Records,
)
from churnsim.kernels.satisfaction import factor as mood_factor
from churnsim.kernels.satisfaction import told as told_by

__all__ = ["COMPLAINTS", "LOG", "REFERRALS", "advance", "hazard_of", "next_event"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Places in `fill`, which says how full each outbox is.
LOG, COMPLAINTS, REFERRALS = 0, 1, 2
_MOST_AT_ONCE = 8  # lines that one event can put into an outbox


@njit
def next_event(c: Record) -> float:
    """When something happens to this customer next, for all it knows."""
    if c.state == ACTIVE:
        return min(c.due, c.death_at, c.referral_at)
    return c.due if c.state != LOST else math.inf


@njit
def _note(kind: int, cents: int, time: float, c: Record, row: Ints, log: Records, fill: Ints) -> None:
    row[accounts.ACCOUNT_OF[kind]] += 1
    if log.size > 0:
        line = log[fill[LOG]]
        line.time = time
        line.uid = c.uid
        line.kind = kind
        line.cents = cents
        fill[LOG] += 1


@njit
def _book(rules: Records, listed: int, time: float, c: Record, row: Ints, log: Records, fill: Ints) -> int:
    """Book a purchase; what the customer paid."""
    rule = rules[0]
    cents, margin = life.paid(rules, listed, c.offered)
    _note(accounts.PURCHASE, cents, time, c, row, log, fill)
    row[accounts.REVENUE] += cents
    row[accounts.MARGIN] += margin
    row[accounts.SERVICE] += rule.asking_cents
    c.revenue += cents
    c.margin += margin - rule.asking_cents
    c.last_purchase = time
    return cents


@njit
def _lose(
    rules: Records, fate: int, ordinal: int, time: float, c: Record, row: Ints, log: Records, fill: Ints,
    replication: int, seed: int,
) -> bool:  # fmt: skip
    """Lose the customer, unless switching costs hold it."""
    goes = life.destination(rules, ordinal, c.uid, replication, seed)
    if goes == life.HELD:
        return False
    c.state = LOST
    c.cause = fate
    c.destination = goes
    c.due = time
    if goes == life.SWITCHES:
        row[accounts.LOSSES_SWITCHED] += 1
    _note(accounts.LOST + fate - life.LOST_ORGANIC, 0, time, c, row, log, fill)
    return True


@njit
def _answered(rules: Records, kind: int, time: float, c: Record, row: Ints, log: Records, fill: Ints) -> None:
    """A complaint was answered: what it cost, and whether the customer is restored."""
    rule = rules[0]
    row[accounts.RECOVERY] += rule.complaint_cents
    c.margin -= rule.complaint_cents
    mouth = rule.word_of_mouth_effect
    if kind == life.UNRESOLVED:
        row[accounts.TOLD_AGAINST] += told_by(rule.tells_against, -mouth, c.satisfied)
    else:
        c.unhappy = 0
        row[accounts.TOLD_FOR] += told_by(rule.tells_for, mouth, c.satisfied)
    _note(accounts.REPLY + kind, 0, time, c, row, log, fill)


@njit
def _buy(
    rules: Records, spends: Floats, hazards: Floats, profits: Floats, effect: float, quality: float, uplift: float,
    time: float, i: int, c: Record, row: Ints, log: Records, complaints: Records, fill: Ints,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """The next purchase or renewal, or with an open complaint the reply to it."""
    rule = rules[0]
    told = c.state == AWAITING
    if not told:
        c.k += 1
    tenure = c.seen + c.k
    dropout = dropout_now(rules, hazards, c.dropout, tenure, c.returns)
    contract = rule.lifetime == CONTRACT
    raised = (1.0 + uplift if c.crossed != 0 else 1.0) * mood_factor(rule.spend_effect, c.satisfied)
    if told:
        c.state = ACTIVE
        c.death_at += time
        c.referral_at += time
        factor = offered_factor(
            rules, organic_factor(rules, effect, c.response, c.contacted, c.member, c.satisfied), c.response, c.offered
        )
        organic = life.organic_chance(rules, dropout, factor)
        u_gap, u_spend, fate = life.reply(rules, organic, c.reply, c.k, c.uid, replication, seed)
        row[accounts.RECOVERY] += rule.reply_cents
        c.margin -= rule.reply_cents
        _answered(rules, c.reply, time, c, row, log, fill)
        if rule.satisfaction != 0:
            recover(rules, hazards, effect, c.reply, time, c, replication, seed)
    else:
        failure = life.failure_probability(rules, c.rate, dropout) * quality
        if rule.satisfaction != 0:
            experience(rules, hazards, effect, failure, time, c, replication, seed)
        factor = offered_factor(
            rules, organic_factor(rules, effect, c.response, c.contacted, c.member, c.satisfied), c.response, c.offered
        )
        complains = mood_factor(rule.complaint_effect, c.satisfied)
        organic = life.organic_chance(rules, dropout, factor)
        u_gap, u_spend, failed, kind, fate = life.purchase(
            rules, organic, failure, complains, c.k, c.uid, replication, seed
        )
        if not contract:
            listed = life.amount(
                rules, spends, profits, u_spend, life.spend_scale(c.spend_rate, raised), raised, tenure
            )
            c.repeat_revenue += _book(rules, listed, time, c, row, log, fill)
        c.unhappy = 0
        if failed:
            c.unhappy = 1
            _note(accounts.FAILURE, 0, time, c, row, log, fill)
            if kind != life.NO_REPLY:
                _note(accounts.COMPLAINT, 0, time, c, row, log, fill)
                _answered(rules, kind, time, c, row, log, fill)
                if rule.satisfaction != 0:
                    recover(rules, hazards, effect, kind, time, c, replication, seed)
            elif fate == life.AWAITS:
                _note(accounts.COMPLAINT, 0, time, c, row, log, fill)
                c.state = AWAITING
                c.due = math.inf
                c.death_at -= time
                c.referral_at -= time
                line = complaints[fill[COMPLAINTS]]
                line.time = time
                line.uid = c.uid
                line.customer = i
                fill[COMPLAINTS] += 1
                return
            else:
                row[accounts.TOLD_AGAINST] += told_by(rule.tells_against, -rule.word_of_mouth_effect, c.satisfied)
    if fate != life.KEEPS and _lose(rules, fate, c.k, time, c, row, log, fill, replication, seed):
        return
    if contract:
        listed = life.amount(rules, spends, profits, u_spend, life.spend_scale(c.spend_rate, raised), raised, tenure)
        c.repeat_revenue += _book(rules, listed, time, c, row, log, fill)
        c.offered = 0
    c.due = time + purchase_gap(rules, u_gap, c.rate)


@njit
def _lives_alone(rules: Records) -> bool:
    """Whether nothing but its own purchases can happen to a customer between meetings, each answered at once."""
    rule = rules[0]
    return (
        (rule.lifetime == DROPOUT or rule.lifetime == DROPOUT_AT_ONCE)
        and rule.desk == 0
        and rule.satisfaction == 0
        and rule.referral_rate == 0.0
    )


@njit
def _buy_on(
    rules: Records, spends: Floats, hazards: Floats, profits: Floats, effect: float, quality: float, uplift: float,
    time: float, end: float, bounds: Floats, now: int, c: Record, table: Ints, log: Records, fill: Ints,
    replication: int, seed: int,
) -> float:  # fmt: skip
    """`_buy` again and again until `end`, for a customer that lives alone and without a log: what cannot change
    meanwhile is worked out once. Returns the time of the next event."""
    rule = rules[0]
    uid, rate, seen = c.uid, c.rate, c.seen
    last, unhappy = c.last_purchase, c.unhappy
    dropout = dropout_now(rules, hazards, c.dropout, seen + c.k, c.returns)
    organic = life.organic_chance(
        rules, dropout, organic_factor(rules, effect, c.response, c.contacted, c.member, c.satisfied)
    )
    failure = life.failure_probability(rules, rate, dropout) * quality
    raised = 1.0 + uplift if c.crossed != 0 else 1.0
    scale = life.spend_scale(c.spend_rate, raised)
    k, bought, revenue, margins = c.k, 0, 0, 0  # the last three since the period began
    asking = rule.asking_cents
    turn = bounds[now + 1]
    while time < end:
        if time >= turn:
            _book_many(bought, revenue, margins, asking, c, table[now])
            bought, revenue, margins = 0, 0, 0
            while time >= turn:
                now += 1
                turn = bounds[now + 1]
        k += 1
        u_gap, u_spend, failed, kind, fate = life.purchase(rules, organic, failure, 1.0, k, uid, replication, seed)
        cents, margin = life.paid(rules, life.amount(rules, spends, profits, u_spend, scale, raised, seen + k), 0)
        bought += 1
        revenue += cents
        margins += margin
        last = time
        unhappy = 0
        if failed:
            unhappy = _fail_alone(rules, kind, time, c, table[now], log, fill)
        if fate != life.KEEPS and _lose(rules, fate, k, time, c, table[now], log, fill, replication, seed):
            time = math.inf
            break
        time = time + purchase_gap(rules, u_gap, rate)
        c.due = time
    _book_many(bought, revenue, margins, asking, c, table[now])
    c.k = k
    c.last_purchase = last
    c.unhappy = unhappy
    return time


@njit
def _book_many(bought: int, revenue: int, margins: int, asking: int, c: Record, row: Ints) -> None:
    """Book the purchases of one customer in one period."""
    row[accounts.ACCOUNT_OF[accounts.PURCHASE]] += bought
    row[accounts.REVENUE] += revenue
    row[accounts.MARGIN] += margins
    row[accounts.SERVICE] += asking * bought
    c.revenue += revenue
    c.repeat_revenue += revenue
    c.margin += margins - asking * bought


@njit
def _fail_alone(rules: Records, kind: int, time: float, c: Record, row: Ints, log: Records, fill: Ints) -> int:
    """A failed purchase of a customer whose complaint, if it makes one, is answered at once: is it unhappy?"""
    c.unhappy = 1
    _note(accounts.FAILURE, 0, time, c, row, log, fill)
    if kind != life.NO_REPLY:
        _note(accounts.COMPLAINT, 0, time, c, row, log, fill)
        _answered(rules, kind, time, c, row, log, fill)
    else:
        row[accounts.TOLD_AGAINST] += rules[0].tells_against
    return c.unhappy


@njit
def _arrive(
    rules: Records, spends: Floats, hazards: Floats, profits: Floats, effect: float,
    time: float, c: Record, row: Ints, log: Records, fill: Ints, replication: int, seed: int,
) -> None:  # fmt: skip
    """A new customer's birth and first purchase, which neither fails nor, but in MBG/NBD, ends the relation."""
    c.state = ACTIVE
    _note(accounts.BIRTH, 0, time, c, row, log, fill)
    row[accounts.BIRTHS_PAID + c.origin - 1] += 1
    listed, u_gap, u_organic = life.first_amount(rules, spends, profits, c.spend_rate, c.uid, replication, seed)
    _book(rules, listed, time, c, row, log, fill)
    if (
        rules[0].lifetime == DROPOUT_AT_ONCE
        and u_organic < c.dropout
        and _lose(rules, life.LOST_ORGANIC, 0, time, c, row, log, fill, replication, seed)
    ):
        return
    c.due = time + purchase_gap(rules, u_gap, c.rate)
    if rules[0].lifetime == CLOCK:
        c.death_at = time + death_gap(hazard_of(rules, hazards, effect, c), 0, c.uid, replication, seed)
    c.referral_at = time + referral_gap(rules, c.member, c.satisfied, 0, c.uid, replication, seed)


@njit
def _die(
    rules: Records, hazards: Floats, effect: float, time: float, c: Record, row: Ints, log: Records, fill: Ints,
    replication: int, seed: int,
) -> None:  # fmt: skip
    """The end of a lifetime in time; one that a bond prevents begins anew."""
    if not _lose(rules, life.LOST_ORGANIC, life.DEATHS + c.lives, time, c, row, log, fill, replication, seed):
        c.lives += 1
        c.death_at = time + death_gap(hazard_of(rules, hazards, effect, c), c.lives, c.uid, replication, seed)


@njit
def _refer(rules: Records, time: float, c: Record, referrals: Records, fill: Ints, replication: int, seed: int) -> None:
    """A referral, made by those who are satisfied."""
    if c.unhappy == 0:
        line = referrals[fill[REFERRALS]]
        line.time = time
        line.uid = c.uid
        line.ordinal = c.referrals
        fill[REFERRALS] += 1
    c.referrals += 1
    c.referral_at = time + referral_gap(rules, c.member, c.satisfied, c.referrals, c.uid, replication, seed)


@njit
def advance(
    rules: Records, spends: Floats, hazards: Floats, profits: Floats, effect: float, quality: float, uplift: float,
    customers: Records, wake: Floats, first: int, offset: int, end: float, bounds: Floats, period: int, table: Ints,
    log: Records, complaints: Records, referrals: Records, fill: Ints, replication: int, seed: int,
) -> int:  # fmt: skip
    """Advance customers `first`, `first` + 1, ... to the time `end`; the number of customers when all are there.

    `wake` holds the time of each customer's next event. `bounds` are the period boundaries, `period` the one that the
    earliest event can fall in; `table` and the outboxes are written to. `offset` is the place of the chunk among all
    customers. Returns early, with the customer at which to go on, when an outbox is nearly full.
    """
    alone = log.size == 0 and _lives_alone(rules)
    for i in range(first, customers.size):
        time = wake[i]
        if time >= end:
            continue
        c = customers[i]
        now = period
        while time < end:
            if alone and c.state == ACTIVE:
                time = _buy_on(
                    rules, spends, hazards, profits, effect, quality, uplift, time, end, bounds, now, c, table, log,
                    fill, replication, seed,
                )  # fmt: skip
                break
            if (
                (log.size > 0 and fill[LOG] + _MOST_AT_ONCE > log.size)
                or fill[COMPLAINTS] + 1 > complaints.size
                or fill[REFERRALS] + 1 > referrals.size
            ):
                wake[i] = time
                return i
            while time >= bounds[now + 1]:
                now += 1
            row = table[now]
            if c.state == UNBORN:
                _arrive(rules, spends, hazards, profits, effect, time, c, row, log, fill, replication, seed)
            elif c.due <= time:
                _buy(
                    rules, spends, hazards, profits, effect, quality, uplift, time, offset + i, c, row, log, complaints,
                    fill, replication, seed,
                )  # fmt: skip
            elif c.referral_at <= time:
                _refer(rules, time, c, referrals, fill, replication, seed)
            else:
                _die(rules, hazards, effect, time, c, row, log, fill, replication, seed)
            time = next_event(c)
        wake[i] = time
    return customers.size
