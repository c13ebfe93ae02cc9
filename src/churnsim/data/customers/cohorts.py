"""The cohort matrix: of those who first bought in one period, which share buys in each period after it."""

from __future__ import annotations

from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import typed
from churnsim.data.customers.estimate import LEVEL
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ConfigError, DataError
from churnsim.statistics import wilson

__all__ = ["cohort_matrix"]

Period = Literal["M", "Q", "Y"]
_MONTHS: dict[str, int] = {"M": 1, "Q": 3, "Y": 12}


@typed
def cohort_matrix(
    transactions: pd.DataFrame, *, period: Period = "M", until: str | date | None = None, level: float = LEVEL
) -> pd.DataFrame:
    """Repeat buying by cohort and age, in calendar months ("M"), quarters ("Q") or years ("Y").

    One row a cell: `cohort` (first day of the period of the first purchase), `age` (periods since, from 1), `customers`
    in the cohort, `active` (who bought in that period), `share` of them, `lower`, `upper` (Wilson), and with amounts
    `spend` (per customer of the cohort). Age 0 is left out, being 1 by construction, and so is a period not observed to
    its end: a cut month would look like lost customers. `.pivot(index="cohort", columns="age", values="share")` is the
    matrix. Without a contract a customer who does not buy in a period is not lost, so this is not a retention rate.
    Raises DataError when no cell is complete.
    """
    if period not in _MONTHS:
        raise ConfigError(f"period must be 'M', 'Q' or 'Y' (calendar months, quarters, years); got {period!r}.")
    log, last = purchase_days(transactions).seen_until(until)
    months = _MONTHS[period]
    bought = _period(log.day, months)
    born = _period(log.first_day(), months)
    # The period after the last day's is the first that is not observed at all; the last day's own counts if it is
    # whole.
    complete = int(_period(np.array([last + 1]), months)[0]) - 1
    sizes = np.bincount(born - born.min())
    cohort, age = born[log.customer], bought - born[log.customer]
    inside = (age > 0) & (bought <= complete)
    frame = pd.DataFrame({"cohort": cohort[inside], "age": age[inside], "customer": log.customer[inside]})
    if log.amount is not None:
        frame["spend"] = log.amount[inside]
    cells = pd.MultiIndex.from_tuples(
        [
            (first + born.min(), a)
            for first, size in enumerate(sizes)
            if size
            for a in range(1, complete - (first + born.min()) + 1)
        ],
        names=["cohort", "age"],
    ) if complete > born.min() else None  # fmt: skip
    if cells is None:
        raise DataError(
            f"no period after the first cohort's is complete by the last day. Use a shorter period than {period!r}."
        )
    grouped = frame.groupby(["cohort", "age"])
    table = pd.DataFrame({"active": grouped["customer"].nunique()})
    if log.amount is not None:
        table["spend"] = grouped["spend"].sum()
    table = table.reindex(cells, fill_value=0).reset_index()
    size = sizes[table["cohort"].to_numpy() - born.min()]
    active = table["active"].to_numpy(dtype=np.int64)
    lower, upper = wilson(active, size, level=level)
    result = pd.DataFrame(
        {
            "cohort": (table["cohort"].to_numpy() * months).astype("datetime64[M]").astype("datetime64[ns]"),
            "age": table["age"],
            "customers": size,
            "active": active,
            "share": active / size,
            "lower": lower,
            "upper": upper,
        }
    )
    if log.amount is not None:
        result["spend"] = table["spend"].to_numpy() / size
    return result


def _period(day: NDArray[np.int64], months: int) -> NDArray[np.int64]:
    """Number of the calendar period a day lies in, counted from 1970."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // months)
