"""The search for the best point: a sample average approximation on one set of replications.

With the same replications everywhere the mean score is a fixed function of the levers (common random numbers;
Kleywegt, Shapiro & Homem-de-Mello 2002, SIAM Journal on Optimization 12, 479-502), and in money a rough one: it jumps
wherever a customer comes who otherwise does not. Methods that follow slopes, and pattern searches with short steps,
stop on the nearest of these jumps. So points are spread over all that is allowed, a smooth surrogate is put through
them (`surrogate.py`), and the search goes on around its largest value in boxes of half the width, until all of a box is
worth the same (as Gutmann 2001, Journal of Global Optimization 19, 201-227, and Regis & Shoemaker 2007, INFORMS
Journal on Computing 19, 497-509, do for expensive functions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from churnsim.decisions.optimisation.objective import Objective
from churnsim.decisions.optimisation.space import Space, different
from churnsim.decisions.optimisation.surrogate import Surrogate
from churnsim.typing import Floats, Ints

HALVINGS = 6
FLAT = 0.1
"""Of the tolerance: a box in which the objective varies by less is not searched any further."""

Evaluate = Callable[[Floats, range], Floats]
"""Outcomes by point (row) and replication; of no point (an array without rows) those of spending nothing, one row."""


@dataclass
class Sample:
    """Points and their outcomes over one set of replications."""

    evaluate: Evaluate
    objective: Objective
    replications: range
    points: Floats
    values: Floats = field(init=False)
    nothing: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.nothing = self.evaluate(self.points[:0], self.replications)[0]
        self.values = self.evaluate(self.points, self.replications)

    def add(self, points: Floats) -> None:
        """Compute further points; those that are known are not computed again."""
        known = {point.tobytes() for point in self.points}
        new = np.array([point for point in different(points) if point.tobytes() not in known])
        if len(new):
            self.values = np.vstack([self.values, self.evaluate(new, self.replications)])
            self.points = np.vstack([self.points, new])

    @property
    def scores(self) -> Floats:
        """By point and replication."""
        return self.objective.scores(self.values, self.nothing)

    @property
    def scores_of_nothing(self) -> Floats:
        """By replication."""
        found: Floats = self.objective.scores(self.nothing[None, :], self.nothing)[0]
        return found

    @property
    def means(self) -> Floats:
        """The objective of each point."""
        found: Floats = self.scores.mean(axis=1)
        return found


def first_points(space: Space, starts: Floats) -> Floats:
    """The first points of a search: those to start from, the corner where all is least, and some everywhere."""
    number = 10 * space.size + 10
    return different(np.vstack([starts, space.corner()[None, :], space.spread(number)]))


def best_of(sample: Sample, space: Space, *, tolerance: float) -> Floats:
    """Search, adding to the sample; the best point by the surrogate. `tolerance` is in the objective's unit."""
    size = space.size
    least = 3 * (size + 1) * (size + 2) // 2  # points of a surrogate
    centre: Floats = sample.points[np.argmax(sample.means)]
    half = 0.5 * (space.high - space.low)
    low, high = space.low, space.high
    for step in range(HALVINGS + 1):
        if step:
            half = half / 2
            low, high = np.maximum(space.low, centre - half), np.minimum(space.high, centre + half)
            extra = space.spread(2 * size + 2, skip=step * 50, low=low, high=high, around=centre)
            sample.add(np.vstack([centre[None, :], extra]))
        near = _nearest(sample.points, centre, half, least)
        values = sample.means[near]
        values = values - values.max()
        smooth = Surrogate.of(sample.points[near], values, low=low, high=high)
        centre = smooth.best(values, space, low=low, high=high)
        across = smooth.fitted(values)(space.spread(100, low=low, high=high, around=centre))
        if step and np.ptp(across) <= FLAT * tolerance:
            break
    sample.add(centre[None, :])
    return centre


def _nearest(points: Floats, centre: Floats, half: Floats, least: int) -> Ints:
    """The points within one and a half times the box around the centre, and the nearest ones up to so many."""
    away = np.abs((points - centre) / np.where(half > 0, half, 1.0)).max(axis=1)
    order = np.argsort(away, kind="stable")
    return order[: max(least, int(np.count_nonzero(away <= 1.5)))]
