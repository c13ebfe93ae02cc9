"""BG/NBD and MBG/NBD: expected purchases and the distribution of counts of live customers.

Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing Science 24(2), 275-284: eq. 8 (counts) and
eq. 9 (expectation). A live customer's traits given its history have the prior's form again: Gamma(r + x, alpha + T)
and Beta(a, b + x), or Beta(a, b + x + 1) in MBG/NBD, so that the same forecasts serve new and known customers.

Of many known customers (`expected_known`) the series of `expected_while` has coefficients that depend on a customer by
x alone (its shapes are r + x and b + x), so they are tabulated once, and a customer costs a polynomial in z = h/(alpha
+ T + h) without a division.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import highest_count
from churnsim.kernels.numerics.special import regularised_beta
from churnsim.typing import Floats, Ints

_TERMS = 2000.0  # of a series; beyond it the integral is quicker
_TRIED = 64.0  # of them tell whether the others would do


@njit
def too_slow(a: float, c: float, r: float, z: float, n: float, term: float, series: float) -> bool:
    """Whether the series of `expected_while`, whose term after `n` is `term`, cannot end before `_TERMS`.

    Where a < 2 all terms from there on fall, so the last one is the smallest, and it is known: a ratio of gamma
    functions. The sum gains at most as many of this one.
    """
    # Terms fall by z at least: z^1936 is small enough below .98, where nearly all customers are.
    if z < 0.98 or a >= 2.0 or c - r + n <= 0.0:
        return False
    e = a - 1.0
    falls = math.lgamma(c - r + _TERMS) - math.lgamma(c - r + n) - math.lgamma(c + _TERMS) + math.lgamma(c + n)
    falls += math.lgamma(e + _TERMS) - math.lgamma(e + n) - math.lgamma(_TERMS + 1.0) + math.lgamma(n + 1.0)
    last = abs(term) * math.exp(falls + (_TERMS - n) * math.log(z))
    return 0.5 * last > 1e-16 * (1.0 - z) * (abs(series) + abs(term) * (_TERMS - n))


@njit
def expected_while(r: float, alpha: float, a: float, b: float, horizon: float) -> float:
    """E of the purchases in `horizon` by a live customer with rate ~ Gamma(r, alpha) and p ~ Beta(a, b).

    Their eq. 9, (a+b-1)/(a-1) [1 - (alpha/(alpha+h))^r 2F1(r, b; a+b-1; z)], z = h/(alpha+h). Euler's
    transformation gives 2F1 = (1-z)^(a-1-r) F(a+b-1-r, a-1; a+b-1; z), so with e = a - 1 the bracket over e is [1 -
    (1-z)^e (1 + e G)]/e, G = sum_{n>=1} (a+b-1-r)_n (e+1)_{n-1} / ((a+b-1)_n n!) z^n, with a plain limit at a = 1
    through expm1. Terms fall like z^n n^(a-2-r): quickly for most known customers. Where they do not, or cancel, or
    overflow, or have a pole (a + b <= 1), the integral is taken instead.
    """
    if horizon <= 0.0:
        return 0.0
    z = horizon / (alpha + horizon)
    log_rest = -math.log1p(horizon / alpha)  # ln(1 - z) without cancellation
    e = a - 1.0
    c = a + b - 1.0
    # The series' lower parameter: at 0 the series has a pole, and the mean has none.
    if c > 0.0:
        term = (c - r) / c * z
        series = term
        size = abs(term)
        n = 1.0
        for most in (_TRIED, _TERMS):  # another test inside the loop would take a sixth of its time
            while n < most:
                term *= (c - r + n) * (e + n) * z / ((c + n) * (n + 1.0))
                series += term
                size += abs(term)
                n += 1.0
                if abs(term) <= 1e-16 * abs(series) * (1.0 - z) and n > abs(c - r):
                    power = e * log_rest
                    ratio = -math.expm1(power) / e if abs(e) > 1e-300 else -log_rest
                    value = c * (ratio - math.exp(power) * series)
                    # Rounding is some 1e-16 of what was added: at most three digits may cancel.
                    if c * (ratio + math.exp(power) * size) < 1000.0 * value:
                        return value
                    return _expected_by_integral(r, alpha, a, b, horizon)
            if too_slow(a, c, r, z, n, term, series):
                break
    return _expected_by_integral(r, alpha, a, b, horizon)


@njit
def _expected_by_integral(r: float, alpha: float, a: float, b: float, horizon: float) -> float:
    """The same expectation as an integral over p, good for any parameters.

    Given lambda and p it is (1 - e^(-lambda p h))/p; over lambda, (1 - (1 + p h/alpha)^-r)/p; over p, the beta mean of
    that. By the trapezoidal rule in t, with logit p = t - e^(left - t) + e^(t - right): straight where the integrand
    changes, double exponential beyond, where a small a or b lets it fall off slowly. No term is negative.
    """
    grown = horizon / alpha
    # The integrand is analytic for |Im t| < pi/2, and about as wide as logit p's standard deviation.
    step = 0.2 * min(1.0, 2.4 * math.sqrt(1.0 / a + 1.0 / b))
    left = -math.log1p(b + r * grown) - 4.0
    right = math.log1p(a) + 4.0
    start = min(max(math.log(a / b), left), right)
    total = 0.0
    mass = 0.0
    top = 0.0
    for side in range(2):
        t = start if side == 0 else start + step
        while True:
            before, after = math.exp(left - t), math.exp(t - right)
            y = t - before + after
            less = math.log1p(math.exp(-abs(y)))
            log_p = min(y, 0.0) - less
            log_weight = a * log_p + b * (min(-y, 0.0) - less)
            # Weights are relative to the first one, which is near the largest: none overflows.
            if mass == 0.0:
                top = log_weight
            weight = math.exp(log_weight - top) * (1.0 + before + after)
            p = math.exp(log_p)
            count = -math.expm1(-r * math.log1p(p * grown)) / p if p > 1e-280 else r * grown
            # A term below 1e-18 of its sum no longer changes it.
            if not (weight > 1e-18 * mass or weight * count > 1e-18 * total):
                break
            mass += weight
            total += weight * count
            t += step if side else -step
    return total / mass


@njit
def expected(r: Floats, alpha: Floats, a: Floats, b: Floats, horizon: Floats) -> Floats:
    """E[purchases in a horizon] of live customers with rate ~ Gamma(r, alpha) and dropout ~ Beta(a, b)."""
    out = np.empty(r.size)
    for i in range(r.size):
        out[i] = expected_while(r[i], alpha[i], a[i], b[i], horizon[i])
    return out


@njit
def pmf(r: Floats, alpha: Floats, a: Floats, b: Floats, horizon: Floats, count: int) -> Floats:
    """P(count purchases in a horizon) of live customers."""
    out = np.empty(r.size)
    for i in range(r.size):
        out[i] = _pmf(r[i], alpha[i], a[i], b[i], count, horizon[i])
    return out


@njit
def _pmf(r: float, alpha: float, a: float, b: float, count: int, t: float) -> float:
    """P(count purchases in t) of a live customer (their eq. 8): alive with `count`, or gone at the last of them.

    P(X=n) = B(a,b+n)/B(a,b) nb(n) + 1{n>0} B(a+1,b+n-1)/B(a,b) [1 - sum_{j<n} nb(j)], with nb the negative binomial of
    (r, alpha/(alpha+t)).
    """
    if t <= 0.0:
        return 1.0 if count == 0 else 0.0
    z = t / (alpha + t)
    log_rest = -math.log1p(t / alpha)
    log_nb = r * log_rest
    log_stay = 0.0
    below = 0.0
    for j in range(count):
        # nb(j) joins the sum; then one factor each makes nb(j + 1) and B(a, b + j + 1)/B(a, b) of those before.
        below += math.exp(log_nb)
        log_nb += math.log(r + j) - math.log(j + 1.0) + math.log(z)
        log_stay += math.log(b + j) - math.log(a + b + j)
    here = math.exp(log_stay + log_nb)
    if count == 0:
        return here
    # From the smaller side; the upper one is the incomplete beta function (DLMF 8.17.24).
    above = 1.0 - below if below < 0.5 else regularised_beta(np.float64(count), r, z)
    log_gone = log_stay + math.log(a) - math.log(b + count - 1.0)
    return here + math.exp(log_gone) * above


_TABLED = 64  # purchases up to which coefficients are tabulated
# z up to which 32, 64 and 128 terms leave less than 1e-16 of the sum.
_LIMITS = (0.30, 0.55, 0.74)


@njit
def _coefficients(r: float, a: float, b: float, top: int) -> Floats:
    """Row x: the coefficients of z^1 ... z^128 of the series for r + x and b + x."""
    out = np.zeros((top + 1, 128))
    for x in range(top + 1):
        c = a + b + x - 1.0
        if c <= 0.0:
            continue
        term = (c - r - x) / c
        for n in range(128):
            out[x, n] = term
            term *= (c - r - x + n + 1.0) * (a + n) / ((c + n + 1.0) * (n + 2.0))
    return out


@njit
def expected_known(
    x: Ints, t_x: Floats, T: Floats, horizon: Floats, r: float, alpha: float, a: float, b: float, first: bool
) -> Floats:
    """E[purchases in (T, T + horizon] | x, t_x, T]: P(alive) times that of a live customer. `b` as in `bg_nbd.py`."""
    e = a - 1.0
    top = min(highest_count(x), _TABLED)
    # All terms have one sign where a + b - 1 > r and a + b > 1, whatever x: nothing to watch then but the last step.
    steady = a + b - 1.0 > r and a + b > 1.0
    table = _coefficients(r, a, b, top if steady else 0)
    out = np.empty(x.size)
    for i in range(x.size):
        n, A, h = x[i], alpha + T[i], horizon[i]
        alive = 1.0
        if n > 0 or first:
            odds = math.log(a / (b + n - 1.0)) + (r + n) * math.log1p((T[i] - t_x[i]) / (alpha + t_x[i]))
            alive = 1.0 / (1.0 + math.exp(odds)) if odds < 700.0 else 0.0
        value = -1.0
        z = h / (A + h)
        if steady and n <= top and z <= _LIMITS[2]:
            terms = 32 if z <= _LIMITS[0] else (64 if z <= _LIMITS[1] else 128)
            # Horner's rule in z^4, four sums side by side.
            z2 = z * z
            z4 = z2 * z2
            s0 = s1 = s2 = s3 = 0.0
            for k in range(terms - 4, -1, -4):
                s0 = s0 * z4 + table[n, k]
                s1 = s1 * z4 + table[n, k + 1]
                s2 = s2 * z4 + table[n, k + 2]
                s3 = s3 * z4 + table[n, k + 3]
            series = z * (s0 + z * s1 + z2 * (s2 + z * s3))
            log_rest = -math.log1p(h / A)
            power = e * log_rest
            grown = math.expm1(power)
            ratio = -grown / e if abs(e) > 1e-300 else -log_rest
            c = a + b + n - 1.0
            value = c * (ratio - (1.0 + grown) * series)
            end = z4 * z4 * z4 * z4  # z^16; a large a makes the terms rise before they fall
            end *= end
            if terms > 32:
                end *= end
            if terms > 64:
                end *= end
            # As in `expected_while`: nothing left, and at most three digits may cancel.
            left = table[n, terms - 1] * end > 1e-16 * series * z * (1.0 - z)
            if left or not c * (ratio + (1.0 + grown) * series) < 1000.0 * value:
                value = -1.0
        out[i] = alive * (value if value >= 0.0 else expected_while(r + n, A, a, b + n, h))
    return out
