"""Histories in the time of a clock that a calendar rescales: BG/NBD's slopes and curvature in these times, and how the
effects of the calendar's columns curve a likelihood.

A customer's times on the clock are differences of a table by day at its `begin`, the day of its `last` purchase and the
`end`, so that their slopes in the effects are differences of the rows of a table of slopes.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.typing import Floats, Ints


@njit
def bg_nbd_slopes(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats, first: bool
) -> tuple[Floats, Floats]:
    """The sum that `bg_nbd.objective` gives, and row by row the slopes in t_x and in T."""
    top = highest_count(x)
    rate, d_rate = rising_logs(r, top)
    stay, d_stay = rising_logs(b, top)
    both, d_both = rising_logs(a + b, top)
    log_a, log_alpha = math.log(a), math.log(alpha)
    total = np.zeros(5)
    part = np.zeros(5)
    rows = np.empty((x.size, 2))
    for i in range(x.size):
        n, w = x[i], weight[i]
        bought = r + n
        late, log_T = 1.0 / (alpha + T[i]), math.log(alpha + T[i])
        value = rate[n] + stay[n] - both[n] + r * log_alpha - bought * log_T
        by_r = d_rate[n] + log_alpha - log_T
        gone = early = by_a = by_b = 0.0
        if n > 0 or first:
            last = b + n - 1.0
            early = 1.0 / (alpha + t_x[i])
            silence = log_T + math.log(early)
            odds = log_a - math.log(last) + bought * silence
            smaller = math.exp(-abs(odds))
            value += max(odds, 0.0) + math.log1p(smaller)
            gone = (1.0 if odds > 0.0 else smaller) / (1.0 + smaller)
            by_r += gone * silence
            by_a, by_b = gone / a, -gone / last
        # alpha stands beside t_x and beside T alone: its slope is r/alpha plus those in both times.
        in_last, in_end = -bought * gone * early, -bought * (1.0 - gone) * late
        part[0] += w * value
        part[1] += w * by_r
        part[2] += w * (r / alpha + in_last + in_end)
        part[3] += w * (by_a - d_both[n])
        part[4] += w * (by_b + d_stay[n] - d_both[n])
        rows[i, 0], rows[i, 1] = w * in_last, w * in_end
        if i % 1024 == 1023:
            total += part
            part[:] = 0.0
    return total + part, rows


@njit
def bg_nbd_curvature(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats, first: bool
) -> Floats:
    """Rows: second derivatives in (t_x, t_x), (t_x, T), (T, T), then in t_x and in T with each of (r, alpha, a, b).

    With g the chance of being gone and o the log-odds of it, ln(1 + e^o) adds g o'' + g (1 - g) o' o'^T.
    """
    out = np.zeros((x.size, 11))
    for i in range(x.size):
        n, w = x[i], weight[i]
        bought, late = r + n, 1.0 / (alpha + T[i])
        gone = unsure = early = silence = 0.0
        last = 1.0
        if n > 0 or first:
            last = b + n - 1.0
            early = 1.0 / (alpha + t_x[i])
            silence = math.log((alpha + T[i]) * early)
            odds = math.log(a / last) + bought * silence
            smaller = math.exp(-abs(odds))
            gone = (1.0 if odds > 0.0 else smaller) / (1.0 + smaller)
            unsure = w * smaller / ((1.0 + smaller) * (1.0 + smaller))
        in_last, in_end = -unsure * bought * early, unsure * bought * late
        stays = w * (1.0 - gone)
        gone *= w
        row = out[i]
        row[0] = gone * bought * early * early - in_last * bought * early
        row[1] = in_last * bought * late
        row[2] = stays * bought * late * late + in_end * bought * late
        row[3], row[7] = in_last * silence - gone * early, in_end * silence - stays * late
        row[4], row[8] = row[0] + row[1], row[1] + row[2]  # alpha stands beside both times alone
        row[5], row[9] = in_last / a, in_end / a
        row[6], row[10] = -in_last / last, -in_end / last
    return out


@njit
def curvature_of_effects(rows: Floats, begin: Floats, last: Floats, end: Floats, table: Floats) -> Floats:
    """Sums over histories of the second derivatives in each parameter, then each effect, and each effect.

    `rows` are a family's as those of `bg_nbd_curvature`; `table` holds the slopes of the clock in the effects by day.
    """
    size, effects = (rows.shape[1] - 3) // 2, table.shape[1]
    out = np.zeros((size + effects, effects))
    at_last, at_end, by_last, by_end = np.empty(effects), np.empty(effects), np.empty(effects), np.empty(effects)
    for i in range(rows.shape[0]):
        row = rows[i]
        for k in range(effects):
            # Times run from the first purchase: their slopes are differences of two rows of the table.
            from_ = between(table, k, begin[i])
            at_last[k], at_end[k] = between(table, k, last[i]) - from_, between(table, k, end[i]) - from_
            by_last[k] = row[0] * at_last[k] + row[1] * at_end[k]
            by_end[k] = row[1] * at_last[k] + row[2] * at_end[k]
        for k in range(effects):
            for j in range(size):
                out[j, k] += row[3 + j] * at_last[k] + row[3 + size + j] * at_end[k]
            # Half of the symmetric block; the other half is copied below.
            for j in range(k + 1):
                out[size + j, k] += at_last[j] * by_last[k] + at_end[j] * by_end[k]
    for k in range(effects):
        for j in range(k):
            out[size + k, j] = out[size + j, k]
    return out


@njit
def bg_nbd_effects(
    r: float, alpha: float, a: float, b: float, x: Ints, t_x: Floats, T: Floats, weight: Floats,
    begin: Floats, last: Floats, end: Floats, first: bool, table: Floats,
) -> Floats:  # fmt: skip
    """`curvature_of_effects` of BG/NBD."""
    rows = bg_nbd_curvature(r, alpha, a, b, x, t_x, T, weight, first)
    return curvature_of_effects(rows, begin, last, end, table)


@njit
def between(table: Floats, column: int, place: float) -> float:
    """A column's value at an entry of the table or between two."""
    low = min(int(place), table.shape[0] - 1)
    part = place - low
    value = table[low, column]
    return value + part * (table[low + 1, column] - value) if part > 0.0 else value
