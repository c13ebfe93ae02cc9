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

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

from churnsim.errors import ConfigError
from churnsim.models.retention.base import decay_integral
from churnsim.models.survival.ascent import Peak, ascend, widening
from churnsim.product_limit import RiskTable, sum_at_risk
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


class _Stratum:
    """The customers of one stratum, its distinct `times` of loss with those `lost`, and a row a loss in their order.

    For each loss `at` is the place of its time among the times, and `taken` the share l/d of that time's lost that is
    out of the sum.
    """

    def __init__(self, rows: Ints, tenure: Floats, churned: Flags, entry: Floats, ties: Ties) -> None:
        self.rows, self.tenure, self.entry, self.left = rows, tenure[rows], entry[rows], churned[rows]
        self.order = np.flatnonzero(self.left)[np.argsort(self.tenure[self.left], kind="stable")]
        self.times, self.first, count = np.unique(self.tenure[self.order], return_index=True, return_counts=True)
        self.lost = count.astype(np.float64)
        self.at = np.repeat(np.arange(self.times.size), count)
        place = np.arange(self.at.size) - self.first[self.at]
        self.taken = place / self.lost[self.at] if ties == "efron" else np.zeros(self.at.size)

    def sums(self, weight: Floats) -> Floats:
        """S_l of each loss, `weight` being (customers) or (customers, columns)."""
        at_risk = sum_at_risk(self.times, self.tenure, self.entry, weight)
        own = np.add.reduceat(weight[self.order], self.first, axis=0) if self.at.size else at_risk
        return np.asarray(at_risk[self.at] - self.taken.reshape(-1, *[1] * (weight.ndim - 1)) * own[self.at])

    def counted(self, g: Floats, s0: Floats) -> Floats:
        """For each customer the sum of g/S_l over the losses at which it was at risk."""
        steps = np.bincount(self.at, g / s0, minlength=self.times.size)
        reach = np.concatenate([[0.0], np.cumsum(steps)])
        until, since = (np.searchsorted(self.times, ages, side="right") for ages in (self.tenure, self.entry))
        found = reach[until] - reach[since]
        spared = np.bincount(self.at, g * self.taken / s0, minlength=self.times.size)
        found[self.order] -= spared[self.at]
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The customers a Cox model is fitted to: covariates less their means (customers, columns), tenure, whether it
    ended, the tenure at which they came under observation, and their stratum; `ties` as in the module's docstring.

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

    @cached_property
    def _strata(self) -> dict[str, _Stratum]:
        return {
            str(word): _Stratum(np.flatnonzero(self.stratum == word), self.tenure, self.churned, self.entry, self.ties)
            for word in np.unique(self.stratum)
        }

    def _moments(self, z: Floats, b: Floats, g: dict[str, Floats] | None = None) -> tuple[float, Floats, Floats]:
        """ln L of covariates `z` at `b`, its gradient and its negative second derivatives.

        With `g`, the values of g(t) at each stratum's losses, gradient and second derivatives are those of twice as
        many covariates, z and z g(t), the latter with coefficients of 0.
        """
        total, shift = 0.0, z @ b
        # A common factor of all weights cancels; with it e^(z b) would overflow far from the maximum.
        shift -= shift.max()
        slopes, curvatures = [], []
        for word, stratum in self._strata.items():
            own, w = z[stratum.rows], np.exp(shift[stratum.rows])
            s0 = np.maximum(stratum.sums(w), np.finfo(float).tiny)
            means = stratum.sums(w[:, None] * own) / s0[:, None]
            total += float(shift[stratum.rows][stratum.order].sum() - np.log(s0).sum())
            surprise = own[stratum.order] - means
            powers = [np.ones(s0.size)] if g is None else [g[word] ** power for power in (0, 1, 2)]
            slopes.append([power @ surprise for power in powers[:2]])
            curvatures.append(
                [
                    own.T @ (own * (w * stratum.counted(power, s0))[:, None]) - means.T @ (means * power[:, None])
                    for power in powers
                ]
            )
        slope, curvature = np.sum(slopes, axis=0), np.sum(curvatures, axis=0)
        if g is None:
            return total, slope[0], curvature[0]
        return total, np.concatenate(slope), np.block([[curvature[0], curvature[1]], [curvature[1], curvature[2]]])

    def maximise(self) -> Peak:
        """The coefficients of greatest partial likelihood, sought in standard deviations of the covariates."""
        spread = self.centred.std(axis=0)
        scaled = self.centred / spread
        return ascend(lambda b: self._moments(scaled, b), np.zeros(spread.size), spread, widening(scaled))

    def baselines(self, coefficients: Floats, random: np.random.Generator | None = None) -> dict[str, Baseline]:
        """The baseline of each stratum at these coefficients; with `random` one drawn about it."""
        weight, last = np.exp(self.centred @ coefficients), float(self.tenure.max())
        found = {}
        for word, stratum in self._strata.items():
            times, lost = stratum.times, stratum.lost
            sums = stratum.sums(weight[stratum.rows])
            steps: Floats = np.bincount(stratum.at, 1.0 / sums, minlength=times.size).astype(np.float64)
            if random is not None:
                steps = steps * random.gamma(lost) / lost
            tail = float(steps[times > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
            found[word] = Baseline(tuple(times.tolist()), tuple(np.cumsum(steps).tolist()), tail)
        return found

    def proportionality(self, coefficients: Floats, names: tuple[str, ...], transform: Transform) -> pd.DataFrame:
        """Score test, for each column, that its coefficient does not move with g(t): `statistic` and `p` (chi-squared
        with one degree of freedom).

        `transform` is g: one less the Kaplan-Meier curve just before t ("km"), the rank of t among the losses, t
        itself ("identity"), or ln t ("log").
        """
        if transform not in TRANSFORMS:
            raise ConfigError(f"transform must be one of {', '.join(TRANSFORMS)}; got {transform!r}.")
        lost = np.sort(self.tenure[self.churned])
        table = RiskTable.of(self.tenure, self.churned, self.entry)
        values = {
            "km": 1.0 - np.concatenate([[1.0], table.survival[:-1]]),
            "rank": np.unique(rankdata(lost)),
            "identity": table.times,
            "log": np.log(table.times),
        }[transform]
        # The test does not feel a shift or factor of g; on this scale the matrix below is well conditioned.
        mean, spread = float(np.mean(values)), float(np.std(values)) or 1.0
        scaled = (values - mean) / spread
        g = {word: scaled[np.searchsorted(table.times, own.times[own.at])] for word, own in self._strata.items()}
        _, slope, curvature = self._moments(self.centred, coefficients, g)
        p = self.centred.shape[1]
        # What z g(t) adds beyond z: its score and variance less what the coefficients of z explain of them.
        explained = np.linalg.solve(curvature[:p, :p], np.column_stack([slope[:p], curvature[:p, p:]]))
        score = slope[p:] - curvature[p:, :p] @ explained[:, 0]
        variance = np.diag(curvature[p:, p:] - curvature[p:, :p] @ explained[:, 1:])
        statistic = np.divide(score**2, variance, out=np.full(p, np.nan), where=variance > 0)
        columns = {"statistic": statistic, "p": chi2.sf(statistic, 1)}
        return pd.DataFrame(columns, pd.Index(names, name="parameter"))
