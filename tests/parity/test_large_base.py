"""Truth: what is counted, fitted and scored where it lies is what a summary in memory gives, on real data."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data import CustomerDatabase, ParquetLog, ParquetSummary, count_histories, write_summary
from churnsim.errors import ConfigError, DataError
from churnsim.models import write_scores

UNTIL = "1997-09-30"
HISTORY = ["frequency", "recency", "T"]


@pytest.fixture(scope="module")
def log():
    return cs.datasets.cdnow()


@pytest.fixture(scope="module")
def folder(log, tmp_path_factory):
    """CDNOW in files by month, as exports come: a customer's purchases lie in many of them."""
    path = tmp_path_factory.mktemp("log")
    for month, rows in log.groupby(log["date"].dt.to_period("M")):
        rows.to_parquet(path / f"{month}.parquet", index=False)
    return path


@pytest.fixture(scope="module")
def summary(folder, tmp_path_factory):
    return write_summary(ParquetLog(folder), tmp_path_factory.mktemp("summary") / "there", until=UNTIL)


def counted_by_hand(summary):
    """Each customer's own row, counted in plain Python."""
    rows = sorted(zip(*(summary[name].tolist() for name in HISTORY), strict=True))
    return [(*row, len(list(alike))) for row, alike in itertools.groupby(rows)]


def rows_of(counted):
    return list(counted[[*HISTORY, "customers"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("unit", ["D", "W"])
def test_counts_are_those_of_the_summary_to_the_bit(unit, log, folder):
    expected = counted_by_hand(cs.summarise(log, unit=unit))
    assert rows_of(count_histories(ParquetLog(folder), unit=unit)) == expected
    assert rows_of(count_histories(log, unit=unit)) == expected


def test_a_summary_in_files_is_that_in_memory_to_the_bit(folder, summary):
    there = pd.read_parquet(summary.path).set_index("customer_id").sort_index()
    here = cs.summarise(ParquetLog(folder), until=UNTIL)
    for name in here.columns:
        np.testing.assert_array_equal(there[name].to_numpy(), here[name].to_numpy())
    assert summary.customers == 2357
    assert summary.unit == "W"


@pytest.mark.parametrize("family", [cs.BGNBD, cs.MBGNBD, cs.ParetoNBD, cs.NBD])
def test_fits_of_counts_are_those_of_customers(family, log, folder, summary, tmp_path):
    expected = family.fit(cs.summarise(log, until=UNTIL))
    found = family.fit(summary)
    assert found.n == expected.n
    assert found.loglik == pytest.approx(expected.loglik, rel=1e-12)
    np.testing.assert_allclose(list(found.parameters.values()), list(expected.parameters.values()), rtol=1e-10)
    whole = family.fit(ParquetLog(folder), unit="D")
    assert whole.loglik == pytest.approx(family.fit(cs.summarise(log, unit="D")).loglik, rel=1e-12)


def test_spend_and_the_database(log, folder, summary, tmp_path):
    expected = cs.GammaGamma.fit(cs.summarise(log, until=UNTIL))
    found = cs.GammaGamma.fit(summary)
    assert found.n == expected.n
    np.testing.assert_allclose(list(found.parameters.values()), list(expected.parameters.values()), rtol=1e-9)
    with CustomerDatabase(tmp_path / "customers.db") as db:
        db.add(log, name="cdnow")
        pd.testing.assert_frame_equal(count_histories(db), count_histories(ParquetLog(folder)))
        assert cs.GammaGamma.fit(db).n == cs.GammaGamma.fit(ParquetLog(folder)).n
        again = write_summary(db, tmp_path / "summary")
        pd.testing.assert_frame_equal(count_histories(again), count_histories(db))


def test_scores_are_those_of_a_summary_in_memory(log, summary, tmp_path):
    here = cs.summarise(log, until=UNTIL)
    purchases, spend = cs.BGNBD.fit(here), cs.GammaGamma.fit(here)
    path = write_scores(
        summary, tmp_path / "scores", purchases=purchases, spend=spend, horizon=52.0, annual_discount_rate=0.1
    )
    found = pd.read_parquet(path).set_index("customer_id").sort_index()
    expected = {
        "p_alive": purchases.p_alive(here),
        "expected_purchases": purchases.expected_purchases(here, 52.0),
        "customer_value": cs.customer_value(
            here, purchases=purchases, spend=spend, annual_discount_rate=0.1, horizon=52.0
        ),
    }
    assert list(found.columns) == list(expected)
    for name, values in expected.items():
        # by_age interpolates to 1e-11 of the customers that come together
        np.testing.assert_allclose(found[name], values, rtol=1e-10)


def test_parts_of_an_executor_count_alike(folder, summary, tmp_path):
    log = ParquetLog(folder)
    with ThreadPoolExecutor(2) as pool:
        counted = count_histories(log, until=UNTIL, executor=pool, parts=3)
        pd.testing.assert_frame_equal(counted, count_histories(log, until=UNTIL))
        parts = write_summary(log, tmp_path / "parts", until=UNTIL, executor=pool, parts=3)
        pd.testing.assert_frame_equal(count_histories(parts), counted)
        assert len(parts.files) == 3
        scores = write_scores(parts, tmp_path / "scores", purchases=cs.BGNBD.fit(parts), horizon=4.0, executor=pool)
    assert len(pd.read_parquet(scores)) == 2357


def test_a_family_that_reads_more_says_so(folder):
    for family in (cs.models.MBGCNBD, cs.models.BGBB):
        with pytest.raises(DataError, match="reads more of a customer"):
            family.fit(ParquetLog(folder))


def test_what_cannot_be_used(log, folder, summary, tmp_path):
    with pytest.raises(DataError, match="is there already"):
        write_summary(ParquetLog(folder), summary.path)
    with pytest.raises(ConfigError, match="must be a ParquetLog or a CustomerDatabase"):
        write_summary(log, tmp_path / "new")
    with pytest.raises(DataError, match="no column 'frequency'"):
        ParquetSummary(folder)
    here = cs.summarise(log)
    here.reset_index().to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(DataError, match="do not say their unit"):
        ParquetSummary(tmp_path / "plain.parquet")
    assert cs.BGNBD.fit(ParquetSummary(tmp_path / "plain.parquet", unit="W")).n == 2357
    with pytest.raises(DataError, match="is a summary as it is"):
        count_histories(summary, unit="D")
    bare = log.drop(columns="amount")
    bare.to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(DataError, match="no amounts"):
        cs.GammaGamma.fit(ParquetLog(tmp_path / "bare.parquet", amount=None))
    named = log.assign(customer_id="nan")
    named.to_parquet(tmp_path / "named.parquet")
    with pytest.raises(DataError, match="cannot be a customer id"):
        count_histories(ParquetLog(tmp_path / "named.parquet"))
    half = tmp_path / "half"
    half.mkdir()
    (half / "a.parquet").write_bytes((folder / "1997-01.parquet").read_bytes()[:2000])
    with pytest.raises(DataError, match="not a sound Parquet file"):
        ParquetLog(half)
    purchases = cs.BGNBD.fit(here)
    with pytest.raises(ConfigError, match="needs both spend and annual_discount_rate"):
        write_scores(summary, tmp_path / "s", purchases=purchases, horizon=4.0, annual_discount_rate=0.1)
    days = cs.BGNBD.fit(cs.summarise(log, unit="D"))
    with pytest.raises(DataError, match="the model's in 'D'"):
        write_scores(summary, tmp_path / "s", purchases=days, horizon=4.0)
    assert not (tmp_path / "s").exists()
    assert not list(tmp_path.glob(".s-*"))  # nor what was begun


INTERRUPTED = """
import sys, pathlib, churnsim as cs
from churnsim.data.summaries import parquet_summary
log, folder = map(pathlib.Path, sys.argv[1:])
write = parquet_summary.write_batches
def slow(batches, *args, **options):
    write(batches, *args, **options)
    print("half way", flush=True)
    import time; time.sleep(60)
parquet_summary.write_batches = slow
try:
    cs.data.write_summary(cs.data.ParquetLog(log), folder)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_leaves_nothing(folder, tmp_path):
    run = [sys.executable, "-c", INTERRUPTED, str(folder), str(tmp_path / "new")]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half way\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
    assert list(tmp_path.iterdir()) == []
