"""What a run stores beyond its comparison: precision, the choice of the best, maps of assumptions, and sensitivity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from churnsim.records.base import Number, Record, Row


class PrecisionRecord(Record):
    """How precisely the differences in `metric` were to be known, and are: half-widths of the widest interval."""

    half_width: Number
    metric: str
    max_replications: int
    reached_half_width: Number | None
    reached: bool


class SelectionRecord(Record):
    """The strategy chosen as best in `metric` at a stated probability, or those that could not be told apart."""

    indifference: Number
    metric: str
    level: Number
    first_stage: int
    max_replications: int
    chosen: str | None
    remaining: list[str]
    replications: int
    table: list[Row] = Field(default_factory=list)


STATES = ("holds", "fails", "undecided", "impossible")
"""What a cell of a map can be."""


class AssumptionAxis(Record):
    """An assumption and its range, cut into cells."""

    name: str
    unit: str = ""
    low: Number
    high: Number
    cells: int = Field(ge=2, le=1000)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.low < self.high:
            raise PydanticCustomError("range", "low must be below high")
        return self


class AssumptionMap(Record):
    """A map of where a statement holds; `words` describe it, `here` is where the assumptions are.

    `cells` run through the axes, the last one fastest. A cell has its centre on each axis under the axis' name, the
    quantity's mean and interval, and its `state`: one of `STATES`.
    """

    name: str
    title: str
    statement: str
    words: list[str]
    counts: dict[str, int] = Field(default_factory=dict)
    axes: list[AssumptionAxis] = Field(min_length=2, max_length=3)
    here: Row | None = None
    cells: list[Row]

    @model_validator(mode="after")
    def _whole_map(self) -> Self:
        """Refuse here what a chart could not draw."""
        wanted = math.prod(axis.cells for axis in self.axes)
        if len(self.cells) != wanted:
            raise PydanticCustomError(
                "cells", "cells must be {wanted}, as its axes say, not {found}",
                {"wanted": wanted, "found": len(self.cells)},
            )  # fmt: skip
        for number, cell in enumerate(self.cells):
            if cell.get("state") not in STATES:
                raise PydanticCustomError(
                    "state", "the state of cell {number} must be one of {states}, not {found}",
                    {"number": number, "states": ", ".join(STATES), "found": repr(cell.get("state"))},
                )  # fmt: skip
        lacking = [axis.name for axis in self.axes if self.here is not None and not _is_number(self.here, axis.name)]
        if lacking:
            raise PydanticCustomError("here", "here needs a number for {axis}", {"axis": lacking[0]})
        return self


def _is_number(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class SensitivityRow(Record):
    """One assumption: its range and its influence."""

    assumption: str
    value: Number | None = None
    low: Number
    high: Number
    range_source: str
    range_status: str
    mu_star: Number | None = None
    mu_star_lower: Number | None = None
    mu_star_upper: Number | None = None
    mu: Number | None = None
    sigma: Number | None = None
    total: Number | None = None
    total_lower: Number | None = None
    total_upper: Number | None = None
    first: Number | None = None
    first_lower: Number | None = None
    first_upper: Number | None = None


class SensitivityRecord(Record):
    """How much each assumption moves the quantity."""

    quantity: str
    method: Literal["morris", "sobol"]
    level: Number
    points: int
    replications: int
    noise: Number
    rows: list[SensitivityRow]
    design: list[Row] = Field(default_factory=list)


class WhatIf(Record):
    """what_if.json: the maps and the sensitivity that were asked for."""

    beliefs: list[AssumptionMap] = Field(default_factory=list)
    sensitivity: SensitivityRecord | None = None
