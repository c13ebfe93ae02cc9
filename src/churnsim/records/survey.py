"""What a run stores of its survey."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record, Row


class MeasuredRow(Record):
    """One estimate of an instrument or of a class of satisfaction."""

    name: str
    estimate: Number
    standard_error: Number | None = None
    lower: Number | None
    upper: Number | None
    n: int
    group: str


class InstrumentRecord(Record):
    """One instrument's results."""

    instrument: str
    says: str
    n: int
    level: Number | None = None
    warnings: list[str] = Field(default_factory=list)
    table: list[MeasuredRow]
    reliability: list[Row] = Field(default_factory=list)
    details: dict[str, list[Row]] = Field(default_factory=dict)


class Ratio(Record):
    """A rate's ratio per ten points of satisfaction."""

    what: str = ""
    coefficient: Number | None = None
    standard_error: Number | None = None
    ratio: Number
    lower: Number
    upper: Number
    e_value: Number
    n: int | None = None
    says: str = ""


class Amount(Record):
    """An amount with its interval."""

    estimate: Number
    lower: Number
    upper: Number


class SatisfactionMoney(Record):
    """Satisfaction beside what the same customers bought."""

    answered: Number
    joined: int
    not_found: int
    classes: list[MeasuredRow]
    confounding: str = ""
    buying: Ratio | None
    worth: Amount | None
    held_fixed: list[str] = Field(default_factory=list)


class Truth(Record):
    """Satisfaction of the simulated customers as it is, from -1 to 1."""

    customers: Number
    true: Number


class SatisfactionState(Amount, Truth):  # the fields of Truth come first
    """Satisfaction of the simulated customers: true, and as their sampled answers say."""


class SurveyRecord(Record):
    """survey.json: the survey's instruments, and satisfaction beside purchases and the simulated customers."""

    source: str
    sampled: bool
    respondents: int
    level: Number
    quality: list[Row]
    instruments: list[InstrumentRecord]
    money: SatisfactionMoney | None
    state: SatisfactionState | None
