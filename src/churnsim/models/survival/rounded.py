"""Parametric curves for tenures known to the whole unit only: losses censored to an interval.

lifelines' search over interval-censored times does not converge for the generalised gamma and takes about a second for
the others; over the few distinct rows of rounded tenures the likelihood in closed form is searched in milliseconds.
Where lifelines does converge the two agree (tests/parity).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from churnsim.models.survival.curve import FAMILIES, REAL, SurvivalCurve

__all__ = ["Intervals", "fit_rounded"]

Floats = NDArray[np.float64]

STEP = 1e-4  # of the curvature's differences: the fourth root of the rounding error, about
FLOOR = 1e-300
CURED = "cured_fraction_"


@dataclass(frozen=True)
class Intervals:
    """Distinct rows: losses between `lower` and `upper` (infinite: still there at `lower`), given survival to `entry`;
    each row stands for `weight` customers."""

    lower: Floats
    upper: Floats
    entry: Floats
    weight: Floats

    @classmethod
    def of(cls, tenure: Floats, churned: NDArray[np.bool_], entry: Floats) -> Intervals:
        """Whole tenures: who left at t did so after t - 1 (and after `entry`) and by t."""
        rows, weight = np.unique(np.column_stack([tenure, churned, entry]), axis=0, return_counts=True)
        t, left, into = rows.T
        lower = np.maximum(np.where(left == 1, t - 1.0, t), into)
        return cls(lower, np.where(left == 1, t, np.inf), into, weight.astype(np.float64))

    def log_likelihood(self, curve: SurvivalCurve) -> float:
        """Log-likelihood of all customers."""
        ended = np.isfinite(self.upper)
        before = curve.log_survival(self.lower)
        after = curve.log_survival(np.where(ended, self.upper, self.lower))
        drop = np.log(np.maximum(np.exp(before) - np.exp(after), FLOOR))
        return float(self.weight @ (np.where(ended, drop, before) - curve.log_survival(self.entry)))


def fit_rounded(kind: str, data: Intervals) -> tuple[dict[str, float], Floats, float]:
    """Maximum likelihood of a two- or three-parameter family: parameters, covariance (delta method), log-likelihood.

    The covariance is infinite where the curvature is not that of a maximum.
    """
    names = FAMILIES[kind]
    size = float(data.weight.sum())

    def curve(at: Floats) -> SurvivalCurve:
        values = {name: float(_there(kind, name, x)) for name, x in zip(names, at, strict=True)}
        return SurvivalCurve(kind=kind, parameters=values)

    def negative(at: Floats) -> float:
        if (np.abs(at) > 50.0).any():
            return 1e300
        return -data.log_likelihood(curve(at)) / size

    best: Floats | None = None
    for start in _starts(kind, data):
        options: Any = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 4000, "adaptive": len(names) > 2}
        found = np.asarray(minimize(negative, start, method="Nelder-Mead", options=options).x, dtype=np.float64)
        if best is None or negative(found) < negative(best):
            best = found
    assert best is not None  # every family has a start
    values = curve(best).parameters
    slope = np.array([_slope(kind, name, values[name]) for name in names])
    return values, np.outer(slope, slope) * _covariance(negative, best) / size, -negative(best) * size


def _there(kind: str, name: str, x: float) -> float:
    """From the line to the parameter's range."""
    if (kind, name) in REAL:
        return x
    return float(expit(x)) if name == CURED else float(np.exp(x))


def _slope(kind: str, name: str, value: float) -> float:
    """Derivative of that at the value."""
    if (kind, name) in REAL:
        return 1.0
    return value * (1.0 - value) if name == CURED else value


def _starts(kind: str, data: Intervals) -> list[Floats]:
    """From the mean time to a loss: (ln scale, ln shape) as each family writes them."""
    ended = np.isfinite(data.upper)
    exposure = float(data.weight @ (np.where(ended, data.upper, data.lower) - data.entry))
    scale = np.log(exposure / float(data.weight[ended].sum()))
    if kind == "generalized_gamma":
        return [np.array([scale, 0.5, shape]) for shape in (0.9, -0.5)]
    if kind == "mixture_cure":
        return [np.array([share, scale, -0.2]) for share in (-1.0, -6.0)]
    return [np.array([scale, {"log_normal": 0.7}.get(kind, -0.2)])]


def _covariance(negative: Callable[[Floats], float], at: Floats) -> Floats:
    """Inverse of the second differences; infinite where they are not those of a maximum."""
    count = at.size
    second = np.empty((count, count))
    steps = STEP * np.maximum(np.abs(at), 1.0) * np.eye(count)
    for i in range(count):
        for j in range(count):
            corners = [negative(at + a * steps[i] + b * steps[j]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            second[i, j] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * steps[i, i] * steps[j, j])
    second = (second + second.T) / 2
    if np.linalg.eigvalsh(second)[0] <= 0:
        return np.full((count, count), np.inf)
    return np.asarray(np.linalg.inv(second))
