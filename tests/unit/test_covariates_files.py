"""Covariates from a file: read by row, joined by customer, in the command line, a study and its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli.app import app
from churnsim.data.subscriptions.customer_rows import join_covariates, read_covariates
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import ConfigError, DataError
from churnsim.models.evaluation.validation import frequency_calibration, tracking
from churnsim.models.purchase.summary_covariates import SummaryCovariates
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.study.config.config_file import read_config
from churnsim.study.stages.data_stage import load_data
from churnsim.study.stages.fit_stage import fit_models
from churnsim.study.stages.validation_stage import validate
from churnsim.study.storage.executor import Executor


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("covariates")
    log = cs.datasets.cdnow()
    log = log[log["customer_id"] % 4 == 0]
    first = log.groupby("customer_id")["amount"].first()
    people = pd.DataFrame(
        {"first_amount": first, "channel": np.where(first.index % 3 == 0, "web", "<shop>"), "twin": 2 * first}
    )
    log.to_csv(place / "log.csv", index=False)
    people.to_csv(place / "people.csv")
    people.iloc[3:].to_csv(place / "few.csv")
    people.assign(first_amount=first.where(first.index != first.index[4])).to_csv(place / "hole.csv")
    pd.concat([people, people.iloc[[2]]]).to_csv(place / "twice.csv")
    people.reset_index().to_parquet(place / "people.parquet")
    return place


@pytest.fixture(scope="module")
def summary(folder) -> pd.DataFrame:
    return cs.summarise(cs.read_transactions(folder / "log.csv"), until="1997-09-30")


def test_a_file_gives_the_fit_of_the_same_columns(folder, summary) -> None:
    table = read_covariates(folder / "people.csv", ["first_amount", "channel"])
    found = SummaryCovariates.of(summary, table, rate=["first_amount", "channel"], lifetime=["channel"], source="f")
    assert found.columns == {
        "covariates_rate": ["first_amount", "channel=web"], "covariates_lifetime": ["channel=web"],
    }  # fmt: skip
    joined = found.join(summary, table, source="f")
    assert joined.attrs["unit"] == "W"
    fit = cs.models.BGNBDCovariates.fit(joined, **found.columns)
    own = summary.join(table["first_amount"]).assign(web=(summary.index.astype(int) % 3 == 0).astype(float))
    by_hand = cs.models.BGNBDCovariates.fit(own, covariates_rate=["first_amount", "web"], covariates_lifetime=["web"])
    assert fit.loglik == pytest.approx(by_hand.loglik, abs=1e-6)
    parquet = read_covariates(folder / "people.parquet", ["first_amount"])
    np.testing.assert_allclose(parquet["first_amount"].to_numpy(), table["first_amount"].to_numpy())


@pytest.mark.parametrize(
    ("file", "columns", "words"),
    [
        ("hole.csv", ["first_amount"], r"hole.csv, line 6, column 'first_amount': '' is missing. Fill it in"),
        ("twice.csv", ["channel"], r"line \d+, column 'customer_id': .* has a row before this one. Give one row"),
        ("people.csv", ["channle"], r"no column 'channle'.*Did you mean 'channel'\? Give the name of the column"),
        ("people.csv", ["first_amount", "channel", "twin", "age"], r"no column 'age'"),
        ("none.csv", ["channel"], r"none.csv"),
    ],
)
def test_a_bad_file_is_named_by_row(folder, file, columns, words) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_covariates(folder / file, columns)
    assert "on_bad" not in str(caught.value)


def test_customers_and_columns_that_do_not_fit(folder, summary) -> None:
    few = read_covariates(folder / "few.csv", ["first_amount"])
    with pytest.raises(DataError, match=r"has purchases but no row in few.csv \(3 such customers of .*\)\. Add a row"):
        join_covariates(summary, few, source="few.csv")
    with pytest.raises(ConfigError, match="'T' is a column of the summary itself"):
        read_covariates(folder / "people.csv", ["T"])
    table = read_covariates(folder / "people.csv", ["first_amount", "twin"])
    with pytest.raises(DataError, match="the covariate 'twin' is determined by the ones before it"):
        SummaryCovariates.of(summary, table, rate=["first_amount", "twin"], lifetime=[], source="f")
    with pytest.raises(ConfigError, match="none is asked to move"):
        SummaryCovariates.of(summary, table, rate=[], lifetime=[], source="f")


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_the_command_line(folder) -> None:
    log, people = folder / "log.csv", folder / "people.csv"
    code, said = run(
        "fit", log, "--until", "1997-09-30", "--customers", people, "--covariates-rate", "first_amount,channel",
        "--covariates-lifetime", "channel", "--penalty", "1", "--json", folder / "fit.json",
    )  # fmt: skip
    assert code == 0, said
    for name in ("rate:first_amount", "rate:channel=web", "lifetime:channel=web", "a shorter life"):
        assert name in said
    assert "mean:first_amount" in (folder / "fit.json").read_text()
    for options, words in (
        (["--covariates-rate", "channel"], "--covariates-rate needs --customers"),
        (["--customers", people], "nothing of it is used"),
        (["--customers", people, "--covariates-rate", "channel", "--model", "nbd"], "takes no covariates"),
        (["--customers", people, "--covariates-rate", "channel", "--compare"], "Leave one of the two out"),
        (["--penalty", "1"], "of which none are given"),
    ):
        code, said = run("fit", log, *options)
        assert code != 0
        assert words in " ".join(said.split())


STUDY = """
name = "people"
title = "With covariates"
question = "Does it run?"
seed = 1
[data]
path = "log.csv"
unit = "W"
calibration_end = 1997-09-30
holdout_end = 1998-06-30
[data.covariates]
path = "people.csv"
rate = ["first_amount", "channel"]
[validation]
replications = 20
[simulation]
horizon = "8 W"
period = "4 W"
epoch = "1 W"
replications = 2
[[strategy]]
name = "baseline"
[[strategy]]
name = "other"
retention = { budget_per_period = 10.0, rule = "all" }
"""


def test_a_study(folder) -> None:
    """Fits, checks and replay stand on the covariates; another file of them is another study."""
    (folder / "study.toml").write_text(STUDY)
    config = read_config(folder / "study.toml")
    data = load_data(config.data, config.folder)
    fits = fit_models(data)
    stored = fits.records()
    assert stored["purchases"].family == "bg_nbd_covariates"
    assert {"rate:first_amount", "rate:channel=web"} <= {row.name for row in stored["purchases"].parameters}
    model = fits.purchases_calibration.model
    told = validate(data, fits, config.validation, seed=1, executor=Executor(workers=1))
    assert 0.5 < told.replay.mean / told.replay.actual < 1.5
    plain = load_data(config.data.model_copy(update={"covariates": None}), config.folder)
    assert plain.facts.checksum_sha256 != data.facts.checksum_sha256
    assert "people.csv" in data.facts.source
    # Expectations are over the customers' own covariates.
    table = frequency_calibration(model, data.split)
    assert table["expected"].sum() == pytest.approx(len(data.split))
    track = tracking(model, data.transactions, until="1997-09-30", customers=data.split)
    by_hand = model.expected_purchases_like(data.split, data.split["T"].to_numpy() + 39.0 + 1 / 7).sum()
    assert track["expected"].iloc[-1] == pytest.approx(by_hand, rel=1e-9)
    # The customers who are replayed bring traits drawn with their own covariates.
    base = PosteriorBase(data.split).draw(purchases=model, spend=fits.spend.model, seed=3, replication=0)
    own = model.draw_posterior(data.split, seed=3)
    np.testing.assert_array_equal(base.traits[:, 0], own["rate"])
    np.testing.assert_array_equal(base.alive, own["alive"])
    with pytest.raises(DataError, match="pass customers="):
        tracking(model, data.transactions, until="1997-09-30")


def test_a_study_that_names_no_column(folder) -> None:
    (folder / "bad.toml").write_text(STUDY.replace('rate = ["first_amount", "channel"]', ""))
    with pytest.raises(ConfigError, match="names no column"):
        read_config(folder / "bad.toml")
    (folder / "bad.toml").write_text(STUDY.replace('"people.csv"', '"peple.csv"'))
    with pytest.raises(ConfigError, match="there is no file"):
        read_config(folder / "bad.toml")


@pytest.mark.parametrize(
    ("columns", "customer_id", "covariates", "said"),
    [
        (["age"], "id", ["age"], "customer_id has 'id' besides"),
        (["id"], "id", ["age"], "covariates has 'age' besides"),
        ("id", "id", [], "columns must be names of columns"),
        (["id"], 3, [], "customer_id must be names of columns"),
        (["id"], "id", None, "covariates must be names of columns"),
    ],
)
def test_columns_that_are_not_to_be_read_are_refused(tmp_path, columns, customer_id, covariates, said):
    path = tmp_path / "people.csv"
    path.write_text("id,age\n1,2\n")
    with pytest.raises(ConfigError, match=said):
        cs.data.read_customer_rows(
            path, columns, customer_id, covariates, lambda raw, flaws, spelling: raw, what="customer",
            form=FileFormat(), on_bad=None,
        )  # fmt: skip
