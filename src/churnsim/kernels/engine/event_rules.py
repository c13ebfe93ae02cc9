"""What happens to a customer: the rules of a purchase, a reply, a loss. Every engine calls these; an engine itself is
only a clock.

A rule gets its randomness by address, never by state: the block of (ordinal, stream, uid, replication, seed). All
are scalar and pure, so that two engines that call them with the same arguments get the same bits. `event_times.py` says
when things happen.

A further mechanism is a field of `Rules` that is neutral by default, a rule here (one word a decision, from a stream
of its own if the four words of the event are taken), and a call at the same place in both engines: where a customer
buys, is answered, is lost or comes back (`simpy_engine.py`; for the compiled one
`purchase_event.py`, `event_loop.py`, `ledger_updates.py`, `fast_path.py`, `population_ops.py`).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.engine.records import BY_TENURE, CLOCK, FIXED_SPEND, Records
from churnsim.kernels.numerics.jit import inlined, njit, rule
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantile_tables import gamma_draw
from churnsim.kernels.numerics.rng_streams import COMPLAINT, LOSS, PURCHASE, SIMULATION, WIN_BACK
from churnsim.typing import Floats

# What a purchase or a reply leads to.
KEEPS, LOST_ORGANIC, LOST_FAILURE, LOST_COMPLAINT, AWAITS, LOST_DISMISSED = 0, 1, 2, 3, 4, 5
# How a complaint is answered; by a desk that is too late too, as if nobody had (`reply_kind`).
NO_REPLY, QUICK, SLOW, UNRESOLVED = -1, 0, 1, 2
# Where a lost customer goes.
NOWHERE, EVAPORATES, SWITCHES, HELD = 0, 1, 2, 3
DEATHS = 1 << 32  # ordinals of losses by a clock begin here, those of losses at a purchase are its number


@inlined
def failure_probability(rules: Records, rate: float, dropout: float) -> float:
    """f: the chance that a purchase fails, such that failures cause the share phi of this customer's dropout.

    f = phi p/D0 where a purchase ends the relation with p; for a hazard mu in time f = phi mu/(lambda D0), at most 1.
    """
    rule = rules[0]
    # Without failures leave_after_failure may be 0: no division by it.
    if rule.failure_share == 0.0:
        return 0.0
    # Purchases come at `rate`, so failures cause the hazard f rate D0: the share phi of mu.
    if rule.lifetime == CLOCK:
        return min(rule.failure_share * dropout / (rate * rule.leave_after_failure), 1.0) if rate > 0.0 else 0.0
    return rule.failure_share * dropout / rule.leave_after_failure


@inlined
def organic_probability(dropout: float, failure_share: float) -> float:
    """o = p (1 - phi)/(1 - phi p): with failure losses phi p first, one purchase loses the customer with p exactly."""
    # A customer with p = 1 of which failures cause everything has left already: any value will do.
    below = 1.0 - failure_share * dropout
    return dropout * (1.0 - failure_share) / below if below > 0.0 else 1.0


@inlined
def organic_chance(rules: Records, dropout: float, factor: float) -> float:
    """Chance that a purchase which does not lose the customer by a failure is its last; `factor` is what the firm does
    to it. Nil where lifetimes have a clock."""
    rule = rules[0]
    return 0.0 if rule.lifetime == CLOCK else organic_probability(dropout, rule.failure_share) * factor


@rule
def _stay(rules: Records, kind: int) -> float:
    """P(stays | failure, complaint answered so): of `Complaints`, the market's. No answer at all is UNRESOLVED."""
    rule = rules[0]
    if kind == QUICK:
        return rule.stay_quick
    return rule.stay_slow if kind == SLOW else rule.stay_unresolved


@inlined
def amount(rules: Records, spends: Floats, profits: Floats, u: float, scale: float, factor: float, k: int) -> int:
    """List price of the k-th purchase in cents, rounded half up: Gamma(shape, rate nu), a fixed amount, or the profit
    of the k-th year of a relation (its last one from then on)."""
    rule = rules[0]
    # floor(x + 1/2), not round(): halves go up whatever the number, in compiled code and in plain Python.
    if rule.spending == BY_TENURE:
        return math.floor(profits[min(k, profits.size - 1)] * factor * 100.0 + 0.5)
    if rule.spending == FIXED_SPEND:
        return math.floor(rule.fixed_spend * factor * 100.0 + 0.5)
    return math.floor(gamma_draw(spends, u, rule.spend_shape) * scale + 0.5)


@inlined
def spend_scale(spend_rate: float, factor: float) -> float:
    """Cents by which a unit gamma draw is multiplied: the customer's 1/nu, raised by `factor`."""
    return factor * 100.0 / spend_rate


@rule
def first_amount(
    rules: Records, spends: Floats, profits: Floats, spend_rate: float, uid: int, replication: int, seed: int
) -> tuple[int, float, float]:
    """The purchase with which a new customer arrives: (list price in cents, word of the gap after it, word of
    dropout). It does not fail."""
    u_gap, u_spend, _, u_organic = block(0, PURCHASE, uid, replication, seed, SIMULATION)
    return amount(rules, spends, profits, u_spend, spend_scale(spend_rate, 1.0), 1.0, 0), u_gap, u_organic


@inlined
def paid(rules: Records, listed: int, offered: int) -> tuple[int, int]:
    """What the customer pays of a list price and what it contributes, cents: a price off is taken from both. One who
    renews with an offer (`offered` not 0) pays its price."""
    rule = rules[0]
    price = rule.price if offered == 0 else rule.price * rule.offer_price
    # At the list price nothing is rounded again.
    cents = listed if price == 1.0 else math.floor(listed * price + 0.5)
    # Profits by tenure are contributions already.
    margin = listed if rule.spending == BY_TENURE else margin_of(listed, rule.margin)
    return cents, margin - (listed - cents)


@inlined
def purchase(
    rules: Records,
    organic: float,
    failure: float,
    complains: float,
    k: int,
    uid: int,
    replication: int,
    seed: int,
) -> tuple[float, float, bool, int, int]:
    """The customer's k-th purchase: (word of the gap after it, word of its spend, failed, reply kind, what it leads
    to).

    `failure` is the chance that it fails, `organic` that of dropout by itself; `complains` multiplies the chance to
    complain. With a desk a complaint AWAITS its reply, unless empowered staff settle it at once; without one the
    market's own handling answers at once. One word a decision: gap, spend, failure, organic dropout from the purchase's
    block; complaint, kind of reply, stay from the complaint's. The stay word serves silent and complaining customers
    alike, so a customer that would stay without a word also stays after a reply that is at least as likely to keep it.
    """
    u_gap, u_spend, u_failure, u_organic = block(k, PURCHASE, uid, replication, seed, SIMULATION)
    # Decided before the failure is looked at: a failure that loses nobody leaves this as it was.
    outcome = LOST_ORGANIC if u_organic < organic else KEEPS
    if u_failure >= failure:
        return u_gap, u_spend, False, NO_REPLY, outcome
    kind, outcome = failed_purchase(rules, outcome, complains, k, uid, replication, seed)
    return u_gap, u_spend, True, kind, outcome


@rule
def failed_purchase(
    rules: Records, otherwise: int, complains: float, k: int, uid: int, replication: int, seed: int
) -> tuple[int, int]:
    """(reply kind, outcome) of a k-th purchase that failed. The outcome is `otherwise`, that of a purchase that did not
    fail, unless the failure or the answer to the complaint loses the customer."""
    rule = rules[0]
    u_complaint, u_kind, _, u_stay = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    # Silent: nobody hears of the failure, and it is the failure that loses the customer.
    if u_complaint >= rule.complaint_probability * complains:
        return NO_REPLY, otherwise if u_stay < rule.silent_stay else LOST_FAILURE
    # One uniform is cut into staff on the spot, quick, late and unresolved: more of the first take from all others.
    kind = UNRESOLVED
    if u_kind < rule.at_once:
        kind = QUICK
    elif rule.desk:
        return NO_REPLY, AWAITS
    else:
        # The market answers the rest in the same proportions as without empowered staff.
        rest = 1.0 - rule.at_once
        if u_kind < rule.at_once + rest * rule.quick_share:
            kind = QUICK
        elif u_kind < rule.at_once + rest * (rule.quick_share + rule.slow_share):
            kind = SLOW
    # Without a desk a bad answer loses the customer here; with one in `reply`.
    if u_stay >= _stay(rules, kind):
        return kind, LOST_COMPLAINT
    return kind, otherwise


@rule
def reply_kind(rules: Records, waited: float) -> int:
    """Quick, slow or unresolved: by the time from the complaint to the end of the clerk's work."""
    rule = rules[0]
    if waited <= rule.quick_within:
        return QUICK
    return SLOW if waited <= rule.slow_within else UNRESOLVED


@rule
def reply(
    rules: Records, organic: float, kind: int, k: int, uid: int, replication: int, seed: int
) -> tuple[float, float, int]:
    """The desk's answer to the complaint about purchase k: (word of the gap after it, word of its spend, what it leads
    to). A customer whom it keeps may still drop out by itself, with the chance `organic`."""
    u_gap, u_spend, _, u_organic = block(k, PURCHASE, uid, replication, seed, SIMULATION)
    _, _, _, u_stay = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    # An answer may lose the customer; only then comes dropout by itself, as after any other purchase.
    if u_stay >= _stay(rules, kind):
        return u_gap, u_spend, LOST_COMPLAINT
    return u_gap, u_spend, LOST_ORGANIC if u_organic < organic else KEEPS


@rule
def destination(rules: Records, ordinal: int, uid: int, replication: int, seed: int) -> int:
    """Where a customer goes that is about to be lost at purchase number `ordinal`, or in life number `ordinal` -
    DEATHS: it EVAPORATES, SWITCHES to a competitor, or would switch and is HELD by what switching costs it."""
    rule = rules[0]
    # Without competitors no number is drawn.
    if rule.switch_share == 0.0:
        return EVAPORATES
    u_switch, u_held, _, _ = block(ordinal, LOSS, uid, replication, seed, SIMULATION)
    if u_switch >= rule.switch_share:
        return EVAPORATES
    # Bonds hold only those who would go to somebody else, not those who stop buying.
    return HELD if u_held < rule.switching_cost else SWITCHES


@rule
def comes_back(rules: Records, since: float, attempt: int, uid: int, replication: int, seed: int) -> tuple[bool, float]:
    """Whether contact number `attempt` brings back a customer lost `since` ago: (it does, word of the gap to its next
    purchase)."""
    u_success, _, u_gap, _ = block(attempt, WIN_BACK, uid, replication, seed, SIMULATION)
    return u_success < _chance_back(rules, since), u_gap


@inlined
def _chance_back(rules: Records, since: float) -> float:
    rule = rules[0]
    # Halves with each half-life since the loss.
    return rule.win_back_success * math.exp(-math.log(2.0) * since / rule.win_back_half_life)


@njit
def chances_back(rules: Records, since: Floats) -> Floats:
    """The chances that a contact brings back customers lost so long ago."""
    chances = np.empty(since.size)
    for i in range(since.size):
        chances[i] = _chance_back(rules, since[i])
    return chances


@rule
def margin_of(cents: int, share: float) -> int:
    """Contribution of a purchase in cents, rounded half up."""
    return math.floor(cents * share + 0.5)
