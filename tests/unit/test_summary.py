"""The summary's rules on logs small enough to work out by hand, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim.data as data
from churnsim.errors import ConfigError, DataError


def log(*rows: tuple[Any, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    frame["date"] = pd.to_datetime(frame["date"], format="ISO8601")
    return frame


ANNA_AND_BO = log(
    ("bo", "2020-01-10", 9.0),
    ("anna", "2020-01-15", 30.0),
    ("anna", "2020-01-01", 100.0),
    ("anna", "2020-01-15", 20.0),
    ("anna", "2020-01-29", 10.0),
)


def test_summary_by_hand() -> None:
    summary = data.summarise(ANNA_AND_BO)
    expected = pd.DataFrame(
        {
            "frequency": [2, 0],
            "recency": [4.0, 0.0],
            "T": [4.0, 19 / 7],
            "monetary_value": [(50.0 + 10.0) / 2, 0.0],
        },
        index=pd.Index(["anna", "bo"], name="customer_id"),
    )
    pd.testing.assert_frame_equal(summary, expected)


def test_split_by_hand() -> None:
    split = data.split_holdout(ANNA_AND_BO, until="2020-01-09", holdout_until="2020-01-23", unit="D")
    expected = pd.DataFrame(
        {
            "frequency": [0],
            "recency": [0.0],
            "T": [8.0],
            "monetary_value": [0.0],
            "frequency_holdout": [1],
            "T_holdout": [14.0],
            "monetary_value_holdout": [50.0],  # the mean of one day's total, not of two rows
        },
        index=pd.Index(["anna"], name="customer_id"),  # bo first bought after 9 January
    )
    pd.testing.assert_frame_equal(split, expected)


def test_both_ends_of_the_holdout_are_whole_days() -> None:
    rows = log(
        ("a", "2020-01-01", 1.0),
        ("a", "2020-01-05 23:59", 1.0),
        ("a", "2020-01-06 00:00", 1.0),
        ("a", "2020-01-10 23:59", 1.0),
        ("a", "2020-01-11", 1.0),
    )
    split = data.split_holdout(rows, until="2020-01-05", holdout_until="2020-01-10", unit="D")
    assert split["frequency"].item() == 1
    assert split["frequency_holdout"].item() == 2
    assert split["T_holdout"].item() == 5.0


def test_days_before_1970_are_days_too() -> None:
    rows = log(("a", "1969-12-30 23:59", 1.0), ("a", "1969-12-31 00:01", 1.0), ("a", "1970-01-01 00:01", 1.0))
    summary = data.summarise(rows, unit="D")
    assert summary[["frequency", "recency", "T"]].to_numpy().tolist() == [[2, 2, 2]]


def test_holdout_ends_with_the_log_unless_told() -> None:
    assert data.split_holdout(ANNA_AND_BO, until="2020-01-15")["T_holdout"].tolist() == [2.0, 2.0]


def test_without_amounts_there_is_no_monetary_value() -> None:
    split = data.split_holdout(ANNA_AND_BO.drop(columns="amount"), until="2020-01-15")
    assert list(split.columns) == ["frequency", "recency", "T", "frequency_holdout", "T_holdout"]


@pytest.mark.parametrize("until", ["2020-02-05", pd.Timestamp("2020-02-05 13:00"), np.datetime64("2020-02-05")])
def test_until_may_lie_after_the_log(until: Any) -> None:
    assert data.summarise(ANNA_AND_BO, until=until)["T"].tolist() == [5.0, 26 / 7]


def test_dates_may_be_iso_text_or_have_a_zone() -> None:
    expected = data.summarise(ANNA_AND_BO)
    text = ANNA_AND_BO.assign(date=ANNA_AND_BO["date"].dt.strftime("%Y-%m-%d"))
    zone = ANNA_AND_BO.assign(date=ANNA_AND_BO["date"].dt.tz_localize("Pacific/Auckland"))
    days = ANNA_AND_BO.assign(date=ANNA_AND_BO["date"].dt.date)
    for variant in (text, zone, days):
        pd.testing.assert_frame_equal(data.summarise(variant), expected)


def test_the_log_given_is_left_alone() -> None:
    before = ANNA_AND_BO.copy(deep=True)
    data.split_holdout(ANNA_AND_BO, until="2020-01-15")
    pd.testing.assert_frame_equal(ANNA_AND_BO, before)


@pytest.mark.parametrize("kind", ["string", "category", "object"])
def test_ids_may_be_text_of_any_kind(kind: Any) -> None:
    frame = ANNA_AND_BO.astype({"customer_id": kind})
    assert data.summarise(frame).index.tolist() == ["anna", "bo"]


BAD_VALUES = [
    ("customer_id", None, "None is not a customer id"),
    ("customer_id", float("nan"), "nan is not a customer id"),
    ("customer_id", "  ", "'  ' is not a customer id"),
    ("customer_id", "nan", "'nan' is not a customer id"),
    ("date", pd.NaT, "NaT is not a date"),
    ("amount", float("nan"), "nan is not an amount"),
    ("amount", float("inf"), "inf is not a finite number"),
    ("amount", -1.0, "-1.0 is negative"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD_VALUES)
def test_a_bad_value_is_named_with_its_row(column: str, value: Any, message: str) -> None:
    frame = ANNA_AND_BO.astype({"customer_id": object})  # pandas 3's own kind of text holds no None
    frame.index = pd.Index(list("pqrst"))
    frame.loc["r", column] = value
    with pytest.raises(DataError, match=f"index r, column '{column}': {message}"):
        data.summarise(frame)
    frame.index = pd.Index(list("ppppp"))  # labels that name no single row
    with pytest.raises(DataError, match=f"position 2, column '{column}': {message}"):
        data.summarise(frame)


def test_text_that_is_no_date_or_number_is_refused() -> None:
    with pytest.raises(DataError, match="index 0, column 'date': '01/02/2020' is not an ISO date"):
        data.summarise(pd.DataFrame({"customer_id": [1], "date": ["01/02/2020"]}))
    with pytest.raises(DataError, match="index 0, column 'date': 20200102 is not an ISO date"):
        data.summarise(pd.DataFrame({"customer_id": [1], "date": [20200102]}))
    with pytest.raises(DataError, match="index 0, column 'amount': '5 EUR'"):
        data.summarise(pd.DataFrame({"customer_id": [1], "date": ["2020-01-02"], "amount": ["5 EUR"]}))


def test_frames_that_cannot_be_used() -> None:
    with pytest.raises(DataError, match="frame is empty"):
        data.summarise(ANNA_AND_BO.iloc[:0])
    with pytest.raises(DataError, match=r"no column 'customer_id'.*Did you mean 'CustomerID'"):
        data.summarise(ANNA_AND_BO.rename(columns={"customer_id": "CustomerID"}))
    with pytest.raises(DataError, match="2 columns called 'date'"):
        data.summarise(pd.concat([ANNA_AND_BO, ANNA_AND_BO[["date"]]], axis=1))
    with pytest.raises(DataError, match=r"must be a DataFrame .* an Arrow table.*; got list"):
        data.summarise([1, 2])  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"mixes kinds of ids \(int, str\)"):
        data.summarise(log((1, "2020-01-01", 1.0), ("1", "2020-01-01", 1.0)))
    with pytest.raises(DataError, match="cannot be customer ids"):
        data.summarise(log(([1], "2020-01-01", 1.0)))
    with pytest.raises(DataError, match="more than a number can hold"):
        data.summarise(log((1, "2020-01-01", 1e308), (1, "2020-01-02", 1e308)))


def test_ends_that_make_no_sense() -> None:
    with pytest.raises(DataError, match=r"until \(2019-12-31\) is before the first purchase in the log \(2020-01-01\)"):
        data.summarise(ANNA_AND_BO, until="2019-12-31")
    with pytest.raises(DataError, match=r"until \(2020-01-29\) must be before the last date in the log"):
        data.split_holdout(ANNA_AND_BO, until="2020-01-29")
    with pytest.raises(DataError, match="must be before holdout_until"):
        data.split_holdout(ANNA_AND_BO, until="2020-01-29", holdout_until="2020-01-28")
    with pytest.raises(ConfigError, match=r"until must be a day .* got '30/09/1997'"):
        data.summarise(ANNA_AND_BO, until="30/09/1997")
    with pytest.raises(ConfigError, match="until must be a day"):
        data.summarise(ANNA_AND_BO, until=19970930)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown time unit 'weeks'"):
        data.summarise(ANNA_AND_BO, unit="weeks")


def test_a_day_to_come_is_no_observation() -> None:
    """Its silence would count as customers lost."""
    log = pd.DataFrame({"customer_id": [1, 1, 2], "date": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-01-05"])})
    with pytest.raises(DataError, match="until is 2200-01-01, which is still to come"):
        data.summarise(log, until="2200-01-01")
    with pytest.raises(DataError, match="holdout_until is 2200-01-01"):
        data.split_holdout(log, until="2020-01-20", holdout_until="2200-01-01")


def test_a_summary_says_its_unit() -> None:
    log = pd.DataFrame({"customer_id": [1, 1, 2], "date": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-01-05"])})
    assert data.summarise(log, unit="D").attrs["unit"] == "D"
    assert data.split_holdout(log, until="2020-01-20", unit="M").attrs["unit"] == "M"


def test_a_day_beyond_the_calendar_is_refused() -> None:
    log = pd.DataFrame({"customer_id": [1], "date": pd.to_datetime(["2020-01-01"])})
    with pytest.raises(ConfigError, match="until must lie between 1678 and 2261"):
        data.summarise(log, until="2999-01-01")
