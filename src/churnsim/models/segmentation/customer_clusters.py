"""Clusters of customers by behaviour, with their number chosen and defended.

K-means on standardised measures (scikit-learn). A number of clusters is defended by three questions: are customers
nearer to their own cluster than to the next (silhouette, Rousseeuw 1987), would other customers of the same firm have
given the same clusters (adjusted Rand index between fits to two halves, Hubert & Arabie 1985; Tibshirani & Walther
2005), and is that more than a cut through one cloud of customers, whose measures go together as they do here, would
show (normal customers with the same covariances; Liu, Hayes, Nobel & Marron 2008, JASA 103, 1281-1293)?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, check_seed, typed
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.models.estimation.threads import one_thread

STABLE = 0.80  # assumed: Tibshirani & Walther 2005 ask .8 to .9 of their prediction strength
SILHOUETTE_SAMPLE = 2000  # the silhouette needs all pairs; measured here: changes by below .01 on CDNOW
HALVES = 5
NUMBERS = tuple(range(2, 8))
CLOUDS, CLOUD = 19, 1000  # one cloud's silhouettes, of which none is above the clusters' with 95%, and its customers


@dataclass(frozen=True, kw_only=True)
class CustomerClusters:
    """`labels` by customer (0 is the largest cluster), `centres` in the measures' own units with `customers` in each,
    the `evidence` by number of clusters, and the `reason` for the number taken, in words."""

    labels: pd.Series[int]
    centres: pd.DataFrame
    evidence: pd.DataFrame
    reason: str


@typed
def cluster_customers(features: pd.DataFrame, *, numbers: Sequence[int] = NUMBERS, seed: int = 0) -> CustomerClusters:
    """K-means clusters of the rows of `features` (customers by measures).

    Of the `numbers` tried, those are stable whose mean adjusted Rand index between fits to random halves is at least
    .80; among them the one with the largest silhouette is taken. When none is stable the most stable is taken and
    `reason` says that the clusters are not to be relied on, and so it does where customers of one cloud would be as far
    apart, at 5%. Raises DataError for missing values or too few customers,
    ConfigError for impossible numbers.

    Examples
    --------
    >>> import churnsim as cs
    >>> features = cs.summarise(cs.datasets.cdnow())[["frequency", "recency", "monetary_value"]]
    >>> cluster_customers(features, numbers=(2, 3), seed=1).labels.nunique() in (2, 3)
    True
    """
    return clusters_of(features, numbers, seed)


def clusters_of(features: pd.DataFrame, numbers: Sequence[int], seed: int, *, defend: bool = True) -> CustomerClusters:
    """The same; whether one cloud would show as much, a third of the time, is looked at to `defend` them."""
    numbers = [check_count(number, "numbers of clusters", least=2) for number in numbers]
    if not numbers:
        raise ConfigError("numbers of clusters are none; name at least one, 2 or more.")
    check_seed(seed)
    features = pd.DataFrame(number_columns(features, list(features.columns)), features.index)
    if len(features) < 10 * max(numbers):
        raise DataError(
            f"{len(features)} customers are too few for up to {max(numbers)} clusters; ten for each are needed."
        )
    spread = features.std(ddof=0)
    Z = ((features - features.mean()) / spread.where(spread > 0, 1.0)).to_numpy(dtype=np.float64)
    sample = np.random.default_rng(seed).permutation(len(Z))[:SILHOUETTE_SAMPLE]
    fits, evidence = {}, []
    for k in numbers:
        fits[k] = _labels(Z, Z, k, seed)
        stability = _stability(Z, k, seed)
        evidence.append(
            {
                "clusters": k,
                "silhouette": _silhouette(Z[sample], fits[k][sample]),
                "stability": float(np.mean(stability)),
                "stability_lowest": float(np.min(stability)),
            }
        )
    table = pd.DataFrame(evidence)
    stable = table[table["stability"] >= STABLE]
    if stable.empty:
        chosen = table.iloc[int(table["stability"].argmax())]
        reason = (
            f"no number of clusters is stable (best: {chosen['clusters']:.0f}, adjusted Rand index "
            f"{chosen['stability']:.2f} < {STABLE:.2f}): customers lie on a continuum, do not rely on these clusters."
        )
    else:
        chosen = stable.iloc[int(stable["silhouette"].argmax())]
        reason = (
            f"{chosen['clusters']:.0f} clusters: the largest silhouette ({chosen['silhouette']:.2f}) among the numbers "
            f"that come out alike in halves of the customers (adjusted Rand index {chosen['stability']:.2f}, at least "
            f"{STABLE:.2f})."
        )
        one_cloud = _of_one_cloud(Z, int(chosen["clusters"]), seed) if defend else -np.inf
        if chosen["silhouette"] <= one_cloud:
            reason += (
                f" Customers of one cloud, whose measures go together as these do, are as far apart (silhouettes up to "
                f"{one_cloud:.2f}): the clusters may be cuts through a continuum, do not rely on them."
            )
    labels = _by_size(fits[int(chosen["clusters"])])
    named = pd.Series(labels, index=features.index, name="cluster")
    grouped = features.groupby(labels)
    centres = grouped.mean().rename_axis("cluster")
    centres.insert(0, "customers", grouped.size())
    return CustomerClusters(labels=named, centres=centres, evidence=table, reason=reason)


def _labels(training: NDArray[np.float64], rows: NDArray[np.float64], k: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    with one_thread():
        fitted = KMeans(n_clusters=k, n_init=4, random_state=seed).fit(training)
    return np.asarray(fitted.predict(rows), dtype=np.int64)


def _silhouette(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(rows, labels)) if len(np.unique(labels)) > 1 else -1.0


def _of_one_cloud(Z: NDArray[np.float64], k: int, seed: int) -> float:
    """The largest silhouette of k clusters of normal customers with the covariances of these."""
    generator = np.random.default_rng(seed + 2)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(Z, rowvar=False)))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    clouds = (generator.standard_normal((min(len(Z), CLOUD), Z.shape[1])) @ root.T for _ in range(CLOUDS))
    return max(_silhouette(cloud, _labels(cloud, cloud, k, seed)) for cloud in clouds)


def _stability(Z: NDArray[np.float64], k: int, seed: int) -> list[float]:
    """How alike the clusters from the two halves of the customers put all of them."""
    from sklearn.metrics import adjusted_rand_score

    generator = np.random.default_rng(seed + 1)
    found = []
    for _ in range(HALVES):
        order = generator.permutation(len(Z))
        one, other = np.array_split(order, 2)
        found.append(float(adjusted_rand_score(_labels(Z[one], Z, k, seed), _labels(Z[other], Z, k, seed))))
    return found


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.bincount(labels)
    place = np.empty(len(sizes), dtype=np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return place[labels]
