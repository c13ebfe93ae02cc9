"""Forecasts of Pareto/NBD on two clocks, B of buying and D of leaving.

A live customer's traits at T are Gamma(R, A) and Gamma(s, L) with R = r + x, A = alpha + B(T), L = beta + D(T). With b
and d what the clocks run from T on, its forecasts are integrals over time:

    P(alive at T + t)      (1 + d(t)/L)^-s
    expected_purchases     R/A int (1 + d/L)^-s db; discounted with e^(-force t) in the integrand
    conditional_pmf        p_n(b) (1 + d/L)^-s at the end, alive, and int p_n(b) s/L (1 + d/L)^-(s+1) dd, gone with n,
                           p_n(b) = (R)_n/n! (A/(A + b))^R (b/(A + b))^n
    time_to_next_purchase  P(a purchase by w | alive) = R/A int (1 + b/A)^-(R+1) (1 + d/L)^-s db

by Gauss's rule of four nodes in each day, or a part of it over which the integrand has no more than .35 e-foldings (it
leaves less than 1e-12). Of customers observed to one day the expectation depends on L alone; where they have many, it
is interpolated between 41 Chebyshev points in ln L (less than 1e-11 for L within a factor of 10,000: the nearest
singularity is pi away). On customers' own clocks, and at levels of their own, the expectation is walked by each, in
steps as long as the rule allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln

from churnsim.kernels.likelihoods import pareto_nbd_calendar as kernel
from churnsim.kernels.numerics.rng_streams import MODEL_DRAWS, TRAITS
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.active_periods import LivingTraits
from churnsim.models.purchase.calendar.clock import DayLevels, between_points, positions
from churnsim.models.purchase.calendar.clock_model import ClockState
from churnsim.typing import Floats, Ints

NODES, WEIGHTS = ((part + low) / 2 for part, low in zip(np.polynomial.legendre.leggauss(4), (1.0, 0.0), strict=True))
FOLDINGS = 0.35
POINTS, MANY = 41, 64
BLOCK = 2_000_000  # numbers in an array at once


@dataclass(frozen=True, eq=False)
class ClocksByDay:
    """How fast both clocks run on the days after `start`."""

    start: int
    per: float
    buying: Floats
    leaving: Floats

    def groups(self, end: Floats) -> Iterator[Ints]:
        """The rows that end together."""
        for each in np.unique(end):
            yield np.flatnonzero(end == each)

    def alike(
        self, end: Floats, start: Floats, spans: Floats
    ) -> Iterator[tuple[Ints, ClocksByDay, float, float, float]]:
        """Rows that end together and are asked for one span."""
        kinds, kind = np.unique(np.column_stack([end, start, spans]), axis=0, return_inverse=True)
        order = np.argsort(kind.ravel(), kind="stable")
        cuts = np.searchsorted(kind.ravel()[order], np.arange(len(kinds) + 1))
        for (at, begin, span), low, high in zip(kinds, cuts, cuts[1:], strict=False):
            yield order[low:high], self, float(at), float(begin), float(span)

    def run(self, begin: Floats, end: Floats) -> tuple[Floats, Floats]:
        """B and D between two positions."""
        found = []
        for speed in (self.buying, self.leaving):
            table = np.concatenate([[0.0], np.cumsum(speed)]) / self.per
            at = np.arange(table.size) + self.start
            found.append(np.interp(end, at, table) - np.interp(begin, at, table))
        return found[0], found[1]

    def rows(self, rows: Ints) -> ClocksByDay:
        """Those of some customers, which are those of all."""
        return self

    def pieces(self, begin: Floats, last: Floats, end: Floats) -> tuple[list[Floats], list[Floats], Floats]:
        """Three places of each customer among the pieces of time, how far both clocks run in each, and its days."""
        places = [each - self.start for each in (begin, last, end)]
        return places, [self.buying / self.per, self.leaving / self.per], np.ones(self.buying.size)

    def terms(self, parameters: Sequence[float], x: Ints, begin: Floats, last: Floats, end: Floats) -> Floats:
        """The kernel's rows: log-likelihood but for the speeds at the purchases, and log-odds of being gone."""
        order = np.lexsort((-last, end, begin, x))
        places, speeds, _ = self.pieces(begin, last, end)
        no = np.zeros((self.buying.size, 0))
        arrays = (np.ascontiguousarray(each[order]) for each in (x, *places))
        found = Chunks(*arrays, np.ones(x.size)).each(kernel.terms, tuple(parameters), (*speeds, no, no))
        rows = np.empty((x.size, 2))
        rows[order] = np.concatenate([part for _, part in found])
        return rows

    def panels(self, begin: float, stops: Floats, A: float, L: float, R: float, s: float, force: float) -> Panels:
        """Panels from the position `begin` to the last of the times `stops`, over each of which (A + b)^-R (L + d)^-s
        e^(-force t) has few e-foldings."""
        end = float(positions(np.array([begin]), stops[-1:], self.per)[0])
        inner = (np.arange(math.floor(begin) + 1.0, math.ceil(end)) - begin) / self.per
        edges = np.unique(np.concatenate([[0.0], inner[inner < stops[-1]], stops]))
        length = np.diff(edges)
        day = np.floor(begin + (edges[:-1] + length / 2) * self.per).astype(np.int64) - self.start
        day = np.minimum(day, self.buying.size - 1)  # a stop that is midnight but for rounding may lie beyond it
        buying, leaving = self.buying[day], self.leaving[day]
        b, d = (np.concatenate([[0.0], np.cumsum(speed * length)[:-1]]) for speed in (buying, leaving))
        steep = (R * buying / (A + b) + s * leaving / (L + d) + force) * length
        cuts = np.maximum(np.ceil(steep / FOLDINGS), 1.0).astype(np.int64)
        of = np.repeat(np.arange(cuts.size), cuts)
        upto = np.concatenate([[0], np.cumsum(cuts)])
        part = length[of] / cuts[of]
        since = ((np.arange(of.size) - upto[of]) * part)[:, None]
        into = since + part[:, None] * NODES
        return Panels(
            edges[of] + since[:, 0], part, buying[of], leaving[of], b[of] + buying[of] * since[:, 0],
            d[of] + leaving[of] * since[:, 0], edges[of][:, None] + into, part[:, None] * WEIGHTS,
            b[of][:, None] + buying[of][:, None] * into, d[of][:, None] + leaving[of][:, None] * into,
            upto[np.searchsorted(edges, stops)],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Panels:
    """Panels: their beginning, length, speeds and clocks there; the time, mass and clocks of their nodes; and how many
    panels come before each stop."""

    begin: Floats
    length: Floats
    buying: Floats
    leaving: Floats
    b_begin: Floats
    d_begin: Floats
    t: Floats
    mass: Floats
    b: Floats
    d: Floats
    upto: Ints


@dataclass(frozen=True, eq=False)
class TwoClockState(ClockState):
    """As `ClockState`: customers at a position, and the law of the traits of those alive."""

    first: Floats
    last: Floats
    terms: Floats
    alive: Floats
    R: Floats
    A: Floats
    s: float
    L: Floats

    @property
    def value(self) -> Floats:
        """Log-likelihood but for the speeds at the purchases."""
        return self.terms

    def alive_at(self, later: Floats) -> Floats:
        """P(alive after a time)."""
        d = self.clock.run(self.end, positions(self.end, later, self.clock.per))[1]
        return np.asarray(self.alive * np.exp(-self.s * np.log1p(d / self.L)))

    def discounted(self, span: float, force: float, level: DayLevels | None) -> Floats:
        """E of the purchases in a span, each times e^(-force . time), and times the `level` of its day."""
        nothing = np.zeros(self.end.size)
        return self.expected(nothing, nothing + span, force, level)

    def counts(self, wanted: Sequence[int], start: Floats, spans: Floats) -> dict[int, Floats]:
        """P(n purchases in a span that begins after `start`) of each n wanted."""
        chances = self.alive * self._pmf(wanted, start, spans)
        return {k: law + (1.0 - self.alive if k == 0 else 0.0) for k, law in zip(wanted, chances, strict=True)}

    def living_traits(self) -> tuple[Floats, LivingTraits]:
        """Who is alive, and the traits then."""
        return self.alive, LivingTraits(self.R, self.A, "death", np.full(self.L.size, self.s), self.L)

    def runs(self, most: Floats, periods: int) -> Floats:
        """How far both clocks run in each day of each of so many periods: as `Runs`."""
        edges = [positions(self.end, np.minimum(k, most), self.clock.per) for k in range(periods + 1)]
        days = np.arange(math.ceil(self.clock.per) + 2)
        cuts = [[np.clip(np.floor(a) + day, a, b) for day in days] for a, b in pairwise(edges)]
        run = np.array([[self.clock.run(*piece) for piece in pairwise(of_period)] for of_period in cuts])
        return np.moveaxis(run.reshape(periods, days.size - 1, 2, self.end.size), 3, 0)

    def draw(self, uids: Ints, seed: int, replication: int) -> pd.DataFrame:
        """Traits from the posterior."""
        u = kernel.uniforms(uids, replication, seed, MODEL_DRAWS, TRAITS)
        alive = u[:, 0] < self.alive
        at = np.column_stack([self.A, self.L])
        if not alive.all():
            gone = np.flatnonzero(~alive)
            places, speeds, _ = self.clock.rows(gone).pieces(self.first[gone], self.last[gone], self.end[gone])
            histories = Chunks(self.h.x[gone], *places, u[gone, 3])
            at[gone] = histories.join(kernel.at_leaving, tuple(self.base._parameters), speeds)
        rates = gammaincinv(self.R, u[:, 1]) / at[:, 0]
        deaths = gammaincinv(self.s + ~alive, u[:, 2]) / at[:, 1]
        return pd.DataFrame({"rate": rates, "death_rate": deaths, "alive": alive}, index=self.h.index)

    def expected(self, start: Floats, spans: Floats, force: float = 0.0, level: DayLevels | None = None) -> Floats:
        """E of the purchases in a span that begins after `start`, each times e^(-force . time), and
        times the `level` of its day."""
        if not isinstance(self.clock, ClocksByDay) or (level is not None and level.own):
            return self._walked(start, spans, force, level)
        out = np.zeros(self.end.size)
        for rows, clocks, end, begin, span in self.clock.alike(self.end, start, spans):
            stops = np.array([begin, begin + span])
            panels = clocks.panels(end, stops, 1.0, float(self.L[rows].min()), 0.0, self.s + 3.5, force)
            chosen = slice(*panels.upto)
            mass = panels.mass
            if level is not None and mass.size:
                day = np.floor(end + (panels.begin + panels.length / 2) * clocks.per).astype(np.int64) + 1
                by_day = level._levels_of(int(day[0]), int(day[-1]))
                mass = mass * by_day[day - day[0]][:, None]
            flow = (mass * panels.buying[:, None] * np.exp(-force * panels.t))[chosen].ravel()
            d = panels.d[chosen].ravel()

            def of(L: Floats, d: Floats = d, flow: Floats = flow) -> Floats:
                return _by_rows(lambda part: np.exp(-self.s * np.log1p(d / part[:, None])) @ flow, d.size, L)

            out[rows] = self.R[rows] / self.A[rows] * _smooth_in_log(of, self.L[rows])
        return self.alive * out

    def _walked(self, start: Floats, spans: Floats, force: float, level: DayLevels | None) -> Floats:
        """`expected` on a walk along the pieces of each customer's own clocks and level."""
        per = self.clock.per
        begin, end = (positions(self.end, span, per) for span in (start, start + spans))
        (first, _, after), speeds, length = self.clock.pieces(begin, begin, end)
        owner, *steps = np.zeros(begin.size, np.int64), np.array([0, 1]), np.zeros(1), np.ones(1)
        if level is not None and begin.size:
            owner, *steps = level._level_steps(self.h.index, begin, float(end.max()))
        since = begin - self.end
        arrays = Chunks(self.L, self.clock.run(self.end, begin)[1], since, begin, first, after, owner)
        found = arrays.join(kernel.discounted, (self.s, force / per), (*speeds, length, *steps))
        return self.alive * self.R / self.A * found

    def expected_by_ages(self, ages: Floats) -> Floats:
        """E of the purchases by each of the ages in a customer's column, which ascend."""
        out = np.empty(ages.shape)
        for row, (begin, L) in enumerate(zip(self.end.tolist(), self.L.tolist(), strict=True)):
            clocks = self.clock.rows(np.array([row]))
            panels = clocks.panels(begin, ages[:, row], 1.0, L, 0.0, self.s + 3.5, 0.0)
            flow = (panels.mass * np.exp(-self.s * np.log1p(panels.d / L))).sum(axis=1) * panels.buying
            out[:, row] = np.concatenate([[0.0], np.cumsum(flow)])[panels.upto]
        return self.alive * self.R / self.A * out

    def _pmf(self, wanted: Sequence[int], start: Floats, spans: Floats) -> Floats:
        """P(n purchases in a span that begins after `start`) of those alive, a row for each n wanted."""
        out, most = np.empty((len(wanted), self.end.size)), max(wanted, default=0)
        for rows, clocks, end, begin, span in self.clock.alike(self.end, start, spans):
            law = np.column_stack([self.R[rows], self.A[rows], self.L[rows]])
            kinds, kind = np.unique(law, axis=0, return_inverse=True)
            R, A, L = kinds.T
            stops = np.array([begin, begin + span])
            steep = float(R.max()) + most + 3.5
            panels = clocks.panels(end, stops, float(A.min()), float(L.min()), steep, self.s + 4.5, 0.0)
            chosen = slice(*panels.upto)
            b, d = panels.b[chosen].ravel(), panels.d[chosen].ravel()
            flow = (panels.mass * panels.leaving[:, None])[chosen].ravel()
            (b_from, b_to), (d_from, d_to) = clocks.run(np.full(2, end), positions(np.full(2, end), stops, clocks.per))

            def left(
                R: Floats, A: Floats, L: Floats, b: Floats = b - b_from, d: Floats = d, flow: Floats = flow
            ) -> Floats:
                stays = (self.s + 1.0) * np.log1p(d / L[:, None])
                found = [np.exp(each - stays) @ flow * self.s / L for each in _log_counts(wanted, R, A, b)]
                return np.array(found).reshape(-1, L.size).T

            chances = _by_rows(left, b.size, R, A, L).T
            for k, each in enumerate(_log_counts(wanted, R, A, np.array([b_to - b_from]))):
                chances[k] += np.exp(each[:, 0] - self.s * np.log1p(d_to / L))
                if wanted[k] == 0:
                    chances[k] -= np.expm1(-self.s * np.log1p(d_from / L))
            out[:, rows] = chances[:, kind.ravel()]
        return out

    def waits(self, rows: Ints, clocks: ClocksByDay, days: int, share: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """When those alive have bought with a chance `share`, infinite where not within `days`; and whether that is
        known."""
        R, A, L, s = self.R[rows], self.A[rows], self.L[rows], self.s
        stops = np.array([days / clocks.per])
        panels = clocks.panels(float(self.end[rows[0]]), stops, A.min(), L.min(), R.max() + 4.5, s + 3.5, 0.0)

        waits, over = np.full(rows.size, np.inf), np.zeros(rows.size, dtype=np.bool_)
        flow, size = panels.mass * panels.buying[:, None], max(BLOCK // panels.t.size, 1)
        for k in range(0, rows.size, size):
            of = slice(k, k + size)
            waits[of], over[of] = _waits(panels, flow, R[of, None], A[of, None], L[of, None], s, share[of])
        return waits, over


def _waits(
    panels: Panels, flow: Floats, R: Floats, A: Floats, L: Floats, s: float, share: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    def bought(b: Floats, d: Floats) -> Floats:
        return np.asarray(R / A * np.exp(-(R + 1.0) * np.log1p(b / A) - s * np.log1p(d / L)))

    rows = np.arange(share.size)
    in_panels = (bought(panels.b.ravel(), panels.d.ravel()) * flow.ravel()).reshape(share.size, -1, NODES.size).sum(2)
    reached = np.concatenate([np.zeros((share.size, 1)), np.cumsum(in_panels, axis=1)], axis=1)
    place = (reached[:, 1:] < share[:, None]).sum(axis=1)
    there = place < panels.length.size
    at = np.minimum(place, panels.length.size - 1)
    low, high, left = np.zeros(at.size), panels.length[at], share - reached[rows, at]
    for _ in range(50):
        middle = (low + high) / 2
        into = middle[:, None] * NODES
        b = panels.b_begin[at][:, None] + panels.buying[at][:, None] * into
        d = panels.d_begin[at][:, None] + panels.leaving[at][:, None] * into
        early = (bought(b, d) * WEIGHTS).sum(axis=1) * middle * panels.buying[at] < left
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    # What may still come is at most the chance to be alive without a purchase.
    b, d = panels.b[-1:, -1], panels.d[-1:, -1]
    rest = np.exp(-R * np.log1p(b / A) - s * np.log1p(d / L))[:, 0]
    return np.where(there, panels.begin[at] + high, np.inf), there | (reached[:, -1] + rest < share)


def _log_counts(wanted: Sequence[int], R: Floats, A: Floats, b: Floats) -> Iterator[Floats]:
    """ln P(n purchases while the buying clock runs for b) of each n wanted, rows by R and A."""
    R, A = R[:, None], A[:, None]
    none = R * np.log1p(b / A)
    with np.errstate(divide="ignore"):
        more = np.log(b) - np.log(A + b)
    for n in wanted:
        front = gammaln(R + n) - gammaln(R) - gammaln(n + 1.0) - none
        yield front + n * more if n else front


def _by_rows(function: Callable[..., Floats], width: int, *columns: Floats) -> Floats:
    """`function` of some rows at a time, each of which takes arrays of a width."""
    size = max(BLOCK // max(width, 1), 1)
    parts = [function(*(each[k : k + size] for each in columns)) for k in range(0, columns[0].size, size)]
    return np.concatenate(parts)


def _smooth_in_log(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    """`function(values)`, interpolated in the logarithm where there are many different ones."""
    kinds, kind = np.unique(values, return_inverse=True)
    if kinds.size <= MANY:
        return function(kinds)[kind]
    low, high = np.log(kinds[[0, -1]])
    basis = between_points(low, high, POINTS - 1)
    return np.asarray((basis(np.log(kinds)) * function(np.exp(basis.xi))).sum(axis=1))[kind]
