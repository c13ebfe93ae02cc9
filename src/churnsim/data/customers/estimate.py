"""A figure with its standard error and interval, and the two ways they are found here beside `statistics.wilson`.

- ratios of sums over customers: linearisation (Cochran 1977, "Sampling Techniques", 3rd ed., section 2.11);
- anything else: the bootstrap over customers with percentile limits (Efron & Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnsim.checks import check_count, check_seed
from churnsim.statistics import normal_quantile, percentile_limits, resample_counts
from churnsim.typing import Floats

LEVEL = 0.95  # the field's custom
REPLICATIONS = 1000  # Efron & Tibshirani 1993, p. 188: about 1000 for percentile limits


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value, its standard error, and the limits of its interval at confidence `level`; `n` customers behind it.

    Attributes
    ----------
    value, standard_error : float
        The figure and its standard error.
    lower, upper : float
        Its interval.
    level : float
        Of the interval.
    n : int
        Customers behind it.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    level: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.lower:.4g}, {self.upper:.4g}]"


def ratio_of_sums(above: Floats, below: Floats, *, level: float = LEVEL) -> Estimate:
    """Sum of `above` over sum of `below`, one entry a customer in each; NaN where `below` sums to nothing.

    The standard error is sqrt(n / (n - 1) . sum (a_i - R b_i)^2) / sum b_i; the limits are normal.
    """
    n, total = len(below), float(below.sum())
    if total <= 0:
        return Estimate(value=math.nan, standard_error=math.nan, lower=math.nan, upper=math.nan, level=level, n=n)
    ratio = float(above.sum()) / total
    residual = above - ratio * below
    error = math.sqrt(n / (n - 1) * float(residual @ residual)) / total if n > 1 else math.inf
    z = normal_quantile(level)
    return Estimate(
        value=ratio, standard_error=error, lower=ratio - z * error, upper=ratio + z * error, level=level, n=n
    )


def resamples(n: int, *, replications: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each of `n` customers is drawn, anew for each replication."""
    check_count(replications, "replications", least=2, most=10_000_000, remedy=f"{REPLICATIONS} is usual.")
    generator = np.random.default_rng(check_seed(seed))
    yield from resample_counts(n, resamples=replications, generator=generator, draw="indices")


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], n: int, *, replications: int, seed: int, level: float
) -> Estimate:
    """`statistic` of the customers' weights: its value at weight 1 each, and its bootstrap error and limits."""
    value = statistic(np.ones(n, dtype=np.int64))
    draws = np.array([statistic(weights) for weights in resamples(n, replications=replications, seed=seed)])
    if not np.isfinite(draws).any():
        return Estimate(value=value, standard_error=math.nan, lower=math.nan, upper=math.nan, level=level, n=n)
    lower, upper = percentile_limits(draws, level=level)
    return Estimate(
        value=value, standard_error=float(np.nanstd(draws, ddof=1)), lower=float(lower), upper=float(upper),
        level=level, n=n,
    )  # fmt: skip
