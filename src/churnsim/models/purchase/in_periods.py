"""One estimand for all models: periods with a purchase, in place of purchases.

BG/BB knows no other count. Seen through here a model in continuous time answers for the same one, so that bias, errors
and log scores of both kinds are of the same numbers. Likelihoods are not: those of times and of yes or no at each
opportunity are of different data, and no information criterion compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from churnsim.checks import check_choice
from churnsim.data.summaries.calendar import SUMS
from churnsim.data.summaries.period_holdout import OF_PERIODS, PERIOD_COLUMNS
from churnsim.errors import ConfigError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats

Count = Literal["purchases", "periods"]


@dataclass(frozen=True)
class InPeriods:
    """A model's forecasts with each period that holds a purchase counted once. Frames are those of `split_periods`,
    horizons whole numbers of periods."""

    model: Any

    @property
    def unit(self) -> str:
        """The model's unit, which is the length of a period."""
        return str(self.model.unit)

    def p_alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """The model's own; BG/BB's is at the next opportunity, the others' at T."""
        values: pd.Series[float] = self.model.p_alive(self._read(summary))
        return values

    def expected_purchases(self, summary: pd.DataFrame, horizon: float | ArrayLike) -> pd.Series[float]:
        """E[periods with a purchase among the next `horizon` | history]."""
        name = "expected_purchases" if self._discrete else "expected_active_periods"
        values: pd.Series[float] = getattr(self.model, name)(self._read(summary), horizon)
        return values

    def conditional_pmf(
        self, n: int | Sequence[int] | NDArray[np.int64], summary: pd.DataFrame, horizon: float | ArrayLike
    ) -> pd.DataFrame:
        """P(n of the next `horizon` periods hold a purchase | history)."""
        name = "conditional_pmf" if self._discrete else "active_periods_pmf"
        values: pd.DataFrame = getattr(self.model, name)(n, self._read(summary), horizon)
        return values

    def expected_purchases_new(self, t: float | ArrayLike) -> Floats:
        """E[periods with a repeat purchase by age t] of a new customer; a part of `t` that is left over comes first."""
        name = "expected_purchases_new" if self._discrete else "expected_active_periods_new"
        return np.asarray(getattr(self.model, name)(t), dtype=np.float64)

    def expected_purchases_like(self, summary: pd.DataFrame, t: ArrayLike) -> Floats:
        """The same of new customers with the covariates of these rows, for a model that has covariates."""
        name = "expected_purchases_like" if self._discrete else "expected_active_periods_like"
        return np.asarray(getattr(self.model, name)(self._read(summary), t), dtype=np.float64)

    @property
    def _discrete(self) -> bool:
        return bool(self.model.reads == "opportunities")

    def _read(self, summary: pd.DataFrame) -> pd.DataFrame:
        return in_opportunities(summary) if self._discrete else summary


def counts_periods(summary: pd.DataFrame) -> bool:
    """Whether a frame is made by `split_periods`."""
    return set(PERIOD_COLUMNS) <= set(summary.columns)


def in_opportunities(summary: pd.DataFrame) -> pd.DataFrame:
    """What BG/BB reads of a frame made by `split_periods`; any other frame as it is."""
    if not counts_periods(summary):
        return summary
    sums = [name for name in summary.columns if name.startswith(OF_PERIODS + SUMS)]
    renamed = PERIOD_COLUMNS | {name: name.removeprefix(OF_PERIODS) for name in sums}
    own = summary.drop(columns=list(renamed.values())).rename(columns=renamed)
    own.attrs = dict(summary.attrs)
    return own


def check_count(count: str | None, families: Sequence[Any]) -> Count:
    """What is counted: as asked, else periods where BG/BB is among the families. ConfigError for what cannot be."""
    discrete = any(getattr(family, "reads", None) == "opportunities" for family in families)
    if count is None:
        return "periods" if discrete else "purchases"
    check_choice(count, "count", ("purchases", "periods"))
    if count == "purchases" and discrete:
        raise ConfigError(
            "BG/BB says in how many periods a customer buys, not how often: it cannot be scored on purchases. Use "
            "count='periods', which every model can forecast, or leave BGBB out."
        )
    return "purchases" if count == "purchases" else "periods"


def seen_in(fit: ModelFit[PurchaseModel], count: Count) -> Any:
    """The fit with its model seen through `InPeriods` where periods are counted."""
    seen: Any = InPeriods(fit.model)  # it says what forecasts need, and keeps the parameters as they are
    return replace(fit, model=seen) if count == "periods" else fit
