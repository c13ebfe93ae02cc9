"""How good predicted probabilities of leaving are: discrimination, calibration, lift, each with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import rankdata

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.statistics import mean_over_ties, normal_quantile, wilson
from churnsim.typing import Flags, Floats

GROUPS = 10
CLIP = 1e-9  # probabilities of 0 and 1 have no logit


@dataclass(frozen=True)
class ChurnScores:
    """Held-out scores of predicted probabilities.

    `table`: `value, lower, upper` of `auc` (limits of `auc_limits`), `brier`, `brier_skill` (1 - Brier over that of the
    base rate), `log_loss`, `calibration_slope` and `calibration_intercept` (1 and 0 are perfect). `calibration`: by
    tenth of predicted probability the mean prediction and the share that left, with Wilson intervals. `lift`: by tenth
    from the likeliest, the share of leavers caught and the lift over chance. Customers of equal probability count as
    their mean, whichever tenth they fall into.
    """

    table: pd.DataFrame
    calibration: pd.DataFrame
    lift: pd.DataFrame
    customers: int
    leavers: int


@typed
def churn_scores(probability: Floats, left: Flags, *, level: float = 0.95) -> ChurnScores:
    """Scores of `probability` against who `left`. Raises DataError unless both kinds are there.

    Examples
    --------
    >>> scores = churn_scores(np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, False, True, False]))
    >>> scores.table.loc[["auc", "brier"], "value"].round(3).tolist()
    [0.75, 0.295]
    """
    if left.all() or not left.any() or probability.shape != left.shape or not np.isfinite(probability).all():
        raise DataError("scores need a finite probability for each outcome, with leavers and stayers among them.")
    z = normal_quantile(level)
    area, area_error = auc(probability, left)
    intercept, slope, errors = calibration_line(probability, left)
    terms = (probability - left) ** 2
    rate, brier = float(left.mean()), float(terms.mean())
    base = rate * (1 - rate)
    # The base rate is of the same customers: a sample with more leavers has more of both.
    moves = (terms - brier / base * (1 - 2 * rate) * left) / base
    p = np.clip(probability, CLIP, 1 - CLIP)
    losses = -np.where(left, np.log(p), np.log1p(-p))
    root = np.sqrt(left.size)
    rows = {
        "auc": (area, area_error),
        "brier": (brier, float(terms.std(ddof=1) / root)),
        "brier_skill": (1 - brier / base, float(moves.std(ddof=1) / root)),
        "log_loss": (float(losses.mean()), float(losses.std(ddof=1) / root)),
        "calibration_slope": (slope, errors[1]),
        "calibration_intercept": (intercept, errors[0]),
    }
    table = pd.DataFrame(
        {name: {"value": v, "lower": v - z * e, "upper": v + z * e} for name, (v, e) in rows.items()}
    ).T.rename_axis("score")
    leavers = int(left.sum())
    table.loc["auc", ["lower", "upper"]] = auc_limits(area, area_error, leavers, left.size - leavers, level=level)
    calibration, lift = _calibration(probability, left, level), _lift(probability, left)
    return ChurnScores(table, calibration, lift, left.size, leavers)


def auc(score: Floats, left: Flags) -> tuple[float, float]:
    """Area under the ROC curve (Mann-Whitney) and its standard error (DeLong, DeLong & Clarke-Pearson 1988)."""
    m, n = int(left.sum()), int((~left).sum())
    ranks = rankdata(score)
    area = (ranks[left].sum() - m * (m + 1) / 2) / (m * n)
    above = (ranks[left] - rankdata(score[left])) / n  # share of stayers below each leaver
    below = 1.0 - (ranks[~left] - rankdata(score[~left])) / m
    variance = (above.var(ddof=1) / m if m > 1 else 0.0) + (below.var(ddof=1) / n if n > 1 else 0.0)
    return float(area), float(np.sqrt(variance))


def auc_limits(area: float, error: float, leavers: int, stayers: int, *, level: float) -> tuple[float, float]:
    """Limits of an area under the ROC curve of so many leavers and stayers: each theta within z errors of the estimate,
    with the error that an area of theta has (Newcombe 2006, "Confidence intervals for an effect size measure based on
    the Mann-Whitney statistic. Part 2", Statistics in Medicine 25(4), 559-573, method 5), larger in proportion where
    DeLong's `error` of the estimate is. They stay between 0 and 1 and have a width where all leavers come before all
    stayers.

    Examples
    --------
    >>> [round(end, 3) for end in auc_limits(1.0, 0.0, 10, 10, level=0.95)]
    [0.8, 1.0]
    """
    z, half = normal_quantile(level), (leavers + stayers) / 2 - 1

    def own(theta: float) -> float:
        spread = theta * (1 - theta) * (1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return math.sqrt(spread / (leavers * stayers))

    larger = max(1.0, error / own(area)) if 0 < area < 1 else 1.0

    def end(edge: float) -> float:
        near = area + 1e-12 * (edge - area)  # an area of 0 or 1 has no error itself
        return area if area == edge else float(brentq(lambda at: abs(area - at) - z * larger * own(at), near, edge))

    return end(0.0), end(1.0)


def calibration_line(probability: Floats, left: Flags) -> tuple[float, float, tuple[float, float]]:
    """Intercept and slope of the logistic regression of the outcome on the logit of the prediction (Cox 1958), with
    standard errors. A slope below 1 says that predictions are too extreme."""
    x = logit(np.clip(probability, CLIP, 1 - CLIP))
    design = np.column_stack([np.ones_like(x), x])
    at = np.array([0.0, 1.0])
    for _ in range(50):
        fitted = expit(design @ at)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None]) + 1e-12 * np.eye(2)
        step = np.linalg.solve(information, design.T @ (left - fitted))
        at = at + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return float(at[0]), float(at[1]), (float(errors[0]), float(errors[1]))


def _tenths(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group 1 ... 10 of each customer, given its place in the order."""
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return place * GROUPS // order.size + 1


def _calibration(probability: Floats, left: Flags, level: float) -> pd.DataFrame:
    tenth = _tenths(np.argsort(probability, kind="stable"))
    leaving = mean_over_ties(left.astype(np.float64), probability)
    frame = pd.DataFrame({"group": tenth, "predicted": probability, "observed": leaving})
    table = frame.groupby("group").agg(
        customers=("observed", "size"), predicted=("predicted", "mean"), observed=("observed", "mean")
    )
    customers = table["customers"].to_numpy()
    table["lower"], table["upper"] = wilson(table["observed"].to_numpy() * customers, customers, level=level)
    return table


def _lift(probability: Floats, left: Flags) -> pd.DataFrame:
    tenth = _tenths(np.argsort(-probability, kind="stable"))
    leaving = mean_over_ties(left.astype(np.float64), probability)
    table = pd.DataFrame({"group": tenth, "left": leaving}).groupby("group")["left"].agg(["size", "sum"])
    table.columns = pd.Index(["customers", "leavers"])
    table["lift"] = table["leavers"] / table["customers"] / left.mean()
    table["caught"] = table["leavers"].cumsum() / left.sum()
    return table
