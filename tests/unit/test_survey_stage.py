"""Truth: mechanics. A study's survey: configuration, file or sample, joined to purchases, and its chapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.unit import fake_run

import churnsim as cs
from churnsim.records.base import plain
from churnsim.records.load import load_run
from churnsim.records.survey import SurveyRecord
from churnsim.report.chapters.satisfaction import chapter
from churnsim.report.messages import Words
from churnsim.report.page.blocks import Details, Heading, Paragraph, TableBlock
from churnsim.report.page.context import Context
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


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return Context(load_run(fake_run.write_run(tmp_path_factory.mktemp("run"))), Words())


def told(context, record):
    """The chapter of a survey: paragraphs and headings, and tables as lists of text."""
    surveyed = Context(context.run.model_copy(update={"survey": SurveyRecord.model_validate(record)}), Words())
    blocks = chapter(surveyed).blocks
    inner = [each for block in blocks for each in (block.blocks if isinstance(block, Details) else [block])]
    found = [block for block in inner if isinstance(block, TableBlock)]
    heads = [[head.title for head in block.columns] for block in found]
    rows = [[[plain_text(f"{cell.text} {cell.note}") for cell in row] for row in block.rows] for block in found]
    return plain_text(" ".join(block.text for block in inner if isinstance(block, Paragraph | Heading))), heads, rows


def plain_text(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "").strip()


def row(name, estimate, lower, upper, n=30, group="mean"):
    return {"name": name, "estimate": estimate, "lower": lower, "upper": upper, "n": n, "group": group}


CLASS = {"purchases": 2.0, "revenue": 41.5, "profit": 12.5, "profit ratio": 1.5}
ANSWERED = {
    "source": "answers.csv", "sampled": False, "respondents": 1234, "level": 0.9, "quality": [], "state": None,
    "instruments": [
        {"instrument": "ACSI", "says": "of three items.", "n": 1200, "warnings": ["some are missing."],
         "table": [row("index", 61.25, 59.5, 63.0, 1200, "index"), row("alpha", 0.8, None, None, 7, "other")]},
    ],
    "money": {
        "answered": 0.25, "joined": 1100, "not_found": 134, "worth": {"estimate": 12.0, "lower": 8.0, "upper": 1500.0},
        "buying": {"ratio": 1.21, "lower": 1.1, "upper": 1.33, "e_value": 1.71},
        "classes": [row(f"satisfied: {key}", number, number / 2, number * 2) for key, number in CLASS.items()],
    },
}  # fmt: skip


def test_the_chapter_tells_what_is_stored(context):
    text, heads, (quantities, classes) = told(context, ANSWERED)
    for said in (
        "1,234 respondents, from answers.csv", "Measured by 1,200", "Some are missing.", "25% of whom",
        "134 respondents could not be found", "1.21 times the rate of buying (90% interval 1.10 to 1.33)",
        "12 of margin a customer until the horizon (90% interval 8 to 1,500)", "a ratio of 1.71",
    ):  # fmt: skip
        assert said in text
    assert quantities == [["index", "61.250", "59.500", "63.000", "1,200"], ["alpha", "0.800", "–", "–", "7"]]
    assert heads[1][2:] == ["Purchases", "Revenue", "Profit", "Profit, in times the average"]
    assert classes == [
        ["Satisfied", "30", "2.00 1.00 to 4.00", "41.50 20.75 to 83.00", "12.50 6.25 to 25.00", "1.50 0.75 to 3.00"]
    ]


def test_a_survey_that_misses_the_state_is_said_to(context):
    state = {"customers": 500, "true": 0.2, "estimate": 0.1, "lower": 0.05, "upper": 0.15}
    text, *_ = told(context, ANSWERED | {"sampled": True, "money": None, "state": state})
    assert "estimates 0.100, and its 90% interval (0.050 to 0.150) does not cover it" in text
    assert "which covers it" in told(context, ANSWERED | {"state": state | {"true": 0.15}})[0]
    assert chapter(context).blocks == []


def test_without_amounts_nothing_of_a_survey_is_in_money(context, tmp_path):
    """The simulated purchases of a log without amounts have no value: no revenue or profit is stored or told."""
    text = SMOKE.read_text(encoding="utf-8")
    head, rest = text.split("[market.terms]")
    world, strategies = rest[rest.index("[market.satisfaction]") :].split("[[strategy]]", 1)
    baseline, after = strategies.split("[[strategy]]", 1)[0], strategies[strategies.index("[comparison]") :]
    head = head.replace('dataset = "cdnow"', 'dataset = "cdnow"\namount = false')
    config = parse_config(f"{head}{world}[[strategy]]{baseline}{after}", name="c.toml", folder=SMOKE.parent)
    data = load_data(config.data, config.folder)
    market = build_market(config, data, fit_models(data))
    scenario = scenario_for(config, market, build_strategies(config)[0])
    record, content = results((config, data, market, scenario), tmp_path)
    assert record.money.buying is not None
    assert record.money.worth is None
    assert {row.name.split(": ")[1] for row in record.money.classes} == {"purchases", "purchases ratio"}
    text, heads, _ = told(context, content)
    assert "margin" not in text
    assert heads[1] == ["Satisfaction", "Respondents", "Purchases"]


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
