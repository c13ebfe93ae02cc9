"""What an event changes in the customer's record, the period's row of the ledger and the log (compiled engine)."""

from __future__ import annotations

import numpy as np

from churnsim.kernels.engine import event_rules
from churnsim.kernels.engine import ledger_accounts as accounts
from churnsim.kernels.engine.arguments import Buffers
from churnsim.kernels.engine.records import LOST, UNITS_PER_CENT, Record, Records
from churnsim.kernels.engine.satisfaction import people_told
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.typing import Floats, Ints

# Places in `fill`, which says how full each buffer is, and the lines of each.
LOG, COMPLAINTS, REFERRALS = 0, 1, 2
LOG_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("kind", np.int64), ("cents", np.int64)])
COMPLAINT_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("customer", np.int64)])
REFERRAL_LINE = np.dtype([("time", np.float64), ("uid", np.int64), ("ordinal", np.int64)])


@inlined
def note(kind: int, cents: int, time: float, c: Record, row: Ints, buffers: Buffers) -> None:
    """Count an event, and log it where there is a log."""
    row[accounts.ACCOUNT_OF[kind]] += 1
    if buffers.log.size > 0:
        line = buffers.log[buffers.fill[LOG]]
        line.time = time
        line.uid = c.uid
        line.kind = kind
        line.cents = cents
        buffers.fill[LOG] += 1


@inlined
def book(rules: Records, listed: int, time: float, c: Record, row: Ints, buffers: Buffers) -> int:
    """Book a purchase at list price `listed` (cents); returns the cents that the customer paid."""
    rule = rules[0]
    cents, margin = event_rules.paid(rules, listed, c.offered)
    note(accounts.PURCHASE, cents, time, c, row, buffers)
    row[accounts.REVENUE] += cents
    row[accounts.MARGIN] += margin
    # Every buyer is asked, so that the question costs also where all went well.
    row[accounts.SERVICE] += rule.asking_cents
    c.revenue += cents
    c.account += (margin - rule.asking_cents) * UNITS_PER_CENT
    c.last_purchase = time
    return cents


@rare
def lose(
    rules: Records, outcome: int, ordinal: int, time: float, c: Record, row: Ints, buffers: Buffers,
    replication: int, seed: int,
) -> bool:  # fmt: skip
    """Lose the customer for the reason `outcome`, unless switching costs hold it; returns whether it is lost."""
    goes = event_rules.destination(rules, ordinal, c.uid, replication, seed)
    # Nothing has happened to it: no event is noted.
    if goes == event_rules.HELD:
        return False
    c.state = LOST
    c.cause = outcome
    c.destination = goes
    c.due = time  # of a lost customer the time of its loss, which win-back needs
    # Counted as it goes: counting members at each review would read every record.
    row[accounts.MEMBERS] -= c.member
    if goes == event_rules.SWITCHES:
        row[accounts.LOSSES_SWITCHED] += 1
    note(accounts.LOST + outcome - event_rules.LOST_ORGANIC, 0, time, c, row, buffers)
    return True


@rare
def answered(rules: Records, kind: int, time: float, c: Record, row: Ints, buffers: Buffers) -> None:
    """Book the answer to a complaint: its cost, whom the customer tells, and whether it is still unhappy."""
    rule = rules[0]
    row[accounts.RECOVERY] += rule.complaint_cents
    c.account -= rule.complaint_cents * UNITS_PER_CENT
    mouth = rule.word_of_mouth_effect
    # An answer that resolves nothing is told like no answer.
    if kind == event_rules.UNRESOLVED:
        row[accounts.TOLD_AGAINST] += people_told(rule.tells_against, -mouth, c.satisfied)
    else:
        c.unhappy = 0
        row[accounts.TOLD_FOR] += people_told(rule.tells_for, mouth, c.satisfied)
    note(accounts.REPLY + kind, 0, time, c, row, buffers)


@rule
def early_first(times: Floats, lines: Ints, number: int, before: float) -> int:
    """Put those of a buffer's first `number` `lines` first whose time is `before` that; how many they are. `times` are
    the same lines, of which column 0 is the time, as numbers with a fraction."""
    early = 0
    for j in range(number):
        if times[j, 0] < before:
            # Lines are exchanged in place: a copy of a full buffer would cost more than the few that move.
            for column in range(lines.shape[1]):
                value = lines[early, column]
                lines[early, column] = lines[j, column]
                lines[j, column] = value
            early += 1
    return early
