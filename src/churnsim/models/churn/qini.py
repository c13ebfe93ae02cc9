"""The Qini curve: what contacting the customers with the highest scores gains, beside contacting as many at random.

Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing Analytics Journal, 14-21. On a
randomised campaign, with the customers in descending order of their score, among the first k the gain is estimated as
the stayers treated less those untreated, the latter scaled to as many treated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_seed, typed
from churnsim.errors import DataError
from churnsim.statistics import mean_over_ties, resample_counts, tails
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


@typed
def qini_curve(
    score: Floats, treated: Flags, outcome: Floats, *, level: float = 0.95, resamples: int = 500, seed: int = 0
) -> QiniCurve:
    """Curve and coefficient of `score` on a randomised campaign; percentile bootstrap over customers.

    Customers of equal score count as their mean (`mean_over_ties`), so that the order of the rows says nothing and a
    constant score has a coefficient of 0. Raises DataError unless both groups have members.

    Parameters
    ----------
    score : array of shape (n,)
        What customers are ranked by, the highest first.
    treated : array of bool, shape (n,)
        Who was contacted, at random.
    outcome : array of shape (n,)
        What is to be gained, such as 1 for who stayed.
    level : float
        Of the intervals.
    resamples : int
        Bootstrap resamples of the customers, 2 or more.
    seed : int
        Of the resamples.

    Examples
    --------
    >>> from churnsim.models import simulated_campaign
    >>> campaign = simulated_campaign(2000, seed=1)
    >>> flags, stayed = campaign["treated"].to_numpy(), campaign["stayed"].to_numpy(float)
    >>> known = qini_curve(campaign["uplift"].to_numpy(), flags, stayed, resamples=50)
    >>> known.better_than_random, qini_curve(np.ones(2000), flags, stayed, resamples=50).better_than_random
    (True, False)
    """
    if not treated.any() or treated.all() or not (score.shape == treated.shape == outcome.shape):
        raise DataError("a Qini curve needs a score, a group and an outcome of each customer, and both groups.")
    if not np.isfinite(score).all():
        raise DataError(f"scores must be finite numbers; {int((~np.isfinite(score)).sum())} are not.")
    order = np.argsort(-score, kind="stable")
    # Without ties, as of a probability, each of the resamples is spared looking for them.
    ranked = score[order] if np.unique(score).size < score.size else None
    group, stayed = treated[order], outcome[order].astype(np.float64)
    curve = _curve(ranked, group, stayed, np.ones(order.size))
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    counts = resample_counts(
        order.size, resamples=check_count(resamples, "resamples", least=2), generator=random, draw="indices"
    )
    draws = [_curve(ranked, group, stayed, weight.astype(float)) for weight in counts]
    lower, upper = np.quantile(draws, tails(level), axis=0)
    share = np.linspace(0.0, 1.0, POINTS + 1)
    table = pd.DataFrame({"gain": curve, "lower": lower, "upper": upper, "random": share * curve[-1]}, share)
    areas = np.array([_area(draw) for draw in draws])
    low, high = map(float, np.quantile(areas, tails(level)))
    return QiniCurve(table.rename_axis("share"), _area(curve), low, high, level)


def _curve(ranked: Floats | None, group: Flags, stayed: Floats, weight: Floats) -> Floats:
    """Gain per customer at `POINTS` + 1 shares of the (weighted) customers, who come in the order of their score."""
    seen = np.cumsum(weight)
    parts = [part.astype(np.float64) for part in (group, ~group, group * stayed, ~group * stayed)]
    if ranked is not None:
        parts = [mean_over_ties(part, ranked, weights=weight) for part in parts]
    n_t, n_c, y_t, y_c = (np.cumsum(weight * part) for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where((n_t > 0) & (n_c > 0), y_t / n_t - y_c / n_c, 0.0)
    gain = effect * seen / seen[-1]
    grid = np.linspace(0.0, 1.0, POINTS + 1)
    return np.asarray(np.interp(grid, np.concatenate([[0.0], seen / seen[-1]]), np.concatenate([[0.0], gain])))


def _area(curve: Floats) -> float:
    return float(np.trapezoid(curve, dx=1 / POINTS) - curve[-1] / 2)
