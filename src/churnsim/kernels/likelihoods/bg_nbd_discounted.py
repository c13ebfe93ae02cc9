"""BG/NBD and MBG/NBD: discounted expected purchases (DERT) of live customers.

Given lambda and p a live customer makes discounted purchases int_0^h lambda e^(-(lambda p + delta) t) dt =
lambda (1 - e^(-(lambda p + delta) h))/(lambda p + delta). Averaged over lambda ~ Gamma(r, alpha) and p ~ Beta(a, b) by
the trapezoidal rule in log lambda and in logit p: both integrands are analytic in a strip around the real line, where
it converges geometrically, and no term is negative: good for any parameters. Unless money is worth more later,
integration by parts needs the undiscounted expectation only, eight values a panel: quicker where the horizon is near,
and twenty times slower without one, where expectations far ahead are integrals themselves.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_nbd_forecast import _TERMS, _TRIED, expected_while, too_slow
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.quadrature import NODES_8, WEIGHTS_8
from churnsim.typing import Floats

_CUT = 37.0  # terms below e^-37 of the largest are left out
_FOREVER = 1e290  # as good as infinite, and its product with a weight is still finite


@njit
def discounted(r: Floats, alpha: Floats, a: Floats, b: Floats, force: float, horizon: float) -> Floats:
    """E[sum of e^(-force t) over the purchases at t in the horizon] of live customers; `horizon` may be infinite."""
    out = np.empty(r.size)
    work = np.empty((5, 8))
    for i in range(r.size):
        # Traits of no weight are left out: of use unless what comes hardly loses worth while customers buy.
        if math.isinf(horizon) and r[i] <= 1000.0 * alpha[i] * force:
            out[i] = _by_traits(r[i], alpha[i], a[i], b[i], force, horizon)
            continue
        # By parts a negative force makes two terms of opposite sign that cancel: only a little of it is taken that way.
        if force >= 0.0 or -force * horizon <= 4.0:
            out[i] = _by_parts(r[i], alpha[i], a[i], b[i], force, horizon, work)
        else:
            out[i] = _by_traits(r[i], alpha[i], a[i], b[i], force, horizon)
    return out


@njit
def _by_parts(r: float, alpha: float, a: float, b: float, force: float, horizon: float, work: Floats) -> float:
    """e^(-delta h) E(h) + delta int_0^h e^(-delta t) E(t) dt; `work` is room for five times eight numbers.

    Panels in v = ln(1 + t/tau), tau = alpha/max(r, 1): a customer is lost like (1 + p t/alpha)^-r, which is smooth
    there for small and large r (in ln(1 + t/alpha) twelve nodes are off by 1e-4 where r is 20). A panel is short where
    the discount falls off fast.
    """
    total = 0.0
    if force * horizon < 700.0:
        total = math.exp(-force * horizon) * expected_while(r, alpha, a, b, horizon)
    if force == 0.0 or horizon <= 0.0:
        return total
    tau = alpha / max(r, 1.0)
    end = math.log1p(min(horizon, _FOREVER) / tau)
    t, value = work[0], work[4]
    v = 0.0
    while v < end:
        length = min(0.75, end - v)
        slope = abs(force) * tau * math.exp(min(v + length, 600.0))
        if slope > 3.0:
            length = min(length, max(3.0 / slope, 1e-3))
        for k in range(8):
            t[k] = tau * math.expm1(v + length * NODES_8[k])
        if not _expected_at(r, alpha, a, b, 8, t, work[1], work[2], work[3], value):
            for k in range(8):
                value[k] = expected_while(r, alpha, a, b, t[k])
        added = 0.0
        for k in range(8):
            added += WEIGHTS_8[k] * (tau + t[k]) * math.exp(-force * t[k]) * value[k]
        added *= length * force
        total += added
        v += length
        # Panels may grow until the discount sets in, at a time of 1/force.
        if force * tau * math.expm1(v) > 1.0 and added < 1e-17 * total:
            break
    return total


@njit
def _expected_at(
    r: float, alpha: float, a: float, b: float, count: int,
    t: Floats, z: Floats, power: Floats, series: Floats, value: Floats,
) -> bool:  # fmt: skip
    """E of the purchases by each of `count` ascending times: the series of `expected_while`, whose coefficients they
    share. False where it is slow, cancels or has a pole."""
    e, c = a - 1.0, a + b - 1.0
    if c <= 0.0:
        return False
    # The eight values of a panel share the series' coefficients: a product and a sum each.
    coefficient = (c - r) / c
    for k in range(count):
        z[k] = t[k] / (alpha + t[k])
        power[k] = z[k]
        series[k] = coefficient * z[k]
    last = count - 1
    size = abs(series[last])
    n = 1.0
    while True:
        coefficient *= (c - r + n) * (e + n) / ((c + n) * (n + 1.0))
        for k in range(count):
            power[k] *= z[k]
            series[k] += coefficient * power[k]
        term = abs(coefficient) * power[last]
        size += term
        n += 1.0
        if term <= 1e-16 * abs(series[last]) * (1.0 - z[last]) and n > abs(c - r):
            break
        if n >= _TERMS or (n == _TRIED and too_slow(a, c, r, z[last], n, coefficient * power[last], series[last])):
            return False
    cancelled = size / abs(series[last]) if series[last] != 0.0 else 1.0
    for k in range(count):
        log_rest = -math.log1p(t[k] / alpha)
        ratio = -math.expm1(e * log_rest) / e if abs(e) > 1e-300 else -log_rest
        shrunk = math.exp(e * log_rest)
        value[k] = c * (ratio - shrunk * series[k])
        # As in `expected_while`: at most three digits may cancel.
        if not c * (ratio + shrunk * abs(series[k]) * cancelled) < 1000.0 * value[k]:
            return False
    return True


@njit
def beta_nodes(a: float, b: float, spacing: float) -> tuple[Floats, Floats]:
    """Values of p and weights (of sum 1) of a Beta(a, b), equally spaced in logit p, closer than `spacing` where it is
    narrow.

    Beyond |logit p| = 45 p is 0 or 1 and the weight is geometric: those sums are taken exactly, at p = 0 and p = 1.
    """
    step = spacing * min(1.0, 2.0 * math.sqrt(1.0 / a + 1.0 / b))
    middle = min(max(math.log(a / b), -45.0), 45.0)
    # ln of the density of y = logit p is a ln p + b ln(1 - p) but for a constant, ln p being min(y, 0) - `less`.
    less = math.log1p(math.exp(-abs(middle)))
    top = a * (min(middle, 0.0) - less) + b * (min(-middle, 0.0) - less)
    count = np.zeros(2, np.int64)
    for side in range(2):
        k = 1
        while True:
            y = middle + (k if side else -k) * step
            less = math.log1p(math.exp(-abs(y)))
            if a * (min(y, 0.0) - less) + b * (min(-y, 0.0) - less) < top - _CUT or abs(y) > 45.0:
                break
            k += 1
        count[side] = k
    size = count[0] + count[1] + 3
    p = np.empty(size)
    weight = np.empty(size)
    mass = 0.0
    for k in range(size - 2):
        y = middle + (k - count[0]) * step
        less = math.log1p(math.exp(-abs(y)))
        p[k] = math.exp(min(y, 0.0) - less)
        weight[k] = math.exp(a * (min(y, 0.0) - less) + b * (min(-y, 0.0) - less) - top)
        mass += weight[k]
    p[size - 2], weight[size - 2] = 0.0, weight[0] / math.expm1(a * step)
    p[size - 1], weight[size - 1] = 1.0, weight[size - 3] / math.expm1(b * step)
    mass += weight[size - 2] + weight[size - 1]
    for k in range(size):
        weight[k] /= mass
    return p, weight


@njit
def _by_traits(r: float, alpha: float, a: float, b: float, force: float, horizon: float) -> float:
    """The double sum over lambda and p, good for any parameters."""
    p, weight = beta_nodes(a, b, 0.25)  # at 0.35 the two ways part by 3e-10 where a or b is large
    step = 0.15 * min(1.0, 2.0 / math.sqrt(r))  # at 0.35 they part by 5e-8 for r of 2 to 7
    start = math.log(r / alpha)
    total = 0.0
    mass = 0.0
    for side in range(2):
        u = start if side == 0 else start + step
        while True:
            # Density of ln lambda over its largest value, whose peak is at lambda = r/alpha.
            rate = math.exp(u)
            density = math.exp(r * (u - start) - alpha * rate + r)
            inner = 0.0
            if math.isinf(horizon):
                for k in range(p.size):
                    inner += weight[k] / (rate * p[k] + force)
            else:
                for k in range(p.size):
                    hazard = (rate * p[k] + force) * horizon
                    inner += weight[k] * horizon * (-math.expm1(-hazard) / hazard if hazard != 0.0 else 1.0)
            mass += density
            total += density * rate * inner
            if density * rate * inner < 1e-17 * total and (r < 5.0 or density < 1e-17 * mass):
                break
            u += step if side else -step
    # A small r lets the density fall off slowly, but its integral is known: e^r Gamma(r) r^-r.
    return total / mass if r >= 5.0 else total * step / math.exp(r + math.lgamma(r) - r * math.log(r))
