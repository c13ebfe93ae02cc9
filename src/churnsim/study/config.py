"""What a study asks: the schema of its TOML configuration.

Durations are strings with a unit ("104 W", "2 years") and are converted to the data's unit; rates of discount are
annual; money is in the currency of the data. A key that is not listed here is an error, never ignored.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator

from churnsim.units import Duration, Unit, parse_duration

__all__ = [
    "MOST_REPLICATIONS",
    "AcquisitionSection",
    "AskingSection",
    "BudgetSection",
    "ChurnSection",
    "ClaimsSection",
    "ComparisonSection",
    "DataSection",
    "DeskSection",
    "PrecisionSection",
    "RetentionSection",
    "SelectionSection",
    "SimulationSection",
    "StrategySection",
    "StudyConfig",
    "ValidationSection",
    "ValueSection",
]


def _length(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    duration = parse_duration(value)
    if duration.value == 0:
        raise ValueError("must be longer than zero.")
    return duration


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a date. Write year-month-day, such as 1997-09-30.") from None
    if isinstance(value, datetime):
        raise ValueError("is a date with a time of day. Write the date alone, such as 1997-09-30.")
    return value


def _workers(value: Any) -> int | str:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value  # type: ignore[no-any-return]
    raise ValueError("must be a whole number of at least 1, or 'all' for every core.")


MOST_REPLICATIONS = 100_000

Length = Annotated[
    Duration, BeforeValidator(_length), PlainSerializer(lambda length: f"{length.value!r} {length.unit}")
]
Day = Annotated[date, BeforeValidator(_day)]
Workers = Annotated[int | str, PlainValidator(_workers)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
Rate = Annotated[float, Field(gt=-1, lt=10)]
Share = Annotated[float, Field(gt=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1e15)]
Level = Annotated[float, Field(gt=0.5, lt=1)]


class _Section(BaseModel):
    """A table of the configuration: unknown keys are errors, nothing is coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataSection(_Section):
    """Which transactions, in which time unit, and where calibration ends."""

    dataset: Literal["cdnow", "cdnow-full"] | None = Field(
        default=None, description="a data set that comes with churnsim"
    )
    path: str | None = Field(default=None, description="a CSV or Parquet file, relative to this configuration")
    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    date: str = Field(default="date", description="the column with the date")
    amount: str = Field(default="amount", description="the column with the amount")
    date_format: str | None = Field(default=None, description="such as '%Y-%m-%d'")
    delimiter: str | None = Field(default=None, description="what separates the columns; a comma if absent")
    encoding: str = Field(default="utf-8", description="of the file")
    on_bad: Literal["raise", "set_aside"] = Field(default="raise", description="what to do with a bad row")
    currency: str = Field(default="", max_length=8, description="set before amounts in the report, such as '$'")
    unit: Unit = Field(description="the time unit of the models: 'D', 'W', 'M' or 'Y'")
    calibration_end: Day = Field(description="the last day the models are fitted to, such as 1997-09-30")
    holdout_end: Day | None = Field(
        default=None, description="the last day of the holdout; the data's last day if absent"
    )


class ValidationSection(_Section):
    """The replay of the holdout from what was known at the end of calibration."""

    replications: int = Field(default=100, ge=20, le=100_000, description="replays of the holdout")
    level: Level = Field(default=0.95, description="of the prediction interval")


class SimulationSection(_Section):
    """How long, in what steps, how often."""

    horizon: Length = Field(description="how far ahead, such as '104 W'")
    period: Length = Field(description="how often the firm reviews and the books close, such as '4 W'")
    epoch: Length = Field(description="how soon one customer's doings reach another, such as '1 W'")
    replications: int = Field(ge=2, le=MOST_REPLICATIONS, description="replications of each strategy, at least 2")
    workers: Workers = Field(default="all", description="processes: a number or 'all'; does not change the results")
    engine: Literal["compiled", "simpy"] = Field(
        default="compiled", description="'compiled' for speed, 'simpy' to follow; both give the same results"
    )
    parameter_uncertainty: bool = Field(
        default=True, description="whether each replication draws the models' parameters from their estimation error"
    )


class ValueSection(_Section):
    """The value of the customer base as fitted, before any strategy."""

    horizon: Length | None = Field(
        default=None, description="how far ahead to value; the simulation's horizon if absent"
    )
    annual_discount_rate: Rate | None = Field(default=None, description="annual and effective; the market's if absent")
    draws: int = Field(default=100, ge=20, le=10_000, description="parameter draws behind the interval")


class ComparisonSection(_Section):
    """Against which strategy the others are measured."""

    against: str = Field(default="baseline", description="the name of the strategy to compare with")
    level: Level = Field(default=0.95, description="of the intervals")


class PrecisionSection(_Section):
    """How precisely the differences should be known: replications are added until they are, or the budget ends."""

    half_width: float = Field(gt=0, le=1e15, description="of the widest interval of a difference, in currency")
    metric: Literal["npv", "equity", "profit"] = Field(default="npv", description="whose differences")
    max_replications: int = Field(default=1000, ge=10, le=MOST_REPLICATIONS, description="replications at most")


class SelectionSection(_Section):
    """Choosing the best strategy with a guaranteed probability (Kim & Nelson 2001), with as many replications as that
    takes."""

    indifference: float = Field(gt=0, le=1e15, description="the smallest difference that matters, in currency")
    metric: Literal["npv", "equity", "profit"] = Field(default="npv", description="what is best")
    level: Level = Field(default=0.95, description="probability of a correct selection")
    first_stage: int = Field(default=20, ge=5, le=1000, description="replications before anything is ruled out")
    max_replications: int = Field(default=1000, ge=10, le=MOST_REPLICATIONS, description="replications at most")


class BudgetSection(_Section):
    """One budget for every strategy, which each splits by `budget_share`."""

    per_period: float = Field(gt=0, le=1e15, description="currency per period")


class AcquisitionSection(_Section):
    """Spending on new customers: a share of the common budget or an amount of its own."""

    budget_share: Share | None = Field(default=None, description="share of [budget] per_period")
    budget_per_period: Money | None = Field(default=None, description="currency per period")


class RetentionSection(_Section):
    """Contacts to customers chosen by a rule: a share of the common budget or an amount of its own."""

    budget_share: Share | None = Field(default=None, description="share of [budget] per_period")
    budget_per_period: Money | None = Field(default=None, description="currency per period")
    rule: Literal["all", "top_value", "recent_buyers"] | None = Field(default=None, description="who is contacted")
    share: Share | None = Field(default=None, description="the top share contacted, for rule = 'top_value'")
    within: Length | None = Field(default=None, description="bought within this time, for rule = 'recent_buyers'")


class DeskSection(_Section):
    """A complaint desk: its wages are a share of the common budget or an amount of their own."""

    budget_share: Share | None = Field(default=None, description="share of [budget] per_period that pays the wages")
    wage_per_period: Money | None = Field(default=None, description="currency per member of staff and period")
    staff: int = Field(ge=1, le=100_000, description="people at the desk")
    mean_service_time: Length = Field(description="mean time to deal with one complaint")
    cost_per_reply: Money | None = Field(default=None, description="currency per reply, on top of wages")


class AskingSection(_Section):
    """Every buyer is asked whether all was well, so that more of the dissatisfied complain."""

    cost_per_purchase: Money = Field(description="currency per purchase, on top of the budget")


class ChurnSection(_Section):
    """A what-if without cost: every dropout probability p becomes max(0, factor p - points)."""

    factor: float = Field(default=1.0, ge=0, le=1, description="what p is multiplied by")
    points: float = Field(default=0.0, ge=0, le=1, description="what is taken from p")


class StrategySection(_Section):
    """What the firm does; a mechanism left out is off and costs nothing."""

    name: Slug = Field(description="short, lower case, such as 'retention-heavy'")
    title: str = Field(default="", description="as the report prints it")
    description: str = Field(default="", description="one sentence")
    reference: bool = Field(default=False, description="for orientation: compared, but not in the running")
    acquisition: AcquisitionSection | None = None
    retention: RetentionSection | None = None
    desk: DeskSection | None = None
    asking: AskingSection | None = None
    churn: ChurnSection | None = None


class ClaimsSection(_Section):
    """Which claims of the catalogue to test."""

    test: tuple[str, ...] | None = Field(default=None, strict=False, description="ids of claims; all of them if absent")
    quick: bool = Field(default=False, description="fewer replications in the tests that simulate")


class StudyConfig(_Section):
    """A whole study."""

    name: Slug = Field(description="short, lower case; names the run directory")
    title: str = Field(description="of the report")
    question: str = Field(description="what was asked, in one or two sentences")
    seed: int = Field(ge=0, lt=2**63, description="of every random number of the study")
    data: DataSection
    validation: ValidationSection = ValidationSection()
    simulation: SimulationSection
    value: ValueSection = ValueSection()
    market: dict[str, Any] = Field(
        default_factory=dict, description="assumptions other than the defaults, checked by `market_overrides`"
    )
    budget: BudgetSection | None = None
    strategy: tuple[StrategySection, ...] = Field(strict=False, min_length=2, description="at least two")
    comparison: ComparisonSection = ComparisonSection()
    precision: PrecisionSection | None = None
    selection: SelectionSection | None = None
    claims: ClaimsSection = ClaimsSection()
    _folder: Path = Path(".")

    @property
    def folder(self) -> Path:
        """Where the configuration file lies: a relative data path starts here."""
        return self._folder

    @property
    def most_replications(self) -> int:
        """How many replications there may be at most: more than `simulation.replications` where a precision or a
        selection may ask for them."""
        asked = (section.max_replications for section in (self.precision, self.selection) if section)
        return max(self.simulation.replications, *asked, 0)

    def canonical(self) -> dict[str, Any]:
        """The configuration as plain JSON values, defaults filled in, without what cannot change the results."""
        content = self.model_dump(mode="json")
        for key in ("workers", "engine"):
            del content["simulation"][key]
        return content
