"""Planted errors that the report's checkers must find, and dishonest pages that the report must not write."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import altair as alt
import pytest

from churnsim.report import load_run
from churnsim.report.chapters.claims import chapter as claims
from churnsim.report.charts.svg import inline, to_svg
from churnsim.report.charts.theme import WIDE
from churnsim.report.messages import Words
from churnsim.report.page.context import Context


def _unit(name: str) -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"report_controls_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fake_run, checks = _unit("fake_run"), _unit("page_checks")
SOUND = '<!doctype html><html lang="en"><body><a href="https://example.org">a source</a></body></html>'


@pytest.mark.parametrize("planted", ["profit rises by 25–85%", "five times as much", "half of it", "in {n} of 10 runs"])
def test_a_figure_written_into_the_words_is_found(planted: str) -> None:
    text = files("churnsim.report.messages").joinpath("en.toml").read_text(encoding="utf-8")
    assert checks.figures_in_words(f'{text}\n[planted]\nclaim = "{planted}"\n') == ["planted.claim"]


def test_prose_in_the_template_is_found() -> None:
    assert checks.prose_in_template("<p>{{ text }} rises</p>") == ["rises"]


@pytest.mark.parametrize(
    "planted",
    [
        "<script>1</script>",
        "<svg onload='x'></svg>",
        "<a href='javascript:x'>y</a>",
        "<iframe></iframe>",
        "<link rel=x>",
    ],
)
def test_active_content_is_found(planted: str) -> None:
    assert checks.active_content(SOUND) == []
    assert checks.active_content(SOUND.replace("<a ", planted + "<a "))


@pytest.mark.parametrize(
    "planted",
    ["<img src='https://example.org/x.png'>", "<link href='https://example.org/x.css'>",
     "<p style='background:url(x)'>", "<style>@import 'https://example.org/x.css';</style>", "<svg><image xlink:href='https://example.org/x'/></svg>"],
)  # fmt: skip
def test_anything_fetched_is_found(planted: str) -> None:
    assert checks.loads(SOUND) == []
    assert checks.loads(SOUND.replace("<a ", planted + "<a "))


@pytest.mark.parametrize("planted", ["{interval}", "{{ level }}", "nan to inf", "None"])
def test_an_unfilled_place_is_found(planted: str) -> None:
    assert checks.unfilled(SOUND) == []
    assert checks.unfilled(SOUND.replace("a source", planted))


def test_dead_and_doubled_anchors_and_missing_labels_are_found() -> None:
    assert checks.broken_anchors(SOUND) == []
    assert len(checks.broken_anchors(SOUND.replace("https://example.org", "#nowhere"))) == 1
    assert checks.broken_anchors("<p id='x'></p><p id='x'></p>") == ["twice: x"]
    assert checks.unlabelled("<html><svg ><g></g></svg><th>x</th>") == ["html without lang", "chart 0", "th"]


def test_a_label_that_is_cut_off_is_found() -> None:
    drawing = '<svg width="100" height="50"><g transform="translate({x},9)"><text {anchor}>Complaint</text></g></svg>'
    assert checks.cut_labels(drawing.format(x=5, anchor="")) == []
    assert checks.cut_labels(drawing.format(x=60, anchor="")) == ["Complaint"]
    assert checks.cut_labels(drawing.format(x=40, anchor='text-anchor="end"')) == ["Complaint"]


def test_an_unfilled_placeholder_is_an_error_and_values_are_not_filled_again() -> None:
    words = Words()
    with pytest.raises(KeyError):
        words("answer.relative", baseline="x")
    with pytest.raises(KeyError):
        words("answer.no_such_sentence")
    assert words("page.figure", number="{level} {0}") == "Figure {level} {0}"


@pytest.mark.parametrize(
    "markup",
    ["<svg><script>alert(1)</script></svg>", "<svg><foreignObject/></svg>", "<svg><a href='x'/></svg>",
     "<svg><g onclick='x'/></svg>", "<svg><path style='background:url(x)'/></svg>"],
)  # fmt: skip
def test_a_chart_with_foreign_markup_is_refused(markup: str) -> None:
    with pytest.raises(ValueError, match="refused"):
        inline(markup, name="x", title="t", description="d")


def test_a_chart_cannot_fetch() -> None:
    chart = alt.Chart(alt.UrlData(url="https://example.org/data.csv")).mark_point().encode(x="a:Q")
    with pytest.raises(ValueError, match=r"example\.org"):
        to_svg(chart, size=WIDE, height=100)


def test_identifiers_of_charts_do_not_meet() -> None:
    markup = '<svg width="1" height="1"><defs><clipPath id="c"/></defs><g clip-path="url(#c)"/></svg>'
    both = "".join(inline(markup, name=name, title="t", description="d") for name in ("one", "two"))
    assert checks.broken_anchors(both) == []


def test_a_control_that_did_not_fail_is_said_aloud(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    assert "did not" not in _claims_text(fake_run.write_run(tmp_path / "sound", pieces))
    pieces["claims"][0]["control"] = {"what": "one flow altered", "verdict": "REPRODUCED", "reason": ""}
    assert "should have failed and did not" in _claims_text(fake_run.write_run(tmp_path / "broken", pieces))


def _claims_text(run_dir: Path) -> str:
    cards = [block for block in claims(Context(load_run(run_dir), Words())).blocks if block.kind == "claimcard"]
    return " ".join(getattr(block, "text", "") for card in cards for block in card.blocks)
