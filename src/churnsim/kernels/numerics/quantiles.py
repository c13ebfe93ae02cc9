"""Monotone inverse CDFs: one uniform in, one draw out, no rejection.

A larger uniform never gives a smaller draw and nearby parameters give nearby draws, which is what lets common
random numbers stay common between strategies. The gamma and beta quantiles are found in log x or logit x, where the CDF
is well-behaved near 0: its value and derivatives at a guess give the quantile's Taylor series, whose sum is the next
guess, inside a shrinking bracket. From most first guesses one or two values of the CDF are enough.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from churnsim.kernels.numerics.exponential import exponential
from churnsim.kernels.numerics.jit import inlined, rare, rule
from churnsim.kernels.numerics.special import beta_fraction, gamma_fraction, gamma_series, log_beta

STEPS = 200
SMALLEST = -690.0  # ln of about 1e-300: below it a draw is zero for every purpose here
_LEFT_OUT = 5e-16  # a bound on what the series leaves out, below the rounding of the CDF
_NEAR = 0.25  # of the squared step in units of the CDF's curvature: within it the series converges fast
_FEW = 0.3  # first term of the lower tail's series up to which it makes the better guess
_GOOD = 0.2  # standard deviations that it may leave out

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

    The small-x form (u Gamma(shape + 1))^(1/shape) with two terms of its series where they are small, else the
    Wilson-Hilferty cube.
    """
    start = (math.log(u) + law.log_gamma_next) / law.shape
    if start < SMALLEST:
        return start
    shape = law.shape
    first = exponential(min(start, law.highest)) / (shape + 1.0)
    if first < _FEW:
        return start + first + (shape + 1.5) / (shape + 2.0) * first * first
    cube = law.centre + normal_quantile(u) / law.width
    if cube > 0.1:
        start = law.log_shape + 3.0 * math.log(cube)
    return min(start, law.highest)


@inlined
def gamma_step(law: GammaLaw, u: float, y: float, low: float, high: float) -> tuple[float, bool, float, float]:
    """The step from y = ln x, as `_following` returns it."""
    shape, x = law.shape, exponential(y)
    slope = exponential(shape * y - x - law.log_gamma)  # dP/dy
    below = x < shape + 1.0
    part = slope * (gamma_series(shape, x) if below else gamma_fraction(shape, x))
    # The upper tail is solved on Q so that u near 1 keeps its digits.
    excess = (part if below else 1.0 - part) - u if u < 0.5 else (1.0 - u) - (1.0 - part if below else part)
    return _following(excess, slope, shape - x, -x, -x, y, low, high)


@inlined
def _following(
    excess: float, slope: float, first: float, second: float, third: float, y: float, low: float, high: float
) -> tuple[float, bool, float, float]:
    """The quantile by its Taylor series from y, whether that is it to all digits, and the bracket's ends.

    `excess` is the CDF above its wanted value; `slope` its derivative in y, of whose logarithm `first`, `second` and
    `third` are the derivatives. Far away it is Halley's step instead, or Newton's where the CDF is flat, or the middle
    of the bracket where they lead out of it.
    """
    if excess > 0.0:
        high = y
    else:
        low = y
    newton = -excess / slope if slope > 0.0 else math.inf
    # Each further term is smaller by about the root of this.
    size = newton * newton * (first * first + abs(second) + 1.0)
    if size < _NEAR:
        square = first * first
        cubic = (2.0 * square - second) / 6.0
        quartic = (first * (7.0 * second - 6.0 * square) - third) / 24.0
        following = y + newton * (1.0 + newton * (-0.5 * first + newton * (cubic + newton * quartic)))
        if abs(newton) * size * size <= _LEFT_OUT * max(1.0, abs(y)):
            return following, True, low, high
    else:
        curvature = newton * first
        following = y + (newton / (1.0 + 0.5 * max(curvature, -1.0)) if curvature < 2.0 else newton)
    if low < following < high:
        return following, False, low, high
    following = 0.5 * (low + high)
    return following, not low < following < high, low, high


@rule
def quantile_of_gamma(law: GammaLaw, u: float) -> float:
    """`gamma_quantile` of a law at hand."""
    y, low, high = gamma_start(law, u), SMALLEST, law.highest
    if y < SMALLEST:
        return 0.0
    for _ in range(STEPS):
        y, done, low, high = gamma_step(law, u, y, low, high)
        if done:
            break
    return exponential(y)


# Tables serve the event loop but for the far tails: taken into the loop, this code slowed it by a tenth or more.
@rare
def gamma_quantile(u: float, shape: float) -> float:
    """Draw from Gamma(shape, rate 1) at probability u in (0, 1); divide by a rate to scale."""
    return quantile_of_gamma(gamma_law(shape), u)


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
    log_a: float
    log_b: float
    middle: float  # of the logit, about the median
    width: float  # its standard deviation


@rule
def beta_law(a: float, b: float) -> BetaLaw:
    """BetaLaw of a and b."""
    middle = math.log((a - 1 / 3) / (b - 1 / 3)) if min(a, b) > 0.5 else math.log(a / b)
    return BetaLaw(a, b, log_beta(a, b), math.log(a), math.log(b), middle, math.sqrt(1.0 / a + 1.0 / b))


@inlined
def _tail_series(a: float, b: float, start: float) -> tuple[float, float]:
    """ln x where I_x(a, b) = r^a/(a B) and ln r is `start`, by two terms of its series in r; and about what is left out
    of logit x."""
    r = exponential(min(start, 1.0))
    curvature = (b - 1.0) / (a + 1.0)
    first = curvature * r
    second = ((1.0 + 0.5 * a) * curvature * curvature - 0.5 * (1.0 - b) * (2.0 - b) / (a + 2.0)) * r * r
    return start + first + second, (abs(second) + 0.1 * r * r) / max(1.0 - r, _LEAST)


@rule
def beta_start(law: BetaLaw, u: float) -> float:
    """logit of a first guess at the quantile, no farther out than `SMALLEST`, where it is the quantile.

    The form for small x or for small 1 - x where it is good, else as if the logit were normal.
    """
    left, left_rest = _tail_series(law.a, law.b, (math.log(u) + law.log_a + law.front) / law.a)
    right, right_rest = _tail_series(law.b, law.a, (math.log1p(-u) + law.log_b + law.front) / law.b)
    is_left = left_rest < right_rest
    log_z = left if is_left else right
    if (left_rest if is_left else right_rest) < _GOOD * law.width and log_z < -_LEAST:
        y = log_z - math.log1p(-exponential(log_z))
        y = y if is_left else -y
    else:
        y = law.middle + law.width * normal_quantile(u)
    return min(max(y, SMALLEST), -SMALLEST)


@inlined
def beta_step(law: BetaLaw, u: float, y: float, low: float, high: float) -> tuple[float, bool, float, float]:
    """The step from y = logit x, as `_following` returns it."""
    a, b = law.a, law.b
    tail = exponential(-abs(y))
    past = math.log1p(tail)
    small, large = tail / (1.0 + tail), 1.0 / (1.0 + tail)
    x, rest = (large, small) if y >= 0.0 else (small, large)
    log_x, log_rest = (-past, -past - y) if y >= 0.0 else (y - past, -past)
    # Solve on the side of u that keeps its digits, unless x or 1 - x has rounded away on that side.
    below = u < 0.5 if 1e-3 < x < 0.999 else y < 0.0
    p, q, z = (a, b, x) if below else (b, a, rest)
    x, rest = (x, 1.0 - x) if below else (1.0 - rest, rest)
    # The fraction converges fast below the mean; above it is that of the other side (DLMF 8.17.4).
    mirrored = not z < (p + 1.0) / (p + q + 2.0)
    if mirrored:
        p, q, z = q, p, 1.0 - z
    slope = exponential(a * log_x + b * log_rest - law.front)  # dI/dy
    part = slope * beta_fraction(p, q, z) / p
    part = 1.0 - part if mirrored else part
    excess = part - u if below else (1.0 - u) - part
    second = -(a + b) * x * rest
    return _following(excess, slope, a * rest - b * x, second, second * (rest - x), y, low, high)


@inlined
def logistic(y: float) -> float:
    """1/(1 + e^-y)."""
    tail = exponential(-abs(y))
    return 1.0 / (1.0 + tail) if y >= 0.0 else tail / (1.0 + tail)


@rule
def quantile_of_beta(law: BetaLaw, u: float) -> float:
    """`beta_quantile` of a law at hand."""
    y, low, high = beta_start(law, u), SMALLEST, -SMALLEST
    if abs(y) >= high:
        return logistic(y)
    for _ in range(STEPS):
        y, done, low, high = beta_step(law, u, y, low, high)
        if done:
            break
    return logistic(y)


@rare
def beta_quantile(u: float, a: float, b: float) -> float:
    """Draw from Beta(a, b) at probability u in (0, 1), by Taylor steps in logit x inside a bracket."""
    return quantile_of_beta(beta_law(a, b), u)
