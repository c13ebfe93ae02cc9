"""A run as slides: the report's sentences, its figures as charts that can be edited, and the rest in the speaker notes.

What does not fit a slide stands in its notes, whole sentences or rows at a time: no text is cut or grows over another.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches, Pt

from churnsim.data.database.export import neutral, sheet_cell
from churnsim.plots.theme import ACTUAL, EXPECTED, GRID, INK
from churnsim.records.run import Difference
from churnsim.report.chapters import answer, assumptions, claims, customers
from churnsim.report.chapters.method import limits
from churnsim.report.charts.figures import open_ended
from churnsim.report.headline import headline, replay_sentences
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Paragraph, TableBlock
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, lines_of, pieces, row_of, table, text_width
from churnsim.report.what_it_takes import (
    amount,
    how_it_was_found,
    lever_title,
    mechanism_title,
    open_key,
    what_it_takes,
)
from churnsim.report.what_it_takes import limits as even_limits
from churnsim.report.what_to_measure import how_sure, named, sentence, shown, trial_sentence, what_it_is

WIDTH, HEIGHT, EDGE = 13.333, 7.5, 0.6  # inches
TOP, BOTTOM = 1.45, 6.95  # of what stands below the title
SIZES = (22, 20, 18, 16, 14, 13, 12)  # points of a text, the largest that fits
TABLE_SIZES = (14, 12, 11)
LETTER = 0.52  # of the size: the width of a letter, on average, in a wide font
DIGIT = 0.64  # of the size: the width of a digit, in a wide font
WIDE_LETTER = 1 / (2 * LETTER)  # of two letters: the width of a Chinese one
LINE, WIDE_LINE = 1.22, 1.45  # of the size: the height of a line, and of one with Chinese letters
GAP = 0.5  # of the size: between two paragraphs
PADDING = 0.1  # inches around a text in its box or cell, to each side
CHINESE_FONT = "Microsoft JhengHei"
WORTHS = 8  # numbers of which the chart says what it is worth to know them
_READ_AS_MORE = re.compile(r"(?:(?:https?|ftp)://|mailto:|internal:|external:|\{=)", re.IGNORECASE)


class Box(NamedTuple):
    """A place on a slide, in inches."""

    left: float
    top: float
    width: float
    height: float


MOST_STEPS = 12
BODY = Box(EDGE, TOP, WIDTH - 2 * EDGE, BOTTOM - TOP)


def filled(context: Context) -> bytes:
    """The content of a .pptx file."""
    deck = _Deck(context)
    for slide in (
        _answer, _differences, _chances, _break_evens, _measure, _customers, _contacts, _holdout, _claims, _assumptions,
        _limits,
    ):  # fmt: skip
        slide(deck, context)
    content = io.BytesIO()
    deck.file.save(content)
    return content.getvalue()


class _Deck:
    """The slides so far."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.file = Presentation()
        self.file.slide_width, self.file.slide_height = Inches(WIDTH), Inches(HEIGHT)
        self.file.core_properties.title = sheet_cell(context.run.manifest.title)

    def slide(self, title: str) -> _Slide:
        """A further slide with its title and the run in its footer."""
        return _Slide(self.file.slides.add_slide(self.file.slide_layouts[5]), title, self.context)


class _Slide:
    """One slide: what is put on it finds its size, and what does not fit goes to the notes."""

    def __init__(self, slide: Any, title: str, context: Context) -> None:
        self.slide, self.context = slide, context
        self._notes: list[str] = []
        box = Box(EDGE, 0.35, WIDTH - 2 * EDGE, 1.0)
        shape = slide.shapes.title
        shape.left, shape.top, shape.width, shape.height = map(Inches, box)
        size = fitting([title], box, (28, 24, 20, 18, 16, 14)) or 12
        _write(shape.text_frame, [title], size, bold=True)
        shape.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        manifest = context.run.manifest
        self.texts([context.say("deck.footer", title=manifest.title, run=manifest.name)], FOOTER, sizes=(10, 8))

    def notes(self, *texts: str) -> None:
        """Say something in the speaker notes."""
        self._notes += [text for text in texts if text]
        if not self._notes:
            return
        self.slide.notes_slide.notes_text_frame.text = sheet_cell(fmt.unglued("\n\n".join(self._notes)))

    def texts(self, texts: Sequence[str], box: Box, *, sizes: Sequence[int] = SIZES) -> None:
        """Paragraphs as large as fit; those that do not even at the smallest size go to the notes."""
        told = [text for text in texts if text]
        count = next((n for n in range(len(told), 0, -1) if fitting(told[:n], box, sizes)), 0)
        if count:
            frame = self.slide.shapes.add_textbox(*map(Inches, box)).text_frame
            _write(frame, told[:count], fitting(told[:count], box, sizes) or sizes[-1])
        self.notes(*told[count:])

    def chart(self, kind: Any, data: Any, box: Box, *, about: str, number_format: str) -> Any:
        """A chart of the program's own, with its numbers in a sheet, and a description for those who do not see it."""
        frame = self.slide.shapes.add_chart(kind, *map(Inches, box), data)
        frame._element.nvGraphicFramePr.cNvPr.set("descr", sheet_cell(about))
        chart = frame.chart
        chart.has_title, chart.has_legend = False, len(chart.plots[0].series) > 1
        chart.font.size, chart.font.color.rgb = Pt(12), _colour(INK)
        if chart.has_legend:
            chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
        chart.value_axis.tick_labels.number_format = number_format
        chart.value_axis.tick_labels.number_format_is_linked = False
        chart.value_axis.major_gridlines.format.line.color.rgb = _colour(GRID)
        for series, colour in zip(chart.plots[0].series, (EXPECTED, ACTUAL, ACTUAL), strict=False):
            series.format.fill.solid()
            series.format.fill.fore_color.rgb = _colour(colour)
        return chart

    def table(self, block: TableBlock, box: Box, *, shares: Sequence[float]) -> None:
        """The first rows of a table, as many as fit; its columns have `shares` of the width. The others go to the
        notes."""
        widths = [box.width * share / sum(shares) for share in shares]
        texts = [[column.title for column in block.columns]]
        texts += [[f"{cell.text}\n{cell.note}" if cell.note else cell.text for cell in row] for row in block.rows]
        texts = _parted(texts, widths, joint=self.context.say("page.joint"))
        fits = [size for size in TABLE_SIZES if _rows_fitting(texts, widths, box, size) == len(texts)]
        size = next((size for size in fits if not _breaks_a_word(texts, widths, size)), fits[-1] if fits else None)
        if size is None:
            size, below = TABLE_SIZES[-1], Box(box.left, box.top + box.height - 0.45, box.width, 0.45)
            box = box._replace(height=box.height - 0.45)
        count = max(2, _rows_fitting(texts, widths, box, size))
        if count < len(texts):
            self.texts([self.context.say("deck.more", count=fmt.count(len(texts) - count))], below, sizes=(12,))
        heights = [_row_height(row, widths, size) for row in texts[:count]]
        place = Box(box.left, box.top, box.width, sum(heights))
        made = self.slide.shapes.add_table(len(texts[:count]), len(widths), *map(Inches, place)).table
        for column, width in zip(made.columns, widths, strict=True):
            column.width = Inches(width)
        for row, (told, height) in enumerate(zip(texts[:count], heights, strict=True)):
            made.rows[row].height = Inches(height)
            for column, text in enumerate(told):
                _write(made.cell(row, column).text_frame, text.split("\n"), size, bold=row == 0, plain=row == 0)
        self.notes(*(" | ".join(row).replace("\n", ", ") for row in texts[count:]))


FOOTER = Box(EDGE, HEIGHT - 0.5, WIDTH - 2 * EDGE, 0.4)


def fitting(texts: Sequence[str], box: Box, sizes: Sequence[int]) -> int | None:
    """The largest of the sizes at which paragraphs fit into a box, by counting letters and lines; None if none does."""
    for size in sizes:
        lines = sum(_lines(text, box.width, size) * _line(text) for text in texts)
        points = size * (lines + GAP * (len(texts) - 1))
        if points / 72 + 2 * PADDING <= box.height:
            return size
    return None


def _lines(text: str, width: float, size: float) -> int:
    letters = max(1, math.floor((width - 2 * PADDING) * 72 / (LETTER * size)))
    return sum(lines_of(line, letters, wide=WIDE_LETTER) for line in text.split("\n"))


def _line(text: str) -> float:
    return WIDE_LINE if text_width(text) > len(text) else LINE


def _parted(rows: list[list[str]], widths: Sequence[float], *, joint: str) -> list[list[str]]:
    """The rows with intervals on two lines in columns that are too narrow for one even at the smallest size: programs
    would part a number from its sign."""
    between = f"\N{NO-BREAK SPACE}{joint}\N{NO-BREAK SPACE}"
    for place, width in enumerate(widths):
        room = (width - 2 * PADDING) * 72 / (DIGIT * TABLE_SIZES[-1])
        lines = [line for row in rows for line in fmt.unglued(row[place]).split("\n") if between in line]
        if any(text_width(line) > room for line in lines):
            rows = [[*row[:place], row[place].replace(between, f" {joint}\n"), *row[place + 1 :]] for row in rows]
    return rows


def _breaks_a_word(rows: Sequence[Sequence[str]], widths: Sequence[float], size: float) -> bool:
    """Whether a word is longer than the column it stands in."""
    room = [(width - 2 * PADDING) * 72 / size for width in widths]
    cells = [(text, most) for row in rows for text, most in zip(row, room, strict=True)]
    # What no-break spaces hold together is one word; digits are wider than letters are on average.
    return any(
        width * (DIGIT if any(map(str.isdigit, word)) else LETTER) > most
        for text, most in cells
        for word in re.split("[ \n]", fmt.unglued(text))
        for _, width in pieces(word, wide=WIDE_LETTER)
    )


def _row_height(row: Sequence[str], widths: Sequence[float], size: float) -> float:
    lines = max(_lines(text, width, size) * _line(text) for text, width in zip(row, widths, strict=True))
    return lines * size / 72 + 0.12


def _rows_fitting(rows: Sequence[Sequence[str]], widths: Sequence[float], box: Box, size: float) -> int:
    """How many of the first rows fit."""
    height = 0.0
    for count, row in enumerate(rows):
        height += _row_height(row, widths, size)
        if height > box.height:
            return count
    return len(rows)


def _write(frame: Any, texts: Iterable[str], size: float, *, bold: bool = False, plain: bool = False) -> None:
    """Paragraphs of one size; `plain` leaves the colour to the table's own style."""
    frame.word_wrap = True
    for place, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text, run.font.size, run.font.bold = sheet_cell(fmt.unglued(text)), Pt(size), bold
        if not text.isascii():  # a program's own choice for Chinese need not fit the Latin letters
            run._r.get_or_add_rPr().append(parse_xml(f'<a:ea {nsdecls("a")} typeface="{CHINESE_FONT}"/>'))
        if not plain:
            run.font.color.rgb = _colour(INK)


def _colour(text: str) -> Any:
    return RGBColor.from_string(text.removeprefix("#").upper())


def _label(text: str) -> str:
    """A name beside a chart's numbers: also in the sheet behind it no text is a formula or a link."""
    safe = sheet_cell(neutral(text))
    return f"'{safe}" if _READ_AS_MORE.match(safe) else str(safe)


def _bars(
    slide: _Slide, rows: Sequence[tuple[str, float, float | None, float | None]], box: Box, *, name: str, about: str,
    number_format: str,
) -> None:  # fmt: skip
    """Bars with intervals, the first row at the top."""
    data = CategoryChartData(number_format=number_format)
    data.categories = [_label(row[0]) for row in reversed(rows)]
    data.add_series(_label(name), [row[1] for row in reversed(rows)])
    chart = slide.chart(XL_CHART_TYPE.BAR_CLUSTERED, data, box, about=about, number_format=number_format)
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    # Programs leave out labels that do not fit in two lines, or of which they find too many.
    chart.category_axis.tick_labels.font.size = Pt(max(8, min(12, math.floor(72 * box.height / (3.6 * len(rows))))))
    skip = parse_xml(f'<c:tickLblSkip {nsdecls("c")} val="1"/>')
    chart.category_axis._element.find(f"{{{skip.nsmap['c']}}}noMultiLvlLbl").addprevious(skip)
    _axis_title(chart.value_axis, name)
    plot = chart.plots[0]
    plot.gap_width = 60
    plot.series[0].invert_if_negative = False
    ends = [(mean, lower, upper) for _, mean, lower, upper in reversed(rows)]
    if all(lower is not None and upper is not None for _, lower, upper in ends):
        intervals = [(mean, lower or 0.0, upper or 0.0) for mean, lower, upper in ends]
        _add_intervals(plot.series[0], intervals)
        # Programs lay an axis out by the bars alone, and would cut the intervals off.
        low, high = min(0.0, *map(min, intervals)), max(0.0, *map(max, intervals))
        unit = _step(high - low)
        chart.value_axis.minimum_scale = math.floor(low / unit) * unit
        chart.value_axis.maximum_scale = math.ceil(high / unit) * unit
        chart.value_axis.major_unit = unit
    else:
        if number_format.endswith("%"):  # programs leave room for shares that there are not
            chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = 0.0, 1.0
        plot.has_data_labels = True
        plot.data_labels.number_format, plot.data_labels.number_format_is_linked = number_format, False


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten, of which `span` has between five and twelve."""
    power = 10.0 ** math.floor(math.log10(span or 1.0))
    return next(step for step in (power / 10 * k for k in (1, 2, 5, 10)) if span / step <= MOST_STEPS)


def _add_intervals(series: Any, ends: Sequence[tuple[float, float, float]]) -> None:
    """Error bars from the lower to the upper ends, which the library has no call for."""

    def values(tag: str, lengths: Sequence[float]) -> str:
        points = "".join(f'<c:pt idx="{i}"><c:v>{length:.10g}</c:v></c:pt>' for i, length in enumerate(lengths))
        return f'<c:{tag}><c:numLit><c:ptCount val="{len(lengths)}"/>{points}</c:numLit></c:{tag}>'

    bars = parse_xml(
        f'<c:errBars {nsdecls("c", "a")}><c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
        + values("plus", [upper - mean for mean, _, upper in ends])
        + values("minus", [mean - lower for mean, lower, _ in ends])
        + f'<c:spPr><a:ln w="19050"><a:solidFill><a:srgbClr val="{INK[1:]}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
    )
    series._element.find(f"{{{series._element.nsmap['c']}}}cat").addprevious(bars)


def _in_money(context: Context, what: str) -> str:
    return context.say("deck.in_money", what=what, currency=context.currency) if context.currency else what


def _money_format(largest: float) -> str:
    return "#,##0" if largest >= 100 else "#,##0.00"


def _answer(deck: _Deck, context: Context) -> None:
    """The verdict and its tiles; in the notes what it rests on."""
    said = headline(context)
    slide = deck.slide(context.say("section.answer"))
    tiles = [
        context.say("page.term", term=tile.label, text=context.aside(tile.number, tile.note))
        for tile in answer.tiles(context)
    ]
    slide.texts([*said.verdict, *said.beside], Box(EDGE, TOP, BODY.width, 2.7))
    slide.texts(tiles, Box(EDGE, TOP + 2.8, BODY.width, BODY.height - 2.8), sizes=SIZES[3:])
    slide.notes(*said.leaves_out, *said.warnings)


def _compared(context: Context) -> tuple[str, list[Difference]]:
    """The title of what the strategies are compared with, and their differences from it: from spending nothing, where
    that was simulated beside what all are compared with."""
    comparison = context.run.comparison
    if comparison.nothing:
        return context.titles[comparison.nothing], sorted(comparison.against_nothing, key=lambda row: -row.mean)
    return (context.baseline if context.differences else ""), context.differences


def _differences(deck: _Deck, context: Context) -> None:
    against, rows = _compared(context)
    if not rows:
        return
    slide = deck.slide(context.say("chart.forest.title", baseline=against))
    shown_rows = [(context.titles[row.strategy], row.mean, row.lower, row.upper) for row in rows]
    reading = context.listed(
        [
            context.say(
                "chart.row_interval", name=context.titles[row.strategy], number=context.difference(row.mean),
                interval=context.signed_interval(row.lower, row.upper),
            )
            for row in rows
        ]
    )  # fmt: skip
    about = context.say("chart.forest.description", reading=reading)
    form = f"+{_money_format(context.largest_difference)};-{_money_format(context.largest_difference)};0"
    box = Box(EDGE, TOP, BODY.width, BODY.height - 1.5)
    _bars(
        slide, shown_rows, box, name=_in_money(context, context.say("chart.forest.x")), about=about, number_format=form
    )
    below = Box(EDGE, BOTTOM - 1.4, BODY.width, 1.4)
    slide.texts(
        [context.say("page.sentence", text=reading), context.say("deck.intervals", level=context.level)],
        below,
        sizes=SIZES[3:],
    )
    slide.notes(
        *(
            context.say("page.term", term=context.titles[s.name], text=s.description)
            for s in context.run.strategies
            if s.description
        )
    )


def _chances(deck: _Deck, context: Context) -> None:
    found = sorted(context.run.comparison.best, key=lambda row: -row.chance)
    if len(found) < 2:
        return
    title = context.say("tile.chance", horizon=context.horizon)
    slide = deck.slide(title)
    rows = [(context.titles[row.strategy], float(f"{100 * row.chance:.0f}") / 100, None, None) for row in found]
    reading = context.listed(context.say("chart.row", name=name, number=fmt.percent(x, 0)) for name, x, *_ in rows)
    chart = 0.38 * BODY.width
    box = Box(EDGE, TOP, chart - 0.2, BODY.height)
    _bars(slide, rows, box, name=title, about=reading, number_format="0%")
    place = Box(EDGE + chart, TOP, BODY.width - chart, BODY.height)
    slide.table(answer.chances(context), place, shares=(3, 5, 6, 2, 3))
    slide.notes(*answer.how_read(context))


def _break_evens(deck: _Deck, context: Context) -> None:
    found = context.run.break_even
    if found is None or not found.alone:
        return
    slide = deck.slide(context.say("take.heading"))
    rows = []
    for part in found.alone:
        for row in (row for row in part.rows if row.metric == "npv"):
            ends = {"at": amount(context, row, row.at), "low": amount(context, row, row.low)}
            pays = context.say(f"deck.pays_{row.pays}{open_key(row)}", high=amount(context, row, row.high), **ends)
            here = context.aside(amount(context, row, row.value), context.status(row.status))
            what = mechanism_title(context, part.mechanism)
            rows.append(row_of(what, lever_title(context, row), pays, even_limits(context, row), here))
    level = fmt.percent(found.level)
    columns = heads(context, "deck", "mechanism", "lever", "pays", "interval", "here", level=level)
    slide.table(table(context.say("take.heading"), columns, rows), BODY, shares=(4, 6, 4, 4, 4))
    slide.notes(*what_it_takes(context), how_it_was_found(context))


def _measure(deck: _Deck, context: Context) -> None:
    found = context.run.value_of_information
    if found is None:
        return
    slide = deck.slide(context.say("answer.measure"))
    slide.texts([sentence(context, found)], Box(EDGE, TOP, BODY.width, 1.3))
    rows = [row for row in shown(found, most=WORTHS) if row.worth > 0 and row.kind != "rest"]
    if rows:
        bars = [(fmt.sentence(named(context, row)), row.worth, row.lower, row.upper) for row in rows]
        reading = context.listed(
            [context.say("chart.row", name=name, number=context.money(worth)) for name, worth, *_ in bars]
        )
        about = context.say("chart.worth.description", reading=reading)
        box = Box(EDGE, TOP + 1.4, BODY.width, BODY.height - 1.4)
        form = _money_format(max(row.worth for row in rows))
        _bars(slide, bars, box, name=_in_money(context, context.say("chart.worth.x")), about=about, number_format=form)
    trials = [trial_sentence(context, found, trial) for trial in found.trials]
    slide.notes(*trials, *what_it_is(context, found), how_sure(context, found))


def _customers(deck: _Deck, context: Context) -> None:
    told = context.run.customers
    if told is None:
        return
    slide = deck.slide(context.say("section.customers"))
    half = BODY.width / 2
    place = Box(EDGE, TOP + 1.7, half - 0.2, BODY.height - 1.7)
    readings = [customers.cohorts_reading(context, told)]
    if told.cohorts:
        data = CategoryChartData(number_format="0%")
        returned = customers.bought_again(told)
        data.categories = [str(age) for age in returned]
        data.add_series(context.say("deck.bought_again"), list(returned.values()))
        chart = slide.chart(XL_CHART_TYPE.COLUMN_CLUSTERED, data, place, about=readings[0], number_format="0%")
        units = context.say(f"customers.periods_{told.period}")
        _axis_title(chart.category_axis, context.say("chart.cohorts.x", units=units))
        _axis_title(chart.value_axis, context.say("deck.bought_again"))
    if told.whale:
        readings.append(customers.whale_reading(context, told))
        what = customers.what_they_bring(context)
        points = XyChartData(number_format="0%")
        for key in ("value", "lower", "upper"):
            series = points.add_series(context.say(f"deck.whale_{key}"))
            for row in told.whale:
                series.add_data_point(row.customers, getattr(row, key))
        place = Box(EDGE + half + 0.2, place.top, half - 0.2, place.height)
        chart = slide.chart(
            XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, points, place, about=readings[-1], number_format="0%"
        )
        for line, colour in zip(chart.plots[0].series, (EXPECTED, ACTUAL, ACTUAL), strict=True):
            line.format.line.color.rgb, line.smooth = _colour(colour), False
        chart.value_axis.maximum_scale = chart.category_axis.maximum_scale = 1.0
        chart.category_axis.tick_labels.number_format = "0%"
        chart.category_axis.tick_labels.number_format_is_linked = False
        _axis_title(chart.category_axis, context.say("chart.whale.x"))
        _axis_title(chart.value_axis, context.say(f"chart.whale.{what}"))
    slide.texts(readings, Box(EDGE, TOP, BODY.width, 1.6), sizes=SIZES[2:])


def _axis_title(axis: Any, title: str) -> None:
    axis.has_title = True
    _write(axis.axis_title.text_frame, [title], 12)


def _contacts(deck: _Deck, context: Context) -> None:
    told = context.run.customers
    if told is None or not told.contacts:
        return
    slide = deck.slide(context.say("customers.first_heading"))
    block = customers.contacts_table(context, told)
    slide.table(block, Box(EDGE, TOP, BODY.width, BODY.height - 0.8), shares=[3, *[2] * (len(block.columns) - 1)])
    slide.texts([context.say("customers.first_note")], Box(EDGE, BOTTOM - 0.7, BODY.width, 0.7), sizes=SIZES[3:])
    slide.notes(context.say("customers.first_intro", listed=fmt.count(told.listed)))


def _holdout(deck: _Deck, context: Context) -> None:
    validation = context.run.validation
    rows = validation.holdout_by_frequency
    if not rows and validation.replay is None:
        return
    slide = deck.slide(context.say("section.prediction"))
    if validation.replay is not None:
        slide.texts(replay_sentences(context, validation.replay), Box(EDGE, TOP, BODY.width, 1.8), sizes=SIZES[1:])
    if rows:
        data = CategoryChartData(number_format="0.00")
        labels = open_ended(context, [row.frequency for row in rows])
        data.categories = [_label(label) for label in labels]
        for key in ("actual", "expected"):
            data.add_series(context.say(f"chart.holdout.{key}"), [getattr(row, key) for row in rows])
        reading = context.listed(
            [
                context.say(
                    "chart.holdout.one", frequency=label, actual=fmt.fixed(row.actual, 2),
                    expected=fmt.fixed(row.expected, 2),
                )
                for label, row in zip(labels, rows, strict=True)
            ]
        )  # fmt: skip
        end = fmt.day(validation.calibration_end)
        about = context.say("chart.holdout.description", calibration_end=end, reading=reading)
        place = Box(EDGE, TOP + 1.9, BODY.width, BODY.height - 1.9)
        chart = slide.chart(XL_CHART_TYPE.COLUMN_CLUSTERED, data, place, about=about, number_format="0.0")
        _axis_title(chart.category_axis, context.say("chart.holdout.x"))
        _axis_title(chart.value_axis, context.say("chart.holdout.y"))
    last = fmt.day(validation.holdout_end)
    end = fmt.day(validation.calibration_end)
    slide.notes(context.say("prediction.intro", calibration_end=end, holdout_end=last))


def _claims(deck: _Deck, context: Context) -> None:
    if not context.run.claims:
        return
    slide = deck.slide(context.say("section.claims"))
    slide.table(claims.summary(context), BODY, shares=(5, 1))
    told = context.say("page.term", term=context.say("tile.claims"), text=claims.answer_counts(context))
    slide.notes(context.say("claims.intro"), context.say("page.sentence", text=told))


def _assumptions(deck: _Deck, context: Context) -> None:
    chapter = assumptions.chapter(context)
    blocks = [block for block in chapter.blocks if isinstance(block, TableBlock)]
    if not blocks:
        return
    slide = deck.slide(chapter.title)
    slide.table(blocks[-1], BODY, shares=(5, 3, 2, 6) if len(blocks[-1].columns) == 4 else (5, 3, 6))
    slide.notes(*(block.text for block in chapter.blocks if isinstance(block, Paragraph)))


def _limits(deck: _Deck, context: Context) -> None:
    slide = deck.slide(context.say("method.limits"))
    slide.texts(limits(context), BODY, sizes=SIZES[1:])
    manifest = context.run.manifest
    slide.notes(context.say("page.footer", version=manifest.churnsim, run=manifest.name, hash=manifest.hash))
