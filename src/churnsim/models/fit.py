"""Maximum likelihood: the optimiser every model shares, and what a fit reports.

Parameters are positive, so the search runs in their logarithms, on data scaled to a mean of 1. Standard errors come
from the observed information: a model's own Hessian, or central differences of its analytic gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

__all__ = ["FitStatus", "ModelFit", "Optimum", "Parametric", "maximise"]

Floats = NDArray[np.float64]
Code = Literal["converged", "ridge", "boundary", "too little data", "not converged"]

# Bounds of a log-parameter in scaled units: e^12 is 160,000 times the data's own scale. Beyond it a likelihood is
# flat to the digits that matter (measured here: on CDNOW, ln b from 12 to 20 moves the log-likelihood by less than
# 1e-3).
LOG_BOUND = 12.0
# Largest gradient, per customer and in log-parameters, at which a point counts as a maximum.
GRADIENT_TOLERANCE = 1e-6
# The search starts as if every curvature were 1; per customer it is some 0.1 (measured here: on CDNOW and on simulated
# populations, 10 saves a third of the evaluations that 1 takes).
STRETCH = 10.0
# Standard error of a log-parameter above which the data do not determine it: a factor of e^8 either way.
RIDGE_ERROR = 4.0


@dataclass(frozen=True)
class FitStatus:
    """What happened to a fit, in words: `code`, `message`, and `advice` on what to try."""

    code: Code
    message: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether estimates and standard errors can be used as they stand."""
        return self.code == "converged"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" {self.advice}" if self.advice else "")


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
) -> Optimum:
    """Maximise `objective(parameters) -> (log-likelihood, gradient)` over positive parameters.

    The first start is used alone when its end point passes the optimality check; otherwise every start is tried and
    the best end point is kept, marked `optimal=False` if it still fails the check. `hessian(parameters)` gives the
    second derivatives of the log-likelihood; without it they are taken by differences of the gradient.
    """

    def negative(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = objective(parameters)
        if not np.isfinite(value):
            return 1e300, np.zeros_like(logs)
        return -value / customers, -gradient * parameters / customers

    def curvature(logs: Floats, slope: Floats) -> Floats:
        if hessian is None:
            return _hessian(lambda at: negative(at)[1], logs)
        parameters = np.exp(logs)
        # The chain rule of the logarithm: theta theta' H, and the gradient on the diagonal.
        second: Floats = hessian(parameters) * np.outer(parameters, parameters)
        return np.diag(slope) - second / customers

    def stretched(logs: Floats) -> tuple[float, Floats]:
        value, slope = negative(logs)
        return STRETCH * value, STRETCH * slope

    best: Optimum | None = None
    for count, start in enumerate(starts, 1):
        found = minimize(
            stretched,
            np.clip(np.log(start), -LOG_BOUND, LOG_BOUND),
            jac=True,
            method="SLSQP",  # L-BFGS-B wakes BLAS threads for its tiny systems: 100 ms a fit on a busy machine
            bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
            options={"maxiter": 1000, "ftol": 1e-9},
        )
        candidate = _polish(negative, curvature, np.asarray(found.x), customers, count)
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
) -> Optimum:
    """Newton steps from where the quasi-Newton search stopped, then the optimality check."""
    found = logs
    value, slope = negative(logs)
    information = curvature(logs, slope)
    for _ in range(4):
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
    at_bound = np.abs(logs) >= LOG_BOUND - 1e-3
    free = ~at_bound
    if np.abs(logs - found).max() > 1e-4:  # else the curvature, and a standard error, moved by less than 1e-4 of itself
        information = curvature(logs, slope)
    optimal = bool(not free.any() or np.abs(slope[free]).max() < GRADIENT_TOLERANCE)
    return Optimum(
        parameters=np.exp(logs),
        value=-value * customers,
        gradient=-slope * customers,
        information=information * customers,
        at_bound=at_bound,
        starts=starts,
        optimal=optimal,
    )


def status_of(optimum: Optimum, names: Sequence[str], remedies: str) -> FitStatus:
    """Judge an optimum: converged, boundary, ridge or not converged, naming the parameters concerned."""
    errors = np.sqrt(np.diag(optimum.log_covariance))
    bound = [name for name, at in zip(names, optimum.at_bound, strict=True) if at]
    loose = [name for name, error in zip(names, errors, strict=True) if error > RIDGE_ERROR and name not in bound]
    if not optimum.optimal and not bound:
        return FitStatus(
            "not converged",
            f"the gradient is still {np.abs(optimum.gradient).max():.2g} after {optimum.starts} starts.",
            "Check the data for outliers; do not use these estimates.",
        )
    if bound:
        return FitStatus(
            "boundary",
            f"{', '.join(bound)} ran to the edge of what the data can tell; its standard error is infinite.",
            remedies,
        )
    if loose:
        return FitStatus(
            "ridge", f"the likelihood is flat along {', '.join(loose)}: many values fit equally well.", remedies
        )
    return FitStatus("converged", "the gradient vanishes and the curvature is that of a maximum.")


class Parametric(Protocol):
    """What a fit needs of a model: to be made from a dict and turned into one."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model with these values."""

    def to_dict(self) -> dict[str, Any]:
        """Its values as plain JSON."""


M = TypeVar("M", bound=Parametric)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFit(Generic[M]):
    """A fitted model with its uncertainty.

    `matrix` is the covariance of the parameters `names` (delta method from the log-parameters); `loglik` is in the
    data's own units, so that models compare; `n` is the number of customers (sum of the weights).
    """

    model: M
    names: tuple[str, ...]
    matrix: Floats
    loglik: float
    n: float
    status: FitStatus

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters as named."""
        return pd.DataFrame(self.matrix, index=list(self.names), columns=list(self.names))

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates by name."""
        values = self.model.to_dict()
        return {name: float(values[name]) for name in self.names}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Square roots of the covariance's diagonal, by name; infinite where the data do not determine a parameter."""
        errors = np.sqrt(np.diag(self.matrix))
        return dict(zip(self.names, map(float, errors), strict=True))

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k - 2 loglik."""
        return 2 * len(self.names) - 2 * self.loglik

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k ln n - 2 loglik."""
        return len(self.names) * float(np.log(self.n)) - 2 * self.loglik

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: estimate, standard_error, lower, upper.

        The interval is the normal one in the logarithm, where the likelihood of a positive parameter is nearer to
        quadratic.
        """
        estimate = pd.Series(self.parameters)
        error = pd.Series(self.standard_errors)
        z = float(norm.ppf((1 + level) / 2))
        factor = (error / estimate * z).clip(upper=700.0).map(np.exp).where(np.isfinite(error), np.inf)
        return pd.DataFrame(
            {"estimate": estimate, "standard_error": error, "lower": estimate / factor, "upper": estimate * factor}
        ).rename_axis("parameter")

    def draw_parameters(self, n: int, *, seed: int) -> list[M]:
        """`n` models drawn from the estimates' asymptotic law: normal in the log-parameters.

        Parameters that the data do not determine stay at their estimate.
        """
        names = self.names
        estimate = np.array([self.parameters[name] for name in names])
        logs = self.matrix / np.outer(estimate, estimate)
        held = ~np.isfinite(np.diag(logs)) | (np.diag(logs) > RIDGE_ERROR**2)
        logs[held, :] = 0.0
        logs[:, held] = 0.0
        values, vectors = np.linalg.eigh(logs)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normals = np.random.Generator(np.random.Philox(seed)).standard_normal((n, len(names)))
        drawn = estimate * np.exp(normals @ root.T)
        base = self.model.to_dict()
        return [type(self.model).from_dict({**base, **dict(zip(names, map(float, row), strict=True))}) for row in drawn]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; infinite standard errors become None."""
        table = self.summary()
        rows = [
            {"name": name, **{k: float(v) if np.isfinite(v) else None for k, v in row.items()}}
            for name, row in table.to_dict("index").items()
        ]
        return {
            "model": self.model.to_dict(),
            "parameters": rows,
            "loglik": self.loglik,
            "aic": self.aic,
            "bic": self.bic,
            "n": self.n,
            "status": {"code": self.status.code, "message": self.status.message, "advice": self.status.advice},
        }


def build_fit(
    model: M, *, names: Sequence[str], optimum: Optimum, loglik: float, n: float, status: FitStatus
) -> ModelFit[M]:
    """A ModelFit from an optimum in (possibly scaled) log-parameters: covariance by the delta method."""
    values = model.to_dict()
    estimate = np.array([float(values[name]) for name in names])
    logs = optimum.log_covariance
    with np.errstate(invalid="ignore"):
        covariance = np.where(logs == 0, 0.0, logs * np.outer(estimate, estimate))
    return ModelFit(
        model=model,
        loglik=loglik,
        n=n,
        status=status,
        names=tuple(names),
        matrix=covariance,
    )
