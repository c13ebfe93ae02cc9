"""In how many of the next periods will a customer buy? The count of BG/BB, asked of the models in continuous time.

Purchases and periods with a purchase are two estimands: a customer who buys five times in one week is active in one.
BG/BB knows the second only. A model in continuous time knows both: given the traits the number of active periods
follows by walking from one to the next, and over the traits of a live customer, which are independent here, it is
averaged by Gauss quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from churnsim.kernels.likelihoods import active_periods as kernel
from churnsim.kernels.numerics.quadrature import gauss
from churnsim.models.estimation.threads import by_chunks
from churnsim.models.purchase.unique_rows import at_distinct
from churnsim.typing import Floats, Ints

# Sizes of the rule over lambda. Its error shrinks like (s/(1 + s))^(2n) for a horizon of s times the rate's scale (the
# ratio of the expansion of e^(-s z) in Laguerre polynomials). The smallest that leaves the error asked for is taken,
# or the largest there is: it leaves 1e-9 up to s = 37 (a year of weeks for somebody seen for one), 1e-3 at s = 110.
SIZES = (12, 24, 48, 96, 192, 384)
ERROR = 1e-9
# Of the rule over the dropout probability. Measured here on CDNOW, on customers seen for a day and on one with 5,000
# purchases: 24 leave every chance right to 1e-10.
LEAVING = 24
# With stages a walk costs stages^2 times as much; 1e-6 is far below what a log score of thousands can tell.
STAGES_ERROR, STAGES_LEAVING = 1e-6, 12


@dataclass(frozen=True)
class LivingTraits:
    """Traits of live customers: lambda ~ Gamma(`shape`, `rate`), and independently what makes them leave: a dropout
    probability ~ Beta(`first`, `second`), a death rate ~ Gamma(`first`, `second`), or nothing.

    With `stages` above 1 a purchase comes at every such stage, and the last one was `silence` ago. All of one length.
    """

    shape: Floats
    rate: Floats
    leaves: Literal["dropout", "death", "never"]
    first: Floats
    second: Floats
    stages: int = 1
    silence: Floats | None = None

    def of(self, rows: Ints) -> LivingTraits:
        """The traits of some customers."""
        silence = None if self.silence is None else self.silence[rows]
        own = (self.shape[rows], self.rate[rows], self.leaves, self.first[rows], self.second[rows])
        return LivingTraits(*own, self.stages, silence)


# How far the clocks of buying and of leaving run in each of so many periods, piece by piece.
Runs = Callable[[int], Floats]


def active_chances(alive: Floats, traits: LivingTraits, wanted: Ints, spans: Floats, runs: Runs | None) -> Floats:
    """P(a purchase in n of the next `spans` periods), a row a customer, a column for each n `wanted`. Where there are
    `runs` they have a row a customer; else periods are one unit long."""
    chances = np.zeros((alive.size, wanted.size))
    for span in np.unique(spans).astype(np.int64):
        rows, inside = np.flatnonzero(spans == span), np.flatnonzero(wanted <= span)
        most = int(wanted[inside].max(initial=0))
        kinds, kind = np.ones((1, span, 1, 2)), np.zeros(rows.size)
        if runs is not None:
            kinds, place = np.unique(runs(span)[rows], axis=0, return_inverse=True)
            kind = place.ravel().astype(np.float64)
        reach = float(kinds.sum(axis=(1, 2)).max(initial=0.0))
        averaged = _averaged(traits.of(rows), (kernel.law, kernel.stages_law), (kinds, most), (most + 1,), reach)
        law = alive[rows, None] * at_distinct(averaged, *_columns(traits.of(rows)), kind)
        law[:, 0] += 1.0 - alive[rows]
        chances[np.ix_(rows, inside)] = np.clip(law[:, wanted[inside]], 0.0, 1.0)  # but for rounding
    return chances


def active_mean(traits: LivingTraits, periods: Floats, lead: Floats) -> Floats:
    """E[how many of the next `periods`, a whole number a row, hold a purchase]."""
    kernels = (kernel.mean, kernel.stages_mean)
    return at_distinct(_averaged(traits, kernels, (), (), 1), *_columns(traits), lead, periods)


def _averaged(
    traits: LivingTraits,
    kernels: tuple[Callable[..., Floats], Callable[..., Floats]],
    last: tuple[Any, ...],
    shape_of_each: tuple[int, ...],
    periods: float,
) -> Callable[..., Floats]:
    """The function of customers' columns (and, last of all, of their numbers of periods, where these differ) that takes
    the kernel without stages or with them over the traits. `periods` is the least that a rule must reach."""

    def longest(counts: Sequence[Floats]) -> float:
        return float(counts[0].max(initial=periods)) if counts else float(periods)

    def of(*columns: Floats) -> Floats:
        out = np.empty((columns[0].size, *shape_of_each))
        for rows, size in _by_size(traits, columns[1], longest(columns[6:])):
            shape, rate, first, second, silence, ahead, *counts = (column[rows] for column in columns)
            nodes = _nodes(traits, shape, first, second, size, longest(counts))
            if traits.stages > 1:
                arrays = (rate, silence, ahead, *counts, *nodes.places)
                out[rows] = by_chunks(kernels[1], arrays, *nodes.rules, traits.stages, *last)
            else:
                arrays = (rate, nodes.scale, ahead, *counts, *nodes.places)
                out[rows] = by_chunks(kernels[0], arrays, *nodes.rules, traits.leaves == "death", *last)
        return out

    return of


def _columns(traits: LivingTraits) -> tuple[Floats, ...]:
    silence = np.zeros(traits.shape.size) if traits.silence is None else traits.silence
    return traits.shape, traits.rate, traits.first, traits.second, silence


def _by_size(traits: LivingTraits, rate: Floats, periods: float) -> list[tuple[Ints, int]]:
    """Customers by the size of the rule that they need."""
    wanted = np.array([_size(periods / float(each), traits.stages) for each in rate])
    return [(np.flatnonzero(wanted == size), size) for size in SIZES if (wanted == size).any()]


def _size(reach: float, stages: int = 1) -> int:
    if reach <= 0:
        return SIZES[0]
    needed = math.log(STAGES_ERROR if stages > 1 else ERROR) / (2 * math.log(reach / (1 + reach)))
    return next((size for size in SIZES if size >= needed), SIZES[-1])


@dataclass(frozen=True)
class _Nodes:
    places: tuple[Ints, Ints]  # of each customer among the rules for lambda, and for leaving
    rules: tuple[Floats, Floats, Floats, Floats]
    scale: Floats


def _nodes(traits: LivingTraits, shape: Floats, first: Floats, second: Floats, size: int, periods: float) -> _Nodes:
    shapes, rate_at = np.unique(shape, return_inverse=True)
    rates = gauss(*_laguerre(shapes, size))
    if traits.leaves == "never":
        nothing = (np.zeros((1, 1)), np.ones((1, 1)))
        return _Nodes((rate_at, np.zeros(shape.size, np.int64)), (*rates, *nothing), np.ones(shape.size))
    if traits.leaves == "death":
        kinds, leave_at = np.unique(first, return_inverse=True)
        largest = _size(periods / float(second.min()))
        return _Nodes((rate_at, leave_at), (*rates, *gauss(*_laguerre(kinds, largest))), second)
    pairs, leave_at = np.unique(np.column_stack([first, second]), axis=0, return_inverse=True)
    chances, weight = beta_rule(pairs[:, 0], pairs[:, 1], STAGES_LEAVING if traits.stages > 1 else LEAVING)
    return _Nodes((rate_at, leave_at.ravel()), (*rates, chances, weight), np.ones(shape.size))


def beta_rule(a: Floats, b: Floats, size: int) -> tuple[Floats, Floats]:
    """Nodes in (0, 1) and weights (sum 1) of Gauss rules for Beta(a, b), a row each."""
    z, weight = gauss(*_jacobi(a, b, size))
    return np.clip((1.0 + z) / 2.0, 0.0, 1.0), weight


def _laguerre(shape: Floats, size: int) -> tuple[Floats, Floats]:
    """Recurrence of the polynomials orthogonal under Gamma(shape, 1): diagonal and side diagonal of their matrix."""
    n = np.arange(size)
    side = np.sqrt(n[1:] * (n[1:] + shape[:, None] - 1.0))
    return 2.0 * n + shape[:, None], side


def _jacobi(a: Floats, b: Floats, size: int) -> tuple[Floats, Floats]:
    """The same under Beta(a, b), moved to (-1, 1)."""
    n, low, high = np.arange(1.0, size), b[:, None] - 1.0, a[:, None] - 1.0
    total = low + high
    at_zero = (high - low) / (total + 2.0)
    diagonal = (high - low) * total / ((2 * n + total) * (2 * n + total + 2.0))
    # At n = 1 a factor 1 + total stands above and below.
    ratio = np.where(n == 1, 1.0, (n + total) / np.where(n == 1, 1.0, 2 * n + total - 1.0))
    square = 4 * n * (n + low) * (n + high) * ratio / ((2 * n + total) ** 2 * (2 * n + total + 1.0))
    return np.concatenate([at_zero, diagonal], axis=1), np.sqrt(square)
