"""Newton's method in a trust region, in log-parameters: from moments to a maximum in some six evaluations.

Each step goes to the minimum of the local quadratic, whose curvatures count by their size, so that a saddle is left
downhill, and is cut to the trusted length, which the gain beside the predicted one moves (Nocedal & Wright 2006,
Numerical Optimization, algorithm 4.1 and section 3.4). Near the minimum, where a gain drowns in rounding, the gradient
tells better from worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnsim.typing import Floats

__all__ = ["LOG_BOUND", "Descent", "at_bounds", "descend"]


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


def at_bounds(logs: Floats) -> NDArray[np.bool_]:
    """Which entries lie at a bound."""
    return np.abs(logs) >= LOG_BOUND - 1e-3


def descend(
    function: Callable[[Floats], tuple[float, Floats]],
    curvature: Callable[[Floats, Floats], Floats],
    start: Floats,
) -> Descent:
    """Minimise `function(logs) -> (value, slope)` from `start`; `curvature(logs, slope)` gives its second
    derivatives."""
    logs, radius = start, FIRST_RADIUS
    value, slope = function(logs)
    second, taken = curvature(logs, slope), logs
    for _ in range(STEPS):
        free = ~at_bounds(logs) | (np.sign(slope) == np.sign(logs))
        steep = np.abs(slope[free]).max(initial=0.0)
        if steep < FLAT:
            break
        step = _step(second, slope, free, radius)
        following = np.minimum(np.maximum(logs + step, -LOG_BOUND), LOG_BOUND)
        step = following - logs
        length = float(np.abs(step).max())
        promised = -float(slope @ step + step @ second @ step / 2)
        new_value, new_slope = function(following)
        gain, rounding = value - new_value, ROUNDING * (1 + abs(value))
        if not (gain > rounding or (gain >= -rounding and np.abs(new_slope[free]).max() < steep)):
            if promised <= 100 * rounding or length < 1e-9:
                break
            radius = length / 4
            continue
        if gain > 0.75 * promised:
            radius = max(radius, min(2 * length, LARGEST_RADIUS))
        elif gain < 0.25 * promised and promised > 100 * rounding:
            radius = length / 2
        logs, value, slope = following, new_value, new_slope
        if np.abs(logs - taken).max() > RENEW:
            second, taken = curvature(logs, slope), logs
    if np.abs(logs - taken).max() > 1e-4:  # else the curvature, and a standard error, moved by less than 1e-4 of itself
        second = curvature(logs, slope)
    return Descent(at=logs, value=value, slope=slope, curvature=second)


def _step(second: Floats, slope: Floats, free: NDArray[np.bool_], radius: float) -> Floats:
    """To the minimum of the quadratic in the free directions, no entry beyond the radius."""
    everywhere = bool(free.all())
    values, vectors = np.linalg.eigh(second if everywhere else second[np.ix_(free, free)])
    inner = slope if everywhere else slope[free]
    step: Floats = -(vectors @ ((inner @ vectors) / np.maximum(np.abs(values), LEAST_CURVATURE)))
    length = float(np.abs(step).max())
    if length > radius:
        step *= radius / length
    if everywhere:
        return step
    whole = np.zeros_like(slope)
    whole[free] = step
    return whole
