"""Truth: what is counted, fitted and scored where it lies is what a summary in memory gives, on real data."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
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
    correlation, repeaters = summary.spend_correlation()
    assert correlation == pytest.approx(cs.models.spend_correlation(here), rel=1e-10)
    assert repeaters == spend.n
    with pytest.raises(DataError, match="write_scores"):
        cs.customer_value(summary, purchases=purchases, spend=spend, annual_discount_rate=0.1)
    for name, values in expected.items():
        # by_age interpolates to 1e-11 of the customers that come together
        np.testing.assert_allclose(found[name], values, rtol=1e-10)


def test_closed_forms_in_sql_are_the_models_own(log, summary):
    here = cs.summarise(log, until=UNTIL).reset_index()
    here.loc[len(here)] = [0, 900, 800.0, 1000.0, 30.0]  # whose odds overflow
    models = [
        cs.BGNBD(r=0.24, alpha=4.4, a=0.79, b=0.4),
        cs.MBGNBD(r=0.5, alpha=6.2, a=0.9, b=1.6),
        cs.NBD.fit(summary),
    ]
    for model in models:
        (found,) = duckdb.sql(f"SELECT {cs.models.score_sql(model)} FROM here").fetchnumpy().values()
        score = model.p_alive(here) if hasattr(model, "a") else model.expected_purchases(here, 1.0)
        np.testing.assert_allclose(found, score, rtol=1e-11, atol=1e-300)
    for spend in (cs.GammaGamma.fit(summary), cs.GammaGamma(p=6.0, q=0.7, gamma=15.0)):
        (found,) = duckdb.sql(f"SELECT {cs.models.score_sql(spend)} FROM here").fetchnumpy().values()
        expected = np.asarray(spend.expected_spend(here))
        np.testing.assert_allclose(np.ma.filled(found.astype(float), np.inf), expected, rtol=1e-13)
    with pytest.raises(ConfigError, match="no closed form"):
        cs.models.score_sql(cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=11.0))


def test_scores_are_joined_where_the_customers_lie(log, summary):
    """Any model's scores, by a table of the histories."""
    connection = ibis.duckdb.connect()
    connection.con.register("purchases", log)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        table = connection.table("purchases")
        counted = count_histories(table, unit="D", until=UNTIL)
        fit = cs.ParetoNBD.fit(counted)
        scored = counted.assign(expected=fit.expected_purchases(counted, 364.0)).drop(columns="customers")
        customers = cs.data.summary_expression(table, until=UNTIL)
        found = customers.join(ibis.memtable(scored), HISTORY).to_pandas().set_index("customer_id").sort_index()
    here = cs.summarise(log, unit="D", until=UNTIL)
    np.testing.assert_array_equal(found[HISTORY], here[HISTORY])
    np.testing.assert_allclose(found["monetary_value"], here["monetary_value"], rtol=1e-12)
    np.testing.assert_allclose(found["expected"], fit.expected_purchases(here, 364.0), rtol=1e-10)


def test_spend_that_goes_with_frequency_is_warned_of(log, tmp_path):
    summary = cs.summarise(log, until=UNTIL)
    bent = summary.assign(monetary_value=summary["frequency"] * 10.0)
    bent.reset_index().to_parquet(tmp_path / "bent.parquet")
    fits = {"purchases": cs.BGNBD.fit(summary), "spend": cs.GammaGamma.fit(summary)}
    with pytest.warns(cs.models.SpendCorrelationWarning, match="correlated at 1.00"):
        write_scores(
            ParquetSummary(tmp_path / "bent.parquet", unit="W"), tmp_path / "scores", **fits, horizon=52.0,
            annual_discount_rate=0.1,
        )  # fmt: skip


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
    with pytest.raises(ConfigError, match="purchases must be a fitted model; got None"):
        write_scores(summary, tmp_path / "s", purchases=None, horizon=4.0)
    assert not (tmp_path / "s").exists()
    assert not list(tmp_path.glob(".s-*"))  # nor what was begun


def test_a_sample_has_all_purchases_of_its_customers(log, folder):
    whole = ParquetLog(folder)
    some = whole.sample(500, seed=1)
    ids = some["customer_id"].unique()
    assert 400 < len(ids) < 600
    days = log.assign(date=log["date"].dt.normalize())
    expected = days[days["customer_id"].isin(ids)]
    assert len(some) == len(expected)
    pd.testing.assert_frame_equal(cs.summarise(some), cs.summarise(expected), check_dtype=False)
    assert set(whole.sample(500, seed=2)["customer_id"]) != set(ids)
    assert len(whole.sample(10**9, seed=1)) == len(log)


def test_the_command_line_counts_a_folder(folder, tmp_path):
    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    fitted = run("fit", folder, "--until", UNTIL)
    assert "bg_nbd on 2,357 customers, unit W; log-likelihood -9582.4292" in fitted.stdout
    assert run("summarise", folder, "--until", UNTIL, "--out", tmp_path / "summary").exit_code == 0
    scored = run("score", tmp_path / "summary", tmp_path / "scores", "--horizon", 52, "--discount-rate", 0.1)
    assert scored.exit_code == 0
    assert "scores of 2,357 customers" in scored.stderr
    assert list(pd.read_parquet(tmp_path / "scores"))[1:] == ["p_alive", "expected_purchases", "customer_value"]
    for words, said in (
        (("score", tmp_path / "summary", tmp_path / "scores", "--horizon", 52), "scores is there already"),
        (("score", folder, tmp_path / "new", "--horizon", 52), "no column 'frequency'"),
        (("summarise", folder), "Give it by --out"),
        (("fit", folder, "--delimiter", ";"), "--delimiter is for files that are read row by row"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2
        assert said in refused.stderr


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


def test_a_dask_cluster_that_loses_a_worker_finds_the_same(folder, summary, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")
    log = ParquetLog(folder)
    fit = cs.BGNBD.fit(summary)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster) as client,
    ):
        submitted = client.submit

        def submit(task, *args):
            """Kill a worker once all its tasks are handed out."""
            future = submitted(task, *args)
            if args[-1] == 6 and args[-2] == 5:
                os.kill(client.run(os.getpid)[min(client.scheduler_info()["workers"])], signal.SIGKILL)
            return future

        client.submit = submit
        parts = write_summary(log, tmp_path / "parts", until=UNTIL, executor=client, parts=6)
        pd.testing.assert_frame_equal(count_histories(parts), count_histories(summary))
        counted = count_histories(log, until=UNTIL, executor=client, parts=6)
        pd.testing.assert_frame_equal(counted, count_histories(summary))
        scores = write_scores(parts, tmp_path / "scores", purchases=fit, horizon=4.0, executor=client)
    assert {file.suffix for folder in (parts.path, scores) for file in folder.iterdir()} == {".parquet"}
    assert sorted(pd.read_parquet(scores)["customer_id"]) == sorted(pd.read_parquet(summary.path)["customer_id"])
