"""BG/BB where a calendar moves the chance to buy at each opportunity, on the scale of its logit.

As `bg_bb.py`, with the chance p_t = o e^(u_t)/(1 + o e^(u_t)) at opportunity t of a customer whose own odds are o =
p/(1 - p), p ~ Beta(alpha, beta). With x purchases, the last at opportunity t_x of n after a start, the likelihood is
e^(sum of u at the purchases) times

    sum_{k=t_x}^{n-1} J(k) B(gamma+1, delta+k)/B(gamma, delta) + J(n) B(gamma, delta+n)/B(gamma, delta),
    J(k) = E[o^x prod_{t<=k} 1/(1 + o e^(u_t))].

The expectation is an integral over y = ln o, whose integrand is analytic in a strip of width pi to either side: the
trapezoid rule converges geometrically in 1/step (Trefethen & Weideman 2014, SIAM Review 56(3), 385-458). Beyond the
first and the last node the integrand is an exponential of y, so that the nodes left out are a geometric series.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import rising_logs
from churnsim.typing import Floats, Ints

REACH = 40.0  # e^-40 of the odds, or of a density, is nothing


@njit
def tail(a: float, b: float) -> float:
    """How far above its mode ln(a/b) the density of ln o, p ~ Beta(a, b), has fallen to nothing. Of the chances shifted
    by up to u it has so u farther; below the mode it has as that of Beta(b, a) above."""
    mode = math.log(a / b)
    top = a * mode - (a + b) * math.log1p(a / b)
    length = REACH / b + math.sqrt(2.0 * REACH / b)
    while True:
        v = mode + length
        fall = top - a * v + (a + b) * (max(v, 0.0) + math.log1p(math.exp(-abs(v))))
        # e^-36 is what a sum in floating point keeps of its largest term.
        if fall > REACH - 4.0:
            return length
        length *= 1.25


@njit
def courses(y: Floats, u: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """By node and opportunity the chance not to buy; before each opportunity the sum of the logarithms of those, and
    of chances to buy times each column of z."""
    not_bought = np.empty((y.size, u.size))
    logs = np.zeros((y.size, u.size + 1))
    sums = np.zeros((y.size, u.size + 1, z.shape[1]))
    for m in range(y.size):
        for t in range(u.size):
            v = y[m] + u[t]
            # 1/(1 + e^v) and its logarithm without overflow on either side.
            small = math.exp(-abs(v))
            not_bought[m, t] = (small if v > 0.0 else 1.0) / (1.0 + small)
            logs[m, t + 1] = logs[m, t] - max(v, 0.0) - math.log1p(small)
            for c in range(z.shape[1]):
                sums[m, t + 1, c] = sums[m, t, c] + (1.0 - not_bought[m, t]) * z[t, c]
    return not_bought, logs, sums


@njit
def terms(
    alpha: float, beta: float, gamma: float, delta: float, y: Floats, log_weight: Floats, not_bought: Floats,
    logs: Floats, sums: Floats, start: Ints, x: Ints, t_x: Ints, n: Ints, weight: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Weighted sums: log-likelihood but for the u at the purchases, and its slopes in the four parameters (without
    those of the constant of the density of p) and in the effects; rows: log-likelihood, ln P(alive at n + 1).

    `log_weight` is that of the nodes y under Beta(alpha, beta). Customers alike in `start` and x share their work where
    they are neighbours.
    """
    effects, step = sums.shape[2], y[1] - y[0]
    most = 0
    for i in range(n.size):
        most = max(most, n[i] + 1)
    stay, d_stay = rising_logs(delta, most)
    toss, d_toss = rising_logs(gamma + delta, most)
    total = np.zeros(5 + effects)
    rows = np.empty((x.size, 2))
    table = np.empty((most + 1, 3 + effects))
    means = np.empty(5 + effects)
    i = 0
    while i < x.size:
        first, last, following = t_x[i], n[i], i
        while following < x.size and start[following] == start[i] and x[following] == x[i]:
            first, last = min(first, t_x[following]), max(last, n[following])
            following += 1
        begin, bought = start[i], x[i]
        top = -math.inf
        for m in range(y.size):
            # The largest node is taken out: with many opportunities every one of them underflows.
            top = max(top, log_weight[m] + bought * y[m] + logs[m, begin + first] - logs[m, begin])
        table[: last - first + 1] = 0.0
        for m in range(y.size):
            part = math.exp(log_weight[m] + bought * y[m] + logs[m, begin + first] - logs[m, begin] - top)
            log_p = min(y[m], 0.0) - math.log1p(math.exp(-abs(y[m])))
            log_q = log_p - y[m]
            if m == 0:
                # The nodes left out below: a geometric series, whose sum and mean of log p are known.
                rest = math.exp(-step * (alpha + bought))
                part /= 1.0 - rest
                log_p -= step * rest / (1.0 - rest)
            for k in range(first, last + 1):
                if k > first:
                    part *= not_bought[m, begin + k - 1]
                value, at_q = part, log_q
                if m == y.size - 1:
                    # The nodes left out above, where the integrand falls like e^(-(beta + k - x) y).
                    rest = math.exp(-step * (beta + k - bought))
                    value /= 1.0 - rest
                    at_q -= step * rest / (1.0 - rest)
                row = table[k - first]
                row[0] += value
                row[1] += value * log_p
                row[2] += value * at_q
                for c in range(effects):
                    row[3 + c] -= value * (sums[m, begin + k, c] - sums[m, begin, c])
        for j in range(i, following):
            means[:] = 0.0
            for k in range(t_x[j], n[j] + 1):
                ends = k == n[j]
                chance = math.exp(stay[k] - toss[k]) if ends else math.exp(math.log(gamma) + stay[k] - toss[k + 1])
                row = table[k - first]
                means[0] += chance * row[0]
                means[1] += chance * row[1]
                means[2] += chance * row[2]
                means[3] += chance * row[0] * (-d_toss[k] if ends else 1.0 / gamma - d_toss[k + 1])
                means[4] += chance * row[0] * (d_stay[k] - (d_toss[k] if ends else d_toss[k + 1]))
                for c in range(effects):
                    means[5 + c] += chance * row[3 + c]
            k = n[j]
            rows[j, 0] = top + math.log(means[0])
            rows[j, 1] = math.log(table[k - first, 0] / means[0]) + stay[k + 1] - toss[k + 1]
            total[0] += weight[j] * rows[j, 0]
            for c in range(1, 5 + effects):
                total[c] += weight[j] * means[c] / means[0]
        i = following
    return total, rows


@njit
def own_terms(
    alpha: float, beta: float, gamma: float, delta: float, y: Floats, log_weight: Floats, u: Floats, z: Floats,
    start: Ints, x: Ints, t_x: Ints, n: Ints, weight: Floats,
) -> Floats:  # fmt: skip
    """The sums of `terms` of customers of whom each has opportunities of its own, without a logarithm or a power by
    node and opportunity, at the nodes that count for a customer."""
    effects, step = z.shape[1], y[1] - y[0]
    most = 0
    for i in range(n.size):
        most = max(most, n[i] + 1)
    stay, d_stay = rising_logs(delta, most)
    toss, d_toss = rising_logs(gamma + delta, most)
    odds, log_p, later = np.empty(y.size), np.empty(y.size), np.empty(y.size)
    for m in range(y.size):
        odds[m] = math.exp(y[m])
        log_p[m] = min(y[m], 0.0) - math.log1p(math.exp(-abs(y[m])))
    not_bought, there = np.empty((most, y.size)), np.empty((most, y.size))
    total, means = np.zeros(5 + effects), np.empty(5 + effects)
    for i in range(n.size):
        first, last, bought, begin = t_x[i], n[i], x[i], start[i]
        moved = 0.0
        for t in range(last):
            moved = max(moved, abs(u[begin + t]))
        # As `nodes` of the model, by the customer's own counts.
        low_shape, high_shape = alpha + bought, beta + first - bought
        most_left = beta + last - bought
        low = math.log(low_shape / most_left) - tail(most_left, low_shape)
        high = math.log(low_shape / high_shape) + tail(low_shape, high_shape)
        a = min(max(int((low - moved - y[0]) / step), 0), y.size - 2)
        b = max(min(int((high + moved - y[0]) / step) + 2, y.size), a + 2)
        scale, here = -math.inf, there[0]
        for m in range(a, b):
            scale = max(scale, log_weight[m])
        for m in range(a, b):
            here[m] = math.exp(log_weight[m] - scale)
        # The nodes left out below are a geometric series, whose sum and mean of log p are known.
        rest_low = math.exp(-step * low_shape)
        here[a] /= 1.0 - rest_low
        for t in range(last):
            lift, row = math.exp(u[begin + t]), not_bought[t]
            for m in range(a, b):
                row[m] = 1.0 / (1.0 + odds[m] * lift)
            if t >= first:
                following = there[t + 1 - first]
                for m in range(a, b):
                    following[m] = here[m] * row[m]
                here = following
                continue
            # The purchases' odds enter in turn with the chances not to buy, so that nothing overflows.
            if (t + 1) * bought // first > t * bought // first:
                for m in range(a, b):
                    here[m] *= odds[m] * row[m]
            else:
                for m in range(a, b):
                    here[m] *= row[m]
            if t % 4 == 3:
                largest = 0.0
                for m in range(a, b):
                    largest = max(largest, here[m])
                if not 1e-100 < largest < 1e100:
                    for m in range(a, b):
                        here[m] /= largest
                    scale += math.log(largest)
        later[a:b] = 0.0
        means[:] = 0.0
        for k in range(last, -1, -1):
            if k >= first:
                ends = k == last
                chance = math.exp(stay[k] - toss[k]) if ends else math.exp(math.log(gamma) + stay[k] - toss[k + 1])
                here, whole = there[k - first], 0.0
                # The nodes left out above, where the integrand falls like e^(-(beta + k - x) y).
                rest = math.exp(-step * (beta + k - bought))
                above = here[b - 1] * rest / (1.0 - rest)
                for m in range(a, b):
                    later[m] += chance * here[m]
                    whole += here[m]
                later[b - 1] += chance * above
                whole += above
                means[2] -= chance * (here[b - 1] + above) * step * rest / (1.0 - rest)
                means[3] += chance * whole * (-d_toss[k] if ends else 1.0 / gamma - d_toss[k + 1])
                means[4] += chance * whole * (d_stay[k] - (d_toss[k] if ends else d_toss[k + 1]))
            if k > 0:
                slope, row = 0.0, not_bought[k - 1]
                for m in range(a, b):
                    slope += later[m] * (1.0 - row[m])
                for c in range(effects):
                    means[5 + c] -= slope * z[begin + k - 1, c]
        for m in range(a, b):
            means[0] += later[m]
            means[1] += later[m] * log_p[m]
            means[2] += later[m] * (log_p[m] - y[m])
        means[1] -= later[a] * step * rest_low / (1.0 - rest_low)
        total[0] += weight[i] * (scale + math.log(means[0]))
        for c in range(1, 5 + effects):
            total[c] += weight[i] * means[c] / means[0]
    return total
