"""What `churnsim watch` found as one offline page: purchases against their forecast, when to run the study again."""

from __future__ import annotations

import pandas as pd

import churnsim
from churnsim.plots.picture import AxisSpec, Mark, PictureSpec
from churnsim.plots.theme import ALARM, EXPECTED, INK
from churnsim.records.watch import WatchRecord, WatchRow
from churnsim.report.html import page_of
from churnsim.report.messages import Words
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    ColumnHead,
    Facts,
    FigureBlock,
    Listing,
    Paragraph,
    TableBlock,
    TableCell,
)
from churnsim.report.page.extras import require_report_extra
from churnsim.report.page.tables import row_of, table


def watch_page(found: WatchRecord, *, language: str | None = None) -> str:
    """The page, as HTML text, in the language of the study's report if None; nothing is written. Needs the extra
    [report]."""
    require_report_extra()
    words = Words(found.language if language is None else language)
    with fmt.written(words("page.locale")):
        return _page(found, words)


def _page(found: WatchRecord, words: Words) -> str:
    chapters = [
        Chapter(id="came", title=words("watch.came"), blocks=_came(found, words)),
        Chapter(id="again", title=words("watch.again"), blocks=[_reasons(found, words)]),
        Chapter(id="against", title=words("watch.against"), blocks=[_ground(found, words)]),
    ]
    return page_of(
        chapters, words, title=words("watch.title"), source=found.run, date=fmt.day(found.until),
        footer=words("page.footer", version=churnsim.__version__, run=found.run, hash=found.fits_sha256[:8]),
    )  # fmt: skip


def _came(found: WatchRecord, words: Words) -> list[Block]:
    total = [row for row in found.rows if row.cohort == found.rows[-1].cohort]  # all customers come last
    last = total[-1]
    said = {
        "came": fmt.count(last.purchases), "forecast": fmt.count(last.expected), "until": fmt.day(found.until),
        "since": fmt.day(found.since), "limits": _limits(last, words), "level": fmt.percent(found.level),
    }  # fmt: skip
    blocks: list[Block] = [Paragraph(text=words("watch.lead", **said), tone="lead")]
    if found.alarms:
        names = words("page.list_separator").join(_name(row.cohort, words) for row in found.alarms)
        blocks.append(Paragraph(text=words("watch.alarm", who=names), tone="warning"))
    else:
        blocks.append(Paragraph(text=words("watch.quiet")))
    if not found.forecast_first:
        blocks.append(Paragraph(text=words("watch.younger"), tone="note"))
    return [*blocks, _figure(found, total, words), _by_period(found, total, words), _by_cohort(found, words)]


def _figure(found: WatchRecord, total: list[WatchRow], words: Words) -> FigureBlock:
    from churnsim.report.charts.svg import draw, maker

    start = {"until": found.since, "purchases": 0, "expected": 0.0, "lower": 0.0, "upper": 0.0, "alarm": ""}
    rows = pd.DataFrame([start, *(row.content() for row in total)])
    rows["until"] = pd.to_datetime(rows["until"])
    came, forecast = words("watch.column.came"), words("watch.column.forecast")
    lines = pd.concat(
        rows.assign(number=rows[column], series=name) for column, name in (("purchases", came), ("expected", forecast))
    )
    passed = rows[rows["alarm"] != ""]
    picture = PictureSpec(
        marks=[
            Mark(kind="band", table=rows, x="until", y="lower", y2="upper", opacity=0.15),
            Mark(kind="line", table=lines, x="until", y="number", series="series"),
            *([Mark(kind="points", table=passed, x="until", y="purchases", colour=ALARM)] if len(passed) else []),
        ],
        x=AxisSpec(title="", kind="date"),
        y=AxisSpec(title=words("watch.axis"), zero=True),
        series={came: (INK, (1, 0)), forecast: (EXPECTED, (6, 3))},
    )
    title, note = words("watch.figure"), words("watch.figure_note")
    wide, narrow = draw(maker(picture), name="figure-watch", title=title, description=note)
    number = words("page.figure", number="1")
    return FigureBlock(id="figure-watch", number=number, title=title, note=note, wide=wide, narrow=narrow)


def _by_period(found: WatchRecord, total: list[WatchRow], words: Words) -> TableBlock:
    money = total[0].spend is not None

    def amounts(row: WatchRow) -> list[str]:
        return (
            [fmt.money(value, found.currency, decimals=0) for value in (row.spend, row.expected_spend)] if money else []
        )

    keys = ["came", "forecast", *(["spent", "spend_forecast"] if money else []), "since", "limits"]
    rows = [
        row_of(
            fmt.day(row.until), fmt.count(row.in_period), fmt.count(row.expected_in_period),
            *amounts(row), fmt.count(row.purchases), _limits(row, words), _badge(row, words),
        )
        for row in total
    ]  # fmt: skip
    return table(words("watch.periods", since=fmt.day(found.since)), _heads(words, "until", keys), rows)


def _by_cohort(found: WatchRecord, words: Words) -> TableBlock:
    rows = [
        row_of(
            _name(row.cohort, words), fmt.count(row.customers), fmt.count(row.purchases), fmt.count(row.expected),
            _limits(row, words), _badge(row, words),
        )
        for row in found.rows if row.until == found.until
    ]  # fmt: skip
    heads = _heads(words, "cohort", ["customers", "came", "forecast", "limits"])
    return table(words("watch.cohorts", until=fmt.day(found.until)), heads, rows)


def _reasons(found: WatchRecord, words: Words) -> Block:
    if not found.refit:
        return Paragraph(text=words("watch.no_reason"))
    return Listing(items=[words("watch.reason", reason=fmt.sentence(words.told(reason))) for reason in found.refit])


def _ground(found: WatchRecord, words: Words) -> Facts:
    new = found.newcomers
    newcomers = words("watch.newcomers", customers=fmt.count(new.customers), purchases=fmt.count(new.purchases))
    told = {
        "stored": words("watch.of_run", model=found.model, run=found.run, day=fmt.day(found.stored)),
        "fits": found.fits_sha256, "log": found.log_sha256, "export": found.export, "new": newcomers,
        "past": fmt.sentence(words.told(found.past.told)) if found.past else words("watch.no_past"),
    }  # fmt: skip
    return Facts(rows=[(words(f"watch.fact.{key}"), text) for key, text in told.items()])


def _heads(words: Words, first: str, numbers: list[str]) -> list[ColumnHead]:
    named = [ColumnHead(title=words(f"watch.column.{key}"), numeric=True) for key in numbers]
    return [ColumnHead(title=words(f"watch.column.{first}")), *named, ColumnHead(title=words("watch.column.alarm"))]


def _badge(row: WatchRow, words: Words) -> TableCell:
    return TableCell(text=words(f"watch.{row.alarm}") if row.alarm else words("watch.none"))


def _name(cohort: str, words: Words) -> str:
    return words.known(f"watch.cohort.{cohort}", cohort)


def _limits(row: WatchRow, words: Words) -> str:
    return fmt.interval(fmt.count(row.lower), fmt.count(row.upper), joint=words("page.joint"))
