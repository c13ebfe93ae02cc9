"""Truth and mechanics: a variant on the live page is the study that its TOML says, to the bit; what is left alone is
that of the run; the server answers nobody but its page; in Chromium, on a phone and a desktop, figures are Python's.

Chromium and playwright are those of `test_report_in_browser`.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import math
import os
import re
import shutil
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
from churnsim.data import datasets
from churnsim.errors import ConfigError, DataError
from churnsim.explore.page import LivePage
from churnsim.explore.server import LARGEST, ExploreServer
from churnsim.explore.session import Explorer, State
from churnsim.explore.variant import Variant, content_of
from churnsim.records.load import load_run
from churnsim.records.run import Run
from churnsim.report.messages import Words
from churnsim.report.page.context import told_in
from churnsim.simulation.core.lifetimes import typical_amount
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.study.runner import run_study
from churnsim.study.storage.progress import Silent
from churnsim.study.storage.store import read_json, write_json
from churnsim.toml_text import toml_of

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
STUDY = """
name = "shop"
title = "A shop <b>to explore</b>"
question = "What pays?"
seed = 7
[data]
path = "log.csv"
unit = "W"
currency = "$"
calibration_end = 1997-09-30
holdout_end = 1998-06-30
[models]
purchases = "bg_nbd"
[validation]
replications = 20
[simulation]
horizon = "4 W"
period = "4 W"
epoch = "1 W"
replications = 20
beliefs = "all"
[market.terms]
margin = { value = 0.3, low = 0.2, high = 0.4, source = "a guess" }
[market.prospects]
size = { value = 200, low = 100, high = 400 }
[budget]
per_period = 20.0
[[strategy]]
name = "half"
title = "Half"
acquisition = { budget_share = 0.5 }
[[strategy]]
name = "winning"
title = "Winning"
acquisition = { budget_share = 1.0 }
[[strategy]]
name = "nothing"
title = "Nothing"
reference = true
[comparison]
against = "half"
[value]
draws = 20
[break_even]
replications = 20
[claims]
test = ["card-npv"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run of every fiftieth customer of CDNOW."""
    home = tmp_path_factory.mktemp("explore")
    log = datasets.cdnow()
    log[log["customer_id"] % 50 == 0][["customer_id", "date", "amount"]].to_csv(home / "log.csv", index=False)
    (home / "study.toml").write_text(STUDY, encoding="utf-8")
    return run_study(read_config(home / "study.toml"), runs_dir=home / "runs", workers=1)


@pytest.fixture(scope="module")
def explorer(run: Path) -> Iterator[Explorer]:
    with Explorer(run, workers=1, progress=Silent()) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(explorer: Explorer) -> Iterator[ExploreServer]:
    with ExploreServer(explorer) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def as_run(explorer: Explorer, **changes: Any) -> Variant:
    """The study as it was run, with changes of its strategies' settings by name."""
    strategies = [
        {"name": strategy["name"], "mechanisms": {k: v for k, v in strategy.items() if isinstance(v, dict)}}
        for strategy in content_of(explorer.config)["strategy"]
    ]
    return Variant.of_json(json.dumps({"strategies": strategies} | changes))


def simulated(explorer: Explorer, change: Variant) -> Run:
    """What comes out of a change once all of it is done."""
    number, until = explorer.begin(change), time.monotonic() + 120
    while not (explorer.state.number == number and explorer.state.final) and time.monotonic() < until:
        time.sleep(0.01)
    assert explorer.state.error == ""
    assert explorer.state.run is not None
    return explorer.state.run


def test_toml_that_is_written_is_read_as_it_was() -> None:
    content = {
        "a b": 'x\n"\\\x7f\x01é', "n": 1, "x": 0.1, "on": True, "list": [1, "b"], "none": [],
        "one": {"line": 2.5}, "market": {"plain": 1e-9, "terms": {"margin": {"value": 0.3, "low": 0.1}}},
        "strategy": [{"name": "a", "part": {"share": 0.5, "channels": {"é.": 0.1}}}, {"name": "b"}],
    }  # fmt: skip
    assert tomllib.loads(toml_of({**content, "left out": None})) == content
    for path in sorted((Path(__file__).parents[2] / "configs").glob("*.toml")):
        config = read_config(path)
        assert parse_config(toml_of(content_of(config)), folder=path.parent).canonical() == config.canonical(), path


def test_what_is_left_alone_comes_out_as_in_the_run(explorer: Explorer) -> None:
    """A strategy is changed: the others' levels, and what they earn more than each other, are the run's."""
    strategies = [{"name": "half", "mechanisms": {"acquisition": {"budget_share": 0.25}}}]
    strategies += [one.model_dump() for one in as_run(explorer).strategies[1:]]
    found = simulated(explorer, as_run(explorer, strategies=strategies)).comparison
    base = explorer.base.comparison
    assert found.against_nothing[0] != base.against_nothing[0]
    assert found.against_nothing[1:] == base.against_nothing[1:]
    for metric, known in base.metrics.items():
        assert found.metrics[metric].levels[0].strategy == "half"
        assert found.metrics[metric].levels[1:] == known.levels[1:]
    assert simulated(explorer, as_run(explorer)) is explorer.base


def test_a_variant_is_the_study_that_it_is_saved_as(explorer: Explorer, run: Path, tmp_path: Path) -> None:
    """A number of a strategy, a belief, a programme in a strategy of its own, one left out: simulated here and by a run
    of the file, to the bit."""
    parts = {
        s["name"]: {k: v for k, v in s.items() if isinstance(v, dict)} for s in content_of(explorer.config)["strategy"]
    }
    strategies = [
        {"name": "half", "mechanisms": {"acquisition": {"budget_share": 0.25}}},
        {"name": "nothing", "mechanisms": parts["nothing"]},
        {"name": "club", "title": "A club", "mechanisms": {"social_bond": {"joins": 0.3, "cost_per_member": 0.5}}},
    ]  # fmt: skip
    numbers = {
        "terms.margin": {"value": 0.35}, "prospects.ceiling": {"value": 0.01, "low": 0.005, "high": 0.02},
        "complaints.quick_within": {"value": 0.25},
    }  # fmt: skip
    change = as_run(explorer, strategies=strategies, numbers=numbers)
    shown = simulated(explorer, change)
    path, text = explorer.save(change, "with-a-club")
    try:
        assert path == run.parents[1] / "with-a-club.toml"
        config = read_config(path)
        assert tomllib.loads(text)["market"]["terms"]["margin"] == {
            "value": 0.35, "low": 0.2, "high": 0.4, "source": f"set while exploring {run.name}"
        }  # fmt: skip
        assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0
        again = load_run(run_study(config, runs_dir=tmp_path, workers=1))  # where nothing can be taken over
        assert again.comparison == shown.comparison
        assert again.assumptions == shown.assumptions
        assert again.break_even is not None
        assert shown.break_even is not None
        assert again.break_even.alone == shown.break_even.alone
        assert [row.title for row in shown.strategies] == ["Half", "Nothing", "A club"]
        with pytest.raises(ConfigError, match="is there already"):
            explorer.save(change, "with-a-club")
    finally:
        path.unlink()


def test_a_newer_request_ends_the_older_one(explorer: Explorer) -> None:
    changes = [as_run(explorer, numbers={"terms.margin": {"value": value}}) for value in (0.21, 0.22, 0.23)]
    numbers = [explorer.begin(change) for change in changes[:2]]
    found = simulated(explorer, changes[2])
    assert numbers == [explorer.state.number - 2, explorer.state.number - 1]
    (margin,) = (row.value for row in found.assumptions if row.parameter == "terms.margin")
    assert margin == 0.23


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"strategies": [{"name": "half", "mechanisms": {"mechanisms": {}}}]}, "'mechanisms' is no mechanism"),
        ({"strategies": [{"name": "half", "mechanisms": {"retention": {"scores": "x"}}}]}, "'scores' cannot"),
        ({"strategies": [{"name": "../x", "mechanisms": {}}]}, "strategies.0.name"),
        ({"strategies": [{"name": "half", "mechanisms": {"acquisition": {"budget_share": 2}}}]}, "budget_share"),
        ({"strategies": []}, "strategy"),
        ({"numbers": {"terms.margin": {"value": 3.0}}}, "margin"),
        ({"numbers": {"terms.margin": {"value": 0.3, "low": 0.5, "high": 0.9}}}, "low"),
        ({"numbers": {"seed": {"value": 1}}}, "'seed' is no number of the market"),
        ({"numbers": {"terms.margin": {"value": "many"}}}, "numbers.terms.margin.value"),
        ({"data": {}}, "data"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_refused_in_a_sentence(explorer: Explorer, changes: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        explorer.begin(as_run(explorer, **changes))
    for name in ("../x", "a/b", "", "A", 5, None):
        with pytest.raises(ConfigError):
            explorer.save(as_run(explorer), name)  # type: ignore[arg-type]


def test_the_server_answers_nobody_but_its_page(server: ExploreServer) -> None:
    host, path = f"127.0.0.1:{server.server_port}", f"/{server.token}/"

    def asked(method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": host, **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Access-Control-Allow-Origin" not in answer.headers
        return answer.status, text

    json_of = {"Content_Type": "application/json"}
    assert server.server_address[0] == "127.0.0.1"
    status, page = asked("GET", path)
    assert status == 200
    assert "<b>to explore</b>" not in page  # text from the study stays text
    assert asked("GET", "/")[0] == asked("GET", f"/{server.token[:-1]}~/")[0] == asked("GET", path + "other")[0] == 404
    assert (
        asked("GET", path, Host="evil.example")[0]
        == asked("GET", path, Host=f"evil.example:{server.server_port}")[0]
        == 403
    )
    assert asked("GET", path, Origin="http://evil.example")[0] == asked("GET", path, Origin="null")[0] == 403
    assert asked("GET", path, Sec_Fetch_Site="cross-site")[0] == 403
    assert asked("POST", path + "simulate", "{}", Content_Type="text/plain", Content_Length="2")[0] == 415
    assert asked("POST", path + "simulate", None, **json_of)[0] == 411
    assert asked("POST", path + "simulate", None, **json_of, Content_Length=str(LARGEST + 1))[0] == 413
    assert asked("POST", path + "other", None, **json_of)[0] == 404
    assert asked("OPTIONS", path)[0] == 501
    for text in ("{}", "[", '"' + "[" * 9000):
        status, said = asked("POST", path + "simulate", text, **json_of, Content_Length=str(len(text)))
        assert (status, list(json.loads(said))) == (422, ["error"])
        assert asked("POST", path + "save", text, **json_of, Content_Length=str(len(text)))[0] == 422
    status, said = asked("GET", path + "state")
    assert (status, json.loads(said)["failed"]) == (200, False)


def test_what_is_no_run_to_explore_is_said(run: Path, explorer: Explorer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no manifest"):
        Explorer(tmp_path, progress=Silent())
    copy = tmp_path / run.name
    shutil.copytree(run, copy)
    with pytest.raises(DataError, match="--config FILE"):  # the log lies elsewhere from there
        Explorer(copy, progress=Silent())
    other = tmp_path / "other.toml"
    other.write_text(STUDY.replace("seed = 7", "seed = 8").replace("log.csv", str(run.parents[1] / "log.csv")))
    with pytest.raises(ConfigError, match="is another study"):
        Explorer(copy, config=other, progress=Silent())
    with Explorer(copy, config=run.parents[1] / "study.toml", progress=Silent()) as opened:
        assert opened.base.comparison == explorer.base.comparison
    manifest = read_json(copy / "manifest.json")
    write_json(copy / "manifest.json", {**manifest, "recipe": {"code_sha256": "other"}})
    said = CliRunner().invoke(app, ["explore", str(copy)])
    assert said.exit_code == 2
    assert "another version of churnsim" in said.output
    write_json(copy / "manifest.json", {**manifest, "status": "partial"})
    with pytest.raises(DataError, match="not complete"):
        Explorer(copy, progress=Silent())
    for port in (-1, 70_000):
        with pytest.raises(ConfigError, match="a port is a number"):
            ExploreServer(explorer, port=port)
    with ExploreServer(explorer) as taken, pytest.raises(ConfigError, match="cannot be had"):
        ExploreServer(explorer, port=taken.server_port)


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: say where it is by CHROMIUM=...")
@pytest.mark.skipif(not importlib.util.find_spec("playwright"), reason="playwright is not installed")
def test_the_page_in_a_browser_shows_what_python_finds(server: ExploreServer) -> None:
    """A belief is moved on a phone, a programme added and a strategy left out on a desktop, and the variant saved."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 390, "height": 900})
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.goto(server.address)
        _shown_as_python_has_it(page, server)
        page.locator("#number-list summary").click()
        value = page.locator("[data-address='terms.margin'] input").first
        value.fill("0.25")
        value.blur()
        _shown_as_python_has_it(page, server)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1300, "height": 900})
        page.locator("[data-name=winning] > .tick input").uncheck()
        page.locator("#programme").select_option("social_bond")
        page.locator("#add button").click()
        _shown_as_python_has_it(page, server)
        names = [row.name for row in server.explorer.state.run.strategies]  # type: ignore[union-attr]
        assert names == ["half", "nothing", "social-bond"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 1300
        _audited(page)
        page.locator("#save-name").fill("from-the-page")
        page.locator("#save button").click()
        page.locator("#saved-text").wait_for()
        saved = server.explorer.config.folder / "from-the-page.toml"
        assert read_config(saved).market["terms"]["margin"]["value"] == 0.25
        saved.unlink()
        # What is impossible is told, and the page goes on.
        value.fill("1")
        value.blur()
        page.locator("#told.failed").wait_for()
        page.locator("#reset").click()
        _shown_as_python_has_it(page, server)
        assert "More than" in page.locator("#found").inner_text()
        # The browser itself says that an answer was 422.
        assert [text for text in wrong if "422" not in text] == []
        chromium.close()


def _audited(page: Any) -> None:
    if not importlib.util.find_spec("axe_playwright_python"):
        return
    import axe_playwright_python

    axe = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8")
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found] == []


def _shown_as_python_has_it(page: Any, server: ExploreServer) -> None:
    """Wait until the last request is done and shown; the table's figures are those of its record."""
    page.wait_for_timeout(400)  # a change waits for a next one that soon
    explorer, until = server.explorer, time.monotonic() + 120
    while page.locator("#results").get_attribute("data-final") != str(explorer.state.number):
        assert time.monotonic() < until
        page.wait_for_timeout(100)
    run = explorer.state.run
    assert run is not None
    gains = {row.strategy: row for row in run.comparison.against_nothing}
    titles = {row.name: row.title for row in run.strategies}
    rows = page.locator("#found table").first.locator("tbody tr").all_inner_texts()
    best = sorted(run.comparison.best, key=lambda row: row.loss)
    assert [row.split()[0] for row in rows] == [titles[row.strategy].split()[0] for row in best]
    for text, row in zip(rows, best, strict=True):
        plain = text.replace("\N{WORD JOINER}", "").replace("−", "-")
        assert f"{100 * row.chance:.0f}%" in plain
        if gain := gains.get(row.strategy):
            sign = "+" if gain.mean > 0 else "-"
            assert f"{sign}${abs(gain.mean):,.2f}" in plain or f"{sign}${abs(gain.mean):,.0f}" in plain


def test_the_page_says_nothing_by_itself(explorer: Explorer) -> None:
    from importlib.resources import files

    from tests.unit import page_checks as checks

    room = files("churnsim.report").joinpath("templates")
    for name in ("explore.html", "blocks.html"):
        assert checks.prose_in_template(room.joinpath(name).read_text(encoding="utf-8")) == []
    text, policy = LivePage(explorer).html()
    assert "sha256-" in policy
    assert checks.loads(text) == []


def test_programmes_start_as_init_writes_them_in_this_firms_money(explorer: Explorer) -> None:
    """A new strategy is that of the programme, by itself."""
    page = LivePage(explorer)
    with told_in(explorer.base) as context:
        start = {name: one["start"] for name, one in json.loads(page._data(context))["mechanisms"].items()}
    typical = typical_amount(explorer.market.spend)
    assert start["win_back"]["win_back"]["cost_per_contact"] == pytest.approx(0.05 * typical, rel=0.05)
    assert start["referral"]["referral"]["reward"] == pytest.approx(0.5 * typical, rel=0.05)
    assert start["dismissal"]["dismissal"] == {"periods": 13}
    log = cs.read_transactions(explorer.config.folder / "log.csv")
    gaps = log.sort_values(["customer_id", "date"]).groupby("customer_id")["date"].diff().dt.days
    weeks = math.ceil(np.quantile(gaps[gaps > 0], 0.9) / 7)
    assert start["win_back"]["win_back"]["silent_for"] == f"{weeks} W"
    assert set(start["win_back"]) == {"win_back"}


def test_the_page_speaks_the_language_of_the_report(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = explorer.base.manifest.model_copy(update={"report": {"language": "zh"}})
    base = explorer.base.model_copy(update={"manifest": manifest})
    monkeypatch.setattr(explorer, "base", base)
    page, words = LivePage(explorer), Words("zh")
    assert f'<h2 id="beliefs-title">{words("explore.beliefs")}</h2>' in page.html()[0]
    # Of a mechanism's settings the key stays as TOML has it; its title and what the key means are said.
    titles = re.findall(r'"title": "([^"]*)", "settings": (\[.*?\]), "start"', page.html()[0])
    assert len(titles) > 12
    for title, settings in titles:
        said = [title, *(each.partition(": ")[2] or each for each in re.findall(r'"title": "([^"]*)"', settings))]
        assert all(re.search("[\u4e00-\u9fff]", text) for text in said), said
    found = page.state(State(number=0, run=base, final=True))
    assert found["told"] == words("explore.of_run", replications="20")
    assert words("tile.chance", horizon="|").partition("|")[0] in found["results"]
