"""Covariates from a table of customers, as the columns that the models with covariates read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from churnsim.data.subscriptions.customer_rows import join_covariates
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.design_matrix import Design


@dataclass(frozen=True)
class SummaryCovariates:
    """What moves the purchase rate and what moves the lifetime, as matrices' columns: numbers as they are, words as a 0
    or 1 for each but the commonest ("channel=web")."""

    rate: Design | None
    lifetime: Design | None

    @classmethod
    def of(
        cls, summary: pd.DataFrame, table: pd.DataFrame, *, rate: Sequence[str], lifetime: Sequence[str], source: str
    ) -> SummaryCovariates:
        """Learn words and means from the customers of `summary`. Raises ConfigError where neither is given or a name is
        twice, DataError for a customer who has no row in `table` (which `source` names), and for a covariate that does
        not vary or that others determine."""
        if not rate and not lifetime:
            raise ConfigError("covariates were given, but none is asked to move the rate or the lifetime.")
        joined = join_covariates(summary, table, source=source)
        designs = [Design.of(joined, names) if names else None for names in (rate, lifetime)]
        for design in designs:
            if design is not None and design.dropped:
                raise DataError(
                    f"the covariate {design.dropped[0]!r} is determined by the ones before it. Leave one of them out."
                )
        return cls(*designs)

    @property
    def columns(self) -> dict[str, list[str]]:
        """`covariates_rate` and `covariates_lifetime`, as the families' `fit` takes them."""
        return {
            "covariates_rate": list(self.rate.names) if self.rate else [],
            "covariates_lifetime": list(self.lifetime.names) if self.lifetime else [],
        }

    def join(self, summary: pd.DataFrame, table: pd.DataFrame, *, source: str) -> pd.DataFrame:
        """A summary with these columns. Raises as `of`, and DataError for a word that was not learned."""
        joined = join_covariates(summary, table, source=source)
        result = summary.copy()
        for design in (self.rate, self.lifetime):
            if design is not None:
                result[list(design.names)] = design.matrix(joined)
        result.attrs = dict(summary.attrs)
        return result
