"""[optimise] of a study: what is refused before any work, a search that was stopped, what is stored, printed and
reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit import fake_run
from typer.testing import CliRunner

from churnsim.cli import app
from churnsim.data import datasets
from churnsim.errors import ConfigError
from churnsim.records.base import STORED
from churnsim.records.load import load_run
from churnsim.records.optimise import OptimisationRecord
from churnsim.report.chapters import optimum
from churnsim.report.messages import Words
from churnsim.report.page.context import Context
from churnsim.study.config.config_file import parse_config
from churnsim.study.runner import StudyInterrupted, optimise_study
from churnsim.study.storage.progress import Silent
from churnsim.study.storage.store import read_json, read_parquet

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "optimise.toml"
LEVERS = """
[optimise]
total = 30.0
replications = 10
max_replications = 10
[optimise.levers]
"acquisition.budget_per_period" = [0, 40]
[claims]
test = []
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("optimise")
    log = datasets.cdnow()
    log[log["customer_id"] % 40 == 0][["customer_id", "date", "amount"]].to_csv(home / "log.csv", index=False)
    return home


def text_of(levers: str = LEVERS) -> str:
    head = SMOKE.read_text(encoding="utf-8").split("[optimise]")[0]
    return head.replace('dataset = "cdnow"', 'path = "log.csv"').replace('horizon = "8 W"', 'horizon = "4 W"') + levers


@pytest.mark.parametrize(
    ("said", "instead", "message"),
    [
        ("total = 30.0", 'strategy = "basline"', "Did you mean 'baseline'"),
        ("[0, 40]", "[40, 0]", "must go from a lower number to a higher"),
        ("[0, 40]", "[0, 40, 50]", "levers"),
        ("total = 30.0", "spend_al = true", "spend_al"),
        ("total = 30.0", 'objective = "median"', "objective"),
    ],
)
def test_a_table_that_is_wrong_is_refused(home: Path, said: str, instead: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(text_of(LEVERS.replace(said, instead)), folder=home)


def test_levers_that_are_not_there_are_refused_before_any_work(home: Path, tmp_path: Path) -> None:
    config = parse_config(text_of(LEVERS.replace("acquisition.budget_per_period", "retention.share")), folder=home)
    with pytest.raises(ConfigError, match=r"\[optimise\]: levers name retention"):
        optimise_study(config, runs_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"no \[optimise\]"):
        optimise_study(parse_config(text_of("[claims]\ntest = []\n"), folder=home), runs_dir=tmp_path)


class Stops(Silent):
    """Ctrl-C after some simulations."""

    steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        if self.steps > 250:
            raise KeyboardInterrupt


class Counts(Silent):
    steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps


def test_a_stopped_search_goes_on_and_is_printed_and_stored(home: Path, tmp_path: Path) -> None:
    config = parse_config(text_of(), folder=home)
    stopped, after = Stops(), Counts()
    with pytest.raises(StudyInterrupted, match="the same command continues from there"):
        optimise_study(config, runs_dir=tmp_path, progress=stopped)
    directory, found = optimise_study(config, runs_dir=tmp_path, progress=after, workers=1)
    assert 0 < after.steps < found.simulations
    assert after.steps + stopped.steps == found.simulations
    assert len(read_parquet(directory / "optimise.parquet")) == found.simulations
    assert OptimisationRecord.model_validate(read_json(directory / "optimise.json"), context=STORED) == found
    assert not found.chosen  # customers who come for four weeks do not pay
    assert max(row.spending for row in found.frontier) <= 30 + 1e-9
    (home / "study.toml").write_text(text_of(), encoding="utf-8")
    said = CliRunner().invoke(app, ["optimise", str(home / "study.toml"), "--runs-dir", str(tmp_path)])
    assert said.exit_code == 0
    assert said.stdout.startswith("Spend nothing: nothing within the bounds")
    assert "return per unit spent" in said.stdout
    fresh, again = optimise_study(config, runs_dir=tmp_path / "elsewhere", workers=2)
    assert again == found
    assert (fresh / "optimise.json").read_bytes() == (directory / "optimise.json").read_bytes()
    assert (fresh / "optimise.parquet").read_bytes() == (directory / "optimise.parquet").read_bytes()


def record(**changes: object) -> dict[str, object]:
    """optimise.json of a search that paid."""
    between = {"mean": 840.0, "lower": 690.0, "upper": 990.0}
    return {
        "strategy": "baseline", "status": "found", "chosen": True, "spending": 85.0, "objective": "mean",
        "metric": "npv", "share": 0.05, "level": 0.95, "value": between, "gain": between, "lead": between, "gap": 2.0,
        "gap_upper": 5.0, "gap_asked": 370.0, "certified": True, "points": 120, "simulations": 9000,
        "replications": {"search": 40, "choice": 20, "gap": 40}, "words": ["a", "b"],
        "levers": [
            {"lever": "acquisition.budget_per_period", "value": 85.0, "low": 0, "high": 400},
            {"lever": "retention.share", "value": 0.3, "low": 0.02, "high": 1},
        ],
        "marginals": [
            {"lever": "acquisition.budget_per_period", "value": 85.0, "low": 65.0, "high": 105.0, "change": 0.2,
             "lower": -0.9, "upper": 1.3, "per_unit_spent": 0.01, "per_unit_spent_lower": -0.04,
             "per_unit_spent_upper": 0.06},
        ],
        "frontier": [
            {"spending": s, "levers": {"acquisition.budget_per_period": s, "retention.share": 0.3}, "mean": 20 * s,
             "lower": 18 * s, "upper": 22 * s}
            for s in (0.0, 40.0, 80.0)
        ],
        **changes,
    }  # fmt: skip


def context_of(tmp_path: Path, **changes: object) -> Context:
    pieces = fake_run.make_pieces() | {"optimise": record(**changes)}
    return Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())


def test_the_report_says_what_to_spend(tmp_path: Path) -> None:
    chapter = optimum.chapter(context_of(tmp_path))
    first, gap, how, table, _, figure, totals = chapter.blocks
    assert first.text.startswith("Best found: acquisition per period ")
    assert "share of customers for retention 30" in first.text
    assert "below the best within the bounds, at 95%" in gap.text
    assert how.text.startswith("120 points of the levers, 9,000 simulations")
    assert len(table.rows) == 2
    assert table.rows[1][3].text == "–"  # no step was looked at
    assert len(totals.rows) == 3
    assert "the answer" in figure.wide


UNSURE = "not shown to beat nothing"
LOSES = {"mean": -5.0, "lower": -9.0, "upper": -1.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chosen": False, "lead": LOSES, "status": "spend nothing"}, "earns more by more than the tolerance, 370."),
        ({"chosen": False, "lead": LOSES, "status": UNSURE}, "nothing within the bounds is shown to earn more."),
        ({"gap_upper": 500.0}, "which takes more replications"),
        ({"objective": "chance", "gap_upper": 0.004, "gap_asked": 0.01}, "the share of futures with more"),
        ({"objective": "cvar"}, "in the worst 5% of futures"),
    ],
)
def test_the_report_says_what_is_not_so(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    chapter = optimum.chapter(context_of(tmp_path, frontier=[], **changes))
    assert said in " ".join(getattr(block, "text", "") for block in chapter.blocks)
