"""A record's satisfaction as it changes, and the clocks that change with it; the compiled engine's side of
`kernels/engine/satisfaction.py`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.kernels.engine.event_times import dropout_now, organic_factor, organic_hazard, rescaled
from churnsim.kernels.engine.records import CLOCK, Record, Records
from churnsim.kernels.engine.satisfaction import after_answer, after_purchase, quality_of, satisfaction_factor_ratio
from churnsim.kernels.numerics.jit import inlined, rule

__all__ = ["apply_purchase_quality", "apply_reply", "hazard_of"]

Floats = NDArray[np.float64]


@rule
def hazard_of(rules: Records, hazards: Floats, effect: float, c: Record) -> float:
    """Organic hazard of a lifetime in time, as things stand."""
    now = organic_factor(rules, effect, c.response, c.contacted, c.member, c.satisfied)
    return organic_hazard(rules, c.rate, dropout_now(rules, hazards, c.dropout, c.seen + c.k, c.returns), now)


@inlined
def _set_satisfaction(rules: Records, hazards: Floats, effect: float, satisfied: float, time: float, c: Record) -> None:
    """Be `satisfied` from `time` on: what is left of the customer's clocks runs at its new rates."""
    rule = rules[0]
    clock = rule.lifetime == CLOCK and rule.dropout_effect != 0.0
    before = hazard_of(rules, hazards, effect, c) if clock else 0.0
    if rule.referral_effect != 0.0:
        slower = satisfaction_factor_ratio(rule.referral_effect, c.satisfied, satisfied)
        c.referral_at = rescaled(c.referral_at, time, slower, 1.0)
    c.satisfied = satisfied
    if clock:
        c.death_at = rescaled(c.death_at, time, before, hazard_of(rules, hazards, effect, c))


@inlined
def apply_purchase_quality(
    rules: Records, hazards: Floats, effect: float, u_quality: float, failed: bool, time: float, c: Record
) -> None:
    """What the purchase that the customer is about to make is like, and how it leaves it."""
    expected, satisfied = after_purchase(rules, c.expected, c.satisfied, quality_of(rules, u_quality, failed))
    c.expected = expected
    _set_satisfaction(rules, hazards, effect, satisfied, time, c)


@rule
def apply_reply(
    rules: Records, hazards: Floats, effect: float, kind: int, time: float, c: Record, replication: int, seed: int
) -> None:
    """How the answer to its complaint leaves the customer."""
    _set_satisfaction(
        rules, hazards, effect, after_answer(rules, c.satisfied, kind, c.k, c.uid, replication, seed), time, c
    )
