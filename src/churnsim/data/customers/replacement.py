"""How many ordinary customers it takes to replace one of the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import check_kind, check_share, count_of_share, typed
from churnsim.data.customers.concentration import heights
from churnsim.data.customers.estimate import LEVEL, REPLICATIONS
from churnsim.data.customers.values import checked_values, descending
from churnsim.errors import ConfigError
from churnsim.typing import Floats

SHARES = (0.01, 0.05, 0.10, 0.20)
LEAST_IN_TOP = 5


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
    with `lower` and `upper` (bootstrap-t over customers; NaN of fewer than 5 best customers, who say little of how much
    the best bring), and `needed`, the ratio rounded up to whole customers. The ratio is NaN where the others bring
    nothing. Raises DataError for values that are not finite, ConfigError for a
    share outside (0, 1).
    """
    numbers: Floats = np.asarray(checked_values(values), dtype=np.float64)
    ranked = numbers[descending(numbers)]
    check_kind(shares, "shares", Sequence, "shares in a list")
    parts = np.array([check_share(share, "shares") for share in shares])
    if not parts.size:
        raise ConfigError("shares are none; name one at least.")
    top = np.array([count_of_share(part, len(ranked)) for part in parts])
    part, total = top / len(ranked), ranked.sum()
    brought = np.cumsum(ranked)[top - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        best, ordinary = brought / top, (total - brought) / (len(ranked) - top)
        ratio = np.where(ordinary > 0, best / ordinary, np.nan)
        lower = upper = np.full(len(top), np.nan)
        if total > 0:
            _, _, *ends = heights(ranked, part, level=level, replications=replications, seed=seed)
            # The ratio is the odds of the best customers' share, over those of their number.
            odds = (np.where(end < 1, end / (1 - end), np.inf) / (part / (1 - part)) for end in ends)
            told = (top >= LEAST_IN_TOP) & np.isfinite(ratio)
            lower, upper = (np.where(told, end, np.nan) for end in odds)
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
