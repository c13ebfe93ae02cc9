"""The files that a configuration names.

Records are read by the words of the reader that every command shares: answers of a survey, customers' covariates. A
Python file is run, as any program one starts, and asked for one tuple.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd
from pydantic import Field

from churnsim.data.subscriptions.customer_rows import read_covariates
from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError
from churnsim.models.purchase.summary_covariates import SummaryCovariates
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.section import Section


class WrittenFile(Section):
    """A file and its form. What is not said is found out from the file, or refused where the file leaves it open."""

    delimiter: str | None = Field(default=None, max_length=1, description="what separates the columns; found out")
    encoding: str | None = Field(default=None, description="of the file, such as 'cp1252'; found out if absent")
    decimal: str | None = Field(default=None, max_length=1, description="the mark before decimals, '.' or ','")
    thousands: str | None = Field(default=None, max_length=1, description="the mark between thousands")
    sheet: str | None = Field(
        default=None, description="of a workbook with several; '*': all, if their columns are the same"
    )
    detect: bool = Field(default=True, description="whether the form is found out; else UTF-8 with commas, ISO dates")

    @property
    def form(self) -> dict[str, Any]:
        """The form as the reader takes it."""
        return {name: getattr(self, name) for name in WrittenFile.model_fields}


class DatedFile(WrittenFile):
    """One with dates."""

    date_format: str | None = Field(default=None, description="such as '%d/%m/%Y'; found out if absent")
    on_bad: Literal["raise", "set_aside"] = Field(default="raise", description="what to do with a bad row")

    @property
    def form(self) -> dict[str, Any]:
        """The form as the reader takes it."""
        return {name: getattr(self, name) for name in DatedFile.model_fields}


class CovariatesSection(WrittenFile):
    """A file with a row a customer, and which of its columns move the purchase rate and the lifetime."""

    path: str = Field(description="a CSV, Parquet or Excel file, relative to this configuration")
    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    rate: tuple[str, ...] = Field(default=(), strict=False, description="columns that move the purchase rate")
    lifetime: tuple[str, ...] = Field(default=(), strict=False, description="columns that move the lifetime")
    penalty: float = Field(default=0.0, ge=0, description="on the squared effects, for a standard deviation each")


class SeriesFile(WrittenFile):
    """A file with a row a day on which a value changes; rows after the data say what is planned."""

    path: str = Field(description="a CSV, Parquet or Excel file, relative to this configuration")
    date: str = Field(default="date", description="the column with the day from which a row's values hold")
    date_format: str | None = Field(default=None, description="such as '%d/%m/%Y'; found out if absent")
    columns: tuple[str, ...] = Field(
        default=(), strict=False, description="the columns of numbers that move how often customers buy; all if absent"
    )

    @property
    def form(self) -> dict[str, Any]:
        """The form as the reader takes it."""
        return {**super().form, "date_format": self.date_format}


class CalendarSeriesSection(SeriesFile):
    """Series that are the same for all customers, beside `[models] calendar` or `[data.series]`: a price, an index."""

    future: Literal["hold"] | dict[str, float] | None = Field(
        default=None, description="after the file's last row: 'hold', or by column the value that holds on"
    )


class CustomerSeriesSection(SeriesFile):
    """Series of each customer's own: contacts, offers, the price it saw, a membership."""

    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    leaving: tuple[str, ...] = Field(
        default=(), strict=False,
        description="columns that move how fast customers leave, of a model with a clock for that",
    )  # fmt: skip
    before: float | dict[str, float] | None = Field(
        default=None,
        description="the value of all columns, or by column, before a customer's first row and of customers without "
        "one, who are refused if absent",
    )
    future: Literal["hold"] | None = Field(
        default=None, description="'hold': after the file's last day each customer's last values hold on"
    )


@dataclass(frozen=True, kw_only=True)
class StudyCovariates:
    """The covariates of a study's customers, as read, and as the columns of its summaries."""

    table: pd.DataFrame
    learned: SummaryCovariates
    penalty: float
    source: str
    checksum: str

    @classmethod
    def load(cls, section: CovariatesSection, folder: Path, summary: pd.DataFrame) -> StudyCovariates:
        """Read the file and learn its words and means from the customers of `summary`. Raises DataError for a customer
        without a row."""
        path = folder / section.path
        wanted = list(dict.fromkeys([*section.rate, *section.lifetime]))
        with told_in_keys("data.covariates", CovariatesSection.model_fields):
            table = read_covariates(path, wanted, customer_id=section.customer_id, **section.form)
        learned = SummaryCovariates.of(
            summary, table, rate=section.rate, lifetime=section.lifetime, source=section.path
        )
        return cls(
            table=table, learned=learned, penalty=section.penalty, source=section.path,
            checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
        )  # fmt: skip

    def join(self, summary: pd.DataFrame) -> pd.DataFrame:
        """A summary with the covariates' columns."""
        return self.learned.join(summary, self.table, source=self.source)

    @property
    def options(self) -> dict[str, Any]:
        """What a family's `fit` is to do with them."""
        return {**self.learned.columns, "penalty": self.penalty}


T = TypeVar("T")


def defined_in(file: Path, name: str, kind: type[T], *, called: str) -> tuple[T, ...]:
    """The tuple `name` of objects of `kind` that a Python file defines; ConfigError where it is missing or the file
    does not run. `called` is what messages call the kind."""
    regular_file(file, what="Python file", error=ConfigError)
    spec = importlib.util.spec_from_file_location(f"own_{name.lower()}_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} is no Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(
            f"{file} does not run: {type(error).__name__}: {error}. Run it by itself to see where."
        ) from error
    found = getattr(module, name, ())
    if not isinstance(found, (tuple, list)) or not found or not all(isinstance(item, kind) for item in found):
        raise ConfigError(f"{file} must define {name}, a tuple of {called}; got {str(found)[:80]}.")
    return tuple(found)


InstrumentName = Literal[
    "servqual", "servperf", "gaps", "benchmark", "acsi", "paths", "kano", "penalty-reward", "importance", "value"
]


class SurveySection(Section):
    """A file of answers, or answers sampled from the simulated customers: exactly one of `path` and `sampled`."""

    path: str | None = Field(default=None, description="a survey, long or wide, relative to this configuration")
    sampled: int | None = Field(
        default=None, ge=20, le=100_000, description="respondents to ask among the simulated customers at the horizon"
    )
    instruments: tuple[InstrumentName, ...] = Field(
        default=("acsi",), strict=False, min_length=1, description="the instruments that were asked"
    )
    low: float = Field(default=1.0, description="the lowest answer")
    high: float = Field(default=10.0, description="the highest answer")
    items: tuple[str, ...] | None = Field(
        default=None, strict=False, description="the items of overall satisfaction; those so named if absent"
    )
    on_bad: Literal["raise", "set_aside"] = Field(default="raise", description="what to do with a bad answer")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="of the intervals")
    resamples: int = Field(default=300, ge=50, le=100_000, description="of the bootstrap")
