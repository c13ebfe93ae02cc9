"""Where a statement holds: every cell of a grid of assumptions judged by itself, and the region put into words.

No model stands between the cells: each is computed at its centre, and the resolution is the width of a cell. A cell has
one of three states, by the interval of the quantity there: it lies wholly where the statement is true ("holds"), wholly
where it is false ("fails"), or across the line ("undecided"); a fourth, "impossible", is for assumptions that
contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_number, typed
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

    Attributes
    ----------
    statement : Statement
        What was judged.
    axes : tuple of Axis
        The assumptions.
    frame : DataFrame
        One row a cell: a column for each axis (its centre), mean, lower, upper, replications, state.
    judged : str
        How each cell was, in words.
    here : mapping, optional
        What a row of the frame has, for the assumptions as they are, where they were judged.
    doubts : str
        What makes replications on a market differ, and what the intervals leave out.

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
    doubts: str = ""

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
        return "\n".join([*self.words(), self.doubts]).rstrip()


MOST_BOXES = 3
ENOUGH = 0.9
MOST_LINES = 6

Box = tuple[slice, ...]


def region_words(states: NDArray[np.str_], axes: Sequence[Axis]) -> str:
    """Sentences that say where `states`, one dimension an axis, are "holds".

    Boxes first: the largest box of cells in which the statement holds throughout, then the one that adds most to it,
    until three boxes are told or nine tenths of the holding cells are covered. With two axes the border follows, line
    by line.
    """
    counts = {state: int((states == state).sum()) for state in STATES}
    possible = states.size - counts["impossible"]
    told = [_headline(counts, possible)]
    holds = states == "holds"
    if counts["holds"] > 0:
        if counts["holds"] < possible:
            told += _boxes(holds, axes)
        idle = [axis for d, axis in enumerate(axes) if _does_not_matter(states, d)]
        if counts["fails"]:
            told += [
                f"At this resolution {axis.name} makes no difference {_span(axis, 0, len(axis.centres))}."
                for axis in idle
            ]
    if len(axes) == 2 and counts["holds"] and counts["fails"]:
        told += _border(states, axes)
    return " ".join(told)


def largest_box(cells: NDArray[np.bool_], counting: NDArray[np.bool_] | None = None) -> Box | None:
    """Among the boxes in which `cells` are true throughout, the one with the most cells (with `counting`, the most of
    those); None where no cell is true. Sums over all prefixes check a box in 2^d steps."""
    if not cells.any():
        return None
    stretches = [np.array([(a, b) for a in range(n) for b in range(a + 1, n + 1)]) for n in cells.shape]
    sizes: NDArray[np.int32] = np.ones([len(s) for s in stretches], dtype=np.int32)
    for d, s in enumerate(stretches):
        sizes *= (s[:, 1] - s[:, 0]).astype(np.int32).reshape([-1 if e == d else 1 for e in range(cells.ndim)])
    true = _counts(cells, stretches)
    gained = true if counting is None else _counts(counting, stretches)
    best = np.unravel_index(int(np.argmax(np.where(true == sizes, gained, 0))), sizes.shape)
    return tuple(slice(int(s[i, 0]), int(s[i, 1])) for s, i in zip(stretches, best, strict=True))


def _counts(cells: NDArray[np.bool_], stretches: Sequence[NDArray[np.int64]]) -> NDArray[np.int32]:
    """How many `cells` are true in the box of every combination of stretches."""
    sums: NDArray[np.int32] = np.zeros([n + 1 for n in cells.shape], dtype=np.int32)
    sums[tuple(slice(1, None) for _ in cells.shape)] = cells
    for d in range(cells.ndim):
        sums = sums.cumsum(axis=d, dtype=np.int32)
    found: NDArray[np.int32] = np.zeros([len(s) for s in stretches], dtype=np.int32)
    for corner in product((0, 1), repeat=cells.ndim):
        sign = (-1) ** (cells.ndim - sum(corner))
        found += sign * sums[np.ix_(*[s[:, c] for s, c in zip(stretches, corner, strict=True)])]
    return found


def _headline(counts: dict[str, int], possible: int) -> str:
    if not possible:
        return "no cell is possible."
    for state in ("holds", "fails"):
        if counts[state] == possible:
            everywhere = f"{state} everywhere in the range ({possible} cells)."
            return everywhere if not counts["impossible"] else f"{everywhere} {_impossible(counts)}"
    told = (
        f"holds in {counts['holds']} of {possible} cells, fails in {counts['fails']}, "
        f"undecided in {counts['undecided']}."
    )
    return f"{told} {_impossible(counts)}" if counts["impossible"] else told


def _impossible(counts: dict[str, int]) -> str:
    return f"{counts['impossible']} more contradict themselves and were not judged."


def _boxes(holds: NDArray[np.bool_], axes: Sequence[Axis]) -> list[str]:
    left, told = holds.copy(), []
    for _ in range(MOST_BOXES):
        box = largest_box(holds, left)
        if box is None or not left[box].any():
            break
        *most, last = (_span(axis, s.start, s.stop, named=True) for axis, s in zip(axes, box, strict=True))
        told.append(f"{', '.join(most)} and {last}" if most else last)
        left[box] = False
        if left.sum() <= (1 - ENOUGH) * holds.sum():
            break
    covered = 1 - left.sum() / holds.sum()
    sentence = f"It holds throughout for {'; for '.join(told)}."
    return [sentence, f"That is {covered:.0%} of the cells in which it holds."] if covered < 1 else [sentence]


def _does_not_matter(states: NDArray[np.str_], axis: int) -> bool:
    """Whether no line along the axis has both holding and failing cells."""
    holds, fails = ((states == state).any(axis=axis) for state in ("holds", "fails"))
    return not bool((holds & fails).any())


def _span(axis: Axis, start: int, stop: int, *, named: bool = False) -> str:
    low, high = axis.edges[start], axis.edges[stop]
    whole = start == 0 and stop == len(axis.centres)
    unit = f" {axis.unit}" if axis.unit else ""
    name = f"{axis.name} " if named else ""
    if whole:
        return f"{'any ' if named else ''}{name}between {low:,.4g} and {high:,.4g}{unit}"
    if start == 0:
        return f"{name}below {high:,.4g}{unit}"
    if stop == len(axis.centres):
        return f"{name}above {low:,.4g}{unit}"
    return f"{name}between {low:,.4g} and {high:,.4g}{unit}"


def _border(states: NDArray[np.str_], axes: Sequence[Axis]) -> list[str]:
    """For some values of one axis, from where on the statement holds along the other, if that is one stretch."""
    for along in (0, 1):
        lines = states if along == 1 else states.T
        held = [np.flatnonzero(line == "holds") for line in lines]
        if all(len(h) == 0 or h[-1] - h[0] + 1 == len(h) for h in held) and not _does_not_matter(states, along):
            break
    else:
        return []
    axis, other = axes[along], axes[1 - along]
    shown = np.unique(np.linspace(0, len(lines) - 1, min(MOST_LINES, len(lines))).round().astype(int))
    parts = [
        f"at {other.centres[i]:,.4g} "
        + (_span(axis, int(held[i][0]), int(held[i][-1]) + 1) if len(held[i]) else "nowhere")
        for i in shown
    ]
    return [f"By {other.name}, it holds for {axis.name} {', '.join(parts)}."]
