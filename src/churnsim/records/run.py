"""What a run directory holds, as types: the pieces a report is made from.

Unknown keys are ignored, so that a run may store more than a report shows; a missing or mistyped one is refused.
Money is in the data's currency (never cents), durations in the unit named beside them.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from churnsim.records.base import Number, Piece, Row
from churnsim.records.claim import Claim
from churnsim.records.survey import SurveyRecord
from churnsim.records.survival import ModelValue, Survival
from churnsim.records.what_if import Precision, Selection, WhatIf

__all__ = [
    "Account", "Assumption", "Comparison", "DataFacts", "Decile", "Difference", "Fit",
    "FitParameter", "FitStatus", "FrequencyRow", "Holdout", "Interval", "Level", "Manifest", "Metric",
    "PathRow", "Replay", "Run", "StrategyFacts", "TrackingRow", "Validation", "Value",
]  # fmt: skip


class DataFacts(Piece):
    """Where the customers came from; `set_aside` lists the rows that could not be used."""

    source: str
    checksum_sha256: str
    rows: int
    customers: int
    first: str
    last: str
    set_aside: list[Row] = Field(default_factory=list)
    currency: str = ""


class Manifest(Piece):
    """What was run, on what, with what."""

    name: str
    title: str
    question: str
    hash: str
    config: Row
    seed: int
    engine: str
    churnsim: str
    versions: dict[str, str]
    platform: Row
    data: DataFacts
    started: str
    finished: str | None
    seconds: Number | None
    workers: int
    status: str


class FitParameter(Piece):
    """One estimate; an error or bound that could not be computed is None."""

    name: str
    estimate: Number
    standard_error: Number | None
    lower: Number | None
    upper: Number | None


class FitStatus(Piece):
    """What happened in the fit, in words; `ok` may be left out, as `code` says it."""

    code: str
    message: str
    advice: str | None = None


class Fit(Piece):
    """One fitted model. `unit` is the time unit of its log-likelihood."""

    family: str
    unit: str | None = None
    role: str
    parameters: list[FitParameter]
    loglik: Number
    aic: Number
    bic: Number
    n: int
    status: FitStatus
    spend_correlation: Number | None = None


class FrequencyRow(Piece):
    """Customers by calibration repeat count: counted and expected."""

    frequency: str
    actual: Number
    expected: Number
    lower: Number | None = None
    upper: Number | None = None


class Holdout(Piece):
    """Mean holdout purchases of the customers with this calibration repeat count; the interval is the actual mean's."""

    frequency: str
    customers: int
    actual: Number | None
    expected: Number | None
    lower: Number | None = None
    upper: Number | None = None


class TrackingRow(Piece):
    """Cumulative repeat purchases up to the end of one period."""

    period: int
    date: str
    actual: Number
    expected: Number
    holdout: bool


class Interval(Piece):
    """A simulated mean with its interval, and by how much the actual number lies outside (0 when covered)."""

    mean: Number
    lower: Number
    upper: Number
    covered: bool
    miss: Number


class Replay(Interval):
    """The holdout, simulated from the calibration posterior, against what happened."""

    actual: Number
    level: Number
    replications: int
    note: str = ""
    with_parameter_uncertainty: Interval | None = None


class Validation(Piece):
    """Does the model predict customers it did not see?"""

    calibration_end: str
    holdout_end: str
    unit: str
    frequency: list[FrequencyRow]
    holdout_by_frequency: list[Holdout]
    tracking: list[TrackingRow]
    replay: Replay | None = None


class Decile(Piece):
    """Customers ordered by expected value, in tenths; 1 is the most valuable."""

    decile: int
    customers: int
    value: Number


class Value(Piece):
    """Expected discounted value of the customers in the data over `horizon`, in `unit` (the models' if absent)."""

    annual_discount_rate: Number
    horizon: Number
    unit: str | None = None
    margin: Number | None
    total: Number
    lower: Number | None
    upper: Number | None
    level: Number
    customers: int
    mean_p_alive: Number | None = None
    by_decile: list[Decile] = Field(default_factory=list)
    by_model: list[ModelValue] = Field(default_factory=list)
    average_churn: Number | None = None


class Assumption(Piece):
    """One parameter of the market, with where it comes from."""

    parameter: str
    value: Any
    unit: str | None = ""
    meaning: str
    source: str | None = ""
    status: str


class StrategyFacts(Piece):
    """What the firm chooses."""

    name: str
    title: str
    description: str = ""
    reference: bool = False
    settings: Row = Field(default_factory=dict)
    budget_per_period: Number | None = None


class Level(Piece):
    """The mean of one metric under one strategy."""

    strategy: str
    mean: Number
    lower: Number | None
    upper: Number | None
    sd: Number | None = None


class Difference(Piece):
    """One strategy less another, replication by replication under common random numbers."""

    strategy: str
    against: str
    mean: Number
    lower: Number | None
    upper: Number | None
    bootstrap_lower: Number | None = None
    bootstrap_upper: Number | None = None
    future_lower: Number | None = None
    future_upper: Number | None = None
    correlation: Number | None = None
    variance_reduction: Number | None = None
    replications: int


class Metric(Piece):
    """Levels and paired differences of one outcome."""

    levels: list[Level]
    differences: list[Difference]


class Account(Piece):
    """What one strategy spends on one account over the horizon, on average."""

    strategy: str
    account: str
    mean: Number


class PathRow(Piece):
    """One strategy at the end of one period: active customers, and profit cumulated so far."""

    strategy: str
    period: int
    active_mean: Number
    active_lower: Number
    active_upper: Number
    profit_mean: Number
    profit_lower: Number
    profit_upper: Number


class Comparison(Piece):
    """The strategies side by side, against one of them."""

    against: str
    level: Number
    replications: int
    metrics: dict[str, Metric]
    spending: list[Account]
    path: list[PathRow]
    precision: Precision | None = None
    selection: Selection | None = None


class Run(Piece):
    """A complete run, ready to be told."""

    manifest: Manifest
    fits: dict[str, Fit]
    validation: Validation
    survival: Survival | None = None
    value: Value | None
    assumptions: list[Assumption]
    strategies: list[StrategyFacts]
    comparison: Comparison
    claims: list[Claim]
    survey: SurveyRecord | None = None
    what_if: WhatIf = Field(default_factory=WhatIf)
