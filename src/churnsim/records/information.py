"""What a run stores of what it is worth to know a number before choosing among the strategies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from churnsim.records.base import Number, Record

INPUTS = "value_of_information.parquet"
"""What it is worked out from: a row a replication, a column a number drawn, and one an option."""
OPTION = "option: "
"""Before the names of strategies among the columns of `INPUTS`; the others are the numbers drawn."""


class WorthRow(Record):
    """What it is worth to know some `numbers` before deciding, in money per decision.

    `name` is the number's address, or the group's name; `worth` has its `standard_error`, an interval, and `null`: what
    shuffled numbers, which say nothing, come to on average. `share` is that of what all numbers are worth, and
    `changes` the share of replications in which another strategy would be chosen. Of a number `value` with `low` to
    `high`, its 90% interval, is what is believed today.
    """

    kind: Literal["everything", "rest", "group", "number"]
    name: str
    numbers: list[str]
    worth: Number
    standard_error: Number
    lower: Number
    upper: Number
    null: Number = 0
    share: Number = 0
    changes: Number = 0
    meaning: str = ""
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    unit: str | None = ""
    status: str = ""


class TrialSize(Record):
    """A trial of `size` times the proposed size."""

    size: Number
    standard_error: Number | list[Number]
    cost: Number
    value: Number
    net: Number


class TrialRow(Record):
    """What a proposed trial `about` a number, or several, is worth, before its cost and `net` of it; `limit` is what
    knowing it exactly is. `best_size` is the size with the highest net worth, 0 where none is above 0."""

    name: str
    about: str
    standard_error: Number | list[Number]
    cost: Number
    worth: Number
    worth_error: Number
    lower: Number
    upper: Number
    net: Number
    limit: Number
    best_size: Number
    best_net: Number
    sizes: list[TrialSize] = Field(default_factory=list)


class InformationRecord(Record):
    """value_of_information.json: one decision among the strategies in the running and spending nothing.

    `best` is what is best by today's beliefs, `gain` how much more it earns than `nothing`; `first` names the row of
    what to measure first. `foresight` is what it would be worth to foresee the chance events of a replication too.
    """

    metric: str
    level: Number
    replications: int
    options: list[str]
    best: str
    nothing: str
    gain: Number
    foresight: Number
    first: str
    rows: list[WorthRow]
    trials: list[TrialRow] = Field(default_factory=list)

    def row(self, kind: str, name: str = "") -> WorthRow | None:
        """The row of a kind, and of a name where there is one."""
        return next((row for row in self.rows if row.kind == kind and name in ("", row.name)), None)

    @property
    def to_measure(self) -> WorthRow:
        """What to measure first."""
        return next(row for row in self.rows if row.kind in ("group", "number") and row.name == self.first)
