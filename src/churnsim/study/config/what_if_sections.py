"""What a study may ask beyond its comparison: a precision, a choice of the best, maps of what one must believe, and
which assumptions the answer depends on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churnsim.study.config.section import MOST_REPLICATIONS, Level, Money, Section, Slug

Metric = Literal["npv", "equity", "profit"]
Bounds = Annotated[tuple[float, float], Field(strict=False)]


class PrecisionSection(Section):
    """How precisely the differences should be known: replications are added until they are, or the budget ends."""

    half_width: float = Field(gt=0, le=1e15, description="of the widest interval of a difference, in currency")
    metric: Metric = Field(default="npv", description="whose differences")
    max_replications: int = Field(default=1000, ge=10, le=MOST_REPLICATIONS, description="replications at most")


class SelectionSection(Section):
    """Choosing the best strategy with a guaranteed probability (Kim & Nelson 2001), with as many replications as that
    takes."""

    indifference: float = Field(gt=0, le=1e15, description="the smallest difference that matters, in currency")
    metric: Metric = Field(default="npv", description="what is best")
    level: Level = Field(default=0.95, description="probability of a correct selection")
    first_stage: int = Field(default=20, ge=5, le=1000, description="replications before anything is ruled out")
    max_replications: int = Field(default=1000, ge=10, le=MOST_REPLICATIONS, description="replications at most")


class BeliefSection(Section):
    """A map of what one must believe: where in the range of two or three assumptions a statement holds."""

    name: Slug = Field(description="short, lower case; names the map")
    title: str = Field(default="", description="the statement as the report prints it; made from the keys if absent")
    strategy: str = Field(description="the strategy that the statement is about")
    against: str | None = Field(default=None, description="the strategy it is compared with, if any")
    metric: Metric = Field(default="npv", description="what is looked at")
    relative: bool = Field(default=False, description="whether the difference is taken as a share of `against`")
    above: float | None = Field(default=None, description="holds above this; 0 if neither above nor below is given")
    below: float | None = Field(default=None, description="holds below this")
    over: dict[str, Bounds] = Field(
        min_length=2, max_length=3, description="assumptions and ranges, such as { 'terms.margin' = [0.1, 0.5] }"
    )
    cells: int = Field(default=8, ge=2, le=40, description="cells along each assumption")
    replications: int = Field(default=20, ge=2, le=MOST_REPLICATIONS, description="replications of a cell at first")
    max_replications: int = Field(default=40, ge=2, le=MOST_REPLICATIONS, description="where it is undecided")


class SensitivitySection(Section):
    """Which assumptions an answer depends on."""

    strategy: str = Field(description="the strategy looked at")
    against: str | None = Field(default=None, description="the strategy it is compared with, if any")
    metric: Metric = Field(default="npv", description="what is looked at")
    over: dict[str, Bounds | Literal["recorded"]] = Field(
        min_length=2, description="each assumption's range, or 'recorded' in place of it for that on record"
    )
    method: Literal["morris", "sobol"] = Field(default="morris", description="screening, or shares of the variance")
    size: int | None = Field(default=None, ge=2, le=100_000, description="trajectories, or a power of two for sobol")
    replications: int = Field(default=20, ge=2, le=MOST_REPLICATIONS, description="replications of each point")


_Error = Annotated[float, Field(gt=0, le=1e15)]


class ProposedTrialSection(Section):
    """A trial that could be held before deciding: what it would tell of numbers, how surely, and at which cost."""

    about: str | Annotated[tuple[str, ...], Field(strict=False, min_length=2)] = Field(
        description="the number, such as 'prospects.spend_scale', or a list of those that it tells together"
    )
    standard_error: _Error | Annotated[tuple[_Error, ...], Field(strict=False)] = Field(
        description="of the trial's estimate of it; a list where there are several"
    )
    cost: Money = Field(description="in currency, what it forgoes included")
    fixed_cost: Money = Field(default=0.0, description="the part of it that does not grow with the trial's size")


class DecideSection(Section):
    """What it is worth to know a number before choosing among the strategies, and whether a trial is worth its cost."""

    metric: Metric = Field(default="npv", description="what is decided by")
    groups: dict[Slug, Annotated[tuple[str, ...], Field(strict=False, min_length=1)]] = Field(
        default_factory=dict,
        description="numbers to know together besides the usual groups, such as { mine = ['terms.margin', 'bonds.*'] }",
    )  # fmt: skip
    trials: dict[Slug, ProposedTrialSection] = Field(default_factory=dict, description="proposed trials by name")


class ConstraintSection(Section):
    """A limit on a sum of levers."""

    weights: dict[str, float] = Field(
        min_length=1, description="by lever, such as { 'retention.budget_per_period' = 1.0 }"
    )
    least: float | None = Field(default=None, description="the sum of weight x lever at least")
    most: float | None = Field(default=None, description="and at most")


class OptimiseSection(Section):
    """The best levers of a strategy, with spending nothing among the candidates."""

    levers: dict[str, Bounds] = Field(
        min_length=1,
        description="MECHANISM.SETTING and its bounds, such as { 'acquisition.budget_per_period' = [0, 500] }; "
        "lengths in the data's unit",
    )
    strategy: str | None = Field(default=None, description="the strategy whose levers they are; else they alone")
    total: float | None = Field(default=None, ge=0, le=1e15, description="currency planned per period, at most")
    spend_all: bool = Field(default=False, description="whether all of the total is spent")
    constraint: tuple[ConstraintSection, ...] = Field(
        default=(), strict=False, max_length=20, description="other limits on sums of levers"
    )
    objective: Literal["mean", "cvar", "chance"] = Field(
        default="mean",
        description="the mean, that of the worst `share` of futures, or the chance to beat spending nothing",
    )
    metric: Metric = Field(default="npv", description="of what")
    share: float = Field(default=0.05, gt=0, lt=1, description="of the worst futures, for cvar")
    tolerance: float = Field(default=0.01, gt=0, le=1, description="the gap to the optimum that is small enough")
    replications: int = Field(default=40, ge=10, le=MOST_REPLICATIONS, description="of each point of the search")
    max_replications: int = Field(
        default=400, ge=10, le=MOST_REPLICATIONS, description="of the choice among finalists, and of the gap, at most"
    )


class BreakEvenSection(Section):
    """At which values of the numbers a firm knows each thing that its strategies do would pay."""

    replications: int = Field(
        default=60, ge=0, le=MOST_REPLICATIONS,
        description="of each value, no more than the study's own; with fewer than 20 it is not asked",
    )  # fmt: skip
