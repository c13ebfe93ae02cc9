"""Accelerated failure times: the likelihood of ln t = mu + sigma e, and its maximum.

With w = (ln t - mu)/sigma, mu = intercept + z b, and e by family:

    weibull       ln S = -e^w           ln f = w - e^w                (e is the smallest of many, Gumbel's law)
    log_normal    S = 1 - Phi(w)        f = phi(w)
    log_logistic  ln S = -ln(1 + e^w)   f = e^w/(1 + e^w)^2

f is the density of w; that of t is f/(sigma t). A customer contributes ln f - ln sigma - ln t where its loss is known
to the moment, ln(S(lower) - S(upper)) where it fell between two times, ln S(lower) where it is still there, each less
ln S(entry). Derivatives are taken in (mu, ln sigma) customer by customer (Kalbfleisch & Prentice 2002, section 3.5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, log_ndtr

from churnsim.models.survival.ascent import Peak, ascend, widening
from churnsim.typing import Flags, Floats

# A function of w with its first and second derivative.
Jet = tuple[Floats, Floats, Floats]
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)
LARGEST = 700.0  # e^w beyond it is no number


def _weibull(w: Floats) -> tuple[Jet, Jet]:
    power = np.exp(np.minimum(w, LARGEST))
    return (-power, -power, -power), (w - power, 1.0 - power, -power)


def _log_normal(w: Floats) -> tuple[Jet, Jet]:
    log_s, log_f = log_ndtr(-w), -0.5 * w**2 - HALF_LOG_TWO_PI
    hazard = np.exp(log_f - log_s)
    return (log_s, -hazard, hazard * (w - hazard)), (log_f, -w, np.full_like(w, -1.0))


def _log_logistic(w: Floats) -> tuple[Jet, Jet]:
    p = expit(w)
    return (log_expit(-w), -p, -p * (1 - p)), (w + 2 * log_expit(-w), 1 - 2 * p, -2 * p * (1 - p))


# ln S and ln f of w, each with two derivatives.
LOCATION_SCALE: dict[str, Callable[[Floats], tuple[Jet, Jet]]] = {
    "weibull": _weibull,
    "log_normal": _log_normal,
    "log_logistic": _log_logistic,
}


@dataclass(frozen=True, eq=False)
class Lifetimes:
    """n customers: the loss fell between `lower` and `upper` (equal: known to the moment; infinite: still there at
    `lower`), given survival to `entry`."""

    lower: Floats
    upper: Floats
    entry: Floats

    @classmethod
    def of(cls, tenure: Floats, churned: Flags, entry: Floats) -> Lifetimes:
        """Whole tenures are known to the unit: who left at t did so after t - 1 (and after `entry`) and by t."""
        known = churned & bool((tenure == np.floor(tenure)).all())
        lower = np.where(known, np.maximum(tenure - 1.0, entry), tenure)
        return cls(lower, np.where(churned, tenure, np.inf), entry)


def maximise(family: str, times: Lifetimes, z: Floats) -> Peak:
    """Maximum likelihood of (intercept, coefficients of `z`, ln sigma); `z` has columns of mean 0, perhaps none."""
    jets = LOCATION_SCALE[family]
    spread = np.concatenate([[1.0], z.std(axis=0), [1.0]])
    x = np.column_stack([np.ones(len(z)), z]) / spread[:-1]
    exact, gone = times.lower == times.upper, np.isfinite(times.upper)
    terms = [
        (np.flatnonzero(rows), np.log(at[rows]), kind)
        for rows, at, kind in (
            (exact, times.lower, "density"),
            (~gone & (times.lower > 0), times.lower, "survival"),
            (times.entry > 0, times.entry, "given"),
        )
    ]
    between = np.flatnonzero(gone & ~exact)
    with np.errstate(divide="ignore"):
        lower, upper = np.log(times.lower[between]), np.log(times.upper[between])

    def moments(at: Floats) -> tuple[float, Floats, Floats]:
        mu, sigma = x @ at[:-1], float(np.exp(at[-1]))
        total, sums = 0.0, np.zeros((5, len(x)))
        for rows, log_t, kind in terms:
            w = (log_t - mu[rows]) / sigma
            log_s, log_f = jets(w)
            value, first, second = log_f if kind == "density" else log_s
            sign = -1.0 if kind == "given" else 1.0
            total += sign * float(value.sum())
            sums[:, rows] += sign * _chain(w, first, second, sigma)
            if kind == "density":
                total -= float(rows.size * at[-1] + log_t.sum())
                sums[1, rows] -= 1.0
        if between.size:
            value, parts = _between(jets, lower, upper, mu[between], sigma)
            total += float(value.sum())
            sums[:, between] += parts
        by_mu, by_s, mu_mu, mu_s, s_s = sums
        slope = np.append(x.T @ by_mu, by_s.sum())
        cross = (x.T @ mu_s)[:, None]
        second = np.block([[x.T @ (x * mu_mu[:, None]), cross], [cross.T, np.array([[s_s.sum()]])]])
        return total, slope, -second

    ages = np.log(np.where(gone, times.upper, times.lower))
    start = np.zeros(spread.size)
    start[0], start[-1] = float(ages.mean()), float(np.log(max(ages.std(), 0.1)))
    return ascend(moments, start, spread, np.concatenate([[1.0], widening(x[:, 1:]), [1.0]]))


def _chain(w: Floats, first: Floats, second: Floats, sigma: float) -> Floats:
    """Derivatives by (mu, ln sigma) of a function of w: two first, then by mu twice, by both, by ln sigma twice."""
    return np.array(
        [-first / sigma, -w * first, second / sigma**2, (first + w * second) / sigma, w * first + w**2 * second]
    )


def _between(
    jets: Callable[[Floats], tuple[Jet, Jet]], lower: Floats, upper: Floats, mu: Floats, sigma: float
) -> tuple[Floats, Floats]:
    """ln(S(lower) - S(upper)) with its derivatives, all over S(lower), so that nothing underflows far out."""
    start = np.isneginf(lower)
    w = (np.where(start, 0.0, lower) - mu) / sigma, (upper - mu) / sigma
    (log_s, *_), (log_f, slope_f, _) = jets(w[0])
    (log_end, *_), (log_f_end, slope_end, _) = jets(w[1])
    base = np.where(start, 0.0, log_s)
    drop = np.maximum(-np.expm1(log_end - base), np.finfo(float).tiny)
    # Derivatives of S are -f and -f'; at the start of all time S is 1 whatever the parameters.
    f, f_end = np.where(start, 0.0, np.exp(log_f - base)), np.exp(log_f_end - base)
    parts = (_chain(w[0], -f, -f * slope_f, sigma) - _chain(w[1], -f_end, -f_end * slope_end, sigma)) / drop
    by_mu, by_s = parts[:2]
    parts[2:] -= np.array([by_mu * by_mu, by_mu * by_s, by_s * by_s])
    return base + np.log(drop), parts
