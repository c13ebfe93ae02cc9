"""How well a forecast met what came: one line of scores, and three tables of calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import pdtr

from churnsim.errors import DataError
from churnsim.models.estimation.arguments import counts, durations
from churnsim.models.purchase.protocol import CountForecasts
from churnsim.statistics import poisson_logpmf, tails, wilson
from churnsim.typing import Floats, Ints

# Standard normal at 97.5%.
Z = 1.959963984540054
LEVELS = (0.5, 0.8, 0.9, 0.95)
MOST_STEPS = 500
"""Of the weights of a mixture, which takes some ten."""


def held_out(split: pd.DataFrame) -> tuple[Ints, Floats]:
    """Each customer's held-out purchases and the length of the holdout, in the unit of the frame; DataError for a frame
    without them, ConfigError for what are no counts or times."""
    if "frequency_holdout" not in split.columns or "T_holdout" not in split.columns:
        raise DataError("the frame lacks frequency_holdout and T_holdout. Make it with churnsim.split_holdout.")
    if split.empty:
        raise DataError("the frame has no customers. Check the filter that made it.")
    came = counts(split["frequency_holdout"], "frequency_holdout")
    return came, durations(split["T_holdout"], "T_holdout", shape=came.shape)


def point_scores(expected: Floats, actual: Floats) -> dict[str, float]:
    """Totals, `bias` (of the total, a share of the actual one; NaN where nobody bought), and the mean absolute and
    root mean squared error a customer."""
    total = float(actual.sum())
    errors = expected - actual
    return {
        "expected": float(expected.sum()),
        "actual": total,
        "bias": float(expected.sum()) / total - 1 if total > 0 else float("nan"),
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
    }


def poisson_scores(expected: Floats, actual: Floats) -> pd.DataFrame:
    """As `score_counts`, for a forecast that is the mean of a Poisson law."""
    mean = np.maximum(expected, 1e-12)  # a mean of 0 would make any purchase impossible
    logs = poisson_logpmf(actual, mean)
    below = np.where(actual > 0, pdtr(np.maximum(actual - 1.0, 0.0), mean), 0.0)
    return pd.DataFrame({"log_score": logs, "below": below, "at": np.exp(logs)})


def log_scores(logs: Mapping[str, Floats]) -> pd.DataFrame:
    """Mean `log_score` a customer of each forecast, how far it is `behind` the best one, and the standard error
    `behind_error` of that difference, paired by customer."""
    if not logs:
        return pd.DataFrame(columns=["log_score"], dtype=float)
    means = {name: float(np.mean(values)) for name, values in logs.items()}
    best = logs[max(means, key=lambda name: means[name])]
    return pd.DataFrame(
        {
            "log_score": means,
            "behind": {name: float(np.mean(best - values)) for name, values in logs.items()},
            "behind_error": {name: paired_error(best, values) for name, values in logs.items()},
        }
    )


def stacking_weights(logs: Mapping[str, Floats]) -> dict[str, float]:
    """Weights of the forecasts' mixture under which what came was most probable: stacking of log scores.

    Parameters
    ----------
    logs : mapping of str to array
        By forecast, the `log_score` of each customer, in one order.

    Returns
    -------
    dict
        Weights that sum to one.

    Notes
    -----
    The mean over customers of log sum_k w_k p_k, less the sum of the weights, is concave, and largest where this sum is
    one. Newton's steps climb it; a weight that reaches zero stays there as long as raising it would lower the mean.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), Using stacking to average Bayesian predictive distributions, Bayesian
    Analysis 13(3), 917-1007.

    Examples
    --------
    >>> found = stacking_weights({"even": np.log([0.5, 0.5, 0.5]), "sure": np.log([0.9, 0.9, 0.2])})
    >>> {name: round(weight, 3) for name, weight in found.items()}
    {'even': 0.306, 'sure': 0.694}
    """
    scores = np.column_stack(list(logs.values()))
    each = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights, free = np.full(each.shape[1], 1.0 / each.shape[1]), np.ones(each.shape[1], dtype=bool)

    def reached(at: Floats) -> float:
        with np.errstate(divide="ignore"):  # a step too long may leave nothing that foresees what came
            return float(np.log(each @ at).mean() - at.sum())

    for _ in range(MOST_STEPS):
        shares = each / (each @ weights)[:, None]
        slope, curvature = shares.mean(axis=0) - 1.0, shares.T @ shares / len(each)
        step = np.zeros(weights.size)
        step[free] = np.linalg.lstsq(curvature[np.ix_(free, free)], slope[free], rcond=None)[0]
        if np.abs(step).max() < 1e-12:
            if not (again := ~free & (slope > 1e-10)).any():
                break
            free |= again
            continue
        falls = step < 0
        length = float((weights[falls] / -step[falls]).min(initial=1.0))
        while length > 1e-12 and reached(np.maximum(weights + length * step, 0.0)) < reached(weights):
            length /= 2
        weights = np.maximum(weights + length * step, 0.0)
        free &= weights > 1e-15
        weights[~free] = 0.0
    return dict(zip(logs, (weights / weights.sum()).tolist(), strict=True))


def paired_error(first: Floats, second: Floats) -> float:
    """Standard error of the mean difference of two scores of the same customers; infinite for a single customer."""
    difference = first - second
    return float(np.std(difference, ddof=1)) / difference.size**0.5 if difference.size > 1 else float("inf")


def interval_calibration(scores: pd.DataFrame, *, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """How often central intervals of each customer's count hold what came: columns `level, covered, lower, upper`.

    Counts are whole, so an interval of exactly 80% hardly exists. The probability transform is spread over the step of
    the count that came (Czado, Gneiting & Held 2009, Biometrics 65(4), 1254-1261): a calibrated model then covers
    exactly `level` on average. `lower, upper` is the 95% interval of `covered` over customers.
    """
    below = scores["below"].to_numpy()
    at = np.maximum(scores["at"].to_numpy(), 1e-300)
    rows = []
    for level in levels:
        low, high = tails(level)
        inside = np.clip(np.minimum(below + at, high) - np.maximum(below, low), 0.0, None) / at
        covered, error = float(inside.mean()), float(inside.std(ddof=1) / np.sqrt(inside.size))
        rows.append((level, covered, max(covered - Z * error, 0.0), min(covered + Z * error, 1.0)))
    return pd.DataFrame(rows, columns=["level", "covered", "lower", "upper"])


def active_calibration(
    model: CountForecasts, summary: pd.DataFrame, horizon: Any, actual: Floats, *, bins: int = 10
) -> pd.DataFrame:
    """P(alive) and P(buys in the holdout) beside the share that bought, by bins of the latter.

    Nobody sees who is alive; who buys is seen, and 1 - P(no purchase | history) is what P(alive) says about it. Rows
    are bins of equal numbers of customers, as far as ties allow: `customers`, mean `p_alive`, `expected` and `actual`
    share, and `lower, upper`, Wilson's 95% interval of the actual share.
    """
    chance = 1 - model.conditional_pmf([0], summary, horizon).to_numpy()[:, 0]
    bought = actual > 0
    # Ties stay together: customers with the same history have the same chance.
    cuts = np.unique(np.quantile(chance, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(cuts, chance, side="left")
    table = pd.DataFrame(
        {"bin": place, "p_alive": model.p_alive(summary).to_numpy(), "expected": chance, "actual": bought.astype(float)}
    )
    grouped = table.groupby("bin")
    result = grouped[["p_alive", "expected", "actual"]].mean()
    result.insert(0, "customers", grouped.size())
    lower, upper = wilson(
        grouped["actual"].sum().to_numpy().astype(np.int64), grouped.size().to_numpy().astype(np.int64)
    )
    return result.assign(lower=lower, upper=upper).reset_index(drop=True)
