"""What a little more of each lever would change: central differences under common random numbers.

The same replications run at both ends of a step, so that what chance does to both falls out. A short step has little
bias and much noise: the difference of two runs in which few customers differ varies in proportion to the step, its
quotient inversely. So several steps are taken, each twice as long as the one before; the bias of each follows from the
next (Richardson 1911, Philosophical Transactions A 210, 307-357), its noise from the replications, and the step with
the least mean squared error holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.decisions.comparison.paired import Interval, interval
from churnsim.decisions.optimisation.space import Space, different
from churnsim.typing import Floats

STEPS = (1 / 20, 1 / 10, 1 / 5)
"""Of the width of a lever."""


@dataclass(frozen=True)
class Marginal:
    """The change in the objective per unit of a lever, with its interval, from the values `low` to `high`."""

    change: Interval
    low: float
    high: float


def steps_around(space: Space, centre: Floats) -> list[list[tuple[Floats, Floats]]]:
    """By lever the two ends of each step, within the bounds; constraints do not hold them, since it is asked what a
    lever earns, not what it would take it from."""
    found = []
    for lever in range(space.size):
        width = space.high[lever] - space.low[lever]
        sizes = sorted({max(1.0, round(share * width)) if space.whole[lever] else share * width for share in STEPS})
        pairs = []
        for size in sizes:
            below, above = centre.copy(), centre.copy()
            below[lever] = max(centre[lever] - size, space.low[lever])
            above[lever] = min(centre[lever] + size, space.high[lever])
            if above[lever] > below[lever]:
                pairs.append((below, above))
        found.append(pairs)
    return found


def ends_of(steps: list[list[tuple[Floats, Floats]]]) -> Floats:
    """Every point that the steps need."""
    return different(np.array([end for pairs in steps for pair in pairs for end in pair]))


def marginal_of(
    pairs: list[tuple[Floats, Floats]], lever: int, scores: dict[bytes, Floats], *, level: float
) -> Marginal:
    """The quotient of the step with the least mean squared error; `scores` by point, one a replication."""
    quotients = [
        (scores[above.tobytes()] - scores[below.tobytes()]) / (above[lever] - below[lever]) for below, above in pairs
    ]
    means = [float(quotient.mean()) for quotient in quotients]
    errors = []
    for step, quotient in enumerate(quotients):
        # Of a central difference the bias grows with the square of the step, so that the next one's is four times it.
        other = step + 1 if step + 1 < len(means) else step - 1
        bias = (means[other] - means[step]) / (3 if other > step else 0.75) if other >= 0 else 0.0
        errors.append(bias**2 + float(quotient.var(ddof=1)) / quotient.size)
    best = int(np.argmin(errors))
    below, above = pairs[best]
    return Marginal(interval(quotients[best], level=level), float(below[lever]), float(above[lever]))
