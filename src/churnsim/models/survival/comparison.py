"""Groups of customers compared without a model: log-rank tests, and restricted mean tenures with their variance.

At each time of loss t, with d lost among n at risk, and d_g among n_g of group g:

    log_rank          sum of v (d_g - d n_g/n), v = 1; its covariance the sum of v^2 d (n - d)/(n - 1) times n_g/n
                      (1 - n_g/n), or - n_g n_h/n^2 between groups    (Mantel 1966; Peto & Peto 1972, JRSS A 135, 185)
    gehan             v = n                                                         (Gehan 1965, Biometrika 52, 203)
    tarone_ware       v = the root of n                                      (Tarone & Ware 1977, Biometrika 64, 156)
    peto              v = S(t-), R's rho = 1                                  (Harrington & Fleming 1982, Biometrika 69)

    restricted mean   the area A(0) under the product limit until the horizon; its variance is the sum of
                      A(t)^2 d/(n (n - d)), A(t) the area from t on                  (Klein & Moeschberger 2003, 4.5)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import chi2

from churnsim.checks import check_choice, check_level, check_number, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import word_column
from churnsim.models.retention.tenures import Tenures
from churnsim.product_limit import RiskTable, fewest_at_risk, sum_at_risk
from churnsim.statistics import normal_quantile, tails
from churnsim.typing import Flags, Floats

Weighting = Literal["log_rank", "gehan", "tarone_ware", "peto"]
WEIGHTINGS: tuple[Weighting, ...] = ("log_rank", "gehan", "tarone_ware", "peto")


@dataclass(frozen=True)
class LogRankTest:
    """Whether groups stay equally long.

    Attributes
    ----------
    table : DataFrame
        A row a group: `customers`, `lost`, and the (weighted) `observed` and `expected` losses.
    statistic : float
        Chi-squared.
    degrees_of_freedom : int
        One less than the groups.
    p : float
        Chance of such a statistic or a greater one where the groups do not differ.
    """

    table: pd.DataFrame
    statistic: float
    degrees_of_freedom: int
    p: float


@in_kind
@typed
def log_rank_test(
    subscriptions: CustomerFrame, group: str, *, strata: str | None = None, weighting: Weighting = "log_rank"
) -> LogRankTest:
    """Test that the groups of a column stay equally long.

    Parameters
    ----------
    subscriptions : DataFrame
        A row a customer: `tenure`, `churned`, perhaps `entry`, and the columns.
    group : str
        The column whose values are compared; two or more of them.
    strata : str, optional
        A column within whose values the groups are compared.
    weighting : {"log_rank", "gehan", "tarone_ware", "peto"}
        Which differences count: all alike, or rather the early ones (in that order: as the number at risk, as its root,
        as the share still there).

    Returns
    -------
    LogRankTest

    Raises
    ------
    ConfigError, DataError
        For a column that is not there or has missing values, and for fewer than two groups.

    Examples
    --------
    >>> import churnsim as cs
    >>> test = log_rank_test(cs.datasets.telco(), "contract")
    >>> round(test.statistic), test.degrees_of_freedom
    (2353, 2)
    """
    check_choice(weighting, "weighting", WEIGHTINGS)
    tenures, words = Tenures.of(subscriptions), word_column(subscriptions, group)
    names, code = np.unique(words, return_inverse=True)
    if names.size < 2:
        raise DataError(f"{group!r} has one value only, {str(names[0])[:60]!r}: there is nothing to compare.")
    if not tenures.churned.any():
        raise DataError("no customer has churned, so there is nothing to compare. Observe longer.")
    member = np.eye(names.size)[code]
    parts = np.zeros(len(tenures), np.int64)
    if strata is not None:
        parts = np.unique(word_column(subscriptions, strata), return_inverse=True)[1]
    observed, expected, covariance = np.zeros(names.size), np.zeros(names.size), np.zeros((names.size, names.size))
    for part in range(int(parts.max()) + 1):
        rows = parts == part
        if tenures.churned[rows].any():
            found = _compared(tenures, rows, member[rows], weighting)
            observed, expected, covariance = observed + found[0], expected + found[1], covariance + found[2]
    difference = observed - expected
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    freedom = names.size - 1
    columns = {
        "customers": np.bincount(code), "lost": np.bincount(code, tenures.churned).astype(int),
        "observed": observed, "expected": expected,
    }  # fmt: skip
    return LogRankTest(
        pd.DataFrame(columns, pd.Index(names, name=group)), statistic, freedom, float(chi2.sf(statistic, freedom))
    )


def _compared(tenures: Tenures, rows: Flags, member: Floats, weighting: str) -> tuple[Floats, Floats, Floats]:
    """Weighted losses observed and expected by group, and the covariance of their difference."""
    tenure, churned, entry = tenures.tenure[rows], tenures.churned[rows], tenures.entry[rows]
    table = RiskTable.of(tenure, churned, entry)
    n, d = table.at_risk, table.lost
    v = {
        "log_rank": np.ones_like(n), "gehan": n, "tarone_ware": np.sqrt(n),
        "peto": np.concatenate([[1.0], table.survival[:-1]]),
    }[weighting]  # fmt: skip
    at_risk = sum_at_risk(table.times, tenure, entry, member)
    lost = v[np.searchsorted(table.times, tenure[churned])] @ member[churned]
    share = at_risk / n[:, None]
    spread = v**2 * d * np.divide(n - d, n - 1, out=np.zeros_like(n), where=n > 1)
    return lost, (v * d) @ share, np.diag(spread @ share) - share.T @ (share * spread[:, None])


@in_kind
@typed
def restricted_means(
    subscriptions: CustomerFrame, horizon: float, *, group: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Mean tenure within `horizon` under the product limit, of all customers or by group.

    Parameters
    ----------
    subscriptions : DataFrame
        A row a customer: `tenure`, `churned`, perhaps `entry`, and the group's column.
    horizon : float
        In the unit of tenure; each group must have been observed that long.
    group : str, optional
        A column.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        A row a group ("all" without one): `mean, standard_error, lower, upper`, and (with groups) the `difference` from
        the largest group with its `difference_error` and two-sided `p`. A group of whom nobody left by then has no
        error; its lower limit is the horizon times that of the share still there.

    Raises
    ------
    ConfigError
        For a horizon, level or column that is none.
    DataError
        For a group that was not observed until the horizon, or of whom everybody under observation left before others
        came.

    Examples
    --------
    >>> base = pd.DataFrame({"tenure": [1.0, 2, 3, 4], "churned": [True, True, True, False]})
    >>> restricted_means(base, 4.0)[["mean", "standard_error"]].round(4).to_dict("records")
    [{'mean': 2.5, 'standard_error': 0.559}]
    """
    horizon, z = check_number(horizon, "horizon", above=0), normal_quantile(check_level(level))
    tenures = Tenures.of(subscriptions)
    words = np.full(len(tenures), "all") if group is None else word_column(subscriptions, group)
    order = pd.Series(words).value_counts().index
    means, errors, fewest = np.array([_restricted_mean(tenures, words == word, horizon, word) for word in order]).T
    nobody = np.isnan(errors)
    table = pd.DataFrame(
        {
            "mean": means, "standard_error": errors,
            "lower": np.where(nobody, horizon * tails(level)[0] ** (1 / fewest), np.maximum(means - z * errors, 0.0)),
            "upper": np.where(nobody, horizon, np.minimum(means + z * errors, horizon)),
        },
        pd.Index(order, name=group or "group"),
    )  # fmt: skip
    if group is not None:
        gap, gap_error = means - means[0], np.sqrt(errors**2 + errors[0] ** 2)
        gap_error[0] = 0.0
        square = np.divide(gap**2, gap_error**2, out=gap_error * 0, where=gap_error > 0)
        table = table.assign(difference=gap, difference_error=gap_error, p=chi2.sf(square, 1))
    return table


def _restricted_mean(tenures: Tenures, rows: Flags, horizon: float, name: str) -> tuple[float, float, float]:
    """With its standard error, NaN where nobody left, and the fewest at risk at once until the horizon."""
    tenure, churned, entry = tenures.tenure[rows], tenures.churned[rows], tenures.entry[rows]
    table = RiskTable.of(tenure, churned, entry)
    gone = (table.survival <= 0) & (table.times <= horizon)
    if gone.any() and (tenure > table.times[gone][0]).any():
        raise DataError(
            f"{name!r}: everybody under observation at {table.times[gone][0]:g} left then, though others were seen "
            "later. Keep only those who came under observation after that tenure."
        )
    if tenure.max() < horizon and not gone.any():
        raise DataError(
            f"{name!r} was observed until {tenure.max():g}, before the horizon of {horizon:g}. Take a shorter one."
        )
    inside = table.times < horizon
    edges = np.concatenate([[0.0], table.times[inside], [horizon]])
    survival = np.concatenate([[1.0], table.survival[inside]])
    ahead = np.cumsum((survival * np.diff(edges))[::-1])[::-1]
    n, d = table.at_risk[inside], table.lost[inside]
    # Where the last ones at risk left there is no area ahead either.
    terms = np.divide(ahead[1:] ** 2 * d, n * (n - d), out=np.zeros_like(n), where=n > d)
    error = float(np.sqrt(terms.sum())) if inside.any() else float("nan")
    return float(ahead[0]), error, fewest_at_risk(horizon, tenure, entry)
