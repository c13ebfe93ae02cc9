"""A smooth surrogate for a function that was computed at some points, and where it is largest.

Radial basis functions with a quadratic (scipy's `RBFInterpolator`). What it says at a point is a weighted sum of the
computed values, and the weights depend on the points alone. So the means over replications, one replication and any
half of them have stand-ins of the same kind, and differences stay paired. How much it smooths is chosen by generalised
cross-validation on the means (Craven & Wahba 1979, Numerische Mathematik 31, 377-403): simulated money moves in steps
as customers come and go, which is noise to an optimiser, common random numbers or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.optimize import minimize

from churnsim.decisions.optimisation.space import Space
from churnsim.errors import ConfigError
from churnsim.typing import Floats, Ints

SMOOTHINGS = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
CLOUD = 400
"""Points of each of three clouds at which the surrogate is looked at before it is climbed."""
CLIMBS = 3


@dataclass(frozen=True)
class Surrogate:
    """Radial basis functions on computed `points`, in widths of a box from `low`; `smoothing` as scipy takes it.
    `columns` are the levers that tell the points apart: one that others determine is left out."""

    points: Floats
    low: Floats
    width: Floats
    columns: Ints
    degree: int
    smoothing: float

    @classmethod
    def of(cls, points: Floats, values: Floats, *, low: Floats, high: Floats) -> Surrogate:
        """The one that suits the `values` at the points best."""
        width = np.where(high > low, high - low, 1.0)
        scaled = (points - low) / width
        columns: list[int] = []
        for column in range(scaled.shape[1]):
            if _rank(scaled[:, [*columns, column]], 1) == len(columns) + 2:
                columns.append(column)
        size = len(columns)
        full = (size + 1) * (size + 2) // 2
        # A quadratic where its terms are known half as often again as they must be.
        degree = 2 if len(points) >= 1.5 * full and _rank(scaled[:, columns], 2) == full else 1
        kept = np.array(columns, dtype=np.int64)
        found = [cls(points, low, width, kept, degree, smoothing) for smoothing in SMOOTHINGS]
        return min(found, key=lambda one: one._validation(values))

    def _validation(self, values: Floats) -> float:
        """Generalised cross-validation: squared residuals over the square of the degrees of freedom that are left."""
        hat = self.weights(self.points)
        left = len(values) - float(np.trace(hat))
        # What leaves no freedom says nothing of how it would do elsewhere.
        return float(((values - hat @ values) ** 2).sum()) / left**2 if left > 1e-3 * len(values) else np.inf

    def fitted(self, values: Floats) -> Callable[[Floats], Floats]:
        """The surrogate of values (a row a point) as a function of points (rows)."""
        if not self.columns.size:
            mean = values.mean(axis=0, keepdims=True)
            return lambda at: np.repeat(mean, len(at), axis=0)
        function = RBFInterpolator(
            self._scaled(self.points), values, smoothing=self.smoothing, kernel="cubic", degree=self.degree
        )
        return lambda at: np.asarray(function(self._scaled(at)))

    def _scaled(self, points: Floats) -> Floats:
        found: Floats = ((points - self.low) / self.width)[:, self.columns]
        return found

    def weights(self, at: Floats) -> Floats:
        """The weights of the computed values (columns) at other points (rows)."""
        return self.fitted(np.eye(len(self.points)))(at)

    def best(self, values: Floats, space: Space, *, low: Floats, high: Floats) -> Floats:
        """The point of `space` between `low` and `high` at which the surrogate of the values is largest.

        The best of three clouds, each in a part of the one before, and of what Kraft's SLSQP (1988) climbs to from the
        best points of all.
        """
        at = self.fitted(values)
        inside = ((self.points >= low) & (self.points <= high)).all(axis=1) & space.allows(self.points)
        known = self.points[inside]
        centre = known[np.argmax(at(known))] if len(known) else None
        cloud = np.vstack([known, space.spread(CLOUD, low=low, high=high, around=centre)])
        if not len(cloud):
            raise ConfigError("no whole numbers within the bounds keep to the total and the constraints.")
        for size in (0.1, 0.02):
            centre, reach = cloud[np.argmax(at(cloud))], size * (high - low)
            lower, upper = np.maximum(low, centre - reach), np.minimum(high, centre + reach)
            cloud = np.vstack([cloud, space.spread(CLOUD, low=lower, high=upper, around=centre)])
        seen = at(cloud)
        tops, free, scale = cloud[np.argsort(-seen, kind="stable")[:CLIMBS]], ~space.whole, float(np.ptp(seen))
        limits: Any = space.constraints()
        options: Any = {"maxiter": 60, "ftol": 1e-10}

        def fall(point: Any) -> float:
            return -float(at(point[None, :])[0]) / scale

        for start in tops if free.any() and scale > 0 else ():
            bounds = list(zip(np.where(free, low, start), np.where(free, high, start), strict=True))
            climbed = minimize(fall, start, method="SLSQP", bounds=bounds, constraints=limits, options=options)
            tops = np.vstack([tops, space.snapped(np.clip(climbed.x, low, high)[None, :])])
        top: Floats = tops[np.argmax(at(tops))]
        return top


def _rank(points: Floats, degree: int) -> int:
    """Of the polynomial's terms at the points."""
    columns = [np.ones(len(points)), *points.T]
    if degree == 2:
        size = points.shape[1]
        columns += [points[:, i] * points[:, j] for i in range(size) for j in range(i, size)]
    return int(np.linalg.matrix_rank(np.column_stack(columns), tol=1e-6 * len(points)))
