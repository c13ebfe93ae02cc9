"""Truth: mechanics. A study's survey: configuration, file or sample, joined to purchases, and its chapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.records.base import plain
from churnsim.records.survey import SurveyRecord
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.study.stages.data_stage import load_data
from churnsim.study.stages.fit_stage import fit_models
from churnsim.study.stages.market_stage import build_market, build_strategies, scenario_for
from churnsim.study.stages.survey_stage import survey_checksum, survey_results

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "configs" / "smoke" / "satisfaction.toml"


def changed(**replacements):
    """The smoke configuration with texts replaced."""
    text = SMOKE.read_text(encoding="utf-8")
    for old, new in replacements.values():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sampled = 100", 'sampled = 100\npath = "a.csv"', ["both of path and sampled"]),
        ("sampled = 100", "", ["neither of path and sampled"]),
        ("sampled = 100", "sampled = 3", ["survey.sampled", "at least 20"]),
        ('instruments = ["acsi"]', 'instruments = ["servqual"]', ["answer 'acsi' alone"]),
        ('instruments = ["acsi"]', 'instruments = ["acsy"]', ["acsi"]),
        ("sampled = 100", "sampled = 100\nlow = 10.0", ["must be above low"]),
        ("dropout_effect = -0.8", "dropout_effekt = -0.8", ["unknown key", "dropout_effect"]),
        ("dropout_effect = -0.8", "dropout_effect = -80.0", ["dropout_effect must be a finite number at least -5"]),
    ],
)
def test_an_impossible_survey_is_refused_with_its_key(old, new, words):
    with pytest.raises(cs.errors.ConfigError) as caught:
        parse_config(changed(one=(old, new)), name="c.toml", folder=SMOKE.parent)
    for word in words:
        assert word in str(caught.value)


@pytest.fixture(scope="module")
def study():
    config = read_config(SMOKE)
    data = load_data(config.data, config.folder)
    market = build_market(config, data, fit_models(data))
    scenario = scenario_for(config, market, build_strategies(config)[0])
    return config, data, market, scenario


def results(study, folder, **section):
    config, data, market, scenario = study
    asked = config.survey.model_copy(update=section)
    content = survey_results(asked, folder, data=data, market=market, scenario=scenario, seed=config.seed)
    return SurveyRecord.model_validate(json.loads(json.dumps(plain(content), allow_nan=False))), content


def test_sampled_answers_find_the_state_and_join_the_simulated(study, tmp_path):
    record, _ = results(study, tmp_path)
    assert record.sampled
    assert record.state.lower < record.state.true < record.state.upper
    assert record.money.joined == 100
    assert {row.name for row in record.instruments[0].table} == {"index"}
    again, _ = results(study, tmp_path)
    assert again == record


def test_answers_of_a_file_join_the_purchases_after_calibration(study, tmp_path):
    """Satisfaction planted in proportion to later purchases must be found there."""
    _, data, *_ = study
    ids = data.split.index[:400]
    later = data.split.loc[ids, "frequency_holdout"].to_numpy()
    random = np.random.default_rng(1)
    answers = np.clip(np.round(4 + 1.5 * np.minimum(later, 3) + random.normal(0, 1, (3, 400))), 1, 10)
    frame = pd.DataFrame({"respondent": range(400), "customer_id": ids})
    for k in range(3):
        frame[f"P.satisfaction_{k + 1}"] = answers[k].astype(int)
    frame.to_csv(tmp_path / "answers.csv", index=False)
    record, content = results(study, tmp_path, path="answers.csv", sampled=None)
    assert record.state is None
    assert record.source == "answers.csv"
    assert record.money.joined == 400
    assert record.money.buying.lower > 1
    assert record.money.worth.lower > 0
    assert record.money.held_fixed == ["frequency before"]
    bought = content.money.classes[0]
    assert bought.name.endswith("purchases")


def test_other_answers_are_another_study(study, tmp_path):
    section = study[0].survey.model_copy(update={"path": "answers.csv", "sampled": None})
    with pytest.raises(cs.errors.DataError, match="does not exist"):
        survey_checksum(section, tmp_path)
    sums = set()
    for text in ("respondent,P.q\na,1\n", "respondent,P.q\na,2\n"):
        (tmp_path / "answers.csv").write_text(text)
        sums.add(survey_checksum(section, tmp_path))
    assert len(sums) == 2
    assert survey_checksum(None, tmp_path) == ""
