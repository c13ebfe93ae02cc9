"""Where a statement holds: every cell of a grid of assumptions judged by itself, and the region put into words.

No model stands between the cells: each is computed at its centre, and the resolution is the width of a cell. A cell has
one of three states, by the interval of the quantity there: it lies wholly where the statement is true ("holds"), wholly
where it is false ("fails"), or across the line ("undecided"); a fourth, "impossible", is for assumptions that
contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_number, typed
from churnsim.decisions.assumptions.region_text import region_words
from churnsim.errors import ConfigError

STATES = ("fails", "undecided", "holds", "impossible")


@typed
@dataclass(frozen=True, kw_only=True)
class Axis:
    """An assumption and the range it is varied over, cut into `cells` cells of one width; `unit` for reading.

    Examples
    --------
    >>> axis = Axis(name="terms.margin", low=0.1, high=0.5, cells=4)
    >>> axis.centres.round(2).tolist()
    [0.15, 0.25, 0.35, 0.45]
    """

    name: str
    low: float
    high: float
    cells: int
    unit: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ConfigError(f"the range of {self.name} must go from a lower to a higher number; got "
                              f"{self.low!r} to {self.high!r}.")  # fmt: skip
        if self.cells < 2:
            raise ConfigError(f"{self.name} needs at least 2 cells; got {self.cells}.")

    @property
    def width(self) -> float:
        """The resolution: the width of a cell."""
        return (self.high - self.low) / self.cells

    @property
    def centres(self) -> NDArray[np.float64]:
        """The values that are computed."""
        return np.asarray(self.low + (np.arange(self.cells) + 0.5) * self.width, dtype=np.float64)

    @property
    def edges(self) -> NDArray[np.float64]:
        """The borders of the cells, one more than there are cells."""
        return np.asarray(self.low + np.arange(self.cells + 1) * self.width, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """That a quantity, in words, lies above a number, below one, or between two.

    Examples
    --------
    >>> str(Statement(quantity="the gain", above=0.25, below=0.85))
    'the gain is between 0.25 and 0.85'
    """

    quantity: str
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        for name in ("above", "below"):
            if getattr(self, name) is not None:
                check_number(getattr(self, name), name)
        if self.above is None and self.below is None:
            raise ConfigError("a statement needs above, below or both: say what the quantity should exceed.")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ConfigError(f"nothing lies above {self.above!r} and below {self.below!r}.")

    def __str__(self) -> str:
        if self.above is not None and self.below is not None:
            return f"{self.quantity} is between {self.above:,.4g} and {self.below:,.4g}"
        if self.above is not None:
            return f"{self.quantity} is above {self.above:,.4g}"
        return f"{self.quantity} is below {self.below:,.4g}"

    def state(self, lower: float, upper: float) -> str:
        """ "holds", "fails" or "undecided" for a quantity that lies between `lower` and `upper`; NaN is undecided."""
        low = -np.inf if self.above is None else self.above
        high = np.inf if self.below is None else self.below
        if lower > low and upper < high:
            return "holds"
        if upper <= low or lower >= high:
            return "fails"
        return "undecided"


@dataclass(frozen=True, kw_only=True)
class Region:
    """A judged grid.

    `frame` has one row a cell: a column for each axis (its centre), mean, lower, upper, replications, state. `here` is
    the same for the assumptions as they are, where they were judged. `judged` says in words how each cell was.

    Examples
    --------
    >>> from churnsim.decisions import map_region
    >>> axes = (Axis(name="retention", low=0.6, high=0.9, cells=3), Axis(name="rate", low=0.0, high=0.2, cells=2))
    >>> region = map_region(lambda r, d: 0.05 / (1 + d - r), Statement(quantity="the gain", above=0.2), axes)
    >>> region.frame["state"].tolist()
    ['fails', 'fails', 'fails', 'fails', 'holds', 'fails']
    """

    made_by: ClassVar[str] = "churnsim.decisions.map_region(value, statement, axes)"
    statement: Statement
    axes: tuple[Axis, ...]
    frame: pd.DataFrame
    judged: str
    here: Mapping[str, Any] | None = None

    @property
    def states(self) -> NDArray[np.str_]:
        """The states as an array with one dimension an axis."""
        return self.frame["state"].to_numpy(dtype=np.str_).reshape([axis.cells for axis in self.axes])

    @property
    def counts(self) -> dict[str, int]:
        """Cells by state."""
        return {state: int((self.frame["state"] == state).sum()) for state in STATES}

    def words(self) -> list[str]:
        """The region in sentences with numbers: how much of it, its boxes, its border, and where one stands."""
        told = f"“{self.statement}”: " + region_words(self.states, self.axes)
        sentences = [told]
        if self.here is not None:
            at = ", ".join(f"{axis.name} = {self.here[axis.name]:,.4g}" for axis in self.axes)
            sentences.append(
                f"At the assumptions as they are ({at}) it is {self.here['mean']:,.4g} "
                f"[{self.here['lower']:,.4g}, {self.here['upper']:,.4g}]: {self.here['state']}."
            )
        widths = ", ".join(f"{axis.width:,.3g} in {axis.name}" for axis in self.axes)
        sentences.append(f"Resolution: {widths}. {self.judged}")
        return sentences

    def __str__(self) -> str:
        return "\n".join(self.words())
