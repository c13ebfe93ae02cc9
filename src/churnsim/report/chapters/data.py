"""The data: source, checksum, period, customers, and the rows set aside."""

from __future__ import annotations

from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, Facts, Paragraph
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table

MOST_SET_ASIDE = 25


def chapter(context: Context) -> Chapter:
    """Where the customers came from."""
    say, facts = context.say, context.run.manifest.data
    first, last = fmt.day(facts.first), fmt.day(facts.last)
    customers, rows = fmt.count(facts.customers), fmt.count(facts.rows)
    subscribers = context.run.survival
    kind = "intro_subscribers" if subscribers else "intro"
    made = rows if facts.purchases is None else fmt.count(facts.purchases)
    counts = [(say("data.customers"), customers), (say("data.purchases"), made), (say("data.rows"), rows)]
    if subscribers:
        counts = [(say("data.subscribers"), customers), (say("data.leavers"), fmt.count(subscribers.leavers))]
    left_out = sum(facts.left_out.values()) if facts.left_out else len(facts.set_aside)
    read = [] if facts.rows_read is None else [(say("data.rows_read"), fmt.count(facts.rows_read))]
    blocks: list[Block] = [
        Paragraph(text=say(f"data.{kind}", customers=customers, purchases=made, first=first, last=last)),
        Facts(
            rows=[
                (say("data.source"), context.words.told(facts.source)),
                (say("data.period"), context.interval(first, last)),
                *counts,
                *read,
                (say("data.left_out"), fmt.count(left_out)),
                *([(say("data.currency"), facts.currency or say("data.no_currency"))] if context.has_amounts else []),
                (say("data.checksum"), f"sha256:{facts.checksum_sha256}"),
            ]
        ),
        Paragraph(text=say("data.some_left_out" if left_out else "data.none_left_out")),
    ]
    if facts.left_out:
        reasons = [
            row_of(fmt.sentence(context.words.told(reason)), fmt.count(rows)) for reason, rows in facts.left_out.items()
        ]
        blocks.append(
            table(say("data.left_out_caption"), heads(context, "data", "column_reason~", "left_out#"), reasons)
        )
    if facts.set_aside:
        blocks.append(_set_aside(context))
    return Chapter(id="data", title=say("section.data"), blocks=blocks)


def _set_aside(context: Context) -> Details:
    say, bad = context.say, context.run.manifest.data.set_aside
    keys, told = ("row", "column", "value"), context.words.told
    columns = heads(context, "data", "column_row", "column_column", "column_value", "column_reason~")
    shown = [
        row_of(*(fmt.cell(row.get(key)) for key in keys), told(str(row.get("reason", ""))))
        for row in bad[:MOST_SET_ASIDE]
    ]
    caption = say("data.set_aside_caption")
    inside: list[Block] = [table(caption, columns, shown, quiet=True)]
    if len(bad) > len(shown):
        more = say("data.set_aside_more", shown=fmt.count(len(shown)), total=fmt.count(len(bad)))
        inside.append(Paragraph(text=more, tone="note"))
    return Details(summary=caption, blocks=inside)
