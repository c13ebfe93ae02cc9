"""Maximum likelihood search that every model shares.

Parameters are positive, coefficients of covariates apart, so the search runs in their logarithms, on data scaled to
a mean of 1: Newton steps from the first start where a model knows its own Hessian, and where that does not end in a
well-determined maximum, or no Hessian is known, SLSQP and then Newton steps with the observed information (by central
differences of the analytic gradient); an optimality check at the end of either.

Newton's method in a trust region goes from moments to a maximum in some six evaluations. Each step goes to the minimum
of the local quadratic, whose curvatures count by their size, so that a saddle is left downhill, and is cut to the
trusted length, which the gain beside the predicted one moves (Nocedal & Wright 2006, Numerical Optimization, algorithm
4.1 and section 3.4). Near the minimum, where a gain drowns in rounding, the gradient tells better from worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from churnsim.errors import interruptible
from churnsim.typing import Floats

# Bounds of a log-parameter in scaled units: e^12 is 160,000 times the data's own scale. Beyond it a likelihood is
# flat to the digits that matter (measured here, going on from e^12 to e^20: 5e-4 for r and alpha of 50 customers
# all alike, 6e-7 for a and for b of 2,000 customers of whom nobody drops out).
LOG_BOUND = 12.0
# Trusted length of a step, largest entry: a factor of e at first, of e^4 at most (assumed).
FIRST_RADIUS, LARGEST_RADIUS = 1.0, 4.0
# Step in log-parameters after which the curvature is taken anew; after a shorter one the old curvature still gains
# three digits a step.
RENEW = 1e-3
# Gradient, per customer, at which nothing is left to gain, and the rounding error of the value.
FLAT, ROUNDING = 1e-11, 1e-14
# Least curvature that counts: a flatter direction is one the trusted length decides.
LEAST_CURVATURE = 1e-10
# A determined fit takes 5 to 13 (measured here, 354 fits of four families).
STEPS = 25


@dataclass(frozen=True)
class Descent:
    """Where a descent ended: the point, the value, its gradient and curvature there."""

    at: Floats
    value: float
    slope: Floats
    curvature: Floats


# Arrays here have an entry or two a parameter, so that a fit of a thousand customers is bound by how often numpy is
# called: methods and functions of it that are written in Python take several times as long as its ufuncs.


def _largest(values: Floats) -> float:
    """The largest size of any entry, NaN where there is one; 0 of none."""
    return float(np.maximum.reduce(np.abs(values), initial=0.0))


def at_bounds(logs: Floats) -> NDArray[np.bool_]:
    """Which entries lie at a bound."""
    return np.abs(logs) >= LOG_BOUND - 1e-3


def _held(logs: Floats, slope: Floats) -> NDArray[np.bool_] | None:
    """Which entries lie at a bound that the slope leads out of; None where none does."""
    if _largest(logs) < LOG_BOUND - 1e-3:
        return None
    held = at_bounds(logs) & (np.sign(slope) != np.sign(logs))
    return held if held.any() else None


def descend(
    function: Callable[[Floats], tuple[float, Floats]],
    curvature: Callable[[Floats, Floats], Floats],
    start: Floats,
    final: Callable[[Floats, Floats], Floats] | None = None,
) -> Descent:
    """Minimise `function(logs) -> (value, slope)` from `start`; `curvature(logs, slope)` gives its second
    derivatives. Where these only lead the steps `final` gives those at the end."""
    logs, radius = start, FIRST_RADIUS
    value, slope = function(logs)
    second, taken = curvature(logs, slope), logs
    for _ in range(STEPS):
        held = _held(logs, slope)
        steep = _largest(slope if held is None else slope[~held])
        if steep < FLAT:
            break
        step = _step(second, slope, held, radius)
        following = np.minimum(np.maximum(logs + step, -LOG_BOUND), LOG_BOUND)
        step = following - logs
        length = _largest(step)
        promised = -float(slope @ step + step @ second @ step / 2)
        new_value, new_slope = function(following)
        gain, rounding = value - new_value, ROUNDING * (1 + abs(value))
        left = new_slope if held is None else new_slope[~held]
        if not (gain > rounding or (gain >= -rounding and _largest(left) < steep)):
            if promised <= 100 * rounding or length < 1e-9:
                break
            radius = length / 4
            continue
        if gain > 0.75 * promised:
            radius = max(radius, min(2 * length, LARGEST_RADIUS))
        elif gain < 0.25 * promised and promised > 100 * rounding:
            radius = length / 2
        logs, value, slope = following, new_value, new_slope
        if _largest(logs - taken) > RENEW:
            second, taken = curvature(logs, slope), logs
    if final is not None:
        second = final(logs, slope)
    # After a shorter way the curvature, and a standard error, moved by less than 1e-4 of itself.
    elif _largest(logs - taken) > 1e-4:
        second = curvature(logs, slope)
    return Descent(at=logs, value=value, slope=slope, curvature=second)


def _step(second: Floats, slope: Floats, held: NDArray[np.bool_] | None, radius: float) -> Floats:
    """To the minimum of the quadratic in the directions that are not `held`, no entry beyond the radius."""
    if held is not None:
        free = ~held
        whole = np.zeros_like(slope)
        whole[free] = _step(second[np.ix_(free, free)], slope[free], None, radius)
        return whole
    values, vectors = np.linalg.eigh(second)
    step: Floats = -(vectors @ ((slope @ vectors) / np.maximum(np.abs(values), LEAST_CURVATURE)))
    length = _largest(step)
    if length > radius:
        step *= radius / length
    return step


# Standard error of a log-parameter above which the data do not determine it: a factor of e^8 either way.
RIDGE_ERROR = 4.0
# Largest gradient, per customer and in log-parameters, at which a point counts as a maximum.
GRADIENT_TOLERANCE = 1e-6
# The search starts as if every curvature were 1; per customer it is some 0.1 (measured here: on CDNOW and on simulated
# populations, 10 saves a third of the evaluations that 1 takes).
STRETCH = 10.0


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

    @property
    def determined(self) -> bool:
        """Whether the data tell every parameter: none at a bound, no standard error beyond a ridge's."""
        return not self.at_bound.any() and bool((self.log_covariance.diagonal() <= RIDGE_ERROR**2).all())

    @cached_property
    def log_covariance(self) -> Floats:
        """Covariance of the log-parameters: the inverse information of those inside their bounds; infinite where not
        identified."""
        if not self.at_bound.any():
            return _inverse(self.information)
        free = np.flatnonzero(~self.at_bound)
        covariance = np.zeros_like(self.information)
        if free.size:
            covariance[np.ix_(free, free)] = _inverse(self.information[np.ix_(free, free)])
        covariance[self.at_bound, self.at_bound] = np.inf
        return covariance


def _inverse(information: Floats) -> Floats:
    """The inverse of a positive definite matrix; infinite on the diagonal, 0 elsewhere, of another one."""
    values, vectors = np.linalg.eigh(information)
    if values[0] > 0:
        return np.asarray((vectors / values) @ vectors.T)
    return np.diag(np.full(values.size, np.inf))


@interruptible()
def maximise(
    objective: Callable[[Floats], tuple[float, Floats]],
    *,
    starts: Sequence[Floats],
    customers: float,
    hessian: Callable[[Floats], Floats] | None = None,
    real: Sequence[bool] = (),
    near: Floats | None = None,
    few: tuple[Callable[[Floats], tuple[float, Floats]], float] | None = None,
) -> Optimum:
    """Maximise `objective(parameters) -> (log-likelihood, gradient)` over positive parameters.

    Those marked in `real` may have either sign; they are searched as they are, every other one by its logarithm.

    With a `hessian(parameters)`, the second derivatives of the log-likelihood, or a point `near` the maximum, Newton
    steps alone are tried first, from there or from the first start, and are enough where they end in a maximum that
    determines every parameter. Else each start is searched by SLSQP: the first alone when its end point passes the
    optimality check and determines every parameter, otherwise all, and the best end point is kept, marked
    `optimal=False` if it still fails the check. Without a Hessian the second derivatives are differences of the
    gradient; `few`, the objective of some of the customers and their number, leads the steps from `near` then.
    """

    free = np.array(real or [False] * len(starts[0]), dtype=np.bool_)
    mixed = any(real)

    def negative(logs: Floats, objective: Any = objective, customers: float = customers) -> tuple[float, Floats]:
        parameters = np.where(free, logs, np.exp(logs)) if mixed else np.exp(logs)
        value, gradient = objective(parameters)
        if not math.isfinite(value):
            return 1e300, np.zeros_like(logs)
        return -value / customers, -gradient * (np.where(free, 1.0, parameters) if mixed else parameters) / customers

    def of_few(logs: Floats, slope: Floats) -> Floats:
        assert few is not None  # else it does not lead
        return second_differences(lambda at: negative(at, *few)[1], logs)

    def curvature(logs: Floats, slope: Floats) -> Floats:
        if hessian is None:
            return second_differences(lambda at: negative(at)[1], logs)
        factor = np.where(free, 1.0, np.exp(logs)) if mixed else np.exp(logs)
        # The chain rule of the logarithm: theta theta' H, and the gradient on the diagonal.
        second: Floats = hessian(np.where(free, logs, factor) if mixed else factor) * (factor[:, None] * factor)
        first = np.zeros((logs.size, logs.size))
        first.flat[:: logs.size + 1] = np.where(free, 0.0, slope) if mixed else slope
        return first - second / customers

    def stretched(logs: Floats) -> tuple[float, Floats]:
        value, slope = negative(logs)
        return STRETCH * value, STRETCH * slope

    def inside(start: Floats) -> Floats:
        logs = np.where(free, start, np.log(np.where(free, 1.0, start))) if mixed else np.log(start)
        return np.minimum(np.maximum(logs, -LOG_BOUND), LOG_BOUND)

    if near is None and hessian is not None:
        near = starts[0]
    if near is not None:
        leads = (curvature,) if few is None or hessian is not None else (of_few, curvature)
        quick = _polish(negative, leads, inside(near), customers, 1, free)
        if quick.optimal and quick.determined:
            return quick
    best: Optimum | None = None
    for count, start in enumerate(starts, 1):
        found = minimize(
            stretched,
            inside(start),
            jac=True,
            method="SLSQP",  # L-BFGS-B wakes BLAS threads for its tiny systems: 100 ms a fit on a busy machine
            bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
            options={"maxiter": 1000, "ftol": 1e-9},
        )
        candidate = _polish(negative, (curvature,), np.asarray(found.x), customers, count, free)
        if best is None or candidate.value > best.value + 1e-9 * abs(best.value):
            best = candidate
        # Where the data do not tell a parameter the likelihood may rise again far from there.
        if candidate.optimal and candidate.determined:
            break
    assert best is not None  # `starts` is never empty
    return best


def differences(function: Callable[[Floats], Any], at: Floats, step: float | Floats) -> Floats:
    """Central differences of a function, a row a direction; each may have a step of its own."""
    steps = np.eye(at.size) * step
    return np.array([(function(at + e) - function(at - e)) / (2 * e.sum()) for e in steps])


def second_differences(gradient: Callable[[Floats], Floats], at: Floats, step: float | Floats = 1e-4) -> Floats:
    """Second derivatives at a point from the gradient; the step is about the cube root of its relative rounding error,
    1e-12."""
    half = differences(gradient, at, step)
    return (half + half.T) / 2


def _polish(
    negative: Callable[[Floats], tuple[float, Floats]],
    curvature: Sequence[Callable[[Floats, Floats], Floats]],
    logs: Floats,
    customers: float,
    starts: int,
    real: NDArray[np.bool_],
) -> Optimum:
    """Newton steps from a point, then the optimality check."""
    end = descend(negative, curvature[0], logs, *curvature[1:])
    at_bound = at_bounds(end.at)
    return Optimum(
        parameters=np.where(real, end.at, np.exp(end.at)),
        value=-end.value * customers,
        gradient=-end.slope * customers,
        information=end.curvature * customers,
        at_bound=at_bound,
        starts=starts,
        optimal=_largest(end.slope[~at_bound]) < GRADIENT_TOLERANCE,
    )
