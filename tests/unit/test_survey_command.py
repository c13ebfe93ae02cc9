"""Truth: mechanics. `churnsim survey` as a user meets it: tables, pictures, files, and what it says of wrong input."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from churnsim.cli import app
from churnsim.satisfaction.instruments import INSTRUMENTS, SCALES
from churnsim.satisfaction.synthetic import attributes, gaps, servqual, structures

MAKERS = {
    "servqual": servqual.synthetic_servqual,
    "servperf": servqual.synthetic_servqual,
    "gaps": gaps.synthetic_gaps,
    "benchmark": gaps.synthetic_benchmark,
    "acsi": structures.synthetic_acsi,
    "kano": attributes.synthetic_kano,
    "penalty-reward": attributes.synthetic_penalty_reward,
    "importance": attributes.synthetic_importance,
    "value": attributes.synthetic_value,
}


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("instrument", MAKERS)
def test_each_instrument_prints_its_table_and_draws(instrument, tmp_path):
    path = tmp_path / "answers.csv"
    MAKERS[instrument](120, seed=2).survey.to_wide().to_csv(path)
    scale = ["--scale", "0-100"] if instrument == "importance" else []
    out, pictures = tmp_path / "all.json", tmp_path / "pictures"
    done = run(
        "survey", path, "--instrument", instrument, "--plots", pictures, "--json", out, "--resamples", 60, *scale
    )
    assert done.exit_code == 0, done.output
    assert "95% bootstrap intervals" in done.output
    drawn = sorted(pictures.glob("*.svg"))
    assert drawn
    for picture in drawn:
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    content = json.loads(out.read_text())
    assert content["n"] == 120 if instrument != "gaps" else 240
    assert all(row["lower"] <= row["estimate"] <= row["upper"] for row in content["table"])


def test_every_instrument_is_offered():
    help_text = run("survey", "--help").output
    assert all(name in help_text.replace("\n", "") for name in INSTRUMENTS)
    assert set(SCALES) <= set(INSTRUMENTS)
    assert set(MAKERS) | {"paths"} == set(INSTRUMENTS)


def test_text_from_data_is_drawn_as_text(tmp_path):
    """An item whose name is markup must not become markup."""
    known = attributes.synthetic_value(60, seed=1).survey
    wide = known.to_wide().rename(columns=lambda c: c.replace("benefit quality", "benefit <script>x</script>"))
    path = tmp_path / "answers.csv"
    wide.to_csv(path)
    done = run("survey", path, "--instrument", "value", "--plots", tmp_path / "p")
    assert done.exit_code == 0, done.output
    assert all("<script" not in picture.read_text() for picture in (tmp_path / "p").glob("*.svg"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.csv", "--instrument", "servqual"], "does not exist"),
        (["FILE", "--instrument", "servqual"], "no expectation answers"),
        (["FILE", "--instrument", "kano"], "no functional answers"),
        (["FILE", "--instrument", "acsi", "--scale", "ten"], "not two numbers"),
        (["FILE", "--instrument", "acsi"], "no perception answers to satisfaction_1"),
        (["FILE", "--instrument", "servqual", "--json", "FILE"], "is the file that is read"),
    ],
)
def test_wrong_input_ends_in_one_line(words, says, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("respondent,P.q1\na,4\nb,5\n", encoding="utf-8")
    done = run("survey", *(path if word == "FILE" else word for word in words))
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output
