"""What several rooms need of statistics: Wilson's interval, and the bootstrap's draws.

- proportions: Wilson (1927), "Probable inference", JASA 22, 209-212;
- resamples with replacement and percentile limits: Efron & Tibshirani (1993), An Introduction to the Bootstrap,
  chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from scipy.stats import norm

from churnsim.checks import check_level
from churnsim.typing import Floats, Ints

__all__ = ["percentile_limits", "resample_counts", "resample_indices", "wilson"]


def wilson(hits: Ints, trials: Ints, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Limits of a binomial share; NaN where there was no trial."""
    z = float(norm.ppf(0.5 + check_level(level) / 2))
    n = np.where(trials > 0, trials, np.nan).astype(np.float64)
    p = hits / n
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
    tail = (1 - check_level(level)) / 2
    lower, upper = np.nanquantile(draws, [tail, 1 - tail], axis=0)
    return lower, upper
