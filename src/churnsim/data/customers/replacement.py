"""How many ordinary customers it takes to replace one of the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_kind, check_share, count_of_share, typed
from churnsim.data.customers.estimate import LEVEL, REPLICATIONS, resamples
from churnsim.data.customers.values import checked_values, descending
from churnsim.errors import ConfigError
from churnsim.statistics import percentile_limits

SHARES = (0.01, 0.05, 0.10, 0.20)


@typed
def replacement_ratio(
    values: pd.Series[Any] | ArrayLike,
    *,
    shares: Sequence[float] = SHARES,
    level: float = LEVEL,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean value of a customer among the best `shares`, over the mean value of a customer outside them.

    One row a share (rounded up to whole customers): `top_share`, `customers`, `best_mean`, `ordinary_mean`, `ratio`
    with `lower` and `upper` (bootstrap over customers), and `needed`, the ratio rounded up to whole customers. The
    ratio is NaN where the others bring nothing. Raises DataError for values that are not finite, ConfigError for a
    share outside (0, 1).
    """
    numbers = checked_values(values).to_numpy()
    ranked = numbers[descending(numbers)]
    check_kind(shares, "shares", Sequence, "shares in a list")
    parts = np.array([check_share(share, "shares") for share in shares])
    if not parts.size:
        raise ConfigError("shares are none; name one at least.")
    ones = np.ones(len(ranked), dtype=np.int64)
    top = np.array([count_of_share(part, len(ranked)) for part in parts])
    best, ordinary = _means(ranked, ones, top)
    draws = [
        _ratio(*_means(ranked, weights, top))
        for weights in resamples(len(ranked), replications=replications, seed=seed)
    ]
    ratio = _ratio(best, ordinary)
    lower, upper = percentile_limits(np.array(draws), level=level)
    return pd.DataFrame(
        {
            "top_share": parts,
            "customers": top,
            "best_mean": best,
            "ordinary_mean": ordinary,
            "ratio": ratio,
            "lower": lower,
            "upper": upper,
            "needed": [math.ceil(value) if math.isfinite(value) else None for value in ratio],
        }
    )


def _means(
    ranked: NDArray[Any], weights: NDArray[np.int64], top: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean value of the best `top` customers, one number for each, and of all others."""
    people = np.concatenate([[0], np.cumsum(weights)])
    value = np.concatenate([[0.0], np.cumsum(ranked * weights)])
    inside = np.interp(top, people, value)
    rest = people[-1] - top
    outside = np.divide(value[-1] - inside, rest, out=np.full(len(top), np.nan), where=rest > 0)
    return inside / top, outside


def _ratio(best: NDArray[np.float64], ordinary: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(best, ordinary, out=np.full(len(best), np.nan), where=ordinary > 0)
    return ratio
