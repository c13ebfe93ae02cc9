"""Pareto/NBD on two clocks: log-likelihood, its slopes also in the effects on both clocks, and the odds of being gone.

In the time of a buying clock B a customer buys at rate lambda ~ Gamma(r, alpha), in that of a leaving clock D it leaves
at rate mu ~ Gamma(s, beta) (Bachmann, Meierer & Naef 2021, "The role of time-varying contextual factors in latent
attrition models for customer base analysis", Marketing Science 40(4), 783-809). With R = r + x, and B and D from the
first purchase on, a customer with x repeat purchases, the last at t_x, observed to T has

    L = prod_{j<x} (r + j) . alpha^r beta^s
        . [ (alpha + B(T))^-R (beta + D(T))^-s + s int_t_x^T (alpha + B(y))^-R (beta + D(y))^-(s+1) dD(y) ]

times the speeds of the buying clock at the purchases. Both clocks are straight within a piece of time. It is cut into
panels over which the integrand has no more than .7 e-foldings (a few more are counted), so that Gauss's rule of four
nodes leaves at most 4e-11 of it and a clock runs by at most an eighth of what it has. There the logarithms and the
integrand are short series from the panel's beginning on, without a branch, which compilers turn into instructions for
several panels at once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial.legendre import leggauss

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import highest_count, rising_logs
from churnsim.kernels.numerics.quadrature import NODES_8, WEIGHTS_8
from churnsim.typing import Floats, Ints

_PANEL = 0.7  # e-foldings
_NEGLIGIBLE = 45.0  # e-foldings from the beginning of a piece on, after which nothing of it counts
_AT, _WEIGHT = ((part + low) / 2 for part, low in zip(leggauss(4), (1.0, 0.0), strict=True))
_MIDDLE = math.exp(-_PANEL / 2)
# Columns of a table of panels: alpha + B and beta + D where it begins, what both run in it, the integral's mass were
# the integrand constant, the logarithms of the first two, its beginning and length in the piece; and of the integral:
# it, with ln(alpha + B), 1/(alpha + B), ln(beta + D), 1/(beta + D) in the integrand, and with both reciprocals times
# the place in the piece.
_COLUMNS = 16
_FOLDINGS = 300.0  # between the integrands of histories taken together, so that none underflows
_STEP = 4.0  # e-foldings of a discounted rate in a step


@njit
def _at(run: Floats, place: float) -> float:
    """How far a clock has run at a place, from what it has at the pieces' beginnings."""
    k = int(place)
    return run[k] + (place - k) * (run[k + 1] - run[k]) if place > k else run[k]


@njit
def _run(run: Floats, speed: Floats, low: int, part: float, pieces: int) -> None:
    """Fill in what a clock has where pieces begin: it starts at the first purchase, a part into the first piece."""
    run[0] = -part * speed[low] if pieces > 0 else 0.0
    for k in range(pieces):
        run[k + 1] = run[k] + speed[low + k]


@njit
def _log1p(t: float) -> float:
    """ln(1 + u) of t = u/(2 + u) up to 1/16: 2 artanh t, of which the series leaves 2e-16."""
    s = t * t
    return 2.0 * t * (1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11))))))


@njit
def _exp(y: float) -> float:
    """e^y for y from -.7 to 0, by the series about the middle, which leaves 3e-16."""
    v = y + _PANEL / 2
    v2 = v * v
    v4 = v2 * v2
    low = (1.0 + v) + v2 * (1 / 2 + v * (1 / 6))
    middle = (1 / 24 + v * (1 / 120)) + v2 * (1 / 720 + v * (1 / 5040))
    high = (1 / 40320 + v * (1 / 362880)) + v2 * (1 / 3628800 + v * (1 / 39916800)) + v4 * (1 / 479001600)
    return _MIDDLE * (low + v4 * (middle + v4 * high))


@njit
def _integrate(
    R: float, S: float, a: Floats, d: Floats, by_b: Floats, by_d: Floats, front: Floats, log_a: Floats, log_d: Floats,
    start: Floats, length: Floats, mass: Floats, mass_log_a: Floats, in_a: Floats, mass_log_d: Floats, in_d: Floats,
    at_a: Floats, at_d: Floats,
) -> None:  # fmt: skip
    """The last seven columns of a table of panels from the first nine."""
    for each in (mass, mass_log_a, in_a, mass_log_d, in_d, at_a, at_d):
        each[:] = 0.0
    for node in range(4):
        at, weight = _AT[node], _WEIGHT[node]
        for k in range(a.size):
            b, e = at * by_b[k], at * by_d[k]
            more_a, more_d = _log1p(b / (a[k] + a[k] + b)), _log1p(e / (d[k] + d[k] + e))
            w = weight * front[k] * _exp(-R * more_a - S * more_d)
            over_a, over_d = w / (a[k] + b), w / (d[k] + e)
            place = start[k] + at * length[k]
            mass[k] += w
            mass_log_a[k] += w * (log_a[k] + more_a)
            in_a[k] += over_a
            mass_log_d[k] += w * (log_d[k] + more_d)
            in_d[k] += over_d
            at_a[k] += over_a * place
            at_d[k] += over_d * place


@njit
def _within(R: float, S: float, a: float, d: float, by_b: float, by_d: float, front: float, mass: float) -> float:
    """What part of a panel, from its beginning on, has a `mass`: by Newton's method on the rule of `_integrate`.

    The integrand falls, so the steps from the beginning on come from below and never pass the root.
    """
    at = 0.0
    for _ in range(30):
        held = 0.0
        for node in range(4):
            b, e = at * _AT[node] * by_b, at * _AT[node] * by_d
            held += _WEIGHT[node] * _exp(-R * _log1p(b / (a + a + b)) - S * _log1p(e / (d + d + e)))
        b, e = at * by_b, at * by_d
        slope = _exp(-R * _log1p(b / (a + a + b)) - S * _log1p(e / (d + d + e)))
        step = (mass / front - at * held) / slope
        at = min(max(at + step, 0.0), 1.0)
        if abs(step) <= 1e-15:
            break
    return at


@njit
def _cut(
    R: float, S: float, alpha: float, beta: float, B: Floats, D: Floats, buying: Floats, leaving: Floats, until: float,
    last: Floats, low: int, top_A: float, top_D: float, table: Floats, where: Ints, upto: Ints,
) -> int:  # fmt: skip
    """Fill the first columns of a table of panels from `until` back to each `last`, which descend; `where` is the piece
    of each, `upto` their number at each `last`. The number of all, or -1 where the table is too short."""
    found, place = 0, until
    for q in range(last.size):
        stop = last[q] - low
        while place > stop:
            k = math.ceil(place) - 1
            start, to, by_b, by_d = max(stop - k, 0.0), place - k, buying[low + k], leaving[low + k]
            place = max(stop, float(k))
            low_A = low_D = 0.0
            begun = found
            while start < to:
                a, d = alpha + B[k] + start * by_b, beta + D[k] + start * by_d
                log_a, log_d = math.log(a), math.log(d)
                if found == begun:
                    low_A, low_D = log_a, log_d
                # Nothing of the rest of the piece counts beside its beginning.
                elif R * (log_a - low_A) + S * (log_d - low_D) > _NEGLIGIBLE:
                    break
                if found == where.size:
                    return -1
                # 5.5 more than the exponents, so that a clock runs by about an eighth of what it has at most.
                step = min(to - start, _PANEL / ((R + 5.5) * by_b / a + (S + 5.5) * by_d / d))
                table[0, found], table[1, found], table[2, found], table[3, found] = a, d, step * by_b, step * by_d
                table[4, found] = step * by_d * math.exp(R * (top_A - log_a) + S * (top_D - log_d))
                table[5, found], table[6, found], table[7, found], table[8, found] = log_a, log_d, start, step
                where[found] = k
                start = start + step if step < to - start else to
                found += 1
        upto[q] = found
    return found


@njit
def _panels(
    R: float, S: float, alpha: float, beta: float, B: Floats, D: Floats, buying: Floats, leaving: Floats, until: float,
    last: Floats, low: int, top_A: float, top_D: float, t: Floats, where: Ints, upto: Ints,
) -> tuple[Floats, Ints, int]:  # fmt: skip
    """The whole table of panels, longer than the one given where they do not fit, with the piece of each and their
    number. Arguments as of `_cut`."""
    n = -1
    while n < 0:
        n = _cut(R, S, alpha, beta, B, D, buying, leaving, until, last, low, top_A, top_D, t, where, upto)
        if n < 0:
            t, where = np.empty((_COLUMNS, 2 * where.size)), np.empty(2 * where.size, np.int64)
    _integrate(
        R, S, t[0][:n], t[1][:n], t[2][:n], t[3][:n], t[4][:n], t[5][:n], t[6][:n], t[7][:n], t[8][:n], t[9][:n],
        t[10][:n], t[11][:n], t[12][:n], t[13][:n], t[14][:n], t[15][:n],
    )  # fmt: skip
    return t, where, n


@njit
def _most_pieces(begin: Floats, end: Floats) -> int:
    """Of any history."""
    most = 1
    for i in range(begin.size):
        most = max(most, math.ceil(end[i]) - int(begin[i]))
    return most


@njit
def terms(
    r: float, alpha: float, s: float, beta: float, x: Ints, begin: Floats, last: Floats, end: Floats, weight: Floats,
    buying: Floats, leaving: Floats, z_buying: Floats, z_leaving: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Weighted sums: log-likelihood, slopes in r, alpha, s and beta and in the effects on buying and on leaving; and
    rows: log-likelihood and log-odds of being gone.

    `buying` and `leaving` say how far each clock runs in each piece of time, z what its speed's logarithm has of each
    effect. The first purchase, the last and the end are places among the pieces, parts of one as fractions. Histories
    alike in x, begin and end share their work where they are neighbours, from the latest `last` to the earliest.
    """
    effects = z_buying.shape[1], z_leaving.shape[1]
    rate, d_rate = rising_logs(r, highest_count(x))
    total = np.zeros(5 + effects[0] + effects[1])
    rows = np.empty((x.size, 2))
    most = _most_pieces(begin, end)
    B, D = np.empty(most + 1), np.empty(most + 1)
    # Slopes in a clock's time where a piece begins, and in what it runs in the piece, each of both clocks.
    edges, parts = np.zeros((2, most + 1)), np.zeros((2, most + 1))
    table = np.empty((_COLUMNS, 2 * most + 2))
    where, upto, share = np.empty(2 * most + 2, np.int64), np.empty(1, np.int64), np.empty(1)
    sums = np.zeros(5)
    i = 0
    while i < x.size:
        low, n, until = int(begin[i]), x[i], end[i]
        pieces, R, S = math.ceil(until) - low, r + n, s + 1.0
        part = begin[i] - low
        _run(B, buying, low, part, pieces)
        _run(D, leaving, low, part, pieces)
        following = i
        start_A = start_D = 0.0
        while following < x.size and x[following] == n and begin[following] == begin[i] and end[following] == until:
            A, E = math.log(alpha + _at(B, last[following] - low)), math.log(beta + _at(D, last[following] - low))
            if following == i:
                start_A, start_D = A, E
            elif last[following] > last[following - 1] or R * (start_A - A) + S * (start_D - E) > _FOLDINGS:
                break
            top_A, top_D = A, E
            following += 1
        if upto.size < following - i:
            upto, share = np.empty(following - i, np.int64), np.empty(following - i)
        # The table stays as long as it became for the next histories.
        table, where, found = _panels(
            R, S, alpha, beta, B, D, buying, leaving, until - low, last[i:following], low, top_A, top_D, table, where,
            upto,
        )  # fmt: skip
        t = table
        late_A, late_D = alpha + _at(B, until - low), beta + _at(D, until - low)
        log_A, log_D = math.log(late_A), math.log(late_D)
        end_B = end_D = 0.0
        sums[:] = 0.0
        # From the latest last purchase to the earliest, each history adds its panels to those before.
        summed = 0
        for q in range(i, following):
            for j in range(summed, upto[q - i]):
                for c in range(5):
                    sums[c] += t[9 + c, j]
            summed = upto[q - i]
            mass = sums[0]
            odds = -math.inf
            if mass > 0.0:
                odds = math.log(s * mass) + R * (log_A - top_A) + s * (log_D - top_D) - top_D
            small = math.exp(-abs(odds))
            gone = (1.0 if odds > 0.0 else small) / (1.0 + small)
            alive = 1.0 - gone if odds < 0.0 else small / (1.0 + small)
            by_mass = gone / mass if mass > 0.0 else 0.0
            w = weight[q]
            rows[q, 0] = (
                rate[n] - r * math.log1p((late_A - alpha) / alpha) - n * log_A
                - s * math.log1p((late_D - beta) / beta) + max(odds, 0.0) + math.log1p(small)
            )  # fmt: skip
            rows[q, 1] = odds
            total[0] += w * rows[q, 0]
            total[1] += w * (d_rate[n] + math.log(alpha) - alive * log_A - by_mass * sums[1])
            total[2] += w * (r / alpha - R * (alive / late_A + by_mass * sums[2]))
            total[3] += w * (math.log(beta) + gone / s - alive * log_D - by_mass * sums[3])
            total[4] += w * (s / beta - alive * s / late_D - S * by_mass * sums[4])
            end_B -= w * alive * R / late_A
            end_D -= w * alive * s / late_D
            share[q - i] = w * by_mass  # all panels so far are this history's
        if effects[0] + effects[1] > 0 and pieces > 0:
            edges[:, : pieces + 1] = 0.0
            parts[:, : pieces + 1] = 0.0
            k = int(until - low)
            edges[0, k], edges[1, k] = end_B, end_D
            parts[0, k], parts[1, k] = (until - low - k) * end_B, (until - low - k) * end_D
            w, q = 0.0, following - i
            for j in range(found - 1, -1, -1):
                while q > 0 and upto[q - 1] > j:
                    q -= 1
                    w += share[q]
                k = where[j]
                edges[0, k] -= w * R * t[11, j]
                edges[1, k] -= w * S * t[13, j]
                parts[0, k] -= w * R * t[14, j]
                parts[1, k] += w * (t[9, j] / leaving[low + k] - S * t[15, j])
            parts[0, 0] -= part * edges[0, : pieces + 1].sum()
            parts[1, 0] -= part * edges[1, : pieces + 1].sum()
            run_B = run_D = 0.0
            for k in range(pieces - 1, -1, -1):
                run_B += edges[0, k + 1]
                run_D += edges[1, k + 1]
                by_B, by_D = (parts[0, k] + run_B) * buying[low + k], (parts[1, k] + run_D) * leaving[low + k]
                for c in range(effects[0]):
                    total[5 + c] += by_B * z_buying[low + k, c]
                for c in range(effects[1]):
                    total[5 + effects[0] + c] += by_D * z_leaving[low + k, c]
        i = following
    return total, rows


@njit
def at_leaving(
    r: float, alpha: float, s: float, beta: float, x: Ints, begin: Floats, last: Floats, end: Floats, share: Floats,
    buying: Floats, leaving: Floats,
) -> Floats:  # fmt: skip
    """Rows: alpha + B and beta + D when customers leave who have left by the end; of the law of that time, a `share`
    comes before it. The others are as in `terms`."""
    out, S = np.empty((x.size, 2)), s + 1.0
    most = _most_pieces(begin, end)
    B, D = np.empty(most + 1), np.empty(most + 1)
    t, where, upto = np.empty((_COLUMNS, 2 * most + 2)), np.empty(2 * most + 2, np.int64), np.empty(1, np.int64)
    for i in range(x.size):
        low, R = int(begin[i]), r + x[i]
        until, pieces, part = end[i] - low, math.ceil(end[i]) - low, begin[i] - low
        _run(B, buying, low, part, pieces)
        _run(D, leaving, low, part, pieces)
        top_A, top_D = math.log(alpha + _at(B, last[i] - low)), math.log(beta + _at(D, last[i] - low))
        t, where, n = _panels(
            R, S, alpha, beta, B, D, buying, leaving, until, last[i : i + 1], low, top_A, top_D, t, where, upto
        )
        out[i, 0], out[i, 1] = alpha + _at(B, until), beta + _at(D, until)
        before = share[i] * t[9, :n].sum()
        # Pieces go back in time, the panels within each forward.
        after, j = n, n
        while after > 0 and j == after:
            first = after - 1
            while first > 0 and where[first - 1] == where[after - 1]:
                first -= 1
            j = first
            while j < after and before >= t[9, j]:
                before -= t[9, j]
                j += 1
            if j == after:
                after, j = first, first
        if after > 0:
            h = _within(R, S, t[0, j], t[1, j], t[2, j], t[3, j], t[4, j], before)
            out[i, 0], out[i, 1] = t[0, j] + h * t[2, j], t[1, j] + h * t[3, j]
    return out


@njit
def discounted(
    s: float, force: float, L: Floats, run: Floats, since: Floats, begin: Floats, first: Floats, after: Floats,
    owner: Ints, buying: Floats, leaving: Floats, length: Floats, starts: Ints, changes: Floats, level: Floats,
) -> Floats:  # fmt: skip
    """int level e^(-force t) (1 + d/L)^-s db from one place among the pieces, `first`, to another, `after`.

    d has `run` and t is `since` at the first place, whose position is `begin`; t counts days, as the pieces' `length`
    does. The level of customer i is that of the last of the positions `changes`, from the `starts` of its `owner` on,
    which ascend. Other arguments as of `terms`.
    """
    out = np.zeros(L.size)
    for i in range(L.size):
        at, place = L[i] + run[i], begin[i]
        row, last = starts[owner[i]], starts[owner[i] + 1] - 1
        for k in range(int(first[i]), math.ceil(after[i])):
            part = min(after[i] - k, 1.0) - max(first[i] - k, 0.0)
            stop, by_b, by_d = place + part * length[k], buying[k] / length[k], leaving[k] / length[k]
            while place < stop:
                while row < last and changes[row + 1] <= place:
                    row += 1
                until = min(changes[row + 1], stop) if row < last else stop
                # Over so much Gauss's rule of eight nodes leaves less than 1e-13, that of four over a tenth of it.
                step = min(until - place, _STEP / (force + (s + 5.0) * by_d / at))
                few = (force + (s + 5.0) * by_d / at) * step < _STEP / 10.0
                total = 0.0
                for q in range(4 if few else 8):
                    u = step * (_AT[q] if few else NODES_8[q])
                    worth = math.exp(-force * u - s * math.log1p(by_d * u / at))
                    total += (_WEIGHT[q] if few else WEIGHTS_8[q]) * worth
                lasts = math.exp(-force * (since[i] + place - begin[i]) - s * math.log(at / L[i]))
                out[i] += level[row] * by_b * step * lasts * total
                at += by_d * step
                place = place + step if step < until - place else until
    return out


@njit
def uniforms(uids: Ints, replication: int, seed: int, domain: int, stream: int) -> Floats:
    """Rows of four: of being alive, of the two traits, of the time of leaving, as in `pareto_nbd.posterior_draw`."""
    out = np.empty((uids.size, 4))
    for i in range(uids.size):
        out[i, 0], out[i, 1], out[i, 2], _ = block(0, stream, uids[i], replication, seed, domain)
        out[i, 3], _, _, _ = block(2, stream, uids[i], replication, seed, domain)
    return out
