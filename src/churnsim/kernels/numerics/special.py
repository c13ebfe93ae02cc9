"""Special functions that numba lacks: digamma, trigamma, and the regularised incomplete gamma and beta functions.

All are scalar, pure and built on `math` alone, so that every engine gets the same bits. Accuracy is measured
against mpmath in the tests; the formulas are Abramowitz & Stegun 6.3.18 (digamma), 6.4.12 (trigamma), 6.5.29 and
6.5.31 (incomplete gamma) and the continued fraction of DLMF 8.17.22 (incomplete beta), evaluated by Lentz's method.
"""

from __future__ import annotations

import math

from churnsim.kernels.numerics.jit import inlined, rule

# Lentz's method divides by partial denominators: one that vanishes is made tiny, which moves no digit of the result.
TINY = 1e-300
EPS = 2.3e-16
TERMS = 20_000


@rule
def digamma(x: float) -> float:
    """psi(x) for x > 0: upward recurrence to 10, then the asymptotic series (A&S 6.3.5, 6.3.18)."""
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    # At 10 the first term left out, 3617/(8160 x^16), is below 5e-17.
    f = 1.0 / (x * x)
    tail = f * (1 / 12 - f * (1 / 120 - f * (1 / 252 - f * (1 / 240 - f * (1 / 132 - f * (691 / 32760 - f / 12))))))
    return shift + math.log(x) - 0.5 / x - tail


@rule
def trigamma(x: float) -> float:
    """psi'(x) for x > 0: upward recurrence to 10, then the asymptotic series (A&S 6.4.6, 6.4.12)."""
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / (x * x)
        x += 1.0
    # At 10 the first term left out, 3617/(510 x^16) of 1/x, is below 1e-15.
    f = 1.0 / (x * x)
    tail = f * (1 / 6 - f * (1 / 30 - f * (1 / 42 - f * (1 / 30 - f * (5 / 66 - f * (691 / 2730 - f * 7 / 6))))))
    return shift + (1.0 + 0.5 / x + tail) / x


@rule
def log_beta(a: float, b: float) -> float:
    """ln B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@rule
def gamma_series(shape: float, x: float) -> float:
    """The sum of A&S 6.5.29, for x < shape + 1: P(shape, x) is x^shape e^-x/Gamma(shape) times it."""
    # Below shape + 1 every term is smaller than the one before, and none is negative: nothing cancels.
    term = 1.0 / shape
    total = term
    n = shape
    for _ in range(TERMS):
        n += 1.0
        term *= x / n
        total += term
        if term < total * EPS:
            break
    return total


@rule
def gamma_fraction(shape: float, x: float) -> float:
    """The fraction of A&S 6.5.31, for x >= shape + 1: Q(shape, x) is x^shape e^-x/Gamma(shape) times it."""
    b = x + 1.0 - shape
    c = 1.0 / TINY
    d = 1.0 / b
    h = d
    for i in range(1, TERMS):
        # The even part of the fraction: each step takes two terms of A&S 6.5.31, and b grows by 2.
        an = -i * (i - shape)
        b += 2.0
        d = an * d + b
        if abs(d) < TINY:
            d = TINY
        c = b + an / c
        if abs(c) < TINY:
            c = TINY
        d = 1.0 / d
        step = d * c
        h *= step
        if abs(step - 1.0) < EPS:
            break
    return h


@inlined
def gamma_front(shape: float, x: float, log_gamma: float) -> float:
    """x^shape e^-x/Gamma(shape)."""
    return math.exp(-x + shape * math.log(x) - log_gamma)


@rule
def lower_gamma(shape: float, x: float) -> float:
    """P(shape, x) = gamma(shape, x) / Gamma(shape), the CDF of a unit-rate gamma."""
    return lower_gamma_given(shape, x, math.lgamma(shape))


@rule
def lower_gamma_given(shape: float, x: float, log_gamma: float) -> float:
    """`lower_gamma`, where ln Gamma(shape) is at hand: it takes as long as half of the rest."""
    if x <= 0.0:
        return 0.0
    # From shape + 1 on P is above 1/2, so that 1 - Q loses no digits.
    if x < shape + 1.0:
        return gamma_series(shape, x) * gamma_front(shape, x, log_gamma)
    return 1.0 - gamma_fraction(shape, x) * gamma_front(shape, x, log_gamma)


@rule
def beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of DLMF 8.17.22."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    if abs(d) < TINY:
        d = TINY
    d = 1.0 / d
    h = d
    for m in range(1, TERMS):
        # d_2m, then d_2m+1 of DLMF 8.17.23.
        for half in range(2):
            if half == 0:
                an = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
            else:
                an = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
            d = 1.0 + an * d
            if abs(d) < TINY:
                d = TINY
            c = 1.0 + an / c
            if abs(c) < TINY:
                c = TINY
            d = 1.0 / d
            step = d * c
            h *= step
        if abs(step - 1.0) < EPS:
            break
    return h


@rule
def regularised_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the CDF of a beta distribution at x."""
    return regularised_beta_given(a, b, x, log_beta(a, b))


@rule
def regularised_beta_given(a: float, b: float, x: float, log_b: float) -> float:
    """`regularised_beta`, where ln B(a, b) is at hand."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_b)
    # The fraction converges fast below the mean; beyond, I_x(a, b) = 1 - I_1-x(b, a) (DLMF 8.17.4).
    if x < (a + 1.0) / (a + b + 2.0):
        return front * beta_fraction(a, b, x) / a
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b
