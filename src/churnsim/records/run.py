"""What the JSON files of a run directory hold: written by a study, read by its report.

Money is in the data's currency (never cents), durations in the unit named beside them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from churnsim.records.base import Number, Record, Row
from churnsim.records.break_even import BreakEvenRecord
from churnsim.records.claim import ClaimRecord
from churnsim.records.customers import CustomersRecord
from churnsim.records.evidence import EvidenceRecord
from churnsim.records.information import InformationRecord
from churnsim.records.notices import Notices
from churnsim.records.optimise import OptimisationRecord
from churnsim.records.survey import SurveyRecord
from churnsim.records.survival import ModelValue, SurvivalRecord
from churnsim.records.what_if import PrecisionRecord, SelectionRecord, WhatIf


class DataFacts(Record):
    """Where the customers came from.

    `rows` are used, of `rows_read` where the source was read row by row, and make `purchases`; `left_out` counts the
    others by their reason, and `set_aside` shows the first of those that could not be used. `detected` says how the
    file was understood.
    """

    source: str
    checksum_sha256: str
    rows: int
    customers: int
    first: str
    last: str
    purchases: int | None = None
    rows_read: int | None = None
    left_out: dict[str, int] = Field(default_factory=dict)
    set_aside: list[Row] = Field(default_factory=list)
    detected: dict[str, str] = Field(default_factory=dict)
    currency: str = ""
    silent_days: int | None = None
    leavers: int | None = None


class Manifest(Record):
    """manifest.json: what was run, on what data, with which code; and how the `report` is to be written, where that was
    said. Relative paths of the `config` start at `folder`, which is relative to the run directory."""

    name: str
    title: str
    question: str
    hash: str
    config: Row
    seed: int
    engine: str
    churnsim: str
    versions: dict[str, str]
    recipe: Row = Field(default_factory=dict)
    platform: Row
    data: DataFacts
    folder: str = ""
    started: str
    finished: str | None
    seconds: Number | None
    workers: int
    backend: str | None = None
    outcome_keys: dict[str, str] = Field(default_factory=dict)
    stage_keys: dict[str, str] = Field(default_factory=dict)
    status: str
    products: dict[str, str] = Field(default_factory=dict)
    report: Row = Field(default_factory=dict)


class FitParameter(Record):
    """One estimate; an error or bound that could not be computed is None."""

    name: str
    estimate: Number
    standard_error: Number | None
    lower: Number | None
    upper: Number | None


class FitStatusRecord(Record):
    """How the fit ended, and what to do about it."""

    code: str
    message: str
    advice: str | None = None


FIT_LEVEL = 0.95
"""Of the intervals of fitted parameters as they are stored."""


class FitRecord(Record):
    """One fitted model. `unit` is the time unit of its log-likelihood."""

    family: str
    unit: str | None = None
    role: str
    model: Row = Field(default_factory=dict)
    parameters: list[FitParameter]
    loglik: Number
    aic: Number
    bic: Number
    n: Number
    status: FitStatusRecord
    spend_correlation: Number | None = None


Frequency = int | Annotated[str, Field(max_length=12)]
"""A number of repeat purchases, or a class of them such as "7+"."""


class FrequencyRow(Record):
    """Customers by calibration repeat count: counted and expected."""

    frequency: Frequency
    actual: Number
    expected: Number
    lower: Number | None = None
    upper: Number | None = None


class Holdout(Record):
    """Mean holdout purchases of the customers with this calibration repeat count; the interval is the actual mean's."""

    frequency: Frequency
    customers: int
    actual: Number | None
    expected: Number | None
    lower: Number | None = None
    upper: Number | None = None


class TrackingRow(Record):
    """Cumulative repeat purchases up to the end of one period; `plain` is what the model expects without its calendar,
    where it has one."""

    period: int
    date: str
    actual: Number
    expected: Number
    holdout: bool
    plain: Number | None = None


class SpeedRow(Record):
    """How fast the buying clock runs in the week that ends on a day; 1 is an average day's speed."""

    date: str
    speed: Number


class Actual(Record):
    """The actual number."""

    actual: Number


class SimulatedMean(Record):
    """A simulated mean with its interval, and by how much the actual number lies outside (0 when covered)."""

    mean: Number
    lower: Number
    upper: Number
    covered: bool
    miss: Number


class ReplayRecord(SimulatedMean, Actual):  # the fields of Actual come first
    """The holdout, simulated from the calibration posterior, against what happened."""

    level: Number
    replications: int
    note: str = ""
    with_parameter_uncertainty: SimulatedMean | None = None


class ValidationRecord(Record):
    """validation.json: predictions against purchases that were held out."""

    calibration_end: str
    holdout_end: str
    unit: str
    frequency: list[FrequencyRow]
    holdout_by_frequency: list[Holdout]
    tracking: list[TrackingRow]
    replay: ReplayRecord | None = None
    season: list[SpeedRow] = Field(default_factory=list)  # of a purchase model with a calendar, from the whole log

    @classmethod
    def nothing(cls, unit: str, *, calibration_end: str = "", holdout_end: str = "") -> ValidationRecord:
        """Of a run that holds no purchases out, or whose validation failed."""
        return cls(
            calibration_end=calibration_end, holdout_end=holdout_end, unit=unit, frequency=[], holdout_by_frequency=[],
            tracking=[], replay=None,
        )  # fmt: skip


class Decile(Record):
    """Customers ordered by expected value, in tenths; 1 is the most valuable."""

    decile: int
    customers: int
    value: Number


class ValueRecord(Record):
    """value.json: expected discounted value of the customers in the data over `horizon` (in `unit`, by default the
    models').

    `estimation_lower` and `estimation_upper` bound the error of the parameters alone. Where purchases were held out,
    `holdout_ratio` is how many came for each that was forecast, and `lower` and `upper` reach as far as if the value
    missed by that factor.
    """

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
    estimation_lower: Number | None = None
    estimation_upper: Number | None = None
    holdout_ratio: Number | None = None
    by_decile: list[Decile] = Field(default_factory=list)
    by_model: list[ModelValue] = Field(default_factory=list)
    average_churn: Number | None = None


class AssumptionRecord(Record):
    """One row of assumptions.json: a parameter of the market, with where it comes from.

    `low` to `high` is its 90% interval by `law`. Where replications draw it, `share` of the variance of `answer`, a
    difference over replications, goes with it.
    """

    parameter: str
    value: Any
    low: Number | None = None
    high: Number | None = None
    law: str = ""
    drawn: bool = False
    share: Number | None = None
    answer: str = ""
    unit: str | None = ""
    meaning: str
    source: str | None = ""
    status: str


class StrategyRecord(Record):
    """One strategy of strategies.json: what the firm chooses."""

    name: str
    title: str
    description: str = ""
    reference: bool = False
    settings: Row = Field(default_factory=dict)
    budget_per_period: Number | None = None


class Level(Record):
    """The mean of one metric under one strategy."""

    strategy: str
    metric: str = ""
    mean: Number
    lower: Number | None
    upper: Number | None
    sd: Number | None = None


Reading = Literal["better", "worse", "undecided"]


def reading(lower: float | None, upper: float | None) -> Reading:
    """What the interval of a difference allows to be said."""
    if lower is None or upper is None:
        return "undecided"
    if lower > 0:
        return "better"
    return "worse" if upper < 0 else "undecided"


class Difference(Record):
    """One strategy less another, replication by replication under common random numbers."""

    strategy: str
    against: str
    metric: str = ""
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

    @property
    def reading(self) -> Reading:
        """What its interval allows to be said."""
        return reading(self.lower, self.upper)


class Metric(Record):
    """Levels and paired differences of one outcome."""

    levels: list[Level]
    differences: list[Difference]


class Account(Record):
    """What one strategy spends on one account over the horizon, on average."""

    strategy: str
    account: str
    mean: Number


class Activity(Record):
    """How often something happens under one strategy over the horizon, on average; of a stock ("members", the paying
    members at a period's start) the average over the periods."""

    strategy: str
    what: str
    mean: Number


class Chance(Record):
    """How surely one strategy earns most of those that may be chosen, spending nothing among them, and the expected
    loss of choosing it: how much less it earns than the best of them, on average over replications."""

    strategy: str
    metric: str = ""
    chance: Number
    chance_lower: Number
    chance_upper: Number
    loss: Number
    loss_lower: Number
    loss_upper: Number | None


class PathRow(Record):
    """One strategy at the end of one period: active customers, and profit cumulated so far."""

    strategy: str
    period: int
    active_mean: Number
    active_lower: Number
    active_upper: Number
    profit_mean: Number
    profit_lower: Number
    profit_upper: Number


class ComparisonRecord(Record):
    """comparison.json: the strategies side by side, against one of them.

    `nothing` is the strategy that spends nothing, where there is one besides `against`, and `against_nothing` how much
    more the others earn than it (net present value), `against_nothing_later` with what active customers are then still
    expected to earn. `best` says of those in the running and of spending nothing how
    surely each is best (net present value). `annual_discount_rates` is what each replication is discounted at, where
    that rate is not known exactly.
    """

    against: str
    nothing: str | None = None
    against_nothing: list[Difference] = Field(default_factory=list)
    against_nothing_later: list[Difference] = Field(default_factory=list)
    best: list[Chance] = Field(default_factory=list)
    level: Number
    replications: int
    annual_discount_rates: list[Number] = Field(default_factory=list)
    metrics: dict[str, Metric]
    spending: list[Account]
    activity: list[Activity] = Field(default_factory=list)
    path: list[PathRow]
    precision: PrecisionRecord | None = None
    selection: SelectionRecord | None = None


class Run(Record):
    """The stored results of a complete run, by file; `load_run` reads it.

    Attributes
    ----------
    manifest : Manifest
        What was run, on what data, with which code.
    fits : dict of str to FitRecord
        Fitted models by their role.
    validation : ValidationRecord
        Predictions against purchases that were held out.
    survival : SurvivalRecord or None
        How long subscribers stay; of studies of subscribers.
    value : ValueRecord or None
        What the customers in the data are worth (money).
    customers : CustomersRecord or None
        Cohorts, how much the best customers bring, and on whom most depends; of studies of purchases.
    assumptions : list of AssumptionRecord
        The numbers that outcomes rest on, with source and status.
    strategies : list of StrategyRecord
        What the firm does under each strategy.
    comparison : ComparisonRecord
        The strategies side by side.
    claims : list of ClaimRecord
        Claims with their answers.
    survey : SurveyRecord or None
        What customers answered.
    what_if : WhatIf
        Maps of assumptions and sensitivity.
    evidence : EvidenceRecord or None
        What the firm's own records measured; of studies with any.
    break_even : BreakEvenRecord or None
        What it would take each mechanism of the strategies to pay.
    value_of_information : InformationRecord or None
        What it is worth to know a number before choosing; of studies with beliefs and enough replications.
    optimise : OptimisationRecord or None
        The best levers of a strategy; of studies that ask for them.
    notices : Notices
        Warnings, failures, and strategies that are not ranked.
    """

    manifest: Manifest
    fits: dict[str, FitRecord]
    validation: ValidationRecord
    survival: SurvivalRecord | None = None
    value: ValueRecord | None
    customers: CustomersRecord | None = None
    assumptions: list[AssumptionRecord]
    strategies: list[StrategyRecord]
    comparison: ComparisonRecord
    claims: list[ClaimRecord]
    survey: SurveyRecord | None = None
    what_if: WhatIf = Field(default_factory=WhatIf)
    evidence: EvidenceRecord | None = None
    break_even: BreakEvenRecord | None = None
    value_of_information: InformationRecord | None = None
    optimise: OptimisationRecord | None = None
    notices: Notices = Field(default_factory=Notices)
