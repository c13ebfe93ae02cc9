"""Customers at several moments with what came after, and their split by time, for scikit-learn's cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.model_selection._split import GroupsConsumerMixin

from churnsim.checks import check_choice, check_number, typed
from churnsim.data.logs.days import iso_day, past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.summary import split_holdout
from churnsim.errors import ConfigError, DataError
from churnsim.units import DAYS_PER_UNIT, check_unit


@dataclass(frozen=True, kw_only=True, eq=False)
class ValueRows:
    """What was known of customers at several moments, and what they spent in the horizon after each.

    Attributes
    ----------
    features : DataFrame
        `frequency`, `recency`, `T` and, with amounts, `monetary_value`, indexed by `moment` and `customer_id`.
    spent : Series
        Money spent in (moment, moment + horizon]; the purchase days in it of a log without amounts.
    moments : array of dates, shape (rows,)
        The moment of each row: `groups` of `TimeSplit`.
    """

    features: pd.DataFrame
    spent: pd.Series[float]
    moments: NDArray[np.datetime64]


@typed
def value_rows(transactions: Any, *, moments: Sequence[Any], horizon: float, unit: str = "W") -> ValueRows:
    """Summaries of a log at several days, each with what the customers spent in the `horizon` after it.

    Parameters
    ----------
    transactions : log
        As `summarise` takes it, in memory.
    moments : sequence of dates
        Last days known.
    horizon : float
        Time after each, in `unit`; it ends by the last day of the log, else DataError.
    unit : {"H", "D", "W", "M", "Y"}
        Of durations.

    Examples
    --------
    >>> import churnsim as cs
    >>> rows = value_rows(cs.datasets.cdnow(), moments=["1997-06-30", "1997-09-30"], horizon=13.0)
    >>> len(rows.features), round(float(rows.spent.mean()), 1)
    (4714, 11.5)
    """
    check_unit(unit)
    days = round(check_number(horizon, "horizon", above=0, most=1e5) * DAYS_PER_UNIT[unit])
    if isinstance(moments, str) or len(moments) == 0:
        raise ConfigError(f"moments must be a list of days, one at least; got {moments!r}.")
    log = purchase_days(transactions)
    parts, spent = {}, []
    for moment in moments:
        day = past_day(moment, name="moments")
        if day + days > log.last:
            raise DataError(
                f"the {days} days after {iso_day(day)} end after the last day of the log ({iso_day(log.last)}): what "
                "customers did in them is not known. Take an earlier moment or a shorter horizon."
            )
        split = split_holdout(transactions, until=iso_day(day), holdout_until=iso_day(day + days), unit=unit)
        after = split["frequency_holdout"].astype(np.float64)
        spent.append(after * split["monetary_value_holdout"] if "monetary_value_holdout" in split else after)
        parts[pd.Timestamp(iso_day(day))] = split[[name for name in split if not str(name).endswith("_holdout")]]
    features = pd.concat(parts, names=["moment"])
    features.attrs["unit"] = unit
    outcome = pd.concat(spent).set_axis(features.index).rename("spent")
    return ValueRows(features=features, spent=outcome, moments=features.index.get_level_values("moment").to_numpy())


class TimeSplit(GroupsConsumerMixin, BaseCrossValidator):
    """Cross-validation that does not look ahead: each fold learns from rows whose outcome was known by its moment.

    The moment of each row is given as `groups`. A fold is tested on the rows of one moment and learns from those whose
    moment + horizon is not after it; the first moments, before which no outcome is known, are in no test.

    Parameters
    ----------
    horizon : float
        Time after a row's moment in which its outcome lies, in the unit of the moments, or in `unit` where they are
        dates.
    unit : {"H", "D", "W", "M", "Y"}
        Of a horizon beside dates.
    learn_from : {"all", "latest"}
        All earlier moments, or only the latest whose outcome is known: what a purchase model is fitted to holds each
        customer once.

    Examples
    --------
    >>> moments = np.array([0.0, 0.0, 6.0, 6.0, 12.0, 12.0])
    >>> for learned, tested in TimeSplit(horizon=6.0).split(moments, groups=moments):
    ...     print(learned.tolist(), tested.tolist())
    [0, 1] [2, 3]
    [0, 1, 2, 3] [4, 5]
    """

    def __init__(self, horizon: float, unit: str = "W", learn_from: str = "all") -> None:
        self.horizon = check_number(horizon, "horizon", above=0)
        self.unit = check_unit(unit)
        self.learn_from = check_choice(learn_from, "learn_from", ("all", "latest"))

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows learned from and tested on, fold by fold in the order of time; ConfigError without `groups`."""
        yield from self._folds(groups, len(X))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many folds there are for rows with these moments."""
        return len(self._folds(groups, None))

    def _folds(self, groups: Any, rows: int | None) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        if groups is None:
            raise ConfigError("TimeSplit needs the moment of each row: pass groups=.")
        given = np.asarray(groups)
        if given.dtype.kind in "OUM":
            try:
                given = pd.to_datetime(given).to_numpy().astype("datetime64[D]").astype(np.float64)
            except (ValueError, TypeError) as error:
                raise DataError(f"groups must be the moments of the rows, dates or numbers ({error}).") from None
            length = self.horizon * DAYS_PER_UNIT[self.unit]
        else:
            given, length = given.astype(np.float64), self.horizon
        if given.ndim != 1 or not np.isfinite(given).all() or (rows is not None and given.size != rows):
            raise DataError(f"groups must hold one moment a row, none missing; got shape {given.shape} of {rows} rows.")
        folds = []
        for moment in np.unique(given):
            known = given + length <= moment + 1e-9
            if self.learn_from == "latest" and known.any():
                known &= given == given[known].max()
            if known.any():
                folds.append((np.flatnonzero(known), np.flatnonzero(given == moment)))
        if not folds:
            raise DataError(
                f"no moment lies {self.horizon:g} or more after another, so that no outcome is known when the next "
                "fold begins. Take moments further apart, or a shorter horizon."
            )
        return folds
