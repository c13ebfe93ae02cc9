"""Monotone inverse CDFs: one uniform in, one draw out, no rejection.

A larger uniform never gives a smaller draw and nearby parameters give nearby draws, which is what lets common
random numbers stay common between strategies. The gamma and beta quantiles are found by Newton steps on the CDF (in
log x, where both are well-behaved near 0), kept inside a shrinking bracket; Newton on a smooth CDF with bisection
as its guard always ends.
"""

from __future__ import annotations

import math

from churnsim.kernels.numerics.jit import inlined, rule
from churnsim.kernels.numerics.special import log_beta, lower_gamma_given, regularised_beta_given, upper_gamma_given

_STEPS = 200
_SMALLEST = -690.0  # ln of about 1e-300: below it a draw is zero for every purpose here
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


@rule
def gamma_quantile(u: float, shape: float) -> float:
    """Draw from Gamma(shape, rate 1) at probability u in (0, 1).

    Starts from the Wilson-Hilferty cube (shape >= 1) or the small-x form (u Gamma(shape + 1))^(1/shape); divide by
    a rate to scale. The upper tail is solved on Q so that u near 1 keeps its digits.
    """
    log_gamma = math.lgamma(shape)
    start = (math.log(u) + math.lgamma(shape + 1.0)) / shape
    if shape >= 1.0 or start > -1.0:
        cube = 1.0 - 1.0 / (9.0 * shape) + normal_quantile(u) / (3.0 * math.sqrt(shape))
        if cube > 0.1:
            start = math.log(shape) + 3.0 * math.log(cube)
    if start < _SMALLEST:
        return 0.0
    low, high = _SMALLEST, math.log(shape + 40.0 * math.sqrt(shape) + 800.0)
    y = min(max(start, low), high)
    for _ in range(_STEPS):
        x = math.exp(y)
        if u < 0.5:
            excess = lower_gamma_given(shape, x, log_gamma) - u
        else:
            excess = (1.0 - u) - upper_gamma_given(shape, x, log_gamma)
        if excess > 0.0:
            high = y
        else:
            low = y
        slope = math.exp(shape * y - x - log_gamma)  # dP/dy, y = ln x
        step = excess / slope if slope > 0.0 else math.inf
        following = y - step
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - y) <= _ENOUGH * max(1.0, abs(y)):
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
    for _ in range(_STEPS):
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


@rule
def beta_quantile(u: float, a: float, b: float) -> float:
    """Draw from Beta(a, b) at probability u in (0, 1), by Newton in logit x inside a bracket."""
    front = log_beta(a, b)
    low, high = _SMALLEST, -_SMALLEST
    y = math.log(a / b)
    # Small-x and small-(1 - x) forms of the CDF give a start that is right in the tails.
    left = (math.log(u) + math.log(a) + front) / a
    right = (math.log1p(-u) + math.log(b) + front) / b
    if left < -3.0:
        y = left
    elif right < -3.0:
        y = -right
    y = min(max(y, low), high)
    for _ in range(_STEPS):
        tail = math.exp(-abs(y))
        x = 1.0 / (1.0 + tail) if y >= 0.0 else tail / (1.0 + tail)
        rest = tail / (1.0 + tail) if y >= 0.0 else 1.0 / (1.0 + tail)
        # Solve on the side of u that keeps its digits, unless x or 1 - x has rounded away on that side.
        lower = u < 0.5 if 1e-3 < x < 0.999 else y < 0.0
        if lower:
            excess = regularised_beta_given(a, b, x, front) - u
        else:
            excess = (1.0 - u) - regularised_beta_given(b, a, rest, front)
        if excess > 0.0:
            high = y
        else:
            low = y
        log_x = -math.log1p(math.exp(-y)) if y >= 0.0 else y - math.log1p(math.exp(y))
        slope = math.exp(a * log_x + b * (log_x - y) - front)  # dI/dy
        step = excess / slope if slope > 0.0 else math.inf
        following = y - step
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - y) <= _ENOUGH * max(1.0, abs(y)):
            y = following
            break
        y = following
    return 1.0 / (1.0 + math.exp(-y)) if y >= 0.0 else math.exp(y) / (1.0 + math.exp(y))
