"""Do the items of a scale measure one thing? Cronbach's alpha and McDonald's omega, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.resampling import ILL_CONDITIONED, estimates, moments
from churnsim.typing import Floats


def alpha_of(covariance: Floats) -> Floats:
    """Cronbach's alpha k/(k-1) (1 - sum of variances / variance of the sum) (Cronbach 1951) of (..., k, k)."""
    k = covariance.shape[-1]
    diagonal = np.trace(covariance, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(k / (k - 1) * (1 - diagonal / covariance.sum(axis=(-2, -1))))


def omega_of(covariance: Floats, *, steps: int = 60) -> Floats:
    """McDonald's omega (sum of loadings)^2 / variance of the sum, of (..., k, k) with k of 3 or more.

    Loadings of one factor by iterated principal axes on the correlations, all matrices at once; the items'
    communalities start at the squared multiple correlations. NaN where a matrix is singular or k is below 3.
    """
    k = covariance.shape[-1]
    scale = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    result = np.full(covariance.shape[:-2], np.nan)
    if k < 3:
        return result
    good = np.asarray((scale > 0).all(axis=-1) & np.isfinite(covariance).all(axis=(-2, -1)))
    good &= (
        np.where(good, np.linalg.cond(np.where(good[..., None, None], covariance, np.eye(k))), np.inf) < ILL_CONDITIONED
    )
    c, s = covariance[good], scale[good]
    r = c / s[..., :, None] / s[..., None, :]
    common = 1 - 1 / np.diagonal(np.linalg.inv(r), axis1=-2, axis2=-1)
    index = np.arange(k)
    loading = np.sqrt(np.clip(common, 0, 1))
    for _ in range(steps):
        reduced = r.copy()
        reduced[..., index, index] = np.clip(common, 0.0, 1.0)
        value, vector = np.linalg.eigh(reduced)
        loading = vector[..., -1] * np.sqrt(np.clip(value[..., -1], 0, None))[..., None]
        before, common = common, loading**2
        if np.abs(common - before).max(initial=0.0) < 1e-14:  # but for rounding they stay; many items take twenty steps
            break
    result[good] = (loading * s).sum(axis=-1) ** 2 / c.sum(axis=(-2, -1))
    return result


@typed
def reliability(
    frame: pd.DataFrame, scales: Mapping[str, Sequence[str]], *, level: float, resamples: int, seed: int
) -> pd.DataFrame:
    """One row a scale of at least two items: alpha and omega with intervals, complete rows used, items.

    Omega needs three items; it is NaN for two.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_servqual
    >>> answers = synthetic_servqual(200, seed=1).survey.of("perception")
    >>> scales = {"first four": list(answers.columns[:4])}
    >>> reliability(answers, scales, level=0.95, resamples=50, seed=0)["alpha"].round(2).to_dict()
    {'first four': 0.83}
    """
    rows = []
    for name, items in scales.items():
        if len(items) < 2:
            continue
        for item in items:
            if [*frame.columns].count(item) != 1 or not pd.api.types.is_numeric_dtype(frame[item].dtype):
                raise DataError(f"the answers have not one item {item!r} that holds numbers. Name items of the survey.")
        m = moments(frame[list(items)], resamples=resamples, seed=seed)
        alpha = estimates(
            [name], np.array([alpha_of(m.covariance)]), alpha_of(m.covariances)[:, None], level=level, n=m.n
        )
        few = m.covariances[: min(resamples, 200)]  # the iteration costs; two hundred fix a 95% interval to about .01
        omega = estimates([name], np.array([omega_of(m.covariance)]), omega_of(few)[:, None], level=level, n=m.n)
        rows.append(
            alpha.rename(columns={"estimate": "alpha", "lower": "alpha_lower", "upper": "alpha_upper"})
            .drop(columns="standard_error")
            .assign(omega=omega["estimate"], omega_lower=omega["lower"], omega_upper=omega["upper"], items=len(items))
        )
    return pd.concat(rows) if rows else pd.DataFrame()
