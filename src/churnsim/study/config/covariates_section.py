"""What a study asks of customers' covariates: the [data.covariates] table of its configuration, and reading them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from churnsim.data.subscriptions.customer_rows import read_covariates
from churnsim.models.purchase.summary_covariates import SummaryCovariates
from churnsim.study.config.file_section import WrittenFile

__all__ = ["CovariatesSection", "StudyCovariates"]


class CovariatesSection(WrittenFile):
    """A file with a row a customer, and which of its columns move the purchase rate and the lifetime."""

    path: str = Field(description="a CSV or Parquet file, relative to this configuration")
    customer_id: str = Field(default="customer_id", description="the column with the customer's id")
    rate: tuple[str, ...] = Field(default=(), strict=False, description="columns that move the purchase rate")
    lifetime: tuple[str, ...] = Field(default=(), strict=False, description="columns that move the lifetime")
    penalty: float = Field(default=0.0, ge=0, description="on the squared effects, for a standard deviation each")


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
