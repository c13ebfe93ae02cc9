"""The Qini curve: what contacting the customers with the highest scores gains, beside contacting as many at random.

Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing Analytics Journal, 14-21. On a
randomised campaign, with the customers in descending order of their score, among the first k the gain is estimated as
the stayers treated less those untreated, the latter scaled to as many treated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnsim.errors import DataError
from churnsim.statistics import resample_counts
from churnsim.typing import Flags, Floats

__all__ = ["QiniCurve", "qini_curve"]


POINTS = 100


@dataclass(frozen=True)
class QiniCurve:
    """`table`: by `share` contacted (0 to 1) the `gain` per customer of the base, with `lower, upper`, and that of
    contacting as many at `random`. `coefficient` is the area between the two, `lower` and `upper` its interval."""

    table: pd.DataFrame
    coefficient: float
    lower: float
    upper: float
    level: float

    @property
    def better_than_random(self) -> bool:
        """Whether the whole interval of the coefficient lies above 0."""
        return self.lower > 0


def qini_curve(
    score: Floats, treated: Flags, outcome: Floats, *, level: float = 0.95, resamples: int = 500, seed: int = 0
) -> QiniCurve:
    """Curve and coefficient of `score` on a randomised campaign; percentile bootstrap over customers.

    Ties in score are broken by the order given. Raises DataError unless both groups have members.
    """
    if not treated.any() or treated.all() or not (score.shape == treated.shape == outcome.shape):
        raise DataError("a Qini curve needs a score, a group and an outcome of each customer, and both groups.")
    order = np.argsort(-score, kind="stable")
    group, stayed = treated[order], outcome[order].astype(np.float64)
    curve = _curve(group, stayed, np.ones(order.size))
    random = np.random.Generator(np.random.Philox(seed))
    counts = resample_counts(order.size, resamples=resamples, generator=random, draw="indices")
    draws = [_curve(group, stayed, weight.astype(float)) for weight in counts]
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(draws, tails, axis=0)
    share = np.linspace(0.0, 1.0, POINTS + 1)
    table = pd.DataFrame({"gain": curve, "lower": lower, "upper": upper, "random": share * curve[-1]}, share)
    areas = np.array([_area(draw) for draw in draws])
    low, high = map(float, np.quantile(areas, tails))
    return QiniCurve(table.rename_axis("share"), _area(curve), low, high, level)


def _curve(group: Flags, stayed: Floats, weight: Floats) -> Floats:
    """Gain per customer at `POINTS` + 1 shares of the (weighted) customers."""
    seen, n_t = np.cumsum(weight), np.cumsum(weight * group)
    n_c = seen - n_t
    y_t, y_c = np.cumsum(weight * group * stayed), np.cumsum(weight * ~group * stayed)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where((n_t > 0) & (n_c > 0), y_t / n_t - y_c / n_c, 0.0)
    gain = effect * seen / seen[-1]
    grid = np.linspace(0.0, 1.0, POINTS + 1)
    return np.asarray(np.interp(grid, np.concatenate([[0.0], seen / seen[-1]]), np.concatenate([[0.0], gain])))


def _area(curve: Floats) -> float:
    return float(np.trapezoid(curve, dx=1 / POINTS) - curve[-1] / 2)
