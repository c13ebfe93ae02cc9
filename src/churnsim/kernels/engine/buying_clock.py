"""The buying clock: how a contact moves a customer's purchases in time.

A gap between purchases is drawn on a clock of the customer's own and mapped back into time by the clock's inverse. That
is exact for exponential and for Erlang gaps (the time-rescaling theorem: Papangelou 1972, Transactions of the American
Mathematical Society 165, 483-506); nothing is cut into steps. x time units after a contact the clock runs at the rate

    m(x) = 1 + L e^(-kappa x) - rho A e^(-rho x),     kappa = ln 2 / half-life,  rho = kappa / 4,

and has gone on by

    B(x) = x + (L / kappa) (1 - e^(-kappa x)) - A (1 - e^(-rho x)).

L is the lift: `purchase_lift` - 1 at a high spend means that customers buy `purchase_lift` times as often right after a
contact. A is what is owed: time on the clock that was brought forward and is still to be given back, half of it within
four half-lives of the lift. A contact that could lift by l leaves

    L <- max(L, l),     A <- A + q (change of L) / kappa,

after both have decayed until then; q is `pulled_forward`. So contacts do not add up within a half-life, and of all the
time that they add to the clock, L / kappa each, the share q is given back in the end. Where l is negative, max is min.
A contact lifts no further than to what a customer can give back at `_MOST` of its rate, so that the clock never stops.
A customer keeps three numbers: when it was last contacted, L and A at that time.
"""

from __future__ import annotations

import math

from churnsim.kernels.engine.records import CLOCK, Records
from churnsim.kernels.numerics.jit import inlined, rule

_SLOWER = (
    4.0  # half-lives of the lift in one half-life of what is owed: a power of 2, so that one exponential serves both
)
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
def decayed_clock(rules: Records, x: float, lift: float, owed: float) -> tuple[float, float]:
    """L and A at `x` time units after they were `lift` and `owed`."""
    left = math.exp(-rules[0].lift_decay / _SLOWER * x)
    if left < _FORGOTTEN:
        return 0.0, 0.0
    squared = left * left
    return lift * (squared * squared), owed * left


@inlined
def stretched(rules: Records, gap: float, time: float, since: float, lift: float, owed: float) -> float:
    """How long a gap takes that is `gap` on the clock and begins at `time`; L and A were `lift` and `owed` at
    `since`."""
    # Most customers were never contacted; who buys no more has an infinite gap.
    if (lift == 0.0 and owed == 0.0) or gap == math.inf:
        return gap
    lift, owed = decayed_clock(rules, time - since, lift, owed)
    return gap if lift == 0.0 and owed == 0.0 else wait(gap, lift, owed, rules[0].lift_decay)


@rule
def lifted_clock(rules: Records, lift: float, owed: float, by: float) -> tuple[float, float]:
    """L and A after a contact that can lift the rate of buying by `by`, before which they are `lift` and `owed`."""
    rule = rules[0]
    most = by
    if rule.pulled_forward > 0.0 and by > 0.0:
        most = min(by, lift + max(0.0, _SLOWER * _MOST - rule.lift_decay * owed) / rule.pulled_forward)
    new = max(lift, most) if by > 0.0 else min(lift, most)
    return new, owed + rule.pulled_forward * (new - lift) / rule.lift_decay


@rule
def moved_purchase(
    rules: Records, due: float, now: float, lift: float, owed: float, new_lift: float, new_owed: float
) -> float:
    """When a purchase comes that was `due`, after a contact at `now` that changed L and A: what was left of its gap on
    the clock is left of it still."""
    if due == math.inf:
        return due
    decay = rules[0].lift_decay
    return now + wait(exposure(due - now, lift, owed, decay), new_lift, new_owed, decay)


@rule
def worth_of_clock(rules: Records, hazard: float, force: float, lift: float, owed: float) -> float:
    """Discounted purchases from now on, over those of a customer who was never contacted.

    With g = hazard + force and W = L/(g + kappa) - rho A/(g + rho), int m e^(-g x) dx = 1/g + W: 1 + g W times as many
    where the hazard is one in time. Where purchases end the relation it goes by the clock itself, int m e^(-hazard B -
    force x) dx, and as many are made in the end, only earlier or later: 1 + force W to first order in W.
    """
    decay = rules[0].lift_decay
    rho, total = decay / _SLOWER, hazard + force
    more = lift / (total + decay) - rho * owed / (total + rho)
    return 1.0 + (total if rules[0].lifetime == CLOCK else force) * more
