"""The mean of a gain given some of the numbers that replications draw, by regression over replications.

Each number enters by its normal score z over replications, as orthonormal Hermite polynomials h_1(z), ..., h_K(z): a
curve needs no knots, and functions of independent numbers are orthogonal. The coefficients have normal priors around 0
whose variances fall with the degree, a_j s^k for number j, and for the product of two numbers b a_j a_l s^(k + k'),
as in additive Gaussian processes (Duvenaud, Nickisch & Rasmussen 2011, Advances in Neural Information Processing
Systems 24). The slope is shrunk like the rest: a number without influence is fitted by a constant, and is worth
nothing. What chance does within a replication is noise, so that it is no part of what a fit explains.

One number: the columns are orthonormal on the sample, so that the marginal likelihood of the variances is a product,
and fit and draws are averaged over a grid of them. Several: the variances maximise the marginal likelihood; the fit is
low-rank, so that its cost does not grow with the square of the replications. Numbers are taken one after the other as
long as a curve of the next one explains something of what is left, and products of the first ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermevander
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.special import ndtri

from churnsim.models.estimation.threads import one_thread
from churnsim.typing import Floats

DEGREE = 6  # of the curve of one number
SURFACE_DEGREE = 3  # of each of several
MOST = 16  # numbers that a surface has
PAIRED = 8  # of which products are taken
WORTH_A_CURVE = 1.0  # log likelihood ratio: of a straight line |t| = 2 or so
# Of a curve, (G, K): prior variances of its n-fold coefficients in units of the noise, and how much of each is kept.
RATIOS, DECAYS = np.geomspace(0.1, 1e6, 36), np.array([0.05, 0.15, 0.35, 0.65])
PRIORS = (RATIOS[:, None, None] * DECAYS[:, None] ** np.arange(DEGREE)).reshape(-1, DEGREE)
SHRINKAGE = PRIORS / (1 + PRIORS)
STEPS = 60  # of the search for the variances of a surface
FLAT = 1e-10  # of a column's norm, below which it is none


@dataclass(frozen=True)
class Fit:
    """Posterior of the mean gains at the replications: their means (n, q), and a law for draws of them.

    The errors of several gains are correlated as their residuals are (`noise`).
    """

    mean: Floats
    noise: Floats
    _drawn: Callable[[Floats, np.random.Generator], Floats]
    _columns: int
    _pieces: tuple[tuple[Floats, list[set[int]]], ...] = ()

    def without(self, numbers: Collection[int]) -> Floats:
        """What of the means of a surface goes with none of these numbers, (n, q), each gain's with mean 0."""
        kept = (
            columns[:, [not owners & set(numbers) for owners in named]].sum(axis=1) for columns, named in self._pieces
        )
        return np.column_stack(list(kept)) if self._pieces else np.zeros_like(self.mean)

    def draws(self, count: int, generator: np.random.Generator) -> Floats:
        """Draws of the mean gains, (count, n, q)."""
        factor = np.linalg.cholesky(self.noise + 1e-9 * np.eye(len(self.noise)))
        e = generator.standard_normal((count, self._columns, len(self.noise))) @ factor.T
        return self._drawn(e, generator)


def normal_scores(numbers: Floats) -> Floats:
    """The columns (or the one) by their ranks, as quantiles of the standard normal law; equal numbers get the same
    score."""
    # scipy.stats, which has ranks too, takes a second to import.
    ranks = pd.DataFrame(numbers).rank().to_numpy().reshape(np.shape(numbers))
    found: Floats = ndtri((ranks - 0.5) / len(numbers))
    return found


def _polynomials(z: Floats, degree: int) -> Floats:
    """h_1(z), ..., h_degree(z), each with mean 0 over the sample."""
    columns = hermevander(z, degree)[:, 1:] / np.sqrt([factorial(k) for k in range(1, degree + 1)])
    found: Floats = columns - columns.mean(axis=0)
    return found


def _noise_correlation(residuals: Floats) -> Floats:
    spread = residuals.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = (residuals - residuals.mean(axis=0)) / spread
    found: Floats = scaled.T @ scaled / len(scaled)
    np.fill_diagonal(found, 1.0)
    return found


def _basis(z: Floats) -> Floats:
    """Orthonormal columns (n, K) of a curve; those that a number of few values does not have are 0."""
    basis, size = np.linalg.qr(_polynomials(z, DEGREE))
    basis[:, np.abs(np.diag(size)) < FLAT * np.sqrt(len(z))] = 0.0
    return np.asarray(basis)


def _likelihood(along: Floats, square: Floats, n: int) -> tuple[Floats, Floats]:
    """For curves with the projections `along` (p, K) of gains whose sums of squares are `square`: log likelihood ratios
    against no curve (p, G) by the prior variances of `PRIORS`, and the noise's variances (p, G)."""
    floor = np.finfo(np.float64).tiny + 1e-12 * square[:, None]
    noise = np.maximum(square[:, None] - along**2 @ SHRINKAGE.T, floor) / (n - 1)
    ratio = (n - 1) * np.log(np.maximum(square[:, None], floor) / (n - 1) / noise) - np.log1p(PRIORS).sum(axis=1)
    return ratio / 2, noise


def _weights(likelihood: Floats) -> Floats:
    """The posterior of the prior variances (p, G)."""
    likely = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    found: Floats = likely / likely.sum(axis=1, keepdims=True)
    return found


def curve_means(z: Floats, gains: Floats) -> Floats:
    """The means of `fit_curve`, of however many gains."""
    centre, basis = gains.mean(axis=0), _basis(z)
    y = gains - centre
    along = basis.T @ y
    likelihood, _ = _likelihood(along.T, (y**2).sum(axis=0), len(z))
    found: Floats = centre + basis @ ((_weights(likelihood) @ SHRINKAGE).T * along)
    return found


def fit_curve(z: Floats, gains: Floats) -> Fit:
    """The gains (n, q) as curves of one number with the normal scores z, averaged over what the variances may be."""
    n, centre, basis = len(z), gains.mean(axis=0), _basis(z)
    y = gains - centre
    along = basis.T @ y
    likelihood, noise = _likelihood(along.T, (y**2).sum(axis=0), n)
    weights = _weights(likelihood)
    mean = centre + basis @ ((weights @ SHRINKAGE).T * along)

    def drawn(e: Floats, generator: np.random.Generator) -> Floats:
        found = np.empty((len(e), n, y.shape[1]))
        for d in range(y.shape[1]):
            at = generator.choice(len(PRIORS), len(e), p=weights[d])
            sd = np.sqrt(noise[d, at])
            curve = SHRINKAGE[at] * along[:, d] + np.sqrt(SHRINKAGE[at]) * sd[:, None] * e[:, 1:, d]
            found[:, :, d] = curve @ basis.T + (centre[d] + sd * e[:, 0, d] / np.sqrt(n))[:, None]
        return found

    return Fit(mean, _noise_correlation(gains - mean), drawn, 1 + DEGREE)


def _influential(bases: Floats, y: Floats) -> list[int]:
    """The numbers whose curves explain a centred gain, each what is left by those before it."""
    found: list[int] = []
    rest, n = y.copy(), len(y)
    needed = WORTH_A_CURVE + np.log(len(bases)) / 2  # the largest of many by chance
    while len(found) < min(MOST, len(bases)):
        along = np.einsum("jnk,n->jk", bases, rest)
        likelihood, _ = _likelihood(along, np.full(len(bases), rest @ rest), n)
        likelihood[found] = 0.0
        best, at = np.unravel_index(int(likelihood.argmax()), likelihood.shape)
        if likelihood[best, at] < needed:
            break
        found.append(int(best))
        rest -= bases[best] @ (SHRINKAGE[at] * along[best])
    return found


def fit_surface(z: Floats, gains: Floats) -> Fit:
    """The gains (n, q) as sums of curves of several numbers with the normal scores z (n, m), and of products of two."""
    if z.shape[1] == 1:
        return fit_curve(z[:, 0], gains)
    n, centre = len(z), gains.mean(axis=0)
    bases = np.stack([_basis(column) for column in z.T])
    mean, roots, pieces = np.empty_like(gains), [], []
    for d, y in enumerate((gains - centre).T):
        chosen = _influential(bases, y)
        if chosen:
            design = _Design.of(z[:, chosen])
            fitted, root, _ = design.posterior(y)
            owners = [{chosen[j] for j in np.flatnonzero(row[: len(chosen)])} for row in design.power]
        else:
            fitted, root, owners = np.zeros((n, 0)), _constant(y), []
        mean[:, d] = centre[d] + fitted.sum(axis=1)
        roots.append(root)
        pieces.append((fitted, owners))

    def drawn(e: Floats, _: np.random.Generator) -> Floats:
        each = [e[:, : root.shape[1], d] @ root.T for d, root in enumerate(roots)]
        found: Floats = mean + np.stack(each, axis=-1)
        return found

    most = max(root.shape[1] for root in roots)
    return Fit(mean, _noise_correlation(gains - mean), drawn, most, tuple(pieces))


Term = tuple[float, tuple[tuple[int, int], ...]]
"""A coefficient, and the polynomials that it goes with: each a number's place and a degree."""


def surface_terms(z: Floats, gains: Floats) -> tuple[tuple[Term, ...], ...]:
    """Of each gain (n, q) the terms of the surface over the numbers with the normal scores z (n, m): how the mean gain
    differs between two places, the constant left out."""
    bases = np.stack([_basis(column) for column in z.T])
    found = []
    for y in (gains - gains.mean(axis=0)).T:
        chosen = _influential(bases, y)
        coefficients = _Design.of(z[:, chosen]).posterior(y)[2].tolist() if chosen else []
        found.append(tuple(zip(coefficients, _polynomials_of(chosen), strict=True)))
    return tuple(found)


def _polynomials_of(chosen: Sequence[int]) -> list[tuple[tuple[int, int], ...]]:
    """What the columns of `_Design.of` are: curves of the chosen numbers, and products of two of the first ones."""
    curves = [((j, k),) for j in chosen for k in range(1, SURFACE_DEGREE + 1)]
    products = [
        ((j, 1 + k), (i, 1 + h)) for j, i in combinations(chosen[:PAIRED], 2) for k, h in ((0, 0), (0, 1), (1, 0))
    ]
    return [*curves, *products] if chosen else []


def _constant(noise: Floats) -> Floats:
    """The root of the covariance of a constant, from its residuals."""
    n = len(noise)
    return np.full((n, 1), float(noise.std()) / np.sqrt(n))


@dataclass(frozen=True)
class _Design:
    """Columns of a surface; each has a prior variance exp(power @ hyper), of the coefficient of a standardised gain.

    `hyper` are the logarithms of a_1, ..., a_m, of b and of s; the noise's follows them.
    """

    columns: Floats
    power: Floats
    numbers: int

    @classmethod
    def of(cls, z: Floats) -> _Design:
        """The curves of all numbers, and products of two of the first ones."""
        m = z.shape[1]
        curves = [_polynomials(column, SURFACE_DEGREE) for column in z.T]
        columns = [curve[:, k] for curve in curves for k in range(SURFACE_DEGREE)]
        power = [_powers(m, {j: 1.0}, decay=k) for j in range(m) for k in range(SURFACE_DEGREE)]
        for j, i in combinations(range(min(m, PAIRED)), 2):
            for k, h in ((0, 0), (0, 1), (1, 0)):
                product = curves[j][:, k] * curves[i][:, h]
                columns.append(product - product.mean())
                power.append(_powers(m, {j: 1.0, i: 1.0, m: 1.0}, decay=k + h))
        return cls(np.column_stack(columns), np.array(power), m)

    def posterior(self, y: Floats) -> tuple[Floats, Floats, Floats]:
        """The columns times the means of their coefficients, which add up to the fitted values of a centred gain, a
        root of the covariance of these, the constant's among it, and the coefficients."""
        n, m, scale = len(y), self.numbers, float(y.std())
        scaled = y / scale
        gram, along = self.columns.T @ self.columns, self.columns.T @ scaled
        start = np.concatenate([np.full(m, np.log(0.3 / m)), [0.0, np.log(0.3), np.log(0.3)]])
        bounds = [(-14.0, 3.0)] * m + [(-8.0, 4.0), (np.log(0.02), np.log(0.9)), (np.log(1e-6), np.log(2.0))]
        with one_thread():
            found = minimize(
                self._cost, start, args=(gram, along, float(scaled @ scaled), n), jac=True, method="L-BFGS-B",
                bounds=bounds, options={"maxiter": STEPS, "ftol": 1e-6},
            )  # fmt: skip
        factor, mean, _, noise = self._solve(found.x, gram, along)
        # With U'U = X'X/noise + 1/prior, a draw of the coefficients is mean + U^-1 e.
        of_curves = solve_triangular(factor, self.columns.T, trans="T").T
        root = scale * np.column_stack([np.full(n, np.sqrt(noise / n)), of_curves])
        return scale * self.columns * mean, root, scale * mean

    def _solve(self, hyper: Floats, gram: Floats, along: Floats) -> tuple[Floats, Floats, Floats, float]:
        prior, noise = np.exp(self.power @ hyper[:-1]), float(np.exp(hyper[-1]))
        precision = gram / noise
        precision[np.diag_indices_from(precision)] += 1 / prior
        factor = cho_factor(precision, check_finite=False)[0]
        factor = np.triu(factor)
        return factor, cho_solve((factor, False), along / noise, check_finite=False), prior, noise

    def _cost(self, hyper: Floats, gram: Floats, along: Floats, square: float, n: int) -> tuple[float, Floats]:
        """Minus twice the log marginal likelihood, and its gradient."""
        factor, mean, prior, noise = self._solve(hyper, gram, along)
        inverse = solve_triangular(factor, np.eye(len(factor)), check_finite=False)
        variance = (inverse**2).sum(axis=1)
        fit = float(square - along @ mean) / noise
        cost = (n - 1) * hyper[-1] + np.log(prior).sum() + 2 * np.log(np.diag(factor)).sum() + fit
        by_prior = 1 - (mean**2 + variance) / prior
        residual = square - 2 * along @ mean + mean @ gram @ mean
        by_noise = (n - 1) - residual / noise - (1 - variance / prior).sum()
        return float(cost), np.append(self.power.T @ by_prior, by_noise)


def _powers(m: int, factors: dict[int, float], *, decay: int) -> Floats:
    row = np.zeros(m + 2)
    for place, power in factors.items():
        row[place] = power
    row[-1] = decay
    return row
