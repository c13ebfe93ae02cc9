"""A picture as data: marks over tables, with axes and series. Both renderers draw it, so no number is computed twice.

Each renderer reads the columns that a mark names and knows nothing of what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from churnsim.plots.theme import EXPECTED, STRATEGIES

Line = tuple[int, ...]
SOLID: Line = (1, 0)
# Of several series in one picture; the first is of what happened, where that is shown.
LINES: tuple[Line, ...] = (SOLID, (6, 3), (2, 2), (9, 3, 2, 3), (4, 4), (12, 3))
MODELS = STRATEGIES[1:]
# One hue, light to dark, so that it reads in grey print and for every eye.
SHADES = ("#f0e7d8", "#9cc3de", "#0b5c92")

MarkKind = Literal["line", "step", "band", "bars", "points", "spans", "cells", "rule", "text"]
AxisKind = Literal["number", "share", "date", "class", "log"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What is drawn of each row of `table`, by the names of its columns.

    `line`, `step`, `points`: at (x, y). `band`: between y and y2 over x. `spans`: from y to y2 at x, or from x to x2
    at y. `bars`: from 0 to y, over a class x or between x and x2. `cells`: between x and x2 and y and y2, or at two
    classes. `rule`: at x or at y, across. `text`: the column `text` at (x, y). Colour and dash are those of the row's
    `series`, a cell's that of its `value`, or else `colour` and `dash`.
    """

    kind: MarkKind
    table: pd.DataFrame
    x: str = ""
    y: str = ""
    x2: str = ""
    y2: str = ""
    series: str = ""
    value: str = ""
    text: str = ""
    colour: str = EXPECTED
    dash: Line = SOLID
    width: float = 2.0
    opacity: float = 1.0
    stepped: bool = False
    """Of a band: whether it keeps its height until the next row."""
    align: Literal["left", "right", "center"] = "left"


@dataclass(frozen=True, kw_only=True)
class AxisSpec:
    """An axis: its title with the unit, what it measures, its limits, and a currency before or after its numbers."""

    title: str
    kind: AxisKind = "number"
    limits: tuple[float, float] | None = None
    zero: bool = False
    prefix: str = ""
    suffix: str = ""
    signed: bool = False
    classes: tuple[str, ...] = ()
    """Of a "class" axis, from the left or from the top."""
    bare: bool = False
    """Without ticks."""


@dataclass(frozen=True, kw_only=True)
class Shade:
    """What the colour of a cell measures, light to dark."""

    title: str
    limits: tuple[float, float]
    kind: AxisKind = "number"
    prefix: str = ""
    colours: Sequence[str] = SHADES


@dataclass(frozen=True, kw_only=True)
class PictureSpec:
    """Marks, the later ones above, on two axes; `series` has colour and dash by label, in the legend's order."""

    marks: Sequence[Mark]
    x: AxisSpec
    y: AxisSpec
    series: Mapping[str, tuple[str, Line]] = field(default_factory=dict)
    shade: Shade | None = None
    below: pd.DataFrame | None = None
    """Numbers below the axis: columns x, series and number."""
    below_title: str = ""
    height: int = 320


def styles(labels: Sequence[str], colours: Sequence[str] = MODELS) -> dict[str, tuple[str, Line]]:
    """Colour and dash of each label, which repeat where there are more labels than colours."""
    return {label: (colours[place % len(colours)], LINES[place % len(LINES)]) for place, label in enumerate(labels)}
