"""ABC classes: the few customers who bring most, the middle, and the many who bring little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import shown
from churnsim.data.customers.values import checked_values, descending
from churnsim.errors import ConfigError, DataError

__all__ = ["abc_classes", "abc_table"]

CUTS = (0.80, 0.95)  # custom of inventory control (Dickie 1951, "ABC inventory analysis"); assumed, not measured


def abc_classes(values: pd.Series[Any] | ArrayLike, *, cuts: tuple[float, float] = CUTS) -> pd.Series[str]:
    """ "A", "B" or "C" for each customer, in the order of the rows.

    From the best down, a customer is in A as long as those before it bring less than `cuts[0]` of the sum, in B as long
    as they bring less than `cuts[1]`, otherwise in C. Customers of equal value are in one class: that of the first.
    Raises DataError for values that are negative, not finite, or all 0 (take losses out first: see `whale_curve`),
    ConfigError for cuts that do not rise between 0 and 1.
    """
    if not (
        isinstance(cuts, list | tuple)
        and len(cuts) == 2
        and all(isinstance(c, float) for c in cuts)
        and 0 < cuts[0] < cuts[1] < 1
    ):
        raise ConfigError(f"cuts must be two rising shares between 0 and 1, such as {CUTS}; got {shown(cuts)}.")
    series = checked_values(values)
    numbers = series.to_numpy()
    if (numbers < 0).any() or numbers.sum() <= 0:
        raise DataError("ABC classes need values of 0 or more with a positive sum. Look at losses with whale_curve.")
    order = descending(numbers)
    ranked = numbers[order]
    before = np.concatenate([[0.0], np.cumsum(ranked)[:-1]]) / ranked.sum()
    # The first of equals speaks for all of them.
    first = np.searchsorted(-ranked, -ranked, side="left")
    labels = np.array(["A", "B", "C"], dtype=object)
    classes = np.empty(len(numbers), dtype=object)
    classes[order] = labels[np.searchsorted(np.asarray(cuts), before[first], side="right")]
    named: pd.Series[str] = pd.Series(classes, dtype=object, index=series.index, name="abc_class")
    return named


def abc_table(values: pd.Series[Any] | ArrayLike, *, cuts: tuple[float, float] = CUTS) -> pd.DataFrame:
    """Per class: `customers`, `customer_share`, `value`, `value_share` and `mean_value`. Raises as `abc_classes`."""
    series = checked_values(values)
    grouped = series.groupby(abc_classes(series, cuts=cuts).to_numpy())
    table = pd.DataFrame({"customers": grouped.size(), "value": grouped.sum()}).reindex(["A", "B", "C"], fill_value=0)
    table.insert(1, "customer_share", table["customers"] / len(series))
    table["value_share"] = table["value"] / series.sum()
    table["mean_value"] = table["value"] / table["customers"].where(table["customers"] > 0)
    return table.rename_axis("abc_class")
