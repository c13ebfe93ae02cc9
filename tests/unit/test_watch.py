"""Mechanics: what a watch counts, by hand; its limits against the law they are of; the command, its codes and files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from tests.unit import page_checks as checks
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
from churnsim.data.database import CustomerDatabase
from churnsim.errors import DataError
from churnsim.records.run import Manifest
from churnsim.records.watch import WatchRecord
from churnsim.report.watch_page import watch_page
from churnsim.study.config.config_file import read_config
from churnsim.study.stages.data_stage import load_data
from churnsim.study.stages.fit_stage import fit_models
from churnsim.study.storage.store import RunStore
from churnsim.study.watch import log_before
from churnsim.trials import forecast_limits
from churnsim.trials.sequence import best_scale, reach
from churnsim.trials.watching import count_limits

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


def test_the_table_of_a_small_log_is_that_counted_by_hand(cdnow_models):
    """Four heavy buyers in two cohorts, two months; a stranger, the past and what is later are not counted."""
    fit, spend = cdnow_models
    summary = pd.DataFrame(
        {"frequency": [60, 50, 60, 50], "recency": 38.0, "T": 39.0, "monetary_value": [10.0, 20.0, 30.0, 40.0]},
        index=pd.Index(["a", "b", "c", "d"], name="customer_id"),
    )
    rows = [
        ("a", "1997-09-30", 7.0), ("a", "1997-10-01", 5.0), ("a", "1997-10-01", 6.0), ("b", "1997-10-31", 1.0),
        ("b", "1997-11-01", 2.0), ("c", "1997-11-30", 4.0), ("c", "1997-12-01", 9.0), ("x", "1997-10-02", 8.0),
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["customer_id", "date", "amount"]).assign(date=lambda f: pd.to_datetime(f["date"]))
    cohort = pd.Series({"d": "late", "c": "late", "b": "early", "a": "early"})
    limits = forecast_limits(
        fit, summary, cohort=cohort, since="1997-09-30", ends=["1997-10-31", "1997-11-30"], planned=39.0, seed=1,
        spend=spend.model,
    )  # fmt: skip
    found = limits.against(log)
    assert found["cohort"].tolist() == ["early", "early", "late", "late", "all", "all"]
    assert found["customers"].tolist() == [2, 2, 2, 2, 4, 4]
    assert found["in_period"].tolist() == [2, 1, 0, 1, 2, 2]
    assert found["purchases"].tolist() == [2, 3, 0, 1, 2, 4]
    assert found["spend"].tolist() == [12.0, 2.0, 0.0, 4.0, 12.0, 6.0]
    each = [fit.model.expected_purchases(summary, days / 7) for days in (31, 61)]
    np.testing.assert_allclose(found["expected"].tolist()[:2], [mean[["a", "b"]].sum() for mean in each], rtol=1e-12)
    np.testing.assert_allclose(found["expected"].iloc[-1], each[1].sum(), rtol=1e-12)
    money = (each[1] - each[0]) * spend.model.expected_spend(summary)
    np.testing.assert_allclose(found["expected_spend"].iloc[-1], money.sum(), rtol=1e-12)
    assert found["alarm"].tolist()[-1] == "fewer"  # 4 where 39 were forecast
    with pytest.raises(DataError, match="cohort says nothing of customer 'd'"):
        forecast_limits(
            fit, summary, cohort=cohort.drop("d"), since="1997-09-30", ends=["1997-10-31"], planned=9.0, seed=1
        )


def test_limits_are_quantiles_of_a_mixture_of_poisson_laws():
    """The law by its definition: a Poisson count whose mean is gamma distributed."""
    mean, variance, level = 40.0, 90.0, 0.95
    lower, upper = count_limits(mean, variance, planned=variance, level=level)
    tail = stats.norm.sf(float(reach(variance, best_scale(variance, level), level)) / variance**0.5)
    rates = stats.gamma(mean**2 / (variance - mean), scale=(variance - mean) / mean)

    def below(count):
        return integrate.quad(lambda rate: stats.poisson.cdf(count, rate) * rates.pdf(rate), 0, 250, limit=200)[0]

    assert below(lower - 1) < tail <= below(lower)
    assert 1 - below(upper) <= tail < 1 - below(upper - 1)


def watch(*words):
    return CliRunner().invoke(app, ["watch", *map(str, words)])


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    """A folder with last time's export, the configuration, a run's stored models, and the export of today."""
    folder = tmp_path_factory.mktemp("firm")
    log = cs.datasets.cdnow()[["customer_id", "date", "amount"]]
    log[log["date"] <= "1997-12-31"].to_csv(folder / "last.csv", index=False)
    log.to_csv(folder / "now.csv", index=False)
    text = SMOKE.read_text(encoding="utf-8").replace('dataset = "cdnow"', 'path = "last.csv"')
    (folder / "study.toml").write_text("\n".join(x for x in text.splitlines() if not x.startswith("holdout_end")))
    config = read_config(folder / "study.toml")
    data = load_data(config.data, folder)
    store = RunStore.open(folder / "runs", config.name, "1" * 64)
    store.write("fits.json", fit_models(data).records())
    known = config.canonical()
    del known["data"]["refunded"]  # a run of an earlier version does not have the keys that came since
    manifest = Manifest(
        name=config.name, title="", question="", hash="1" * 64, config=known, seed=1, engine="compiled",
        churnsim="0", versions={}, platform={}, data=data.facts, started="1998-01-01T00:00:00",
        finished="1998-01-01T00:00:00", seconds=1.0, workers=1, status="complete", products=store.products(),
    )  # fmt: skip
    store.write("manifest.json", manifest)
    return folder, log, store.directory


def test_nothing_is_wrong_with_cdnow_but_that_time_has_passed(firm, tmp_path):
    folder, _, run = firm
    done = watch(
        folder / "study.toml", folder / "now.csv", "--runs-dir", folder / "runs", "--json", tmp_path / "w.json"
    )
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "w.json").read_text())
    total = [row for row in found["rows"] if row["cohort"] == "all"]
    assert [row["in_period"] for row in total] == [196, 190, 270, 159, 168, 168]
    assert (found["since"], found["until"], found["forecast_first"]) == ("1997-12-31", "1998-06-30", True)
    assert found["past"] == {
        "since": "1997-01-01", "rows": 5728, "missing": 0, "added": 0, "customers": 0, "first": None, "last": None,
        "told": "the 5,728 rows from 1997-01-01 to 1997-12-31 are unchanged.",
    }  # fmt: skip
    assert found["refit"] == ["the forecasts were tested 92 days ahead, and 181 have passed"]
    # The run directory alone says the same, with the log named where it does not lie below the present folder.
    again = watch(run, folder / "now.csv", "--last", folder / "last.csv", "--json", tmp_path / "again.json")
    assert again.exit_code == 0, again.output
    assert json.loads((tmp_path / "again.json").read_text()) == found


def test_alarms_strangers_and_a_changed_past_are_told(firm, tmp_path):
    """A tenth of the purchases came; of the past two rows are gone and one amount is another; two new customers."""
    folder, log, _ = firm
    export = tmp_path / "now <b>.csv"
    past, new = log[log["date"] <= "1997-12-31"].copy(), log[log["date"] > "1997-12-31"].iloc[::10]
    past = past.drop(past.index[[5, 9]])
    past.iloc[20, 2] += 1.0
    strangers = pd.DataFrame(
        {"customer_id": [90001, 90001, 90002], "date": pd.to_datetime("1998-02-03"), "amount": 3.0}
    )
    pd.concat([past, new, strangers]).to_csv(export, index=False)
    done = watch(
        folder / "study.toml", export, "--runs-dir", folder / "runs", "--json", tmp_path / "w.json",
        "--page", tmp_path / "w.html", "--cohorts", "M", "--until", "1998-03-31",
    )  # fmt: skip
    assert done.exit_code == 3, done.output
    found = json.loads((tmp_path / "w.json").read_text())
    assert {row["cohort"] for row in found["rows"] if row["alarm"] == "fewer"} == {
        "1997-01",
        "1997-02",
        "1997-03",
        "all",
    }
    assert (found["newcomers"]["customers"], found["newcomers"]["purchases"]) == (2, 2)
    assert (found["past"]["rows"], found["past"]["missing"], found["past"]["added"]) == (5728, 3, 1)
    said = " ".join(done.output.split())
    assert "All customers together had made" in said
    assert "3 are missing and 1 are new" in said
    page = (tmp_path / "w.html").read_text(encoding="utf-8")
    assert checks.unfilled(page) == checks.loads(page) == checks.unlabelled(page) == checks.active_content(page) == []
    text = checks.visible_text(page)
    assert "An alarm: 1997-01; 1997-02; 1997-03; all customers left the limits" in text
    assert "<b>" not in page
    assert export.name in text
    total = [row for row in found["rows"] if row["cohort"] == "all"][-1]
    assert f"{total['purchases']:,} purchases came" in text
    assert f"{total['expected']:,.0f} were forecast" in text
    chinese = checks.visible_text(watch_page(WatchRecord.model_validate(found), language="zh"))
    assert "全體顧客合計截至 1998-" in chinese
    assert "過去資料已變動：1997-01-01 至 1997-12-31 的 5,728 列資料中，缺少 3 列、新增 1 列" in chinese
    assert not re.search(r"[a-z]{3,} [a-z]+ [a-z]+", chinese)


def test_a_database_that_has_grown_is_read_as_it_was_at_the_run(firm):
    folder = firm[0]
    text = (folder / "study.toml").read_text().replace('path = "last.csv"', 'database = "firm.db"')
    (folder / "of-database.toml").write_text(text)
    with CustomerDatabase(folder / "firm.db") as db:
        db.add(folder / "last.csv")
    config = read_config(folder / "of-database.toml")
    then = load_data(config.data, folder)
    with CustomerDatabase(folder / "firm.db") as db:
        db.add(folder / "now.csv", duplicates="set_aside", most_bad=1.0)
        assert then.facts.checksum_sha256 in db.log_checksums()[:-1]
    now = load_data(config.data, folder)
    found = log_before(config, now, {then.facts.checksum_sha256})
    assert found.facts.checksum_sha256 == then.facts.checksum_sha256
    pd.testing.assert_frame_equal(found.transactions, then.transactions)
    assert len(now.transactions) > len(then.transactions)
    assert log_before(config, now, {"0" * 64}) is now, "no run was made of any of its states"


def test_an_export_with_other_columns_and_one_with_a_hole(firm, tmp_path):
    """What it does not hold is not told as purchases that did not come."""
    folder, log, _ = firm
    log.rename(columns={"customer_id": "Client", "date": "Day"}).to_csv(tmp_path / "new.csv", index=False)
    columns = 'path = "last.csv"\ncustomer_id = "Client"\ndate = "Day"'
    text = (folder / "study.toml").read_text().replace('path = "last.csv"', columns)
    (folder / "new.toml").write_text(text)
    runs, out = ("--runs-dir", folder / "runs"), tmp_path / "watch.json"
    study, written = folder / "study.toml", ("--written-as", folder / "new.toml")
    assert "has no column 'customer_id'" in watch(study, tmp_path / "new.csv", *runs).stderr
    watch(study, tmp_path / "new.csv", *written, *runs, "--json", out)
    renamed = json.loads(out.read_text())
    watch(study, folder / "now.csv", *runs, "--json", out)
    assert renamed["rows"] == json.loads(out.read_text())["rows"]
    log[log["date"] >= "1998-03-01"].to_csv(tmp_path / "late.csv", index=False)
    done = watch(study, tmp_path / "late.csv", *runs)
    assert done.exit_code == 2
    assert "begins on 1998-03-01, and the run's forecasts after 1997-12-31" in done.stderr
    log[log["date"] >= "1998-01-01"].to_csv(tmp_path / "since.csv", index=False)
    assert watch(study, tmp_path / "since.csv", *runs).exit_code in (0, 3)


def test_wrong_files_end_in_one_line(firm, tmp_path):
    folder, log, run = firm
    study, now, runs = folder / "study.toml", folder / "now.csv", ("--runs-dir", folder / "runs")
    strangers = log.assign(customer_id=log["customer_id"] + 10**6)
    strangers.to_csv(tmp_path / "strangers.csv", index=False)
    altered = tmp_path / "altered"
    altered.mkdir()
    for name in ("manifest.json", "fits.json"):
        (altered / name).write_text((run / name).read_text() + " " * (name == "fits.json"))
    for words, reason in (
        ((study, folder / "last.csv", *runs), "there is nothing to hold them against"),
        ((study, folder / "absent.csv", *runs), "absent.csv does not exist"),
        ((study, study, *runs), "neither csv, parquet nor excel"),
        ((study, tmp_path / "strangers.csv", *runs), "another firm's file"),
        ((study, now, "--runs-dir", tmp_path), "holds no complete run of this study"),
        ((study, now, *runs, "--last", now), "holds no complete run of this study"),
        ((run, now), "--last file"),
        ((run, now, "--last", now), "its checksum is another"),
        ((altered, now, "--last", folder / "last.csv"), "no longer what the run stored"),
        ((study, now, *runs, "--json", now), "is the file that is read"),
        ((study, now, *runs, "--until", "soon"), "until must be a day"),
    ):
        done = watch(*words)
        assert done.exit_code == 2, (words, done.output)
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert reason in done.stderr.lower(), done.stderr
