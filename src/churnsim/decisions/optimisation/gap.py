"""How much better the best point may be than the one chosen: an interval by two halves of fresh replications.

The best point of a sample looks better than it is, so that its lead over the point chosen is too large on average
(Mak, Morton & Wood 1999, Operations Research Letters 24, 47-56): an upper limit of what is missed. One sample has too
short an interval where its best point happens to be the one chosen; the average of two is mostly free of that (A2RP of
Bayraksan & Morton 2006, Mathematical Programming 108, 495-514):

    gap <= (G1 + G2) / 2 + z_level sqrt((s1^2 + s2^2) / 2) / sqrt(n),

with G_i the mean lead of half i's best point in that half, s_i^2 the variance of that lead over its n/2 replications.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.decisions.optimisation.space import Space
from churnsim.decisions.optimisation.surrogate import Surrogate
from churnsim.statistics import student_quantile
from churnsim.typing import Floats


@dataclass(frozen=True)
class Gap:
    """What the point chosen may lack of the optimum: an estimate, which is too large on average, and an upper limit."""

    estimate: float
    upper: float


def gap_of(
    points: Floats, scores: Floats, chosen: Floats, space: Space, *, low: Floats, high: Floats, level: float
) -> Gap:
    """The gap of a point whose scores over the replications are `chosen`, from the scores of other `points` over the
    same ones; the optimum is looked for between `low` and `high`, and is the point chosen where that is best."""
    leads, variances = [], []
    smooth = Surrogate.of(points, scores.mean(axis=1), low=low, high=high)
    for half in (slice(0, None, 2), slice(1, None, 2)):
        means = scores[:, half].mean(axis=1) - chosen[half].mean()
        best = smooth.best(means, space, low=low, high=high)
        lead = (smooth.weights(best[None, :]) @ scores[:, half])[0] - chosen[half]
        leads.append(max(float(lead.mean()), 0.0))
        variances.append(float(lead.var(ddof=1)) if lead.mean() > 0 else 0.0)
    size = scores.shape[1]
    estimate = float(np.mean(leads))
    reach = float(student_quantile(level, size - 2)) * float(np.sqrt(np.mean(variances) / size))
    return Gap(estimate, estimate + reach)
