"""Mechanics of ``churnsim runs``: what a folder holds, and what makes two runs differ, by runs made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit import fake_run
from typer.testing import CliRunner, Result

from churnsim.cli.app import app


def runs(*words: object) -> Result:
    return CliRunner().invoke(app, ["runs", *map(str, words)])


def stored(folder: Path, started: str, *, gain: float | None = None, **manifest: Any) -> Path:
    pieces = fake_run.make_pieces()
    config = {**pieces["manifest"]["config"], **manifest.pop("config", {})}
    pieces["manifest"] |= {"started": started, "finished": started, "config": config, **manifest}
    if gain is not None:
        pieces["comparison"]["metrics"]["npv"]["differences"][0]["mean"] = gain
    return fake_run.write_run(folder, pieces)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a study, of which the later has another margin, a strategy more and an empty key that is new."""
    place = tmp_path_factory.mktemp("archive")
    margin = {"terms": {"margin": {"value": 0.3}}}
    stored(place / "b", "2026-01-01T10:00:00", config={"market": margin, "strategy": [{"name": "even"}]})
    later = [{"name": "club", "social_bond": {"cost": 2.0}}, {"name": "even"}]
    changed = {"market": {"terms": {"margin": {"value": 0.4}}}, "strategy": later, "new": None}
    stored(place / "a", "2026-02-01T10:00:00", config=changed, gain=98_765.0)
    (place / "notes").mkdir()
    return place


def test_the_latest_run_comes_first_with_what_it_changed(folder: Path, tmp_path: Path) -> None:
    done = runs(folder, "--json", tmp_path / "runs.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "runs.json").read_text())
    assert [row["run"] for row in found] == ["a", "b"]
    assert [row["changed"] for row in found] == [
        {
            "market.terms.margin.value": [0.3, 0.4], "strategy.club.name": [None, "club"],
            "strategy.club.social_bond.cost": [None, 2.0],
        },
        {},
    ]  # fmt: skip
    assert found[0]["gain"] == 98_765.0
    assert "98,765" in done.output
    assert "market.terms.margin.value = 0.4" in done.output


def test_two_runs_stand_beside_each_other(folder: Path, tmp_path: Path) -> None:
    done = runs(folder / "b", folder / "a", "--json", tmp_path / "both.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "both.json").read_text())
    assert found["changed"]["market.terms.margin.value"] == [0.3, 0.4]
    (moved,) = (cells for cells in found["strategies"].values() if cells[1].get("gain") == 98_765.0)
    assert moved[0]["profit"] == moved[1]["profit"]
    assert moved[0]["gain"] != moved[1]["gain"]
    same = runs(folder / "b", folder / "b")
    assert "nothing of configuration, data and versions differs" in same.output


def test_what_is_no_folder_of_runs_is_refused(folder: Path) -> None:
    for words, told in (
        ((folder / "nowhere",), "there is no folder"), ((folder / "notes",), "holds no run"),
        ((folder, folder, folder), "3 places"), ((folder / "a", folder / "notes"), "notes"),
    ):  # fmt: skip
        done = runs(*words)
        assert (done.exit_code, told in done.stderr) == (2, True), done.output
