"""A whole study on a few customers: what it stores, and that stopping or sharing the work changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.unit.workbook_formulas import Calculator

from churnsim.data import datasets
from churnsim.decisions import Comparison
from churnsim.errors import ConfigError, DataError
from churnsim.report.documents import workbook
from churnsim.study import runner as runner_module
from churnsim.study.config.config import ComparisonSection, StudyConfig
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.study.runner import StudyInterrupted, run_study
from churnsim.study.stages.comparison_stage import compare_strategies
from churnsim.study.storage import outcome_parts
from churnsim.study.storage.store import RunStore, read_json, read_parquet

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"
FILES = {
    "manifest.json", "fits.json", "validation.json", "value.json", "assumptions.json", "strategies.json",
    "outcomes.parquet", "comparison.json", "claims.json", "notices.json", "customers.json",
    "contacts.parquet", ".lock",
}  # fmt: skip

# The command line, storing each finished piece at once.
STORE_EACH = """
import atexit, sys
from churnsim.cli import main
from churnsim.study.storage import outcome_parts
atexit.register(lambda: print("loaded:", [m for m in ("scipy.stats",) if m in sys.modules], file=sys.stderr))
outcome_parts.SECONDS = 0
main()
"""


@pytest.fixture
def storing_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file for each piece, which else hold what a few seconds finish."""
    monkeypatch.setattr(outcome_parts, "SECONDS", 0)


class Watch:
    """Notes what a study tells, and stops it with Ctrl-C after so many steps of the strategies."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.notes: list[str] = []
        self.steps = 0
        self._stop_after, self._counting = stop_after, False

    def stage(self, title: str, total: int | None = None) -> None:
        self._counting = title == "strategies"

    def advance(self, steps: int = 1) -> None:
        if self._counting:
            self.steps += steps
            if self._stop_after is not None and self.steps >= self._stop_after:
                raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration beside its data: every eighth customer of CDNOW, one claim."""
    home = tmp_path_factory.mktemp("study")
    log = datasets.cdnow()
    log[log["customer_id"] % 8 == 0][["customer_id", "date", "amount"]].to_csv(home / "log.csv", index=False)
    text = SMOKE.read_text(encoding="utf-8")
    text = text.replace('dataset = "cdnow"', 'path = "log.csv"').replace("replications = 2\n", "replications = 3\n")
    start = text.index("[claims]")
    (home / "study.toml").write_text(text[:start] + '[claims]\ntest = ["card-npv"]\nquick = true\n', encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def config(home: Path) -> StudyConfig:
    return read_config(home / "study.toml")


@pytest.fixture(scope="module")
def finished(config: StudyConfig, home: Path) -> Path:
    return run_study(config, runs_dir=home / "runs", workers=1)


def test_a_run_stores_every_piece_and_no_parts(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == FILES
    manifest = read_json(finished / "manifest.json")
    assert manifest["status"] == "complete"
    assert finished.name == f"cdnow-smoke-{manifest['hash'][:8]}"
    assert manifest["data"]["customers"] == 294
    assert manifest["data"]["source"] == "log.csv"
    data = manifest["data"]
    assert data["rows_read"] == data["rows"] + sum(data["left_out"].values())
    assert "workers" not in manifest["config"]["simulation"]
    for path in finished.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"a file holds {name}"))


def test_outcomes_are_complete_integer_and_in_order(finished: Path, config: StudyConfig) -> None:
    outcomes = read_parquet(finished / "outcomes.parquet")
    names = [strategy.name for strategy in config.strategy]
    keys = [(name, replication, period) for name in names for replication in range(3) for period in range(2)]
    assert list(outcomes[["strategy", "replication", "period"]].itertuples(index=False, name=None)) == keys
    assert {str(kind) for kind in outcomes.drop(columns="strategy").dtypes} == {"int64"}


def test_comparison_agrees_with_the_outcomes(finished: Path) -> None:
    outcomes, comparison = read_parquet(finished / "outcomes.parquet"), read_json(finished / "comparison.json")
    costs = ["acquisition", "retention", "wages", "service", "recovery", "fixed"]
    profit = (outcomes["margin"] - outcomes[costs].sum(axis=1)) / 100
    totals = profit.groupby([outcomes["strategy"], outcomes["replication"]]).sum().unstack(level=0)
    for row in comparison["metrics"]["profit"]["levels"]:
        assert row["mean"] == pytest.approx(totals[row["strategy"]].mean())
    for row in comparison["metrics"]["profit"]["differences"]:
        assert row["mean"] == pytest.approx((totals[row["strategy"]] - totals["baseline"]).mean())
    last = {row["strategy"]: row["profit_mean"] for row in comparison["path"] if row["period"] == 2}
    assert last == pytest.approx(totals.mean().to_dict())


def test_the_totals_of_a_workbook_are_those_of_the_comparison(finished: Path) -> None:
    value, comparison = Calculator(workbook(finished)).value, read_json(finished / "comparison.json")
    means = [value("Totals", f"B{row}") for row in range(5, 5 + len(comparison["best"]))]
    assert sorted(means) == pytest.approx(sorted(row["mean"] for row in comparison["metrics"]["npv"]["levels"]))
    for row, found in enumerate(comparison["best"], start=5):
        assert [value("Totals", f"{column}{row}") for column in "HI"] == pytest.approx([found["chance"], found["loss"]])


@pytest.mark.parametrize("against", ["baseline", "no-spending"])
def test_spending_nothing_may_be_the_best_whatever_the_strategies_are_compared_with(
    against: str, finished: Path, config: StudyConfig, cohort_market: Any
) -> None:
    """It is for orientation only, and a candidate all the same: who earns less than it is the best in no future."""
    asked = config.model_copy(update={"comparison": ComparisonSection(against=against)})
    compared = Comparison.from_outcomes(read_parquet(finished / "outcomes.parquet"), market=cohort_market(10), period=4)
    found = compare_strategies(compared, asked)
    assert {row.strategy for row in found.best} == {section.name for section in config.strategy}
    assert sum(row.chance for row in found.best) == pytest.approx(1.0)


def test_equal_budgets_are_spent(finished: Path, config: StudyConfig) -> None:
    assert config.budget is not None
    spent = pd.DataFrame(read_json(finished / "comparison.json")["spending"]).groupby("strategy")["mean"].sum()
    planned = 2 * config.budget.per_period
    for name in ("baseline", "acquisition-heavy", "retention-heavy"):
        # Contacts cost whole cents each, so that of each period's budget less than a cent a customer is left.
        assert planned - 2 * 2.94 <= spent[name] <= planned
    assert spent["no-spending"] == 0


def test_the_replay_looks_at_the_held_out_purchases(finished: Path) -> None:
    replay = read_json(finished / "validation.json")["replay"]
    assert replay["lower"] < replay["mean"] < replay["upper"]
    assert replay["covered"] is (replay["miss"] == 0)
    wider = replay["with_parameter_uncertainty"]
    assert {"mean", "lower", "upper", "covered", "miss"} == set(wider)


def test_value_adds_up_by_decile(finished: Path) -> None:
    value = read_json(finished / "value.json")
    assert sum(row["value"] for row in value["by_decile"]) == pytest.approx(value["total"])
    assert sum(row["customers"] for row in value["by_decile"]) == value["customers"] == 294
    replay = read_json(finished / "validation.json")["replay"]
    ratio = replay["actual"] / replay["mean"]
    assert value["holdout_ratio"] == ratio
    assert value["lower"] == value["estimation_lower"] * min(1.0, ratio) < value["upper"]
    assert value["upper"] == value["estimation_upper"] * max(1.0, ratio)


def test_what_the_log_does_not_show_is_stored_beside_the_numbers(finished: Path) -> None:
    """CDNOW holds 39 of 52 weeks out and is 78 weeks long, of which the study of 8 weeks asks no more."""
    notices = read_json(finished / "notices.json")
    assert notices["failures"] == notices["unjudged"] == []
    (season,) = [row for row in notices["warnings"] if row["code"] == "holdout without a season"]
    assert season["figures"] == {"days": 273.0}


def test_a_complete_run_is_not_done_again(finished: Path, config: StudyConfig, home: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in finished.iterdir() if path.name != ".lock"}
    watch = Watch()
    assert run_study(config, runs_dir=home / "runs", workers=1, progress=watch) == finished
    assert "complete already" in watch.notes[0]
    assert {p.name: p.stat().st_mtime_ns for p in finished.iterdir() if p.name != ".lock"} == before


def test_two_workers_give_the_bytes_of_one(finished: Path, config: StudyConfig, home: Path) -> None:
    shared = run_study(config, runs_dir=home / "shared", workers=2)
    assert shared.name == finished.name
    for name in FILES - {"manifest.json", ".lock"}:
        assert (shared / name).read_bytes() == (finished / name).read_bytes(), name


def test_the_customers_own_story_is_that_of_the_log(finished: Path, config: StudyConfig) -> None:
    """Counted by hand from the log; the list is in the order of its last column, which follows from the others."""
    story, listed = read_json(finished / "customers.json"), read_parquet(finished / "contacts.parquet")
    # Customers with nothing at stake are not listed, so that the sum over the list is less than the whole.
    active = story["active"]
    assert listed["p_alive"].sum() <= active["mean"] <= active["customers"]
    assert active["lower"] < active["mean"] < active["upper"]
    log = pd.read_csv(config.folder / "log.csv", parse_dates=["date"])
    log["month"] = log["date"].dt.to_period("M")
    first = log.groupby("customer_id")["month"].min()
    in_january = first.index[first == "1997-01"]
    again = log.loc[log["customer_id"].isin(in_january) & (log["month"] == "1997-03"), "customer_id"].nunique()
    cell = next(row for row in story["cohorts"] if row["cohort"] == "1997-01-01" and row["age"] == 2)
    assert (cell["customers"], cell["active"], cell["share"]) == (len(in_january), again, again / len(in_january))
    spent = log.groupby("customer_id")["amount"].sum().sort_values(ascending=False).to_numpy()
    tenth = next(row for row in story["whale"] if abs(row["customers"] - 0.1) < 1e-9)
    whole, part = divmod(len(spent) * 0.1, 1)
    assert tenth["value"] == pytest.approx((spent[: int(whole)].sum() + part * spent[int(whole)]) / spent.sum())
    assert story["listed"] == len(listed) > len(story["contacts"]) == 50
    assert listed["at_stake"].is_monotonic_decreasing
    assert (listed["expected"] * (1 - listed["p_alive"])).tolist() == pytest.approx(listed["at_stake"].tolist())
    assert listed["expected"].sum() < read_json(finished / "value.json")["total"]
    top = listed.iloc[0]
    own = log[log["customer_id"].astype(str) == top["customer_id"]]
    assert top["spent"] == pytest.approx(own["amount"].sum())
    assert (top["purchases"], top["last_purchase"]) == (own["date"].nunique(), str(own["date"].max().date()))


@pytest.mark.usefixtures("storing_each")
def test_an_interrupted_run_goes_on_where_it_stopped(finished: Path, config: StudyConfig, home: Path) -> None:
    first = Watch(stop_after=5)
    with pytest.raises(StudyInterrupted, match="the same command continues from there"):
        run_study(config, runs_dir=home / "stopped", workers=1, progress=first)
    directory = home / "stopped" / finished.name
    assert read_json(directory / "manifest.json")["status"] == "partial"
    stored = sorted((directory / "parts" / "outcomes").rglob("*.parquet"))
    assert 0 < len(stored) < 15
    stored[0].write_bytes(stored[0].read_bytes()[:100])  # a broken piece is done again
    kept = {path: path.stat().st_mtime_ns for path in stored[1:]}
    seen: dict[Path, int] = {}

    class Second(Watch):
        def advance(self, steps: int = 1) -> None:
            seen.update({path: path.stat().st_mtime_ns for path in kept if path.exists()})
            super().advance(steps)

    second = Second()
    run_study(config, runs_dir=home / "stopped", workers=1, progress=second)
    assert seen == kept
    assert second.notes[0].startswith("continuing")
    assert second.steps == 15
    for name in FILES - {"manifest.json", ".lock"}:
        assert (directory / name).read_bytes() == (finished / name).read_bytes(), name


def test_what_an_interrupted_run_has_finished_is_stored_at_the_end_however_short_it_was(
    config: StudyConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome_parts, "SECONDS", 3600)
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "short", workers=1, progress=Watch(stop_after=10))
    (stored,) = (home / "short").glob("*/parts/outcomes/*.parquet")
    found = read_parquet(stored)
    assert found.groupby("strategy")["replication"].unique().map(list).to_dict() == {
        strategy.name: [0, 1] for strategy in config.strategy
    }


def test_parts_made_by_other_code_are_not_continued(
    config: StudyConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "changed", workers=1, progress=Watch(stop_after=5))
    monkeypatch.setattr(runner_module, "recipe", lambda: {"code_sha256": "other", "versions": {}})
    watch = Watch(stop_after=1)
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "changed", workers=1, progress=watch)
    assert "starting over" in watch.notes[0]


def test_a_complete_run_of_other_code_is_kept_beside_the_new_one(
    config: StudyConfig, finished: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = shutil.copytree(finished, home / "upgraded" / finished.name)
    (directory / "our slides.pptx").write_bytes(b"edited by hand")
    monkeypatch.setattr(runner_module, "recipe", lambda: {"code_sha256": "other", "versions": {}})
    watch = Watch(stop_after=0)
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "upgraded", workers=1, progress=watch)
    (kept,) = (home / "upgraded").glob(f"{finished.name}-*")
    assert str(kept) in watch.notes[0]
    assert {path.name for path in kept.iterdir()} >= {"our slides.pptx", "outcomes.parquet", "manifest.json"}
    assert not (directory / "our slides.pptx").exists()
    manifest = RunStore.existing(kept).manifest()
    assert manifest is not None
    assert manifest.status == "complete"
    assert not RunStore(kept).damaged(manifest.products)


def test_fresh_runs_again(finished: Path, config: StudyConfig, home: Path) -> None:
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "fresh", workers=1, progress=Watch(stop_after=5))
    watch = Watch(stop_after=1)
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "fresh", workers=1, fresh=True, progress=watch)
    assert watch.steps == 5  # the first replication of five strategies, nothing from before
    assert not any("continuing" in note or "starting over" in note for note in watch.notes)


def test_another_seed_is_another_run(config: StudyConfig, finished: Path, home: Path) -> None:
    text = (home / "study.toml").read_text(encoding="utf-8").replace("seed = 19970101", "seed = 2")
    with pytest.raises(StudyInterrupted):
        run_study(parse_config(text, folder=home), runs_dir=home / "runs", workers=1, progress=Watch(stop_after=0))
    assert len(list((home / "runs").iterdir())) == 2


def test_data_without_a_holdout_are_refused(home: Path) -> None:
    text = (home / "study.toml").read_text(encoding="utf-8")
    text = text.replace("1997-09-30", "1999-09-30").replace("holdout_end = 1998-06-30", "")
    with pytest.raises(DataError, match="leaves no holdout"):
        run_study(parse_config(text, folder=home), runs_dir=home / "none", workers=1)
    assert not (home / "none").exists()


def test_the_directory_of_another_is_refused_before_anything_is_written(
    finished: Path, config: StudyConfig, home: Path
) -> None:
    theirs = home / "theirs" / finished.name
    theirs.mkdir(parents=True)
    (theirs / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not a run of churnsim"):
        run_study(config, runs_dir=home / "theirs", workers=1, fresh=True)
    assert [path.name for path in theirs.iterdir()] == ["notes.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal to a process group")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_a_run_to_continue(home: Path, stop: signal.Signals) -> None:
    """Ctrl-C reaches the whole group, the end of a cancelled job the main process alone.

    And what takes a second at the start of each command and each worker is not imported.
    """
    text = (home / "study.toml").read_text(encoding="utf-8")
    (home / "long.toml").write_text(text.replace("replications = 3\n", "replications = 150\n"), encoding="utf-8")
    command = [
        sys.executable, "-c", STORE_EACH,
        "run", str(home / "long.toml"), "--runs-dir", str(home / stop.name), "--workers", "2",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list((home / stop.name).glob("*/parts/outcomes/*.parquet")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, stop) if stop is signal.SIGINT else process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "the same command continues from there" in err
    assert "loaded: []" in err
    assert "scipy.stats" not in err
    assert out == ""
    (directory,) = (home / stop.name).iterdir()
    assert read_json(directory / "manifest.json")["status"] == "partial"


def test_who_first_came_on_the_last_day_counts_too(home: Path) -> None:
    """With T = 0 a customer says nothing of the parameters, but belongs to the base that is replayed."""
    with (home / "log.csv").open(encoding="utf-8") as log:
        (home / "late.csv").write_text(log.read() + "late,1998-06-30,10\n", encoding="utf-8")
    text = (home / "study.toml").read_text(encoding="utf-8").replace("log.csv", "late.csv")
    with pytest.raises(StudyInterrupted):
        run_study(parse_config(text, folder=home), runs_dir=home / "late", workers=1, progress=Watch(stop_after=0))
    (directory,) = (home / "late").iterdir()
    assert read_json(directory / "manifest.json")["data"]["customers"] == 295


def test_a_damaged_run_is_no_complete_one(home: Path) -> None:
    """A result that is missing or altered is noticed, and the study runs again instead of being called complete."""
    config = parse_config((home / "study.toml").read_text(encoding="utf-8"), folder=home)
    directory = run_study(config, runs_dir=home / "damaged", workers=1)
    whole = (directory / "outcomes.parquet").read_bytes()
    again = Watch()
    run_study(config, runs_dir=home / "damaged", workers=1, progress=again)
    assert "is complete already" in again.notes[-1]
    (directory / "outcomes.parquet").write_bytes(whole[:50])
    (directory / "manifest.json").touch()
    mended = Watch()
    run_study(config, runs_dir=home / "damaged", workers=1, progress=mended)
    assert any("outcomes.parquet of this run is missing or has been altered" in note for note in mended.notes)
    assert (directory / "outcomes.parquet").read_bytes() == whole
    (directory / "manifest.json").write_text("{", encoding="utf-8")
    run_study(config, runs_dir=home / "damaged", workers=1)
    assert (directory / "outcomes.parquet").read_bytes() == whole


def test_silence_at_the_end_is_said(home: Path) -> None:
    text = (
        (home / "study.toml")
        .read_text(encoding="utf-8")
        .replace("holdout_end = 1998-06-30", "holdout_end = 1998-12-31")
    )
    watch = Watch(stop_after=0)
    with pytest.raises(StudyInterrupted):
        run_study(parse_config(text, folder=home), runs_dir=home / "silent", workers=1, progress=watch)
    assert any("no purchase in the last 184 days" in note for note in watch.notes)


@pytest.mark.usefixtures("storing_each")
def test_a_piece_in_the_wrong_place_is_run_again(home: Path) -> None:
    """A stored replication replaced by another's copy is noticed: the outcomes come out as if nothing had happened."""
    config = parse_config((home / "study.toml").read_text(encoding="utf-8"), folder=home)
    whole = (run_study(config, runs_dir=home / "straight", workers=1) / "outcomes.parquet").read_bytes()
    with pytest.raises(StudyInterrupted):
        run_study(config, runs_dir=home / "swapped", workers=1, progress=Watch(stop_after=11))
    (directory,) = (home / "swapped").iterdir()
    first, second, *_ = sorted(directory.glob("parts/outcomes/*.parquet"))
    first.write_bytes(second.read_bytes())
    again = run_study(config, runs_dir=home / "swapped", workers=1)
    assert (again / "outcomes.parquet").read_bytes() == whole
