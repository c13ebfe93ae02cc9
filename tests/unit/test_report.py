"""The report: a stored run in, one offline page out, and no figure that the run does not hold."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.util
import json
import math
import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import altair as alt
import pytest
from typer.testing import CliRunner

from churnsim.cli import app
from churnsim.cli.evidence import _print_calibration
from churnsim.cli.run import print_summary
from churnsim.errors import ConfigError, DataError, MissingExtraError
from churnsim.plots.theme import Size
from churnsim.records.base import STORED
from churnsim.records.evidence import CalibrationRecord
from churnsim.records.load import PIECES
from churnsim.report import load_run, render
from churnsim.report.chapters.answer import chapter as answer
from churnsim.report.chapters.answer import detail
from churnsim.report.chapters.assumptions import chapter as assumptions
from churnsim.report.chapters.fit import chapter as fits
from churnsim.report.chapters.method import limits
from churnsim.report.chapters.strategies import does
from churnsim.report.charts import svg
from churnsim.report.headline import headline
from churnsim.report.messages import Words
from churnsim.report.page.context import Context
from churnsim.report.page.extras import NEEDED
from churnsim.report.what_it_takes import what_it_takes
from churnsim.simulation.engine.ledger import COSTS
from churnsim.simulation.mechanisms.parts import example_of, parts_of, settings_of
from churnsim.simulation.mechanisms.targeting import TargetRule
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.stages.comparison_stage import ACTIVITY, MEMBERS


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fake_run, checks = _beside("fake_run"), _beside("page_checks")

CHAPTERS = (
    "answer", "detail", "question", "data", "fit", "prediction", "value", "strategies", "claims", "assumptions",
    "method",
)  # fmt: skip
CLAIMS = 2  # of the fake run's claims were run, and have a picture each
NASTY = '<script>alert(1)</script> "q" & </svg></title></style> {{ 7*7 }} {level}'


@pytest.fixture(scope="module", autouse=True)
def _checked_charts() -> Iterator[None]:
    """Altair refuses a chart that the schema of Vega-Lite does not allow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "CHECKED", True)
        yield


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(fake_run.write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def nasty_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Every text that comes from data or configuration is hostile."""
    pieces = fake_run.make_pieces()
    pieces["manifest"]["title"] = 'It\'s "quoted" \u200f\u05e2\u05d1\u05e8\u05d9\u05ea\u200e <b>bold</b>'
    pieces["manifest"]["question"] = pieces["manifest"]["data"]["source"] = NASTY
    pieces["manifest"]["config"]["title"] = NASTY
    pieces["manifest"]["data"]["set_aside"][0]["value"] = NASTY
    for strategy in pieces["strategies"][:2]:
        strategy["title"] = strategy["description"] = NASTY
    pieces["strategies"][2]["title"] = "挽回流失的老顾客并且答复每一位顾客的投诉" * 3
    pieces["strategies"][3]["title"] = "Antwortgarantiebeschwerdemanagementverfahrensbeschreibung " * 3
    pieces["manifest"]["data"]["currency"] = "CHF"
    pieces["what_if"] = {"beliefs": [fake_run.make_map()]}
    pieces["survival"], pieces["customers"] = fake_run.make_survival(), fake_run.make_customers()
    pieces["comparison"]["spending"][0]["account"] = NASTY
    pieces["validation"]["frequency"][0]["frequency"] = '<b>&"</svg>'
    for text in ("says", "quote", "reason", "quantity", "unit", "kind", "answer"):
        pieces["claims"][0][text] = NASTY
    pieces["claims"][0]["id"] = 'x" onload="alert(1)'
    pieces["claims"][0]["tables"] = {NASTY: [{NASTY: NASTY}]}
    pieces["assumptions"][0] |= {"parameter": NASTY, "unit": NASTY, "status": NASTY}
    pieces["assumptions"][3] |= {"meaning": NASTY}
    folder = fake_run.write_run(tmp_path_factory.mktemp("nasty"), pieces)
    fake_run.add_draws(folder, pieces)
    return render(folder)


def test_a_chart_that_is_none_is_refused() -> None:
    def bad(size: Size) -> tuple[Any, int]:
        return alt.Chart(alt.InlineData(values=[])).mark_bar(cornerRadius="wide"), 100

    with pytest.raises(alt.utils.schemapi.SchemaValidationError, match="cornerRadius"):
        svg.draw(bad, name="bad", title="", description="")


def test_subscribers_are_told_by_their_survival(nasty_page: str) -> None:
    said = checks.visible_text(nasty_page)
    assert "At the last tenure, 12: observed 54.0%, Weibull 54.7%, simulated 52.7%." in said
    assert "Area under the curve (AUC) 0.810 0.770 to 0.850" in said


@pytest.mark.parametrize(
    "told",
    [
        "In the month after that of their first purchase 40% of the customers bought again; 3 months after it "
        "13% of the 100 who were seen for so long did (2 cohorts in all).",
        "The best 20% of the customers bring 45% of all spending (95% interval 38% to 53%).",
        "Jan 2023 (100)",
        "1042 2024-01-31 12 CHF 1,500 25% CHF 80 CHF 60",
        "The 2 customers on whom most depends are in contact-first.csv",
    ],
)
def test_the_customers_have_their_own_story(nasty_page: str, told: str) -> None:
    assert told in checks.visible_text(nasty_page)


def test_chapters_come_in_order_with_anchors(page: str) -> None:
    places = [page.index(f'<section id="{name}"') for name in CHAPTERS]
    assert places == sorted(places)
    assert all(f'<a href="#{name}">' in page for name in CHAPTERS)
    assert checks.broken_anchors(page) == []


def test_every_figure_is_drawn_for_desktop_and_phone(page: str) -> None:
    figures = 9 + CLAIMS
    assert [page.count(f'<div class="{size}">') for size in ("wide", "narrow")] == [figures, figures]
    assert page.count("<figure ") == figures
    assert page.count('class="chart"') == 2 * figures
    assert checks.unlabelled(page) == []


def test_no_label_of_a_chart_is_cut_off(page: str, nasty_page: str) -> None:
    """In titles of any length and script, on a phone too, and in a font that is wider than the one measured with."""
    assert checks.cut_labels(page) == []
    assert checks.cut_labels(nasty_page) == []


def test_page_is_offline_and_runs_nothing_but_its_own_script(page: str, nasty_page: str) -> None:
    own = files("churnsim.report").joinpath("templates/report.js").read_text(encoding="utf-8")
    assert checks.active_content(page) == []
    assert checks.active_content(nasty_page, own=own) == []
    for text in (page, nasty_page):
        assert checks.loads(text) == []
    # The policy of a page lets this script run and no other, and none where there is nothing to move.
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\">" in html.unescape(nasty_page)
    assert "script-src" not in page
    # Without script the chapter is not there; with it, it calculates with JSON that cannot end its element.
    assert nasty_page.count(" hidden data-scripted>") == nasty_page.count(" hidden data-scripted aria-labelledby") == 1
    (data,) = re.findall(r'<script type="application/json" id="moved-beliefs-data">(.*?)</script>', nasty_page)
    assert NASTY in [number["title"] for number in json.loads(data)["numbers"]]
    assert "<" not in data


def test_text_from_data_is_shown_as_text(nasty_page: str) -> None:
    assert nasty_page.count("<script") == 2  # the page's own and its data
    assert "<script>alert" not in nasty_page
    assert "<b>bold" not in nasty_page
    # In prose and in the charts alike; the template marks in it are not carried out.
    assert NASTY in checks.visible_text(nasty_page)
    assert "{{ 7*7 }}" in nasty_page
    assert "&lt;script&gt;" in nasty_page[nasty_page.index("<svg") : nasty_page.rindex("</svg>")]


def test_all_placeholders_are_filled(page: str) -> None:
    assert checks.unfilled(page) == []


def test_words_hold_no_figure() -> None:
    text = files("churnsim.report.messages").joinpath("en.toml").read_text(encoding="utf-8")
    assert checks.figures_in_words(text) == []


def test_every_rule_of_the_style_is_closed() -> None:
    text = files("churnsim.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    depths = list(accumulate((letter == "{") - (letter == "}") for letter in text))
    assert depths[-1] == 0
    assert min(depths) == 0


def test_template_says_nothing_by_itself() -> None:
    text = files("churnsim.report").joinpath("templates/report.html").read_text(encoding="utf-8")
    assert checks.prose_in_template(text) == []


@pytest.mark.parametrize(
    "figure",
    ["2,357", "6,919", "0.2426", "−9,582.4", "1,882", "1,792", "1,655 to 1,931", "46,512", "+9,280",
     "+7,780 to +10,780", "−9,700 to −7,100", "5.9 times", "20240607", "3fa9c1d20b7e", "111.7", "104 weeks"],
)  # fmt: skip
def test_stored_results_are_told(page: str, figure: str) -> None:
    assert figure in checks.visible_text(page)


DIFFERENCES = {
    "best_clear": ((500, 100, 900), (200, -50, 450), "“Second” earns more than “Baseline”"),
    "best_unclear": ((500, -100, 1100), (200, -50, 450), "No strategy is shown to earn more than “Baseline”: “Second”"),
    "other_clear": ((500, -100, 1100), (200, 50, 350), "“Third” earns more than “Baseline”"),
    "baseline_clear": ((-500, -900, -100), (-700, -900, -500), "No strategy earns more than “Baseline”: “Second”"),
    "baseline_unclear": (
        (-500, -1100, 100),
        (-700, -900, -500),
        "No strategy is shown to earn more than “Baseline”: “Second”",
    ),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_verdict_is_as_strong_as_its_interval(tmp_path: Path, case: str) -> None:
    first, second, expected = DIFFERENCES[case]
    pieces = fake_run.make_pieces()
    pieces["strategies"] = [
        {"name": name, "title": name.title(), "settings": {"quality": {"budget_per_period": 1.0}}}
        for name in ("baseline", "second", "third")
    ]
    pieces["comparison"] |= {"path": [], "spending": []}
    differences = [_difference("third", second), _difference("second", first)]
    pieces["comparison"]["metrics"] = {"npv": {"levels": [], "differences": differences}}
    context = Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())
    said = answer(context).blocks[0].text
    assert said.startswith(expected)
    assert ("includes zero" in said) == (case not in ("best_clear", "baseline_clear"))


def _difference(strategy: str, found: tuple[float, float, float], against: str = "baseline") -> dict[str, Any]:
    mean, lower, upper = found
    bounds = {"mean": mean, "lower": lower, "upper": upper, "replications": 30}
    return {"strategy": strategy, "against": against, **bounds}


@pytest.mark.parametrize(
    ("best", "nothing", "said"),
    [
        (
            (500, 100, 900),
            (-300, -500, -100),
            "As planned, nothing tried here pays within 104 weeks: “Baseline”, which loses least",
        ),
        (
            (500, 100, 900),
            (-300, -700, 100),
            "That it pays at all is not shown: the average difference between “Second” and",
        ),
        ((500, 100, 900), (800, 300, 1300), "Compared with spending nothing (“Idle”), “Second” earns 800.00 more disc"),
        # Where no strategy is better than the baseline, it is the baseline that must pay.
        (
            (-500, -900, -100),
            (-300, -700, 100),
            "the average difference between “Baseline” and spending nothing (“Idle”)",
        ),
        ((500, 100, 900), None, "No strategy that spends nothing was simulated"),
    ],
)
def test_a_strategy_that_loses_against_nothing_is_never_praised_alone(
    tmp_path: Path, best: Any, nothing: Any, said: str
) -> None:
    pieces = fake_run.make_pieces()
    spends = {"quality": {"budget_per_period": 1.0}}
    pieces["strategies"] = [
        {"name": "baseline", "title": "Baseline", "settings": spends},
        {"name": "second", "title": "Second", "settings": spends},
    ]
    found = {"levels": [], "differences": [_difference("second", best)]}
    pieces["comparison"] |= {"path": [], "spending": [], "metrics": {"npv": found}}
    if nothing is not None:
        pieces["strategies"].append({"name": "idle", "title": "Idle", "reference": True})
        found["differences"].append(_difference("idle", (0.0, -1.0, 1.0)))
        others = [_difference(name, nothing, against="idle") for name in ("baseline", "second")]
        pieces["comparison"] |= {"nothing": "idle", "against_nothing": others}
    blocks = answer(_context(tmp_path, pieces)).blocks
    assert said in blocks[0].text
    # What the intervals leave out stands on the same page.
    (rests,) = (block for block in blocks if getattr(block, "tone", "") == "warning")
    assert rests.text.startswith("The intervals of averages say how well 30 simulated futures tell the average")
    assert "it expected 1,792 purchases and 1,882 came, 5.0% more" in rests.text


WITH_NOTHING = {
    "strategies": [
        {"name": "baseline", "title": "Baseline", "settings": {"quality": {}}, "budget_per_period": 150.0},
        {"name": "second", "title": "Second", "settings": {"quality": {}}, "budget_per_period": 200.0},
        {"name": "idle", "title": "Idle", "reference": True},
    ],
    "break_even": {"level": 0.95, "replications": 40, "variance": {
        "strategy": "second", "against": "idle", "sd": 790.0, "replications": 40,
        "chance": {"mean": 0.3, "lower": 0.2, "upper": 0.5}, "estimation": {"mean": 0.0, "lower": 0.0, "upper": 0.0},
        "beliefs": {"mean": 0.7, "lower": 0.5, "upper": 0.8},
    }, "alone": [
        {"mechanism": "acquisition", "strategy": "second", "budget": 200.0,
         "gain": {"mean": -48.0, "lower": -259.0, "upper": 163.0, "worth": 198.0},
         "rows": [
             {"lever": "customer_cost", "address": "prospects.spend_scale", "metric": metric, "value": 25.0,
              "status": "assumed", "pays": "below", "at": at, "lower": at - 1, "upper": upper, "low": 2.0,
              "high": 400.0}
             for metric, at, upper in (("npv", 24.8, 26.0), ("equity", 70.0, None))
         ]},
        {"mechanism": "retention", "strategy": "baseline", "budget": 150.0,
         "gain": {"mean": -4366.0, "lower": -4428.0, "upper": -4303.0, "worth": -3.0},
         "at_best": {"mean": -1528.0, "lower": -1709.0, "upper": -1347.0, "worth": 135.48},
         "rows": [
             {"lever": "contact_effect", "address": "retention.max_effect", "share": True, "metric": metric,
              "value": 0.3, "status": "assumed", "pays": "never", "at": None, "lower": None, "upper": None,
              "low": 0.0, "high": 1.0}
             for metric in ("npv", "equity")
         ]},
    ]},
}  # fmt: skip


def _losing(later: Any) -> Any:
    """A run in which all lose against doing nothing over the horizon."""
    pieces = fake_run.make_pieces() | deepcopy(WITH_NOTHING)
    chances = zip(("baseline", "second", "idle"), (0.0, 0.26, 0.74), (2387.0, 537.0, 146.0), strict=True)
    pieces["comparison"] |= {
        "path": [], "spending": [], "activity": [], "nothing": "idle",
        "metrics": {"npv": {"levels": [], "differences": [
            _difference("second", (1851, 1812, 1889)), _difference("idle", (2241, 2189, 2293))
        ]}},
        "against_nothing": [
            _difference("baseline", (-2241, -2293, -2189), against="idle"),
            _difference("second", (-391, -465, -316), against="idle"),
        ],
        "against_nothing_later": [_difference("second", later, against="idle")],
        "best": [
            {"strategy": name, "chance": chance, "chance_lower": 0.0, "chance_upper": 1.0, "loss": loss,
             "loss_lower": 0.0, "loss_upper": 9000.0} for name, chance, loss in chances
        ],
    }  # fmt: skip
    return pieces


def test_what_loses_as_assumed_and_earns_on_average_is_said(tmp_path: Path) -> None:
    """Beside the break-even of contacts, and of what stands on the same side in both nothing."""
    pieces = _losing((10, -50, 70))
    pieces["comparison"]["against_nothing"][0] = _difference("baseline", (500, -100, 1100), against="idle")
    told = what_it_takes(_context(tmp_path, pieces))
    assert "In the table above “Baseline” has +500 on average: there what is not known is drawn anew" in told[1]
    assert "In the table above" not in told[0]
    pieces["comparison"]["against_nothing"][0] = _difference("baseline", (-500, -1100, 100), against="idle")
    assert "In the table above" not in " ".join(what_it_takes(_context(tmp_path / "again", pieces)))


def test_the_headline_says_where_the_average_and_the_values_stated_disagree(tmp_path: Path) -> None:
    """Also where spending nothing is what all are compared with, as in a study that `churnsim init` writes."""
    pieces = _losing((10, -50, 70))
    pieces["comparison"] |= {"against": "idle", "nothing": None, "against_nothing": [], "against_nothing_later": []}
    rows = [_difference("baseline", (500, 100, 900), against="idle"), _difference("second", (-391, -465, -316), "idle")]
    pieces["comparison"]["metrics"]["npv"]["differences"] = rows
    context = _context(tmp_path, pieces)
    assert "In the table above “Baseline” has +500.00 on average" in what_it_takes(context)[1]
    loss = "Where the number that it rests on has the value stated, “Baseline” instead loses 4,366 on average"
    assert any(said.startswith(loss) for said in headline(context).beside)
    rows[0] |= {"mean": -500, "lower": -900, "upper": -100}
    assert not any("value stated" in said for said in headline(_context(tmp_path / "again", pieces)).beside)


def test_what_pays_nowhere_on_average_may_be_chance(tmp_path: Path) -> None:
    pieces = _losing((10, -50, 70))
    for row in pieces["break_even"]["alone"][0]["rows"]:
        row |= {"pays": "never", "at": None, "lower": None, "upper": None}
    told = what_it_takes(_context(tmp_path, pieces))[0]
    assert "not sure" not in told
    pieces["break_even"]["alone"][0]["rows"][0]["sure"] = False
    told = what_it_takes(_context(tmp_path / "again", pieces))[0]
    assert "On average it pays within" in told
    assert "what it earns holds both a loss and a gain; counting what customers earn afterwards it never does" in told


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (
            (7571, 7276, 7867),
            "Counting also what active customers are then still expected to bring, “Second” earns on average 7,571",
        ),
        ((-100, -150, -50), "It does not pay either when"),
        ((10, -50, 70), "“Second” earns more than “Baseline”"),
    ],
)
def test_the_first_page_says_what_pays_how_surely_and_what_it_would_take(tmp_path: Path, later: Any, said: str) -> None:
    context = _context(tmp_path, _losing(later))
    blocks = answer(context).blocks
    start = "As planned, with 200 a period at most, nothing tried here pays within 104 weeks: “Second”, which loses"
    assert blocks[0].text.startswith(start)
    assert blocks[0].text.split("). ")[1].startswith(said)
    (tiles,) = (block for block in blocks if block.kind == "tiles")
    assert (tiles.tiles[0].label, tiles.tiles[0].number[-3:]) == (
        "Best of the strategies on average, compared with spending nothing", "391",
    )  # fmt: skip
    assert [(tile.number, tile.note.split(",")[0]) for tile in tiles.tiles[1:3]] == [
        ("74%", "“Idle”"), ("24.80", "the average cost of a new customer; here 25 (the others as they are set)")
    ]  # fmt: skip
    # Both strategies were compared with spending nothing, and the best of the two was told.
    assert any(text.startswith("The highest mean was picked among 2 after looking") for text in limits(context))
    (chances,) = (block for block in blocks if block.kind == "tableblock")
    told = [[cell.text for cell in row] for row in chances.rows]
    assert [(row[0], row[3], row[4]) for row in told] == [
        ("Idle", "74%", "146"), ("Second", "26%", "537"), ("Baseline", "0%", "2,387")
    ]  # fmt: skip
    (rests,) = (block for block in blocks if getattr(block, "tone", "") == "warning")
    assert "The uncertain ones take another value in each future" in rests.text
    more = detail(context).blocks
    spread = more[-1].text.replace("\u00a0", " ")
    assert spread.startswith(
        "Of the variance of what “Second” earns more than “Idle” in one future 30% is chance (20% to 50%); 70% "
        "what is not "
        "known of the market's numbers (50% to 80%)."
    )
    buying, contacts = more[[block.kind for block in more].index("heading") + 1].items
    assert "earns on average about what it costs" in buying
    assert "average cost of a new customer is below 24.80 (95% interval 23.80 to 26)" in buying.replace("\u00a0", " ")
    assert "afterwards, below 70 (69 or more)" in buying.replace("\u00a0", " ")
    assert buying.endswith("Here it is 25, assumed.")
    assert "as things are it is worth 0 a period. Even if every contact stopped" in contacts
    assert "it would be worth 135 a period, less than it costs" in contacts
    assert "no value of the share of dropout that a contact can prevent at most from 0% to 100%, not even" in contacts


@pytest.mark.parametrize(
    ("future", "start"),
    [
        (
            (-900, 2500),
            "Whether “Second” pays is not settled: on average it earns 800 more discounted profit over 104 weeks",
        ),
        (
            (100, 1500),
            "Compared with spending nothing (“Idle”), “Second” earns 800 more discounted profit over 104 weeks",
        ),
    ],
)
def test_what_pays_on_average_is_not_said_to_pay_where_futures_differ(tmp_path: Path, future: Any, start: str) -> None:
    pieces = _losing((10, -50, 70))
    gain = _difference("second", (800, 300, 1300), against="idle")
    gain |= {"future_lower": future[0], "future_upper": future[1]}
    pieces["comparison"]["against_nothing"][1] = gain
    said = answer(_context(tmp_path, pieces)).blocks[0].text
    assert said.startswith(start)
    assert (
        "“Second” earns more than “Baseline” on average: 1,851 more discounted profit over 104 weeks"
        in said.split("). ")[-1]
    )
    chances = "It is the best choice in 26% of the simulated futures, spending nothing in 74%."
    assert (chances in said) == (future[0] < 0)


def test_a_budget_of_nothing_is_no_spending(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    nothing = {"quality": {"budget_per_period": 0.0}}
    acts = {"mechanisms": {"file": "own.py"}}
    pieces["strategies"] = [
        {"name": "baseline", "title": "Baseline", "settings": nothing},
        {"name": "second", "title": "Second", "settings": acts},
    ]
    found = {"levels": [], "differences": [_difference("second", (500, 100, 900))]}
    pieces["comparison"] |= {"path": [], "spending": [], "activity": [], "metrics": {"npv": found}}
    context = _context(tmp_path, pieces)
    assert answer(context).blocks[0].text.endswith("a strategy that earns more than it pays for itself.")
    assert not context.spends_nothing("second")
    assert does(context, context.run.strategies[1]) == "Acts by the mechanisms that own.py defines."


def test_without_amounts_strategies_are_not_said_to_stand_alone(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    for name, metric in pieces["comparison"]["metrics"].items():
        if name not in ("purchases", "births", "active_end"):
            metric |= {"levels": [], "differences": []}
    levels = [{"strategy": name, "mean": 9.0, "lower": 8.0, "upper": 10.0} for name in ("baseline", "retention-heavy")]
    pieces["comparison"]["metrics"]["purchases"] = {"levels": levels, "differences": []}
    said = answer(_context(tmp_path, pieces)).blocks[0].text
    assert "not compared in money" in said
    assert "under “Retention-heavy”, 9 purchases are expected" in said


def test_a_log_without_amounts_is_answered_in_customers_and_purchases(tmp_path: Path) -> None:
    """Nothing in money: neither differences, nor numbers that were put in for money, nor paths of profit."""
    pieces = fake_run.make_pieces()
    pieces["value"] = None
    pieces["assumptions"][1]["parameter"] = "terms.margin"
    pieces["notices"] = {"warnings": [{"stage": "data", "code": "no amounts", "message": "the log has no amounts."}]}
    active = {"customers": 2357, "mean": 901.4, "lower": 850.2, "upper": 950.7, "level": 0.95}
    pieces["customers"] = {"period": "M", "level": 0.95, "active": active}
    level = {"strategy": "baseline", "lower": 8.0, "upper": 10.0}
    for metric in pieces["comparison"]["metrics"].values():
        metric |= {"levels": [], "differences": []}
    pieces["comparison"]["metrics"]["purchases"] = {"levels": [level | {"mean": 9.0}], "differences": []}
    pieces["comparison"]["metrics"]["active_end"] = {"levels": [level | {"mean": 7.0}], "differences": []}
    context = _context(tmp_path, pieces)
    first = answer(context)
    assert first.blocks[0].text.startswith(
        "Of the 2,357 customers in the data, about 901 are still active by the purchase model (95% interval "
        "850\u00a0to\u00a0951). Over the next 104 weeks, 9 purchases are expected"
    )
    (tiles,) = (block for block in first.blocks if block.kind == "tiles")
    assert (tiles.tiles[0].label, tiles.tiles[0].number) == ("Customers still active now", "901")
    text = checks.visible_text(render(tmp_path))
    for word in ("Discounted profit", "Margin", "Revenue", "share of revenue", "spend.", "at the margin"):
        assert word not in text, word


def test_an_average_that_a_few_futures_carry_is_said_to_be_so(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    gain = _difference("second", (800, -600, 2200), against="idle") | {"future_lower": -400.0, "future_upper": 26000.0}
    pieces["strategies"] = [
        {"name": name, "title": name.title(), "settings": {"quality": {"budget_per_period": float(name != "idle")}}}
        for name in ("idle", "second")
    ]
    found = {"levels": [], "differences": [gain]}
    pieces["comparison"] |= {"against": "idle", "path": [], "spending": [], "metrics": {"npv": found}}
    context = _context(tmp_path, pieces)
    assert "A few of the 30 simulated futures carry this average" in answer(context).blocks[1].text
    (tiles,) = (block for block in answer(context).blocks if block.kind == "tiles")
    assert tiles.tiles[0].note.endswith("; a few futures carry it")
    gain["future_lower"] = -700.0
    assert not headline(_context(tmp_path / "wide", pieces)).beside


def test_what_the_study_warns_of_stands_beside_the_verdict(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["notices"] = {
        "warnings": [{"stage": "data", "code": "starts mid-life", "message": "the log seems to begin mid-life."}],
        "failures": [{"stage": "claims", "subject": "acsi", "reason": "it needs an extra."}],
        "unjudged": [
            {"strategy": name, "reason": "nobody leaves by the model."} for name in ("retention-heavy", "balanced")
        ],
        "choice": {"chosen": "nbd", "why": "Use mbg_nbd: its score is above that of nbd.", "table": [{"model": "nbd"}]},
    }
    context = _context(tmp_path, pieces)
    blocks = detail(context).blocks
    assert "More that weakens it" in next(b.text for b in answer(context).blocks if getattr(b, "tone", "") == "warning")
    listing = next(block for block in blocks if block.kind == "listing")
    unranked, *others = listing.items
    assert unranked.startswith(
        "Not ranked: “Retention-heavy”, “balanced”. Nobody leaves by the model. The model has customers who leave"
    )
    assert headline(context).beside[0].startswith("Not answered: what 2 of the ")
    del pieces["fits"]["purchases"]["parameters"][
        2:
    ]  # of a rate alone nobody can leave: another family may know better
    again = next(block for block in detail(_context(tmp_path / "nbd", pieces)).blocks if block.kind == "listing")
    assert "To rank this, name a model by which customers leave" in again.items[0]
    assert others == [
        "Claims; acsi: this part could not be computed (it needs an extra.)",
        "The log seems to begin mid-life.",
    ]
    assert "Use MBG/NBD: its score is above that of NBD." in [getattr(block, "text", "") for block in blocks]


def test_the_terminal_says_what_the_report_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict, what it leaves out and each warning: the same sentences as in the page, with the currency."""
    pieces = fake_run.make_pieces()
    pieces["manifest"]["data"]["currency"] = "$"
    pieces["notices"] = {
        "warnings": [{"stage": "data", "code": "starts mid-life", "message": "the log seems to begin mid-life."}]
    }
    folder = fake_run.write_run(tmp_path / "run", pieces)
    print_summary(folder)
    said = " ".join(capsys.readouterr().out.split())
    context = Context(load_run(folder), Words())
    first = headline(context)
    for sentence in (*first.verdict, *first.leaves_out, *first.warnings):
        assert " ".join(sentence.replace("\N{WORD JOINER}", "").split()) in said
    assert "complaint-recovery $70,480 +$9,280 +$7,780 to +$10,780 $104,000" in said
    assert "warning: The log seems to begin mid-life." in said
    assert "best" not in said.split("claim answer rests on says")[0]


@pytest.mark.parametrize(("failures", "code"), [([], 0), ([{"stage": "claims", "reason": "it broke."}], 1)])
def test_run_ends_with_1_where_a_part_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[Any], code: int
) -> None:
    folder = fake_run.write_run(tmp_path, fake_run.make_pieces() | {"notices": {"failures": failures}})
    monkeypatch.setattr("churnsim.study.runner.run_study", lambda *_, **__: folder)
    config = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"
    ended = CliRunner().invoke(app, ["run", str(config), "--no-report"])
    assert ended.exit_code == code, ended.stderr
    assert f"results: {folder}" in ended.stdout


def test_what_a_strategy_does_is_said_in_words_from_its_settings(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["manifest"]["data"]["currency"] = "$"
    pieces["manifest"]["config"]["data"] = {"unit": "W"}
    pieces["strategies"][0] |= {
        "description": "",
        "settings": {
            "acquisition": {"budget_per_period": 90.0, "channels": {"search": 0.7, "mail": 0.2}},
            "social_bond": {"joins": 0.3, "cost_per_member": 1.5},
            "retention": {"rule": "recent_buyers", "within": 26.0, "budget_per_period": 180.0},
            "desk": {"staff": 2, "mean_service_time": 1 / 14, "wage_per_period": 100.0, "cost_per_reply": 0.0},
            "own_idea": {"strength": 3},
        },
    }
    said = does(_context(tmp_path, pieces), _context(tmp_path, pieces).run.strategies[0])
    assert said == (
        "Spends $90 a period on winning new customers (by channel: search 70%; mail 20%); "
        "runs a club, which 30% of the customers join, at $1.50 a member and period; "
        "spends $180 a period on contacts with those who bought within 26 weeks; "
        "answers complaints at a desk (clerks: 2, each $100 a period; 0.5 days a complaint on average; $0 a reply); "
        "own idea: strength 3."
    )


def test_every_mechanism_is_said_in_words(tmp_path: Path) -> None:
    """No mechanism, rule or way to choose is left to the fall-back that lists names and numbers."""
    words = Words()
    for name, kind in parts_of(Strategy).items():
        part = example_of(kind)
        settings = dict.fromkeys(settings_of(kind), "x") | {"whom": "x", "choose": "x"}
        assert words.known(f"does.{name}", "", **settings), (name, part)
    ends = {"p_alive_above": "x", "p_alive_below": "x"}
    for rule in get_args(TargetRule):
        assert words.known(f"whom.{rule}", "", share="x", abc="x", within="x", gaps="x", scores="x", **ends), rule
    assert all(words.known(f"choose.{how}", "") for how in ("value", "random", "all"))
    counted = {f"activity.{what}": words.known(f"activity.{what}", "") for what in (*ACTIVITY, MEMBERS)}
    assert all(counted.values()), counted
    assert all(words.known(f"account.{account}", "") for account in COSTS)


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """With what a newer study stores: counts, equity, and a value widened by the holdout."""
    pieces = fake_run.make_pieces()
    pieces["comparison"]["activity"] = [
        {"strategy": "baseline", "what": "win_back_contacts", "mean": 1234.0},
        {"strategy": "retention-heavy", "what": "win_back_contacts", "mean": 17.5},
    ]
    level = {"metric": "equity", "lower": None, "upper": None}
    pieces["comparison"]["metrics"]["equity"] = {
        "levels": [{"strategy": name, "mean": 10 * npv, **level} for name, npv in fake_run.NPV.items()],
        "differences": [_difference("retention-heavy", (100.0, 50.0, 150.0))],
    }
    # What Online Retail II lost one step earlier is counted, not only what the study itself could not use.
    left_out = {"no customer id (guests)": 107_000, "a refund": 927}
    pieces["manifest"]["data"] |= {"rows_read": 114_846, "left_out": left_out, "set_aside": []}
    pieces["value"] |= {"estimation_lower": 44000.0, "estimation_upper": 49000.0, "holdout_ratio": 0.67}
    return checks.visible_text(render(fake_run.write_run(tmp_path_factory.mktemp("full"), pieces)))


@pytest.mark.parametrize(
    "said",
    [
        "Win-back contacts 1,234 17.5",
        "Baseline 4,000 104,000 As today.",  # planned a period, and spent over the horizon
        "Of that total for “Baseline”, 90% lies beyond the horizon",
        "The same with no more beyond the horizon than within it 122,400",
        "gives a 95% interval of 44,000 to 49,000. In the test 33% fewer purchases came than were forecast",
        "95% interval 41,200 to 52,300; it reaches so far down because in the test 33% fewer purchases came",
        "Rows read 114,846 Rows left out 107,927",
        "No customer id (guests) 107,000 A refund 927",
    ],
)
def test_what_is_counted_and_extrapolated_is_told(full_page: str, said: str) -> None:
    assert said in full_page


def test_a_missed_holdout_is_said_with_its_size(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["validation"]["replay"]["with_parameter_uncertainty"] = None
    said = " ".join(getattr(b, "text", "") for b in detail(_context(tmp_path, pieces)).blocks)
    assert "1,882 came, 5.0% more than that mean and 11 beyond the nearer end of the interval" in said
    assert "rather than as forecasts" in said


def test_currency_stands_before_the_amount(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["manifest"]["data"]["currency"] = "$"
    assert "$9,280" in answer(_context(tmp_path, pieces)).blocks[0].text


def test_a_reference_is_mentioned_but_not_in_the_running(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    next(s for s in pieces["strategies"] if s["name"] == "complaint-recovery")["reference"] = True
    context = _context(tmp_path, pieces)
    blocks = answer(context).blocks
    # The best of the others is named first; that the reference does better stands beside it, not below.
    assert blocks[0].text.index("“Retention-heavy”") < blocks[0].text.index(
        "“Complaint recovery”, simulated for orientation only"
    )
    told = [getattr(block, "text", "") for block in detail(context).blocks]
    assert any("For orientation" in text and "Complaint recovery" in text for text in told)


def _context(folder: Path, pieces: dict[str, object]) -> Context:
    return Context(load_run(fake_run.write_run(folder, pieces)), Words())


def test_a_partial_run_is_refused(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["manifest"]["status"] = "partial"
    fake_run.write_run(tmp_path, {"manifest": pieces["manifest"]})
    with pytest.raises(DataError, match=r"is partial, not complete.*Run the same configuration again"):
        render(tmp_path)


@pytest.mark.parametrize("piece", PIECES)
def test_a_missing_piece_is_named(tmp_path: Path, piece: str) -> None:
    fake_run.write_run(tmp_path)
    (tmp_path / f"{piece}.json").unlink()
    with pytest.raises(DataError, match=rf"{piece}\.json is missing"):
        load_run(tmp_path)


def test_a_malformed_piece_is_named_with_its_key(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["validation"]["replay"]["actual"] = "many"
    with pytest.raises(DataError, match=r"validation\.json at replay\.actual: .*'many'"):
        load_run(fake_run.write_run(tmp_path, pieces))
    (tmp_path / "fits.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"fits\.json is not JSON"):
        load_run(tmp_path)


def _no_state(belief: Any) -> None:
    del belief["cells"][3]["state"]


def _odd_state(belief: Any) -> None:
    belief["cells"][0]["state"] = "maybe"


def _cell_lost(belief: Any) -> None:
    belief["cells"].pop()


def _nowhere(belief: Any) -> None:
    belief["here"]["terms.margin"] = None


def _falling(belief: Any) -> None:
    belief["axes"][1] |= {"low": 0.6, "high": 0.6}


def _one_axis(belief: Any) -> None:
    belief["axes"].pop()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_state, "the state of cell 3 must be one of holds, fails, undecided, impossible, not None"),
        (_odd_state, "the state of cell 0 must be one of .*, not 'maybe'"),
        (_cell_lost, "cells must be 6, as its axes say, not 5"),
        (_nowhere, "here needs a number for terms.margin"),
        (_falling, "low must be below high"),
        (_one_axis, "at least 2 items"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused_when_it_is_loaded(tmp_path: Path, spoil: Any, said: str) -> None:
    belief = fake_run.make_map()
    pieces = fake_run.make_pieces() | {"what_if": {"beliefs": [belief]}}
    assert load_run(fake_run.write_run(tmp_path, pieces)).what_if.beliefs[0].cells[4]["state"] == "holds"
    spoil(belief)
    with pytest.raises(DataError, match=rf"what_if\.json at beliefs\.0.*{said}"):
        load_run(fake_run.write_run(tmp_path, pieces))


@pytest.mark.parametrize("where", ["spending", "path", "differences"])
def test_every_strategy_named_in_a_comparison_must_be_described(tmp_path: Path, where: str) -> None:
    pieces = fake_run.make_pieces()
    comparison = pieces["comparison"]
    rows = comparison["metrics"]["npv"]["differences"] if where == "differences" else comparison[where]
    rows[0]["strategy"] = "somebody"
    with pytest.raises(DataError, match=r"'somebody', which strategies\.json does not describe"):
        load_run(fake_run.write_run(tmp_path, pieces))


def test_a_strategy_that_is_compared_must_be_described(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    del pieces["strategies"][1]
    with pytest.raises(DataError, match=r"'acquisition-heavy', which strategies\.json does not describe"):
        load_run(fake_run.write_run(tmp_path, pieces))


def test_no_directory_and_no_language(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a directory"):
        render(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no report in the language"):
        render(tmp_path, language="../en")


@pytest.mark.parametrize("module", NEEDED)
def test_without_the_extra_the_install_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{module}.*pip install .*churnsim\[report\]"):
        render(fake_run.write_run(tmp_path))


def test_a_run_with_only_what_must_be_there(tmp_path: Path) -> None:
    """No claims, value, replay, holdout or second strategy: the chapters that have nothing to say are left out."""
    pieces = fake_run.make_pieces()
    pieces["claims"], pieces["value"], pieces["assumptions"] = [], None, []
    pieces["strategies"] = pieces["strategies"][:1]
    pieces["validation"] |= {"replay": None, "tracking": [], "holdout_by_frequency": [], "frequency": []}
    level = {"strategy": "baseline", "mean": 1.0, "lower": None, "upper": None}
    pieces["comparison"] |= {
        "metrics": {"npv": {"levels": [level], "differences": []}}, "path": [], "spending": []
    }  # fmt: skip
    page = render(fake_run.write_run(tmp_path, pieces))
    assert checks.unfilled(page) == []
    assert checks.broken_anchors(page) == []
    assert '<section id="claims"' not in page
    assert "was simulated by itself" in page


def test_what_the_records_say_stands_beside_what_was_assumed(tmp_path):
    """Each number once, with what it took the place of; what is not used says why; checks in words."""
    run = fake_run.write_run(tmp_path, {**fake_run.make_pieces(), "evidence": fake_run.make_evidence()})
    chapter = assumptions(Context(load_run(run), Words()))
    assert chapter.title == "What is known, from what"
    (records, numbers) = (block for block in chapter.blocks if block.kind == "tableblock")
    (contacts,) = records.rows
    assert (contacts[0].text, contacts[0].note) == (
        "Contacts", "4,130 rows of contacts.csv; 12 after the end of the study left out"
    )  # fmt: skip
    assert contacts[1].text == "1 of 2 checks passed: sample ratio."
    assert contacts[1].note == "autumn: sample ratio failed: too few were left alone. Two campaigns."
    notes = {row[0].note: row[-1].note.replace("\N{NO-BREAK SPACE}", " ") for row in numbers.rows}
    assert len(notes) == 5
    assert notes["complaints.failure_share"] == "no source. In place of 0.300 (0.150 to 0.500) (assumed)"
    assert "The records say 0.400 (0.350 to 0.450) (measured here (randomised))" in notes["margin"]
    (figure,) = (block for block in chapter.blocks if block.kind == "figureblock")
    assert "0.200 (0.180 to 0.240) in place of 0.300" in figure.wide.replace("\N{NO-BREAK SPACE}", " ")
    assert "margin" not in figure.wide  # not used
    plain = assumptions(Context(load_run(fake_run.write_run(tmp_path / "plain")), Words()))
    assert plain.title == "The assumptions"


def test_what_is_known_in_sums_stands_with_what_it_tells_of(tmp_path):
    """A figure with its simulations before and after, and the number that it moved; one that moved nothing says so."""
    evidence = fake_run.make_evidence() | {"calibration": fake_run.make_calibration()}
    run = fake_run.write_run(tmp_path, {**fake_run.make_pieces(), "evidence": evidence})
    chapter = assumptions(Context(load_run(run), Words()))
    (_, known, _) = (block for block in chapter.blocks if block.kind == "tableblock")
    rows = [[f"{cell.text}|{cell.note or ''}".replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in known.rows]
    assert rows[0] == [
        "complaints per 1 M|20.0 to 30.0, the desk's count",
        "2.50 (0 to 8.60)|",
        "20.0 (11.0 to 26.0)|",
        "dropout that failures cause: 0.440 (0.150 to 0.500) before, 0.300 (0.200 to 0.400) now|",
    ]
    assert rows[1][3] == "nothing that chance among the draws would not|"
    told = " ".join(getattr(block, "text", "") for block in chapter.blocks).replace("\N{NO-BREAK SPACE}", " ")
    assert "1,300 simulations, worth 49 independent draws" in told
    assert "They were not reached" in told


def test_the_command_prints_each_figure_and_the_number_it_moved(capsys):
    _print_calibration(CalibrationRecord.model_validate(fake_run.make_calibration(), context=STORED))
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "1,300 simulations, worth 49 independent draws" in " ".join(out.split())
    assert "complaints per 1 M 20 to 30 2.5 [0, 8.6] 20 [11, 26] yes the desk's count" in lines
    assert any(line.startswith("births 20 to 30") and " NO " in line for line in lines)
    assert any("not used" in line for line in lines)
    (moved,) = (line for line in lines if line.startswith("complaints.failure_share"))
    assert moved.endswith("0.3 [0.2, 0.4] measured here (observational) complaints per 1 M")
    assert not any(line.startswith("margin") for line in lines)


def test_assumptions_stand_by_how_much_the_answer_hangs_on_each(page):
    names = ("complaints.failure_share", "margin", "complaints.complain")
    chapter = page[page.index("Every number that the outcomes rest on") :]
    places = [chapter.index(f">{name}<") for name in names]
    assert places == sorted(places)
    assert "npv of recovery" not in page


def test_the_chapter_of_the_fits_says_why_a_model_was_chosen_and_what_covariates_do(tmp_path: Path) -> None:
    """An effect is e to the coefficient: 2 for ln 2."""
    pieces = fake_run.make_pieces()
    effects = {"r": 0.3, "rate:age": math.log(2), "rate:sex=woman": -math.log(2), "lifetime:first_order": math.log(3)}
    pieces["fits"]["purchases"] = fake_run._fit("bg_nbd_covariates", "W", "whole log", effects, -9000.0)
    pieces["fits"]["purchases_calibration"] = fake_run._fit(
        "pareto_nbd_covariates", "W", "calibration", effects, -8000.0
    )
    table = [{"model": "bg_nbd", "log score": -1.25}, {"model": "nbd", "log score": -1.5}]
    pieces["notices"] = {"choice": {"chosen": "bg_nbd", "why": "its BIC is the lowest.", "table": table}}
    blocks = fits(Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())).blocks
    assert blocks[0].kind == "paragraph"
    assert blocks[0].text.lower() == "its bic is the lowest."
    candidates = blocks[1].blocks
    assert [row[-1].text for row in candidates[0].rows] == ["−1.25", "−1.50"]
    assert "BIC decides only among the models" in candidates[1].text
    said = [
        [row[-1].text for row in block.rows]
        for block in blocks
        if block.kind == "tableblock" and len(block.columns) == 5
    ]
    assert said[0][1:] == [
        "One unit more of age multiplies the purchase rate by 2.000",
        "sex: woman, compared with the commonest value, multiplies the purchase rate by 0.500",
        "One unit more of first order multiplies the odds of the mean dropout probability by 3.000",
    ]
    assert said[1][3] == "One unit more of first order multiplies the rate of leaving by 3.000"


SERIES_FIT = {"r": 0.8, "alpha": 5.0, "a": 0.7, "b": 4.8, "mail": 0.5, "cos 1": 0.3, "Feb": -0.1, "leaving:price": 0.2}


def test_effects_of_series_are_told_with_what_they_multiply_and_how_sure_that_is(tmp_path: Path) -> None:
    """The interval is e^ of that of the effect, 0.79 and 1.24 times it in the stored fit."""
    pieces = fake_run.make_pieces()
    pieces["fits"]["purchases"] = fake_run._fit("bg_nbd_series", "W", "whole log", SERIES_FIT, -14000.0)
    context = Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())
    said = repr(fits(context)).replace("\\xa0", " ")
    assert "BG/NBD with customers' own series: purchases and dropout" in said
    ends = f"{math.exp(0.5 * 0.79):.3f} to {math.exp(0.5 * 1.24):.3f}"
    assert f"One unit more of mail multiplies the purchase rate by 1.649 ({ends})" in said
    assert "Part of the season (waves a year: 1)" in said
    assert "Feb, compared with January, multiplies the purchase rate by 0.905" in said
    assert "One unit more of price multiplies the rate of leaving by 1.221" in said
    assert context.with_titles("pareto_nbd_calendar is better") == "Pareto/NBD with a calendar is better"
    # BG/NBD lets nobody leave before a repeat purchase, whatever stands beside it.
    assert any("only after a repeat purchase" in text for text in headline(context).leaves_out)


@pytest.mark.parametrize(
    ("births", "drawn", "told"),
    [
        (9.0, False, "no interval here holds that it may be anything from 0.5 to 2."),
        (9.0, True, "the column for one future holds that, the interval of the average does not"),
        (0.0, False, "No new customers come in these futures"),
    ],
)  # fmt: skip
def test_the_answer_says_what_the_interval_holds_of_new_customers_without_series(
    tmp_path: Path, births: float, drawn: bool, told: str
) -> None:
    pieces = fake_run.make_pieces()
    row = {**pieces["assumptions"][1], "parameter": "own_series.newcomers", "value": 1.0, "low": 0.5, "high": 2.0}
    pieces["assumptions"].append({**row, "drawn": drawn})
    for level in pieces["comparison"]["metrics"]["births"]["levels"]:
        level["mean"] = births
    run = load_run(fake_run.write_run(tmp_path, pieces))
    for language in ("en", "zh"):
        said = [
            text for text in headline(Context(run, Words(language))).leaves_out if "series" in text or "序列" in text
        ]
        assert len(said) == 1
        assert language == "zh" or told in said[0].replace("\xa0", " ")
