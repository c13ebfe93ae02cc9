"""What a model must beat: forecasts that know nothing of dropout, and a learner that knows nothing of buying.

Each sees the log up to the end of the calibration only.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

from churnsim.data.summaries.summary import split_holdout, summarise
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT

__all__ = ["BoostedTrees", "Forecaster", "LastRate"]


class Forecaster(Protocol):
    """Expected purchases of every customer of `summary` in the `horizon` (in `unit`) after `end`."""

    label: str
    counts: bool
    """Whether the forecast is the mean of a Poisson law, so that counts can be scored against it."""

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """One number a row of `summary`, which is the log summarised at `end`."""


class LastRate:
    """Each customer goes on as lately: its rate in the last half of its time since the first purchase, continued.

    The rule of thumb that Wübben & Wangenheim (2008), Journal of Marketing 72(3), 82-93, put beside the models is of
    this kind.
    """

    label = "last rate continued"
    counts = False

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """Purchase days in the last half of each customer's time, over that half, times the horizon."""
        days = transactions[["customer_id", "date"]].assign(date=transactions["date"].dt.normalize()).drop_duplicates()
        days = days[days["date"] <= end]
        T = summary["T"]
        ago = (end - days["date"]).dt.days / DAYS_PER_UNIT[unit]
        age = days["customer_id"].map(T)
        # The first purchase of all starts the clock and is never in the last half, but for customers of the last day.
        late = days[(ago < age / 2).to_numpy()].groupby("customer_id").size().reindex(summary.index, fill_value=0)
        half = T.to_numpy() / 2
        rate = np.divide(late.to_numpy(), half, out=np.zeros(len(summary)), where=half > 0)
        return np.asarray(rate * horizon)


class BoostedTrees:
    """Gradient-boosted trees on recency, frequency and monetary value, trained inside the calibration.

    The end of the calibration is held out once more: features at an earlier day, the purchases after it as the target.
    The trained trees then read the features at the real end. scikit-learn's HistGradientBoostingRegressor with a
    Poisson loss; its settings are scikit-learn's own but for a slower rate of learning (assumed, not tuned).
    """

    label = "gradient-boosted trees on RFM"
    counts = True

    def __init__(self, *, seed: int = 1) -> None:
        self.seed = seed

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """The trained trees at `end`, over `horizon`; raises as `split_holdout` where nothing can be held out again."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        known = transactions[transactions["date"].dt.normalize() <= end]
        length = (end - known["date"].min()).days / DAYS_PER_UNIT[unit]
        inner = min(horizon, length / 2)
        until: date = (end - pd.Timedelta(days=round(inner * DAYS_PER_UNIT[unit]))).date()
        split = split_holdout(known, until=until, holdout_until=end.date(), unit=unit)
        learner = HistGradientBoostingRegressor(
            loss="poisson", learning_rate=0.05, early_stopping=False, random_state=self.seed
        )
        if not split["frequency_holdout"].any():
            return np.zeros(len(summary))  # a Poisson law cannot be learnt from no purchase at all
        # Its threads wait for one another in a spin: on a busy machine a fit of 0.3 s took half a minute.
        with threadpool_limits(limits=1, user_api="openmp"):
            learner.fit(_features(split), split["frequency_holdout"])
            predicted = learner.predict(_features(summarise(known, unit=unit, until=end.date())))
        return np.asarray(predicted * horizon / float(split["T_holdout"].iloc[0]))


def _features(summary: pd.DataFrame) -> Floats:
    x, t_x, T = (summary[name].to_numpy(dtype=np.float64) for name in ("frequency", "recency", "T"))
    spend = summary["monetary_value"].to_numpy() if "monetary_value" in summary else np.zeros(len(summary))
    return np.column_stack([x, t_x, T, T - t_x, x / np.maximum(T, 1e-9), spend])
