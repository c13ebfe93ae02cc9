"""One number a customer, such as spend or profit, checked once for everything that ranks customers by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.data.tabular.row_errors import show
from churnsim.errors import DataError


def checked_values(values: pd.Series[Any] | ArrayLike) -> pd.Series[float]:
    """`values` as floats on their own index (0, 1, ... for a plain array).

    Raises DataError, naming the customer, for a value that is not a finite number, and when there is none.
    """
    if not isinstance(values, pd.Series):
        plain = np.asarray(values)
        if plain.ndim > 1:
            raise DataError(f"values must be one number a customer; got the shape {plain.shape}.")
        values = pd.Series(np.atleast_1d(plain), dtype=plain.dtype)
    series = values
    try:
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"values must be numbers, one a customer ({error}).") from None
    if not len(numbers):
        raise DataError("there is no customer to rank. Check the filter that made the values.")
    bad = ~np.isfinite(numbers)
    if bad.any():
        first = int(np.argmax(bad))
        raise DataError(
            f"values must be finite numbers, one a customer; customer {show(series.index[first])} has "
            f"{numbers[first]} ({int(bad.sum())} such). Leave such customers out or correct them."
        )
    return pd.Series(numbers, index=series.index)


def scores_by_rank(values: pd.Series[Any] | NDArray[Any], groups: int) -> NDArray[np.int64]:
    """Groups of about equal size from 1 (the lowest values); equal values are together, by their mean rank."""
    middle = (pd.Series(values).rank(method="average").to_numpy() - 0.5) / len(values)
    return np.minimum(np.floor(middle * groups).astype(np.int64) + 1, groups)


def descending(numbers: NDArray[Any]) -> NDArray[np.intp]:
    """Positions from the largest number to the smallest; equal ones in the order given."""
    return np.argsort(-numbers, kind="stable")
