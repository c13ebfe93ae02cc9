"""What a run stores beyond its comparison: precision, the choice of the best, maps of beliefs, and sensitivity."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Piece, Row

__all__ = ["Belief", "BeliefAxis", "Precision", "Selection", "Sensitivity", "WhatIf"]


class Precision(Piece):
    """How precisely the differences in `metric` were to be known, and are: half-widths of the widest interval."""

    half_width: Number
    metric: str
    max_replications: int
    reached_half_width: Number | None
    reached: bool


class Selection(Piece):
    """The strategy chosen as best in `metric` at a stated probability, or those that could not be told apart."""

    indifference: Number
    metric: str
    level: Number
    first_stage: int
    max_replications: int
    chosen: str | None
    remaining: list[str]
    replications: int


class BeliefAxis(Piece):
    """An assumption and its range, cut into cells."""

    name: str
    unit: str = ""
    low: Number
    high: Number
    cells: int = Field(ge=2, le=1000)


class BeliefCell(Piece):
    """The verdict of one cell."""

    state: str


class Belief(Piece):
    """A map of where a statement holds; `words` describe it, `here` is where the assumptions are."""

    name: str
    title: str
    statement: str
    words: list[str]
    axes: list[BeliefAxis]
    here: Row | None = None
    cells: list[BeliefCell]


class SensitivityRow(Piece):
    """One assumption: its range and its influence."""

    assumption: str
    low: Number
    high: Number
    range_source: str
    range_status: str
    mu_star: Number | None = None
    mu_star_lower: Number | None = None
    mu_star_upper: Number | None = None
    mu: Number | None = None
    total: Number | None = None
    total_lower: Number | None = None
    total_upper: Number | None = None
    first: Number | None = None


class Sensitivity(Piece):
    """Which assumptions the quantity hangs on."""

    quantity: str
    method: str
    level: Number
    points: int
    replications: int
    noise: Number
    rows: list[SensitivityRow]


class WhatIf(Piece):
    """Everything that was asked beyond the comparison."""

    beliefs: list[Belief] = Field(default_factory=list)
    sensitivity: Sensitivity | None = None
