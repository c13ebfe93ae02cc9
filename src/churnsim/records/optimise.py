"""What a run stores of the best levers of a strategy."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record


class Between(Record):
    """A mean with its interval."""

    mean: Number
    lower: Number
    upper: Number


class LeverRecord(Record):
    """A lever, its bounds, and its best value by the search."""

    lever: str
    value: Number
    low: Number
    high: Number


class MarginalReturn(Record):
    """What one unit more of a lever changes, looked at from `low` to `high`; of money per period also the
    return per unit of money spent, net of that unit."""

    lever: str
    value: Number
    low: Number
    high: Number
    change: Number
    lower: Number
    upper: Number
    per_unit_spent: Number | None = None
    per_unit_spent_lower: Number | None = None
    per_unit_spent_upper: Number | None = None


class FrontierRow(Record):
    """The best levers found for a total that is planned per period, and their lead over spending nothing."""

    spending: Number
    levers: dict[str, Number]
    mean: Number
    lower: Number
    upper: Number


class OptimisationRecord(Record):
    """The best levers of a strategy, or spending nothing, as `churnsim.decisions.Optimisation` has them.

    `chosen` says whether the levers are the answer; else it is spending nothing. `spending` is what is planned per
    period with them. Outcomes are in optimise.parquet, by point and replication.
    """

    strategy: str
    status: str
    chosen: bool
    levers: list[LeverRecord]
    spending: Number
    objective: str
    metric: str
    share: Number
    level: Number
    value: Between
    gain: Between
    lead: Between
    gap: Number
    gap_upper: Number
    gap_asked: Number
    certified: bool
    marginals: list[MarginalReturn]
    frontier: list[FrontierRow]
    points: int
    simulations: int
    replications: dict[str, int] = Field(default_factory=dict)
    words: list[str]
