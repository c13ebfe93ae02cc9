"""A region of three-valued cells in words and numbers.

Boxes first: the largest box of cells in which the statement holds throughout, then the one that adds most to it, until
three boxes are told or nine tenths of the holding cells are covered. With two axes the border follows, line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MOST_BOXES = 3
ENOUGH = 0.9
MOST_LINES = 6

Box = tuple[slice, ...]


class Edged(Protocol):
    """What the words need of an axis."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def unit(self) -> str:
        """Said after its numbers."""

    @property
    def centres(self) -> NDArray[np.float64]:
        """The values that were judged."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """The borders of the cells."""


def region_words(states: NDArray[np.str_], axes: Sequence[Edged]) -> str:
    """Sentences that say where `states`, one dimension an axis, are "holds"."""
    counts = {state: int((states == state).sum()) for state in ("holds", "fails", "undecided", "impossible")}
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


def _boxes(holds: NDArray[np.bool_], axes: Sequence[Edged]) -> list[str]:
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


def _span(axis: Edged, start: int, stop: int, *, named: bool = False) -> str:
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


def _border(states: NDArray[np.str_], axes: Sequence[Edged]) -> list[str]:
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
