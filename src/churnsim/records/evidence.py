"""evidence.json: what the firm's own records measured, and what that changed."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record, Row


class CheckRecord(Record):
    """One check of a table's estimator: whether it passed, None of a remark that nobody can fail, and its words."""

    name: str
    passed: bool | None = None
    p_value: Number | None = None
    message: str


class MeasuredTable(Record):
    """What one table of records measured: `rows` of it from `source`, without those `left_out` that lie after the
    study's end and the bad ones that were `set_aside`; the estimator's own words, its checks, and its status."""

    kind: str
    source: str
    rows: int
    left_out: int = 0
    set_aside: list[Row] = Field(default_factory=list)
    status: str
    words: list[str]
    checks: list[CheckRecord] = Field(default_factory=list)


class MeasuredNumber(Record):
    """A number of the market before it was measured and as measured, each with the interval of level `level`.

    `used` is False where the configuration states the number with a status at least as strong: then it stands.
    """

    parameter: str
    kind: str
    meaning: str
    unit: str = ""
    used: bool
    level: Number
    value: Number
    low: Number
    high: Number
    status: str
    source: str
    before: Number
    before_low: Number
    before_high: Number
    before_status: str
    before_source: str


class TargetRecord(Record):
    """A figure that is known, and what simulations give before calibration and after: medians with their intervals.

    `inside` is the share of the posterior's simulations in the figure's interval, `surprise` the probability before
    calibration of one as far out.
    """

    target: str
    source: str
    low: Number
    high: Number
    before: Number
    before_low: Number
    before_high: Number
    after: Number
    after_low: Number
    after_high: Number
    inside: Number
    surprise: Number
    reached: bool


class CalibratedNumber(Record):
    """A number of the market before calibration and after, which share of its variance the targets took, and the one
    that took `most`; "" where that is no more than chance may do."""

    parameter: str
    meaning: str
    unit: str = ""
    before: Number
    before_low: Number
    before_high: Number
    before_status: str
    value: Number
    low: Number
    high: Number
    narrowed: Number
    most: str = ""
    status: str
    source: str


class MovedNumber(Record):
    """What one target does to one number by itself: the `shift` of its mean in standard deviations of the prior, and
    the share of its variance that goes."""

    parameter: str
    target: str
    shift: Number
    narrowed: Number


class CalibrationRecord(Record):
    """What the figures known of the time under one strategy say of the market's numbers: of what is believed, what
    simulations of these figures leave. `effective` is how many independent draws the posterior is worth. Where a target
    is not reached the numbers are what comes nearest, and the study does not use them."""

    strategy: str
    level: Number
    draws: int
    effective: Number
    runs: int
    reached: bool
    status: str
    targets: list[TargetRecord]
    numbers: list[CalibratedNumber]
    moved: list[MovedNumber]


class EvidenceRecord(Record):
    """What was measured, table by table and number by number, and what the numbers were then calibrated to."""

    measured: list[MeasuredTable]
    numbers: list[MeasuredNumber]
    calibration: CalibrationRecord | None = None
