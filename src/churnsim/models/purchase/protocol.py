"""What every model of repeat buying can be asked. Generic code is typed against this protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.typing import Floats

# What a family reads: a summary in time, with the gaps between purchases too, or in periods with a purchase.
Reads = Literal["summary", "intervals", "opportunities"]
# How customers leave: with a chance after each repeat purchase, after every purchase, or at a time of their own.
Simulated = Literal["dropout", "dropout at once", "clock"]
Counts = int | Sequence[int] | NDArray[np.int64]


class CountForecasts(Protocol):
    """What is needed to score forecasts of a count: of purchases, or of periods with one (`InPeriods`)."""

    @property
    def unit(self) -> str:
        """The time unit: "H", "D", "W", "M" or "Y"."""

    def p_alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """P(alive at T | history)."""

    def expected_purchases(self, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.Series[float]:
        """E[count over a horizon | history]."""

    def conditional_pmf(self, n: Counts, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.DataFrame:
        """P(a count of n over a horizon | history)."""

    def expected_purchases_new(self, t: float | ArrayLike) -> Floats:
        """E[count] of a new customer by age t."""


@runtime_checkable
class PurchaseModel(Protocol):
    """A model of repeat buying: its parameters, and these verbs.

    A `summary` has `frequency, recency, T` with durations in the model's `unit`; results come in the order of its rows,
    as a Series (or DataFrame) on its index. Durations are in the model's unit, discount rates annual and effective.
    Bad rows raise DataError, bad arguments ConfigError.
    """

    family: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
    reads: ClassVar[Reads]
    simulated_as: ClassVar[Simulated | None]
    within: ClassVar[str | None]
    covariate_family: ClassVar[Any]
    takes_calendar: ClassVar[bool]
    calendar_model: ClassVar[str | None]

    @property
    def unit(self) -> str:
        """The time unit: "H", "D", "W", "M" or "Y"."""

    @classmethod
    def likelihood(
        cls, summary: pd.DataFrame, *, unit: str | None = None, weights: ArrayLike | None = None
    ) -> Likelihood[Self]:
        """The likelihood of a summary, for searches and samplers."""

    @classmethod
    def fit(cls, summary: pd.DataFrame, *, unit: str | None = None, weights: ArrayLike | None = None) -> ModelFit[Self]:
        """Maximum likelihood."""

    def log_likelihood(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Log-likelihood of each customer, in the data's own time unit."""

    def p_alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """P(alive at T | history)."""

    def expected_purchases(self, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.Series[float]:
        """E[purchases in (T, T + horizon] | history]."""

    def conditional_pmf(self, n: Counts, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.DataFrame:
        """P(n purchases in (T, T + horizon] | history): one row a customer, one column for each n."""

    def residual_transactions(
        self, summary: pd.DataFrame, annual_discount_rate: float, *, horizon: float = np.inf
    ) -> pd.Series[float]:
        """Discounted expected residual transactions (DERT): each purchase in (T, T + horizon] discounted to T."""

    def time_to_next_purchase(
        self, summary: pd.DataFrame, *, quantile: float = 0.5, if_alive: bool = False
    ) -> pd.Series[float]:
        """Time from T by which the next purchase has come with probability `quantile`; infinite where it never does."""

    def expected_purchases_new(self, t: float | ArrayLike) -> Floats:
        """E[X(t)]: repeat purchases of a new customer by age t."""

    def purchase_pmf(self, n: Counts, t: float) -> Floats:
        """P(X(t) = n): a new customer makes n repeat purchases by age t."""

    def draw_customers(self, n: int, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """Latent traits of n new customers."""

    def draw_posterior(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """One draw of each customer's latent traits, and whether it is `alive`, given its own history."""

    def draw_summary(self, T: ArrayLike, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """A summary of simulated customers, each observed for its own `T`."""

    def to_dict(self) -> dict[str, Any]:
        """The family, the parameters and the unit as plain JSON values."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`."""

    def save(self, path: str | Path) -> None:
        """Write the parameters as JSON."""
