"""Newton's search for the maximum of a log-likelihood with covariates, and whether it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.typing import Flags, Floats

STEPS = 100
# Gain of the log-likelihood that a full Newton step promises, below which nothing is left to gain.
FLAT = 1e-10
ROUNDING, LEAST, MOST_DAMPING = 1e-13, 1e-14, 1e10
# A coefficient whose standard error is above the first, or that itself is above the second, has no maximum: both are
# in covariates of standard deviation 1, so that the unit of a covariate says nothing, and times `widening`, so that
# covariates that nearly repeat each other say nothing either. Where the likelihood rises without end the search stops
# at a curvature of about `FLAT`, a standard error of 1e5 for a level of 0 and 1; where it has a maximum the standard
# error is about `widening` over the root of the losses.
LOOSE, FAR = 4.0, 50.0
WELL_CONDITIONED = 1e8  # of a correlation matrix, so that its inverse has eight digits
BLOCK = 8192  # columns of a few rows of numbers, half a megabyte
SAMPLE = 4000  # rows of which the search of many rows finds its start


@dataclass(frozen=True, eq=False)
class Peak:
    """Where the search ended: the parameters `at`, the `value`, the `covariance` (inverse of the negative second
    derivatives, infinite for what has run off), which parameters have `run_off`, and whether the search `ended` at a
    maximum."""

    at: Floats
    value: float
    covariance: Floats
    run_off: Flags
    ended: bool

    def sandwiched(self, scores: Floats, unit: NDArray[Any] | None = None) -> Peak:
        """With the covariance from `scores`, what each row adds to the gradient, added up by `unit` if there is one
        (White 1982; Lin & Wei 1989). What has run off keeps its infinite variance."""
        moved = scores @ np.where(np.isfinite(self.covariance), self.covariance, 0.0)
        if unit is not None:
            code = pd.factorize(unit)[0]
            moved = np.column_stack([np.bincount(code, column) for column in moved.T])
        covariance = moved.T @ moved
        covariance[self.run_off, self.run_off] = np.inf
        return replace(self, covariance=covariance)


def scales(centred: Floats) -> tuple[Floats, Floats]:
    """The standard deviation of each column, of mean 0, and its widening: how many times as wide the standard error of
    its coefficient is as if the others told nothing of it, the root of the variance inflation factor."""
    if not centred.shape[1]:
        return np.ones(0), np.ones(0)
    products = centred.T @ centred / len(centred)
    spread = np.sqrt(np.diag(products))
    correlation = products / np.outer(spread, spread)
    if np.linalg.cond(correlation) < WELL_CONDITIONED:
        return spread, np.asarray(np.sqrt(np.diag(np.linalg.inv(correlation))))
    root = np.linalg.qr(centred / (spread * np.sqrt(len(centred))), mode="r")
    return spread, np.asarray(np.linalg.norm(np.linalg.inv(root), axis=1))


def weighted_products(rows: Floats, weight: Floats) -> Floats:
    """The sum over columns of weight times each column's products, shape (rows, rows); in blocks that fit a cache."""
    total = np.zeros((len(rows), len(rows)))
    for start in range(0, weight.size, BLOCK):
        part = rows[:, start : start + BLOCK]
        total += (part * weight[start : start + BLOCK]) @ part.T
    return total


def from_a_sample(fit: Callable[[slice], Peak], z: Floats, usual: Floats) -> Floats:
    """Where to start with many rows: the maximum for every k-th of them, found in a fraction of the time; the `usual`
    start for few rows, or where the sample has no maximum."""
    some = slice(None, None, max(len(z) // SAMPLE, 1))
    if len(z) < 4 * SAMPLE:
        return usual
    part = z[some] - z[some].mean(axis=0)
    length = np.linalg.norm(part, axis=0)
    if not length.all() or np.linalg.cond(part.T @ part / np.outer(length, length)) > WELL_CONDITIONED:
        return usual
    peak = fit(some)
    return peak.at if peak.ended and not peak.run_off.any() else usual


def ascend(
    moments: Callable[[Floats], tuple[float, Floats, Floats]], start: Floats, spread: Floats, wide: Floats
) -> Peak:
    """Maximise from `start`, in parameters whose covariates have been divided by `spread` and have the `widening`
    `wide`.

    `moments` gives value, gradient and curvature. A step that does not gain is shortened by raising the curvature
    (Levenberg 1944; Marquardt 1963). The result is in the covariates' own units.
    """
    at, damping, ended = start, 0.0, False
    value, slope, curvature = moments(at)
    for _ in range(STEPS):
        step, promised, definite = _step(curvature, slope, damping)
        ended = damping == 0.0 and definite and promised < FLAT
        if ended:
            # The last step is too small to change the curvature, and what it gains is known.
            at, value = at + step, value + promised
            break
        # Far from the maximum a step may leave the range of numbers; it is then shortened like any that does not gain.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = moments(at + step)
        if not all(np.isfinite(part).all() for part in found) or found[0] < value - ROUNDING * (1 + abs(value)):
            if damping > MOST_DAMPING:
                break
            damping = max(10 * damping, 1e-3)
            continue
        damping = 0.0 if damping < 1e-6 else damping / 10
        at, (value, slope, curvature) = at + step, found
        if (np.abs(at) > FAR * wide).any():
            break
    covariance = _inverse(curvature)
    run_off = (np.sqrt(np.diag(covariance)) > LOOSE * wide) | (np.abs(at) > FAR * wide)
    # What has no maximum has no variance either; the others' are those with it held where it is.
    covariance = np.where(run_off[:, None] | run_off, 0.0, covariance / np.outer(spread, spread))
    covariance[run_off, run_off] = np.inf
    return Peak(at / spread, value, covariance, run_off, ended)


def _step(curvature: Floats, slope: Floats, damping: float) -> tuple[Floats, float, bool]:
    """Newton's step, what the local quadratic promises of it, and whether the curvature is that of a maximum."""
    root = np.sqrt(np.maximum(np.abs(np.diag(curvature)), LEAST))
    values, vectors = np.linalg.eigh(curvature / np.outer(root, root))
    step = (vectors @ ((vectors.T @ (slope / root)) / np.maximum(np.abs(values) + damping, 1e-10))) / root
    return step, float(slope @ step) / 2, bool(values[0] > 0)


def _inverse(curvature: Floats) -> Floats:
    """The inverse; a direction without curvature gets one so small that its standard error is beyond all bounds."""
    root = np.sqrt(np.maximum(np.abs(np.diag(curvature)), LEAST))
    values, vectors = np.linalg.eigh(curvature / np.outer(root, root))
    return np.asarray((vectors / np.maximum(values, 1e-14)) @ vectors.T / np.outer(root, root))
