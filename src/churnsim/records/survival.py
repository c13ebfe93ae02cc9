"""What a study of subscribers stores beside the rest: survival, its models, and the churn model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from churnsim.records.base import Number, Record, Row


class ModelValue(Record):
    """The customers' value by one model, and by how much one average churn rate misses it."""

    model: str
    total: Number
    lower: Number | None = None
    upper: Number | None = None
    average_rate_error: Number | None = None
    rank_correlation: Number | None = None
    moved: Number | None = None


class CurvePoint(Record):
    """SurvivalRecord at one tenure: observed with its simultaneous band, by the chosen family, the sBG, and simulated:
    new subscribers who stay as observed (`simulated`), and those of the strategies' market (`arrivals`)."""

    tenure: Number
    survival: Number
    lower: Number
    upper: Number
    chosen: Number
    sbg: Number
    simulated: Number
    arrivals: Number | None = None


class ScoreRow(Record):
    """One held-out score of the churn model, with its interval."""

    score: str
    value: Number | None
    lower: Number | None = None
    upper: Number | None = None


def _names_a_model(row: Row) -> Row:
    if not isinstance(row.get("model"), str):
        raise PydanticCustomError("model", "a family needs the name of its model")
    return row


class ChurnRecord(Record):
    """The churn model's held-out scores; the other tables as stored."""

    kind: str
    split: str
    horizon: Number
    customers: int
    leavers: int
    scores: list[ScoreRow]
    calibration: list[Row]
    lift: list[Row]
    importance: list[Row]


class SurvivalRecord(Record):
    """survival.json: how long subscribers stay."""

    unit: str
    customers: int
    leavers: int
    band_level: Number
    band: str = ""
    inside: int
    tenures: int
    choice: str
    why: str
    stays_by: Literal["regression", "sbg", "bdw", "curve"] = "curve"
    families: list[Annotated[Row, AfterValidator(_names_a_model)]]
    curve: list[CurvePoint] = Field(min_length=1)
    hazard_ratios: list[Row]
    proportional: list[Row] = Field(default_factory=list)
    regression_status: str
    churn: ChurnRecord
