"""What several rooms need of statistics: Wilson's interval, limits at a level, ties, and the bootstrap's draws.

- proportions: Wilson (1927), "Probable inference", JASA 22, 209-212;
- tails and quantiles of the laws of tests, by the functions that `scipy.stats` calls for them and to the same bits:
  importing `scipy.stats` takes as long as all that a small command does;
- resamples with replacement and percentile limits: Efron & Tibshirani (1993), An Introduction to the Bootstrap,
  chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from churnsim.checks import check_level
from churnsim.typing import Floats, Ints


def tails(level: float) -> tuple[float, float]:
    """The two probabilities between which the central `level` of a distribution lies; ConfigError for no level."""
    level = check_level(level)
    return (1 - level) / 2, (1 + level) / 2


def normal_quantile(level: float) -> float:
    """How many standard errors an interval reaches to either side, such as 1.96; ConfigError for no level."""
    return float(special.ndtri(tails(level)[1]))


def student_quantile(p: Floats | float, df: Ints | Floats | float) -> Floats:
    """The value below which Student's t with `df` degrees of freedom lies with probability `p`, 0 < p < 1."""
    return np.asarray(special.stdtrit(df, p))


def student_tail(x: Floats | float, df: Ints | Floats | float) -> Floats:
    """The probability that Student's t with `df` degrees of freedom is above `x`."""
    return np.asarray(special.stdtr(df, -x))


def chi2_tail(x: Floats | float, df: Ints | Floats | float) -> Floats:
    """The probability that chi-squared with `df` degrees of freedom is above `x`."""
    return np.asarray(special.chdtrc(df, np.maximum(x, 0.0)))


def chi2_quantile(p: Floats | float, df: Ints | Floats | float) -> Floats:
    """The value below which chi-squared with `df` degrees of freedom lies with probability `p`."""
    return np.asarray(2 * special.gammaincinv(np.asarray(df) / 2, p))


def f_tail(x: Floats | float, above: int, below: int) -> Floats:
    """The probability that Fisher's F with degrees of freedom (`above`, `below`) is above `x`."""
    return np.asarray(special.fdtrc(above, below, np.maximum(x, 0.0)))


def f_quantile(p: Floats | float, above: int, below: int) -> Floats:
    """The value below which Fisher's F with degrees of freedom (`above`, `below`) lies with probability `p`."""
    return np.asarray(special.fdtri(above, below, p))


def poisson_logpmf(k: Ints | Floats, mean: Floats | float) -> Floats:
    """Logarithm of the Poisson probability of the count `k`."""
    return np.asarray(special.xlogy(k, mean) - special.gammaln(k + 1) - mean)


def mean_over_ties(values: Floats, score: Floats, *, weights: Floats | None = None) -> Floats:
    """`values` with each one replaced by the mean over the rows whose score is the same; themselves where no two are
    equal.

    A ranking by `score` leaves the order of equal scores open. Sums over its first rows of these means are the sums
    expected over all orders of the ties, so that they do not depend on the order in which the rows were given. Rows
    count by their `weights`; a group of rows without weight keeps 0.

    Examples
    --------
    >>> import numpy as np
    >>> mean_over_ties(np.array([1.0, 0.0, 4.0]), np.array([0.5, 0.5, 0.9]))
    array([0.5, 0.5, 4. ])
    """
    return mean_over_groups(values, tie_groups(score), weights=weights)


def tie_groups(score: Floats) -> Ints:
    """The number of each row's group of rows whose score is the same."""
    return np.asarray(np.unique(score, return_inverse=True)[1], dtype=np.int64)


def mean_over_groups(values: Floats, group: Ints, *, weights: Floats | None = None) -> Floats:
    """`mean_over_ties` of many values or weights of the same rows, whose `tie_groups` are found once."""
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
    alike = np.full(n, 1 / n) if n else np.empty(0)
    for _ in range(resamples):
        if draw == "indices":
            yield np.bincount(generator.integers(0, n, n), minlength=n)
        else:
            yield generator.multinomial(n, alike)


def percentile_limits(draws: Floats, *, level: float = 0.95, units: float | None = None) -> tuple[Floats, Floats]:
    """Percentile limits over the first axis, draws that are not numbers left out.

    With `units`, how many were resampled, they lie as far out as Student's t asks for: percentiles of few are too near
    (Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician 69, 371-386).
    """
    outside = tails(level)
    if units is not None:
        reach = np.sqrt(units / (units - 1)) * student_quantile(outside[1], units - 1)
        outside = float(special.ndtr(-reach)), float(special.ndtr(reach))
    lower, upper = np.nanquantile(draws, outside, axis=0)
    return lower, upper
