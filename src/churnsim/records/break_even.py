"""What a run stores of what it would take to pay: each mechanism by itself, and where its numbers break even."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record


class MechanismGain(Record):
    """What a mechanism earns more than doing nothing over the horizon (net present value), and the money a
    period at which it would break even (`worth`)."""

    mean: Number
    lower: Number
    upper: Number
    worth: Number


class BreakEvenRow(Record):
    """Where a number of a mechanism makes it earn as much as doing nothing, in the firm's unit.

    `pays` says on which side of `at` it earns more, or that it does so for "always" all or "never" one of the values
    from `low` to `high`, and `sure` whether no interval of what it earns there includes 0. `lower` and `upper` are None
    where the interval reaches beyond them. `value` is the number as it is, with its `status` and source, and
    `value_low` to `value_high` the interval of what is believed of it.
    """

    lever: str
    address: str
    share: bool = False
    metric: str
    value: Number
    status: str
    source: str = ""
    pays: str
    at: Number | None
    lower: Number | None
    upper: Number | None
    low: Number
    high: Number
    sure: bool = True
    value_low: Number | None = None
    value_high: Number | None = None


class Alone(Record):
    """A mechanism by itself, as `strategy` uses it, with all that this strategy plans to spend a period (`budget`;
    what it costs where that is less, or nothing is planned).

    `at_best` is what it would earn if it worked as well as can be, where that means something.
    """

    mechanism: str
    strategy: str
    budget: Number
    gain: MechanismGain
    at_best: MechanismGain | None = None
    rows: list[BreakEvenRow] = Field(default_factory=list)


class VarianceShare(Record):
    """A share of a variance with its interval."""

    mean: Number
    lower: Number
    upper: Number


class VarianceRecord(Record):
    """Where the spread of the difference between two strategies over replications comes from: shares of chance, of the
    error of the fitted parameters, and of what is believed of the market's numbers."""

    strategy: str
    against: str
    sd: Number
    replications: int
    chance: VarianceShare
    estimation: VarianceShare
    beliefs: VarianceShare


class BreakEvenRecord(Record):
    """break_even.json: the mechanisms of the strategies, each by itself; and where the spread of the best one's gain
    comes from."""

    level: Number
    replications: int
    alone: list[Alone] = Field(default_factory=list)
    variance: VarianceRecord | None = None
