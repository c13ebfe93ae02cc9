"""Posteriors of a dozen numbers or so: the mode, the curvature there, and draws weighed by the density itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from churnsim.errors import FitError
from churnsim.typing import Floats

DF = 5.0  # of the multivariate t from which draws are proposed: wider tails than the posterior's
ROUNDS, PROPOSED = 4, 2000
STEP = 1e-4
NOWHERE = 1e12


@dataclass(frozen=True, eq=False)
class Drawn:
    """`draws` of shape (draws, numbers) in random order, the `mode`, and how many independent draws the weighed
    proposals are worth, `effective`."""

    draws: Floats
    mode: Floats
    effective: float


def laplace_draws(log_density: Callable[[Floats], Floats], start: Floats, *, draws: int, seed: int) -> Drawn:
    """Draws from a smooth posterior on the real line in each number.

    The first proposals are from a multivariate t about the mode with the inverse of the negative Hessian (by
    differences) as its spread, the next from one with the weighed mean and spread of all before, as often as it takes
    for long tails to be met. Each proposal's weight is its density over that of the mixture of all proposal laws
    (adaptive multiple importance sampling; Cornuet, Marin, Mira & Robert 2012, Scandinavian Journal of Statistics
    39(4), 798-812); by these weights draws are taken.

    `log_density` takes an array of shape (points, numbers) and returns one value a point. Raises FitError where no mode
    is found.

    Examples
    --------
    >>> found = laplace_draws(lambda x: -0.5 * (x**2).sum(axis=1), np.array([1.0, -1.0]), draws=4000, seed=1)
    >>> bool(np.abs(found.draws.std(axis=0) - 1).max() < 0.05), found.effective > 5_000
    (True, True)
    """

    def cost(points: Floats) -> Floats:
        value = log_density(points)
        return np.where(np.isfinite(value), -value, NOWHERE)

    size = len(start)

    def cost_and_slope(x: Floats) -> tuple[float, Floats]:
        step = np.diag(STEP * (1 + np.abs(x)))
        values = cost(np.concatenate([x[None, :], x + step, x - step]))
        return float(values[0]), (values[1 : size + 1] - values[size + 1 :]) / (2 * np.diag(step))

    best = minimize(cost_and_slope, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    mode = np.asarray(best.x, dtype=np.float64)
    if not best.fun < NOWHERE:
        raise FitError("no mode of the posterior was found. Look for a period that differs much from the others.")
    generator = np.random.default_rng(seed)
    middle, spread = mode, _covariance(cost, mode)
    laws: list[tuple[Floats, Floats]] = []
    proposals, density = np.empty((0, size)), np.empty(0)
    for _ in range(ROUNDS):
        root = np.asarray(np.linalg.cholesky(spread), dtype=np.float64)
        laws.append((middle, root))
        normal = generator.normal(size=(PROPOSED, size))
        fresh = middle + np.sqrt(DF / generator.chisquare(DF, PROPOSED))[:, None] * (normal @ root.T)
        proposals, density = np.concatenate([proposals, fresh]), np.concatenate([density, log_density(fresh)])
        mixture = logsumexp([_log_t(proposals, *law) for law in laws], axis=0) - math.log(len(laws))
        log_weight = np.where(np.isfinite(density), density - mixture, -np.inf)
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        # No single proposal may draw the next law to itself.
        tame = np.minimum(weight, 1 / math.sqrt(len(weight)))
        tame /= tame.sum()
        middle = tame @ proposals
        off = proposals - middle
        spread = (off * tame[:, None]).T @ off + 1e-9 * np.eye(size)
    chosen = generator.choice(len(proposals), draws, p=weight)
    return Drawn(proposals[chosen], mode, float(1 / (weight**2).sum()))


def _log_t(points: Floats, middle: Floats, root: Floats) -> Floats:
    """Log-density of the multivariate t up to a constant that all laws share."""
    inside = np.linalg.solve(root, (points - middle).T)
    tail = 0.5 * (DF + len(middle)) * np.log1p((inside**2).sum(axis=0) / DF)
    return np.asarray(-np.log(np.diag(root)).sum() - tail)


def _covariance(cost: Callable[[Floats], Floats], mode: Floats) -> Floats:
    """The inverse of the Hessian, flat directions held to a standard deviation of 3."""
    size = len(mode)
    step = STEP * 10 * (1 + np.abs(mode))
    shift = np.diag(step)
    pairs = [(i, j) for i in range(size) for j in range(i + 1)]
    corners = [mode + a * shift[i] + b * shift[j] for i, j in pairs for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    values = cost(np.array(corners)).reshape(len(pairs), 4)
    hessian = np.empty((size, size))
    for (i, j), (both, one, other, none) in zip(pairs, values, strict=True):
        hessian[i, j] = hessian[j, i] = (both - one - other + none) / (4 * step[i] * step[j])
    roots, vectors = np.linalg.eigh(hessian)
    return np.asarray(vectors / np.maximum(roots, 1 / 9) @ vectors.T)
