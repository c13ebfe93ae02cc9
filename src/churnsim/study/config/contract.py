"""What a study of subscribers asks beside the rest: `setting = "contractual"`, its [data] and its [survival]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from churnsim.simulation.core.belief import Status, checked_status
from churnsim.study.config.config import Day, StudyConfig
from churnsim.study.config.file_section import DatedFile
from churnsim.study.config.problems import Problem, file_problems, unshown
from churnsim.study.config.section import Length, Section
from churnsim.units import Unit

Amount = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


class SubscribersSection(DatedFile):
    """Which subscribers: a data set that comes along or a file, and what its columns are called."""

    dataset: Literal["telco", "telco-calls"] | None = Field(
        default=None, description="a data set that comes with churnsim (extra 'datasets')"
    )
    path: str | None = Field(default=None, description="a CSV, Parquet or Excel file, relative to this configuration")
    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    start: str = Field(default="start", description="the column with the day the relation began")
    end: str = Field(default="end", description="the column with the day it ended, empty while it lasts")
    tenure: str | None = Field(default=None, description="the column with its length instead, in `unit`")
    churned: str = Field(default="churned", description="with tenure: the column that says who left")
    entry: str | None = Field(default=None, description="with tenure: the column with the tenure when first observed")
    observed_until: Day | None = Field(default=None, description="with dates: the last day observed")
    observed_from: Day | None = Field(default=None, description="with dates: the first, if relations began before it")
    charge: str = Field(description="the column with what a subscriber pays per unit")
    covariates: tuple[str, ...] = Field(strict=False, min_length=1, description="columns that tell subscribers apart")
    currency: str = Field(default="", max_length=8, description="set before amounts in the report, such as '$'")
    unit: Unit = Field(description="the time between renewals: 'D', 'W', 'M' or 'Y'")

    @property
    def has_amounts(self) -> bool:
        """Subscribers have charges."""
        return True

    def problems(self, folder: Path) -> Iterator[Problem]:
        """What does not hold between these keys."""
        if (self.dataset is None) == (self.path is None):
            got = "neither" if self.dataset is None else "both"
            yield unshown(("data",), f"{got} of dataset and path given. Give exactly one of them.")
        if self.path is not None:
            yield from file_problems(folder, self.path, ("data", "path"))
        if self.path is not None and self.tenure is None and self.observed_until is None:
            message = "missing. With start and end dates it says until when it is known who was there."
            yield unshown(("data", "observed_until"), message)


class SurvivalSection(Section):
    """How the survival models are chosen, and the churn model beside them."""

    folds: int = Field(default=5, ge=2, le=20, description="parts of the customers, each held out once")
    models: tuple[str, ...] | None = Field(default=None, strict=False, description="families to compare; all if absent")
    churn_model: Literal["logistic", "boosting"] = Field(default="logistic", description="who leaves next")
    churn_horizon: Length | None = Field(default=None, description="leaves within this time; one renewal if absent")
    simulated: Literal["regression", "sbg", "bdw", "curve"] = Field(
        default="regression",
        description="by what subscribers stay in the simulation: the Cox regression, the sBG or the BdW, each with the "
        "covariates, or the curve that the comparison chose, under which all of one tenure are alike",
    )


class ProfitByTenureSection(Section):
    """What a subscriber contributes with its first payment, at its first renewal, the next, and so on: in place of its
    charge and the market's margin, the same for all."""

    profits: tuple[Amount, ...] = Field(
        strict=False, min_length=1, description="currency per unit, the last one from then on; below 0 where it costs"
    )
    source: str = Field(default="this configuration", min_length=1, description="where the profits come from")
    status: Annotated[Status, BeforeValidator(checked_status)] = Field(
        default="assumed", description="how they are known"
    )


class ContractStudyConfig(StudyConfig):
    """A study of subscribers under contract."""

    setting: Literal["contractual"] = "contractual"
    data: SubscribersSection  # type: ignore[assignment]
    survival: SurvivalSection = SurvivalSection()
    profit_by_tenure: ProfitByTenureSection | None = None
    # A firm with contracts has survival models, chosen in [survival].
    models: None = None  # type: ignore[assignment]
    # Answers are joined with purchases, which a study of subscribers has none of.
    survey: None = None
