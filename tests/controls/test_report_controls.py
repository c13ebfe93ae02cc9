"""Planted errors that the report's checkers must find, and dishonest pages that the report must not write."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import altair as alt
import pytest

from churnsim.plots.theme import WIDE
from churnsim.report import load_run
from churnsim.report.chapters.assumptions import chapter as assumptions
from churnsim.report.chapters.claims import answer_counts, judged
from churnsim.report.chapters.claims import chapter as claims
from churnsim.report.chapters.method import chapter as method
from churnsim.report.chapters.strategies import chapter as strategies
from churnsim.report.charts.svg import inline, to_svg
from churnsim.report.headline import headline
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
    pieces["claims"][0]["control"] = {"what": "one flow altered", "answer": "HOLDS", "reason": ""}
    broken = _claims_text(fake_run.write_run(tmp_path / "broken", pieces))
    assert "its check did not work" in broken
    assert "should have come out as “Fails” and did not" in broken


@pytest.mark.parametrize("beliefs", [False, True])
def test_what_one_future_holds_is_said_as_it_was_drawn(tmp_path: Path, beliefs: bool) -> None:
    pieces = fake_run.make_pieces()
    pieces["manifest"]["config"]["simulation"] |= {"beliefs": "all" if beliefs else "none"}
    context = Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())
    said = repr(method(context).blocks)
    assert ("errors of the model or in what was assumed" in said) is not beliefs
    assert ("errors of the model or in numbers that have no interval" in said) is beliefs
    assert ("what is not known of the numbers drawn" in repr(strategies(context).blocks)) is beliefs


def test_what_is_claimed_is_counted_apart_from_what_is_assumed(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    of = [row["status"] for row in pieces["assumptions"]]
    context = Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())
    said = f"{of.count('assumed')} are assumed and {of.count('claimed')} taken from published claims"
    assert said in repr(method(context).blocks)
    assert said in " ".join(headline(context).leaves_out)


@pytest.mark.parametrize(("share", "shown"), [(0.5, True), (0.01, False)])
def test_a_share_that_chance_may_have_given_is_not_shown(tmp_path: Path, share: float, shown: bool) -> None:
    pieces = fake_run.make_pieces()
    pieces["assumptions"][1] |= {"share": share}
    blocks = assumptions(Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())).blocks
    numbers = next(block for block in blocks if block.kind == "tableblock")
    cells = {row[0].note: row[2].text for row in numbers.rows}
    assert bool(cells[pieces["assumptions"][1]["parameter"]]) is shown


def test_codes_and_columns_that_say_nothing_stay_out_of_the_claims(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    cell = {"x": 1.5, "mean": 2.25, "lower": 2.25, "upper": 2.25, "replications": 0, "state": "fails"}
    row = next(row for row in pieces["claims"] if row["parts"])
    row |= {
        "reason": "(c1): HOLDS_IF. (c2): FAILS.",
        "estimate": 82.9,
        "unit": "money, of a kept customer",
        "tables": {"map of x": [cell], "drawn": [{**cell, "replications": 9}]},
    }
    blocks = claims(Context(load_run(fake_run.write_run(tmp_path, pieces)), Words())).blocks
    card = next(block for block in blocks if block.kind == "claimcard" and block.id == f"claim-{row['id']}")
    told = repr(card.blocks)
    assert "(c1): true only under conditions. (c2): not true." in told
    assert "of a kept customer" in told
    assert "money, of" not in told
    (judged_so,) = (block for block in card.blocks if block.kind == "details")
    folded = [block for block in judged_so.blocks if block.kind == "details"]
    exact, drawn = ([head.title for head in block.blocks[0].columns] for block in folded)
    assert exact == ["x", "mean", "does it hold"]
    assert {"lower", "upper", "replications"} < set(drawn)


def test_nothing_that_a_withdrawn_claim_found_is_shown_or_counted(tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    sound = Context(load_run(fake_run.write_run(tmp_path / "sound", pieces)), Words())
    kept = next(row for row in pieces["claims"] if row["parts"])
    kept |= {
        "answer": "UNDECIDED",
        "ran": False,
        "reason": "Worthless check: it came out as HOLDS_IF.",
        "estimate": 43.21,
    }
    kept["control"] = {"what": "one flow altered", "answer": "HOLDS_IF", "reason": "It came out as HOLDS_IF."}
    context = Context(load_run(fake_run.write_run(tmp_path / "broken", pieces)), Words())
    card = next(b for b in claims(context).blocks if b.kind == "claimcard" and b.id == f"claim-{kept['id']}")
    assert card.answer_text == "Withdrawn"
    *shown, judged_so = card.blocks
    assert [block.kind for block in shown] == ["facts"]
    assert not {"tableblock", "details", "figureblock"} & {block.kind for block in judged_so.blocks}
    told = repr([*shown, *(block for block in judged_so.blocks if block.kind == "facts")])
    assert "43.2" not in told
    assert "HOLDS_IF" not in told
    assert judged(context) == judged(sound) - 1
    assert "withdrawn: 1" in answer_counts(context)


def _claims_text(run_dir: Path) -> str:
    cards = [block for block in claims(Context(load_run(run_dir), Words())).blocks if block.kind == "claimcard"]
    blocks = [block for card in cards for block in (*card.blocks[:-1], *card.blocks[-1].blocks)]
    facts = [text for block in blocks for row in getattr(block, "rows", []) for text in row]
    return " ".join(str(text) for text in facts)
