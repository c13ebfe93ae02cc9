"""How much of the whole the best customers bring: the 80/20 share, the whale curve, and ABC classes.

The whale curve is the cumulative share of profit over customers from best to worst (Kaplan & Narayanan 2001,
"Measuring and managing customer profitability", Journal of Cost Management 15(5)); with costs to serve in the values
it can rise above 1 and come down again. Its height at 20% of the customers is the 80/20 share.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_count, check_share, shown
from churnsim.data.customers.estimate import LEVEL, REPLICATIONS, Estimate, bootstrap, resamples
from churnsim.data.customers.values import checked_values, descending
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError
from churnsim.statistics import percentile_limits
from churnsim.typing import Floats


def customer_spend(transactions: Any, *, until: str | date | None = None) -> pd.Series[float]:
    """What each customer has spent up to the end of the day `until` (the last in the log unless given), in money.

    Indexed by `customer_id`, sorted. Unlike `monetary_value` this is a total and counts the first purchase. Raises
    DataError for a bad log or one without amounts.
    """
    log, _ = purchase_days(transactions).seen_until(until)
    total = np.bincount(log.customer, weights=log.spend(), minlength=len(log.ids)).astype(np.float64)
    return pd.Series(total, index=log.ids, name="spend")


def top_share(
    values: pd.Series[Any] | ArrayLike,
    *,
    share: float = 0.20,
    level: float = LEVEL,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> Estimate:
    """The part of the sum of `values` that the best `share` of the customers bring (0.68 means 68%).

    A fraction of a customer counts as that fraction of its value. Bootstrap over customers. Raises DataError for values
    that are not finite or sum to 0 or less (a share of a loss has no meaning), ConfigError for an impossible `share`.
    """
    check_share(share, "share")
    ranked = _ranked(values)

    def statistic(weights: NDArray[np.int64]) -> float:
        return float(_curve(ranked, weights, np.array([share]))[0])

    return bootstrap(statistic, len(ranked), replications=replications, seed=seed, level=level)


def whale_curve(
    values: pd.Series[Any] | ArrayLike,
    *,
    points: int = 20,
    level: float = LEVEL,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """The cumulative share of the sum of `values` over customers from best to worst.

    `points` + 1 rows from 0 to 1: `customers` (share of them), `value` (share of the sum), `lower` and `upper`
    (bootstrap over customers, pointwise). Raises as `top_share`.
    """
    shares = np.linspace(0, 1, check_count(points, "points", most=1_000_000) + 1)
    ranked = _ranked(values)
    value = _curve(ranked, np.ones(len(ranked), dtype=np.int64), shares)
    draws = np.array([_curve(ranked, w, shares) for w in resamples(len(ranked), replications=replications, seed=seed)])
    lower, upper = percentile_limits(draws, level=level)
    return pd.DataFrame({"customers": shares, "value": value, "lower": lower, "upper": upper})


def _ranked(values: pd.Series[Any] | ArrayLike) -> NDArray[Any]:
    numbers = checked_values(values).to_numpy(dtype=np.float64)
    if numbers.sum() <= 0:
        raise DataError(f"the values sum to {numbers.sum():g}; a share of it has no meaning. Check their sign.")
    return numbers[descending(numbers)]


def _curve(ranked: NDArray[Any], weights: NDArray[np.int64], shares: Floats) -> Floats:
    """Height of the whale curve at `shares`; `weights` says how often each ranked customer counts."""
    people = np.concatenate([[0], np.cumsum(weights)])
    value = np.concatenate([[0.0], np.cumsum(ranked * weights)])
    if value[-1] <= 0:
        return np.full(len(shares), np.nan)
    # A straight line between two customers is a fraction of the next one's value.
    return np.asarray(np.interp(shares * people[-1], people, value) / value[-1])


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
