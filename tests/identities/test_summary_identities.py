"""What must hold of the summary of any log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from churnsim.data import split_holdout, summarise
from churnsim.units import DAYS_PER_UNIT

START = pd.Timestamp("2020-01-01")


@st.composite
def logs(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 6),
                st.integers(0, 40 * 24 - 1),  # hours: several purchases fall on one day
                st.floats(0, 1e6, allow_subnormal=False).map(lambda value: round(value, 2)),
            ),
            min_size=1,
            max_size=40,
        )
    )
    ids, hours, amounts = zip(*rows, strict=True)
    dates = START + pd.to_timedelta(np.array(hours), unit="h")
    return pd.DataFrame({"customer_id": ids, "date": dates, "amount": amounts})


UNTIL = st.integers(0, 60).map(lambda days: START + pd.Timedelta(days=40 + days))


@given(log=logs(), unit=st.sampled_from(sorted(DAYS_PER_UNIT)))
def test_another_unit_only_rescales_durations(log: pd.DataFrame, unit: str) -> None:
    in_days, other = summarise(log, unit="D"), summarise(log, unit=unit)
    for column in ("recency", "T"):
        # One division by the same number: equal to the last digit.
        np.testing.assert_array_equal(in_days[column] / DAYS_PER_UNIT[unit], other[column])
    same = ["frequency", "monetary_value"]
    pd.testing.assert_frame_equal(in_days[same], other[same])


@given(log=logs(), data=st.data())
def test_order_of_rows_is_irrelevant_to_the_last_digit(log: pd.DataFrame, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(log))))
    pd.testing.assert_frame_equal(summarise(log), summarise(log.iloc[order]), check_exact=True)


@given(log=logs())
def test_a_day_counts_once_and_its_amounts_add_up(log: pd.DataFrame) -> None:
    by_day = log.assign(date=log["date"].dt.normalize())
    pd.testing.assert_frame_equal(summarise(log), summarise(by_day), check_exact=True)
    totals = by_day.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    # pandas adds in another order and with compensation; 40 amounts lose at most 40 roundings.
    pd.testing.assert_frame_equal(summarise(log), summarise(totals), check_exact=False, rtol=40 * 2.0**-52)
    twice = pd.concat([log, log.assign(amount=0.0)])
    pd.testing.assert_frame_equal(summarise(log), summarise(twice), check_exact=True)


@given(log=logs(), until=UNTIL)
def test_bounds(log: pd.DataFrame, until: pd.Timestamp) -> None:
    summary = summarise(log, unit="D", until=until)
    assert (summary["recency"] >= 0).all()
    assert (summary["recency"] <= summary["T"]).all()
    assert (summary["frequency"] <= summary["recency"]).all()  # one purchase a day at most
    assert ((summary["frequency"] == 0) == (summary["recency"] == 0)).all()
    repeats = summary["frequency"] > 0
    assert (summary.loc[~repeats, "monetary_value"] == 0).all()
    assert summary.index.is_monotonic_increasing
    assert summary.index.is_unique
    assert len(summary) == log["customer_id"].nunique()
    assert not summary.isna().any(axis=None)


@given(log=logs(), later=st.integers(1, 30))
def test_a_later_end_lengthens_nothing_but_age(log: pd.DataFrame, later: int) -> None:
    end = log["date"].max().normalize()
    now = summarise(log, unit="D")
    then = summarise(log, unit="D", until=end + pd.Timedelta(days=later))
    pd.testing.assert_frame_equal(now.assign(T=now["T"] + later), then, check_exact=True)


@given(log=logs(), zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]))
def test_a_time_zone_changes_nothing(log: pd.DataFrame, zone: str) -> None:
    zoned = log.assign(date=log["date"].dt.tz_localize(zone))
    pd.testing.assert_frame_equal(summarise(log), summarise(zoned), check_exact=True)


@given(log=logs(), unit=st.sampled_from(["D", "s", "ms", "us", "ns"]))
def test_resolution_of_the_clock_changes_nothing(log: pd.DataFrame, unit: str) -> None:
    values: Any = log["date"].dt.normalize().to_numpy().astype(f"datetime64[{unit}]")
    coarse = pd.DataFrame({"customer_id": log["customer_id"], "date": values, "amount": log["amount"]})
    pd.testing.assert_frame_equal(summarise(log), summarise(coarse), check_exact=True)


@settings(max_examples=40)
@given(log=logs(), cut=st.integers(0, 38), after=st.integers(1, 30))
def test_calibration_and_holdout_are_parts_of_one_log(log: pd.DataFrame, cut: int, after: int) -> None:
    until = START + pd.Timedelta(days=cut)
    end = START + pd.Timedelta(days=cut + after)
    if log["date"].min().normalize() > until:
        return
    split = split_holdout(log, until=until, holdout_until=end, unit="D")
    before = summarise(log, until=until, unit="D")
    pd.testing.assert_frame_equal(split[before.columns], before, check_exact=True)
    # The same customers seen from the end of the holdout: their purchases are those of both parts.
    whole = summarise(log, until=end, unit="D").loc[split.index]
    np.testing.assert_array_equal(split["frequency"] + split["frequency_holdout"], whole["frequency"])
    np.testing.assert_array_equal(split["T"] + split["T_holdout"], whole["T"])
    total = split["monetary_value"] * split["frequency"] + (
        split["monetary_value_holdout"] * split["frequency_holdout"]
    )
    # Sums of at most 40 amounts in another order.
    np.testing.assert_allclose(total, whole["monetary_value"] * whole["frequency"], rtol=100 * 2.0**-52)
