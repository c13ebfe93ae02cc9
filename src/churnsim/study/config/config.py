"""What a study asks: the schema of its TOML configuration.

Durations are strings with a unit ("104 W", "2 years") and are converted to the data's unit; rates of discount are
annual; money is in the currency of the data. A key that is not listed here is an error, never ignored.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from churnsim.data.summaries.calendar import MOST_PAIRS, Calendar
from churnsim.decisions.runs.parallel_map import Backend
from churnsim.errors import ConfigError
from churnsim.models.purchase.registry import simulated_families
from churnsim.study.config.evidence_sections import EvidenceSection
from churnsim.study.config.file_section import (
    CalendarSeriesSection,
    CovariatesSection,
    CustomerSeriesSection,
    DatedFile,
    SurveySection,
)
from churnsim.study.config.section import MOST_REPLICATIONS, Length, Level, Section, Slug
from churnsim.study.config.strategy_sections import StrategySection
from churnsim.study.config.what_if_sections import (
    BeliefSection,
    BreakEvenSection,
    DecideSection,
    OptimiseSection,
    PrecisionSection,
    SelectionSection,
    SensitivitySection,
)
from churnsim.units import Unit

__all__ = [
    "CHOOSE",
    "MADE_UP_SHOP",
    "BudgetSection",
    "ClaimsSection",
    "ComparisonSection",
    "DataSection",
    "ModelsSection",
    "SimulationSection",
    "StrategySection",
    "StudyConfig",
    "ValidationSection",
    "ValueSection",
]


CHOOSE = "choose"
"""The purchase model is chosen among the families on the holdout."""
MADE_UP_SHOP = "made-up-shop"
"""The data set that no firm has left: `churnsim.datasets.shop`."""
EARLIEST_DAY = date(1700, 1, 1)
"""pandas counts nanoseconds in 64 bits: from September 1677."""


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a date. Write year-month-day, such as 1997-09-30.") from None
    if isinstance(value, datetime):
        raise ValueError("is a date with a time of day. Write the date alone, such as 1997-09-30.")
    if isinstance(value, date) and not EARLIEST_DAY <= value <= date.today():
        when = "has not come yet" if value > EARLIEST_DAY else "is too long ago to be counted in nanoseconds"
        raise ValueError(f"{when}. Write a day from {EARLIEST_DAY} to today.")
    return value


def _workers(value: Any) -> int | str:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value  # type: ignore[no-any-return]
    raise ValueError("must be a whole number of at least 1, or 'all' for every core.")


Day = Annotated[date, BeforeValidator(_day)]
Workers = Annotated[
    int | str,
    PlainValidator(_workers),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]}, mode="validation"),
]
Rate = Annotated[float, Field(gt=-1, lt=10)]


class DataSection(DatedFile):
    """Which purchases, in which time unit, and where calibration ends."""

    dataset: Literal["cdnow", "cdnow-full", "made-up-shop"] | None = Field(
        default=None, description="a data set that comes with churnsim"
    )
    path: str | None = Field(default=None, description="a CSV, Parquet or Excel file, relative to this configuration")
    database: str | None = Field(default=None, description="a customer database of `churnsim db`, relative to this")
    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    date: str = Field(default="date", description="the column with the date")
    amount: str | Literal[False] = Field(
        default="amount", description="the column with the amount; false for a log without amounts"
    )
    price: str | None = Field(default=None, description="with quantity, in place of amount: the price of one")
    quantity: str | None = Field(default=None, description="with price: how many; below 0 for a refund")
    refunded: str | None = Field(default=None, description="what was given back of each amount, taken off it")
    currency_column: str = Field(default="currency", description="the column with each amount's currency, if there")
    exchange_rates: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="what one unit of each currency is worth, such as { USD = 1.0, EUR = 1.08 }"
    )
    guests: Literal["refuse", "apart"] = Field(
        default="refuse", description="a row without an id is bad, or left out and counted"
    )
    refunds: Literal["refuse", "apart", "net"] = Field(
        default="refuse", description="a negative amount is bad, left out, or taken off the purchases before it"
    )
    duplicates: Literal["keep", "set_aside"] = Field(default="keep", description="rows that repeat an earlier one")
    leave_out: dict[str, list[str]] = Field(
        default_factory=dict,
        description="rows that a column says are no purchases, such as { Status = ['void', 'refunded'] }",
    )  # fmt: skip
    most_bad: float | None = Field(default=None, ge=0, le=1, description="more bad rows than this share are an error")
    first_from: Day | None = Field(default=None, description="leave out customers who were seen before this day")
    currency: str = Field(default="", max_length=8, description="set before amounts in the report, such as '$'")
    unit: Unit = Field(description="the time unit of the models: 'D', 'W', 'M' or 'Y'")
    calibration_end: Day = Field(description="the last day the models are fitted to, such as 1997-09-30")
    holdout_end: Day | None = Field(
        default=None, description="the last day of the holdout; the data's last day if absent"
    )
    covariates: CovariatesSection | None = Field(
        default=None, description="what is known of each customer, and moves its purchase rate or its lifetime"
    )
    calendar_series: CalendarSeriesSection | None = Field(
        default=None, description="a file of numbers by day, the same for all, that move how often customers buy"
    )
    series: CustomerSeriesSection | None = Field(
        default=None, description="a file of numbers by customer and day that move how often each buys"
    )

    @property
    def has_amounts(self) -> bool:
        """Whether the log says what purchases were worth."""
        return self.amount is not False


def _simulated(family: str) -> str:
    known = (CHOOSE, *simulated_families())
    if family not in known:
        raise PydanticCustomError("literal_error", "unknown", {"expected": " or ".join(map(repr, known))})
    return family


class CalendarSection(Section):
    """What happens to everybody in calendar time and moves how often customers buy."""

    season: int = Field(
        default=0, ge=0, le=MOST_PAIRS, description="pairs of a cosine and a sine of the year and its parts"
    )
    months: bool = Field(default=False, description="each month but January, in place of a season")
    holidays: str | None = Field(default=None, description="public holidays of a place, such as 'US' or 'US-CA'")
    trend: Day | None = Field(default=None, description="the day from which years are counted")
    after: Literal["hold", "continue"] | None = Field(default=None, description="what the trend does after the data")
    grid: Literal["D", "W"] = Field(default="D", description="values change every day, or are means of weeks")

    @model_validator(mode="after")
    def _is_one(self) -> CalendarSection:
        try:
            _ = self.calendar
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if (self.trend is None) != (self.after is None):
            raise ValueError("a trend, and no other column, needs after = 'hold' or 'continue'.")
        return self

    @property
    def calendar(self) -> Calendar:
        """The calendar. Raises ConfigError where it describes none."""
        return Calendar(
            season=self.season, months=self.months, holidays=self.holidays, trend=self.trend, grid=self.grid
        )

    @property
    def future(self) -> dict[str, str]:
        """What comes after the data, as forecasts take it."""
        return {} if self.after is None else {"trend": self.after}


class ModelsSection(Section):
    """The model of how customers buy and leave, which the simulation then goes on with."""

    purchases: Annotated[str, AfterValidator(_simulated)] = Field(
        default=CHOOSE,
        description="a family, or 'choose': the one that foresees the held-out purchases best (log score)",
    )
    why: str = Field(default="", max_length=600, description="why that family, where one is named: the report says so")
    calendar: CalendarSection | None = Field(
        default=None, description="a season, months, holidays or a trend of the purchases"
    )
    leaving: CalendarSection | None = Field(
        default=None, description="beside it the same of how fast customers leave, of a model with a clock for that"
    )

    @property
    def clocks(self) -> dict[str, Calendar]:
        """The calendars, by the name of the argument with which a fit takes each."""
        given = {"calendar": self.calendar, "leaving": self.leaving}
        return {name: section.calendar for name, section in given.items() if section is not None}

    @property
    def future(self) -> dict[str, str]:
        """What comes after the data, as forecasts take it."""
        return {
            key: told for section in (self.leaving, self.calendar) if section for key, told in section.future.items()
        }


class ValidationSection(Section):
    """The replay of the holdout from what was known at the end of calibration."""

    replications: int = Field(default=100, ge=20, le=100_000, description="replays of the holdout")
    level: Level = Field(default=0.95, description="of the prediction interval")


class SimulationSection(Section):
    """How long, in what steps, how often."""

    horizon: Length = Field(description="how far ahead, such as '104 W'")
    period: Length = Field(description="how often the firm reviews and the books close, such as '4 W'")
    epoch: Length = Field(description="how soon one customer's doings reach another, such as '1 W'")
    replications: int = Field(ge=2, le=MOST_REPLICATIONS, description="replications of each strategy, at least 2")
    workers: Workers = Field(default="all", description="at a time: a number or 'all'; does not change the results")
    backend: Backend | None = Field(
        default=None, description="'threads', 'processes' or 'dask', a cluster; does not change the results"
    )
    dask_scheduler: str | None = Field(
        default=None, min_length=1, description="address of the cluster of backend 'dask', such as 'tcp://HOST:8786'"
    )
    engine: Literal["compiled", "simpy"] = Field(
        default="compiled", description="'compiled' for speed, 'simpy' to follow; both give the same results"
    )
    parameter_uncertainty: bool = Field(
        default=True, description="whether each replication draws the models' parameters from their estimation error"
    )
    beliefs: Literal["stated", "all", "none"] = Field(
        default="stated",
        description="which numbers of the market each replication draws: those that `[market]` gives an interval, all "
        "that have one by default too, or none",
    )


class ValueSection(Section):
    """The value of the customer base as fitted, before any strategy."""

    horizon: Length | None = Field(
        default=None, description="how far ahead to value; the simulation's horizon if absent"
    )
    annual_discount_rate: Rate | None = Field(default=None, description="annual and effective; the market's if absent")
    draws: int = Field(default=100, ge=20, le=10_000, description="parameter draws behind the interval")


class ComparisonSection(Section):
    """Against which strategy the others are measured."""

    against: str = Field(default="baseline", description="the name of the strategy to compare with")
    level: Level = Field(default=0.95, description="of the intervals")


class BudgetSection(Section):
    """One budget for every strategy, which each splits by `budget_share`."""

    per_period: float = Field(gt=0, le=1e15, description="currency per period")


class ClaimsSection(Section):
    """Which claims to test; a study without this table tests none."""

    test: tuple[str, ...] | None = Field(
        default=None, strict=False, max_length=500,
        description="ids of claims, and files (.toml, .py) of claims of one's own; the whole catalogue if absent",
    )  # fmt: skip
    quick: bool = Field(default=False, description="fewer replications in the tests that simulate")
    replications: int | None = Field(
        default=None, ge=2, description="of a test that simulates; as many as the strategies have if absent"
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="by a claim's id, numbers of its own (`churnsim claims show ID`) in place of its defaults",
    )


class ReportSection(Section):
    """How the report is written; changes no result."""

    locale: str = Field(
        default="en",
        pattern="^[a-z]{2}(-[A-Z]{2})?$",
        description="how numbers, money and dates are written, such as 'de-DE'; 'en' is that of the language",
    )
    language: Literal["en", "zh"] = Field(
        default="en", description="of the sentences: English, or Chinese in traditional characters"
    )


ADDED = ("p_alive_above", "p_alive_below")
"""Settings of strategies that came later: a study without them is the study that it was."""


class StudyConfig(Section):
    """A whole study."""

    name: Slug = Field(description="short, lower case; names the run directory")
    title: str = Field(description="of the report")
    question: str = Field(description="what was asked, in one or two sentences")
    seed: int = Field(ge=0, lt=2**63, description="of every random number of the study")
    data: DataSection
    models: ModelsSection = ModelsSection()
    validation: ValidationSection = ValidationSection()
    simulation: SimulationSection
    value: ValueSection = ValueSection()
    evidence: EvidenceSection | None = None
    market: dict[str, Any] = Field(
        default_factory=dict, description="assumptions other than the defaults, checked by `market_overrides`"
    )
    budget: BudgetSection | None = None
    strategy: tuple[StrategySection, ...] = Field(
        strict=False,
        min_length=1,
        max_length=200,
        description="at least two; of a log without amounts none need be given",
    )
    comparison: ComparisonSection = ComparisonSection()
    precision: PrecisionSection | None = None
    selection: SelectionSection | None = None
    belief: tuple[BeliefSection, ...] = Field(
        default=(), strict=False, max_length=50, description="maps of what one must believe"
    )
    sensitivity: SensitivitySection | None = None
    break_even: BreakEvenSection = BreakEvenSection()
    decide: DecideSection = DecideSection()
    optimise: OptimiseSection | None = None
    claims: ClaimsSection = ClaimsSection(test=())
    survey: SurveySection | None = None
    report: ReportSection = ReportSection()
    _folder: Path = Path(".")

    @model_validator(mode="before")
    @classmethod
    def _one_strategy_without_amounts(cls, content: Any) -> Any:
        """What customers do is simulated also where no strategy can be: under the one that does nothing."""
        data = content.get("data") if isinstance(content, dict) else None
        if isinstance(data, dict) and data.get("amount") is False and "strategy" not in content:
            return {**content, "strategy": [{"name": "baseline"}]}
        return content

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

    @property
    def parameter_draws(self) -> int:
        """How many draws of the models' parameters the market needs: one for each replication of whatever is run, and
        for each draw of a posterior that goes with them."""
        sections = (self.claims, self.sensitivity, *self.belief)
        learned = self.evidence.targets.draws if self.evidence and self.evidence.targets else 0
        # The search has replications of its own, the choice and the gap theirs.
        levers = self.optimise.replications + 2 * self.optimise.max_replications if self.optimise else 0
        return max(self.most_replications, learned, levers, *(s.replications or 0 for s in sections if s))

    def canonical(self) -> dict[str, Any]:
        """The configuration as plain JSON values, defaults filled in, without what cannot change the results."""
        content = self.model_dump(mode="json", exclude={"report"})
        for key in ("workers", "backend", "dask_scheduler", "engine"):
            del content["simulation"][key]
        for strategy in content["strategy"]:
            if strategy["mechanisms"] is None:  # a study without any is the study that it was before there were some
                del strategy["mechanisms"]
            for table in strategy.values():
                for name in ADDED if isinstance(table, dict) else ():
                    if table.get(name, "") is None:
                        del table[name]
        for key, left_out in (("break_even", BreakEvenSection()), ("decide", DecideSection())):  # likewise
            if getattr(self, key) == left_out:
                del content[key]
        for key in ("calendar", "leaving"):
            if self.models and getattr(self.models, key) is None:
                del content["models"][key]
        for key in ("calendar_series", "series"):
            if content["data"].get(key, "") is None:
                del content["data"][key]
        if self.optimise is None:
            del content["optimise"]
        if self.evidence is None:
            del content["evidence"]
        elif self.evidence.targets is None:
            del content["evidence"]["targets"]
        return content
