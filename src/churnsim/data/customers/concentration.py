"""How much of the whole the best customers bring: the 80/20 share, the whale curve, and ABC classes.

The whale curve is the cumulative share of profit over customers from best to worst (Kaplan & Narayanan 2001,
"Measuring and managing customer profitability", Journal of Cost Management 15(5)); with costs to serve in the values
it can rise above 1 and come down again. Its height at 20% of the customers is the 80/20 share.

A few customers bring most, so that a resample of them tells too little of the tail: percentile limits of the bootstrap
hold the share of the best fifth of 200 log-normal customers (sigma 1.5) 82% of the time where 95% is said. Limits are
bootstrap-t (Efron & Tibshirani 1993, section 12.5; 89% there, 94% of 1,000), on the log odds where no value is
negative. The error of the height L at a share p is that of the mean of ((x - q)+ + p q - L x) / mean(x), with q the
value at which the share ends: what one customer more does to it.
"""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from churnsim.checks import check_count, check_share, shown
from churnsim.data.customers.estimate import LEVEL, REPLICATIONS, Estimate, resamples
from churnsim.data.customers.values import checked_values, descending
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError
from churnsim.statistics import percentile_limits
from churnsim.typing import Floats

ROUNDING = 1e-12  # of a number of customers
NUMBERS_AT_ONCE = 200_000  # of resamples: a few megabytes


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

    A fraction of a customer counts as that fraction of its value. Bootstrap-t over customers. Raises DataError for
    values that are not finite or sum to 0 or less (a share of a loss has no meaning), ConfigError for an impossible
    `share`.
    """
    part, ranked = np.array([check_share(share, "share")]), _ranked(values)
    value, error, lower, upper = (
        float(each[0]) for each in heights(ranked, part, level=level, replications=replications, seed=seed)
    )
    return Estimate(value=value, standard_error=error, lower=lower, upper=upper, level=level, n=len(ranked))


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
    (bootstrap-t over customers, pointwise). Raises as `top_share`.
    """
    shares = np.linspace(0, 1, check_count(points, "points", most=1_000_000) + 1)
    value, _, lower, upper = heights(_ranked(values), shares, level=level, replications=replications, seed=seed)
    return pd.DataFrame({"customers": shares, "value": value, "lower": lower, "upper": upper})


def _ranked(values: pd.Series[Any] | ArrayLike) -> NDArray[Any]:
    numbers = checked_values(values).to_numpy(dtype=np.float64)
    if not (np.abs(numbers).max() > 0 and (numbers / np.abs(numbers).max()).sum() > 0):
        raise DataError(f"the values sum to {numbers.sum():g}; a share of it has no meaning. Check their sign.")
    return numbers[descending(numbers)]


def heights(
    ranked: Floats, shares: Floats, *, level: float, replications: int, seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Height of the whale curve over customers in descending order at `shares`, its standard error and its limits."""
    scaled_values = ranked / np.abs(ranked).max()  # whose squares no float is too small for
    powers = np.stack([np.ones(len(ranked)), scaled_values, scaled_values**2])
    (value,), (error,) = _curves(powers, np.ones((1, len(ranked)), dtype=np.int64), shares)
    odds = (ranked[-1] >= 0) & (value > 0) & (value < 1)

    def scaled(height: Floats, spread: Floats) -> tuple[Floats, Floats]:
        return np.where(odds, logit(height), height), np.where(odds, spread / (height * (1 - height)), spread)

    with np.errstate(divide="ignore", invalid="ignore"):
        at, reach = scaled(value, error)
        draws = []
        counts = resamples(len(ranked), replications=replications, seed=seed)
        while some := list(itertools.islice(counts, 1 + NUMBERS_AT_ONCE // len(ranked))):
            again, own = scaled(*_curves(powers, np.array(some), shares))
            draws.append((again - at) / own)
        t = np.concatenate(draws)
    t[:, ~np.isfinite(t).any(axis=0)] = 0.0  # where nothing varies
    low, high = percentile_limits(np.where(np.isfinite(t), t, np.nan), level=level)
    lower, upper = (np.where(odds, expit(end), end) for end in (at - high * reach, at - low * reach))
    return value, error, lower, upper


def _curves(powers: Floats, weights: NDArray[np.int64], shares: Floats) -> tuple[Floats, Floats]:
    """Height of the whale curve at `shares` and its standard error, of the 0th to 2nd `powers` of values in descending
    order: a row for each of the `weights`, which say how often each customer counts; NaN where its sum is not above 0.
    """
    sums = np.cumsum(weights * powers[:, None], axis=2)
    people, total, squares = sums[:, :, -1:]
    count = shares * people
    ends = zip(sums[0], count * (1 - ROUNDING), strict=True)
    last = np.minimum([np.searchsorted(reached, wanted) for reached, wanted in ends], weights.shape[1] - 1)
    # Of the last customer a fraction counts.
    before, at = np.take_along_axis(sums, last[None], axis=2), powers[:, last]
    _, top, top_squares = before + (count - before[0]) * at
    total = np.where(total > 0, total, np.nan)
    height, q = top / total, at[1]
    inside = top_squares - 2 * q * top + q**2 * count  # sums of (x - q)^2, of (x - q)(p q - L x), of (p q - L x)^2
    across = shares * q * top - height * top_squares - q * (shares * q * count - height * top)
    outside = people * (shares * q) ** 2 - 2 * shares * q * height * total + height**2 * squares
    squared = inside + 2 * across + outside
    return height, np.sqrt(np.where(squared > ROUNDING * squares, squared, 0.0)) / total


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
