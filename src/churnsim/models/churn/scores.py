"""How good predicted probabilities of leaving are: discrimination, calibration, lift, each with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
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

    `table`: `value, lower, upper` of `auc` (DeLong), `brier`, `brier_skill` (1 - Brier over that of the base rate),
    `log_loss`, `calibration_slope` and `calibration_intercept` (1 and 0 are perfect). `calibration`: by tenth of
    predicted probability the mean prediction and the share that left, with Wilson intervals. `lift`: by tenth from
    the likeliest, the share of leavers caught and the lift over chance. Customers of equal probability count as their
    mean, whichever tenth they fall into.
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
    area, error = auc(probability, left)
    intercept, slope, errors = calibration_line(probability, left)
    terms = (probability - left) ** 2
    base = float(left.mean() * (1 - left.mean()))
    p = np.clip(probability, CLIP, 1 - CLIP)
    losses = -np.where(left, np.log(p), np.log1p(-p))
    root = np.sqrt(left.size)
    rows = {
        "auc": (area, error),
        "brier": (float(terms.mean()), float(terms.std(ddof=1) / root)),
        "brier_skill": (1 - float(terms.mean()) / base, float(terms.std(ddof=1) / root) / base),
        "log_loss": (float(losses.mean()), float(losses.std(ddof=1) / root)),
        "calibration_slope": (slope, errors[1]),
        "calibration_intercept": (intercept, errors[0]),
    }
    table = pd.DataFrame(
        {name: {"value": v, "lower": v - z * e, "upper": v + z * e} for name, (v, e) in rows.items()}
    ).T.rename_axis("score")
    calibration, lift = _calibration(probability, left, level), _lift(probability, left)
    return ChurnScores(table, calibration, lift, left.size, int(left.sum()))


def auc(score: Floats, left: Flags) -> tuple[float, float]:
    """Area under the ROC curve (Mann-Whitney) and its standard error (DeLong, DeLong & Clarke-Pearson 1988)."""
    m, n = int(left.sum()), int((~left).sum())
    ranks = rankdata(score)
    area = (ranks[left].sum() - m * (m + 1) / 2) / (m * n)
    above = (ranks[left] - rankdata(score[left])) / n  # share of stayers below each leaver
    below = 1.0 - (ranks[~left] - rankdata(score[~left])) / m
    variance = (above.var(ddof=1) / m if m > 1 else 0.0) + (below.var(ddof=1) / n if n > 1 else 0.0)
    return float(area), float(np.sqrt(variance))


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
