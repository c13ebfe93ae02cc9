"""A study with series from files, common to all customers or each one's own: configuration, files, fits and market."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.unit.test_study_calendar import CONFIGS, TEXT, TREND

import churnsim as cs
from churnsim.data.summaries.series_file import read_series
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.explore.variant import Variant, variant_config, variant_text
from churnsim.report.charts.figures import season_figure, tracking_figure
from churnsim.report.messages import Words
from churnsim.study.config.config_file import parse_config
from churnsim.study.preview import preview
from churnsim.study.stages.fit_stage import fit_models, fit_record
from churnsim.study.stages.market_stage import build_market
from churnsim.study.stages.stages import Stages
from churnsim.study.stages.validation_stage import validate
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore
from churnsim.study.watch import _stored_models

OWN = '[data.series]\npath = "mails.csv"\n'
COMMON = '[data.calendar_series]\npath = "prices.csv"\n'
DAYS = pd.date_range("1996-12-30", "1998-10-31", freq="35D")


def text_with(table, models=""):
    return TEXT.replace("[models]", f"{table}\n[models]\n{models}", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Mails of each customer, made up, to the end of the study, and prices."""
    found, ids = tmp_path_factory.mktemp("series"), cs.datasets.cdnow()["customer_id"].unique()
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"customer_id": np.repeat(ids, len(DAYS)), "date": np.tile(DAYS, len(ids))})
    frame["mails"] = random.integers(0, 3, len(frame))
    frame.to_csv(found / "mails.csv", index=False)
    frame[frame["mails"] > 1].to_csv(found / "few.csv", index=False)
    pd.DataFrame({"date": DAYS, "price": random.normal(10.0, 1.0, len(DAYS))}).to_csv(found / "prices.csv", index=False)
    return found


@pytest.mark.parametrize(
    ("table", "models", "told"),
    [
        (OWN, "leaving = { season = 1 }", "has no leaving clock"),
        (OWN + 'leaving = ["mails"]\n', "", "has no leaving clock"),
        (OWN + 'future = "grow"\n', "", "hold"),
        ('[data.series]\npath = "none.csv"\n', "", "there is no file"),
        ("[market.own_series]\nnewcomers = 1.5\n", "", "goes with [data.series]"),
        (OWN + '[data.covariates]\npath = "mails.csv"\nrate = ["mails"]\n', "", "goes not with [data.covariates]"),
        (COMMON + "season = 1\n", "", "season"),
    ],
)
def test_what_does_not_go_together_is_refused(folder, table, models, told):
    with pytest.raises(ConfigError) as caught:
        parse_config(text_with(table, models), folder=folder)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,1997-01-01,\n", "column 'mail': '' is missing"),
        ("1,1997-01-01,often\n", "'often' is not a finite number"),
        ("1,1997-01-01,inf\n", "is not a finite number"),
        ("1,1997-02-30,1\n", "1997-02-30"),
        (",1997-01-01,1\n", "customer_id"),
        ("1,1997-01-01,1\n1,1997-01-01,2\n", "has a row before this one"),
        ("", "it has 0 rows"),
    ],
)
def test_rows_that_hold_no_series_are_named(tmp_path, rows, told):
    file = tmp_path / "mails.csv"
    file.write_text(
        "customer_id,date,mail\n2,1997-01-01,1\n" * bool(rows) + ("" if rows else "customer_id,date,mail\n") + rows
    )
    with pytest.raises(DataError) as caught:
        read_series(file, customer_id="customer_id")
    assert told in str(caught.value)
    assert "mails.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('[data.series]\npath = "few.csv"\n', "before = 0.0 in [data.series]"),
        (OWN + 'columns = ["letters"]\n', "letters"),
        (OWN.replace("mails", "short"), "future = 'hold'"),
        (COMMON.replace("prices", "short_prices"), "future = 'hold', or { COLUMN = VALUE }"),
        (COMMON + "future = { prize = 9.9 }\n", "it names prize"),
    ],
)
def test_what_a_study_must_know_of_its_series_is_asked_before_any_work(folder, table, told):
    for name in ("mails", "prices"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame[frame["date"] < "1998-06-01"].to_csv(
            folder / f"{'short' if name == 'mails' else 'short_prices'}.csv", index=False
        )
    with pytest.raises(cs.ChurnSimError) as caught:
        Stages().load(parse_config(text_with(table), folder=folder))
    assert told in str(caught.value)


def test_a_study_without_series_is_the_study_that_it_was():
    content = parse_config(TEXT, folder=CONFIGS).canonical()["data"]
    assert not {"series", "calendar_series"} & set(content)


@pytest.fixture(scope="module")
def study(folder):
    config = parse_config(text_with(OWN), folder=folder)
    data = Stages().load(config)
    return config, data, Stages().fit(config, data)


def test_the_fits_follow_each_customers_own_series(folder, study):
    """As fitted by hand; whether they foresee better is what `validate` finds, and the market runs on them."""
    config, data, fits = study
    frame = pd.read_csv(folder / "mails.csv", parse_dates=["date"])
    series = cs.data.CustomerSeries.of(frame)
    log = cs.datasets.cdnow()
    by_hand = cs.BGNBD.fit(cs.summarise(log, until="1998-06-30", calendar=series), calendar=series)
    assert fits.purchases.parameters["mails"] == pytest.approx(by_hand.parameters["mails"], abs=1e-12)
    assert fit_record(fits.purchases, role="whole log").parameters[-1].standard_error > 0.0
    found = cs.validate(log, [cs.BGNBD], calibration_end="1997-09-30", baselines=[], calendar=series)
    assert fits.gain.figures["gain"] == pytest.approx(found.with_calendar.loc["bg_nbd", "gain"], rel=1e-9)
    assert fits.gain.message.startswith("the customers' own series (mails) foresee")
    market = build_market(config, data, fits)
    assert market.own_series.newcomers == 1.0
    assert "own_series.newcomers" in set(cs.evidence.assumptions(market)["parameter"])
    clock, _, _ = market.clocks(8.0)
    assert clock.own.size == len(data.summary) + 2
    plain = cs.simulate(
        cs.Scenario(market=market, strategy=cs.Strategy(name="nothing"), horizon=8.0, period=4.0, epoch=1.0), seed=1
    ).frame()["purchases"]
    expected = fits.purchases.model.expected_purchases(data.summary, 8.0).sum()
    assert 0.7 < plain.sum() / expected < 1.3  # one replication of some 340, whose parameters are drawn


def test_values_before_the_first_row_can_be_said(folder):
    """Of customers with few rows, or none; the others keep theirs. Written as `churnsim init` does."""
    text = TEXT.replace("[data]", '[data]\nseries = { path = "few.csv", before = 0.0, future = "hold" }', 1)
    data = Stages().load(parse_config(text, folder=folder))
    series, given = data.clocks.calendar, pd.read_csv(folder / "few.csv", parse_dates=["date"])
    late = given.groupby("customer_id")["date"].min() > data.summary["first_purchase"].reindex(
        sorted(given["customer_id"].unique())
    )
    unknown = len(data.summary) - given["customer_id"].nunique()
    assert len(series.day) == len(given) + int(late.sum()) + unknown > len(given)
    assert set(series.values[:, 0]) == {0.0, 2.0}


def test_the_record_tracks_on_own_series_and_the_report_says_so(study):
    config, data, fits = study
    section = config.validation.model_copy(update={"replications": 20})
    record = validate(data, fits, section, seed=1, executor=Executor(workers=1))
    series, model = data.clocks.calendar, fits.purchases.model
    # By hand: the mean over the customers there are of e^(effect . (value - mean)) in the week to 28 June 1998.
    speeds = []
    for day in pd.date_range("1998-06-22", "1998-06-28"):
        rows = [
            np.searchsorted(series.day[a:b], day.to_datetime64().astype("datetime64[D]").astype(int), side="right")
            - 1
            + a
            for a, b in zip(series.starts[:-1], series.starts[1:], strict=True)
        ]
        speeds.append(np.exp(model.effects["mails"] * (series.values[rows, 0] - model.means["mails"])).mean())
    assert {row.date: row.speed for row in record.season}["1998-06-28"] == pytest.approx(np.mean(speeds), rel=1e-9)
    number = iter(range(1, 9))
    run = SimpleNamespace(validation=record, fits=fits.records())
    context = SimpleNamespace(run=run, say=Words(), figure_number=lambda: next(number))
    assert "by the series" in season_figure(context).title
    assert "without the series" in str(tracking_figure(context).wide)
    assert "After the data" not in str(season_figure(context).wide)
    run.validation = record.model_copy(update={"holdout_end": "1998-05-31"})
    assert "After the data" in str(season_figure(context).wide)


def test_a_watch_takes_the_stored_model_on_own_series(study, tmp_path):
    config, data, fits = study
    store = RunStore(tmp_path)
    store.write("fits.json", fits.records())
    fit, _, _ = _stored_models(config, store, SimpleNamespace(products=store.products()), data)
    few = data.summary.head(50)
    expected = fits.purchases.model.expected_purchases(few, 8.0)
    np.testing.assert_allclose(fit.model.expected_purchases(few, 8.0), expected, rtol=1e-12)


def test_a_price_common_to_all_comes_from_a_file(folder):
    """Beside a trend of the configuration; rows after the data say what is planned."""
    config = parse_config(text_with(COMMON, TREND), folder=folder)
    data = Stages().load(config)
    fits = fit_models(data, ["bg_nbd"])
    assert data.clocks.calendar.names == ("trend", "price")
    assert data.clocks.future == {"trend": "hold"}
    prices = pd.read_csv(folder / "prices.csv", parse_dates=["date"], index_col="date")
    calendar = cs.data.Calendar(trend="1997-01-01", series=prices)
    by_hand = cs.BGNBD.fit(cs.summarise(cs.datasets.cdnow(), until="1998-06-30", calendar=calendar), calendar=calendar)
    assert fits.purchases.parameters["price"] == pytest.approx(by_hand.parameters["price"], abs=1e-12)
    buying, _, _ = build_market(config, data, fits).clocks(8.0)
    assert buying.knots.size
    assert not buying.own.size
    held = Stages().load(parse_config(text_with(COMMON + 'future = "hold"\n', TREND), folder=folder))
    assert held.clocks.future == {"trend": "hold", "price": pytest.approx(prices["price"].iloc[-1], rel=1e-12)}


def test_what_is_taken_of_customers_own_series_is_told(folder, tmp_path):
    """Ten customers' ids are written otherwise and one is of another shop; values before the first row differ by
    column. Counted by hand from the file and the log."""
    given = pd.read_csv(folder / "few.csv")
    given = given[given["date"] < "1998-06-01"].assign(prices=lambda rows: 9.5 + 0.1 * (rows.index % 3))
    ids = given["customer_id"].unique()
    given["customer_id"] = given["customer_id"].astype(str)
    for name in ids[:10]:
        given.loc[given["customer_id"] == str(name), "customer_id"] = f"n{name}"
    given.to_csv(tmp_path / "few.csv", index=False)
    cs.datasets.cdnow().to_csv(tmp_path / "log.csv", index=False)
    table = '[data.series]\npath = "few.csv"\nbefore = { mails = 0.0, prices = 9.9 }\nfuture = "hold"\n'
    text = text_with(table).replace('dataset = "cdnow"', 'path = "log.csv"')
    config = parse_config(text, folder=tmp_path)
    data = Stages().load(config)
    first = cs.datasets.cdnow().groupby("customer_id")["date"].min()
    rows = given[~given["customer_id"].str.startswith("n")]
    begins = pd.to_datetime(rows.groupby(rows["customer_id"].astype(int))["date"].min()).reindex(first.index)
    late, without = int((~(begins <= first)).sum()), int(begins.isna().sum())
    told = [note.message for note in Stages().notes(config, data) if note.code == "own series"]
    assert told[0].startswith(f"10 of {len(ids):,} customers in few.csv have no purchases here")
    assert f"(first 'n{ids[0]}', 'n{ids[1]}', 'n{ids[2]}')" in told[0]
    assert f"{late:,} of {len(first):,} customers have no row" in told[1]
    assert f"{without:,} of them none at all" in told[1]
    assert "who was buying" in told[2]
    assert told[3].startswith(f"after {given['date'].max()}, the last day of few.csv,")
    chinese = [Words("zh").told(message) for message in told]
    assert not [text for text in chinese if " the " in text]
    series = data.clocks.calendar
    added = series.values[series.values[:, 0] == 0.0]
    assert len(added) == late
    assert set(added[:, 1]) == {9.9}
    with pytest.raises(DataError, match=r"before in \[data.series\] must say .* mails, prices; it names mails"):
        Stages().load(parse_config(text.replace(", prices = 9.9", ""), folder=tmp_path))


def test_a_column_of_text_is_named_as_a_whole(tmp_path):
    (tmp_path / "mails.csv").write_text("customer_id,date,mail,note\n1,1997-01-01,1,first\n1,1997-02-01,0,second\n")
    with pytest.raises(DataError, match=r"the column 'note' holds no number in 2 rows, the first being 'first'"):
        read_series(tmp_path / "mails.csv", customer_id="customer_id")


def test_a_price_common_to_all_stands_beside_customers_own_series(folder, tmp_path):
    """As looked up by hand, customer by customer and day by day, in the two files."""
    own = pd.read_csv(folder / "few.csv", parse_dates=["date"])
    days = pd.date_range("1996-11-03", "1998-06-07", freq="29D")
    price = pd.Series(np.random.default_rng(2).normal(10.0, 1.0, len(days)), index=days)
    own.to_csv(tmp_path / "few.csv", index=False)
    price.rename_axis("date").rename("price").to_csv(tmp_path / "prices.csv")
    table = '[data.series]\npath = "few.csv"\nbefore = 0.0\nfuture = "hold"\n' + COMMON
    data = Stages().load(parse_config(text_with(table + "future = { price = 9.9 }\n"), folder=tmp_path))
    series, random = data.clocks.calendar, np.random.default_rng(3)
    assert series.names == ("mails", "price")
    assert data.facts.source.endswith("the series of few.csv and prices.csv")
    ahead, first = pd.Timestamp("1998-10-01"), data.summary["first_purchase"]
    for name in random.choice(data.summary.index, 40, replace=False):
        for day in (first[name], *random.choice(pd.date_range(first[name], "1998-06-07"), 5), ahead):
            mine = own[(own["customer_id"] == name) & (own["date"] <= day)].sort_values("date")["mails"]
            wanted = mine.iloc[-1] if len(mine) else 0.0, 9.9 if day == ahead else price[price.index <= day].iloc[-1]
            number = np.array([pd.Timestamp(day).to_datetime64().astype("datetime64[D]").astype(int)])
            found = series.at(pd.Index([name]), np.array([0]), number)
            np.testing.assert_allclose(found[0], wanted)
    for given, told in (
        (price[10:].rename("price"), "'price' begins on 1997-08-20, and is needed from 1997-01-01"),
        (price.rename("mails"), "both have a column 'mails'"),
    ):
        given.rename_axis("date").to_csv(tmp_path / "prices.csv")
        with pytest.raises(DataError, match=told):
            Stages().load(parse_config(text_with(table + 'future = "hold"\n'), folder=tmp_path))


SMALL = """
name = "small"
title = "Letters"
question = "What do letters do?"
seed = 1
[data]
path = "log.csv"
unit = "W"
calibration_end = 2022-09-30
holdout_end = 2022-12-31
[models]
purchases = "pareto_nbd"
[simulation]
horizon = "26 W"
period = "13 W"
epoch = "13 W"
replications = 20
[[strategy]]
name = "baseline"
[[strategy]]
name = "letters"
retention = { budget_per_period = 20.0, rule = "all" }
"""
WEEKS = pd.date_range("2021-01-04", "2023-07-17", freq="14D")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Sixty customers of two years, and letters to them until the end of the study."""
    found, random, ids = tmp_path_factory.mktemp("small"), np.random.default_rng(4), [f"k{n:02}" for n in range(60)]
    days = pd.date_range("2021-01-05", "2022-12-31")
    log = pd.DataFrame({"customer_id": random.choice(ids, 900), "date": random.choice(days, 900)})
    log.sort_values("date").assign(amount=random.gamma(4.0, 5.0, 900).round(2)).to_csv(found / "log.csv", index=False)
    frame = pd.DataFrame({"customer_id": np.repeat(ids, len(WEEKS)), "date": np.tile(WEEKS, len(ids))})
    frame["letter"] = random.integers(0, 2, len(frame))
    frame.to_csv(found / "letters.csv", index=False)
    return found


LETTERS = '[data.series]\npath = "letters.csv"\n'


def small_config(folder, table="", models=""):
    text = SMALL.replace("[models]", f"{table}[models]\n{models}")
    return parse_config(text, folder=folder)


def test_a_season_beside_own_series_goes_on_by_itself(small):
    """And one of the leaving clock: the values are those of the calendars by the week, after the data too."""
    season = "calendar = { season = 1 }\nleaving = { trend = 2021-01-01, after = 'hold' }\n"
    data = Stages().load(small_config(small, LETTERS, season))
    clocks = data.clocks
    assert clocks.calendar.names == ("letter", "cos 1", "sin 1")
    assert (clocks.leaving.names, clocks.future) == (("trend",), None)
    assert clocks.calendar.yearly == ("cos 1", "sin 1")
    told = [note.message for note in clocks.notes]
    assert told[0].startswith("an effect of the customers' own series (letter) is")
    assert told[1].startswith("the study takes what letters.csv says of the days after 2022-12-31")
    who, days = data.summary.index[:1], np.array(["2022-06-15", "2023-06-20"], dtype="datetime64[D]").astype(int)
    found = clocks.calendar.at(who, np.zeros(2, dtype=int), days)
    week = cs.data.Calendar(season=1, grid="W")
    for row, day in zip(found, days, strict=True):
        np.testing.assert_allclose(row[1:3], week.columns(int(day), int(day))[0], atol=1e-12)
    end = (np.datetime64("2022-12-31") - np.datetime64("2021-01-01")).astype(int) / 365.25
    assert clocks.leaving.at(who, np.zeros(1, dtype=int), days[1:])[0, 0] == pytest.approx(end, rel=1e-12)


@pytest.mark.parametrize("models", ["", "calendar = { season = 1 }\n"])
def test_a_file_is_known_to_its_last_row_whoever_has_it(small, tmp_path, models):
    """Here one who bought nothing."""
    (tmp_path / "log.csv").symlink_to(small / "log.csv")
    letters = pd.read_csv(small / "letters.csv", parse_dates=["date"])
    stranger = letters.tail(1).assign(customer_id="nobody")
    pd.concat([letters[letters["date"] <= "2022-12-31"], stranger]).to_csv(tmp_path / "letters.csv", index=False)
    found = Stages().load(small_config(tmp_path, LETTERS, models)).clocks.calendar
    until = int(np.datetime64("2023-07-01").astype(int))  # as far as the study looks
    assert found.known_to(until, 0, lambda: None) is found
    with pytest.raises(DataError, match="series are known until"):
        found.known_to(until + 1000, 0, lambda: None)


@pytest.mark.parametrize(
    ("change", "models", "told"),
    [
        ({"letter": 1}, "", "in the calibration period the column 'letter' is the same on every day from 2021-01-"),
        ({"twice": "2 * letter + 1"}, "", "the column 'twice' is determined by the columns before it"),
        ({"alpha": "letter % 2 + 0.1 * (index % 7)"}, "", "a column cannot be called 'alpha'"),
        ({"letter": 1}, "calendar = { season = 1 }\n", "the column 'letter' is the same on every day"),
    ],
)
def test_columns_that_say_nothing_are_refused_before_any_work(small, tmp_path, change, models, told):
    """By `churnsim check` too, which fits nothing."""
    frame = pd.read_csv(small / "letters.csv")
    for name, value in change.items():
        frame[name] = frame.eval(value) if isinstance(value, str) else value
    frame.to_csv(tmp_path / "letters.csv", index=False)
    (tmp_path / "log.csv").write_bytes((small / "log.csv").read_bytes())
    with pytest.raises(DataError) as caught:
        preview(small_config(tmp_path, LETTERS, models))
    assert told in str(caught.value)
    assert "columns in [data.series]" in str(caught.value)


def test_a_season_that_the_data_do_not_tell_is_refused_before_any_work(small):
    text = SMALL.replace("2022-09-30", "2021-12-20").replace("[models]", "[models]\ncalendar = { season = 1 }")
    with pytest.raises(FitError, match=r"in the calibration period: .*less than one whole year"):
        preview(parse_config(text, folder=small))


def test_a_check_tells_of_the_rows_of_series_and_of_new_customers(small):
    """The time is that of the rows, and more where each customer's forecasts are integrals."""
    plain, own = preview(small_config(small)), preview(small_config(small, LETTERS))
    fast = preview(parse_config(SMALL.replace("pareto_nbd", "bg_nbd").replace("[models]", LETTERS + "[models]"),
                                folder=small))  # fmt: skip
    seconds = [each.work[0].seconds for each in (plain, fast, own)]
    assert seconds == sorted(seconds)
    season = preview(small_config(small, models="calendar = { season = 1 }\n")).work[0]
    assert season.amount == "60 customers on a calendar"
    assert season.seconds > plain.work[0].seconds
    assert own.work[0].amount == f"60 customers with {60 * len(WEEKS):,} rows of series"
    assert {row.parameter for row in own.assumed} - {row.parameter for row in plain.assumed} == {"own_series.newcomers"}


def test_the_future_of_common_series_is_told_in_both_languages(folder):
    """And holds in the data where the file ends before them."""
    frame = pd.read_csv(folder / "prices.csv")
    frame[frame["date"] < "1998-06-01"].to_csv(folder / "to_may.csv", index=False)
    table = COMMON.replace("prices", "to_may") + "future = { price = 9.9 }\n"
    clocks = Stages().load(parse_config(text_with(table), folder=folder)).clocks
    last = frame["date"][frame["date"] < "1998-06-01"].max()
    wanted = f"after {last}, the last day of to_may.csv, what is the same for all is taken to be price 9.9."
    assert [note.message for note in clocks.notes] == [wanted]
    days = np.array(["1998-06-01", "1998-06-30"], dtype="datetime64[D]").astype(int)
    assert set(clocks.calendar.columns(*days)[:, 0]) == {9.9}
    gain = (
        "the customers' own series and what is common to all (mail, cos 1) foresee the held-out purchases better than "
        "the same model without them: log score +0.0193 a customer, standard error 0.0042; in the calibration period "
        "p = 1.9e-220."
    )
    for text in (wanted, gain, "the study takes what a.csv says of the days after 2022-12-31 as what will come."):
        assert Words("zh").told(text)[-1] == "。"


def test_a_variant_of_a_study_with_series_is_that_study_again(study):
    """As `churnsim explore` writes it: the same files, and the assumption about new customers changed."""
    config, data, fits = study
    market = build_market(config, data, fits)
    asked = Variant(
        strategies=[{"name": one.name, "mechanisms": {}} for one in config.strategy],
        numbers={"own_series.newcomers": {"value": 1.5}},
    )
    again = variant_config(variant_text(config, asked, market, name=config.name, source="a guess"), config.folder)
    assert again.canonical()["data"] == config.canonical()["data"]
    assert build_market(again, data, fits).own_series.newcomers == 1.5
