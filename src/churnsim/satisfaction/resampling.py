"""The bootstrap over respondents, by weights: each resample counts every respondent 0, 1, 2, ... times.

Means and covariances of all resamples come out of one matrix product, so that whatever is a function of them
(gaps, reliabilities, regressions, structural models) has its interval at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import ConfigError

__all__ = ["Moments", "estimates", "moments", "resample_counts", "resampled_means"]

Array = NDArray[np.float64]


def resample_counts(n: int, *, resamples: int, seed: int) -> Array:
    """Shape (resamples, n): how often each respondent stands in each resample (Efron 1979). ConfigError for fewer than
    20 resamples, too few for any interval."""
    if resamples < 20:
        raise ConfigError(f"resamples must be at least 20; got {resamples}.")
    generator = np.random.Generator(np.random.Philox(seed))
    return generator.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def resampled_means(values: Array, counts: Array) -> Array:
    """Column means of `values` (n, k; NaN left out) in each resample: (resamples, k)."""
    there = np.isfinite(values)
    sums = counts @ np.where(there, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / (counts @ there.astype(float)))


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean (k) and covariance (k, k) of complete rows, the same for every resample (first axis), and their number."""

    mean: Array
    covariance: Array
    means: Array
    covariances: Array
    n: int


def moments(frame: pd.DataFrame, *, resamples: int, seed: int) -> Moments:
    """Of the rows of `frame` without a missing answer."""
    x = frame.dropna().to_numpy(dtype=float)
    n, k = x.shape
    counts = resample_counts(max(n, 1), resamples=resamples, seed=seed)
    centre = x.mean(axis=0) if n else np.zeros(k)
    d = x - centre  # products of deviations lose no digits
    products = (d[:, :, None] * d[:, None, :]).reshape(n, k * k)
    shift = counts @ d / n
    spread = (counts @ products).reshape(resamples, k, k) / n - shift[:, :, None] * shift[:, None, :]
    factor = n / max(n - 1, 1)
    return Moments(
        mean=centre,
        covariance=np.atleast_2d(np.cov(d, rowvar=False)) if n > 1 else np.full((k, k), np.nan),
        means=centre + shift,
        covariances=spread * factor,
        n=n,
    )


def estimates(names: Any, values: Array, draws: Array, *, level: float, n: Any) -> pd.DataFrame:
    """A table of estimates with bootstrap standard errors and percentile intervals: one row a name.

    `values` has shape (k), `draws` (resamples, k). Resamples that gave nothing (NaN) are left out. ConfigError unless
    the level is between 0.5 and 1.
    """
    if not 0.5 < level < 1:
        raise ConfigError(f"level must be between 0.5 and 1; got {level!r}.")
    usable = np.isfinite(draws).sum(axis=0) >= 20
    filled = np.where(usable, draws, 0.0)
    tail = (1 - level) / 2
    lower, upper = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    error = np.nanstd(filled, axis=0, ddof=1)
    return pd.DataFrame(
        {
            "estimate": values,
            "standard_error": np.where(usable, error, np.nan),
            "lower": np.where(usable, lower, np.nan),
            "upper": np.where(usable, upper, np.nan),
            "n": n,
        },
        index=pd.Index(names),
    )
