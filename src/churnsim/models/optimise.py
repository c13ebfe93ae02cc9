"""Maximum likelihood search that every model shares.
 Parameters are positive, coefficients of covariates apart, so the search runs in their logarithms, on data scaled to
a mean of 1: SLSQP, then Newton steps with the observed information (a model's own Hessian, or central differences of
its analytic gradient), then an optimality check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["Optimum", "maximise"]

Floats = NDArray[np.float64]

# Bounds of a log-parameter in scaled units: e^12 is 160,000 times the data's own scale. Beyond it a likelihood is
# flat to the digits that matter (measured here, going on from e^12 to e^20: 5e-4 for r and alpha of 50 customers
# all alike, 6e-7 for a and for b of 2,000 customers of whom nobody drops out).
LOG_BOUND = 12.0
# Largest gradient, per customer and in log-parameters, at which a point counts as a maximum.
GRADIENT_TOLERANCE = 1e-6
# The search starts as if every curvature were 1; per customer it is some 0.1 (measured here: on CDNOW and on simulated
# populations, 10 saves a third of the evaluations that 1 takes).
STRETCH = 10.0
# Step in log-parameters after which Newton's method takes a new curvature; after a shorter one the old curvature still
# gains three digits a step.
RENEW = 1e-3


@dataclass(frozen=True)
class Optimum:
    """The best point found. `information` is the observed information in log-parameters."""

    parameters: Floats
    value: float
    gradient: Floats
    information: Floats
    at_bound: NDArray[np.bool_]
    starts: int
    optimal: bool

    @cached_property
    def log_covariance(self) -> Floats:
        """Covariance of the log-parameters: the inverse information of those inside their bounds; infinite where not
        identified."""
        size = self.parameters.size
        covariance = np.zeros((size, size))
        free = np.flatnonzero(~self.at_bound)
        if free.size:
            values, vectors = np.linalg.eigh(self.information[np.ix_(free, free)])
            if values[0] > 0:
                covariance[np.ix_(free, free)] = (vectors / values) @ vectors.T
            else:
                covariance[free, free] = np.inf
        covariance[self.at_bound, self.at_bound] = np.inf
        return covariance


def maximise(
    objective: Callable[[Floats], tuple[float, Floats]],
    *,
    starts: Sequence[Floats],
    customers: float,
    hessian: Callable[[Floats], Floats] | None = None,
    real: Sequence[bool] = (),
    near: Floats | None = None,
) -> Optimum:
    """Maximise `objective(parameters) -> (log-likelihood, gradient)` over positive parameters.

    Those marked in `real` may have either sign; they are searched as they are, every other one by its logarithm.

    A point `near` the maximum is tried first, with Newton steps alone, and is enough where they end in an optimum. Else
    the first start is used alone when its end point passes the optimality check; otherwise every start is tried and
    the best end point is kept, marked `optimal=False` if it still fails the check. `hessian(parameters)` gives the
    second derivatives of the log-likelihood; without it they are taken by differences of the gradient.
    """

    free = np.array(real or [False] * len(starts[0]), dtype=np.bool_)

    def negative(logs: Floats) -> tuple[float, Floats]:
        parameters = np.where(free, logs, np.exp(logs))
        value, gradient = objective(parameters)
        if not np.isfinite(value):
            return 1e300, np.zeros_like(logs)
        return -value / customers, -gradient * np.where(free, 1.0, parameters) / customers

    def curvature(logs: Floats, slope: Floats) -> Floats:
        if hessian is None:
            return _hessian(lambda at: negative(at)[1], logs)
        factor = np.where(free, 1.0, np.exp(logs))
        # The chain rule of the logarithm: theta theta' H, and the gradient on the diagonal.
        second: Floats = hessian(np.where(free, logs, factor)) * np.outer(factor, factor)
        return np.diag(np.where(free, 0.0, slope)) - second / customers

    def stretched(logs: Floats) -> tuple[float, Floats]:
        value, slope = negative(logs)
        return STRETCH * value, STRETCH * slope

    if near is not None:
        close = _polish(
            negative, curvature, np.where(free, near, np.log(np.where(free, 1.0, near))), customers, 1, free
        )
        if close.optimal and not close.at_bound.any():
            return close
    best: Optimum | None = None
    for count, start in enumerate(starts, 1):
        found = minimize(
            stretched,
            np.clip(np.where(free, start, np.log(np.where(free, 1.0, start))), -LOG_BOUND, LOG_BOUND),
            jac=True,
            method="SLSQP",  # L-BFGS-B wakes BLAS threads for its tiny systems: 100 ms a fit on a busy machine
            bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
            options={"maxiter": 1000, "ftol": 1e-9},
        )
        candidate = _polish(negative, curvature, np.asarray(found.x), customers, count, free)
        if best is None or candidate.value > best.value + 1e-9 * abs(best.value):
            best = candidate
        if candidate.optimal:
            break
    assert best is not None  # `starts` is never empty
    return best


def _hessian(gradient: Callable[[Floats], Floats], logs: Floats) -> Floats:
    step = 1e-4  # cube root of the gradient's relative rounding error, about 1e-12
    rows = []
    for i in range(logs.size):
        shift = np.zeros_like(logs)
        shift[i] = step
        rows.append((gradient(logs + shift) - gradient(logs - shift)) / (2 * step))
    half = np.array(rows)
    return (half + half.T) / 2


def _polish(
    negative: Callable[[Floats], tuple[float, Floats]],
    curvature: Callable[[Floats, Floats], Floats],
    logs: Floats,
    customers: float,
    starts: int,
    real: NDArray[np.bool_],
) -> Optimum:
    """Newton steps from where a search stopped, then the optimality check. The curvature is taken anew where a step has
    gone far from where it was taken."""
    value, slope = negative(logs)
    information, taken = curvature(logs, slope), logs
    for _ in range(8):
        at_bound = (np.abs(logs) >= LOG_BOUND - 1e-3) & (np.sign(slope) != np.sign(logs))
        free = ~at_bound
        if not free.any() or np.abs(slope[free]).max() < 1e-11:
            break
        inner = information[np.ix_(free, free)]
        if np.linalg.eigvalsh(inner)[0] <= 0:
            break
        step = np.zeros_like(logs)
        step[free] = np.linalg.solve(inner, slope[free])
        following = np.clip(logs - np.clip(step, -0.5, 0.5), -LOG_BOUND, LOG_BOUND)
        new_value, new_slope = negative(following)
        # Near the maximum the value no longer moves; the gradient still tells better from worse.
        if new_value > value + 1e-14 * abs(value) or np.abs(new_slope[free]).max() >= np.abs(slope[free]).max():
            break
        logs, value, slope = following, new_value, new_slope
        if np.abs(logs - taken).max() > RENEW:
            information, taken = curvature(logs, slope), logs
    at_bound = np.abs(logs) >= LOG_BOUND - 1e-3
    free = ~at_bound
    if np.abs(logs - taken).max() > 1e-4:  # else the curvature, and a standard error, moved by less than 1e-4 of itself
        information = curvature(logs, slope)
    optimal = bool(not free.any() or np.abs(slope[free]).max() < GRADIENT_TOLERANCE)
    return Optimum(
        parameters=np.where(real, logs, np.exp(logs)),
        value=-value * customers,
        gradient=-slope * customers,
        information=information * customers,
        at_bound=at_bound,
        starts=starts,
        optimal=optimal,
    )
