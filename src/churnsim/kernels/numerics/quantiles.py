"""Monotone inverse CDFs: one uniform in, one draw out, no rejection.

A larger uniform never gives a smaller draw and nearby parameters give nearby draws, which is what lets common
random numbers stay common between strategies. The gamma and beta quantiles are found by Newton steps on the CDF (in
log x, where both are well-behaved near 0), kept inside a shrinking bracket; Newton on a smooth CDF with bisection
as its guard always ends.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.kernels.numerics.special import beta_fraction, gamma_fraction, gamma_front, gamma_series, log_beta

STEPS = 200
SMALLEST = -690.0  # ln of about 1e-300: below it a draw is zero for every purpose here
_ENOUGH = 1e-13

_LONGEST_SUM = 32.0  # stages of an Erlang whose tail is summed term by term
_LEAST = 1e-3  # probability below which that tail has lost too many digits of it
_NEARLY = 1e-5  # a relative step after which one that converges cubically is right to all digits


@inlined
def exponential_quantile(u: float) -> float:
    """Unit-exponential draw: -ln(1 - u)."""
    return -math.log1p(-u)


@inlined
def exponential_survival(u: float) -> float:
    """Unit-exponential draw that is survived with probability u: -ln u, monotone downwards. A logarithm of u itself
    takes half the time of one of 1 - u."""
    return -math.log(u)


@inlined
def normal_quantile(u: float) -> float:
    """Standard normal draw, relative error below 1.15e-9 (P. J. Acklam's rational approximation)."""
    if u < 0.02425 or u > 0.97575:
        tail = min(u, 1.0 - u)
        q = math.sqrt(-2.0 * math.log(tail))
        top = ((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734)
               * q + 4.374664141464968) * q + 2.938163982698783  # fmt: skip
        bottom = (((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q
                  + 3.754408661907416) * q + 1.0  # fmt: skip
        return top / bottom if u < 0.5 else -top / bottom
    q = u - 0.5
    r = q * q
    r2 = r * r
    # Terms in pairs side by side: in Horner's form each waits for the one before.
    top = (2.506628277459239 - 3.066479806614716e1 * r) + r2 * (
        (1.383577518672690e2 - 2.759285104469687e2 * r) + r2 * (2.209460984245205e2 - 3.969683028665376e1 * r)
    )
    bottom = (1.0 - 1.328068155288572e1 * r) + r2 * (
        (6.680131188771972e1 - 1.556989798598866e2 * r) + r2 * (1.615858368580409e2 - 5.447609879822406e1 * r)
    )
    return q * top / bottom


class GammaLaw(NamedTuple):
    """What the quantiles of Gamma(shape, rate 1) need of the shape: logarithms take as long as half of the rest."""

    shape: float
    log_gamma: float
    log_gamma_next: float  # of shape + 1
    log_shape: float
    centre: float  # of the Wilson-Hilferty cube
    width: float
    highest: float  # ln of a draw


@rule
def gamma_law(shape: float) -> GammaLaw:
    """GammaLaw of a shape."""
    root = math.sqrt(shape)
    return GammaLaw(
        shape, math.lgamma(shape), math.lgamma(shape + 1.0), math.log(shape), 1.0 - 1.0 / (9.0 * shape), 3.0 * root,
        math.log(shape + 40.0 * root + 800.0),
    )  # fmt: skip


@rule
def gamma_start(law: GammaLaw, u: float) -> float:
    """ln of a first guess at the quantile; below `SMALLEST` where the draw is 0.

    The Wilson-Hilferty cube (shape >= 1) or the small-x form (u Gamma(shape + 1))^(1/shape).
    """
    start = (math.log(u) + law.log_gamma_next) / law.shape
    if law.shape >= 1.0 or start > -1.0:
        cube = law.centre + normal_quantile(u) / law.width
        if cube > 0.1:
            start = law.log_shape + 3.0 * math.log(cube)
    return start if start < SMALLEST else min(start, law.highest)


@inlined
def gamma_newton(
    law: GammaLaw, u: float, y: float, x: float, total: float, low: float, high: float
) -> tuple[float, float, float]:
    """The Newton step from y = ln x, as `_guarded` returns it; `total` is the series below shape + 1, above it the
    fraction."""
    shape = law.shape
    part = total * gamma_front(shape, x, law.log_gamma)
    below = x < shape + 1.0
    # The upper tail is solved on Q so that u near 1 keeps its digits.
    excess = (part if below else 1.0 - part) - u if u < 0.5 else (1.0 - u) - (1.0 - part if below else part)
    return _guarded(excess, math.exp(shape * y - x - law.log_gamma), y, low, high)  # dP/dy


@inlined
def _guarded(excess: float, slope: float, y: float, low: float, high: float) -> tuple[float, float, float]:
    """Where a Newton step from y leads, halfway between the ends of the bracket where it would leave it, and the
    bracket's ends."""
    if excess > 0.0:
        high = y
    else:
        low = y
    step = excess / slope if slope > 0.0 else math.inf
    following = y - step
    if not low < following < high:
        following = 0.5 * (low + high)
    return following, low, high


@inlined
def settled(y: float, following: float) -> bool:
    """Whether a step from y changes nothing more."""
    return abs(following - y) <= _ENOUGH * max(1.0, abs(y))


@rule
def gamma_quantile(u: float, shape: float) -> float:
    """Draw from Gamma(shape, rate 1) at probability u in (0, 1); divide by a rate to scale."""
    law = gamma_law(shape)
    y, low, high = gamma_start(law, u), SMALLEST, law.highest
    if y < SMALLEST:
        return 0.0
    for _ in range(STEPS):
        x = math.exp(y)
        total = gamma_series(shape, x) if x < shape + 1.0 else gamma_fraction(shape, x)
        following, low, high = gamma_newton(law, u, y, x, total, low, high)
        if settled(y, following):
            return math.exp(following)
        y = following
    return math.exp(y)


@rule
def erlang_quantile(u: float, stages: float) -> float:
    """`gamma_quantile` for a whole number of stages k, in a tenth of the time: Halley steps on the tail, which is a
    sum of k terms, Q(x) = e^-x sum_{j<k} x^j/j! (A&S 6.5.13)."""
    if u < _LEAST or not 1.0 <= stages <= _LONGEST_SUM or stages != math.floor(stages):
        return gamma_quantile(u, stages)
    k = int(stages)
    cube = 1.0 - 1.0 / (9.0 * stages) + normal_quantile(u) / (3.0 * math.sqrt(stages))
    x = stages * cube * cube * cube  # Wilson-Hilferty
    if not cube > 0.1:
        return gamma_quantile(u, stages)
    for _ in range(STEPS):
        last = total = math.exp(-x)
        for j in range(1, k):
            last = last * x / j
            total += last
        newton = (total - (1.0 - u)) / last  # over the density, which is the sum's last term
        step = newton / (1.0 + 0.5 * newton * ((stages - 1.0) / x - 1.0))
        following = x + step
        if not following > 0.0:
            return gamma_quantile(u, stages)
        x = following
        if abs(step) <= _NEARLY * x:
            return x
    return gamma_quantile(u, stages)


class BetaLaw(NamedTuple):
    """What the quantiles of Beta(a, b) need of the two."""

    a: float
    b: float
    front: float  # ln B(a, b)
    middle: float
    log_a: float
    log_b: float


@rule
def beta_law(a: float, b: float) -> BetaLaw:
    """BetaLaw of a and b."""
    return BetaLaw(a, b, log_beta(a, b), math.log(a / b), math.log(a), math.log(b))


@rule
def beta_start(law: BetaLaw, u: float) -> float:
    """logit of a first guess at the quantile: small-x and small-(1 - x) forms of the CDF are right in the tails."""
    y = law.middle
    left = (math.log(u) + law.log_a + law.front) / law.a
    right = (math.log1p(-u) + law.log_b + law.front) / law.b
    if left < -3.0:
        y = left
    elif right < -3.0:
        y = -right
    return min(max(y, SMALLEST), -SMALLEST)


@inlined
def beta_side(law: BetaLaw, u: float, y: float) -> tuple[bool, float, float]:
    """Where the CDF is taken at logit x = y: whether at z = x, or else its complement at z = 1 - x; z; and e^-|y|."""
    tail = math.exp(-abs(y))
    x = 1.0 / (1.0 + tail) if y >= 0.0 else tail / (1.0 + tail)
    # Solve on the side of u that keeps its digits, unless x or 1 - x has rounded away on that side.
    if u < 0.5 if 1e-3 < x < 0.999 else y < 0.0:
        return True, x, tail
    return False, tail / (1.0 + tail) if y >= 0.0 else 1.0 / (1.0 + tail), tail


@inlined
def beta_arguments(law: BetaLaw, below: bool, z: float) -> tuple[bool, float, float, float]:
    """Whether I_z is taken as 1 - I_1-z (DLMF 8.17.4), and the arguments of its continued fraction."""
    p, q = (law.a, law.b) if below else (law.b, law.a)
    # The fraction converges fast below the mean.
    return (False, p, q, z) if z < (p + 1.0) / (p + q + 2.0) else (True, q, p, 1.0 - z)


@inlined
def beta_newton(
    law: BetaLaw, u: float, y: float, below: bool, z: float, tail: float, fraction: float, low: float, high: float
) -> tuple[float, float, float]:
    """The Newton step from y = logit x, as `_guarded` returns it; `fraction` is that of `beta_arguments`."""
    p, q = (law.a, law.b) if below else (law.b, law.a)
    part = math.exp(p * math.log(z) + q * math.log1p(-z) - law.front) * fraction
    mirrored, divisor, _, _ = beta_arguments(law, below, z)
    part = 1.0 - part / divisor if mirrored else part / divisor
    excess = part - u if below else (1.0 - u) - part
    past = math.log1p(tail)
    log_x = -past if y >= 0.0 else y - past
    slope = math.exp(law.a * log_x + law.b * (log_x - y) - law.front)  # dI/dy
    return _guarded(excess, slope, y, low, high)


@inlined
def logistic(y: float) -> float:
    """1/(1 + e^-y)."""
    return 1.0 / (1.0 + math.exp(-y)) if y >= 0.0 else math.exp(y) / (1.0 + math.exp(y))


@rule
def beta_quantile(u: float, a: float, b: float) -> float:
    """Draw from Beta(a, b) at probability u in (0, 1), by Newton in logit x inside a bracket."""
    law = beta_law(a, b)
    y, low, high = beta_start(law, u), SMALLEST, -SMALLEST
    for _ in range(STEPS):
        below, z, tail = beta_side(law, u, y)
        _, p, q, w = beta_arguments(law, below, z)
        following, low, high = beta_newton(law, u, y, below, z, tail, beta_fraction(p, q, w), low, high)
        done = settled(y, following)
        y = following
        if done:
            break
    return logistic(y)
