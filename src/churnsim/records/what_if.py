"""What a run stores beyond its comparison: precision, the choice of the best, maps of assumptions, and sensitivity."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record, Row

__all__ = [
    "Belief",
    "BeliefAxis",
    "PrecisionRecord",
    "SelectionRecord",
    "SensitivityRecord",
    "SensitivityRow",
    "WhatIf",
]


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


class BeliefAxis(Record):
    """An assumption and its range, cut into cells."""

    name: str
    unit: str = ""
    low: Number
    high: Number
    cells: int = Field(ge=2, le=1000)


class Belief(Record):
    """A map of where a statement holds; `words` describe it, `here` is where the assumptions are.

    A cell has its centre on each axis, the quantity's mean and interval, and its `state`.
    """

    name: str
    title: str
    statement: str
    words: list[str]
    counts: dict[str, int] = Field(default_factory=dict)
    axes: list[BeliefAxis]
    here: Row | None = None
    cells: list[Row]


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
    method: str
    level: Number
    points: int
    replications: int
    noise: Number
    rows: list[SensitivityRow]
    design: list[Row] = Field(default_factory=list)


class WhatIf(Record):
    """what_if.json: the maps and the sensitivity that were asked for."""

    beliefs: list[Belief] = Field(default_factory=list)
    sensitivity: SensitivityRecord | None = None
