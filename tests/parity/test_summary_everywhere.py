"""Truth: one meaning of the summary, wherever the log lies: row for row the same as from a DataFrame."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import churnsim as cs
from churnsim.data.database import CustomerDatabase
from churnsim.data.summaries.frame_kinds import summary_of_kind
from churnsim.data.summaries.parquet_log import ParquetLog
from churnsim.errors import DataError

FEW = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Frequencies and days are whole numbers and agree exactly; amounts are added in another order, each backend its own:
# at most 40 rows, and repeat purchases that are a ten-thousandth of everything at least: 40 x 1e4 x 1.1e-16.
CLOSE = {"rtol": 5e-11, "atol": 1e-12}


@st.composite
def logs(draw):
    """Ties, several purchases a day, days around a leap day and a year's end, zero amounts, gaps in the ids."""
    size = draw(st.integers(1, 40))
    ids = draw(st.lists(st.sampled_from([1, 2, 3, 70, 5000]), min_size=size, max_size=size))
    days = st.dates(min_value=pd.Timestamp("2023-12-28").date(), max_value=pd.Timestamp("2024-03-03").date())
    dates = draw(st.lists(days, min_size=size, max_size=size))
    seconds = draw(st.lists(st.sampled_from([0, 1, 3600, 43_200, 86_399]), min_size=size, max_size=size))
    cents = draw(st.lists(st.integers(0, 1_000_000), min_size=size, max_size=size))
    return pd.DataFrame(
        {
            "customer_id": np.array(ids, dtype=np.int64),
            "date": pd.to_datetime(dates) + pd.to_timedelta(seconds, unit="s"),
            "amount": np.array(cents) / 100,
        }
    )


UNTIL = st.sampled_from([None, "2024-02-29", "2024-03-02"])


def brute_force(log, until):
    """The definition, customer by customer, in plain Python."""
    rows = {}
    end = (log["date"].max() if until is None else pd.Timestamp(until)).normalize()
    for customer, own in log[log["date"] < end + pd.Timedelta(days=1)].groupby("customer_id"):
        days = sorted(set(own["date"].dt.normalize()))
        later = own[own["date"].dt.normalize() > days[0]]["amount"].sum()
        repeats = len(days) - 1
        rows[customer] = (repeats, (days[-1] - days[0]).days / 7, (end - days[0]).days / 7, later / max(repeats, 1))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["frequency", "recency", "T", "monetary_value"])


def same(found, expected):
    pd.testing.assert_frame_equal(summary_of_kind(found), expected, check_names=False, check_index_type=False, **CLOSE)


@pytest.fixture(scope="module")
def duck():
    return ibis.duckdb.connect()


@pytest.fixture(scope="module")
def polars():
    return ibis.polars.connect()


_NUMBERS = itertools.count()


def fresh_table(connection, frame):
    """A table of the frame under a name that nothing had before."""
    name, table = f"purchases_{next(_NUMBERS)}", pa.Table.from_pandas(frame, preserve_index=False)
    if connection.name == "duckdb":  # Ibis 12 drops its own helper view by an empty name, which DuckDB 2 refuses
        connection.con.register(name, table)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
            return connection.table(name)
    return connection.create_table(name, table)


def server_programs() -> Path | None:
    """Where PostgreSQL's programs lie, if it is installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) + sorted(Path("/usr").glob("pgsql*/bin/initdb"))
    return places[-1].parent if places else None


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server of our own in a temporary directory, stopped and removed afterwards."""
    programs = server_programs()
    if programs is None:
        pytest.skip(
            "NOT RUN: PostgreSQL is not installed here (apt-get install postgresql), so push-down to it is untested"
        )
    home = Path(tempfile.mkdtemp(prefix="churnsim-pg-"))
    who: dict[str, int] = {}
    name = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:  # the server refuses to run as root
        user = next((u for u in pwd.getpwall() if u.pw_name in ("postgres", "nobody")), None)
        if user is None:
            pytest.skip("NOT RUN: PostgreSQL does not run as root and there is no user postgres or nobody")
        os.chown(home, user.pw_uid, user.pw_gid)
        who, name = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}, user.pw_name
    run = {"cwd": home, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **who}
    subprocess.run(
        [programs / "initdb", "-D", home / "data", "-A", "trust", "-U", name, "-E", "UTF8", "--locale=C", "-N"],
        check=True, **run,
    )  # fmt: skip
    options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off -c shared_buffers=32MB"
    server = subprocess.Popen([programs / "postgres", "-D", home / "data", *_words(options)], **run)
    try:
        connection = _connected(home, name)
        yield connection
        connection.disconnect()
    finally:
        server.send_signal(signal.SIGINT)  # the server's word for "now, whoever is connected"
        server.communicate(timeout=60)
        shutil.rmtree(home, ignore_errors=True)


def _words(options: str) -> list[str]:
    return [word.replace("'", "") for word in options.split()]


def _connected(home: Path, name: str):
    for _ in range(100):
        with contextlib.suppress(Exception):
            return ibis.postgres.connect(host=str(home), user=name, database="postgres")
        time.sleep(0.1)
    pytest.fail("the PostgreSQL server did not come up within ten seconds")


def test_the_frame_is_summarised_by_the_definition():
    @FEW
    @given(log=logs(), until=UNTIL)
    def check(log, until):
        if until is not None and (log["date"] >= pd.Timestamp(until) + pd.Timedelta(days=1)).all():
            return
        same(cs.summarise(log, until=until), brute_force(log, until))

    check()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_resolution_and_type_of_id_goes_one_way(unit):
    @FEW
    @given(log=logs())
    def check(log):
        expected = cs.summarise(log)
        same(cs.summarise(log.assign(date=log["date"].astype(f"datetime64[{unit}]"))), expected)
        same(cs.summarise(pa.Table.from_pandas(log)), expected)
        same(cs.summarise(log.astype({"customer_id": np.int16})), expected)
        wide = log.assign(customer_id=log["customer_id"] * 10**14)
        found = cs.summarise(wide)
        same(found.set_axis(found.index // 10**14), expected)
        text = cs.summarise(log.assign(customer_id=log["customer_id"].map("{:04d}".format)))
        same(text.set_axis(text.index.astype(int)), expected)

    check()


def test_an_arrow_table_of_days_and_whole_amounts():
    table = pa.table(
        {
            "customer_id": pa.array([1, 1, 2], pa.int32()),
            "date": pa.array([19000, 19007, 19003], pa.date32()),
            "amount": pa.array([1, 2, 3], pa.int64()),
        }
    )
    summary = summary_of_kind(cs.summarise(table))
    assert summary["frequency"].tolist() == [1, 0]
    assert summary["monetary_value"].tolist() == [2.0, 0.0]


def test_many_rows_of_one_customer_are_sorted_too():
    """More rows than an insertion sort is used for, in the worst order."""
    days = pd.date_range("2020-01-01", periods=500)[::-1]
    log = pd.DataFrame({"customer_id": 7, "date": days.repeat(3), "amount": np.arange(1500) % 7})
    same(cs.summarise(log), brute_force(log, None))


@pytest.mark.parametrize("backend", ["duck", "polars", "postgres"])
def test_ibis_backends(backend, request):
    connection = request.getfixturevalue(backend)

    @FEW
    @given(log=logs(), until=UNTIL, text=st.booleans())
    def check(log, until, text):
        if until is not None and (log["date"] >= pd.Timestamp(until) + pd.Timedelta(days=1)).all():
            return
        if text:
            log = log.assign(customer_id=log["customer_id"].map("é{:04d}".format))
        table = fresh_table(connection, log)
        same(cs.summarise(table, until=until), cs.summarise(log, until=until))
        if text:  # half of them: it takes as long again
            counted = cs.data.count_histories(log, unit="D", until=until)
            there = cs.data.count_histories(table, unit="D", until=until)
            pd.testing.assert_frame_equal(there, counted, check_dtype=False)

    check()


@pytest.mark.parametrize("dialect", ["postgres", "databricks", "bigquery", "snowflake"])
def test_histories_are_counted_in_the_words_of_each_warehouse(dialect):
    """One statement, two groupings, no customer in what comes back."""
    table = ibis.table({"customer_id": "int64", "date": "timestamp", "amount": "float64"}, name="purchases")
    text = ibis.to_sql(cs.data.histories_expression(table, until="2024-12-31"), dialect=dialect)
    assert text.count("GROUP BY") == 2
    assert "customer_id" not in text.partition("FROM")[0]
    assert "amount" not in text


@pytest.mark.parametrize("backend", ["duck", "polars", "postgres"])
def test_ibis_tables_that_cannot_be_used(backend, request):
    connection = request.getfixturevalue(backend)
    good = pd.DataFrame(
        {"customer_id": ["a", "b"], "date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "amount": 1.0}
    )

    def table(frame):
        return fresh_table(connection, frame)

    for frame, words in (
        (good.rename(columns={"date": "day"}), "no column 'date'"),
        (good.assign(amount=[1.0, -1.0]), "negative"),
        (good.assign(amount=[1.0, np.inf]), "not finite"),
        (good.assign(amount=[1.0, None]), "missing"),
        (good.assign(customer_id=["a", None]), "missing"),
        (good.assign(customer_id=["a", " nan"]), "cannot be a customer id"),
        (good.assign(date=["2024-01-01", "2024-01-02"]), "Cast it to a date"),
        (good.assign(date=good["date"].dt.tz_localize("UTC")), "time zone|Cast it to a date"),
        (good.iloc[:0].astype({"customer_id": "string"}), "empty"),
    ):
        with pytest.raises(DataError, match=words):
            cs.summarise(table(frame))
    without = cs.summarise(table(good.drop(columns="amount")))
    assert list(without.columns) == ["frequency", "recency", "T"]


def test_database_and_parquet(tmp_path):
    count = iter(range(10_000))

    @FEW
    @given(log=logs(), until=UNTIL)
    def check(log, until):
        if until is not None and (log["date"] >= pd.Timestamp(until) + pd.Timedelta(days=1)).all():
            return
        path = tmp_path / f"{next(count)}.parquet"
        log.to_parquet(path)
        same(cs.summarise(ParquetLog(path), until=until), cs.summarise(log, until=until))
        with CustomerDatabase(path.with_suffix(".db")) as db:
            db.add(log)
            text = log.assign(customer_id=log["customer_id"].astype(str))
            same(cs.summarise(db, until=until), cs.summarise(text, until=until))

    check()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_time_zones_keep_their_own_clock(tmp_path, zone):
    """Late evenings and early mornings that fall on another day in UTC, and both hours of a change to winter time."""
    times = ["2024-01-31 23:30", "2024-02-01 00:30", "2024-02-29 23:59", "2024-11-03 00:30", "2024-11-03 03:30"]
    dates = pd.to_datetime(times).tz_localize(zone)
    log = pd.DataFrame({"customer_id": 1, "date": dates, "amount": 1.0})
    expected = cs.summarise(log.assign(date=log["date"].dt.tz_localize(None)))
    assert expected.loc[1, "frequency"] == 3
    same(cs.summarise(log), expected)
    pq.write_table(pa.Table.from_pandas(log, preserve_index=False), tmp_path / "a.parquet")
    same(cs.summarise(ParquetLog(tmp_path / "a.parquet")), expected)
    with CustomerDatabase(tmp_path / "a.db") as db:
        db.add(log)
        same(cs.summarise(db).set_axis([1]), expected)


def test_parquet_logs_that_cannot_be_used(tmp_path):
    good = pd.DataFrame(
        {"customer_id": ["a", "b"], "date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "amount": 1.0}
    )
    for number, (frame, words) in enumerate(
        (
            (good.assign(amount=[1.0, -1.0]), "negative"),
            (good.assign(amount=pd.array([1.0, None], dtype="Float64")), "missing"),
            (good.assign(amount=[1.0, np.inf]), "not a finite"),
            (good.assign(customer_id=["a", None]), "missing"),
            (good.assign(customer_id=["a", "NULL"]), "cannot be a customer id"),
            (good.assign(date=["2024-01-01", "2024-01-02"]), "cannot be summarised as it lies"),
            (good.rename(columns={"amount": 'a"; DROP'}), "no column 'amount'"),
            (good.iloc[:0].astype({"customer_id": "string"}), "no purchases"),
        )
    ):
        path = tmp_path / f"{number}.parquet"
        frame.to_parquet(path)
        with pytest.raises(DataError, match=words):
            cs.summarise(ParquetLog(path))
    quoted = good.rename(columns={"amount": 'a"; DROP TABLE x; --'})
    quoted.to_parquet(tmp_path / "q.parquet")
    same(cs.summarise(ParquetLog(tmp_path / "q.parquet", amount='a"; DROP TABLE x; --')), cs.summarise(good))
    with pytest.raises(DataError, match="does not exist"):
        ParquetLog(tmp_path / "none.parquet")


@pytest.mark.parametrize("on_refund", ["apart", "net"])
def test_refunds_in_postgres(postgres, on_refund):
    """What is left of the purchases of customers with refunds goes back to the server beside the others."""
    days = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-16", "2024-01-02", "2024-01-05"])
    log = pd.DataFrame(
        {"customer_id": ["a"] * 4 + ["b"] * 2, "date": days, "amount": [10.0, 20.0, 30.0, -20.0, 8.0, 12.0]}
    )
    found = cs.summarise(fresh_table(postgres, log), on_refund=on_refund)
    expected = cs.summarise(log, on_refund=on_refund)
    same(found, expected)
    assert found.attrs["refunds"] == expected.attrs["refunds"]
