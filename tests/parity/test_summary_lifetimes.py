"""Row for row the same summary as lifetimes makes of the CDNOW logs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets, split_holdout, summarise

UNTIL, END = "1997-09-30", "1998-06-30"
DAYS_IN_WEEKS = {"freq": "D", "freq_multiplier": 7}

# Both add the same amounts, pandas with compensated sums and numpy without; no customer has 300 of them.
ROUNDING = 300 * 2.0**-52


def lifetimes_utils() -> Any:
    # lifetimes is archived: importing and running it raises deprecation and chained-assignment warnings, as
    # it was not written for today's pandas, dill and autograd. They say nothing about churnsim.
    warnings.simplefilter("ignore")
    from lifetimes import utils

    return utils


@pytest.fixture(scope="module", params=[False, True], ids=["sample", "full"])
def log(request: pytest.FixtureRequest) -> pd.DataFrame:
    return datasets.cdnow(full=request.param)


@pytest.fixture(scope="module")
def by_day(log: pd.DataFrame) -> pd.DataFrame:
    """What lifetimes makes of a log whose days each have one row."""
    return theirs_split(collapsed(log))


@pytest.mark.parametrize("until", [None, UNTIL])
@pytest.mark.parametrize("weeks", [True, False])
def test_summary(log: pd.DataFrame, until: str | None, weeks: bool) -> None:
    ours = summarise(log, unit="W" if weeks else "D", until=until)
    with warnings.catch_warnings():
        theirs = lifetimes_utils().summary_data_from_transaction_data(
            log.copy(),
            "customer_id",
            "date",
            monetary_value_col="amount",
            observation_period_end=until,
            **(DAYS_IN_WEEKS if weeks else {}),
        )
    assert_same(ours, theirs.sort_index())


def test_summary_without_amounts(log: pd.DataFrame) -> None:
    ours = summarise(log[["customer_id", "date"]])
    with warnings.catch_warnings():
        theirs = lifetimes_utils().summary_data_from_transaction_data(
            log.copy(), "customer_id", "date", **DAYS_IN_WEEKS
        )
    assert_same(ours, theirs.sort_index())


def test_calibration_and_holdout(log: pd.DataFrame, by_day: pd.DataFrame) -> None:
    """lifetimes averages the rows of the holdout, we average its days; everything else is the same."""
    ours = split_holdout(log, until=UNTIL, holdout_until=END)
    by_row = theirs_split(log)
    assert_same(ours, by_day)

    spent = "monetary_value_holdout"
    assert_same(ours.drop(columns=spent), by_row.drop(columns=spent))
    differ = ~np.isclose(ours[spent], by_row[spent], rtol=ROUNDING, atol=0)
    assert set(ours.index[differ]) == unequal_means(log)
    assert differ.any()


def test_a_planted_error_is_caught(log: pd.DataFrame, by_day: pd.DataFrame) -> None:
    """Control: a summary that ends a day late, or that counts rows in place of days, is not the same."""
    with pytest.raises(AssertionError, match="Not equal"):
        assert_same(split_holdout(log, until="1997-10-01", holdout_until=END).reindex(by_day.index), by_day)
    ours = split_holdout(log, until=UNTIL, holdout_until=END)
    rows = log[log["date"] <= UNTIL].groupby("customer_id").size() - 1
    with pytest.raises(AssertionError, match="frequency"):
        assert_same(ours.assign(frequency=rows), by_day)


def unequal_means(log: pd.DataFrame) -> set[int]:
    """Customers seen in the calibration who have several rows, not all for nothing, on one holdout day."""
    first = log.groupby("customer_id")["date"].min()
    holdout = log[(log["date"] > UNTIL) & log["customer_id"].isin(first.index[first <= UNTIL])]
    rows = holdout.groupby("customer_id").size()
    days = holdout.groupby("customer_id")["date"].nunique()
    several = rows.index[rows > days]
    spent = holdout.groupby("customer_id")["amount"].sum()
    return {int(customer) for customer in several if spent[customer] > 0}


def theirs_split(log: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings():
        theirs = lifetimes_utils().calibration_and_holdout_data(
            log.copy(), "customer_id", "date", UNTIL, END, monetary_value_col="amount", **DAYS_IN_WEEKS
        )
    renamed: pd.DataFrame = theirs.sort_index().rename(columns={"duration_holdout": "T_holdout"})
    return renamed.rename(columns=lambda name: name.removesuffix("_cal"))


def collapsed(log: pd.DataFrame) -> pd.DataFrame:
    return log.groupby(["customer_id", "date"], as_index=False)["amount"].sum()


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    assert set(ours.columns) == set(theirs.columns)
    assert ours.index.equals(theirs.index)
    for column in ours.columns:
        tolerance = ROUNDING if column.startswith("monetary") else 0.0
        np.testing.assert_allclose(ours[column], theirs[column], rtol=tolerance, atol=0, err_msg=column)
