"""Accelerated failure times: the likelihood of ln t = mu + sigma e, and its maximum.

With w = (ln t - mu)/sigma, mu = intercept + z b, and e by family:

    weibull            ln S = -e^w           ln f = w - e^w                (e is the smallest of many, Gumbel's law)
    log_normal         S = 1 - Phi(w)        f = phi(w)
    log_logistic       ln S = -ln(1 + e^w)   f = e^w/(1 + e^w)^2
    generalized_gamma  with k = 1/q^2: S = Q(k, k e^(q w)) for q > 0, P(k, k e^(q w)) for q < 0, the log-normal at q = 0
                       and the Weibull at q = 1; ln f = -(ln 2 pi)/2 - R(k) + k (1 + q w - e^(q w)), R the remainder of
                       Stirling's formula for ln Gamma(k)          (Prentice 1974, Biometrika 61, 539-544)

f is the density of w; that of t is f/(sigma t). A customer contributes ln f - ln sigma - ln t where its loss is known
to the moment, ln(S(lower) - S(upper)) where it fell between two times, ln S(lower) where it is still there, each less
ln S(entry), times its weight. Derivatives are taken in (mu, ln sigma, q) customer by customer (Kalbfleisch & Prentice
2002, section 3.5); only those of ln S by q have no closed form, and are seven-point differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import factorial

import numpy as np
from scipy.special import digamma, expit, gammainc, gammaincc, gammaln, log_expit, log_ndtr, polygamma

from churnsim.models.survival.ascent import SAMPLE, Peak, ascend, from_a_sample, scales, weighted_products
from churnsim.typing import Flags, Floats

# A function of w with its derivatives: itself, by w, by w twice; with q also by q, by both, by q twice.
Jet = tuple[Floats, ...]
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)
LARGEST = 300.0  # e^w beyond it has no square
TINY = 1e-300


def _weibull_survival(w: Floats) -> Jet:
    power = -np.exp(np.minimum(w, LARGEST))
    return power, power, power


def _weibull_density(w: Floats) -> Jet:
    power = -np.exp(np.minimum(w, LARGEST))
    return w + power, 1.0 + power, power


def _log_normal_survival(w: Floats) -> Jet:
    log_s = log_ndtr(-w)
    hazard = np.exp(-0.5 * w**2 - HALF_LOG_TWO_PI - log_s)
    return log_s, -hazard, hazard * (w - hazard)


def _log_normal_density(w: Floats) -> Jet:
    return -0.5 * w**2 - HALF_LOG_TWO_PI, -w, np.full_like(w, -1.0)


def _log_logistic_survival(w: Floats) -> Jet:
    p = expit(w)
    return log_expit(-w), -p, -p * (1 - p)


def _log_logistic_density(w: Floats) -> Jet:
    p = expit(w)
    return w + 2 * log_expit(-w), 1 - 2 * p, -2 * p * (1 - p)


GENERALIZED = "generalized_gamma"

NORMAL = 1e-4  # |q| below which k is too large for the incomplete gamma function
STIRLING = 0.3  # |q| below which the remainder's series is exact to rounding
STEP = 0.03  # of the differences in q: rounding of 1e-14 and a remainder of STEP^6/140
# Of the differences at -3 ... 3 steps, for the first and the second derivative.
FIRST = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
SECOND = np.array([2, -27, 270, -490, 270, -27, 2]) / 180
# Sums over n of x^n/(n + 2)!, its two derivatives, and the derivative of that of x^n/(n + 1)!, for |x| < 1.
_EXP = np.polynomial.Polynomial([1 / factorial(n + 2) for n in range(18)])
_EXP_ONE = np.polynomial.Polynomial([1 / factorial(n + 1) for n in range(18)])
# R(k) = 1/12k - 1/360k^3 + 1/1260k^5 - 1/1680k^7 + 1/1188k^9 in powers of q.
_REMAINDER = np.polynomial.Polynomial(
    [0, 0, 1 / 12, 0, 0, 0, -1 / 360, 0, 0, 0, 1 / 1260, 0, 0, 0, -1 / 1680, 0, 0, 0, 1 / 1188]
)


def log_survival_of_gamma(w: Floats, q: float) -> Floats:
    """ln S of the generalised gamma, also where S is below all numbers."""
    if abs(q) < NORMAL:
        ends = [log_survival_of_gamma(w, sign * NORMAL) for sign in (-1.0, 1.0)]
        return np.asarray(ends[0] + (ends[1] - ends[0]) * (q + NORMAL) / (2 * NORMAL))
    k = 1.0 / q**2
    log_at = np.log(k) + q * w
    at = np.exp(np.clip(log_at, -700.0, 700.0))
    tail = gammaincc(k, at) if q > 0 else gammainc(k, at)
    found = np.log(np.maximum(tail, TINY))
    # Beyond all numbers the first terms of the expansions (Abramowitz & Stegun 1964, 6.5.29 and 6.5.32).
    low = log_at < -700.0
    far = (tail <= TINY) & ~low
    if low.any():
        part = k * log_at[low] - gammaln(k + 1.0)
        found[low] = part if q < 0 else np.log1p(-np.exp(part))
    if far.any():
        part = (k - 1.0) * log_at[far] - gammaln(k) if q > 0 else k * log_at[far] - gammaln(k + 1.0)
        found[far] = part - at[far]
    return np.asarray(found)


def _gamma_survival(w: Floats, q: float) -> Jet:
    density = _gamma_density(w, q)
    steps = np.array([log_survival_of_gamma(w, q + place * STEP) for place in range(-3, 4)])
    log_s, by_q, by_q_twice = steps[3], FIRST @ steps / STEP, SECOND @ steps / STEP**2
    hazard = np.exp(np.minimum(density[0] - log_s, LARGEST))
    return log_s, -hazard, -hazard * (density[1] + hazard), by_q, -hazard * (density[3] - by_q), by_q_twice


def _gamma_density(w: Floats, q: float) -> Jet:
    x = np.minimum(q * w, LARGEST)
    power, near = np.exp(x), np.abs(x) < 1.0
    far = np.where(near, 1.0, x)
    small = np.where(near, x, 0.0)
    phi = np.where(near, _EXP(small), (power - 1 - far) / far**2)
    phi_one = np.where(near, _EXP.deriv()(small), (power * (far - 2) + far + 2) / far**3)
    phi_two = np.where(near, _EXP.deriv(2)(small), (power * (far**2 - 4 * far + 6) - 2 * far - 6) / far**4)
    rise = np.where(near, _EXP_ONE.deriv()(small), (power * (far - 1) + 1) / far**2)
    rest, rest_one, rest_two = _stirling_remainder(q)
    return (
        -HALF_LOG_TWO_PI - rest - w**2 * phi,
        -w * (1.0 + x * phi),
        -power,
        -rest_one - w**3 * phi_one,
        -(w**2) * rise,
        -rest_two - w**4 * phi_two,
    )


def _stirling_remainder(q: float) -> tuple[float, float, float]:
    """R(1/q^2) with its derivatives by q."""
    if abs(q) < STIRLING:
        return float(_REMAINDER(q)), float(_REMAINDER.deriv()(q)), float(_REMAINDER.deriv(2)(q))
    k = 1.0 / q**2
    value = float(gammaln(k) - (k - 0.5) * np.log(k) + k - HALF_LOG_TWO_PI)
    one, two = float(digamma(k) - np.log(k) + 0.5 / k), float(polygamma(1, k) - 1 / k - 0.5 / k**2)
    return value, one * -2 / q**3, two * 4 / q**6 + one * 6 / q**4


# ln S and ln f of w by family.
LAWS: dict[str, tuple[Callable[..., Jet], Callable[..., Jet]]] = {
    "weibull": (_weibull_survival, _weibull_density),
    "log_normal": (_log_normal_survival, _log_normal_density),
    "log_logistic": (_log_logistic_survival, _log_logistic_density),
    GENERALIZED: (_gamma_survival, _gamma_density),
}


@dataclass(frozen=True, eq=False)
class Lifetimes:
    """n customers: the loss fell between `lower` and `upper` (equal: known to the moment; infinite: still there at
    `lower`), given survival to `entry`; each stands for `weight`."""

    lower: Floats
    upper: Floats
    entry: Floats
    weight: Floats

    @classmethod
    def of(cls, tenure: Floats, churned: Flags, entry: Floats, weight: Floats | None = None) -> Lifetimes:
        """Whole tenures are known to the unit: who left at t did so after t - 1 (and after `entry`) and by t."""
        known = churned & bool((tenure == np.floor(tenure)).all())
        lower = np.where(known, np.maximum(tenure - 1.0, entry), tenure)
        return cls(lower, np.where(churned, tenure, np.inf), entry, np.ones(len(tenure)) if weight is None else weight)

    def part(self, rows: slice) -> Lifetimes:
        """Some of the rows."""
        return Lifetimes(self.lower[rows], self.upper[rows], self.entry[rows], self.weight[rows])

    @classmethod
    def distinct(cls, tenure: Floats, churned: Flags, entry: Floats) -> Lifetimes:
        """The same with equal customers in one row."""
        rows, weight = np.unique(np.column_stack([tenure, churned, entry]), axis=0, return_counts=True)
        return cls.of(rows[:, 0], rows[:, 1] == 1, rows[:, 2], weight.astype(np.float64))


class _Likelihood:
    """ln L of (intercept, coefficients, ln sigma and perhaps q) with its derivatives; `x` (parameters, rows) has ones
    for the intercept. Rows are sorted by what is known of them, so that each kind is a slice."""

    def __init__(self, family: str, times: Lifetimes, x: Floats) -> None:
        self.family, self.shapes = family, 1 + (family == GENERALIZED)
        exact, gone = times.lower == times.upper, np.isfinite(times.upper)
        # A row that is still there at 0 says nothing.
        kinds = [exact, ~gone & (times.lower > 0), gone & ~exact, ~gone & (times.lower <= 0)]
        self.order = np.concatenate([np.flatnonzero(kind) for kind in kinds])
        ends = np.cumsum([kind.sum() for kind in kinds])
        self.exact, self.there, self.between = slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2])
        with np.errstate(divide="ignore"):
            self.lower, self.upper, entry = (np.log(at[self.order]) for at in (times.lower, times.upper, times.entry))
        self.x, self.weight = x[:, self.order], times.weight[self.order]
        self.weighted = bool((self.weight != 1.0).any())
        self.late = np.flatnonzero(np.isfinite(entry))
        self.entry = entry[self.late]

    def laws(self, at: Floats) -> tuple[Callable[[Floats], Jet], Callable[[Floats], Jet]]:
        """The family's ln S and ln f of w at these parameters."""
        log_s, log_f = LAWS[self.family]
        return (
            (log_s, log_f) if self.shapes == 1 else (partial(log_s, q=float(at[-1])), partial(log_f, q=float(at[-1])))
        )

    def rows(self, at: Floats) -> tuple[float, Floats, Floats]:
        """ln L, and by row the weighted derivatives in (mu, ln sigma, q), the second as a lower triangle."""
        mu, log_sigma = at[: -self.shapes] @ self.x, float(at[-self.shapes])
        sigma, (log_s, log_f) = float(np.exp(log_sigma)), self.laws(at)
        n, count = mu.size, 1 + self.shapes
        value, first, second = np.zeros(n), np.zeros((count, n)), np.zeros((count * (count + 1) // 2, n))
        for rows, law in ((self.exact, log_f), (self.there, log_s)):
            w = (self.lower[rows] - mu[rows]) / sigma
            jet = law(w)
            value[rows] = jet[0]
            _chain(w, jet, sigma, first[:, rows], second[:, rows])
        value[self.exact] -= log_sigma + self.lower[self.exact]
        first[1, self.exact] -= 1.0
        if self.between.stop > self.between.start:
            rows = self.between
            value[rows], first[:, rows], second[:, rows] = _between(
                log_s, self.lower[rows], self.upper[rows], mu[rows], sigma, count
            )
        if self.late.size:
            w = (self.entry - mu[self.late]) / sigma
            jet, one, two = log_s(w), np.zeros((count, w.size)), np.zeros((len(second), w.size))
            _chain(w, jet, sigma, one, two)
            value[self.late] -= jet[0]
            first[:, self.late] -= one
            second[:, self.late] -= two
        if self.weighted:
            value, first, second = value * self.weight, first * self.weight, second * self.weight
        return float(value.sum()), first, second

    def moments(self, at: Floats) -> tuple[float, Floats, Floats]:
        """ln L, gradient and negative second derivatives."""
        total, first, second = self.rows(at)
        p, x = len(self.x), self.x
        curvature = np.zeros((at.size, at.size))
        curvature[:p, :p] = weighted_products(x, second[0])
        # Of the triangle: (ln sigma, mu), twice ln sigma, (q, mu), (q, ln sigma), twice q.
        for i in range(self.shapes):
            row = 1 + i * (i + 3) // 2
            curvature[p + i, :p] = curvature[:p, p + i] = x @ second[row]
            curvature[p + i, p : p + i + 1] = curvature[p : p + i + 1, p + i] = second[row + 1 : row + i + 2].sum(
                axis=1
            )
        return total, np.concatenate([x @ first[0], first[1:].sum(axis=1)]), -curvature

    def scores(self, at: Floats) -> Floats:
        """What each row adds to the gradient, shape (rows, parameters)."""
        _, first, _ = self.rows(at)
        found = np.empty((first.shape[1], at.size))
        found[self.order] = np.vstack([self.x * first[0], first[1:]]).T
        return found


def maximise(family: str, times: Lifetimes, z: Floats, *, penalty: float = 0.0) -> tuple[Peak, Callable[[], Floats]]:
    """Maximum likelihood of (intercept, coefficients of `z`, ln sigma, and q of the generalised gamma) less penalty/2
    times the squared coefficients, and the `scores` there by row; `z` has columns of mean 0, perhaps none.

    The generalised gamma starts from the better of its Weibull and its log-normal.
    """
    column_spread, column_wide = scales(z)
    likelihood = _Likelihood(family, times, np.vstack([np.ones(len(z)), (z / column_spread).T]))
    p = 1 + z.shape[1]
    spread = np.concatenate([[1.0], column_spread, np.ones(likelihood.shapes)])
    ridge = np.zeros(spread.size)
    ridge[1:p] = penalty / column_spread**2

    def moments(at: Floats) -> tuple[float, Floats, Floats]:
        value, slope, curvature = likelihood.moments(at)
        return value - float(ridge @ at**2) / 2, slope - ridge * at, curvature + np.diag(ridge)

    def of_a_part(rows: slice) -> Peak:
        peak = maximise(family, times.part(rows), z[rows] - z[rows].mean(axis=0), penalty=penalty)[0]
        # The intercept is at the mean of the sample; that of all is elsewhere.
        peak.at[0] -= z[rows].mean(axis=0) @ peak.at[1:p]
        return peak

    usual = _start(family, times, z, penalty)
    start = from_a_sample(of_a_part, z, usual) if z.shape[1] else usual
    wide = np.concatenate([[1.0], column_wide, np.ones(likelihood.shapes)])
    peak = ascend(moments, start * spread, spread, wide)
    scaled = peak.at * spread
    value = peak.value + float(ridge @ scaled**2) / 2
    return replace(peak, value=value), lambda: likelihood.scores(scaled) * spread


def _start(family: str, times: Lifetimes, z: Floats, penalty: float) -> Floats:
    if family == GENERALIZED and len(z) < 4 * SAMPLE:
        simpler = {
            q: maximise(name, times, z, penalty=penalty)[0] for name, q in (("weibull", 1.0), ("log_normal", 0.0))
        }
        best = max(simpler, key=lambda q: simpler[q].value)
        return np.append(simpler[best].at, best)
    ages = np.log(np.where(np.isfinite(times.upper), times.upper, times.lower))
    start = np.zeros(2 + z.shape[1] + (family == GENERALIZED))
    start[0], start[1 + z.shape[1]] = float(ages.mean()), float(np.log(max(ages.std(), 0.1)))
    return start


def _chain(w: Floats, jet: Jet, sigma: float, first: Floats, second: Floats) -> None:
    """Fill in the derivatives by (mu, ln sigma, q) of a function of w, the second as a lower triangle."""
    _, by_w, by_w_twice, *of_q = jet
    first[0], first[1] = by_w / -sigma, -w * by_w
    second[0] = by_w_twice / sigma**2
    curved = by_w + w * by_w_twice
    second[1], second[2] = curved / sigma, w * curved
    if of_q:
        first[2], by_both, second[5] = of_q
        second[3], second[4] = by_both / -sigma, -w * by_both


def _between(
    log_s: Callable[[Floats], Jet], lower: Floats, upper: Floats, mu: Floats, sigma: float, count: int
) -> tuple[Floats, Floats, Floats]:
    """ln(S(lower) - S(upper)) with its derivatives, all over S(lower), so that nothing underflows far out."""
    start = np.isneginf(lower)
    w = (np.where(start, 0.0, lower) - mu) / sigma, (upper - mu) / sigma
    jet, end = log_s(w[0]), log_s(w[1])
    # At the start of all time S is 1 whatever the parameters.
    jet = tuple(np.where(start, 0.0, part) for part in jet)
    triangle = [(i, j) for i in range(count) for j in range(i + 1)]
    one, one_end = np.zeros((2, count, mu.size))
    two, two_end = np.zeros((2, len(triangle), mu.size))
    _chain(w[0], jet, sigma, one, two)
    _chain(w[1], end, sigma, one_end, two_end)
    ratio = np.exp(end[0] - jet[0])
    drop = np.maximum(-np.expm1(end[0] - jet[0]), np.finfo(float).tiny)
    first = (one - ratio * one_end) / drop
    second = (two - ratio * two_end) / drop
    for place, (i, j) in enumerate(triangle):
        second[place] += (one[i] * one[j] - ratio * one_end[i] * one_end[j]) / drop - first[i] * first[j]
    return jet[0] + np.log(drop), first, second
