"""Updates of a record's satisfaction and of the event times that depend on it (compiled engine only).

The formulas are those of `kernels/engine/satisfaction.py`."""

from __future__ import annotations

from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.event_times import dropout_now, moved_death, organic_factor, organic_hazard, rescaled
from churnsim.kernels.engine.records import CLOCK, Record, Records
from churnsim.kernels.engine.satisfaction import after_answer, after_purchase, quality_of, satisfaction_factor_ratio
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.typing import Floats


@rule
def hazard_of(rules: Records, hazards: Floats, effect: float, c: Record) -> float:
    """Present organic hazard of a lifetime in time, per time unit."""
    now = organic_factor(rules, effect, c)
    return organic_hazard(rules, c.rate, dropout_now(rules, hazards, c.dropout, c.seen + c.k, c.returns), now)


@inlined
def _set_satisfaction(tables: Tables, effect: float, satisfied: float, time: float, i: int, c: Record) -> None:
    """Set satisfaction of customer i to `satisfied` at `time` (model units) and reschedule the event times that depend
    on it."""
    rules, hazards = tables.rules, tables.hazards
    rule = rules[0]
    # Both hazards are needed only where satisfaction acts on a lifetime in time: an exponential each.
    clock = rule.lifetime == CLOCK and rule.dropout_effect != 0.0
    before = hazard_of(rules, hazards, effect, c) if clock else 0.0
    # What is left of the wait for the next referral runs at the new rate; nothing is drawn again.
    if rule.referral_effect != 0.0:
        slower = satisfaction_factor_ratio(rule.referral_effect, c.satisfied, satisfied)
        c.referral_at = rescaled(c.referral_at, time, slower, 1.0)
    c.satisfied = satisfied
    if clock:
        c.death_at = moved_death(tables.leaving, c.death_at, time, before, hazard_of(rules, hazards, effect, c), i)


@inlined
def apply_purchase_quality(
    tables: Tables, effect: float, u_quality: float, failed: bool, time: float, i: int, c: Record
) -> None:
    """Update expectation and satisfaction by the quality of the purchase at `time` (uniform `u_quality`)."""
    expected, satisfied = after_purchase(
        tables.rules, c.expected, c.satisfied, quality_of(tables.rules, u_quality, failed)
    )
    c.expected = expected
    _set_satisfaction(tables, effect, satisfied, time, i, c)


@rule
def apply_reply(
    tables: Tables, effect: float, kind: int, time: float, i: int, c: Record, replication: int, seed: int
) -> None:
    """Update satisfaction by the answer of `kind` to the complaint about purchase k, at `time`."""
    satisfied = after_answer(tables.rules, c.satisfied, kind, c.k, c.uid, replication, seed)
    _set_satisfaction(tables, effect, satisfied, time, i, c)
