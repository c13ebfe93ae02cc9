"""What one must believe for a statement to hold, and which assumptions the answer depends on."""

from __future__ import annotations

from churnsim.records.what_if import SensitivityRecord, SensitivityRow
from churnsim.report.charts.figures import region_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Heading, Paragraph, TableBlock, TableCell
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table


def chapter(context: Context) -> Chapter:
    """A map for each statement asked about, in words and as a picture; then the assumptions by influence."""
    say, asked = context.say, context.run.what_if
    blocks: list[Block] = []
    if asked.beliefs:
        blocks.append(Paragraph(text=say("beliefs.intro")))
    for belief in asked.beliefs:
        blocks.append(Heading(text=belief.title))
        blocks += [Paragraph(text=sentence) for sentence in belief.words]
        blocks.append(region_figure(context, belief))
    if asked.sensitivity:
        blocks += [Heading(text=say("beliefs.sensitivity_heading")), *_sensitivity(context, asked.sensitivity)]
    return Chapter(id="beliefs", title=say("section.beliefs"), blocks=blocks)


def _sensitivity(context: Context, found: SensitivityRecord) -> list[Block]:
    say = context.say
    intro = say(
        f"beliefs.{found.method}_intro",
        quantity=found.quantity,
        points=fmt.count(found.points),
        replications=fmt.count(found.replications),
        noise=fmt.percent(found.noise),
    )
    return [Paragraph(text=intro), _table(context, found)]


def _table(context: Context, found: SensitivityRecord) -> TableBlock:
    say, morris = context.say, found.method == "morris"
    influence = ("mu_star#", "mu#") if morris else ("total#", "first#")
    columns = heads(context, "beliefs", "assumption~", "range#", *influence)
    caption = say("beliefs.sensitivity_caption", quantity=found.quantity, level=fmt.percent(found.level))
    return table(caption, columns, [_row(context, row, morris) for row in found.rows])


def _row(context: Context, row: SensitivityRow, morris: bool) -> list[TableCell]:
    def number(value: float | None) -> str:
        return context.money(value) if morris else fmt.fixed(value, 2)

    status = context.status(row.range_status)
    main, lower, upper, other = (
        (row.mu_star, row.mu_star_lower, row.mu_star_upper, row.mu)
        if morris
        else (row.total, row.total_lower, row.total_upper, row.first)
    )
    return row_of(
        TableCell(text=row.assumption, note=context.say("page.term", term=status, text=row.range_source)),
        context.significant_interval(row.low, row.high),
        TableCell(text=number(main), note=context.interval(number(lower), number(upper))),
        number(other),
    )
