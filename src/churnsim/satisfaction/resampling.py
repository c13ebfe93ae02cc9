"""The bootstrap over respondents, by weights: each resample counts every respondent 0, 1, 2, ... times.

Means and covariances of all resamples come out of one matrix product, so that whatever is a function of them
(gaps, reliabilities, regressions, structural models) has its interval at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim import statistics
from churnsim.checks import check_count, check_level, check_seed
from churnsim.typing import Floats

FEWEST_DRAWS = 20
"""Fewer resamples that gave a value make no interval."""
ROUNDING = 1e-12
"""Of an estimate: a spread of resamples below it is that of sums in another order."""
ILL_CONDITIONED = 1e12
"""Condition number from which on a solution in double precision has no digits left to speak of."""


def resample_counts(n: int, *, resamples: int, seed: int) -> Floats:
    """Shape (resamples, n): how often each respondent stands in each resample (Efron 1979). ConfigError for fewer than
    20 resamples, too few for any interval."""
    check_count(resamples, "resamples", least=FEWEST_DRAWS)
    generator = np.random.Generator(np.random.Philox(check_seed(seed)))
    drawn = statistics.resample_counts(n, resamples=resamples, generator=generator, draw="multinomial")
    return np.array(list(drawn), dtype=float)


def resampled_means(values: Floats, counts: Floats) -> Floats:
    """Column means of `values` (n, k; NaN left out) in each resample: (resamples, k)."""
    there = np.isfinite(values)
    sums = counts @ np.where(there, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / (counts @ there.astype(float)))


def mean_estimates(wide: pd.DataFrame, counts: Floats, *, level: float) -> pd.DataFrame:
    """`estimates` of the means of columns in which answers may be missing, a row a respondent."""
    values = wide.to_numpy(dtype=float)
    draws, n = resampled_means(values, counts), np.isfinite(values).sum(axis=0)
    return estimates(wide.columns, wide.mean().to_numpy(), draws, level=level, n=n)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean (k) and covariance (k, k) of complete rows, the same for every resample (first axis), and their number."""

    mean: Floats
    covariance: Floats
    means: Floats
    covariances: Floats
    n: int


def moments(frame: pd.DataFrame, *, resamples: int, seed: int) -> Moments:
    """Of the rows of `frame` without a missing answer."""
    x = frame.dropna().to_numpy(dtype=float)
    n, k = x.shape
    if n < 2:
        nothing = np.full((resamples, k), np.nan)
        return Moments(
            mean=np.full(k, np.nan), covariance=np.full((k, k), np.nan), means=nothing,
            covariances=np.full((resamples, k, k), np.nan), n=n,
        )  # fmt: skip
    counts = resample_counts(n, resamples=resamples, seed=seed)
    centre = x.mean(axis=0)
    d = x - centre  # products of deviations lose no digits
    products = (d[:, :, None] * d[:, None, :]).reshape(n, k * k)
    shift = counts @ d / n
    spread = (counts @ products).reshape(resamples, k, k) / n - shift[:, :, None] * shift[:, None, :]
    # Rounding may leave a variance that is nothing a hair below it.
    k_index = np.arange(k)
    spread[:, k_index, k_index] = np.maximum(spread[:, k_index, k_index], 0.0)
    factor = n / (n - 1)
    return Moments(
        mean=centre,
        covariance=np.atleast_2d(np.cov(d, rowvar=False)),
        means=centre + shift,
        covariances=spread * factor,
        n=n,
    )


def slopes(covariance: Floats) -> Floats:
    """Least squares of the last variable on the others, for every covariance matrix (..., k, k); NaN where the others
    are not told apart."""
    xx, xy = covariance[:, :-1, :-1], covariance[:, :-1, -1]
    finite = np.asarray(np.isfinite(covariance).all(axis=(-2, -1)))
    sound = finite & (np.linalg.cond(np.where(finite[:, None, None], xx, np.eye(xx.shape[-1]))) < ILL_CONDITIONED)
    found = np.full(xy.shape, np.nan)
    found[sound] = np.linalg.solve(xx[sound], xy[sound][..., None])[..., 0]
    return found


def estimates(names: Any, values: Floats, draws: Floats, *, level: float, n: Any, behind: Any = None) -> pd.DataFrame:
    """A table of estimates with bootstrap standard errors and percentile intervals: one row a name.

    `values` has shape (k), `draws` (resamples, k), and `n` respondents, of one row or of all, were resampled.
    Percentiles lie as far out as Student's t asks for (`statistics.percentile_limits`), by as many as are `behind` an
    estimate where these are fewer. Resamples that gave nothing
    (NaN) are left out; where fewer than 20 are left, or all are the same, as of answers that are all alike, there is
    no interval. ConfigError for a level that is none.
    """
    check_level(level)
    draws = np.where(np.isfinite(draws), draws, np.nan)
    count = np.broadcast_to(np.asarray(n if behind is None else behind, dtype=float), draws.shape[1:])
    usable = (np.isfinite(draws).sum(axis=0) >= FEWEST_DRAWS) & (count > 1)
    filled = np.where(usable, draws, 0.0)
    error = np.nanstd(filled, axis=0, ddof=1)
    usable = usable & (error > ROUNDING * np.abs(np.nan_to_num(values)))
    lower, upper = np.full(count.shape, np.nan), np.full(count.shape, np.nan)
    for size in np.unique(count[usable]):
        here = usable & (count == size)
        lower[here], upper[here] = statistics.percentile_limits(filled[:, here], level=level, units=size)
    return pd.DataFrame(
        {
            "estimate": values,
            "standard_error": np.where(usable, error, np.nan),
            "lower": lower,
            "upper": upper,
            "n": n,
        },
        index=pd.Index(names),
    )
