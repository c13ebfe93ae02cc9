"""Who is there at a moment, and who of them leaves soon after: rows for a churn model that cannot look ahead.

Moments are counted from the last day observed, in the data's unit: at -2 the firm knows who had come by then, how long
each had been there, and the covariates; what happened between -2 and -2 + horizon is the outcome. `began` is when each
customer came (0 or before). Without that column everybody is taken to have been seen at the last day (began = -tenure),
which is what a snapshot with its leavers of the last period is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_number, typed
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.design_matrix import checked_features, number_columns
from churnsim.models.retention.tenures import Tenures

__all__ = ["ChurnRows", "churn_rows"]

# Covariates that grow with time are not known as of an earlier moment. Names alone cannot say which do; these are the
# columns that this package itself makes of a customer's whole history.
OUTCOMES = ("churned", "entry", "began", "cause")


@dataclass(frozen=True)
class ChurnRows:
    """`features` (tenure at the moment, then the covariates), whether each `left` within the horizon, and `at`."""

    features: pd.DataFrame
    left: NDArray[np.bool_]
    at: float
    horizon: float


@typed
def churn_rows(
    subscriptions: pd.DataFrame, *, covariates: Sequence[str], horizon: float, at: float | None = None
) -> ChurnRows:
    """Customers there at the moment `at` (the last one whose outcome is known if absent: -horizon).

    Raises ConfigError where the outcome would lie in the future or a covariate is the outcome itself, DataError where
    nobody was there, or all or none of those left.

    Examples
    --------
    >>> frame = pd.DataFrame({"tenure": [8.0, 2.0, 5.0], "churned": [False, True, True], "began": [-8.0, -4.0, -6.0]})
    >>> rows = churn_rows(frame.assign(plan="basic"), covariates=["plan"], horizon=2.0)
    >>> rows.features["tenure"].tolist(), rows.left.tolist()
    ([6.0, 4.0], [False, True])
    """
    moment = -horizon if at is None else at
    check_number(horizon, "horizon", above=0)
    check_number(moment, "at")
    if moment + horizon > 1e-9:
        raise ConfigError(
            f"at = {moment:g} with horizon {horizon:g} looks beyond the last day observed (0). Take "
            f"at = {-horizon:g} or earlier."
        )
    tenures = Tenures.of(subscriptions)
    disguised = [name for name in covariates if name in OUTCOMES]
    if disguised:
        raise ConfigError(f"{disguised[0]!r} holds the outcome; it cannot be a covariate.")
    began = _began(subscriptions, tenures)
    ended = began + tenures.tenure
    # Who was to leave at the moment itself has left: it is not there any more.
    there = (began <= moment + 1e-9) & (ended > moment + 1e-9)
    left = tenures.churned & (ended <= moment + horizon + 1e-9)
    if not there.any() or left[there].all() or not left[there].any():
        raise DataError(
            f"of {int(there.sum())} customers there at {moment:g}, {int(left[there].sum())} left within {horizon:g}: "
            "a model needs both kinds. Take another moment or a longer horizon."
        )
    features = checked_features(subscriptions[there], [name for name in covariates if name != "tenure"])
    features.insert(0, "tenure", moment - began[there])
    return ChurnRows(features, left[there], moment, horizon)


def _began(subscriptions: pd.DataFrame, tenures: Tenures) -> NDArray[np.float64]:
    if "began" not in subscriptions.columns:
        return -tenures.tenure
    began = number_columns(subscriptions, ["began"])["began"]
    late = began + tenures.tenure > 1e-6
    if late.any():
        where = int(np.argmax(late))
        raise DataError(
            f"customer {str(subscriptions.index[where])[:80]!r} began at {began[where]:g} and stayed "
            f"{tenures.tenure[where]:g}, which ends after the last day observed (0). Count `began` back from that day."
        )
    return began
