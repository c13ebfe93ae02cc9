"""Truth: mechanics of a study of subscribers, from configuration to report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import churnsim as cs
from churnsim.report.html import render
from churnsim.simulation.core.scores import CustomerScores
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.runner import run_study
from churnsim.study.stages.contract_stages import ContractStages, simulated_fit

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "configs" / "smoke" / "telco.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_study(read_config(SMOKE), runs_dir=tmp_path_factory.mktemp("runs"), workers=1)


def piece(run, name):
    return json.loads((run / f"{name}.json").read_text(encoding="utf-8"))


def test_the_run_is_whole(run):
    assert piece(run, "manifest")["status"] == "complete"
    survival = piece(run, "survival")
    assert (survival["customers"], survival["leavers"]) == (7043, 1869)
    assert survival["inside"] == survival["tenures"] == 72
    assert {row["model"] for row in survival["families"]} == {"weibull", "kaplan_meier", "sbg"}
    assert survival["choice"] == "weibull"
    scores = {row["score"]: row["value"] for row in survival["churn"]["scores"]}
    assert 0.9 <= scores["calibration_slope"] <= 1.1
    fits = piece(run, "fits")
    assert set(fits) == {"chosen_curve", "sbg", "regression"}


def test_values_are_compared(run):
    value = piece(run, "value")
    rows = {row["model"]: row for row in value["by_model"]}
    assert set(rows) == {"regression", "weibull", "sbg", "one average churn rate"}
    assert value["lower"] < value["total"] < value["upper"]
    assert value["customers"] == 5174
    assert rows["regression"]["rank_correlation"] == pytest.approx(1.0)
    assert 0.5 < rows["sbg"]["rank_correlation"] < 1.0
    # Those who are left are the loyal ones: one rate for all undervalues them under the curves (Fader & Hardie 2010).
    # The regression knows that the base has more monthly contracts than the curve had at each tenure, and is below it.
    assert rows["weibull"]["average_rate_error"] < 0
    assert rows["sbg"]["average_rate_error"] < 0
    assert rows["regression"]["total"] < rows["weibull"]["total"]


def test_the_report_tells_survival(run):
    page = render(run)
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert "How long subscribers stay" in text
    assert "7,043" in text
    assert "72 of 72 tenures" in text
    assert "Does the model predict?" not in text
    assert "followed from their start" in text


def test_a_complete_run_is_not_done_again(run):
    before = (run / "manifest.json").stat().st_mtime_ns
    assert run_study(read_config(SMOKE), runs_dir=run.parent, workers=1) == run
    assert (run / "manifest.json").stat().st_mtime_ns == before


PROFITS = """
[profit_by_tenure]
profits = [-20.0, 5.0, 15.0]
source = "our controllers"
status = "measured here (observational)"
"""


@pytest.fixture(scope="module")
def quick():
    """The stages of a study of one covariate, by what its subscribers stay."""
    text = re.sub(
        r"covariates = \[.*?\]", 'covariates = ["contract"]', SMOKE.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    stages = ContractStages()
    data = stages.load(parse_config(text))
    fits = stages.fit(parse_config(text), data)
    return text, stages, data, fits


@pytest.mark.parametrize("kind", ["regression", "sbg", "bdw", "curve"])
def test_subscribers_stay_by_what_the_configuration_says(quick, kind):
    """The market expects of the base what the model does: the mean chance to be there after six months."""
    text, stages, data, fits = quick
    config = parse_config(text.replace('simulated = "regression"', f'simulated = "{kind}"'))
    fits = replace(fits, simulated=simulated_fit(kind, data, fits.regression, fits.chosen))
    market = stages.market(config, data, fits)
    assert len(market.draws) == 2
    assert (market.purchases.own is not None) == (kind != "curve")
    scenario = cs.Scenario(
        market=replace(market, draws=()), strategy=cs.Strategy(name="n"), horizon=7, period=1, epoch=1
    )
    active = cs.simulate(scenario, seed=1).count("active_end")[6]
    p = fits.simulated.model.survival([6.0], customers=data.there).iloc[:, 0]
    assert abs(active - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    stored = fits.records()
    assert ("simulated" in stored) == (kind in ("sbg", "bdw"))


def test_profit_by_tenure_takes_the_place_of_charges(quick):
    text, stages, data, fits = quick
    config = parse_config(text + PROFITS)
    market = stages.market(config, data, fits)
    assert market.spend == cs.simulation.ProfitByTenure(profits=(-20.0, 5.0, 15.0))
    shown = {row.parameter: row for row in stages.assumption_rows(market, [])}
    assert (shown["spend.profit_0"].value, shown["spend.profit_0"].status) == (-20.0, "measured here (observational)")
    assert shown["spend.profit_2"].source == "our controllers"
    value = stages.value(config, data, fits, market, None)
    there, v = data.there, 1.10 ** (-1 / 12)
    steps = np.arange(1, 7)
    paid = np.array([-20.0, 5.0, 15.0])[np.minimum(there["tenure"].to_numpy(int)[:, None] + steps, 2)]
    s = fits.regression.model.survival(steps, customers=there).to_numpy()
    assert value.total == pytest.approx(float(((paid * s) @ v ** (steps - 1)).sum()), rel=1e-9)
    assert value.margin is None
    for bad, told in (("profits = []", "profits"), ("profits = [nan]", "profits"), ("profit = [1.0]", "unknown key")):
        with pytest.raises(cs.errors.ConfigError, match=told):
            parse_config(text + PROFITS.replace("profits = [-20.0, 5.0, 15.0]", bad))


def test_the_churn_model_scores_those_who_are_there(quick):
    _, stages, data, fits = quick
    scores = stages.scores(data, fits)["churn_model"]
    assert len(scores) == len(data.there)
    assert scores == CustomerScores.of(fits.churn.probability(data.there))


def test_the_main_configuration_is_read():
    config = read_config(ROOT / "configs" / "telco.toml")
    assert isinstance(config, ContractStudyConfig)
    assert config.canonical()["setting"] == "contractual"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('dataset = "telco"', 'dataset = "cdnow"', "data.dataset = 'cdnow': not one of the choices"),
        ('dataset = "telco"', "", "neither of dataset and path given"),
        ('dataset = "telco"', 'path = "no.csv"', "there is no file"),
        ('charge = "monthly_charges"', "", "missing. Add charge"),
        ('setting = "contractual"', 'setting = "contract"', "setting = 'contract': not one of the choices"),
        ("folds = 2", "folds = 1", "survival.folds = 1: must be at least 2"),
        ("folds = 2", "fold = 2", "unknown key. Did you mean 'folds'?"),
        (", share = 0.5 }", " }", "rule = 'responsive' needs it. Add share"),
        ("[survival]", "[market]\nregularity = 2\n[survival]", "does nothing under contract"),
    ],
)
def test_what_cannot_be_is_named(old, new, told):
    text = SMOKE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(cs.errors.ConfigError) as caught:
        parse_config(text.replace(old, new, 1))
    assert told in str(caught.value)


def test_a_column_that_is_not_there(tmp_path):
    config = parse_config(SMOKE.read_text(encoding="utf-8").replace('"monthly_charges",\n', '"fees",\n', 1))
    with pytest.raises(cs.errors.ConfigError, match="telco has no column 'fees'"):
        run_study(config, runs_dir=tmp_path, workers=1)
