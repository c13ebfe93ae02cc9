"""What a run keeps of its survey, as types."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Piece, Row

__all__ = ["MeasuredRow", "Money", "State", "SurveyRecord"]


class MeasuredRow(Piece):
    """One estimate of an instrument or of a class of satisfaction."""

    name: str
    group: str
    estimate: Number
    lower: Number | None
    upper: Number | None
    n: int


class Instrument(Piece):
    """One instrument's results."""

    instrument: str
    says: str
    n: int
    warnings: list[str] = Field(default_factory=list)
    table: list[MeasuredRow]


class Ratio(Piece):
    """A rate's ratio per ten points of satisfaction."""

    ratio: Number
    lower: Number
    upper: Number
    e_value: Number


class Interval(Piece):
    """An amount with its interval."""

    estimate: Number
    lower: Number
    upper: Number


class Money(Piece):
    """Satisfaction beside what the same customers bought."""

    answered: Number
    joined: int
    not_found: int
    classes: list[MeasuredRow]
    buying: Ratio | None
    worth: Interval | None
    held_fixed: list[str] = Field(default_factory=list)


class State(Interval):
    """Satisfaction of the simulated customers: true, and as their sampled answers say."""

    customers: Number
    true: Number


class SurveyRecord(Piece):
    """survey.json."""

    source: str
    sampled: bool
    respondents: int
    level: Number
    quality: list[Row]
    instruments: list[Instrument]
    money: Money | None
    state: State | None
