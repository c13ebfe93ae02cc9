"""What a study, the command line and the report say of the value of information."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit import fake_run
from tests.unit import page_checks as checks
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
from churnsim.cli.run import print_summary
from churnsim.decisions import drawn_numbers, value_of_information
from churnsim.decisions.information.value import default_groups
from churnsim.errors import ConfigError
from churnsim.evidence import Belief
from churnsim.evidence.assumptions import assumptions
from churnsim.records.information import INPUTS, OPTION, InformationRecord
from churnsim.records.load import load_run
from churnsim.records.run import AssumptionRecord
from churnsim.report.chapters.information import chapter
from churnsim.report.messages import Words
from churnsim.report.page.context import Context
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import parse_config
from churnsim.study.config.what_if_sections import DecideSection
from churnsim.study.stages.information_stage import (
    check_information,
    drawn_rows,
    information,
    why_not,
    worked_out,
)
from churnsim.study.stages.market_stage import build_strategies
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import OUTCOMES, RunStore, read_parquet, write_parquet

STUDY = """
name = "firm"
title = "Firm"
question = "What to measure?"
seed = 3
[data]
dataset = "cdnow"
unit = "W"
calibration_end = 1997-09-30
[simulation]
horizon = "8 W"
period = "4 W"
epoch = "4 W"
replications = 100
[[strategy]]
name = "buy"
acquisition = { budget_per_period = 40.0 }
[[strategy]]
name = "buy-more"
acquisition = { budget_per_period = 80.0 }
[comparison]
against = "buy"
[claims]
test = []
"""
DECIDE = """
[decide]
groups = { mine = ["terms.*", "prospects.spend_scale"] }
[decide.trials.pilot]
about = "prospects.spend_scale"
standard_error = 0.1
cost = 2.0
fixed_cost = 0.5
"""
BELIEFS = {
    "terms.margin": Belief(value=0.3, low=0.1, high=0.5, status="assumed", source="a guess"),
    "prospects.spend_scale": Belief(value=0.3, low=0.1, high=1.0, status="assumed", source="a guess"),
}


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    return parse_config(STUDY + DECIDE)


@pytest.fixture(scope="module")
def market() -> cs.Market:
    model = cs.BGNBD(r=1.0, alpha=4.0, a=1.0, b=4.0, unit="W")
    return cs.Market(
        customers=cs.Cohort(size=5), purchases=model, spend=cs.simulation.FixedSpend(amount=60.0),
        prospects=cs.simulation.Prospects(size=200.0, ceiling=0.05), beliefs=BELIEFS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def studied(config: StudyConfig, market: cs.Market, tmp_path_factory: pytest.TempPathFactory):
    """The stage on outcomes as a study stores them: its store, its record, and the comparison."""
    store = RunStore.open(tmp_path_factory.mktemp("decide"), "firm", "0" * 64)
    strategies = build_strategies(config)
    experiment = cs.Experiment(market=market, seed=config.seed, horizon=8.0, period=4.0, epoch=4.0, replications=100)
    compared = cs.compare(experiment, [*strategies, cs.Strategy(name="idle")])
    outcomes = compared.outcomes
    write_parquet(store.directory / OUTCOMES, outcomes[outcomes["strategy"] != "idle"].reset_index(drop=True))
    rows = AssumptionRecord.of_frame(assumptions(market, strategies))
    found = information(config, market, rows, ["buy", "buy-more"], store=store, executor=Executor(workers=1))
    return store, found, compared, rows


def test_a_study_says_what_the_function_says(studied, config, market):
    """Spending nothing is simulated as the function had it, and the numbers are those of the replications."""
    store, found, compared, _ = studied
    numbers = drawn_numbers(market, 100, seed=config.seed)
    groups = default_groups(list(numbers)) | dict(config.decide.groups)
    own = value_of_information(compared, numbers, groups=groups)
    assert own.nothing == "idle"
    assert (found.best, found.gain, found.replications) == (own.best, pytest.approx(own.gain), 100)
    assert found.options == ["buy", "buy-more", "nothing"]
    whole = found.row("everything")
    assert whole is not None
    assert whole.worth == pytest.approx(own.everything.value)
    assert [row.name for row in found.rows if row.kind == "group"] == ["mine"]
    about = found.row("number", "prospects.spend_scale")
    assert about is not None
    assert (about.value, about.low, about.status) == (0.3, pytest.approx(0.1), "assumed")
    (trial,) = found.trials
    told = own.of_trial(config.decide.trials["pilot"], fixed_cost=0.5)
    assert (trial.worth, trial.net, trial.best_size) == pytest.approx((told.value, told.net, told.best_size))
    stored = read_parquet(store.directory / INPUTS)
    assert set(stored) == {*BELIEFS, *(OPTION + name for name in found.options)}


def test_a_strategy_of_the_study_that_does_nothing_is_taken(studied, market, tmp_path):
    _, found, compared, rows = studied
    config = parse_config(STUDY + '[[strategy]]\nname = "idle"\n')
    store = RunStore.open(tmp_path, "firm", "1" * 64)
    write_parquet(store.directory / OUTCOMES, compared.outcomes)
    again = information(config, market, rows, ["buy", "buy-more"], store=store, executor=Executor(workers=1))
    assert again.options == ["buy", "buy-more", "idle"]
    assert again.row("everything").worth == pytest.approx(found.row("everything").worth)


def test_when_a_study_says_nothing_of_it():
    assert why_not(amounts=True, drawn=True, replications=100) == ""
    assert "--replications 100" in why_not(amounts=True, drawn=True, replications=99)
    assert "beliefs = 'all'" in why_not(amounts=True, drawn=False, replications=400)
    assert "without amounts" in why_not(amounts=False, drawn=True, replications=400)


def test_what_is_asked_is_checked_before_any_work(config, studied):
    drawn = list(drawn_rows(studied[3]))
    check_information(config, drawn)
    for table, said in (
        ('[decide.trials.pilot]\nabout = "terms.margins"\nstandard_error = 0.1\ncost = 2.0\n', "'terms.margin'"),
        ('[decide]\ngroups = { mine = ["win_back.*"] }\n', "no number 'win_back.*' is drawn"),
    ):
        with pytest.raises(ConfigError, match=rf"\[decide.*{said}"):
            check_information(parse_config(STUDY + table), drawn)
    with pytest.raises(ConfigError, match="fixed_cost"):
        parse_config(STUDY + DECIDE.replace("fixed_cost = 0.5", "fixed_cost = 2.5"))
    two = DECIDE.replace('about = "prospects.spend_scale"', 'about = ["prospects.spend_scale", "terms.margin"]')
    for wrong in (DECIDE.replace("standard_error = 0.1", "standard_error = 0.0"), two):
        with pytest.raises(ConfigError, match="standard_error"):
            parse_config(STUDY + wrong)


def test_a_proposed_trial_may_tell_two_numbers(studied, config):
    store, found, _, rows = studied
    stored = read_parquet(store.directory / INPUTS)
    text = DECIDE.replace('about = "prospects.spend_scale"', 'about = ["prospects.spend_scale", "terms.margin"]')
    section = parse_config(STUDY + text.replace("standard_error = 0.1", "standard_error = [0.1, 0.02]")).decide
    values = stored[[OPTION + name for name in found.options]]
    values.columns = found.options
    both = worked_out(
        values, stored[list(BELIEFS)], section, nothing="nothing", level=0.95, about=drawn_rows(rows)
    ).trials[0]
    assert (both.about, both.standard_error) == ("prospects.spend_scale and terms.margin", [0.1, 0.02])
    assert both.worth > found.trials[0].worth


def test_the_default_leaves_the_hash_of_a_study_as_it_was(config):
    assert "decide" not in parse_config(STUDY).canonical()
    assert config.canonical()["decide"]["trials"]["pilot"]["cost"] == 2.0


PILOT = {"about": "prospects.ceiling", "standard_error": 0.5, "cost": 5.0}
TRIALS = {"geo": PILOT, "dear": PILOT | {"cost": 5000.0, "fixed_cost": 5000.0}}


def made_record(scale: float = 400.0) -> tuple[InformationRecord, pd.DataFrame, pd.DataFrame]:
    """What is worked out of a strategy that gains or loses with one number, and of three that say nothing."""
    rng = np.random.default_rng(5)
    names = ["prospects.ceiling", "terms.margin", "retention.max_effect", "retention.spend_scale"]
    numbers = pd.DataFrame(rng.lognormal(size=(150, 4)), columns=names)
    gain = scale * (1.2 - numbers["prospects.ceiling"]) + rng.normal(scale=30, size=150)
    values = pd.DataFrame({"baseline": gain - 50.0, "acquisition-heavy": gain, "nothing": 0.0})
    row = {
        "meaning": "<b>spend & reach</b>",
        "value": 1.0,
        "low": 0.2,
        "high": 5.0,
        "status": "assumed",
        "unit": "money",
    }
    about = {name: AssumptionRecord(parameter=name, **row) for name in names}
    return (
        worked_out(values, numbers, DecideSection(trials=TRIALS), nothing="nothing", level=0.95, about=about),
        values,
        numbers,
    )


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record, values, numbers = made_record()
    pieces = fake_run.make_pieces() | {"value_of_information": record.content()}
    pieces["manifest"]["config"]["decide"] = {"trials": TRIALS}
    folder = fake_run.write_run(tmp_path_factory.mktemp("decided"), pieces)
    write_parquet(folder / INPUTS, pd.concat([numbers, values.add_prefix(OPTION)], axis=1))
    return folder


def told_by(run_dir: Path) -> tuple[str, list[Any]]:
    """The chapter's words, and its blocks."""
    blocks = chapter(Context(load_run(run_dir), Words())).blocks
    texts = [getattr(block, "text", "") for block in blocks]
    texts += [item for block in blocks for item in getattr(block, "items", [])]
    return "\n".join(texts), blocks


def test_the_chapter_is_a_sentence_a_picture_and_a_table(run_dir: Path):
    said, blocks = told_by(run_dir)
    assert said.startswith("Measure the average cost of a new customer first: knowing it exactly is worth")
    assert "everything else together" in said.splitlines()[0]
    assert "The trial “dear” (the average cost of a new customer, standard error 0.500)" in said
    assert "It is worth its cost at no size." in said
    (figure,) = (block for block in blocks if block.kind == "figureblock")
    assert "All numbers together" in figure.wide
    assert "<b>" not in figure.wide + figure.narrow
    assert checks.cut_labels(figure.wide + figure.narrow) == []
    (told,) = (block for block in blocks if block.kind == "tableblock")
    named = {row[0].text: [cell.text for cell in row] for row in told.rows}
    assert named["The average cost of a new customer"][1] == "1.00"
    assert named["The average cost of a new customer"][4].startswith("+")  # a trial's net worth
    assert "How customers are kept (what contacts, offers and ties do)" in named
    assert "3 further numbers" in said or len(named) > 5


def test_the_chapter_says_when_nothing_is_worth_measuring(tmp_path: Path):
    record, *_ = made_record()
    nothing = [row.model_copy(update={"worth": 0.0, "lower": 0.0, "share": 0.0}) for row in record.rows]
    unsure = [row.model_copy(update={"lower": 0.0}) for row in record.rows]
    for rows, start in (
        (nothing, "Nothing needs to be measured for this decision: “spending nothing” stays"),
        (unsure, "No number is surely worth measuring for this decision. The most is the average cost"),
    ):
        pieces = fake_run.make_pieces()
        pieces["value_of_information"] = record.model_copy(update={"rows": rows, "trials": []}).content()
        said, blocks = told_by(fake_run.write_run(tmp_path / start[:7], pieces))
        assert said.startswith(start)
        assert any(block.kind == "figureblock" for block in blocks) == (rows is unsure)
    assert "pending nothing” stays the best choice" in said


def test_a_run_without_it_has_no_chapter(tmp_path: Path):
    assert told_by(fake_run.write_run(tmp_path, fake_run.make_pieces())) == ("", [])


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_reads_a_run(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    before = (run_dir / "value_of_information.json").read_bytes()
    told = call("decide", run_dir, "--json", tmp_path / "all.json", "--group", "keeping=retention.*,terms.margin")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("decide:    Measure the average cost of a new customer first")
    assert "keeping (3)" in told.stdout
    assert "geo: +" in told.stdout
    content = json.loads((tmp_path / "all.json").read_text())
    assert {row["name"] for row in content["rows"] if row["kind"] == "group"} == {"retention", "keeping"}
    assert (run_dir / "value_of_information.json").read_bytes() == before
    print_summary(run_dir)
    assert "\nmeasure:   Measure the average cost of a new customer first" in capsys.readouterr().out
    plain = call("decide", run_dir)
    assert plain.stdout.splitlines()[0] == told.stdout.splitlines()[0]


def test_the_command_names_the_remedy(run_dir: Path, tmp_path: Path):
    study = tmp_path / "few.toml"
    study.write_text(STUDY.replace("replications = 100", "replications = 99"))
    assert "take --replications 100 or more" in call("decide", study).stderr
    study.write_text(STUDY.replace("[[strategy]]", "parameter_uncertainty = false\n[[strategy]]", 1))
    assert "beliefs = 'all' in [simulation]" in call("decide", study).stderr
    assert "NAME=NUMBERS" in call("decide", run_dir, "--group", "keeping").stderr
    assert "no number 'win_back.*' is drawn" in call("decide", run_dir, "--group", "a=win_back.*").stderr
    pieces = fake_run.make_pieces()
    for row in pieces["assumptions"]:
        row["drawn"] = False
    nothing_drawn = call("decide", fake_run.write_run(tmp_path / "none", pieces))
    assert nothing_drawn.exit_code == 2
    assert "beliefs = 'all' in [simulation]" in nothing_drawn.stderr
    pieces["assumptions"][1]["drawn"] = True
    pieces["comparison"]["replications"] = 40
    assert (
        "It has 40 replications, and 100 are needed"
        in call("decide", fake_run.write_run(tmp_path / "few", pieces)).stderr
    )
    failure = {"stage": "value of information", "reason": "the disk sang.", "lasting": False}
    pieces["notices"] = {"failures": [failure]}
    assert "the disk sang." in call("decide", fake_run.write_run(tmp_path / "failed", pieces)).stderr
