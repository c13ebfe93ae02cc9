"""Discounted purchases on a rescaled clock.

int e^(-force t) dE(B(t)): E is analytic in B, so it is interpolated between Chebyshev points of panels whose lengths
double, and the rest, which is the same for all customers observed to one day, becomes the weights of these points
(Trefethen 2013, chapters 4 and 19).
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.models.purchase.calendar.clock import BuyingClock, LevelByDay, between_points, positions
from churnsim.typing import Floats

# Points of a panel less one (5.8^-14 of a panel's largest value is left out), nodes of a piece of a panel with few and
# with many pieces, and how small e^(-force t) gets before the rest counts as nothing.
DEGREE, NODES, FEW = 14, (8, 3), 50
NOTHING = 32.0
MOST_DAYS = 2_000_000


def discount_rule(
    clock: BuyingClock, end: float, span: float, force: float, offset: float, level: LevelByDay | None = None, *,
    since: float = 0.0, cuts: Floats | None = None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Points u and weights so that sum weight . E(u) is int_since^span e^(-force t) dE(B(t)), of an E that is analytic
    but for u <= -offset; B begins at the position `end`. With a `level` by day the integrand is times it. `cuts` are
    the times at which panels end, of an E that is analytic in each alone."""
    first, last = positions(np.full(2, end), np.array([since, span]), clock.per).tolist()
    inner = np.arange(math.floor(first) + 1.0, math.ceil(last))
    days = np.concatenate([[first], inner, [last]]) if last > first else np.array([first])
    times = (days - end) / clock.per
    run = times + clock.gained(np.full(days.size, end), days)
    # Integrated by parts: where the level changes the integrand is e^(-force t) E(B(t)) times how much it falls.
    by_day = np.ones(times.size)  # from each of the times to the next
    if level is not None and times.size > 1:
        by_day = np.append(level(math.floor(first) + 1, math.floor(days[-2]) + 1), 0.0)
    falls = -np.diff(by_day, prepend=0.0)
    edges = [float(run[0])]
    while edges[-1] < run[-1] and cuts is None:
        edges.append(min(edges[-1] + (offset + edges[-1]), run[-1]))
    cuts = np.interp(edges, run, times) if cuts is None else cuts
    edges = np.interp(cuts, times, run).tolist()
    points, weights = [], []
    for k in range(len(edges) - 1):
        inside = times[(times > cuts[k]) & (times < cuts[k + 1])]
        pieces = np.concatenate([cuts[k : k + 1], inside, cuts[k + 1 : k + 2]])
        node, share = np.polynomial.legendre.leggauss(NODES[0] if pieces.size < FEW else NODES[1])
        half = np.diff(pieces)[:, None] / 2
        t = (pieces[:-1, None] + half * (1 + node)).ravel()
        mass = (half * share).ravel() * force * np.exp(-force * t)
        u = np.interp(t, times, run)
        if level is not None:
            mass *= by_day[np.searchsorted(times, t) - 1]
            change = (times > cuts[k]) & (times <= cuts[k + 1]) & (times < times[-1])
            u, mass = np.append(u, run[change]), np.append(mass, (falls * np.exp(-force * times))[change])
        if k == 0 and since > 0.0:
            u, mass = np.append(u, edges[0]), np.append(mass, -by_day[0] * math.exp(-force * since))
        if k == len(edges) - 2:  # E at the end of a finite horizon
            last_level = 1.0 if level is None else by_day[-2]
            u, mass = np.append(u, edges[-1]), np.append(mass, last_level * math.exp(-force * span))
        basis = between_points(edges[k], edges[k + 1], DEGREE)
        points.append(basis.xi)
        weights.append((mass[:, None] * basis(u)).sum(axis=0))
    return (np.concatenate(points), np.concatenate(weights)) if points else (np.zeros(1), np.zeros(1))
