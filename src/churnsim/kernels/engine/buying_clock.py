"""The buying clock: how what the firm does moves a customer's purchases in time.

A gap between purchases is drawn on a clock of the customer's own and mapped back into time by the clock's inverse. That
is exact for exponential and for Erlang gaps (the time-rescaling theorem: Papangelou 1972, Transactions of the American
Mathematical Society 165, 483-506); nothing is cut into steps. x time units after a lift the clock runs at the rate

    m(x) = 1 + L e^(-kappa x) - rho A e^(-rho x),     kappa = ln 2 / half-life,  rho = kappa / 4,

and has gone on by

    B(x) = x + (L / kappa) (1 - e^(-kappa x)) - A (1 - e^(-rho x)).

L is the lift: 1 means that customers buy twice as often right after it. A is what is owed: time on the clock that was
brought forward and is still to be given back, half of it within four half-lives of the lift. What could lift by l
leaves

    L <- max(L, l),     A <- A + q (change of L) / kappa,

after both have decayed until then; q is the share of the lift that is pulled forward. So lifts do not add up within a
half-life, and of all the time that they add to the clock, L / kappa each, the share q is given back in the end. Where
l is negative, max is min. No lift goes further than to what a customer can give back at `_MOST` of its rate, so that
the clock never stops.

Four things lift, each with kappa and q of its own: a price that falls, joining a club, coming back, a contact. Each is
a layer that reads time from the layer below it, the lowest one from the calendar (`clock_table.py`): rates multiply,
and each layer gives back what it brought forward, whatever the others do. Layers that are off are not there. A customer
keeps a row: when it was last lifted, and L and A of each layer then, from the lowest to the highest.
"""

from __future__ import annotations

import math

from churnsim.kernels.engine.records import CLOCK, Records
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.typing import Floats

PRICE, CLUB, RETURN, CONTACT = 0, 1, 2, 3  # what lifts, from the lowest layer to the highest

# Half-lives of the lift in one half-life of what is owed: a power of 2, so that one exponential serves both.
_SLOWER = 4.0
_MOST = 0.9  # of its rate of buying, at which a customer gives back at most
_FORGOTTEN = 1e-18  # what is left of L and A where they are nothing beside 1
_CLOSE = 1e-5  # in units of 1 / kappa; the error after a step so short is its third power
_STEPS = 100  # far more than bisection alone needs


@inlined
def exposure(x: float, lift: float, owed: float, decay: float) -> float:
    """B(x): time on the clock in the next `x` time units; `decay` is kappa."""
    slow = math.exp(-decay / _SLOWER * x)
    fast = slow * slow
    return x + lift / decay * (1.0 - fast * fast) - owed * (1.0 - slow)


@rule
def wait(y: float, lift: float, owed: float, decay: float) -> float:
    """The x with B(x) = y: Halley's method, and bisection where it leaves the bracket."""
    low = max(0.0, y - max(lift, 0.0) / decay + min(owed, 0.0))
    high = y - min(lift, 0.0) / decay + max(owed, 0.0)
    rho, added = decay / _SLOWER, lift / decay
    # The first step is Halley's from 0, where everything is known without an exponential.
    rate = 1.0 + lift - rho * owed
    x = y * rate / max(rate * rate + 0.5 * y * (rho * rho * owed - decay * lift), 0.25 * rate * rate)
    x = min(max(x, low), high)
    for _ in range(_STEPS):
        slow = math.exp(-rho * x)
        fast = slow * slow
        fast = fast * fast
        over = x + added * (1.0 - fast) - owed * (1.0 - slow) - y
        lifted, given = lift * fast, rho * owed * slow
        rate = 1.0 + lifted - given
        new = x - over * rate / (rate * rate - 0.5 * over * (rho * given - decay * lifted))
        if over < 0.0:
            low = x
        else:
            high = x
        if not low <= new <= high:
            new = 0.5 * (low + high)
        step = new - x
        x = new
        if abs(step) * decay <= _CLOSE:
            break
    return x


@inlined
def decayed_clock(decay: float, x: float, lift: float, owed: float) -> tuple[float, float]:
    """L and A at `x` time units after they were `lift` and `owed`."""
    left = math.exp(-decay / _SLOWER * x)
    if left < _FORGOTTEN:
        return 0.0, 0.0
    squared = left * left
    return lift * (squared * squared), owed * left


@rule
def lifted_clock(decay: float, forward: float, lift: float, owed: float, by: float) -> tuple[float, float]:
    """L and A, which were `lift` and `owed`, after what can lift the rate of buying by `by`; `forward` is q."""
    most = by
    if forward > 0.0 and by > 0.0:
        most = min(by, lift + max(0.0, _SLOWER * _MOST - decay * owed) / forward)
    new = max(lift, most) if by > 0.0 else min(lift, most)
    return new, owed + forward * (new - lift) / decay


@inlined
def _below(lifts: Floats, clock: Floats, layer: int, x: float) -> float:
    """How far the clock that a `layer` reads has gone on in the `x` since the row was written."""
    for j in range(layer):
        if clock[2 * j + 1] != 0.0 or clock[2 * j + 2] != 0.0:
            x = exposure(x, clock[2 * j + 1], clock[2 * j + 2], lifts[j, 0])
    return x


@rare
def stretched(lifts: Floats, gap: float, time: float, clock: Floats) -> float:
    """How long a gap takes that is `gap` on the highest layer and begins at `time`."""
    # Who buys no more has an infinite gap.
    if gap == math.inf:
        return gap
    for layer in range(lifts.shape[0] - 1, -1, -1):
        lift, owed = clock[2 * layer + 1], clock[2 * layer + 2]
        # Most customers were never lifted.
        if lift == 0.0 and owed == 0.0:
            continue
        lift, owed = decayed_clock(lifts[layer, 0], _below(lifts, clock, layer, time - clock[0]), lift, owed)
        if lift != 0.0 or owed != 0.0:
            gap = wait(gap, lift, owed, lifts[layer, 0])
    return gap


@rare
def moved_purchase(lifts: Floats, clock: Floats, layer: int, by: float, now: float, due: float) -> float:
    """When a purchase comes that was `due`, after a `layer` can be lifted by `by` at `now`: what was left of its gap on
    the highest layer is left of it still. Writes the customer's row."""
    x = now - clock[0]
    lift, owed = decayed_clock(
        lifts[layer, 0], _below(lifts, clock, layer, x), clock[2 * layer + 1], clock[2 * layer + 2]
    )
    lifted, still = lifted_clock(lifts[layer, 0], lifts[layer, 1], lift, owed, by)
    # A clock that goes on as it did keeps its bits.
    if lifted == lift:
        return due
    gap = due - now
    for j in range(lifts.shape[0]):
        below, decay = x, lifts[j, 0]
        lift, owed = clock[2 * j + 1], clock[2 * j + 2]
        if lift == 0.0 and owed == 0.0:
            continue
        x = exposure(below, lift, owed, decay)
        clock[2 * j + 1], clock[2 * j + 2] = decayed_clock(decay, below, lift, owed)
        if gap < math.inf:
            gap = exposure(gap, clock[2 * j + 1], clock[2 * j + 2], decay)
    clock[0], clock[2 * layer + 1], clock[2 * layer + 2] = now, lifted, still
    if gap == math.inf:
        return due
    for j in range(lifts.shape[0] - 1, -1, -1):
        if clock[2 * j + 1] != 0.0 or clock[2 * j + 2] != 0.0:
            gap = wait(gap, clock[2 * j + 1], clock[2 * j + 2], lifts[j, 0])
    return now + gap


@rule
def worth_of_clock(rules: Records, lifts: Floats, clock: Floats, now: float, hazard: float, force: float) -> float:
    """Discounted purchases from `now` on, over those of a customer whom nothing ever lifted.

    With g = hazard + force and W = L/(g + kappa) - rho A/(g + rho), int m e^(-g x) dx = 1/g + W: 1 + g W times as many
    where the hazard is one in time. Where purchases end the relation it goes by the clock itself, int m e^(-hazard B -
    force x) dx, and as many are made in the end, only earlier or later: 1 + force W to first order in W. The W of
    several layers add up to first order too.
    """
    total, more, x = hazard + force, 0.0, now - clock[0]
    for j in range(lifts.shape[0]):
        lift, owed, decay = clock[2 * j + 1], clock[2 * j + 2], lifts[j, 0]
        if lift != 0.0 or owed != 0.0:
            left, still = decayed_clock(decay, x, lift, owed)
            rho = decay / _SLOWER
            more += left / (total + decay) - rho * still / (total + rho)
            x = exposure(x, lift, owed, decay)
    return 1.0 + (total if rules[0].lifetime == CLOCK else force) * more
