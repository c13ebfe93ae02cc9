"""Reports for other programs: their figures are the run's, their texts the report's, and no text is run."""

from __future__ import annotations

import io
import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from pptx import Presentation
from tests.unit import fake_run, test_decide, test_report
from tests.unit.workbook_formulas import Calculator
from typer.testing import CliRunner

from churnsim.cli import app
from churnsim.decisions.comparison.compare import chance_to_be_best
from churnsim.decisions.comparison.paired import interval
from churnsim.errors import ConfigError, DataError, MissingExtraError
from churnsim.kernels.engine.ledger_accounts import ACCOUNTS
from churnsim.report import documents, load_run
from churnsim.report.deck import Box, _Deck, fitting
from churnsim.report.documents import BROWSER, printed
from churnsim.report.headline import headline
from churnsim.report.messages import Words
from churnsim.report.page import numbers as fmt
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table
from churnsim.report.workbook import RATE, cell_name

FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1+1", fake_run.NASTY, "http://example.com", "{=1}")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three strategies, five futures and three periods, whose customers and titles are named like formulas."""
    folder, pieces = tmp_path_factory.mktemp("documents"), fake_run.make_pieces()
    names = ["baseline", "retention-heavy", "complaint-recovery"]
    rng = np.random.default_rng(3)
    keys = [(name, future, period) for name in names for future in range(5) for period in range(3)]
    frame = pd.DataFrame(keys, columns=["strategy", "replication", "period"])
    for account in ACCOUNTS:
        frame[account] = rng.integers(0, 9000, len(frame)) if account in ("margin", "retention", "fixed") else 0
    frame.to_parquet(folder / "outcomes.parquet")
    pieces["strategies"][2]["title"] = "=HYPERLINK(1)"
    pieces["assumptions"][4]["parameter"] = RATE
    row = {"chance": 0.5, "chance_lower": 0.0, "chance_upper": 1.0, "loss": 1.0, "loss_lower": 0.0, "loss_upper": 2.0}
    pieces["comparison"]["best"] = [{"strategy": name, **row} for name in names[:2]]
    pieces["customers"] = fake_run.make_customers()
    contact = pieces["customers"]["contacts"][0]
    contacts = [
        contact
        | {"customer_id": name, "p_alive": 0.2 + 0.1 * place, "at_stake": contact["expected"] * (0.8 - 0.1 * place)}
        for place, name in enumerate(FORMULAS)
    ]
    pd.DataFrame(contacts).to_parquet(folder / "contacts.parquet")
    return fake_run.write_run(folder, pieces)


@pytest.fixture(scope="module")
def content(run: Path) -> bytes:
    return documents.workbook(run)


def npv(run: Path, rate: float) -> pd.DataFrame:
    """Discounted profit by future and strategy, from the ledger itself."""
    frame = pd.read_parquet(run / "outcomes.parquet")
    years = (frame["period"] + 0.5) * 4 * 7 / 365.25
    profit = (frame["margin"] - frame["retention"] - frame["fixed"]) / 100 * (1 + rate) ** -years
    return profit.groupby([frame["replication"], frame["strategy"]]).sum().unstack()


@pytest.mark.parametrize("rate", [0.1, 0.25])
def test_totals_are_formulas_over_the_outcomes(run: Path, content: bytes, rate: float) -> None:
    """Also when the discount rate's named cell is changed."""
    cell = openpyxl.load_workbook(io.BytesIO(content)).defined_names[RATE].attr_text.split("!")[1].replace("$", "")
    value = Calculator(content, {("Assumptions", cell): rate}).value
    values = npv(run, rate)
    names = ["baseline", "retention-heavy", "complaint-recovery"]
    best = chance_to_be_best(values[names[:2]])
    for row, name in enumerate(names, start=5):
        found = interval(values[name].to_numpy(), level=0.95)
        told = [value("Totals", f"{column}{row}") for column in "BCD"]
        assert told == pytest.approx([found.mean, found.lower, found.upper])
        if name != "baseline":
            more = interval((values[name] - values["baseline"]).to_numpy(), level=0.95)
            assert [value("Totals", f"{c}{row}") for c in "EFG"] == pytest.approx([more.mean, more.lower, more.upper])
        if name in names[:2]:
            expected = best.set_index("strategy").loc[name, ["chance", "loss"]].to_list()
            assert [value("Totals", f"{column}{row}") for column in "HI"] == pytest.approx(expected)
    assert value("Totals", "I7") is None  # not in the running


@pytest.mark.parametrize("rate", [0.1, 0.25])
def test_each_future_is_discounted_at_its_own_rate(run: Path, tmp_path: Path, rate: float) -> None:
    """Where the rate is not known exactly: its own multiple of the stated 0.1, also when that cell is changed."""
    drawn, copy = [0.05, 0.1, 0.12, 0.2, 0.3], tmp_path / "run"
    shutil.copytree(run, copy)
    stored = json.loads((copy / "comparison.json").read_text(encoding="utf-8"))
    (copy / "comparison.json").write_text(json.dumps({**stored, "annual_discount_rates": drawn}), encoding="utf-8")
    content = documents.workbook(copy)
    cell = openpyxl.load_workbook(io.BytesIO(content)).defined_names[RATE].attr_text.split("!")[1].replace("$", "")
    value = Calculator(content, {("Assumptions", cell): rate}).value
    for place, one in enumerate(drawn):
        expected = npv(run, one / 0.1 * rate).iloc[place]
        for column, name in zip("BCD", ["baseline", "retention-heavy", "complaint-recovery"], strict=True):
            assert value("Futures", f"{column}{5 + place}") == pytest.approx(expected[name])


def test_values_stand_beside_the_formulas(run: Path, content: bytes) -> None:
    """For programs that do not calculate; of the totals they are the run's own, which the formulas must equal."""
    stored, value = openpyxl.load_workbook(io.BytesIO(content), data_only=True), Calculator(content).value
    for sheet in ("Futures", "Profit 1", "Customers"):
        cells = [cell for row in stored[sheet].iter_rows(min_row=3) for cell in row if cell.value is not None]
        for cell in cells:
            found = value(sheet, cell.coordinate)
            assert cell.value == (found if isinstance(found, str) else pytest.approx(found)), (sheet, cell.coordinate)
    spent = sum(row.mean for row in load_run(run).comparison.spending if row.strategy == "baseline")
    rows = [row for row in stored["Totals"].iter_rows(values_only=True) if row[0] == "Total"]
    assert rows[0][1] == pytest.approx(spent)


def test_a_number_is_shown_as_the_report_shows_it_and_its_head_stands_over_it(content: bytes) -> None:
    """LibreOffice shows what has no format with all the digits that fit: no number is left to that. Of a head, the
    alignment is that of the cells below it: numbers stand right, texts left."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    heads = 0
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, float) and not cell.value.is_integer():
                    assert cell.number_format != "General", (sheet.title, cell.coordinate)
                if cell.border.bottom.style and cell.data_type == "s":
                    below = [sheet.cell(place, cell.column) for place in range(cell.row + 1, sheet.max_row + 1)]
                    right = any(found.data_type == "n" and found.value is not None for found in below)
                    assert (cell.alignment.horizontal == "right") == right, (sheet.title, cell.coordinate)
                    heads += right
    assert heads > 20
    shown = {row[0].value: row[1] for row in book["Assumptions"].iter_rows(min_row=5)}
    assert (shown[RATE].value, shown[RATE].number_format) == (0.1, "#,##0.0")


def test_texts_are_texts_and_formulas_are_ours(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    listed = [row[0] for row in book["Customers"].iter_rows(min_row=5, values_only=True)]
    risky = ("=", "+", "-", "@", "\t")
    assert listed == [f"'{name}" if name.startswith(risky) else name for name in FORMULAS]
    heads = [cell for row in book["Futures"]["A1:K4"] for cell in row if cell.value is not None]
    assert "'=HYPERLINK(1)" in [cell.value for cell in heads]
    assert {cell.data_type for cell in heads} == {"s"}
    for sheet in book:
        formulas = [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        assert not [text for text in formulas if "HYPERLINK" in text or "script" in text]
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]


def test_the_answer_is_the_reports(run: Path, content: bytes) -> None:
    context = Context(load_run(run), Words())
    texts = [row[0] for row in openpyxl.load_workbook(io.BytesIO(content))["Answer"].iter_rows(values_only=True)]
    assert " ".join(headline(context).verdict) in texts
    actions = [row[7] for row in openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Customers"].values]
    assert [text.split(":")[0] for text in actions[4:]] == ["Win back"] * 3 + ["Contact"] * 5


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("terms.margin", "terms.margin"), ("a b: c-d", "a_b_c_d"), ("r1", "r1_"), ("AB12", "AB12_"), ("C", "C_"),
        ("1st", "_1st"), ("é=1+1", "_1_1"),
    ],
)  # fmt: skip
def test_names_of_cells_are_names(parameter: str, name: str) -> None:
    assert cell_name(parameter) == name


def test_what_is_missing_is_said(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = fake_run.make_pieces()
    with pytest.raises(DataError, match=f"does not hold {RATE}"):
        documents.workbook(fake_run.write_run(tmp_path, pieces))
    pieces["assumptions"][4]["parameter"] = RATE
    with pytest.raises(DataError, match=r"outcomes\.parquet is missing"):
        documents.workbook(fake_run.write_run(tmp_path, pieces))
    (tmp_path / "outcomes.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"outcomes\.parquet cannot be read"):
        documents.workbook(tmp_path)
    pd.read_parquet(run / "outcomes.parquet").drop(columns=["wages", "bonds"]).to_parquet(tmp_path / "outcomes.parquet")
    with pytest.raises(DataError, match=r"lacks 'bonds', 'wages'\. The run was stored by another version"):
        documents.workbook(tmp_path)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingExtraError, match="a workbook needs xlsxwriter"):
        documents.workbook(run)


def test_the_command_writes_a_file_beside_the_run(run: Path, content: bytes) -> None:
    done = CliRunner().invoke(app, ["report", str(run), "--to", "xlsx"])
    assert (done.exit_code, done.stdout) == (0, f"{run / 'report.xlsx'}\n")
    assert (run / "report.xlsx").read_bytes() == content
    again = CliRunner().invoke(app, ["report", str(run), "--to", "xlsx", "--language", "zh"])
    assert (again.exit_code, again.stdout) == (0, f"{run / 'report.zh.xlsx'}\n")
    assert (run / "report.xlsx").read_bytes() == content


@pytest.fixture(scope="module")
def slides(run: Path) -> list[Any]:
    found = Presentation(io.BytesIO(documents.deck(run)))
    return list(found.slides)


def titled(slides: list[Any], title: str) -> Any:
    return next(slide for slide in slides if slide.shapes.title.text == title)


def test_slides_say_what_the_report_says(run: Path, slides: list[Any]) -> None:
    context, words = Context(load_run(run), Words()), Words()
    titles = [slide.shapes.title.text for slide in slides]
    assert titles[0] == words("section.answer")
    assert titles[-1] == words("method.limits")
    assert {words("tile.chance", horizon=context.horizon), words("section.claims"), words("section.customers")} < set(
        titles
    )
    said = headline(context)
    texts = [shape.text_frame.text for shape in slides[0].shapes if shape.has_text_frame]
    assert fmt.unglued("\n".join(said.verdict)) in texts
    notes = slides[0].notes_slide.notes_text_frame.text
    assert all(text in notes for text in said.leaves_out)
    (table,) = [shape.table for shape in titled(slides, "The claims").shapes if shape.has_table]
    assert [row.cells[0].text for row in table.rows][1:] == [claim.says for claim in context.run.claims]


def test_charts_hold_the_stored_figures(run: Path, slides: list[Any]) -> None:
    context = Context(load_run(run), Words())
    slide = titled(slides, "Discounted profit less that of “Baseline”")
    (chart,) = [shape.chart for shape in slide.shapes if shape.has_chart]
    rows = list(reversed(context.differences))
    assert list(chart.plots[0].series[0].values) == pytest.approx([row.mean for row in rows])
    for side, lengths in (
        ("plus", [row.upper - row.mean for row in rows]), ("minus", [row.mean - row.lower for row in rows])
    ):  # fmt: skip
        found = chart._chartSpace.xpath(f".//c:errBars/c:{side}//c:v")
        assert [float(value.text) for value in found] == pytest.approx(lengths)
    assert [child.tag.split("}")[1] for child in chart.plots[0].series[0]._element][-3:] == ["errBars", "cat", "val"]
    axis = chart.value_axis  # all of each interval is on it
    assert axis.minimum_scale <= min(row.lower for row in rows)
    assert axis.maximum_scale >= max(row.upper for row in rows)
    ends = [axis.minimum_scale / axis.major_unit, axis.maximum_scale / axis.major_unit]
    assert [end.is_integer() for end in ends] == [True, True]  # zero is among its marks
    book = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "'=HYPERLINK(1)" in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s", "n"}


def test_an_axis_of_shares_ends_at_all(run: Path, slides: list[Any]) -> None:
    context = Context(load_run(run), Words())
    title = context.say("tile.chance", horizon=context.horizon)
    (chart,) = [shape.chart for shape in titled(slides, title).shapes if shape.has_chart]
    assert (chart.value_axis.minimum_scale, chart.value_axis.maximum_scale) == (0.0, 1.0)


def test_nothing_on_a_slide_is_cut_off_or_covered(slides: list[Any]) -> None:
    for slide in slides:
        boxes = [(s.left / 914400, s.top / 914400, s.width / 914400, s.height / 914400) for s in slide.shapes]
        for place, (left, top, width, height) in enumerate(boxes):
            assert min(left, top) > 0
            assert left + width < 13.333
            assert top + height <= 7.5
            for other in boxes[:place]:
                apart = left >= other[0] + other[2] or other[0] >= left + width
                assert apart or top >= other[1] + other[3] - 0.01 or other[1] >= top + height - 0.01
        for shape in (shape for shape in slide.shapes if shape.has_text_frame):
            size = shape.text_frame.paragraphs[0].runs[0].font.size.pt
            letters = int((shape.width / 914400 - 0.2) * 72 / (0.5 * size))
            lines = sum(len(textwrap.wrap(paragraph.text, letters)) for paragraph in shape.text_frame.paragraphs)
            assert lines * 1.2 * size / 72 <= shape.height / 914400


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_number_is_parted_in_a_table_of_a_slide(run: Path, language: str) -> None:
    """By the width of a digit in DejaVu Sans, 0.636 of its size, the widest of the common fonts: what spaces and the
    ends of lines leave together fits its column."""
    context = Context(load_run(run), Words(language))
    ends = fmt.interval("−€1,224,403", "+€12,550,645", joint=context.say("page.joint"))
    block = table("t", heads(context, "deck", "mechanism", "here"), [row_of("Winning", f"+€254,967\n{ends}")])
    deck = _Deck(context)
    deck.slide("t").table(block, Box(1, 1, 4, 4), shares=(1, 1))
    (made,) = [shape.table for shape in deck.file.slides[0].shapes if shape.has_table]
    said = list(made.cell(1, 1).text_frame.paragraphs)
    assert "".join(paragraph.text for paragraph in said).count("€") == 3
    for paragraph in said:
        widest = max(map(len, paragraph.text.split(" ")))
        assert widest * 0.636 * paragraph.runs[0].font.size.pt / 72 <= 2 - 0.2


def test_what_does_not_fit_a_slide_is_in_its_notes(run: Path, tmp_path: Path) -> None:
    pieces = fake_run.make_pieces()
    pieces["assumptions"] *= 20
    pieces["comparison"]["best"] = []
    folder = fake_run.write_run(tmp_path, pieces)
    slide = titled(list(Presentation(io.BytesIO(documents.deck(folder))).slides), "The assumptions")
    (table,) = [shape.table for shape in slide.shapes if shape.has_table]
    left = 1 + 100 - len(table.rows)
    assert left > 50
    texts = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    assert f"Further rows are in the speaker notes: {left}" in texts
    assert slide.notes_slide.notes_text_frame.text.count(" | ") == left * (len(table.columns) - 1)
    assert fitting(["word " * 400], Box(0, 0, 5, 1), (20, 12)) is None
    assert fitting(["word"], Box(0, 0, 5, 1), (20, 12)) == 20


def test_what_it_takes_and_what_to_measure_have_slides(tmp_path: Path) -> None:
    """Where doing nothing was simulated, the differences are from it, best first."""
    record, *_ = test_decide.made_record()
    pieces = test_report._losing((-391, -465, -316)) | {"value_of_information": record.content(), "claims": []}
    run = fake_run.write_run(tmp_path, pieces)
    context, words = Context(load_run(run), Words()), Words()
    slides = list(Presentation(io.BytesIO(documents.deck(run))).slides)
    (table,) = [shape.table for shape in titled(slides, words("take.heading")).shapes if shape.has_table]
    rows = [[cell.text for cell in row.cells] for row in table.rows][1:]
    assert [row[2] for row in rows] == ["below 24.80", "at no value from 0% to 100%"]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in rows[0][3:]] == ["23.80 to 26", "25 (assumed)"]
    assert words("section.claims") not in [slide.shapes.title.text for slide in slides]
    measure = titled(slides, words("answer.measure"))
    (chart,) = [shape.chart for shape in measure.shapes if shape.has_chart]
    worths = [row.worth for row in record.rows if row.worth > 0 and row.kind != "rest"]
    assert max(chart.plots[0].series[0].values) == pytest.approx(max(worths))
    forest = titled(slides, words("chart.forest.title", baseline="Idle"))
    (chart,) = [shape.chart for shape in forest.shapes if shape.has_chart]
    assert list(chart.plots[0].series[0].values) == [-2241, -391]  # from below: the best one stands above
    assert context.run.comparison.nothing == "idle"
    test_nothing_on_a_slide_is_cut_off_or_covered(slides)


def program(path: Path, text: str) -> Path:
    """A Python program in place of a browser."""
    path.write_text(f"#!{sys.executable}\nimport sys\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_a_browser_prints_the_page_or_what_went_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = "page = open(sys.argv[-1].removeprefix('file://')).read()\n"
    copies += "target = [a for a in sys.argv if a.startswith('--print-to-pdf=')][0].partition('=')[2]\n"
    copies += "open(target, 'w').write('%PDF' + page)"
    monkeypatch.setenv(BROWSER, str(program(tmp_path / "good", copies)))
    assert printed("<p>é</p>") == "%PDF<p>é</p>".encode()
    monkeypatch.setenv(BROWSER, str(program(tmp_path / "bad", "sys.exit('no display')")))
    with pytest.raises(ConfigError, match="bad printed no PDF: no display"):
        printed("")
    monkeypatch.setattr("churnsim.report.documents.SECONDS", 0.2)
    monkeypatch.setenv(BROWSER, str(program(tmp_path / "slow", "import time; time.sleep(9)")))
    with pytest.raises(ConfigError, match="did not print the report within"):
        printed("")
    monkeypatch.setenv(BROWSER, str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="absent', which is no program"):
        printed("")
    monkeypatch.delenv(BROWSER)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no browser was found on the path\. Install Chromium"):
        printed("")
