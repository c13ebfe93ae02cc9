"""Work done once for customers who are alike.

What a live customer will do depends on how often it bought and how long it was observed, not on when it last bought: a
million customers, observed in whole days, have some thousands of different futures.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.typing import Floats

# Below so many rows sorting them out costs more than it saves; above such a share of distinct ones too (assumed).
FEW = 500
SHARE = 0.5
TRIAL = 4096


def at_distinct(function: Callable[..., Floats], *columns: Floats) -> Floats:
    """`function(*columns)`, row by row, evaluated once for each distinct row; the columns are of one length."""
    found = _distinct(columns)
    if found is None:
        return function(*columns)
    first, place = found
    return function(*(np.ascontiguousarray(column[first]) for column in columns))[place]


def _distinct(columns: tuple[Floats, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(one row of each kind, the kind of each row), or None where that would not pay."""
    size = columns[0].size
    if size < FEW:
        return None
    key, kinds = np.zeros(size, dtype=np.int64), 1
    for column in columns:
        if (column == column[0]).all():
            continue
        if pd.unique(column[:TRIAL]).size > 0.9 * TRIAL:  # hardly a row like another: nor will the rest be
            return None
        codes, values = pd.factorize(column)
        if len(values) > SHARE * size or kinds * len(values) > 2**62:
            return None
        key, kinds = key * len(values) + codes, kinds * len(values)
    place, found = pd.factorize(key)
    if len(found) > SHARE * size:
        return None
    first = np.empty(len(found), dtype=np.int64)
    first[place[::-1]] = np.arange(size - 1, -1, -1)
    return first, place.astype(np.int64)
