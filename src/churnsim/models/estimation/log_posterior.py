"""The posterior density of a model's parameters on the scale where samplers work, and its normal approximation.

Positive parameters enter by their logarithm, those of either sign as they are; all in scaled data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.priors import Prior
from churnsim.typing import Floats

__all__ = ["Laplace", "LogPosterior", "laplace"]


STEP = 1e-4  # of central differences; see `optimise._hessian`
# A search that runs off this far has met a likelihood that cannot tell; the prior then decides.
FARTHEST = 15.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LogPosterior:
    """Log-likelihood plus log-prior at points `z`, without the constant that nobody needs."""

    likelihood: Likelihood[Any]
    priors: Mapping[str, Prior]

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which parameters stand as they are, not by their logarithm."""
        names = self.likelihood.names
        return np.array(self.likelihood.real or [False] * len(names), dtype=np.bool_)

    def parameters(self, z: Floats) -> Floats:
        """Scaled parameters at `z` (any leading shape)."""
        with np.errstate(over="ignore"):
            return np.where(self.real, z, np.exp(z))

    def log_prior(self, z: Floats) -> float:
        """Log-prior of one point, with the Jacobian of the logarithm."""
        total = 0.0
        for value, at, is_real, name in zip(self.parameters(z), z, self.real, self.likelihood.names, strict=True):
            total += float(self.priors[name].logpdf(float(value))) + (0.0 if is_real else float(at))
        return total

    def density(self, points: Floats) -> Floats:
        """Log-posterior of each row of `points`; minus infinity where it cannot be evaluated."""
        out = np.empty(len(points))
        for i, (z, parameters) in enumerate(zip(points, self.parameters(points), strict=True)):
            value = self.log_prior(z) if np.isfinite(parameters).all() else -np.inf
            if np.isfinite(value):
                value += self.likelihood.objective(parameters)[0]
            out[i] = value if np.isfinite(value) else -np.inf
        return out

    def slope(self, z: Floats) -> tuple[float, Floats]:
        """Value and gradient at one point: the likelihood's own gradient, the prior's by differences."""
        parameters = self.parameters(z)
        value, gradient = self.likelihood.objective(parameters)
        prior = np.empty(z.size)
        for i in range(z.size):
            shift = np.zeros(z.size)
            shift[i] = STEP
            prior[i] = (self.log_prior(z + shift) - self.log_prior(z - shift)) / (2 * STEP)
        return value + self.log_prior(z), gradient * np.where(self.real, 1.0, parameters) + prior


@dataclass(frozen=True, kw_only=True, eq=False)
class Laplace:
    """The mode, and a square root of the inverse curvature there."""

    mode: Floats
    root: Floats


def laplace(target: LogPosterior) -> Laplace:
    """Climb to the mode and measure the curvature; directions that curve the wrong way get the prior's own width."""
    customers = target.likelihood.customers

    def downhill(z: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, slope = target.slope(z)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e300, np.zeros_like(z)
        return -10 * value / customers, -10 * slope / customers  # 10 as in optimise.STRETCH

    start = np.asarray(target.likelihood.starts[0])
    found = minimize(
        downhill,
        np.where(target.real, start, np.log(np.where(target.real, 1.0, start))),
        jac=True,
        method="SLSQP",
        bounds=[(-FARTHEST, FARTHEST)] * start.size,
        options={"maxiter": 500, "ftol": 1e-10},
    )
    mode = np.asarray(found.x, dtype=np.float64)
    rows = []
    for i in range(mode.size):
        shift = np.zeros(mode.size)
        shift[i] = STEP
        rows.append((target.slope(mode - shift)[1] - target.slope(mode + shift)[1]) / (2 * STEP))
    values, vectors = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
    # 1.5 is the spread of the default prior: what no customer has curved, the prior still does.
    return Laplace(mode=mode, root=vectors / np.sqrt(np.maximum(values, 1.5**-2)))
