"""What a living customer is still worth when the simulation ends."""

from __future__ import annotations

import math

from churnsim.kernels.engine.arguments import Tables
from churnsim.kernels.engine.buying_clock import worth_of_clock
from churnsim.kernels.engine.clock_table import lasting_speed, on_clock
from churnsim.kernels.engine.event_times import dropout_now
from churnsim.kernels.engine.records import ACTIVE, AWAITING, BY_TENURE, CLOCK, CONTRACT, FIXED_SPEND, Records
from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.typing import Floats

_LONGEST = 100_000  # renewals; far less where anybody leaves or anything is discounted
_NEGLIGIBLE = 1e-12
LEAST, STEP, HAZARDS = -20.0, 0.125, 224  # ln h of the entries of `Tables.later`


@rule
def _contribution(rules: Records, profits: Floats, spend_rate: float, tenure: int) -> float:
    """Expected margin of one purchase, money."""
    rule = rules[0]
    if rule.spending == BY_TENURE:
        return profits[min(tenure, profits.size - 1)]
    if rule.spending == FIXED_SPEND:
        return rule.fixed_spend * rule.margin
    return rule.spend_shape / spend_rate * rule.margin


@rule
def _worth_of_calendar(later: Floats, hazard: float) -> float:
    """By what share more purchases are to come than on even clocks, discounted, of one who leaves at `hazard`."""
    place = (math.log(hazard) - LEAST) / STEP if hazard > 0.0 else 0.0
    place = min(max(place, 0.0), HAZARDS - 1.000001)
    low = math.floor(place)
    return later[low] + (place - low) * (later[low + 1] - later[low])


@inlined
def residual_margin(
    tables: Tables, rate: float, dropout: float, spend_rate: float, tenure: int, returns: int, clocks: Floats, i: int,
    now: float, wait: float, force: float,
) -> int:  # fmt: skip
    """Cents that a living customer is still expected to bring, left alone for ever and discounted at `force` > 0.

    It buys at `rate` while alive and leaves at hazard rate . dropout (or `dropout` itself, for a lifetime in time), so
    the discounted purchases are int rate e^(-(hazard + force) s) ds = rate/(hazard + force). With Erlang-k gaps a
    purchase is discounted by g = (k rate/(k rate + force))^k and followed by another with 1 - dropout (or, for a
    lifetime in time, comes with the hazard added to the force): g/(1 - (1 - dropout) g). A contract's renewals are
    summed, the next one `wait` from now, until their hazard and profit hold on. Profits by tenure are taken at the
    present tenure, except for contracts, where each renewal has its own. What the clock of customer i, where there are
    `clocks`, still adds or owes when the calendar's shows `now` counts too (`buying_clock.worth_of_clock`). On clocks
    that a calendar rescales there are 1 + W times as many purchases, W by the hazard in `tables.later`
    (`simulation.core.clocks`); on a clock of its own a customer buys, and leaves, at the speed that lasts.
    """
    rules, hazards, profits = tables.rules, tables.hazards, tables.profits
    rule = rules[0]
    if rule.lifetime == CONTRACT:
        total = 0.0
        # From the next renewal on; one that is due is decided now.
        weight = math.exp(-force * max(wait, 0.0))
        step = math.exp(-force * rule.term)
        for number in range(1, _LONGEST):
            stay = 1.0 - dropout_now(rules, hazards, dropout, tenure + number, returns)
            # Whoever stays pays, so that the chance to stay comes before the money.
            weight *= stay
            money = weight * _contribution(rules, profits, spend_rate, tenure + number)
            if tenure + number >= max(hazards.size, profits.size - 1):  # all is as now from here on
                total += money / (1.0 - stay * step)
                break
            total += money
            if weight < _NEGLIGIBLE:
                break
            weight *= step
        return math.floor(total * 100.0 + 0.5)
    chance = dropout_now(rules, hazards, dropout, tenure + 1, returns)
    if tables.buying.own.shape[0] > 0:
        rate *= lasting_speed(tables.buying, i)
        if rule.lifetime == CLOCK:
            chance *= lasting_speed(tables.leaving, i)
    # Who does not buy any more is worth nothing, however long it stays.
    if rate <= 0.0:
        return 0
    hazard = chance if rule.lifetime == CLOCK else rate * chance
    # The closed form of exponential gaps is exact; the other one is its general case.
    if rule.regularity == 1.0:
        purchases = rate / (hazard + force)
    else:
        k = rule.regularity
        pull = force + (chance if rule.lifetime == CLOCK else 0.0)
        discounted = math.exp(-k * math.log1p(pull / (k * rate)))
        purchases = discounted / (1.0 - (1.0 if rule.lifetime == CLOCK else 1.0 - chance) * discounted)
    if clocks.shape[0] > 0:
        purchases *= worth_of_clock(rules, tables.lifts, clocks[i], now, hazard, force)
    if tables.later.size > 0:
        purchases *= 1.0 + _worth_of_calendar(tables.later, hazard)
    return math.floor(purchases * _contribution(rules, profits, spend_rate, tenure + 1) * 100.0 + 0.5)


@rule
def total_residual(
    tables: Tables, customers: Records, clocks: Floats, horizon: float, force: float, first: int, last: int
) -> int:
    """The residual margins of those of customers `first`, ..., `last` - 1 who are alive at the horizon, cents."""
    total = 0
    for i in range(first, last):
        c = customers[i]
        if c.state == ACTIVE or c.state == AWAITING:
            wait = c.due - horizon if c.state == ACTIVE else 0.0
            now = on_clock(tables.buying, horizon, i) if clocks.shape[0] > 0 else horizon
            total += residual_margin(
                tables, c.rate, c.dropout, c.spend_rate, c.seen + c.k, c.returns, clocks, i, now, wait, force
            )
    return total
