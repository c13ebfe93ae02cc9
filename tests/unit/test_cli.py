"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import errno
import json
import re
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import churnsim
from churnsim.cli import app, run
from churnsim.cli.errors import guarded
from churnsim.cli.export import csv_text
from churnsim.data import datasets
from churnsim.data.database.export import neutral

COMMANDS = ["run", "report", "reproduce", "claims", "fit", "summarise"]
SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


@pytest.fixture
def call() -> Callable[..., Any]:
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "log.csv"
    datasets.cdnow()[["customer_id", "date", "amount"]].to_csv(path, index=False)
    return path


def in_own_process(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from churnsim.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def assert_one_line_error(result: Any, pattern: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert re.search(pattern, result.stderr), result.stderr


def test_python_runs_the_package_as_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["churnsim", "--version"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("churnsim", run_name="__main__")
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("churnsim ")


def test_help_names_every_command_with_an_example(call: Callable[..., Any]) -> None:
    top = call("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", top, re.MULTILINE)
        words = [command, "list"] if command == "claims" else [command]
        assert f"churnsim {' '.join(words)}" in call(*words, "--help").stdout
    assert "..." not in top.split("Commands:")[1]  # no summary is cut short


def test_version(call: Callable[..., Any]) -> None:
    assert call("--version").stdout == f"churnsim {churnsim.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"]])
def test_what_needs_no_model_loads_none(words: list[str]) -> None:
    """Pandas, numba and scipy take more than a second; asking for help must not."""
    code = f"import sys; from churnsim.cli import app; app({words!r}, standalone_mode=False); "
    code += (
        "print([m for m in ('numba', 'pandas', 'scipy', 'joblib', 'rich.table') if m in sys.modules], file=sys.stderr)"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "[]\n"
    assert time.monotonic() - start < 5  # about 0.2 s on an idle machine; the modules above are the real test


def test_errors_are_one_line(call: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    assert_one_line_error(call("run", tmp_path / "absent.toml"), r"no configuration file '.*absent\.toml'")
    assert_one_line_error(call("run", tmp_path), "is a directory")
    assert_one_line_error(call("run", SMOKE, "--workers", "many"), "--workers 'many' is not a number")
    assert_one_line_error(call("report", tmp_path), r"no manifest\.json in")
    assert_one_line_error(call("fit", tmp_path / "absent.csv"), r"absent\.csv does not exist")
    assert_one_line_error(call("summarise", log, "--amount", "price"), "price")
    assert_one_line_error(call("summarise", log, "--until", "yesterday"), "yesterday")
    assert_one_line_error(call("summarise", log, "--out", tmp_path / "out.xlsx"), r"Use \.csv or \.parquet")
    assert_one_line_error(call("summarise", log, "--out", tmp_path / "absent" / "out.csv"), "there is no folder")
    for words in (["reproduce", "--junit"], ["claims", "test", "--json"]):  # at once, not after the work
        assert_one_line_error(call(*words, tmp_path / "absent" / "all"), "absent/all: there is no folder")
    for words in (["run", log], ["check", log], ["claims", "test", "--config", log]):
        assert_one_line_error(call(*words), r"holds data and is no configuration\. `churnsim init ")
    assert_one_line_error(call("db", "check", log), "customer database, for it is none")
    assert_one_line_error(call("claims", "show", "five-percent"), "there is no claim 'five-percent'")
    assert_one_line_error(call("claims", "test", "nothing"), "there is no claim 'nothing'")
    assert_one_line_error(call("reproduce", "--figures", tmp_path / "absent.toml"), "absent")


def test_a_mistyped_command_is_no_traceback() -> None:
    done = in_own_process("sumarise", "x.csv")
    assert done.returncode == 2
    assert "No such command 'sumarise'" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_any_command_with_130(call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("churnsim.data.logs.transactions.read_transactions", stop)
    result = call("summarise", log)
    assert result.exit_code == 130
    assert result.stderr == "stopped.\n"


def test_summarise_prints_csv_that_reads_back(call: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    printed = call("summarise", log, "--until", "1997-09-30")
    assert printed.exit_code == 0
    assert printed.stderr == ""
    (tmp_path / "summary.csv").write_text(printed.stdout)
    frame = pd.read_csv(tmp_path / "summary.csv")
    assert list(frame.columns) == ["customer_id", "frequency", "recency", "T", "monetary_value"]
    assert len(frame) == 2357
    written = call("summarise", log, "--until", "1997-09-30", "--out", tmp_path / "summary.parquet")
    assert written.stdout == ""
    assert "2,357 customers" in written.stderr
    parquet = pd.read_parquet(tmp_path / "summary.parquet")
    pd.testing.assert_frame_equal(parquet.astype({"customer_id": int}), frame)
    # The same file can be scored: it says its unit.
    scored = call("score", tmp_path / "summary.parquet", tmp_path / "scores", "--horizon", "39")
    assert scored.exit_code == 0, scored.output
    assert len(pd.read_parquet(tmp_path / "scores")) == 2357
    again = call("score", tmp_path / "summary.parquet", tmp_path / "scores", "--horizon", "39")
    assert (again.exit_code, again.stdout) == (2, ""), "nothing is fitted first"
    (tmp_path / "summary.csv").write_text("customer_id,frequency\n")
    wrong = call("score", tmp_path / "summary.csv", tmp_path / "more", "--horizon", "39")
    assert "ends in '.csv' and is no Parquet file" in wrong.stderr


def test_bad_rows_are_counted_when_set_aside(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,date,amount\na,2020-01-01,5\na,2020-02-30,5\nb,2020-01-03,6\n")
    assert_one_line_error(call("summarise", path), "2020-02-30")
    result = call("summarise", path, "--on-bad", "set_aside")
    assert result.exit_code == 0
    assert "set aside 1 of 3 rows (33.3%): 1 is not a day of the calendar" in result.stderr
    assert result.stdout.count("\n") == 3


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_neutralised(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    frame = pd.DataFrame({"x": [-1.5]}, index=pd.Index([cell], name="customer_id"))
    text = csv_text(frame)
    assert f"'{cell}" in text
    assert ",-1.5" in text  # a number is a number


@pytest.mark.parametrize("cell", ["plain", "a=b", "", None, -1.5, 7])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert neutral(cell) == cell


def test_fit_prints_estimates_and_status(call: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    result = call("fit", log, "--until", "1997-09-30", "--json", tmp_path / "fit.json")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "log-likelihood -9582.4292" in result.stdout
    assert "status: converged" in result.stdout
    assert "\x1b" not in result.stdout
    fit = json.loads((tmp_path / "fit.json").read_text())
    estimates = {row["name"]: round(row["estimate"], 3) for row in fit["parameters"]}
    assert estimates == {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    assert (fit["family"], fit["unit"]) == ("bg_nbd", "W")


@pytest.mark.parametrize(("model", "first"), [("pareto_nbd", 0.553), ("mbg_nbd", 0.525), ("nbd", 0.385)])
def test_fit_of_another_family(call: Callable[..., Any], log: Path, tmp_path: Path, model: str, first: float) -> None:
    call("fit", log, "--until", "1997-09-30", "--model", model, "--json", tmp_path / "fit.json")
    fit = json.loads((tmp_path / "fit.json").read_text())
    assert fit["family"] == fit["model"]["family"] == model
    assert round(fit["parameters"][0]["estimate"], 3) == first


def test_fit_by_whole_periods(call: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    call("fit", log, "--until", "1998-06-30", "--unit", "M", "--model", "bg_bb", "--json", tmp_path / "fit.json")
    fit = json.loads((tmp_path / "fit.json").read_text())
    table = churnsim.data.summarise_opportunities(churnsim.datasets.cdnow(), unit="M", until="1998-06-30")
    # The file's customers come in another order, so sums differ in their last digits.
    direct = churnsim.models.BGBB.fit(table)
    assert fit["model"] == {**direct.model.to_dict(), **{name: fit["model"][name] for name in direct.names}}
    assert [fit["model"][name] for name in direct.names] == pytest.approx(list(direct.parameters.values()), rel=1e-9)


def test_fit_needs_no_amounts_for_purchases_but_for_spend(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    datasets.cdnow()[["customer_id", "date"]].to_csv(path, index=False)
    assert call("fit", path, "--until", "1997-09-30").exit_code == 0
    assert_one_line_error(call("fit", path, "--model", "gamma_gamma"), "amount")


def test_a_fit_that_cannot_be_used_as_it_stands_exits_with_one(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,date,amount\n" + "".join(f"c{i},2020-01-{i:02d},5\n" for i in range(1, 29)))
    result = call("fit", path)
    assert result.exit_code == 1
    assert "status: too little data" in result.stdout


def test_claims_are_listed_shown_and_tested(call: Callable[..., Any], tmp_path: Path) -> None:
    listed = call("claims", "list").stdout
    assert "card-npv" in listed
    assert "five-percent-churn" in listed
    shown = call("claims", "show", "card-npv").stdout
    for label in ("says", "quote", "source", "quantity", "expected", "false if"):
        assert re.search(rf"^  {label} ", shown, re.MULTILINE)
    result = call("claims", "test", "card-npv", "complaint-tree", "--json", tmp_path / "findings.json")
    assert result.exit_code == 0
    assert "HOLDS (arithmetic)  card-npv" in result.stdout
    findings = json.loads((tmp_path / "findings.json").read_text())
    assert [row["id"] for row in findings] == ["card-npv", "complaint-tree"]
    assert {row["control"]["answer"] for row in findings} == {"FAILS"}


def test_reproduce_writes_junit_and_exits_with_one_when_a_figure_is_altered(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    own = Path(churnsim.__file__).parent / "claims" / "reproduction" / "published.toml"
    text = own.read_text(encoding="utf-8")
    (tmp_path / "figures.toml").write_text(text, encoding="utf-8")
    good = call("reproduce", "--figures", tmp_path / "figures.toml", "--junit", tmp_path / "good.xml")
    assert good.exit_code == 0, good.stdout
    assert "NOT REPRODUCED" not in good.stdout
    assert ElementTree.parse(tmp_path / "good.xml").getroot().get("failures") == "0"
    assert "111.66" in text
    (tmp_path / "altered.toml").write_text(text.replace("111.66", "112.66", 1), encoding="utf-8")
    bad = call("reproduce", "--figures", tmp_path / "altered.toml", "--junit", tmp_path / "bad.xml")
    assert bad.exit_code == 1
    assert "not reproduced: " in bad.stdout
    assert bad.stdout.count("NOT REPRODUCED") == 1
    assert ElementTree.parse(tmp_path / "bad.xml").getroot().get("failures") == "1"


def test_run_prints_results_on_stdout_and_progress_on_stderr(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = datasets.cdnow()
    log[log["customer_id"] % 8 == 0][["customer_id", "date", "amount"]].to_csv(tmp_path / "log.csv", index=False)
    text = SMOKE.read_text(encoding="utf-8").replace('dataset = "cdnow"', 'path = "log.csv"')
    text = text[: text.index("[claims]")] + '[claims]\ntest = ["card-npv"]\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    words = ["run", tmp_path / "study.toml", "--runs-dir", tmp_path / "runs", "--workers", "1"]
    first = call(*words, "--no-report")
    assert first.exit_code == 0, first.stderr
    for name in ("baseline", "retention-heavy", "card-npv", "HOLDS", "results: "):
        assert name in first.stdout
    assert "strategies" in first.stderr
    assert "report:" not in first.stdout
    (directory,) = (tmp_path / "runs").iterdir()

    with monkeypatch.context() as bare:
        bare.setitem(sys.modules, "altair", None)
        assert_one_line_error(call(*words), "a report needs altair.*--no-report")
    monkeypatch.setattr(run, "write_report", lambda directory, **_: directory / "report.html")
    again = call(*words)
    assert again.exit_code == 0
    assert "complete already" in again.stderr
    assert f"report:  {directory / 'report.html'}" in again.stdout
    assert call("report", directory).stdout == f"{directory / 'report.html'}\n"


def test_the_file_that_is_read_is_not_written_over(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,date,amount\n" + "".join(f"c{i % 9},2020-01-{i:02d},5\n" for i in range(1, 29)))
    before = path.read_text()
    assert_one_line_error(call("summarise", path, "--out", path), "is the file that is read")
    assert_one_line_error(call("fit", path, "--json", path), "is the file that is read")
    assert path.read_text() == before


def test_another_delimiter_and_encoding(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("customer_id;date;amount\nJosé;2020-01-01;5\nb;2020-01-03;6\n".encode("cp1252"))
    result = call("summarise", path, "--delimiter", ";", "--encoding", "cp1252")
    assert result.exit_code == 0
    assert "José,0" in result.stdout


def test_a_full_disk_is_said_in_a_line_with_what_to_do(capsys) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "runs/study/outcomes.parquet")

    with pytest.raises(typer.Exit) as ended:
        guarded(full)()
    assert ended.value.exit_code == 2
    said = capsys.readouterr().err
    assert "error: runs/study/outcomes.parquet: No space left on device. Make room, and give the same" in said


def test_fit_with_a_calendar(call: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    """The estimates are those of Python; what describes no calendar is one line that says what to write."""
    series = tmp_path / "prices.csv"
    days = pd.date_range("1996-12-30", periods=90, freq="7D")
    prices = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "price": np.sin(np.arange(90.0) ** 2)})
    prices.to_csv(series, index=False)
    result = call(
        "fit", log, "--until", "1997-09-30", "--calendar", "trend=1997-01-01", "--calendar-series", series,
        "--json", tmp_path / "fit.json",
    )  # fmt: skip
    found = {row["name"]: row["estimate"] for row in json.loads((tmp_path / "fit.json").read_text())["parameters"]}
    calendar = churnsim.data.Calendar(trend="1997-01-01", series=prices.set_index(days)[["price"]])
    direct = churnsim.BGNBD.fit(
        churnsim.summarise(churnsim.data.read_transactions(log), until="1997-09-30", calendar=calendar),
        calendar=calendar,
    )
    assert found == pytest.approx(direct.parameters, rel=1e-9)
    assert f"{direct.likelihood_ratio.statistic:.2f} (2 effects)" in result.stdout
    assert_one_line_error(call("fit", log, "--calendar", "season=two"), "write a number of pairs")
    assert_one_line_error(call("fit", log, "--calendar", "weather=on"), "--calendar has no 'weather'")
    assert_one_line_error(call("fit", log, "--calendar", "trend=1997-01-01", "--model", "bg_bb"), "takes no calendar")
    prices.iloc[[0, 0]].to_csv(series, index=False)
    assert_one_line_error(call("fit", log, "--calendar-series", series), "'date'")
