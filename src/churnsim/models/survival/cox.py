"""Cox's proportional hazards: the partial likelihood, its maximum, the baseline, and the score test of proportionality.

With w_i = e^(z_i b), at a time t at which d customers of a stratum are lost among those at risk, R(t), let S(t) be the
sum of w over R(t) and D(t) that over the lost. Efron (1977, JASA 72, 557-565) takes the lost one after the other, each
time with the mean of them out of the sum, so that the l-th of them (l = 0 ... d - 1) meets S_l = S - l/d D; Breslow
(1974, Biometrics 30, 89-99) leaves them all in, S_l = S. Then

    ln L(b)  = sum over the lost of z b  - sum over t and l of ln S_l
    H(t)     = sum over s <= t and l of 1/S_l             the baseline at z = 0, by the same treatment of ties

and the derivatives of ln L are those of weighted means of z over R(t). The test that hazards are proportional is the
score test of adding z_k g(t) to the model (Grambsch & Therneau 1994, Biometrika 81, 515-526, without their
approximation that the variance of z is the same at every t).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_choice, check_number
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import numbers
from churnsim.models.retention.base import decay_integral
from churnsim.models.survival.ascent import Peak, ascend, from_a_sample, scales, weighted_products
from churnsim.product_limit import RiskTable
from churnsim.statistics import chi2_tail
from churnsim.typing import Flags, Floats, Ints

Ties = Literal["efron", "breslow"]
Transform = Literal["km", "rank", "identity", "log"]
TIES: tuple[Ties, ...] = ("efron", "breslow")
TRANSFORMS: tuple[Transform, ...] = ("km", "rank", "identity", "log")
# Share of the observed time at whose mean hazard a step function goes on beyond its last time (assumed).
TAIL_SHARE = 1 / 6


@dataclass(frozen=True)
class Baseline:
    """A step function of cumulative hazard at mean covariates; beyond its last time the hazard `tail_hazard` holds."""

    times: tuple[float, ...]
    hazards: tuple[float, ...]
    tail_hazard: float

    def __post_init__(self) -> None:
        times, hazards = (numbers(getattr(self, name), name) for name in ("times", "hazards"))
        ascending = (np.diff((0.0, *times)) >= 0).all() and not (hazards[1:] < hazards[:-1]).any()
        if times.shape != hazards.shape or not (ascending and (hazards >= 0).all()):
            raise ConfigError("a baseline needs a cumulative hazard, none below the last, for each ascending time.")
        object.__setattr__(self, "times", tuple(times.tolist()))
        object.__setattr__(self, "hazards", tuple(hazards.tolist()))
        check_number(self.tail_hazard, "tail_hazard", least=0)

    def cumulative(self, t: Floats) -> Floats:
        """H(t), shape of `t`."""
        values = np.array((0.0, *self.hazards))
        last = self.times[-1] if self.times else 0.0
        return np.asarray(
            values[np.searchsorted(np.array(self.times), t, side="right")]
            + self.tail_hazard * np.maximum(t - last, 0.0)
        )

    def mean_within(self, tenure: Floats, multiplier: Floats, horizon: float) -> Floats:
        """Expected time there within `horizon` of customers there since `tenure` whose hazard is `multiplier` times the
        baseline: the integral of exp(-m (H(tenure + u) - H(tenure))) over u, by rectangles and the exponential tail."""
        times = np.array(self.times)
        last = times[-1] if times.size else 0.0
        start, m = tenure[:, None], multiplier[:, None]
        edges = np.concatenate([start, np.maximum(times, start), np.maximum(last, start)], axis=1)
        edges = np.minimum(edges, start + horizon)
        height = np.exp(-m * (self.cumulative(edges) - self.cumulative(start)))
        inside = (height[:, :-1] * np.diff(edges, axis=1)).sum(axis=1)
        beyond = np.maximum(tenure + horizon - np.maximum(tenure, last), 0.0)
        return np.asarray(inside + height[:, -1] * decay_integral(self.tail_hazard * multiplier, beyond))


class _RiskOrder:
    """Rows sorted by stratum and, within, from the longest tenure to the shortest, so that whoever is at risk at a time
    stands before a place in its stratum; sums over risk sets are differences of cumulative sums.

    A group is a stratum and a time of loss, `ends` where its risk set ends among the rows. For each loss `at` is its
    group, and `taken` the share l/d of that group's lost that is out of the sum.
    """

    def __init__(self, tenure: Floats, churned: Flags, entry: Floats, code: Ints, weight: Floats, ties: Ties) -> None:
        self.rows = np.lexsort((-tenure, code)) if code.any() else np.argsort(-tenure, kind="stable")
        self.weight = weight[self.rows]
        t, strata = tenure[self.rows], code[self.rows]
        breaks = np.concatenate([[True], (np.diff(t) != 0) | (np.diff(strata) != 0)])
        block_ends = np.append(np.flatnonzero(breaks)[1:], t.size)
        self.lost = np.flatnonzero(churned[self.rows])
        block = (np.cumsum(breaks) - 1)[self.lost]
        self.first = np.flatnonzero(np.diff(block, prepend=-1))
        count = np.diff(np.append(self.first, block.size))
        self.ends = block_ends[block[self.first]]
        self.times, self.stratum = t[self.lost[self.first]], strata[self.lost[self.first]]
        self.count = count.astype(np.float64)
        self.at = np.repeat(np.arange(count.size), count)
        self.tied = count.size < self.at.size
        place = np.arange(self.at.size) - self.first[self.at]
        self.taken = place / self.count[self.at] if ties == "efron" and self.tied else np.zeros(self.at.size)
        own = self.weight[self.lost]
        # Each of those lost at once counts with their mean weight, whichever is taken out first (as in R's coxph).
        self.mean_weight = (np.add.reduceat(own, self.first) / self.count)[self.at] if self.tied else own
        sizes = np.bincount(code)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        bounds = np.searchsorted(self.stratum, np.arange(sizes.size + 1))
        self.begins = starts[self.stratum] if sizes.size > 1 else None
        # Groups from `until` on are those at which a row is still there, those from `since` on are before its entry.
        self.until = np.searchsorted(self.ends, np.arange(t.size), side="right")
        self.late = np.flatnonzero(entry > 0)
        self.since = bounds[strata + 1] if sizes.size > 1 or self.late.size else None
        if self.since is not None and self.late.size:
            self._enter(entry, code, bounds)

    def _enter(self, entry: Floats, code: Ints, bounds: Ints) -> None:
        """Where each late row stands among the groups, and each group among the late rows, sorted as the others are."""
        assert self.since is not None
        self.late = self.late[np.lexsort((-entry[self.late], code[self.late]))]
        late, strata = entry[self.late], code[self.late]
        edges = np.searchsorted(strata, np.arange(bounds.size))
        self.not_yet, self.not_yet_begins = np.zeros(self.times.size, np.int64), edges[self.stratum]
        since = np.zeros(late.size, np.int64)
        for word in range(bounds.size - 1):
            groups, own = slice(*bounds[word : word + 2]), slice(*edges[word : word + 2])
            since[own] = bounds[word] + np.searchsorted(-self.times[groups], -late[own], side="left")
            self.not_yet[groups] = edges[word] + np.searchsorted(-late[own], -self.times[groups], side="right")
        place = np.empty(len(entry), np.int64)
        place[self.rows] = np.arange(len(entry))
        self.late = place[self.late]
        self.since[self.late] = since

    def sums(self, weight: Floats) -> Floats:
        """S_l of each loss, `weight` by row."""
        total = _cumulated(weight)
        found = total[self.ends]
        if self.begins is not None:
            found -= total[self.begins]
        if self.late.size:
            entered = _cumulated(weight[self.late])
            found -= entered[self.not_yet] - entered[self.not_yet_begins]
        if not self.tied:
            return np.asarray(found)
        own = np.add.reduceat(weight[self.lost], self.first)
        return np.asarray(found[self.at] - self.taken * own[self.at])

    def by_group(self, values: Floats) -> Floats:
        """Sums over the losses of each group."""
        return np.add.reduceat(values, self.first) if self.tied else values

    def counted(self, steps: Floats) -> Floats:
        """For each row the sum of `steps`, one a loss, over the losses at which it was at risk."""
        ahead = np.append(np.cumsum(self.by_group(steps)[::-1])[::-1], 0.0)
        found = ahead[self.until]
        if self.since is not None:
            found -= ahead[self.since]
        if self.taken.any():
            found[self.lost] -= self.by_group(steps * self.taken)[self.at]
        return np.asarray(found)


def _cumulated(values: Floats) -> Floats:
    """0 and the sums of the first one, two, ... values."""
    sums = np.empty(values.size + 1)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The rows a Cox model is fitted to: covariates less their means (rows, columns), tenure, whether it ended in a
    loss, the tenure at which the row came under observation, its stratum and its `weight` (1 each if absent); `ties`
    as in the module's docstring.

    Given the coefficients the baseline's steps are independent, each with d losses and a variance of about the step's
    square over d: a step times Gamma(d, rate d) has that mean and variance and stays above 0. Drawn with b, the two add
    up to the variance of Tsiatis (1981, Annals of Statistics 9, 93-108).
    """

    centred: Floats
    tenure: Floats
    churned: Flags
    entry: Floats
    stratum: NDArray[np.str_]
    ties: Ties = "efron"
    weight: Floats | None = None

    @cached_property
    def _strata(self) -> tuple[NDArray[np.str_], Ints]:
        """The distinct strata, and the place of each row's among them."""
        if self.stratum.size and (self.stratum == self.stratum[0]).all():
            return self.stratum[:1], np.zeros(self.stratum.size, np.int64)
        return np.unique(self.stratum, return_inverse=True)

    @cached_property
    def _order(self) -> _RiskOrder:
        weight = np.ones(len(self.tenure)) if self.weight is None else self.weight
        return _RiskOrder(self.tenure, self.churned, self.entry, self._strata[1], weight, self.ties)

    @cached_property
    def _columns(self) -> Floats:
        """The covariates in that order, a row each, so that sums run over neighbours in memory."""
        return np.ascontiguousarray(self.centred[self._order.rows].T)

    def _means(self, b: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """z b and the weights by row, S_l and the mean of z over it by loss; a common factor of all weights cancels,
        and without it e^(z b) would overflow far from the maximum."""
        z = self._columns
        shift = b @ z
        shift -= shift.max()
        w = self._order.weight * np.exp(shift)
        s0 = np.maximum(self._order.sums(w), np.finfo(float).tiny)
        means = np.empty((len(z), s0.size))
        product = np.empty(w.size)
        for column, mean in zip(z, means, strict=True):
            np.divide(self._order.sums(np.multiply(w, column, out=product)), s0, out=mean)
        return shift, w, s0, means

    def _moments(self, b: Floats, g: Floats | None = None) -> tuple[float, Floats, Floats]:
        """ln L at `b`, its gradient and its negative second derivatives.

        With `g`, the values of g(t) at each loss, gradient and second derivatives are those of twice as many
        covariates, z and z g(t), the latter with coefficients of 0.
        """
        order, z = self._order, self._columns
        shift, w, s0, means = self._means(b)
        lost, own = order.lost, order.weight[order.lost]
        total = float(own @ shift[lost] - order.mean_weight @ np.log(s0))
        step = order.mean_weight
        slope = self._lost - means @ step
        curvature = weighted_products(z, w * order.counted(step / s0)) - weighted_products(means, step)
        if g is None:
            return total, slope, curvature
        moved = [
            weighted_products(z, w * order.counted(step * power / s0)) - weighted_products(means, step * power)
            for power in (g, g**2)
        ]
        slope = np.concatenate([slope, z[:, lost] @ (own * g) - means @ (step * g)])
        return total, slope, np.block([[curvature, moved[0]], moved])

    @cached_property
    def _lost(self) -> Floats:
        """The weighted sum of the covariates of the lost, which no coefficient moves."""
        lost = self._order.lost
        return np.asarray(self._columns[:, lost] @ self._order.weight[lost])

    def maximise(self, penalty: float = 0.0) -> Peak:
        """The coefficients of greatest partial likelihood less penalty/2 b b, sought in standard deviations of the
        covariates; the `value` is without the penalty."""
        spread, wide = scales(self.centred)
        ridge = penalty / spread**2

        def moments(b: Floats) -> tuple[float, Floats, Floats]:
            value, slope, curvature = self._moments(b / spread)
            curvature = curvature / np.outer(spread, spread) + np.diag(ridge)
            return value - float(ridge @ b**2) / 2, slope / spread - ridge * b, curvature

        start = from_a_sample(lambda rows: self._part(rows).maximise(penalty), self.centred, np.zeros(spread.size))
        peak = ascend(moments, start * spread, spread, wide)
        return replace(peak, value=peak.value + penalty / 2 * float(peak.at @ peak.at))

    def _part(self, rows: slice) -> RiskSets:
        weight = None if self.weight is None else self.weight[rows]
        return RiskSets(
            self.centred[rows], self.tenure[rows], self.churned[rows], self.entry[rows], self.stratum[rows], self.ties,
            weight,
        )  # fmt: skip

    def scores(self, coefficients: Floats) -> Floats:
        """What each row adds to the gradient of ln L, shape (rows, columns): the score residuals times the weights
        (Lin & Wei 1989, JASA 84, 1074-1078; ties as in Therneau & Grambsch 2000, section 3.3)."""
        order, z = self._order, self._columns
        _, w, s0, means = self._means(coefficients)
        step, own = order.mean_weight / s0, order.weight[order.lost]
        hazard, found = order.counted(step), np.empty_like(self.centred)
        for j, (column, mean) in enumerate(zip(z, means, strict=True)):
            part = w * (order.counted(step * mean) - column * hazard)
            usual = (order.by_group(mean) / order.count)[order.at]
            part[order.lost] += own * (column[order.lost] - usual)
            found[order.rows, j] = part
        return found

    def baselines(self, coefficients: Floats, random: np.random.Generator | None = None) -> dict[str, Baseline]:
        """The baseline of each stratum at these coefficients; with `random` one drawn about it."""
        order, last = self._order, float(self.tenure.max())
        sums = order.sums(order.weight * np.exp(coefficients @ self._columns))
        steps = order.by_group(order.mean_weight / sums)
        found = {}
        for place, word in enumerate(self._strata[0]):
            own = slice(*np.searchsorted(order.stratum, [place, place + 1]))
            times, hazards, lost = (values[own][::-1] for values in (order.times, steps, order.count))
            if random is not None:
                hazards = hazards * random.gamma(lost) / lost
            tail = float(hazards[times > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
            found[str(word)] = Baseline(tuple(times.tolist()), tuple(np.cumsum(hazards).tolist()), tail)
        return found

    @cached_property
    def _risk_table(self) -> RiskTable:
        """Of all strata together, without the weights."""
        order = self._order
        if order.begins is not None or order.late.size:
            return RiskTable.of(self.tenure, self.churned, self.entry)
        return RiskTable(order.times[::-1], order.ends[::-1].astype(np.float64), order.count[::-1])

    def proportionality(self, coefficients: Floats, names: tuple[str, ...], transform: Transform) -> pd.DataFrame:
        """Score test, for each column, that its coefficient does not move with g(t): `statistic` and `p` (chi-squared
        with one degree of freedom).

        `transform` is g: one less the Kaplan-Meier curve just before t ("km"), the rank of t among the losses, t
        itself ("identity"), or ln t ("log").
        """
        check_choice(transform, "transform", TRANSFORMS)
        table = self._risk_table
        match transform:
            case "km":
                values = 1.0 - np.concatenate([[1.0], table.survival[:-1]])
            case "rank":
                values = np.cumsum(table.lost) - (table.lost - 1) / 2
            case _:
                values = table.times if transform == "identity" else np.log(table.times)
        # The test does not feel a shift or factor of g; on this scale the matrix below is well conditioned.
        mean, spread = float(np.mean(values)), float(np.std(values)) or 1.0
        scaled = (values - mean) / spread
        g = scaled[np.searchsorted(table.times, self._order.times[self._order.at])]
        _, slope, curvature = self._moments(coefficients, g)
        p = self.centred.shape[1]
        # What z g(t) adds beyond z: its score and variance less what the coefficients of z explain of them.
        explained = np.linalg.solve(curvature[:p, :p], np.column_stack([slope[:p], curvature[:p, p:]]))
        score = slope[p:] - curvature[p:, :p] @ explained[:, 0]
        variance = np.diag(curvature[p:, p:] - curvature[p:, :p] @ explained[:, 1:])
        statistic = np.divide(score**2, variance, out=np.full(p, np.nan), where=variance > 0)
        columns = {"statistic": statistic, "p": chi2_tail(statistic, 1)}
        return pd.DataFrame(columns, pd.Index(names, name="parameter"))
