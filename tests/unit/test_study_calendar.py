"""A study whose purchases follow a calendar: its configuration, its fits, and what it says of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.report.charts.figures import season_figure, tracking_figure
from churnsim.report.messages import Words
from churnsim.study.config.config_file import parse_config
from churnsim.study.stages import fit_stage
from churnsim.study.stages.clock_stage import StudyClocks
from churnsim.study.stages.data_stage import load_data
from churnsim.study.stages.fit_stage import fit_models
from churnsim.study.stages.market_stage import build_market
from churnsim.study.stages.stages import Stages
from churnsim.study.stages.validation_stage import validate
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore
from churnsim.study.watch import _stored_models

CONFIGS = Path(__file__).parents[2] / "configs"
TEXT = (CONFIGS / "smoke" / "cdnow.toml").read_text(encoding="utf-8")
TREND = 'calendar = { trend = 1997-01-01, after = "hold" }'


def with_models(line: str) -> str:
    return TEXT.replace("[models]", f"[models]\n{line}", 1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("calendar = { trend = 1997-01-01 }", "after = 'hold' or 'continue'"),
        ('calendar = { season = 1, after = "hold" }', "after = 'hold' or 'continue'"),
        ("calendar = {}", "the calendar is empty"),
        ("calendar = { season = 1, months = true }", "a season or months"),
        ("calendar = { seasons = 1 }", "seasons"),
        ("leaving = { season = 1 }", "goes with [models.calendar]"),
        ("leaving = { season = 1 }\ncalendar = { season = 1 }", "has no leaving clock"),
        ('leaving = { trend = 1997-01-01, after = "continue" }\n' + TREND, "after = 'hold', as [models.calendar]"),
    ],
)
def test_what_is_no_calendar_is_refused(line, told):
    with pytest.raises(ConfigError, match=r"calendar|leaving") as caught:
        parse_config(with_models(line), folder=CONFIGS)
    assert told in str(caught.value)


def test_a_study_without_a_calendar_is_the_study_that_it_was():
    config = parse_config(TEXT, folder=CONFIGS)
    assert "calendar" not in config.canonical()["models"]
    with_it = parse_config(with_models(TREND), folder=CONFIGS).canonical()["models"]["calendar"]
    assert (with_it["trend"], with_it["after"]) == ("1997-01-01", "hold")


def test_a_study_may_have_a_calendar_of_leaving(monkeypatch):
    """What the fits are asked for."""
    text = with_models(f"{TREND}\nleaving = {{ season = 1 }}").replace('"bg_nbd"', '"pareto_nbd"', 1)
    config, shown = parse_config(text, folder=CONFIGS), {}
    assert (set(config.models.clocks), config.models.future) == ({"calendar", "leaving"}, {"trend": "hold"})
    assert config.canonical()["models"]["leaving"]["season"] == 1

    class Family:
        @staticmethod
        def fit(summary, **options):
            shown.update(options)
            raise FitError("seen enough")

    clocks = StudyClocks(**config.models.clocks)
    data = SimpleNamespace(clocks=clocks, split=None, summary=None, unit="W", covariates=None)
    monkeypatch.setattr(fit_stage, "PURCHASE_FAMILIES", {"pareto_nbd": Family})
    with pytest.raises(FitError, match="seen enough"):
        Stages().fit(config, data)
    assert shown.pop("unit") == "W"
    assert {name: calendar.to_dict() for name, calendar in shown.items()} == {
        name: calendar.to_dict() for name, calendar in config.models.clocks.items()
    }


@pytest.fixture(scope="module")
def study():
    config = parse_config(with_models(TREND), folder=CONFIGS)
    data = load_data(config.data, config.folder, models=config.models)
    return config, data, fit_models(data, ["bg_nbd"])


def test_the_fits_follow_the_calendar(study):
    """As fitted by hand; whether it foresees better is what `validate` finds, and the market runs on it."""
    config, data, fits = study
    calendar = cs.data.Calendar(trend="1997-01-01")
    summary = cs.summarise(cs.datasets.cdnow(), until="1998-06-30", calendar=calendar)
    by_hand = cs.BGNBD.fit(summary, calendar=calendar)
    assert fits.purchases.parameters["trend"] == pytest.approx(by_hand.parameters["trend"], abs=1e-12)
    found = cs.validate(
        cs.datasets.cdnow(), [cs.BGNBD], calibration_end="1997-09-30", baselines=[], calendar=calendar,
        future={"trend": "hold"},
    ).with_calendar.loc["bg_nbd"]  # fmt: skip
    assert "better than" in fits.gain.message
    assert fits.gain.figures["gain"] == pytest.approx(found["gain"], rel=1e-9)
    market = build_market(config, data, fits)
    assert market.draws[0][0].future == {"trend": "hold"}
    assert np.datetime64(market.start_day, "D") == np.datetime64("1998-06-30")


def test_a_watch_takes_the_stored_model_on_its_calendar(study, tmp_path):
    config, data, fits = study
    store = RunStore(tmp_path)
    store.write("fits.json", fits.records())
    fit, _, _ = _stored_models(config, store, SimpleNamespace(products=store.products()), data)
    for told in (fit.model, fit.draw_parameters(1, seed=1)[0]):
        assert told.future == {"trend": "hold"}
    few = data.summary.head(50)
    expected = fits.purchases.model.expected_purchases(few, 13.0)
    np.testing.assert_allclose(fit.model.expected_purchases(few, 13.0), expected, rtol=1e-12)
    records = fits.records()
    store.write("fits.json", {**records, "purchases": records["purchases"].model_copy(update={"loglik": 0.0})})
    with pytest.raises(DataError, match="not those of its log"):
        _stored_models(config, store, SimpleNamespace(products=store.products()), data)


def test_the_record_tracks_with_and_without_and_the_report_draws_the_season(study):
    config, data, fits = study
    section = config.validation.model_copy(update={"replications": 20})
    record = validate(data, fits, section, seed=1, executor=Executor(workers=1))
    last = record.tracking[-1]
    # Held after 39 weeks of a fall, purchases to come are fewer than without; the fit tracks what it was shown.
    assert last.expected < last.plain < last.actual
    speed = fits.purchases.model.speed("1998-06-22", "1998-06-28")
    assert {row.date: row.speed for row in record.season}["1998-06-28"] == pytest.approx(speed.mean(), rel=1e-12)
    number = iter(range(1, 9))
    run = SimpleNamespace(validation=record, fits=fits.records())
    context = SimpleNamespace(run=run, say=Words(), figure_number=lambda: next(number))
    assert "fast customers buy" in season_figure(context).title
    assert "without the calendar" in str(tracking_figure(context).wide)


def test_a_leaving_clock_on_the_command_line(tmp_path):
    file = tmp_path / "purchases.csv"
    cs.datasets.cdnow().head(400).to_csv(file, index=False)
    by_calendar = ["--calendar", "trend=1997-01-01"]

    def said(*words):
        return CliRunner().invoke(app, ["fit", str(file), *words])

    assert "leaving:trend" in said("--model", "pareto_nbd", *by_calendar, "--leaving", "trend=1997-01-01").output
    assert "no leaving clock" in said(*by_calendar, "--leaving", "season=1").output
    assert "goes with --calendar" in said("--model", "pareto_nbd", "--leaving", "season=1").output
    assert "--leaving has no 'sun'" in said("--model", "pareto_nbd", *by_calendar, "--leaving", "sun=1").output
