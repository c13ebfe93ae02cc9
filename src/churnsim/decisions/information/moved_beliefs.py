r"""What a decision looks like where some numbers are believed to be other than was drawn, from the same replications.

A number's place in its stated law is its normal score z, standard normal over replications. Believed otherwise, z has
mean `shift` and standard deviation `spread` (1: as sure as stated, 0: known exactly): the median of the number is then
the stated law's quantile at that score. The ratio of the two densities, phi((z - shift) / spread) / spread / phi(z), is
exact whatever the law, since the number's own scale cancels; weighted by it the replications are draws from the other
belief. The effective number of them is (sum w)^2 / sum w^2 (Kong 1992, Technical Report 348, University of Chicago).

Where too few are left, each replication is moved instead, to z' = shift + spread z, and its gains by what the
regression of the value of information says of the difference between the two places (the regression adjustment of
Beaumont, Zhang & Balding 2002, Genetics 162, 2025-2035). Beyond what was drawn, the regression is held at its edge.

The report's page makes the same calculation in the reader's browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from churnsim.checks import check_number, shown
from churnsim.decisions.information.regression import Term, surface_terms
from churnsim.errors import ConfigError
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats

LEAST_EFFECTIVE = 50
"""Effective replications below which weights alone say too little: a mean is then known to a seventh of its spread."""
LEVEL = 0.95  # of the interval of one future, as in the tables of a comparison
STEPS = 33  # places on either side of the middle at which a break-even is looked for
REACH = normal_quantile(0.95)  # of the scores at these places: the stated interval, of 90%
GRID: Floats = np.linspace(-REACH, REACH, 2 * STEPS + 1)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What an option earns more than spending nothing: mean, where one future falls with probability `LEVEL`, and the
    share of futures in which it is the best choice."""

    mean: float
    lower: float
    upper: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The options under other beliefs; `nothing` is the share of futures in which spending nothing is best.

    `effective` is how many replications the weights leave; where `weighted` is false the regression was used.
    """

    options: tuple[Outlook, ...]
    nothing: float
    effective: float
    weighted: bool


class MovedBeliefs:
    """Replications of a decision that can be asked what it looks like under other beliefs: normal `scores` (n, m) of m
    numbers in their stated laws, a row a replication, and the `gains` (n, q) of q options over spending nothing."""

    def __init__(self, scores: Floats, gains: Floats) -> None:
        self.scores, self.gains = np.asarray(scores, dtype=np.float64), np.asarray(gains, dtype=np.float64)
        if self.scores.ndim != 2 or self.gains.ndim != 2 or len(self.scores) != len(self.gains) or not self.gains.size:
            raise ConfigError(
                f"scores (n, m) and gains (n, q) need a row for each of the same replications; got shapes "
                f"{self.scores.shape} and {self.gains.shape}."
            )
        if not (np.isfinite(self.scores).all() and np.isfinite(self.gains).all()):
            raise ConfigError("scores and gains must be finite numbers.")
        self.terms: tuple[tuple[Term, ...], ...] = surface_terms(self.scores, self.gains)
        self._edges = self.scores.min(axis=0), self.scores.max(axis=0)

    def at(self, moves: Mapping[int, tuple[float, float]]) -> Moved:
        """The options where the numbers at these places are believed to have a (shift, spread)."""
        moves = _checked(moves, self.scores.shape[1])
        n = len(self.gains)
        weights, effective = self._weights(moves)
        weighted = effective >= LEAST_EFFECTIVE or not moves
        gains = self.gains if weighted else self.gains + self._change(self._moved(moves))
        weights = weights if weighted else np.full(n, 1 / n)
        best = np.concatenate([np.zeros((n, 1)), gains], axis=1).argmax(axis=1)
        options = tuple(
            Outlook(
                mean=float(weights @ gain), lower=_quantile(gain, weights, (1 - LEVEL) / 2),
                upper=_quantile(gain, weights, (1 + LEVEL) / 2), chance=float(weights[best == place].sum()),
            )
            for place, gain in enumerate(gains.T, start=1)
        )  # fmt: skip
        return Moved(
            options=options, nothing=float(weights[best == 0].sum()), effective=effective, weighted=weighted
        )  # fmt: skip

    def break_even(self, number: int, option: int, moves: Mapping[int, tuple[float, float]]) -> float | None:
        """The score of a number at which an option earns as much as spending nothing on average, the other numbers as
        in `moves`; the first on `GRID`, None where it earns more, or less, all along it."""
        moves = _checked(moves, self.scores.shape[1])
        before = 0.0
        for place, score in enumerate(GRID):
            change = self._change(self._moved({**moves, number: (float(score), 0.0)}))
            mean = float((self.gains[:, option] + change[:, option]).mean())
            if place and before * mean <= 0 and before != mean:
                return float(score - (GRID[1] - GRID[0]) * mean / (mean - before))
            before = mean
        return None

    def _weights(self, moves: Mapping[int, tuple[float, float]]) -> tuple[Floats, float]:
        """Weights that sum to 1, and the effective number of replications, 0 where a number is known exactly."""
        n = len(self.scores)
        if any(spread == 0 for _, spread in moves.values()):
            return np.full(n, 1 / n), 0.0
        logs = np.zeros(n)
        for number, (shift, spread) in moves.items():
            z = self.scores[:, number]
            logs += (z**2 - ((z - shift) / spread) ** 2) / 2
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        return weights, float(1 / (weights**2).sum())

    def _moved(self, moves: Mapping[int, tuple[float, float]]) -> Floats:
        moved = self.scores.copy()
        for number, (shift, spread) in moves.items():
            moved[:, number] = shift + spread * self.scores[:, number]
        return moved

    def _change(self, moved: Floats) -> Floats:
        """What the regression says the gains (n, q) differ by at the scores `moved`."""
        to = np.clip(moved, *self._edges)
        change = np.zeros_like(self.gains)
        for option, terms in enumerate(self.terms):
            for coefficient, polynomials in terms:
                change[:, option] += coefficient * (_product(to, polynomials) - _product(self.scores, polynomials))
        return change


def _checked(moves: Mapping[int, tuple[float, float]], numbers: int) -> dict[int, tuple[float, float]]:
    found = {}
    for number, (shift, spread) in moves.items():
        if not 0 <= number < numbers:
            raise ConfigError(f"there is no number {shown(number)}; there are {numbers}, from 0.")
        found[number] = (check_number(shift, "shift"), check_number(spread, "spread", least=0))
    return found


def _product(scores: Floats, polynomials: Sequence[tuple[int, int]]) -> Floats:
    """A product of normalised Hermite polynomials of the scores."""
    product = np.ones(len(scores))
    for number, degree in polynomials:
        z = scores[:, number]
        product *= (z, (z**2 - 1) / sqrt(2), (z**3 - 3 * z) / sqrt(6))[degree - 1]
    return product


def _quantile(values: Floats, weights: Floats, probability: float) -> float:
    """Where one more value falls below with this probability: with n equal weights the k-th of the values is at
    k / (n + 1), as in the comparison's intervals of one future; with others, which are worth n of equal weight, at the
    middle of its own weight by the same rule. Between neighbours in proportion."""
    order = np.argsort(values, kind="stable")
    sorted_weights, n = weights[order], 1 / (weights @ weights)
    at = (n * (np.cumsum(sorted_weights) - sorted_weights / 2) + 0.5) / (n + 1)
    return float(np.interp(probability, at, values[order]))
