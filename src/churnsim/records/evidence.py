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


class EvidenceRecord(Record):
    """What was measured, table by table and number by number."""

    measured: list[MeasuredTable]
    numbers: list[MeasuredNumber]
