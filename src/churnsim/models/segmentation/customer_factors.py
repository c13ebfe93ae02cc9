"""Factor analysis of how customers behave: a few dimensions behind many correlated measures.

The number of factors by parallel analysis (Horn 1965, Psychometrika 30, 179-185): as many as have an eigenvalue above
the 95th percentile of those of unrelated data of the same size. Maximum likelihood factors, varimax rotation (Kaiser
1958), from scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_seed, typed
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.typing import Floats

NOISE_SETS = 50  # Horn's percentile is stable to the second digit with 50; assumed sufficient


def behaviour(transactions: Any, *, until: str | date | None = None) -> pd.DataFrame:
    """Measures of each customer's purchases up to `until`, each on a scale that large values do not dominate.

    `recent` (-log(1 + days since the last purchase)), `often` (log of purchase days), `spent` (log(1 + total)),
    `basket` (log(1 + mean per purchase day)), `tenure` (log(1 + days since the first)), `span` (log(1 + days from
    first to last)). Raises DataError for a bad log or one without amounts.
    """
    log, end = purchase_days(transactions).seen_until(until)
    count = np.bincount(log.customer)
    spent = np.bincount(log.customer, weights=log.spend())
    first = log.first_day()
    last = np.empty(len(log.ids), dtype=np.int64)
    last[log.customer] = log.day
    return pd.DataFrame(
        {
            "recent": -np.log1p(end - last),
            "often": np.log(count),
            "spent": np.log1p(spent),
            "basket": np.log1p(spent / count),
            "tenure": np.log1p(end - first),
            "span": np.log1p(last - first),
        },
        index=log.ids,
    )


@dataclass(frozen=True, kw_only=True)
class CustomerFactors:
    """`loadings` (measures by factors), `scores` (customers by factors), and `eigenvalues` beside `noise`, what
    unrelated data would give; every factor points towards more buying."""

    loadings: pd.DataFrame
    scores: pd.DataFrame
    eigenvalues: Floats
    noise: Floats


@typed
def analyse_factors(features: pd.DataFrame, *, seed: int = 0) -> CustomerFactors:
    """The factors behind the columns of `features` (customers by measures), their number by parallel analysis, but one
    at least: `eigenvalues` beside `noise` say whether there is any.

    Raises DataError for fewer than three measures that vary, or fewer customers than ten a measure.

    Examples
    --------
    >>> import churnsim as cs
    >>> features = cs.summarise(cs.datasets.cdnow())[["frequency", "recency", "monetary_value"]]
    >>> list(analyse_factors(features, seed=1).loadings.index)
    ['frequency', 'recency', 'monetary_value']
    """
    from sklearn.decomposition import FactorAnalysis

    check_seed(seed)
    features = pd.DataFrame(number_columns(features, list(features.columns)), features.index)
    varying = features.loc[:, features.std(ddof=0) > 0]
    n, p = varying.shape
    if p < 3 or n < 10 * p:
        raise DataError(
            f"factor analysis needs three measures that vary and ten customers for each; got {p} and {n} customers."
        )
    Z = ((varying - varying.mean()) / varying.std(ddof=0)).to_numpy(dtype=np.float64)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(Z, rowvar=False))[::-1]
    generator = np.random.default_rng(seed)
    sets = [
        np.linalg.eigvalsh(np.corrcoef(generator.standard_normal((min(n, 5000), p)), rowvar=False))[::-1]
        for _ in range(NOISE_SETS)
    ]
    noise = np.quantile(sets, 0.95, axis=0)
    # Above half as many factors as measures the loadings are not identified.
    number = int(np.clip(np.argmin(np.append(eigenvalues > noise, False)), 1, (p - 1) // 2))
    # The likelihood knows the customers by their covariances alone, which these 2p rows have too: its search takes as
    # long for a million customers as for ten. Its sum, of which `tol` is a part, counts the rows.
    triangle = np.linalg.qr(Z, mode="r") * np.sqrt(p / n)
    analysis = FactorAnalysis(n_components=number, svd_method="lapack", tol=0.01 * 2 * p / n)
    analysis.fit(np.vstack([triangle, -triangle]))
    rotation = varimax(analysis.components_.T)
    loadings = analysis.components_.T @ rotation
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    names = [f"factor {k + 1}" for k in range(number)]
    return CustomerFactors(
        loadings=pd.DataFrame(loadings * signs, index=varying.columns, columns=names),
        scores=pd.DataFrame(analysis.transform(Z) @ rotation * signs, index=features.index, columns=names),
        eigenvalues=eigenvalues,
        noise=noise,
    )


def varimax(loadings: Floats) -> Floats:
    """The rotation (factors by factors) that makes each column's squared loadings most unequal.

    Kaiser's planes in turn, each by its closed angle, until none moves. scikit-learn's own rotation stops while it is
    still turning when it starts from two equal groups of measures.
    """
    factors = loadings.shape[1]
    rotation = np.eye(factors)
    for _ in range(100):
        largest = 0.0
        for i in range(factors):
            for j in range(i + 1, factors):
                x, y = loadings @ rotation[:, i], loadings @ rotation[:, j]
                u, v = x * x - y * y, 2 * x * y
                above = 2 * (u @ v - u.sum() * v.sum() / len(x))
                below = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / len(x)
                angle = np.arctan2(above, below) / 4
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                rotation[:, [i, j]] = rotation[:, [i, j]] @ turn
                largest = max(largest, abs(float(angle)))
        if largest < 1e-10:
            break
    return rotation


def factor_scores(features: pd.DataFrame) -> pd.DataFrame:
    """The scores of `analyse_factors`, customers by factors."""
    return analyse_factors(features).scores
