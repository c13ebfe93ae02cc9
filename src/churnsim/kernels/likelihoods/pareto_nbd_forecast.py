"""Pareto/NBD: expectations, counts, discounted purchases and waits of live customers.

A live customer's traits given its history are Gamma(R, A) for lambda and Gamma(s, B) for mu again (R = r + x, A =
alpha + T, B = beta + T), independently, so that the same forecasts serve new and known customers. Fader & Hardie
(2005), "A note on deriving the Pareto/NBD model and related expressions" (expectation); the others are integrals over
the time of leaving, of positive terms.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.pareto_nbd_integral import place
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.quadrature import NODES, WEIGHTS
from churnsim.typing import Floats, Ints

_FOREVER = 1e290  # as good as infinite; its square root still has an inverse


@njit
def expected(R: Floats, A: Floats, s: Floats, B: Floats, horizon: Floats) -> Floats:
    """E[purchases in a horizon]: (R/A) int_0^h (1 + t/B)^-s dt, at s = 1 its limit."""
    out = np.empty(R.size)
    for i in range(R.size):
        grown = math.log1p(horizon[i] / B[i])
        e = 1.0 - s[i]
        # (1 - (1 + h/B)^(1 - s))/(s - 1), whose limit at s = 1 is the logarithm.
        length = math.expm1(e * grown) / e if abs(e * grown) > 1e-300 else grown
        out[i] = R[i] / A[i] * B[i] * length
    return out


@njit
def discounted(R: Floats, A: Floats, s: Floats, B: Floats, force: float, horizon: float) -> Floats:
    """E[sum of e^(-force t) over the purchases]: (R/A) int_0^h e^(-force t) (1 + t/B)^-s dt; h may be infinite.

    For h infinite this is Fader, Hardie & Lee's (2005, JMR 42) DERT with its confluent hypergeometric function.
    Panels in v = ln(1 + t/B), over which the integrand is log-concave for a rate of 0 or more.
    """
    out = np.empty(R.size)
    for i in range(R.size):
        end = math.log1p(min(horizon, _FOREVER) / B[i])
        total = 0.0
        v = 0.0
        while v < end:
            length = min(1.5, end - v)
            # A panel covers at most eight e-foldings of the steepest decay in it.
            slope = s[i] - 1.0 + abs(force) * B[i] * math.exp(min(v + length, 600.0))
            if slope > 0.0:
                length = min(length, max(8.0 / slope, 1e-3 * length))
            added = 0.0
            for k in range(12):
                at = v + length * NODES[k]
                added += WEIGHTS[k] * math.exp((1.0 - s[i]) * at - force * B[i] * math.expm1(at))
            added *= length
            # Log-concave: once the panels fall below what counts, the rest is less still.
            falling = added < 1e-18 * total
            total += added
            v += length
            if falling:
                break
        out[i] = R[i] / A[i] * B[i] * total
    return out


@njit
def pmf(R: Floats, A: Floats, s: Floats, B: Floats, horizon: Floats, counts: Ints) -> Floats:
    """P(n purchases in a horizon) of each n of `counts`, which rise and differ by less than 20, shape (rows, counts):
    still alive after them, or gone at some y with that many before.

    Fader & Hardie (2006), "Deriving an expression for P(X(t) = x) under the Pareto/NBD model", as an integral over y by
    the trapezoidal rule in logit(y/h), analytic for |Im| < pi. All counts are summed over the same y.
    """
    out = np.empty((R.size, counts.size))
    work = np.empty((2, counts.size))
    for i in range(R.size):
        _pmf(R[i], A[i], s[i], B[i], counts, horizon[i], work, out[i])
    return out


@njit
def _log_negative_binomial(R: float, A: float, front: float, count: int, y: float) -> float:
    """ln P(count purchases in y while alive); `front` is ln of (R)_count/count!."""
    log_rest = -math.log1p(y / A)
    return front + R * log_rest + (count * (math.log(y / A) + log_rest) if count > 0 else 0.0)


@njit
def _pmf(R: float, A: float, s: float, B: float, counts: Ints, h: float, work: Floats, out: Floats) -> None:
    """Write into `out`; `work` is room for two numbers a count."""
    if h <= 0.0:
        for k in range(counts.size):
            out[k] = 1.0 if counts[k] == 0 else 0.0
        return
    count, last = counts[0], counts.size - 1
    front = 0.0
    for j in range(count):
        front += math.log((R + j) / (j + 1.0))
    # By what (R)_n/n! grows from one count to the next, and the integral of each count, in units of e^top.
    more, mass = work
    mass[:] = 0.0
    whole = front
    for k in range(counts.size):
        more[k] = 1.0
        for j in range(counts[k - 1] if k else count, counts[k]):
            more[k] *= (R + j) / (j + 1.0)
        whole += math.log(more[k])
        out[k] = math.exp(_log_negative_binomial(R, A, whole, counts[k], h) - s * math.log1p(h / B))
    # For many purchases the integrand is like e^-(n e^-w): bounded for |Im w| < pi/2 only. 0.22 leaves e^-45.
    step = 0.22 * min(1.0, 1.2 * math.sqrt(1.0 / (counts[last] + 1.0) + 1.0 / R))
    # Start at the first count's peak: the slope of the integrand's logarithm in w falls with y.
    low, high = -600.0, 30.0
    for _ in range(40):
        w = 0.5 * (low + high)
        y = h / (1.0 + math.exp(-w))
        # y times the slope in y of all but ln(1 - y/h); as dy/dw = y (1 - y/h), that in w is `slope` (1 - y/h) - y/h.
        slope = count + 1.0 - (count + R) * y / (A + y) - (s + 1.0) * y / (B + y)
        if slope / (1.0 + math.exp(w)) > y / h:
            low = w
        else:
            high = w
    start = 0.5 * (low + high)
    top = 0.0
    for side in range(2):
        w = start if side == 0 else start + step
        while True:
            y = h / (1.0 + math.exp(-w))
            rest = 1.0 / (1.0 + math.exp(w))  # 1 - y/h
            if y < 1e-300:
                break
            log_term = (
                _log_negative_binomial(R, A, front, count, y)
                - (s + 1.0) * math.log1p(y / B)
                + math.log(y)
                + math.log(rest)
            )
            if mass[0] == 0.0:
                top = log_term
            first = math.exp(log_term - top)
            # To the left the first count falls least, to the right the last one.
            if side == 0 and first < 1e-18 * mass[0]:
                break
            mass[0] += first
            term, share = first, y / (A + y)
            for k in range(1, counts.size):
                term *= more[k] * share ** (counts[k] - counts[k - 1])
                mass[k] += term
            if side == 1 and term < 1e-18 * mass[last]:
                break
            w += step if side else -step
    # It leaves at y with the density (s/B) (1 + y/B)^-(s+1); the step is one in w.
    out[0] += s / B * step * mass[0] * math.exp(top)
    for k in range(1, counts.size):
        if mass[k] > 0.0:  # it may be large where exp(top) is 0
            out[k] += s / B * step * math.exp(top + math.log(mass[k]))


@njit
def wait(R: Floats, A: Floats, s: Floats, B: Floats, chance: Floats) -> Floats:
    """Time by which a live customer has bought with this chance; infinite where it is not reached.

    P(bought by h) = (R/A) int_0^h (1 + y/A)^-(R+1) (1 + y/B)^-s dy: the first purchase comes at y, before leaving.
    """
    out = np.empty(R.size)
    for i in range(R.size):
        if chance[i] >= 1.0:
            out[i] = math.inf
            continue
        y = place(R[i] + 1.0, A[i], s[i], B[i], 0.0, _FOREVER, chance[i] * A[i] / R[i])
        out[i] = math.inf if y >= _FOREVER else y
    return out
