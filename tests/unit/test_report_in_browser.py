"""The report in a real browser: an audit of accessibility, labels at three widths, and sliders that agree with Python.

Needs Chromium (the environment variable CHROMIUM, or `chromium` on the path), and the packages `playwright` and
`axe-playwright-python`, which no extra brings: together they take 165 MB.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churnsim.records.load import load_draws, load_run
from churnsim.records.watch import NewcomersRecord, WatchRecord, WatchRow
from churnsim.report import render
from churnsim.report.chapters import moved
from churnsim.report.messages import Words
from churnsim.report.page import numbers as fmt
from churnsim.report.page.context import Context
from churnsim.report.watch_page import watch_page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: say where it is by CHROMIUM=..."),
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("playwright", "axe_playwright_python")),
        reason="playwright and axe-playwright-python are not installed",
    ),
]

# Texts of charts that leave the window or their drawing by more than the margin of a page or lie on one another, and
# anything wider than its room: a drawing shows what sticks out of it.
CUT = """() => {
  const wrong = [], side = document.documentElement.clientWidth;
  for (const text of document.querySelectorAll("svg.chart text")) {
    const at = text.getBoundingClientRect(), room = text.closest("svg").getBoundingClientRect();
    const outside = at.left < room.left - 12 || at.right > room.right + 12 || at.left < 0 || at.right > side;
    if (at.width && outside) wrong.push(text.textContent);
  }
  for (const drawing of document.querySelectorAll("svg.chart")) {
    const seen = [...drawing.querySelectorAll("text:not([opacity='0'])")];
    const said = seen.map(text => [text.textContent, text.getBoundingClientRect()]);
    const shared = (a, b, low, high) => Math.min(a[high], b[high]) - Math.max(a[low], b[low]);
    said.forEach(([one, a], place) => said.slice(place + 1).forEach(([other, b]) => {
      if (shared(a, b, "left", "right") > 1 && shared(a, b, "top", "bottom") > 4) wrong.push(`${one} on ${other}`);
    }));
  }
  for (const part of document.querySelectorAll("main *")) {
    const shown = getComputedStyle(part).display;
    if (part.closest("svg") || part.matches("caption, thead, thead *") || shown === "inline") continue;
    if (part.clientWidth > 2 && part.scrollWidth > part.clientWidth + 2) wrong.push(part.textContent.slice(0, 80));
  }
  if (document.documentElement.scrollWidth > side) wrong.push("the page scrolls sideways");
  return wrong;
}"""


def _fake_run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_run_in_browser", Path(__file__).with_name("fake_run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fake = _fake_run()
    pieces = fake.make_pieces() | {"customers": fake.make_customers(), "what_if": {"beliefs": [fake.make_map()]}}
    folder = fake.write_run(tmp_path_factory.mktemp("run"), pieces)
    fake.add_draws(folder, pieces)
    (folder / "report.html").write_text(render(folder), encoding="utf-8")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def _opened(browser: Any, run: Path, *, width: int = 390, script: bool = True) -> Any:
    page = browser.new_context(java_script_enabled=script).new_page()
    page.set_viewport_size({"width": width, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.goto((run / "report.html").as_uri())
    assert wrong == []
    return page


def test_nothing_is_cut_off_and_the_audit_finds_no_serious_fault(browser: Any, run: Path) -> None:
    """At three widths, in the font that charts are measured with and in a wide one; axe on a phone and on a desktop."""
    import axe_playwright_python

    axe = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8")
    page = _opened(browser, run)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    for font in ("", "DejaVu Sans"):
        if font:
            page.add_style_tag(content=f"body, svg text {{ font-family: '{font}' !important }}")
        for width in (390, 800, 1200):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(CUT) == [], (width, font)
    page.evaluate(axe)
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found] == [], width


def test_the_audit_of_the_page_of_a_watch_finds_no_fault(browser: Any, tmp_path: Path) -> None:
    import axe_playwright_python

    counts = {"customers": 100, "in_period": 20, "purchases": 40, "expected": 48.0, "expected_in_period": 24.0}
    limits = {"lower": 10.0, "upper": 39.0, "alarm": "more", "spend": 100.0, "expected_spend": 120.0}
    rows = [
        WatchRow.model_validate({"cohort": cohort, "until": until, **counts, **limits})
        for until in ("2026-01-31", "2026-02-28") for cohort in ("2025Q1", "2025Q2", "all")
    ]  # fmt: skip
    found = WatchRecord(
        run="shop-12345678", stored="2026-01-01T00:00:00", forecast_first=False, fits_sha256="a" * 64,
        log_sha256="b" * 64, model="BG/NBD", export="new.csv", since="2025-12-31", until="2026-02-28", level=0.95,
        currency="$", checked_days=200, rows=rows, newcomers=NewcomersRecord(customers=3, purchases=4, share=0.1),
        past=None, refit=["the cohort 2025Q1 left its limits"],
    )  # fmt: skip
    (tmp_path / "report.html").write_text(watch_page(found), encoding="utf-8")
    page = _opened(browser, tmp_path)
    page.evaluate(next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8"))
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT) == []
        assert page.evaluate("axe.run({resultTypes: ['violations']})")["violations"] == [], width


def test_sliders_say_what_python_says(browser: Any, run: Path) -> None:
    page = _opened(browser, run)
    context = Context(load_run(run), Words(), draws=load_draws(run))
    reference, grid = moved.moved_beliefs(context), moved.GRID
    for place, row in enumerate(moved._chosen(context)):
        assert page.locator(f"output[for=moved-{place}]").inner_text() == fmt.unglued(
            moved.shown(context, row, row.value)
        )
    slider = page.locator("#moved-1")
    for place, sure, word in ((40, "1", "anew; worth"), (60, "1", "regression"), (20, "0", "regression")):
        slider.fill(str(place))
        page.locator("#moved-beliefs select").nth(1).select_option(sure)
        found = reference.at({1: (float(grid[place]), float(sure))})
        assert word in page.locator(".moved-how").inner_text()
        if found.weighted:
            assert f"worth {found.effective:.0f} of 160" in page.locator(".moved-how").inner_text()
        rows = page.locator("#moved-beliefs tbody tr")
        largest = max(context.largest_difference, *(abs(option.mean) for option in found.options))
        for at, option in enumerate(found.options):
            more, _, chance = (text.strip() for text in rows.nth(at).locator("td").all_inner_texts())
            assert _number(more) == pytest.approx(option.mean, abs=0.5 if largest > 999 else 0.005)
            assert chance == f"{100 * option.chance:.0f}%"
    assert "“Retention-heavy” earns as much as spending" in page.locator(".moved-even li").nth(1).inner_text()
    page.locator("#moved-beliefs button").click()
    assert "worth 160 of 160" in page.locator(".moved-how").inner_text()


def test_the_answer_is_printed_on_one_page(browser: Any, run: Path) -> None:
    """Of A4, and of US letter (8.5 by 11 inches), less the margins of the style, in pixels of 1/96 inch; no number is
    parted there."""
    page = _opened(browser, run)
    page.emulate_media(media="print")
    for width, height in ((210, 297), (8.5 * 25.4, 11 * 25.4)):
        page.set_viewport_size({"width": round((width - 2 * 15) / 25.4 * 96), "height": 900})
        end = page.evaluate("document.getElementById('answer').getBoundingClientRect().bottom + window.scrollY")
        assert 300 < end < (height - 2 * 14) / 25.4 * 96
        widths = "[...document.querySelectorAll('.tile-note')].map(tile => [tile.scrollWidth, tile.clientWidth])"
        assert all(needed <= room for needed, room in page.evaluate(widths))
    assert page.evaluate("getComputedStyle(document.getElementById('answer')).breakAfter") == "page"


def test_without_script_the_page_reads_as_before(browser: Any, run: Path) -> None:
    page = _opened(browser, run, script=False)
    assert page.locator("#answer").is_visible()
    assert not page.locator("#moved").is_visible()
    assert not page.locator("nav a[href='#moved']").is_visible()


def _number(text: str) -> float:
    return float(re.sub("[^0-9.−]", "", text).replace("−", "-"))
