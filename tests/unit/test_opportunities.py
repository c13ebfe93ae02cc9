"""Periods instead of time: what counts as an opportunity, and which ends are cut short."""

from __future__ import annotations

import pandas as pd
import pytest

import churnsim as cs

LOG = pd.DataFrame(
    {
        "customer_id": ["ann", "ann", "ann", "ann", "bob", "cid", "ann"],
        "date": pd.to_datetime(
            ["2001-03-05", "2001-07-01", "2002-01-01", "2002-12-31", "2002-06-01", "2004-01-01", "2004-02-01"]
        ),
    }
)


def test_years() -> None:
    table = cs.data.summarise_opportunities(LOG, unit="Y", until="2003-12-31")
    assert table.attrs["unit"] == "Y"
    assert table.loc["ann"].tolist() == [1, 1.0, 2.0]  # 2002 counts once; 2003 was met and not used
    assert table.loc["bob"].tolist() == [0, 0.0, 1.0]
    assert "cid" not in table.index
    # 2004 is not over: nothing of it counts.
    assert cs.data.summarise_opportunities(LOG, unit="Y", until="2004-02-01").equals(table)


def test_weeks_end_with_the_last_day() -> None:
    days = pd.to_datetime(["2001-01-01", "2001-01-07", "2001-01-08", "2001-01-14"])
    log = pd.DataFrame({"customer_id": ["ann"] * 4, "date": days})
    assert cs.data.summarise_opportunities(log, unit="W").loc["ann"].tolist() == [1, 1.0, 1.0]
    assert cs.data.summarise_opportunities(log, unit="D").loc["ann"].tolist() == [3, 13.0, 13.0]


def test_no_whole_period() -> None:
    with pytest.raises(cs.errors.DataError, match="no whole period of unit 'Y' with a purchase ends by 2001-12-30"):
        cs.data.summarise_opportunities(LOG, unit="Y", until="2001-12-30")


def test_it_feeds_the_model() -> None:
    table = cs.data.summarise_opportunities(cs.datasets.cdnow(), unit="M", until="1998-06-30")
    assert len(table) == 2357
    fit = cs.models.BGBB.fit(table)
    assert fit.status.ok
    assert fit.model.unit == "M"
