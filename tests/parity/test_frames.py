"""Truth: parity with pandas. A log means the same, to the bit, whatever kind of frame it comes in."""

from __future__ import annotations

import duckdb
import narwhals
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import churnsim as cs
from churnsim.errors import DataError

KINDS = {
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
    "narwhals": lambda frame: narwhals.from_native(pl.from_pandas(frame)),
    "stream": lambda frame: pa.Table.from_pandas(frame, preserve_index=False).to_reader(),
}


def log(text: bool) -> pd.DataFrame:
    found = cs.datasets.cdnow().head(600).drop(columns="quantity")
    return found.assign(customer_id=("c" + found["customer_id"].astype(str)).astype(object)) if text else found


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_log_in_another_frame_gives_the_same_summary(kind, text):
    frame = log(text)
    pd.testing.assert_frame_equal(cs.summarise(KINDS[kind](frame)), cs.summarise(frame), check_exact=True)
    days = {"until": "1997-06-30", "holdout_until": "1998-06-30"}
    pd.testing.assert_frame_equal(
        cs.split_holdout(KINDS[kind](frame), **days), cs.split_holdout(frame, **days), check_exact=True
    )


def test_control_a_frame_that_differs_gives_another_summary():
    frame = log(False)
    assert not cs.summarise(pl.from_pandas(frame.iloc[1:])).equals(cs.summarise(frame))


def test_a_wrong_row_is_named_and_what_is_not_computed_yet_is_said():
    with pytest.raises(DataError, match="'date'"):
        cs.summarise(pl.DataFrame({"customer_id": [1], "date": ["one day"]}))
    with pytest.raises(DataError, match=r"got LazyFrame. Call its collect\(\) first"):
        cs.summarise(pl.from_pandas(log(False)).lazy())


def test_a_summary_in_another_frame_is_refused_by_its_kind():
    """It has no index to say whose the results are."""
    summary = pl.from_pandas(cs.summarise(log(False)).reset_index())
    with pytest.raises(DataError, match=r"must be a pandas DataFrame; got a polars DataFrame. Turn it"):
        cs.BGNBD.fit(summary)
