"""The points that a search may look at: a box of levers, cut by linear limits on them, some of them whole numbers.

Points are spread by Halton's sequence (1960, Numerische Mathematik 2, 84-90), which needs no seed. One that breaks a
limit is drawn to the middle of what is allowed, every other one as far as the edge: a total that binds is where the
best point lies. An equation takes one lever out, which then is what the others leave of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, linprog

from churnsim.errors import ConfigError
from churnsim.typing import Flags, Floats

SLACK = 1e-9
"""Of a limit, or of the width of a lever, which rounding may use up."""


@dataclass(frozen=True)
class Space:
    """A box from `low` to `high` with `weights @ x <= limits`, and `equal @ x = total` where there is such an equation.
    `whole` says which levers are whole numbers. Raises ConfigError where no point is allowed."""

    low: Floats
    high: Floats
    whole: Flags
    weights: Floats
    limits: Floats
    equal: Floats | None = None
    total: float = 0.0
    _middle: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_middle", self._centre())

    @property
    def size(self) -> int:
        """How many levers there are."""
        return self.low.size

    def with_total(self, weights: Floats, total: float) -> Space:
        """The points of it with `weights @ x = total`, in place of the equation that it has."""
        return replace(self, equal=weights, total=total)

    def _centre(self) -> Floats:
        """The point that is farthest from all limits, each distance measured in widths of the box."""
        width = self.high - self.low
        reach = np.abs(self.weights) @ width
        above = np.hstack([self.weights, reach[:, None]])
        sides = np.hstack([np.vstack([np.eye(self.size), -np.eye(self.size)]), np.tile(width, 2)[:, None]])
        equal = None if self.equal is None else np.append(self.equal, 0.0)[None, :]
        found = linprog(
            np.append(np.zeros(self.size), -1.0),
            A_ub=np.vstack([above, sides]),
            b_ub=np.concatenate([self.limits, self.high, -self.low]),
            bounds=[(None, None)] * self.size + [(0.0, 0.5)],
            A_eq=equal,
            b_eq=None if equal is None else [self.total],
        )
        if not found.success:
            raise ConfigError("no levers within their bounds keep to the total and the constraints. Widen one of them.")
        point: Any = found.x
        return np.asarray(point[:-1])

    def range_of(self, weights: Floats) -> tuple[float, float]:
        """The least and the most that `weights @ x` comes to in it."""
        inside = {
            "A_ub": self.weights, "b_ub": self.limits, "bounds": list(zip(self.low, self.high, strict=True)),
            "A_eq": None if self.equal is None else self.equal[None, :],
            "b_eq": None if self.equal is None else [self.total],
        }  # fmt: skip
        solve: Any = linprog
        return float(solve(weights, **inside).fun), -float(solve(-weights, **inside).fun)

    def allows(self, points: Floats) -> Flags:
        """Which of the points (rows) are in it."""
        width = self.high - self.low
        inside = ((points >= self.low - SLACK * width) & (points <= self.high + SLACK * width)).all(axis=1)
        room = SLACK * (np.abs(self.weights) @ np.maximum(np.abs(self.low), np.abs(self.high)) + np.abs(self.limits))
        inside = inside & (points @ self.weights.T <= self.limits + room).all(axis=1)
        if self.equal is not None:
            reach = np.abs(self.equal) @ np.maximum(np.abs(self.low), np.abs(self.high)) + abs(self.total)
            inside = inside & (np.abs(points @ self.equal - self.total) <= SLACK * reach)
        return np.asarray(inside)

    def spread(
        self, number: int, *, skip: int = 0, low: Floats | None = None, high: Floats | None = None,
        around: Floats | None = None,
    ) -> Floats:  # fmt: skip
        """So many points, fewer where whole numbers repeat, in all of it or in the box from `low` to `high` alone, in
        which an allowed point `around` lies; `skip` leaves out those that were looked at before."""
        from scipy.stats import qmc  # a second of imports

        low = self.low if low is None else np.maximum(low, self.low)
        high = self.high if high is None else np.minimum(high, self.high)
        units = qmc.Halton(self.size + 1, scramble=False).fast_forward(skip + 1).random(number)
        middle = self._middle if around is None else self._inwards(around, low, high)
        return self.snapped(self.drawn_in(low + units[:, :-1] * (high - low), units[:, -1], middle))

    def _inwards(self, point: Floats, low: Floats, high: Floats) -> Floats:
        """Half the way from an allowed point to the middle, or to where that leaves the box."""
        step = self._middle - point
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(step > 0, (high - point) / step, np.where(step < 0, (low - point) / step, np.inf))
        found: Floats = point + 0.5 * min(1.0, max(0.0, float(room.min()))) * step
        return found

    def corner(self) -> Floats:
        """The allowed point where levers are least."""
        found: Floats = self.snapped(self.drawn_in(self.low[None, :], np.ones(1), self._middle))[0]
        return found

    def drawn_in(self, points: Floats, units: Floats, middle: Floats) -> Floats:
        """The points with those that break a limit drawn towards the middle; `units` from 0 to 1 say how far."""
        points = self._on_equation(points)
        step = points - middle
        normals = np.vstack([self.weights, np.eye(self.size), -np.eye(self.size)])
        room = np.concatenate([self.limits, self.high, -self.low]) - normals @ middle
        ahead = step @ normals.T
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(ahead > 0, np.maximum(room, 0.0) / ahead, np.inf).min(axis=1)
        inner = np.where(np.arange(len(points)) % 2 == 0, 1.0, units ** (1 / self.size))
        return np.asarray(middle + step * np.where(share < 1, share * inner, 1.0)[:, None])

    def _on_equation(self, points: Floats) -> Floats:
        """The nearest points that meet the equation, in widths of the box."""
        if self.equal is None:
            return points
        along = self.equal * (self.high - self.low) ** 2
        found: Floats = points - np.outer((points @ self.equal - self.total) / (self.equal @ along), along)
        return found

    def snapped(self, points: Floats) -> Floats:
        """The points with whole numbers where they belong, each once; those that no whole numbers allow are left out.

        Of a lever that an equation holds together with others the last real one makes up for the rounding.
        """
        found = points.copy()
        for rounded in (np.rint, np.floor):
            found = np.where(self.whole, rounded(points), points)
            if self.equal is not None:
                weights = np.where(self.whole, 0.0, np.abs(self.equal) * (self.high - self.low))
                last = int(np.argmax(weights))
                if weights[last] > 0:
                    found[:, last] += (self.total - found @ self.equal) / self.equal[last]
            found = np.where(np.abs(found - self.low) <= SLACK * (self.high - self.low), self.low, found)
            found = np.where(np.abs(found - self.high) <= SLACK * (self.high - self.low), self.high, found)
            fine = self.allows(found)
            if fine.all():
                break
            points = np.where(fine[:, None], found, points)
        return different(found[fine] + 0.0)  # -0.0 is 0.0

    def constraints(self) -> list[LinearConstraint]:
        """The limits as scipy's optimisers take them."""
        found = [LinearConstraint(self.weights, -np.inf, self.limits)] if self.limits.size else []
        if self.equal is not None:
            found.append(LinearConstraint(self.equal[None, :], self.total, self.total))
        return found


def different(points: Floats) -> Floats:
    """The points without those that came before, in their order."""
    _, first = np.unique(points, axis=0, return_index=True)
    found: Floats = points[np.sort(first)]
    return found
