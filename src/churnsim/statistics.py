"""What several rooms need of statistics: Wilson's interval, limits at a level, ties, and the bootstrap's draws.

- proportions: Wilson (1927), "Probable inference", JASA 22, 209-212;
- resamples with replacement and percentile limits: Efron & Tibshirani (1993), An Introduction to the Bootstrap,
  chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from churnsim.checks import check_level
from churnsim.typing import Floats, Ints


def tails(level: float) -> tuple[float, float]:
    """The two probabilities between which the central `level` of a distribution lies; ConfigError for no level."""
    level = check_level(level)
    return (1 - level) / 2, (1 + level) / 2


def normal_quantile(level: float) -> float:
    """How many standard errors an interval reaches to either side, such as 1.96; ConfigError for no level."""
    return float(norm.ppf(tails(level)[1]))


def mean_over_ties(values: Floats, score: Floats, *, weights: Floats | None = None) -> Floats:
    """`values` with each one replaced by the mean over the rows whose score is the same.

    A ranking by `score` leaves the order of equal scores open. Sums over its first rows of these means are the sums
    expected over all orders of the ties, so that they do not depend on the order in which the rows were given.

    Parameters
    ----------
    values, score : array of shape (n,)
        What is added up, and what the rows are ranked by.
    weights : array of shape (n,), optional
        How much each row counts. A group of rows without weight keeps 0.

    Returns
    -------
    array of shape (n,)
        In the order given; `values` itself where no two scores are equal.

    Examples
    --------
    >>> import numpy as np
    >>> mean_over_ties(np.array([1.0, 0.0, 4.0]), np.array([0.5, 0.5, 0.9]))
    array([0.5, 0.5, 4. ])
    """
    _, group = np.unique(score, return_inverse=True)
    count = int(group.max(initial=-1)) + 1
    if count == len(values):
        return values
    counted = np.ones(len(values)) if weights is None else weights
    total = np.bincount(group, counted * values, minlength=count)
    weight = np.bincount(group, counted, minlength=count)
    return np.divide(total, weight, out=np.zeros(count), where=weight > 0)[group]


def wilson(hits: ArrayLike, trials: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Limits of a binomial share; NaN where there was no trial."""
    z = normal_quantile(level)
    count = np.asarray(trials, dtype=np.float64)
    n = np.where(count > 0, count, np.nan)
    p = np.asarray(hits, dtype=np.float64) / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def resample_indices(n: int, *, resamples: int, generator: np.random.Generator) -> Ints:
    """Which of `n` units stand in each resample, with replacement: shape (resamples, n)."""
    return generator.integers(0, n, size=(resamples, n))


def resample_counts(
    n: int, *, resamples: int, generator: np.random.Generator, draw: Literal["indices", "multinomial"]
) -> Iterator[Ints]:
    """How often each of `n` units stands in each resample.

    Both ways to `draw` have the same distribution; they use the generator's numbers differently, so that a stored
    result depends on which one was taken.
    """
    for _ in range(resamples):
        if draw == "indices":
            yield np.bincount(generator.integers(0, n, n), minlength=n)
        else:
            yield generator.multinomial(n, np.full(n, 1 / n))


def percentile_limits(draws: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile limits over the first axis, draws that are not numbers left out."""
    lower, upper = np.nanquantile(draws, tails(level), axis=0)
    return lower, upper
