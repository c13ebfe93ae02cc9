"""Pareto/NBD on two clocks: log-likelihood, its slopes also in the effects on both clocks, and the odds of being gone.

In the time of a buying clock B a customer buys at rate lambda ~ Gamma(r, alpha), in that of a leaving clock D it leaves
at rate mu ~ Gamma(s, beta) (Bachmann, Meierer & Naef 2021, "The role of time-varying contextual factors in latent
attrition models for customer base analysis", Marketing Science 40(4), 783-809). With R = r + x, and B and D from the
first purchase on, a customer with x repeat purchases, the last at t_x, observed to T has

    L = prod_{j<x} (r + j) . alpha^r beta^s
        . [ (alpha + B(T))^-R (beta + D(T))^-s + s int_t_x^T (alpha + B(y))^-R (beta + D(y))^-(s+1) dD(y) ]

times the speeds of the buying clock at the purchases. Both clocks are straight within a piece of time, where the
integrand has no singularity near: with c its number of e-foldings over a panel (a few more are counted) Gauss's rule of
2, 3 or 8 nodes leaves at most 4e-11 of it for c up to 0.02, 0.2 and 4; longer pieces are cut.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.pochhammer import rising_logs
from churnsim.kernels.numerics.quadrature import NODES_8, WEIGHTS_8
from churnsim.typing import Floats, Ints

_TWO, _THREE = 0.5 / math.sqrt(3.0), 0.5 * math.sqrt(0.6)
_AT = (0.5 - _TWO, 0.5 + _TWO, 0.5 - _THREE, 0.5, 0.5 + _THREE, *NODES_8)
_WEIGHT = (0.5, 0.5, 5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0, *WEIGHTS_8)
_FOLDINGS = 300.0  # between the integrands of histories taken together, so that none underflows


@njit
def _at(run: Floats, place: float) -> float:
    """How far a clock has run at a place, from what it has at the pieces' beginnings."""
    k = int(place)
    return run[k] + (place - k) * (run[k + 1] - run[k]) if place > k else run[k]


@njit
def _piece(
    R: float, S: float, A: float, D: float, by_b: float, by_d: float, start: float, stop: float,
    top_A: float, top_D: float, out: Floats, kept: Floats,
) -> None:  # fmt: skip
    """Add the integral from `start` to `stop` of a piece of time, at whose beginning alpha + B and beta + D
    are `A` and `D`, relative to (e^top_A)^-R (e^top_D)^-S.

    To `out`: it, and with ln(alpha + B), 1/(alpha + B), ln(beta + D), 1/(beta + D) in the integrand. `kept`: it, with
    1/(alpha + B) and 1/(beta + D), and with these times the place in the piece.
    """
    kept[:] = 0.0
    while start < stop:
        slope = (R + 5.5) * by_b / (A + start * by_b) + (S + 5.5) * by_d / (D + start * by_d)
        step = min(stop - start, 4.0 / slope)
        first, nodes = 5, 8
        if slope * step <= 0.2:
            first, nodes = (0, 2) if slope * step <= 0.02 else (2, 3)
        for node in range(first, first + nodes):
            place = start + step * _AT[node]
            a, d = A + place * by_b, D + place * by_d
            log_a, log_d = math.log(a), math.log(d)
            w = _WEIGHT[node] * step * by_d * math.exp(R * (top_A - log_a) + S * (top_D - log_d))
            out[0] += w
            out[1] += w * log_a
            out[2] += w / a
            out[3] += w * log_d
            out[4] += w / d
            kept[0] += w
            kept[1] += w / a
            kept[2] += w / d
            kept[3] += w / a * place
            kept[4] += w / d * place
        start = start + step if step < stop - start else stop


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
    rate, d_rate = rising_logs(r, x.max() if x.size else 0)
    total = np.zeros(5 + effects[0] + effects[1])
    rows = np.empty((x.size, 2))
    most = 1
    for i in range(x.size):
        most = max(most, math.ceil(end[i]) - int(begin[i]))
    B, D = np.empty(most + 1), np.empty(most + 1)
    # Slopes in a clock's time where a piece begins, and in what it runs in the piece, each of both clocks.
    edges, parts = np.zeros((2, most + 1)), np.zeros((2, most + 1))
    kept = np.empty((most + 1, 5))
    where, share = np.empty(most + 1, np.int64), np.empty(most + 1)
    sums = np.zeros(5)
    i = 0
    while i < x.size:
        low, n, until = int(begin[i]), x[i], end[i]
        pieces, R, S = math.ceil(until) - low, r + n, s + 1.0
        part = begin[i] - low
        B[0], D[0] = (-part * buying[low], -part * leaving[low]) if pieces > 0 else (0.0, 0.0)
        for k in range(pieces):
            B[k + 1], D[k + 1] = B[k] + buying[low + k], D[k] + leaving[low + k]
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
        most_kept = pieces + 2 * (following - i) + 1
        if kept.shape[0] < most_kept:
            kept, where, share = np.empty((most_kept, 5)), np.empty(most_kept, np.int64), np.empty(most_kept)
        late_A, late_D = alpha + _at(B, until - low), beta + _at(D, until - low)
        log_A, log_D = math.log(late_A), math.log(late_D)
        found, place = 0, until - low
        end_B = end_D = 0.0
        sums[:] = 0.0
        for q in range(i, following):
            stop = last[q] - low
            while place > stop:
                k = math.ceil(place) - 1
                start = max(stop, float(k))
                _piece(
                    R, S, alpha + B[k], beta + D[k], buying[low + k], leaving[low + k], start - k, place - k,
                    top_A, top_D, sums, kept[found],
                )  # fmt: skip
                where[found], share[found] = k, 0.0
                place = start
                found += 1
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
            if found > 0:  # all pieces so far are this history's
                share[found - 1] += w * by_mass
        if effects[0] + effects[1] > 0 and pieces > 0:
            edges[:, : pieces + 1] = 0.0
            parts[:, : pieces + 1] = 0.0
            k = int(until - low)
            edges[0, k], edges[1, k] = end_B, end_D
            parts[0, k], parts[1, k] = (until - low - k) * end_B, (until - low - k) * end_D
            w = 0.0
            for j in range(found - 1, -1, -1):
                w += share[j]
                k = where[j]
                edges[0, k] -= w * R * kept[j, 1]
                edges[1, k] -= w * S * kept[j, 2]
                parts[0, k] -= w * R * kept[j, 3]
                parts[1, k] += w * (kept[j, 0] / leaving[low + k] - S * kept[j, 4])
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
def uniforms(uids: Ints, replication: int, seed: int, domain: int, stream: int) -> Floats:
    """Rows of four: of being alive, of the two traits, of the time of leaving, as in `pareto_nbd.posterior_draw`."""
    out = np.empty((uids.size, 4))
    for i in range(uids.size):
        out[i, 0], out[i, 1], out[i, 2], _ = block(0, stream, uids[i], replication, seed, domain)
        out[i, 3], _, _, _ = block(2, stream, uids[i], replication, seed, domain)
    return out
