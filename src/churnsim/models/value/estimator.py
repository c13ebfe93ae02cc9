"""Customer lifetime value as a scikit-learn estimator: a purchase model and Gamma-Gamma from a summary's columns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils.validation import (
    _check_y,
    check_consistent_length,
    check_is_fitted,
    check_non_negative,
    column_or_1d,
)

from churnsim.checks import check_choice, check_number, check_share
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.arguments import LONGEST, MOST_PURCHASES
from churnsim.models.estimation.estimators import NamedOutput, feature_frame
from churnsim.models.purchase.registry import AT_OPPORTUNITIES, PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.value.clv import discounted_purchases
from churnsim.typing import Floats
from churnsim.units import check_unit, parse_duration

COLUMNS = ("frequency", "recency", "T", "monetary_value")


class HistoryWarning(UserWarning):
    """Rows that no customer can have were brought to the nearest history that one can have."""


class CustomerValueRegressor(RegressorMixin, NamedOutput):
    """Expected discounted margin of each customer over the time ahead, from the columns of a summary.

    `fit` estimates a purchase model and, with amounts, Gamma-Gamma by maximum likelihood from the histories alone; a
    `y`, such as what customers spent in the time ahead, is not learned from but is what `score` and `cross_val_score`
    compare with (take ``annual_discount_rate=0`` and ``margin=1`` then). Rows at several moments, with their outcome,
    come from `value_rows`, the split of these by time from `TimeSplit`.

    Parameters
    ----------
    purchases : str
        The family: "bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd" or "nbd".
    horizon : float or str
        Time looked ahead, in `unit` or with its own, such as "52 W"; infinite with a discount rate above 0.
    annual_discount_rate : float
        Effective; 0.10 is ten percent a year.
    margin : float
        Share of revenue that is contribution, between 0 and 1.
    unit : {"H", "D", "W", "M", "Y"}
        Of recency, T and a horizon without one.
    columns : sequence of str
        The columns of a frame that are read, in the order of frequency, recency, T and monetary_value. An array's
        columns are taken in this order, and those after the fourth not used. Without the fourth the value is the
        expected number of purchases times the margin; without the third everybody was observed as long, for the
        longest recency.
    impossible : {"raise", "nearest"}
        What to do about rows that no customer can have, such as a recency above T: DataError that names the row, or the
        nearest history that one can have, with a HistoryWarning. "nearest" passes scikit-learn's `check_estimator`,
        whose arrays are noise.

    Attributes
    ----------
    purchases_, spend_ : ModelFit
        The fits; the second is None without amounts.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30")
    >>> model = CustomerValueRegressor(horizon=39.0, annual_discount_rate=0.0).fit(summary)
    >>> model.predict(summary.head(2)).round(1).tolist()
    [30.2, 3.8]
    >>> model.set_output(transform="pandas").transform(summary.head(2)).round(2).iloc[0].to_dict()
    {'p_alive': 0.73, 'purchases': 1.23, 'spend': 24.65, 'value': 30.23}
    """

    def __init__(
        self,
        purchases: str = "bg_nbd",
        horizon: float | str = "52 W",
        annual_discount_rate: float = 0.1,
        margin: float = 1.0,
        unit: str = "W",
        columns: Sequence[str] = COLUMNS,
        impossible: Literal["raise", "nearest"] = "raise",
    ) -> None:
        self.purchases = purchases
        self.horizon = horizon
        self.annual_discount_rate = annual_discount_rate
        self.margin = margin
        self.unit = unit
        self.columns = columns
        self.impossible = impossible

    def fit(self, X: Any, y: Any = None) -> Self:
        """Estimate both models from histories. Raises DataError for rows that no customer can have."""
        check_choice(self.purchases, "purchases", tuple(name for name in PURCHASE_FAMILIES if name != AT_OPPORTUNITIES))
        check_choice(self.impossible, "impossible", ("raise", "nearest"))
        check_unit(self.unit)
        check_share(self.margin, "margin", zero=True)
        check_number(self.annual_discount_rate, "annual_discount_rate", least=0)
        self._ahead()
        if isinstance(self.columns, str) or not 2 <= len(self.columns) <= 4:
            raise ConfigError(f"columns must name two to four columns; got {self.columns!r}.")
        frame = feature_frame(self, X, reset=True, wanted=self._wanted(), least=2)
        if y is not None:
            check_consistent_length(frame, _check_y(column_or_1d(y, warn=True), y_numeric=True, estimator=self))
        summary = self._summary(frame, reset=True)
        self.purchases_ = PURCHASE_FAMILIES[self.purchases].fit(summary, unit=self.unit)
        self.spend_ = GammaGamma.fit(summary) if "monetary_value" in summary else None
        self.outputs_ = ["p_alive", "purchases", *(["spend"] if self.spend_ else []), "value"]
        return self

    def _ahead(self) -> float:
        """The horizon in `unit`."""
        if self.horizon == math.inf:
            return math.inf
        length = parse_duration(self.horizon).to(self.unit) if isinstance(self.horizon, str) else self.horizon
        return check_number(length, "horizon", above=0)

    def transform(self, X: Any) -> Floats:
        """`p_alive`, discounted `purchases`, `spend` of one (with amounts) and `value`: features for what comes next in
        a pipeline, shape (rows, 3 or 4)."""
        check_is_fitted(self)
        summary = self._summary(feature_frame(self, X, reset=False, wanted=self._wanted()))
        count = discounted_purchases(
            summary, purchases=self.purchases_.model, annual_discount_rate=self.annual_discount_rate,
            horizon=self._ahead(),
        ).to_numpy()  # fmt: skip
        spend = [] if self.spend_ is None else [self.spend_.expected_spend(summary).to_numpy()]
        value = self.margin * count * (spend[0] if spend else 1.0)
        return np.column_stack([self.purchases_.p_alive(summary).to_numpy(), count, *spend, value])

    def predict(self, X: Any) -> Floats:
        """The value of each row, in money; expected purchases times the margin without amounts."""
        check_is_fitted(self)
        return self.transform(X)[:, -1]

    def _wanted(self) -> list[str]:
        return [*self.columns, *(f"x{place}" for place in range(len(self.columns)))]

    def _summary(self, frame: pd.DataFrame, *, reset: bool = False) -> pd.DataFrame:
        """The summary that the rows stand for, under our names."""
        named = hasattr(self, "feature_names_in_")
        missing = [name for name in self.columns if name not in frame] if named else []
        if missing:
            raise ConfigError(
                f"X lacks {', '.join(map(repr, missing))}. Pass columns=, the names of frequency, recency, T and, if "
                "there are amounts, monetary_value."
            )
        if frame.shape[1] < 2:
            raise DataError(f"histories have frequency and recency at least; got n_features = {frame.shape[1]}.")
        check_non_negative(frame.to_numpy(dtype=np.float64), type(self).__name__)
        summary = frame.set_axis(COLUMNS[: frame.shape[1]], axis=1).astype(np.float64)
        if reset:
            self.observed_ = float(summary["recency"].max())
        if "T" not in summary:
            summary["T"] = self.observed_
        return summary if self.impossible == "raise" else _nearest(summary)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.target_tags.required = False
        tags.regressor_tags.poor_score = True  # it does not learn from y
        return tags


def _nearest(summary: pd.DataFrame) -> pd.DataFrame:
    """Each row, or the nearest history that a customer can have."""
    T = summary["T"].clip(upper=LONGEST)
    recency = summary["recency"].clip(upper=T)
    frequency = summary["frequency"].clip(upper=MOST_PURCHASES).round()
    again = (frequency > 0) & (recency > 0)
    possible = summary.assign(frequency=frequency.where(again, 0.0), recency=recency.where(again, 0.0), T=T)
    if "monetary_value" in possible:
        possible["monetary_value"] = possible["monetary_value"].where(again, 0.0)
    changed = int((possible != summary).any(axis=1).sum())
    if changed:
        warnings.warn(
            f"{changed:,} of {len(summary):,} rows are no history that a customer can have; the nearest is taken.",
            HistoryWarning,
            stacklevel=4,
        )
    return possible
