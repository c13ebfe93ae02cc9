"""Truth: the answer of a frame in memory, to the bit. Refunds are dealt with where a log lies as in memory."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import churnsim as cs
from churnsim.data import CustomerDatabase, ParquetLog, count_histories
from churnsim.data.summaries.frame_kinds import summary_of_kind
from churnsim.errors import DataError


def a_log(ids=int, *, clock="us"):
    """Two hundred customers with purchases at the same time, refunds of all kinds, and one whose all is refunded.

    Amounts are whole eighths, which add up alike in any order.
    """
    rng = np.random.default_rng(5)
    number = 1500
    customer = rng.integers(0, 200, number)
    day = np.sort(rng.integers(0, 90, number))
    hour = np.where(customer % 2, 0, rng.integers(0, 24, number))
    amount = np.ceil(rng.gamma(2, 20, number) * 8) / 8
    back = rng.random(number) < 0.15
    amount[back] = np.where(rng.random(back.sum()) < 0.5, np.roll(amount, 1)[back], np.ceil(amount[back] * 2) / 8)
    amount = np.where(back, -np.abs(amount), amount)
    start = pd.Timestamp("2024-01-01 00:00")
    frame = pd.DataFrame(
        {
            "customer_id": np.append(customer, [900, 900]),
            "date": [*(start + pd.to_timedelta(24 * day + hour, "h")), start, pd.Timestamp("2024-04-20")],
            "amount": np.append(amount, [12.5, -12.5]),
        }
    )
    frame["date"] = frame["date"].astype(f"datetime64[{clock}]")
    return frame.assign(customer_id=frame["customer_id"].map("c{:04d}".format)) if ids is str else frame


def ibis_table(log, backend):
    import ibis

    table = pa.Table.from_pandas(log, preserve_index=False)
    if backend == "polars":
        return ibis.polars.connect().create_table("purchases", table)
    connection = ibis.duckdb.connect()
    connection.con.register("purchases", table)  # not create_table: Ibis 12 drops a view by an empty name, an error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        return connection.table("purchases")


def in_parquet(log, folder, *, zone=None, day=False):
    """Half of the log in a file each, the dates on a clock of their own, or without a time."""
    folder.mkdir()
    when = log["date"].dt.tz_localize(zone) if zone else log["date"].dt.date if day else log["date"]
    for part, rows in enumerate(np.array_split(np.arange(len(log)), 2)):
        half = log.assign(date=when).iloc[rows]
        pq.write_table(pa.Table.from_pandas(half, preserve_index=False), folder / f"{part}.parquet")
    return ParquetLog(folder)


def in_database(log, folder):
    database = CustomerDatabase(folder / "customers.db")
    database.add(log)
    return database


PLACES = {
    "Polars": lambda log, path: pl.from_pandas(log),
    "DuckDB": lambda log, path: __import__("duckdb").from_arrow(pa.Table.from_pandas(log, preserve_index=False)),
    "Parquet": lambda log, path: in_parquet(log, path / "log"),
    "Parquet, New York": lambda log, path: in_parquet(log, path / "log", zone="America/New_York"),
    "database": in_database,
    "Ibis on DuckDB": lambda log, path: ibis_table(log, "duckdb"),
    "Ibis on Polars": lambda log, path: ibis_table(log, "polars"),
}


@pytest.mark.parametrize("on_refund", ["apart", "net"])
@pytest.mark.parametrize("place", PLACES)
def test_a_summary_is_that_of_a_frame(tmp_path, place, on_refund):
    log = a_log(str)
    there = PLACES[place](log, tmp_path)
    for until in (None, "2024-02-20"):
        expected = cs.summarise(log, on_refund=on_refund, until=until, unit="D")
        found = cs.summarise(there, on_refund=on_refund, until=until, unit="D")
        if place == "Polars":  # whose frames have no attrs to tell it in
            found = summary_of_kind(found)
        else:
            assert found.attrs["refunds"] == expected.attrs["refunds"]
        pd.testing.assert_frame_equal(found, expected, check_index_type=False, check_exact=True)
    ours = count_histories(there, on_refund=on_refund, unit="D")
    pd.testing.assert_frame_equal(ours, count_histories(log, on_refund=on_refund, unit="D"), check_exact=True)
    assert cs.BGNBD.fit(ours).n == len(cs.summarise(log, on_refund=on_refund))
    spends = count_histories(there, on_refund=on_refund, spend=True)
    pd.testing.assert_frame_equal(spends, count_histories(log, on_refund=on_refund, spend=True), check_exact=True)
    if place == "database":  # which keeps them apart
        there.close()
    elif place == "Polars":
        with pytest.raises(DataError, match="negative"):
            cs.summarise(there)
    else:
        with pytest.raises(DataError, match=r"negative|refund"):
            cs.summarise(there)


@pytest.mark.parametrize("options", [{"clock": "ns"}, {"clock": "ms"}, {"ids": int}])
def test_types_make_no_difference(tmp_path, options):
    log = a_log(**options)
    expected = cs.summarise(log, on_refund="net")
    folder = in_parquet(log, tmp_path / "log")
    pd.testing.assert_frame_equal(cs.summarise(folder, on_refund="net"), expected, check_exact=True)
    days = log.assign(date=log["date"].dt.normalize())
    whole = in_parquet(days, tmp_path / "days", day=True)
    pd.testing.assert_frame_equal(
        cs.summarise(whole, on_refund="net"), cs.summarise(days, on_refund="net"), check_exact=True
    )
    with ThreadPoolExecutor(2) as executor:
        parts = count_histories(folder, on_refund="net", executor=executor, parts=3)
    pd.testing.assert_frame_equal(parts, count_histories(log, on_refund="net"))
    assert parts.attrs == count_histories(log, on_refund="net").attrs
    written = cs.data.write_summary(folder, tmp_path / "summary", on_refund="net")
    assert written.customers == len(expected)


def test_the_order_of_rows_makes_no_difference():
    """By hand: 3 of purchases of 5 and 10 at one time are taken off the 10, whichever row is first."""
    log = pd.DataFrame({"customer_id": 1, "date": "2024-01-01", "amount": [10.0, 5.0, 30.0, -3.0, -7.0]})
    log.loc[2, "date"], log.loc[3:, "date"] = "2024-01-05", ["2024-01-01", "2024-01-06"]
    for seed in range(4):
        found = cs.summarise(log.sample(frac=1, random_state=seed), on_refund="net", unit="D", until="2024-01-06")
        # Of 10, 7 are left, which the second refund is exactly; so that nothing is taken off the 30.
        assert found["monetary_value"].tolist() == [30.0]


def test_a_database_leaves_out_who_came_before(tmp_path):
    """Also of what is left when refunds are taken off, as its log says."""
    with in_database(a_log(str), tmp_path) as database:
        for refunds in ("apart", "net"):
            log = database.transactions(refunds=refunds, first_from="2024-01-05")
            found = database.summarise(refunds=refunds, first_from="2024-01-05", until="2024-03-20")
            pd.testing.assert_frame_equal(found, cs.summarise(log, until="2024-03-20"), check_index_type=False)
        assert not database._connection.execute("SELECT * FROM duckdb_views() WHERE NOT internal").fetchall()


def test_what_cannot_be_netted_is_told(tmp_path):
    log = pd.DataFrame({"customer_id": [1, 1], "date": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    gone = in_parquet(log.assign(amount=[5.0, -5.0]), tmp_path / "gone")
    with pytest.raises(DataError, match="holds no purchases"):
        cs.summarise(gone, on_refund="net")
    endless = log.assign(amount=[5.0, -np.inf])
    for there in (endless, in_parquet(endless, tmp_path / "endless"), ibis_table(endless, "duckdb")):
        with pytest.raises(DataError, match="finite"):
            cs.summarise(there, on_refund="apart")
