"""When things happen to a customer: gaps between purchases, the end of a life, referrals, replies.

Purchase and death clocks are unit-exponential clocks in changed time: a factor on a rate rescales what is left of one
and draws nothing new. A calendar rescales the time in which they run (`clock_table.py`).
"""

from __future__ import annotations

import math

from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.buying_clock import moved_purchase, stretched
from churnsim.kernels.engine.clock_table import ClockTable, in_common_time, in_time, on_clock, on_common_clock, on_grid
from churnsim.kernels.engine.event_rules import failure_probability
from churnsim.kernels.engine.records import ACTIVE, CLOCK, CONTRACT, LOST, Record, Records
from churnsim.kernels.engine.satisfaction import satisfaction_factor
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantile_tables import erlang_draw
from churnsim.kernels.numerics.quantiles import exponential_quantile, exponential_survival, gamma_quantile
from churnsim.kernels.numerics.rng_streams import ARRIVALS, COMPLAINT, DEATH, PURCHASE, REFERRAL, SIMULATION
from churnsim.kernels.numerics.special import lower_gamma
from churnsim.typing import Floats

AHEAD = 4  # customers whose records are on their way from memory
_SLOWEST = 1e-9  # a factor on a clock stays above this, so that what is left of it is not lost


@inlined
def purchase_gap(rules: Records, gaps: Floats, u: float, rate: float) -> float:
    """Time to the next purchase at probability u: exponential, Erlang-k with the same mean from its table `gaps`, or
    the contract's term."""
    rule = rules[0]
    if rule.lifetime == CONTRACT:
        return rule.term
    # Who never buys has no next purchase; a division by 0 would be a NaN further on.
    if rate <= 0.0:
        return math.inf
    # Exponential gaps need no table, and most markets have them.
    if rule.regularity == 1.0:
        return exponential_survival(u) / rate
    return erlang_draw(gaps, u, rule.regularity) / (rule.regularity * rate)


@inlined
def next_purchase(tables: Tables, u: float, rate: float, time: float, clocks: Floats, i: int) -> float:
    """When the purchase after one at `time` comes, by the market's buying clock, or that of customer i, and what lifts
    its buying, where there are `clocks`."""
    return purchase_at(tables, purchase_gap(tables.rules, tables.gaps, u, rate), time, clocks, i)


@inlined
def purchase_at(tables: Tables, gap: float, time: float, clocks: Floats, i: int) -> float:
    """`next_purchase` at the end of a `gap` that is drawn already."""
    buying = tables.buying
    # Clocks are apart: what they need would have to be kept at hand at every event, also of markets without any.
    if buying.knots.shape[0] == 0 and buying.own.shape[0] == 0 and clocks.shape[0] == 0:
        return time + gap
    return _on_clocks(buying, tables.lifts, gap, time, clocks, i)


@rare
def _on_clocks(buying: ClockTable, lifts: Floats, gap: float, time: float, clocks: Floats, i: int) -> float:
    """When a `gap` that begins at `time` has passed on customer i's clock; not before `time`, whatever is rounded."""
    now = on_clock(buying, time, i)
    if clocks.shape[0] > 0:
        gap = stretched(lifts, gap, now, clocks[i])
    elif buying.own.shape[0] == 0:
        return max(time, in_common_time(buying, on_grid(buying, on_grid(buying, now) + gap)))
    return max(time, in_time(buying, now + gap, i))


@inlined
def shown(tables: Tables, time: float, clocks: Floats) -> float:
    """What the market's buying clock shows at a purchase at `time`, on the grid where no customer's clock runs on
    it."""
    now = on_common_clock(tables.buying, time)
    return now if clocks.shape[0] > 0 else on_grid(tables.buying, now)


@inlined
def purchase_after(
    tables: Tables, u: float, rate: float, time: float, now: float, clocks: Floats, i: int
) -> tuple[float, float]:
    """`next_purchase` after one at `time`, at which the market's clock, common to all, has `shown` `now`; and what it
    shows then."""
    gap = purchase_gap(tables.rules, tables.gaps, u, rate)
    if clocks.shape[0] > 0:
        due = max(time, in_common_time(tables.buying, now + stretched(tables.lifts, gap, now, clocks[i])))
        return due, on_common_clock(tables.buying, due)
    reached = on_grid(tables.buying, now + gap)
    # Not before `time`, whatever is rounded.
    return max(time, in_common_time(tables.buying, reached)), reached


@inlined
def lifted_purchase(tables: Tables, kind: int, by: float, time: float, due: float, clocks: Floats, i: int) -> float:
    """When a purchase of customer i comes that was `due`, after something of this `kind` (`buying_clock`) can lift its
    buying by `by` at `time`; infinity where none is due yet. Without an effect where that kind is off."""
    layer = tables.layers[kind]
    if layer < 0:
        return due
    was = on_clock(tables.buying, due, i)
    moved = moved_purchase(tables.lifts, clocks[i], layer, by, on_clock(tables.buying, time, i), was)
    return due if moved == was else max(time, in_time(tables.buying, moved, i))


@rule
def starting_gap(
    rules: Records, gaps: Floats, rate: float, silence: float, uid: int, replication: int, seed: int
) -> float:
    """Time from 0 to the first purchase of a customer that was last seen `silence` ago: given that it has not bought
    since then. Memoryless where gaps are exponential; a contract's term runs from its last renewal."""
    rule = rules[0]
    u, _, _, _ = block(0, PURCHASE, uid, replication, seed, SIMULATION)
    if rule.lifetime == CONTRACT:
        # Renewals lie at whole terms after the last one; one that is due right now has been made.
        left = (math.floor(silence / rule.term) + 1.0) * rule.term - silence
        return left if left > 0.0 else rule.term
    if rule.regularity == 1.0 or rate <= 0.0 or silence <= 0.0:
        return purchase_gap(rules, gaps, u, rate)
    scale = rule.regularity * rate
    # The gap is longer than the silence: its quantile among those that are, less what has passed.
    gone = lower_gamma(rule.regularity, silence * scale)
    # Below 1, whose quantile is infinite.
    given = min(gone + u * (1.0 - gone), 0.9999999999999999)
    return max(gamma_quantile(given, rule.regularity) / scale - silence, 0.0)


@rule
def first_due(tables: Tables, rate: float, last: float, i: int, uid: int, replication: int, seed: int) -> float:
    """When customer i that last bought at `last`, at most 0, buys for the first time after 0."""
    silence = -on_clock(tables.buying, last, i)
    return in_time(tables.buying, starting_gap(tables.rules, tables.gaps, rate, silence, uid, replication, seed), i)


@inlined
def dropout_now(rules: Records, hazards: Floats, dropout: float, k: int, returns: int) -> float:
    """The dropout probability (or hazard) that holds at purchase or renewal k of a relation: the customer's own, or
    what its multiplier makes of the hazard of that tenure; higher in a second life."""
    rule = rules[0]
    now = dropout * rule.second_life_factor if returns > 0 else dropout
    # Tenures beyond the last hazard keep it.
    if rule.lifetime == CONTRACT and hazards.size > 0:
        return proportional(hazards[max(0, min(k, hazards.size) - 1)], now)
    return now if rule.lifetime == CLOCK else min(now, 1.0)


@inlined
def proportional(hazard: float, multiplier: float) -> float:
    """1 - (1 - h)^m: the chance to leave at a renewal of one whose cumulative hazard is `multiplier` times that of a
    customer who leaves with `hazard`, as in Cox's model."""
    # Exactly the hazard, without a logarithm and its rounding.
    if multiplier == 1.0:
        return hazard
    if multiplier <= 0.0 or hazard <= 0.0:
        return 0.0
    return 1.0 if hazard >= 1.0 else -math.expm1(multiplier * math.log1p(-hazard))


@rule
def response_of(rules: Records, u: float) -> float:
    """How a customer takes contacts, as a multiple of the market's effect: -1 where they harm, else around 1."""
    rule = rules[0]
    # The lowest uniforms are harmed; those of the others spread evenly about 1, so that their mean stays.
    if u < rule.harmed_share:
        return -1.0
    if rule.response_spread == 0.0 or rule.harmed_share >= 1.0:
        return 1.0
    return 1.0 + rule.response_spread * (2.0 * (u - rule.harmed_share) / (1.0 - rule.harmed_share) - 1.0)


@inlined
def contact_factor(effect: float, response: float) -> float:
    """Factor on organic dropout of a contacted customer: lower by `effect` times its response, never below 0."""
    return max(0.0, 1.0 - effect * response)


@inlined
def offered_factor(rules: Records, factor: float, response: float, offered: int) -> float:
    """`factor` on organic dropout, and what an offer for the renewal does to it: as a contact of that effect."""
    return factor if offered == 0 else factor * contact_factor(rules[0].offer_effect, response)


@inlined
def organic_factor(rules: Records, effect: float, c: Record) -> float:
    """What the firm does to a customer's organic dropout: contacts and bonds, and how satisfied it left it. `c` is its
    record, or a `DropoutState`."""
    rule = rules[0]
    factor = firm_factor(rules, effect, c)
    if rule.dropout_effect != 0.0:
        factor = factor * satisfaction_factor(rule.dropout_effect, c.satisfied)
    return factor


@inlined
def firm_factor(rules: Records, effect: float, c: Record) -> float:
    """`organic_factor` without the effect of satisfaction."""
    rule = rules[0]
    # What holds for everybody, then for the contacted, then for members: the order fixes the last bits.
    factor = rule.organic_factor
    if c.contacted != 0:
        factor = factor * contact_factor(effect, c.response)
    if c.member != 0:
        factor = factor * rule.member_factor
    return factor


@rule
def organic_hazard(rules: Records, rate: float, dropout: float, factor: float) -> float:
    """Hazard of a death by itself, for a lifetime in time: what failures do not cause, mu - f lambda D0, times
    `factor`."""
    rule = rules[0]
    caused = failure_probability(rules, rate, dropout) * rate * rule.leave_after_failure
    # Where f was cut at 1 failures may cause more than all of the hazard.
    return max(0.0, dropout - caused) * max(factor, _SLOWEST)


@rule
def death_gap(hazard: float, life: int, uid: int, replication: int, seed: int) -> float:
    """Length of a customer's life number `life` at `hazard`."""
    u, _, _, _ = block(life, DEATH, uid, replication, seed, SIMULATION)
    return exponential_quantile(u) / hazard if hazard > 0.0 else math.inf


@inlined
def rescaled(at: float, now: float, before: float, after: float) -> float:
    """When a clock that would end `at` ends after its hazard changed from `before` to `after` at `now`."""
    return now + (at - now) * (before / after) if after > 0.0 and at < math.inf else at


@inlined
def moved_death(leaving: ClockTable, at: float, now: float, before: float, after: float, i: int) -> float:
    """`rescaled`, of the end of the life of customer i on the leaving clock."""
    if leaving.knots.shape[0] == 0:
        return max(now, rescaled(at, now, before, after))
    return _moved_on_clock(leaving, at, now, before, after, i)


@rare
def _moved_on_clock(leaving: ClockTable, at: float, now: float, before: float, after: float, i: int) -> float:
    left = rescaled(on_clock(leaving, at, i), on_clock(leaving, now, i), before, after)
    return max(now, in_time(leaving, left, i))


@rule
def referral_gap(rules: Records, member: int, satisfied: float, k: int, uid: int, replication: int, seed: int) -> float:
    """Time before a customer's k-th referral."""
    rule = rules[0]
    # The reward is in the rate already.
    rate = rule.referral_rate * (rule.member_referral_factor if member != 0 else 1.0)
    if rule.referral_effect != 0.0:
        rate = rate * satisfaction_factor(rule.referral_effect, satisfied)
    if rate <= 0.0:
        return math.inf
    u, _, _, _ = block(k, REFERRAL, uid, replication, seed, SIMULATION)
    return exponential_quantile(u) / rate


@rule
def service_time(mean: float, k: int, uid: int, replication: int, seed: int) -> float:
    """How long a clerk works on the complaint about purchase k: exponential with the given mean."""
    _, _, u, _ = block(k, COMPLAINT, uid, replication, seed, SIMULATION)
    # The complaint's own word: how long its answer takes does not depend on who else complained.
    return exponential_quantile(u) * mean


@inlined
def next_event(c: Record) -> float:
    """Time of the customer's next event; infinity when it is lost or waits for a reply without a time."""
    if c.state == ACTIVE:
        return min(c.due, c.death_at, c.referral_at)
    return c.due if c.state != LOST else math.inf


@rule
def next_boundary(time: float, epoch: float) -> float:
    """The first epoch boundary after `time`, a whole multiple of `epoch`."""
    k = math.floor(time / epoch) + 1.0
    # time / epoch may round up or down to a whole number.
    if k * epoch <= time:
        k += 1.0
    elif (k - 1.0) * epoch > time:
        k -= 1.0
    return k * epoch


@rule
def arrival_gap(k: int, channel: int, replication: int, seed: int) -> float:
    """Unit-exponential clock before a channel's k-th arrival, to be run at the channel's hazard."""
    u, _, _, _ = block(k, ARRIVALS, channel, replication, seed, SIMULATION)
    return exponential_quantile(u)
