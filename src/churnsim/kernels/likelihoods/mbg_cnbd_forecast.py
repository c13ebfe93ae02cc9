"""MBG/CNBD-k: expectations, counts, discounted purchases and waits of live customers.

A live customer has passed j of the k stages to its next purchase with weight (R)_j w^j/j!, and then lambda ~ Gamma(R
+ j, A) and p ~ Beta(a, b). In a horizon h it passes a negative binomial number N of stages, and would buy floor((N +
j)/k) times if it did not leave. Sums over N are taken as they stand: exact, in time proportional to the stages
expected.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.likelihoods.bg_bb_forecast import met
from churnsim.kernels.likelihoods.bg_nbd_discounted import beta_nodes
from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.quadrature import NODES, WEIGHTS
from churnsim.kernels.numerics.special import regularised_beta
from churnsim.typing import Floats

MANY = 2e5  # expected stages, beyond which they are not summed one by one
_LEAST = -690.0  # logarithm of the smallest chance that is taken
_LOGS = 64  # of a product, beyond which log-gammas are faster


@njit
def _weights(R: float, w: float, k: int, out: Floats) -> None:
    """Chances of having passed 0 ... k - 1 stages; those of w = -1 - j are j for certain."""
    if w < 0.0:
        out[:] = 0.0
        out[int(-w) - 1] = 1.0
        return
    out[0] = total = 1.0
    for j in range(1, k):
        out[j] = out[j - 1] * (R + j - 1.0) * w / j
        total += out[j]
    for j in range(k):
        out[j] /= total


@njit
def _log_chance(shape: float, z: float, log_rest: float, m: float) -> float:
    """ln P(N = m), N negative binomial."""
    log_p = math.lgamma(shape + m) - math.lgamma(shape) - math.lgamma(m + 1.0)
    return log_p + (shape * log_rest + (m * math.log(z) if m > 0.0 else 0.0))


@njit
def _expected(R: float, w: float, A: float, a: float, b: float, h: float, k: int, stage: Floats) -> float:
    """E[purchases in h] = sum_n E[(1-p)^(n-1)] P(N + j >= n k)."""
    if h <= 0.0:
        return 0.0
    _weights(R, w, k, stage)
    z, log_rest = h / (A + h), -math.log1p(h / A)
    total = 0.0
    for j in range(k):
        if stage[j] == 0.0:
            continue
        shape = R + j
        # The sum starts where nothing is yet lost: below the mean by some forty standard deviations' worth of terms.
        mean = shape * h / A
        if mean > MANY:
            total += stage[j] * _expected_far(shape, A, a, b, h, j, k)
            continue
        spread = math.sqrt(mean * (1.0 + h / A))
        first = max(math.floor(mean - 40.0 * spread), 0.0)
        # The first chance by log-gammas, the others by recurrence: one multiplication a term. They rise up to the mean:
        # of those too small for a number the sum takes none (by halving).
        log_p = _log_chance(shape, z, log_rest, first)
        if log_p < _LEAST:
            low, first = first, math.floor(mean)
            while first - low > 1.0:
                middle = math.floor((low + first) / 2.0)
                if _log_chance(shape, z, log_rest, middle) < _LEAST:
                    low = middle
                else:
                    first = middle
            log_p = _log_chance(shape, z, log_rest, first)
        chance = math.exp(log_p)
        bought, value, still = 0, 0.0, 1.0  # purchases if all were made, their expected number, E[(1-p)^bought]
        part = 0.0
        m = first
        while True:
            # Another purchase is complete with every k-th stage; it counts if the customer stayed until then.
            while (bought + 1) * k <= m + j:
                value += still
                still *= (b + bought) / (a + b + bought)
                bought += 1
            part += chance * value
            if m > mean and chance * (value + 1.0) * (1.0 + mean / (1.0 + shape)) < 1e-17 * part:
                break
            if m > mean + 60.0 * (spread + 1.0) and chance < 1e-300:
                break
            chance *= (shape + m) / (m + 1.0) * z
            m += 1.0
        total += stage[j] * part
    return total


@njit
def _expected_far(shape: float, A: float, a: float, b: float, h: float, j: int, k: int) -> float:
    """The same where the stages are many: lambda by the trapezoidal rule in its logarithm; given it N is Poisson,
    summed below 2,000 expected stages, and beyond like its mean and mean +- sqrt(3) deviations (Gauss-Hermite, three
    points)."""
    step = 0.25 * min(1.0, 2.0 / math.sqrt(shape))
    start = math.log(shape / A)
    part = mass = 0.0
    for side in range(2):
        u = start if side == 0 else start + step
        while True:
            load = math.exp(u) * h
            density = math.exp(shape * (u - start) - A * load / h + shape)
            if load > 2000.0:
                low, middle, high = load - math.sqrt(3.0 * load), load, load + math.sqrt(3.0 * load)
                # On average over its remainder floor((N + j)/k) is (N + j)/k - (k - 1)/(2k).
                shift = j - 0.5 * (k - 1.0)
                value = (met(a, b, (low + shift) / k) + 4.0 * met(a, b, (middle + shift) / k)) / 6.0
                value += met(a, b, (high + shift) / k) / 6.0
            else:
                value = _poisson_worth(load, a, b, j, k)
            mass += density
            part += density * value
            if density * value < 1e-17 * part and (shape < 5.0 or density < 1e-17 * mass):
                break
            u += step if side else -step
    # The density's own integral: by its sum, or in closed form where the long left tail, which is worth nothing, was
    # not summed to its end.
    known = math.exp(shape + math.lgamma(shape) - shape * math.log(shape))
    return part / mass if shape >= 5.0 else part * step / known


@njit
def _poisson_worth(load: float, a: float, b: float, j: int, k: int) -> float:
    """E[purchases] where the stages are Poisson with mean `load`: sum_n E[(1-p)^(n-1)] P(N + j >= n k)."""
    first = max(math.floor(load - 10.0 * math.sqrt(load) - 10.0), 0.0)
    chance = math.exp(first * math.log(load) - load - math.lgamma(first + 1.0)) if load > 0.0 else 1.0
    bought, value, still, total = 0, 0.0, 1.0, 0.0
    m = first
    while True:
        while (bought + 1) * k <= m + j:
            value += still
            still *= (b + bought) / (a + b + bought)
            bought += 1
        total += chance * value
        m += 1.0
        chance *= load / m
        if m > load and m > k and chance * (value + 1.0) <= 1e-18 * total:
            return total
        if m > load + 10.0 * math.sqrt(load) + 60.0:
            return total


@njit
def expected(R: Floats, w: Floats, A: Floats, a: Floats, b: Floats, horizon: Floats, k: int) -> Floats:
    """E[purchases in a horizon]."""
    out = np.empty(R.size)
    stage = np.empty(k)
    for i in range(R.size):
        out[i] = _expected(R[i], w[i], A[i], a[i], b[i], horizon[i], k, stage)
    return out


@njit
def _at_least(shape: float, z: float, count: int) -> float:
    """P(N >= count), N negative binomial (DLMF 8.17.24)."""
    return 1.0 if count <= 0 else regularised_beta(np.float64(count), shape, z)


@njit
def _between(shape: float, h: float, A: float, low: int, high: int) -> float:
    """P(low <= N < high) by its terms."""
    total = 0.0
    z, log_rest = h / (A + h), -math.log1p(h / A)
    start = max(low, 0)
    if start > _LOGS:
        log_p = _log_chance(shape, z, log_rest, start)
    else:
        log_p = shape * log_rest
        for i in range(start):
            log_p += math.log((shape + i) / (i + 1.0) * z)
    chance = math.exp(log_p)
    for m in range(start, high):
        total += chance
        chance *= (shape + m) / (m + 1.0) * z
    return total


@njit
def pmf_later(
    R: Floats, w: Floats, A: Floats, a: Floats, b: Floats, start: Floats, horizon: Floats, count: int, k: int
) -> Floats:
    """P(count purchases in a horizon that begins after `start`): alive after `count`, or gone at the last of them.

    With `behind` stages passed by the start, of which j < k by T, lambda ~ Gamma(R + behind, A + start); m =
    floor(behind/k) purchases were made and survived with the chance (b)_m/(a+b)_m.
    """
    out = np.empty(R.size)
    stage, passed = np.empty(k), np.empty(k)
    for i in range(R.size):
        h = horizon[i]
        if h <= 0.0:
            out[i] = 1.0 if count == 0 else 0.0
            continue
        _weights(R[i], w[i], k, stage)
        A_then = A[i] + start[i]
        z, rest = start[i] / A_then, A[i] / A_then
        mean = k - 1.0 + (R[i] + k - 1.0) * start[i] / A[i]
        # Chances of so many stages, of which j by T, over e^log_scale, which alone may be too small for a number.
        log_scale, unit = -R[i] * math.log1p(start[i] / A[i]), 1.0
        scale = math.exp(log_scale)
        log_stay = 0.0
        for n in range(count):
            log_stay += math.log((b[i] + n) / (a[i] + b[i] + n))
        alive, still, lost = math.exp(log_stay), 1.0, 0.0  # after m + count purchases; after m; and gone by then
        total = 0.0
        behind = m = quiet = 0
        while True:
            if behind < k:
                passed[behind] = stage[behind] * unit
                unit *= rest
            chance = 0.0
            for j in range(min(behind + 1, k)):
                chance += passed[j]
            if chance > 1e250:
                passed *= 1e-250
                unit *= 1e-250
                chance *= 1e-250
                log_scale += 250.0 * math.log(10.0)
                scale = math.exp(log_scale)
            chance *= scale
            if chance > 0.0:
                # Alive: neither more nor fewer; gone at the last of them: at least so many stages.
                low = (m + count) * k - behind
                part = alive * _between(R[i] + behind, h, A_then, low, low + k)
                if count > 0:
                    gone = alive * a[i] / (b[i] + m + count - 1.0)
                    part += gone * _at_least(R[i] + behind, h / (A_then + h), low)
                part = chance * (part if count > 0 else lost + part)
                total += part
                quiet = quiet + 1 if part < 1e-18 * rest * total else 0
            # Terms k apart rise to one peak, and in the end fall like z^behind, to some 1/rest of the last one in all.
            if behind >= mean and (quiet >= k or chance < 1e-300):
                break
            for j in range(min(behind + 1, k)):
                passed[j] *= (R[i] + behind) / (behind + 1.0 - j) * z
            behind += 1
            if behind == (m + 1) * k:
                lost += still * a[i] / (a[i] + b[i] + m)
                still *= (b[i] + m) / (a[i] + b[i] + m)
                alive *= (b[i] + m + count) / (a[i] + b[i] + m + count)
                m += 1
        out[i] = total
    return out


@njit
def pmf(R: Floats, w: Floats, A: Floats, a: Floats, b: Floats, horizon: Floats, count: int, k: int) -> Floats:
    """P(count purchases in a horizon)."""
    return pmf_later(R, w, A, a, b, np.zeros(R.size), horizon, count, k)


@njit
def discounted(R: Floats, w: Floats, A: Floats, a: Floats, b: Floats, force: float, horizon: float, k: int) -> Floats:
    """E[sum of e^(-force t) over the purchases at t in the horizon], which may be infinite."""
    out = np.empty(R.size)
    stage = np.empty(k)
    for i in range(R.size):
        if math.isinf(horizon):
            out[i] = _endless(R[i], w[i], A[i], a[i], b[i], force, k, stage)
            continue
        # By parts: e^(-delta h) E(h) + delta int_0^h e^(-delta t) E(t) dt, panels as in `bg_nbd_discounted`.
        tau = A[i] / max(R[i], 1.0)
        total = math.exp(-force * horizon) * _expected(R[i], w[i], A[i], a[i], b[i], horizon, k, stage)
        end = math.log1p(horizon / tau) if force != 0.0 else 0.0
        v = 0.0
        while v < end:
            steep = abs(force) * tau * math.exp(min(v + 1.0, end))
            length = min(end - v, 1.0, max(6.0 / steep, 1e-3)) if steep > 0.0 else min(end - v, 1.0)
            for q in range(12):
                t = tau * math.expm1(v + length * NODES[q])
                weight = WEIGHTS[q] * length * (tau + t) * force * math.exp(-force * t)
                if weight != 0.0:
                    total += weight * _expected(R[i], w[i], A[i], a[i], b[i], t, k, stage)
            v += length
        out[i] = total
    return out


@njit
def _endless(R: float, w: float, A: float, a: float, b: float, force: float, k: int, stage: Floats) -> float:
    """With rho = lambda/(lambda + delta) a stage is worth rho, so the purchases are worth rho^(k-j)/(1 - (1-p) rho^k);
    averaged over lambda and p as in `bg_nbd_discounted`."""
    _weights(R, w, k, stage)
    p, weight = beta_nodes(a, b, 0.35)
    total = 0.0
    for j in range(k):
        if stage[j] == 0.0:
            continue
        shape = R + j
        step = 0.25 * min(1.0, 2.0 / math.sqrt(shape))
        start = math.log(shape / A)
        part = mass = 0.0
        for side in range(2):
            u = start if side == 0 else start + step
            while True:
                rate = math.exp(u)
                density = math.exp(shape * (u - start) - A * rate + shape)
                log_rho = -math.log1p(force / rate)
                whole = math.exp(k * log_rho)
                lost = -math.expm1(k * log_rho)
                inner = 0.0
                for q in range(p.size):
                    inner += weight[q] / (lost + p[q] * whole)
                added = density * math.exp((k - j) * log_rho) * inner
                mass += density
                part += added
                if added < 1e-17 * part and (shape < 5.0 or density < 1e-17 * mass):
                    break
                u += step if side else -step
        # A small shape lets the density fall off slowly, but its integral is known.
        known = math.exp(shape + math.lgamma(shape) - shape * math.log(shape))
        total += stage[j] * (part / mass if shape >= 5.0 else part * step / known)
    return total


@njit
def wait(R: Floats, w: Floats, A: Floats, chance: Floats, k: int) -> Floats:
    """Time by which a live customer has bought with this chance: the first k - j stages are passed."""
    out = np.empty(R.size)
    stage = np.empty(k)
    for i in range(R.size):
        if chance[i] >= 1.0:
            out[i] = math.inf
            continue
        _weights(R[i], w[i], k, stage)
        # By bisection of ln h: P(N >= k - j) rises with h, and 100 halvings leave nothing of 750.
        low, high = math.log(A[i]) - 60.0, math.log(A[i]) + 690.0
        for _ in range(100):
            middle = 0.5 * (low + high)
            h = math.exp(middle)
            bought = 0.0
            for j in range(k):
                bought += stage[j] * _at_least(R[i] + j, h / (A[i] + h), k - j)
            if bought < chance[i]:
                low = middle
            else:
                high = middle
        out[i] = math.exp(high) if high < math.log(A[i]) + 689.0 else math.inf
    return out
