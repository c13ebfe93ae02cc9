r"""Sequential Monte Carlo where the likelihood can only be simulated: numbers, chance events, and results that
were observed with an error whose law is known.

Each particle holds numbers x, the replication w of one simulation (its random numbers) and its results q(x, w). Results
y = q + e were observed, e with density K. The posterior of (x, w) is proportional to p(x) p(w) K(y - q(x, w)), and of x
it is exact: the observed interval takes the place of the tolerance of approximate Bayesian computation (Wilkinson 2013,
Statistical Applications in Genetics and Molecular Biology 12(2), 129-141). Particles are led there through K^b, b from
0 to 1, each next b being such that half of the particles are left in effect (Del Moral, Doucet & Jasra 2012, Statistics
and Computing 22(5), 1009-1020); they are drawn again by their weights and moved.

Numbers are kept as normal scores z, a priori independent and standard normal. With m and C the particles' mean and
covariance, a move proposes z' = m + sqrt(1 - r^2) (z - m) + r C^(1/2) N(0, I), which leaves N(m, C) as it is, so that
z' is accepted with chance min(1, g(z') / g(z)), g = p(z) K^b / N(z; m, C) (Beskos, Jasra, Muzaffer & Stuart 2015,
Statistics and Computing 25(4), 727-737). Every other move keeps the particle's replication, so that its results differ
by the numbers alone and more of them are accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from churnsim.errors import FitError
from churnsim.typing import Flags, Floats, Ints

KEPT = 0.5  # share of the particles that a step of b leaves in effect
ROUNDS = 60  # steps of b at most: each makes it two to four times as large
SWEEPS, LAST_SWEEPS = 8, 24  # moves of all particles at most, and after the last step
MOVED = 0.9  # share of particles that must have moved before the next step
LEFT = 0.3  # correlation with where they were drawn that is left after the last moves
WIDER = 1.15  # standard deviation of proposals over that of the particles: tails must be proposed too

Simulate = Callable[[Floats, Ints, Ints], Floats]
"""Results, shape (particles, targets), of numbers (particles, numbers), rows and replications; NaN for none."""


class Particles(NamedTuple):
    """Normal scores of the numbers, the row of numbers that come in joint draws, the replication and the results."""

    z: Floats
    row: Ints
    replication: Ints
    results: Floats

    def take(self, chosen: Ints) -> Particles:
        """Those of these places."""
        return Particles(self.z[chosen], self.row[chosen], self.replication[chosen], self.results[chosen])

    def where(self, use: Flags, other: Particles) -> Particles:
        """These, but the `other` ones where `use` is true."""
        wide = use[:, None]
        return Particles(
            np.where(wide, other.z, self.z), np.where(use, other.row, self.row),
            np.where(use, other.replication, self.replication), np.where(wide, other.results, self.results),
        )  # fmt: skip


class Tempered(NamedTuple):
    """Particles of equal weight, and how many independent draws they are worth."""

    particles: Particles
    effective: float


def first_particles(simulate: Simulate, n: int, numbers: int, rows: int, generator: np.random.Generator) -> Particles:
    """`n` particles of the prior, with replications 0 to n - 1."""
    z, row, replication = generator.normal(size=(n, numbers)), generator.integers(rows, size=n), np.arange(n)
    return Particles(z, row, replication, simulate(z, row, replication))


def tempered(
    simulate: Simulate,
    log_kernel: Callable[[Floats], Floats],
    particles: Particles,
    *,
    rows: int,
    replication: int,
    generator: np.random.Generator,
) -> Tempered:
    """Lead particles of the prior to the posterior.

    `log_kernel` is the log K of each particle's results, -inf for NaN. Of `rows` joint draws of numbers new simulations
    get replications from `replication` upwards, the first that none has had; `generator` is of moves and choices.
    Results out of reach give the numbers and the replication that come nearest. Raises FitError after 60 steps of b.
    """
    n = len(particles.replication)
    power, inflation, reach = 0.0, 1.0, 1.0
    density = log_kernel(particles.results)
    for _ in range(ROUNDS):
        step = _step(density, 1 - power)
        weight = _weights(np.where(np.isfinite(density), step * density, -np.inf))
        power = min(1.0, power + step)
        inflation *= n * float((weight**2).sum())
        particles = particles.take(_chosen(weight, generator))
        density = log_kernel(particles.results)
        mean, root = _law(particles.z)
        started, last = particles, power >= 1
        moved = np.zeros(n, dtype=bool)
        for sweep in range(LAST_SWEEPS if last else SWEEPS):
            fresh = sweep % 2 == 0
            step_from = particles.z - mean
            z = mean + math.sqrt(1 - reach**2) * step_from + reach * generator.normal(size=particles.z.shape) @ root.T
            row = generator.integers(rows, size=n) if fresh else particles.row
            own = replication + np.arange(n) if fresh else particles.replication
            replication += n if fresh else 0
            there = Particles(z, row, own, simulate(z, row, own))
            new = log_kernel(there.results)
            ratio = power * (new - density) + _log_law(z, mean, root) - _log_law(particles.z, mean, root)
            accepted = np.log(generator.random(n)) < ratio
            particles, density = particles.where(accepted, there), np.where(accepted, new, density)
            moved |= accepted
            share = float(accepted.mean())
            if not fresh:  # else chance may refuse what no shorter step would mend
                reach = min(1.0, reach * 1.3) if share > 0.4 else max(0.05, reach / 1.4) if share < 0.2 else reach
            left = _correlation(started.z, particles.z, moved)
            if sweep and moved.mean() >= MOVED and (not last or left < LEFT):
                break
        inflation = 1 + left**2 * (inflation - 1)
        if last:
            return Tempered(particles, n / inflation)
    raise FitError(
        f"{ROUNDS} steps did not lead from the beliefs to the targets. Widen their intervals, or take fewer of them."
    )


def _step(density: Floats, most: float) -> float:
    """How far b may grow until half of the particles that can be are left in effect."""
    density = density[np.isfinite(density)]
    wanted = KEPT * len(density)

    def excess(step: float) -> float:
        return 1 / float((_weights(step * density) ** 2).sum()) - wanted

    return most if excess(most) >= 0 else float(brentq(excess, 0.0, most, xtol=1e-12, rtol=1e-6))


def _weights(log_weight: Floats) -> Floats:
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def _chosen(weight: Floats, generator: np.random.Generator) -> Ints:
    """Places drawn by weight, systematically, in random order."""
    n = len(weight)
    at = (np.arange(n) + generator.random()) / n
    return generator.permutation(np.minimum(np.searchsorted(np.cumsum(weight), at), n - 1))


def _law(z: Floats) -> tuple[Floats, Floats]:
    """Mean and root of the covariance of the particles, whose correlations are shrunk as far as their number asks."""
    n, numbers = z.shape
    sd = np.maximum(z.std(axis=0), 1e-6)
    mean = z.mean(axis=0)
    scaled = (z - mean) / sd
    shrunk = numbers / (n + numbers)
    correlation = (1 - shrunk) * (scaled.T @ scaled) / n + shrunk * np.eye(numbers)
    return mean, WIDER * sd[:, None] * np.linalg.cholesky(correlation)


def _log_law(z: Floats, mean: Floats, root: Floats) -> Floats:
    """log p(z) / N(z; mean, root root') up to a constant."""
    inside = np.linalg.solve(root, (z - mean).T)
    return np.asarray(0.5 * (inside**2).sum(axis=0) - 0.5 * (z**2).sum(axis=1))


def _correlation(before: Floats, after: Floats, moved: Flags) -> float:
    """The largest correlation of a number with itself before the moves; of numbers in rows the share not moved."""
    off, on = before - before.mean(axis=0), after - after.mean(axis=0)
    scale = np.sqrt((off**2).sum(axis=0) * (on**2).sum(axis=0))
    each = (off * on).sum(axis=0) / np.maximum(scale, 1e-12)
    return float(max(np.max(each, initial=0.0), 1 - moved.mean()))
