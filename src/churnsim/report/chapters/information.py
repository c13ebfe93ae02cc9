"""What to find out first: what it is worth to know a number before choosing among the strategies."""

from __future__ import annotations

from churnsim.records.information import InformationRecord, TrialRow, WorthRow
from churnsim.report.charts.figures import worth_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Listing, Paragraph, TableBlock, TableCell
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table
from churnsim.report.what_to_measure import (
    between,
    how_sure,
    money,
    named,
    sentence,
    shown,
    trial_sentence,
    trials_by_number,
    what_it_is,
)

MOST = 12
"""Numbers that are told one by one."""


def chapter(context: Context) -> Chapter:
    """One sentence, the worth of each number as bars, and the table with the trials that were proposed."""
    found, blocks = context.run.value_of_information, list[Block]()
    if found is not None:
        blocks.append(Paragraph(text=sentence(context, found), tone="lead"))
        blocks.append(Paragraph(text=context.prose(*what_it_is(context, found))))
        if found.trials:
            blocks.append(Listing(items=[trial_sentence(context, found, trial) for trial in found.trials]))
        rows = shown(found, most=MOST)
        if drawn := [row for row in rows if row.worth > 0 and row.kind != "rest"]:
            blocks.append(worth_figure(context, drawn, found))
        blocks.append(_table(context, found, rows))
        blocks.append(
            Paragraph(text=context.prose(how_sure(context, found), *_left_out(context, found, rows)), tone="note")
        )
    return Chapter(id="information", title=context.say("section.information"), blocks=blocks)


def _left_out(context: Context, found: InformationRecord, rows: list[WorthRow]) -> list[str]:
    others = sum(row.kind == "number" for row in found.rows) - sum(row.kind == "number" for row in rows)
    return [context.say("measure.others", count=fmt.count(others))] if others else []


def _table(context: Context, found: InformationRecord, rows: list[WorthRow]) -> TableBlock:
    trials = trials_by_number(found)
    columns = heads(
        context, "measure", "number~", "belief#", "worth_head#", "share#", *(["trial_head#"] if trials else [])
    )
    told = [_row(context, row, trials.get(row.name) if trials else None, bool(trials)) for row in rows]
    return table(context.say("measure.caption", level=fmt.percent(found.level)), columns, told)


def _row(context: Context, row: WorthRow, trial: TrialRow | None, with_trials: bool) -> list[TableCell]:
    note = context.say("measure.count", count=fmt.count(len(row.numbers)))
    if row.kind == "number":  # a lever may call it by something else that it decides: say what the value is of
        unit = {assumed.parameter: assumed.unit for assumed in context.run.assumptions}.get(row.name)
        note = context.named([row.name, context.unit(unit)]) if unit else row.name
    belief = TableCell(text=fmt.ABSENT)
    if row.value is not None:
        interval = ""
        if row.low is not None and row.high is not None:
            interval = context.significant_interval(row.low, row.high)
        status = context.status(row.status)
        belief = TableCell(
            text=fmt.significant(row.value, 3), note=context.listed(text for text in (interval, status) if text)
        )
    cells: list[str | TableCell] = [
        TableCell(text=fmt.sentence(named(context, row)), note=note), belief,
        TableCell(text=money(context, row.worth), note=between(context, row)), fmt.percent(row.share, 0),
    ]  # fmt: skip
    if with_trials:
        net = money(context, trial.net) if trial else ""
        cells.append(TableCell(text=fmt.signed(net) if trial else fmt.ABSENT, note=trial.name if trial else ""))
    return row_of(*cells)
