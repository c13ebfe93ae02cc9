"""How satisfied a customer is, and what that does: expectation, disconfirmation, equity, justice of recovery.

Satisfaction s runs from -1 to 1, 0 being neither. Quality, expectation and their gap are in standard deviations of
experience. At a purchase with quality q (lower by a drop where it failed) and expectation e:

    gap  = q - e, cut by the zone of indifference on both sides, a shortfall times the asymmetry   (Oliver 1980)
    fair = (1 + g q)/price paid - the reference group's ratio                            (equity: outcome over input)
    s'   = carry s + (1 - carry)(a gap + b fair), kept between -1 and 1
    e'   = e + learning (q - e)

A complaint's answer adds what is paid back (distributive justice), how fast (procedural) and by whom (interactional).
Satisfaction acts through factors e^(w s), each with a weight w that is 0 unless set; a factor of weight 0 is exactly 1.
"""

from __future__ import annotations

import math

from churnsim.kernels.engine.records import Records
from churnsim.kernels.numerics.exponential import exponential
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.kernels.numerics.philox import block, block_of_five
from churnsim.kernels.numerics.quantiles import normal_quantile
from churnsim.kernels.numerics.rng_streams import COMPLAINT, PURCHASE, SIMULATION

_QUICK, _UNRESOLVED = 0, 2  # kinds of reply, as in `event_rules.py`, which stands above this file


@inlined
def _bounded(s: float) -> float:
    return max(-1.0, min(1.0, s))


@inlined
def disconfirmed(gap: float, zone: float, asymmetry: float) -> float:
    """A gap between perceived and expected quality as it is felt: nothing inside the zone of indifference, a shortfall
    `asymmetry` times as strongly as an excess."""
    return max(gap - zone, 0.0) + asymmetry * min(gap + zone, 0.0)  # of which one is 0; no branch to mispredict


@rule
def perceived(rules: Records, failure: float, k: int, uid: int, replication: int, seed: int) -> float:
    """Quality of the k-th purchase, which fails with chance `failure`: the same word decides it as in
    `event_rules.purchase`."""
    _, _, u_failure, _, u_quality = block_of_five(k, PURCHASE, uid, replication, seed, SIMULATION)
    return quality_of(rules, u_quality, u_failure < failure)


@inlined
def quality_of(rules: Records, u_quality: float, failed: bool) -> float:
    """Quality of a purchase with the uniform `u_quality`."""
    rule = rules[0]
    quality = rule.quality_mean + rule.quality_spread * normal_quantile(u_quality)
    return quality - rule.failure_drop if failed else quality


@inlined
def after_purchase(rules: Records, expected: float, satisfied: float, quality: float) -> tuple[float, float]:
    """(expectation, satisfaction) after a purchase of perceived `quality`."""
    rule = rules[0]
    felt = rule.disconfirmation * disconfirmed(quality - expected, rule.indifference, rule.asymmetry)
    # Off by default: the division and the product are left out.
    if rule.equity != 0.0:
        # Nobody gets less than nothing for its money.
        outcome = max(0.0, 1.0 + rule.outcome_per_quality * quality)
        felt = felt + rule.equity * (outcome / rule.price - rule.reference_ratio)
    satisfied = _bounded(rule.carry * satisfied + (1.0 - rule.carry) * felt)
    return expected + rule.learning * (quality - expected), satisfied


@rule
def after_answer(rules: Records, satisfied: float, kind: int, k: int, uid: int, replication: int, seed: int) -> float:
    """Satisfaction after the complaint about purchase k was answered."""
    rule = rules[0]
    _, u_kind, _, _ = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    # More than a full amends adds nothing.
    amends = min(1.0, rule.complaint_cents / rule.fair_cents) if rule.fair_cents > 0 else 0.0
    speed = 0.0
    if kind == _QUICK:
        speed = 1.0
    elif kind == _UNRESOLVED:
        speed = -1.0
    person = 1.0 if u_kind < rule.at_once else 0.0  # settled on the spot, by somebody who may
    return _bounded(satisfied + rule.distributive * amends + rule.procedural * speed + rule.interactional * person)


@inlined
def satisfaction_factor(weight: float, satisfied: float) -> float:
    """What satisfaction does to a rate, a probability or an amount: e^(weight satisfied), exactly 1 at weight 0."""
    return exponential(weight * satisfied) if weight != 0.0 else 1.0


@inlined
def satisfaction_factor_ratio(weight: float, before: float, after: float) -> float:
    """`satisfaction_factor` of satisfaction `before` over that of `after`, at the price of one exponential."""
    return exponential(weight * (before - after))


@rule
def people_told(people: int, weight: float, satisfied: float) -> int:
    """How many people a customer tells: `people` for one who is neither, rounded half up."""
    return people if weight == 0.0 else math.floor(people * math.exp(weight * satisfied) + 0.5)
