"""From durations to whole numbers of renewals, which is what the discrete models of staying count."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.errors import ConfigError, DataError
from churnsim.units import DAYS_PER_UNIT, parse_duration

__all__ = ["count_renewals"]

# Calendar months and years differ from the mean ones by up to 2.4 days: a share of a month. A relation this much
# short of a whole number of terms has completed it.
SLACK = 0.1


def count_renewals(subscriptions: pd.DataFrame, *, term: str) -> pd.DataFrame:
    """The same subscriptions with `tenure` and `entry` in whole terms, such as ``"1 M"`` or ``"1 year"``.

    Who left, left at a renewal: the nearest one, the first at least. Who is still there has completed the terms that
    have gone by, not the one that runs. A tenure within a tenth of a term below a whole number counts as that number,
    since calendar months differ in length. `.attrs["unit"]` becomes the term: a unit, or several of one (``"3 M"``),
    as the models of renewals and their discounting read it. Raises ConfigError for a term of no length and DataError
    for a frame without a unit.

    Examples
    --------
    >>> import pandas as pd
    >>> subscriptions = pd.DataFrame({"tenure": [2.9, 7.0], "churned": [True, False]})
    >>> subscriptions.attrs["unit"] = "M"
    >>> quarters = count_renewals(subscriptions, term="3 M")
    >>> quarters["tenure"].tolist(), quarters.attrs["unit"]
    ([1.0, 2.0], '3 M')
    """
    if not isinstance(subscriptions, pd.DataFrame) or not {"tenure", "churned"} <= set(subscriptions.columns):
        raise DataError("subscriptions are a DataFrame with tenure and churned, as read_subscriptions makes it.")
    length = parse_duration(term)
    if length.value <= 0:
        raise ConfigError(f"a term must be longer than zero; got {term!r}.")
    unit = subscriptions.attrs.get("unit")
    if unit is None:
        raise DataError("the subscriptions do not say their time unit. Set subscriptions.attrs['unit'], such as 'M'.")
    per = length.value * DAYS_PER_UNIT[length.unit] / DAYS_PER_UNIT[unit]
    tenure = _numbers(subscriptions, "tenure") / per
    churned = subscriptions["churned"].to_numpy(dtype=bool)
    completed = np.floor(tenure + SLACK)
    result = subscriptions.copy()
    result["tenure"] = np.where(churned, np.maximum(np.round(tenure), 1.0), completed)
    if "entry" in result.columns:
        entry = np.floor(_numbers(subscriptions, "entry") / per + SLACK)
        # Truncation by a term that the customer did not outlive would say that it was never seen.
        result["entry"] = np.minimum(entry, np.maximum(result["tenure"] - 1.0, 0.0))
    result.attrs.update(unit=length.unit if length.value == 1 else str(length), term=str(length))
    return result


def _numbers(subscriptions: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as floats. DataError where it is no column of numbers."""
    try:
        return subscriptions[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the column {name!r} must hold numbers ({error}).") from None
