"""What customers of BG/BB do at opportunities whose chances to buy a calendar moves: the courses of the chances, by
node of ln o = logit p, and what is expected along them (formulas in `bg_bb_calendar.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, expit, gammaln, log_expit

from churnsim.data.summaries.calendar import Calendar
from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.data.summaries.opportunities import period_ends, period_values
from churnsim.errors import ConfigError
from churnsim.kernels.likelihoods import bg_bb_calendar as kernel
from churnsim.kernels.likelihoods.bg_bb_calendar import REACH
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.histories import Histories
from churnsim.typing import Floats, Ints

MOST_PERIODS = 20_000  # that a calendar is followed over
PART = 500  # opportunities whose courses, of customers' own series, are kept at a time


def stretches(
    calendar: Calendar | CustomerSeries, index: pd.Index[Any], period: Ints, count: Ints, unit: str, anchor: int,
    most: int | None = None, **known: Any,
) -> Iterator[tuple[slice, Floats, Ints]]:  # fmt: skip
    """The columns at the `count` opportunities after each customer's first `period`: of these customers the values, and
    where each one's begin. By a calendar they are one row of periods for all; by customers' own series each has its
    own, and they come in parts of `most` opportunities."""
    if isinstance(calendar, Calendar):
        low, high = (int(period.min()), int((period + count).max())) if period.size else (0, 0)
        span = low + 1 + np.arange(followed(high - low))
        yield slice(None), period_values(calendar, span, unit, anchor, **known), period - low
        return
    followed(int(count.max(initial=0)))
    place = calendar.rows_of(index, period_ends(period, unit, anchor))
    start = np.cumsum(count) - count
    cuts = np.flatnonzero(np.diff(start // (most or PART))) + 1
    for a, b in pairwise([0, *cuts.tolist(), count.size]):
        number, begins = count[a:b], start[a:b] - start[a : a + 1]
        at = np.arange(number.sum()) + np.repeat(period[a:b] + 1 - begins, number)
        ends = (period_ends(each, unit, anchor) for each in (at - 1, at))
        yield slice(a, b), calendar.means(np.repeat(place[a:b], number), *ends), begins


def kinds_of(start: Ints, h: Histories, rows: slice) -> tuple[tuple[Ints, Ints, Ints, Ints], Ints]:
    """`start`, purchases, last purchase and opportunities of customers who differ, and which of these each one is."""
    every = np.column_stack([start, h.x[rows], h.t_x[rows].astype(np.int64), h.T[rows].astype(np.int64)])
    kinds, kind = np.unique(every, axis=0, return_inverse=True)
    start, x, t_x, n = (np.ascontiguousarray(column) for column in kinds.T)
    return (start, x, t_x, n), kind.ravel()


def followed(periods: int) -> int:
    """`periods`; ConfigError where they are more than a calendar is followed over."""
    if periods > MOST_PERIODS:
        raise ConfigError(
            f"{periods:,} periods are more than the {MOST_PERIODS:,} that a calendar is followed over. "
            "Take a shorter horizon, or a shorter T."
        )
    return periods


@dataclass(frozen=True, eq=False)
class Courses:
    """Kinds of customers (from `start`, x purchases at n opportunities), which one each of the customers `rows` is of,
    and the courses of the chances."""

    rows: slice
    kind: Ints
    base: BGBB
    y: Floats
    log_weight: Floats
    not_bought: Floats
    logs: Floats
    start: Ints
    x: Ints
    t_x: Ints
    n: Ints
    terms: Floats

    def met(self, k: Floats, *, rows: bool = False) -> Floats:
        """P(the next k opportunities are met | history) by kind and k, or of customers with a k each."""
        _, _, gamma, delta = self.base._parameters
        of = self.kind if rows else slice(None)
        n = self.n[of].astype(np.float64)
        if not rows:
            n, k = n[:, None], k[None, :]
        alive = np.exp(self.terms[of, 1])
        ratio = gammaln(delta + n + k) - gammaln(gamma + delta + n + k)
        ratio = ratio - (gammaln(delta + n + 1.0) - gammaln(gamma + delta + n + 1.0))
        return np.asarray(np.exp(ratio) * (alive if rows else alive[:, None]))

    def law(self) -> Floats:
        """Weights of the nodes by kind, given the history and that the customer is alive."""
        alpha, beta, _, _ = self.base._parameters
        step = self.y[1] - self.y[0]
        logs = self.log_weight + self.x[:, None] * self.y
        logs = logs + (self.logs[:, self.start + self.n] - self.logs[:, self.start]).T
        logs[:, 0] -= np.log(-np.expm1(-step * (alpha + self.x)))
        logs[:, -1] -= np.log(-np.expm1(-step * (beta + self.n - self.x)))
        weight = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))

    def chances(self, kind: int, ahead: int) -> Floats:
        """By node and coming opportunity, not to buy."""
        first = int(self.start[kind] + self.n[kind])
        found = self.not_bought[:, first : first + ahead]
        lacking = ahead - found.shape[1]  # of customers who are asked for less than others
        return np.pad(found, ((0, 0), (0, lacking)), constant_values=1.0) if lacking else found

    def flow(self, ahead: int) -> Floats:
        """Expected purchases at each of the next opportunities, by kind."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        return np.array([law[k] @ (1.0 - self.chances(k, ahead)) for k in range(len(law))]).reshape(met.shape) * met

    def between(self, start: Ints, span: Ints) -> Floats:
        """Expected purchases of customers at `span` opportunities after the next `start`."""
        flow = self.flow(int((start + span).max(initial=0)))
        upto = np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)
        return np.asarray(upto[self.kind, start + span] - upto[self.kind, start])

    def counts(self, start: int, ahead: int, most: int) -> Floats:
        """P(0 ... most purchases at the next opportunities, but for the first `start`), by kind."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        out = np.zeros((len(law), most + 1))
        for k in range(len(law)):
            stay, number = np.append(1.0, met[k]), np.zeros((self.y.size, most + 1))
            number[:, 0] = 1.0
            for j, no in enumerate(self.chances(k, ahead).T, 1):
                out[k] += (stay[j - 1] - stay[j]) * (law[k] @ number)
                if j > start:
                    bought = number[:, :-1] * (1.0 - no)[:, None]
                    number *= no[:, None]
                    number[:, 1:] += bought
            out[k] += stay[ahead] * (law[k] @ number)
        return out

    def law_of(self, wanted: Sequence[int], start: Ints, span: Ints) -> Floats:
        """P(n purchases at `span` opportunities after the next `start`) of customers, a column for each n wanted."""
        found: Floats = np.zeros((start.size, len(wanted)))
        for begin, length in np.unique(np.column_stack([start, span]), axis=0).tolist():
            rows = (start == begin) & (span == length)
            law = self.counts(begin, begin + length, min(max(wanted, default=0), length))
            for column, k in enumerate(wanted):
                if k < law.shape[1]:
                    found[rows, column] = law[self.kind[rows], k]
        return found

    def waits(self, ahead: int, quantile: float, if_alive: bool) -> Floats:
        """Of customers the opportunity by which each has bought with a chance, infinite where that is not within these;
        and whether that is all that can be."""
        law, met = self.law(), self.met(np.arange(1.0, ahead + 1.0))
        waits, over = np.full(len(law), np.inf), np.ones(len(law), dtype=np.bool_)
        for k in range(len(law)):
            there = met[k] / (met[k, 0] if if_alive else 1.0)
            silent = np.append(1.0, law[k] @ np.cumprod(self.chances(k, ahead), axis=1))
            reached = np.cumsum(there * -np.diff(silent)) >= quantile
            if reached.any():
                waits[k] = 1.0 + np.argmax(reached)
            else:
                over[k] = (there * -np.diff(silent)).sum() + silent[-1] * there[-1] < quantile
        return np.column_stack([waits, over])[self.kind]

    def draw(self, u: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Chances to buy and to leave, and who is alive at the next opportunity, from three uniforms each: the last
        opportunity that a customer met is drawn first."""
        _, _, gamma, delta = self.base._parameters
        last, at = np.empty(self.kind.size, dtype=np.int64), np.empty(self.kind.size)
        alive = np.empty(self.kind.size, dtype=np.bool_)
        order = np.argsort(self.kind, kind="stable")
        cuts = np.searchsorted(self.kind[order], np.arange(self.n.size + 1))
        for k, (begin, first, n) in enumerate(zip(self.start, self.t_x, self.n, strict=True)):
            rows, lasts = order[cuts[k] : cuts[k + 1]], np.arange(first, n + 1)
            logs = (self.log_weight + self.x[k] * self.y)[:, None] + self.logs[:, begin + lasts] - self.logs[:, [begin]]
            weight = np.exp(logs - logs.max())
            chance = weight.sum(axis=0) * np.exp(betaln(gamma + 1.0, delta + lasts))
            share = np.cumsum(np.append(chance, weight[:, -1].sum() * np.exp(betaln(gamma, delta + n + 1.0))))
            place = np.searchsorted(share, u[rows, 0] * share[-1], side="right")
            alive[rows], place = place > n - first, np.minimum(place, n - first)
            last[rows] = lasts[place]
            for each in np.unique(place):
                mine, mass = rows[place == each], weight[:, each]
                below = np.cumsum(mass) - mass / 2
                at[mine] = np.interp(u[mine, 1] * mass.sum(), below, self.y)
        leaves = betaincinv(gamma + ~alive, delta + last + alive, u[:, 2])
        return expit(at), np.asarray(leaves, dtype=np.float64), np.asarray(alive, dtype=np.bool_)


def nodes(alpha: float, beta: float, n: int, u: Floats, fine: int = 1) -> tuple[Floats, Floats]:
    """Nodes of ln o and their logarithmic weights, of which a trapezoid rule has all that counts at up to n
    opportunities; `fine` times as many where more than sums is asked."""
    moved = float(np.abs(u).max(initial=0.0))
    step = min(0.25, 1.2 / math.sqrt(alpha + beta + n)) / fine
    low = max(-REACH - moved, math.log(alpha / (beta + n)) - (kernel.tail(beta + n, alpha) + moved))
    high = min(REACH + moved, math.log((alpha + n) / beta) + (kernel.tail(alpha + n, beta) + moved))
    y: Floats = np.asarray(low + step * np.arange(math.ceil((high - low) / step) + 1))
    return y, np.asarray(math.log(step) + alpha * log_expit(y) + beta * log_expit(-y) - betaln(alpha, beta))
