"""Mechanics: `churnsim trial` as a user meets it: three files, tables, exit codes, and what it says of wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from churnsim.cli import app

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"
ASKED = ["--about", "retention.purchase_lift", "--strategy", "retention-heavy", "--weeks", "12", "--replications", "2"]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A trial of a study, and what the command said."""
    out = tmp_path_factory.mktemp("trial") / "trial"
    few = ["--holdout", "0.5", "--effect", "3", "--power", "0.051"]
    done = run("trial", "design", SMOKE, *ASKED, *few, "--out", out)
    assert done.exit_code == 0, done.output
    return out, done.output


@pytest.fixture(scope="module")
def purchases(planned, tmp_path_factory):
    """Half of its customers buy once, whatever their arm."""
    people = pd.read_csv(planned[0] / "assignment.csv")["customer_id"]
    random = np.random.default_rng(1)
    who = people[random.random(len(people)) < 0.5]
    day = pd.Timestamp("1998-07-01") + pd.to_timedelta(random.integers(0, 83, len(who)), unit="D")
    path = tmp_path_factory.mktemp("log") / "purchases.csv"
    pd.DataFrame({"customer_id": who, "date": day.strftime("%Y-%m-%d")}).to_csv(path, index=False)
    return path


def test_a_plan_is_a_table_a_list_a_manifest_and_a_picture(planned):
    out, said = planned
    assert sorted(path.name for path in out.iterdir()) == ["assignment.csv", "manifest.json", "power.svg"]
    assert ElementTree.parse(out / "power.svg").getroot().tag.endswith("svg")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["start"], manifest["end"], manifest["held_out"]) == ("1998-07-01", "1998-09-22", 1178)
    assert "hold 1,178 of 2,357 customers (50%) out of retention for 12 weeks" in said
    assert pd.read_csv(out / "assignment.csv")["arm"].value_counts()["control"] == 1178


def test_a_trial_is_read_while_it_runs_and_in_the_end(planned, purchases, tmp_path):
    listed, evidence, everything = planned[0] / "assignment.csv", tmp_path / "evidence.toml", tmp_path / "all.json"
    done = run("trial", "read", listed, purchases, "--until", "1998-08-31", "--evidence", evidence)
    assert (done.exit_code, evidence.exists()) == (2, False)
    assert "it is unfinished" in done.stderr
    done = run("trial", "read", listed, purchases, "--until", "1998-09-22", "--looks", "weekly", "--json", everything)
    content = json.loads(everything.read_text())
    assert content["finished"]
    assert len(content["looks"]) == 12
    # Nobody buys twice, which the sequence excludes: a check fails, and with it the status.
    assert [check["name"] for check in content["checks"] if not check["passed"]] == ["earlier and later"]
    assert (done.exit_code, content["status"]) == (1, "measured here (randomised)")


def test_a_trial_is_read_from_an_export_written_as_the_studys(planned, purchases, tmp_path):
    """The same purchases in a German shop's words, among a void order and a guest's."""
    listed, export, study = planned[0] / "assignment.csv", tmp_path / "export.csv", tmp_path / "study.toml"
    plain = pd.read_csv(purchases, dtype=str)
    rows = (
        plain["customer_id"] + ";" + plain["date"].str.replace(r"(\d+)-(\d+)-(\d+)", r"\3.\2.\1", regex=True) + ";9,50;"
    )
    lines = ["Kunde;Tag;Betrag;Status", *rows, f"{plain['customer_id'][0]};02.07.1998;9,50;void", ";02.07.1998;9,50;"]
    export.write_text("\n".join(lines))
    said = 'path = "last.csv"\ncustomer_id = "Kunde"\ndate = "Tag"\namount = "Betrag"\nguests = "apart"\n'
    said += 'leave_out = { Status = ["void"] }'
    study.write_text(SMOKE.read_text(encoding="utf-8").replace('dataset = "cdnow"', said))
    (tmp_path / "last.csv").touch()
    until = ("--until", "1998-08-31", "--json")
    done = run("trial", "read", listed, export, "--study", study, *until, tmp_path / "a.json")
    by_options = run("trial", "read", listed, purchases, *until, tmp_path / "b.json")
    assert done.exit_code == by_options.exit_code == 1  # nobody buys twice, as above
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads((tmp_path / "b.json").read_text())
    done = run("trial", "read", listed, export, "--study", study, "--guests", "apart")
    assert "--guests and --study both say how the file is read" in done.stderr


def test_wrong_files_and_questions_end_in_one_line(planned, purchases, tmp_path):
    listed, late = planned[0] / "assignment.csv", tmp_path / "late.csv"
    bought = pd.read_csv(purchases)
    bought[bought["date"] >= "1998-08-01"].to_csv(late, index=False)
    for words, reason in (
        (("design", SMOKE, *ASKED, "--out", planned[0], "--effect", "1.01"), "too little for 1.01"),
        (("design", SMOKE, *ASKED[:2], "--out", tmp_path / "new"), "say which strategy the treated are under"),
        (("read", purchases, purchases), "keep it beside the list"),
        (("read", listed, listed), "column"),
        (("read", listed, late), "the trial began on 1998-07-01: at their pace some"),
        (("read", listed, purchases, "--evidence", listed), "is the file that is read"),
        (("read", listed, tmp_path / "absent.csv"), "absent.csv"),
    ):
        done = run("trial", *words)
        assert done.exit_code == 2, done.output
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert reason.lower() in done.stderr.lower()
