"""The customers and their purchases: who came back by cohort, how much the best bring, and on whom most depends."""

from __future__ import annotations

from datetime import date

import pandas as pd

from churnsim.plots.of_customers import FORMATS, cohort_picture, whale_picture
from churnsim.records.base import Row
from churnsim.records.customers import CustomersRecord
from churnsim.report.charts.figures import drawn_figure
from churnsim.report.charts.svg import maker
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, ColumnHead, FigureBlock, Heading, Paragraph, TableBlock
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table

SHOWN = 12  # customers on the page; the others are in the list beside it
BEST = 0.2  # of the customers, of whom the text says what they bring


def chapter(context: Context) -> Chapter:
    """Cohorts as a heat map, the whale curve, and whom to contact first."""
    told, blocks = context.run.customers, list[Block]()
    if told is not None:
        blocks += _cohorts(context, told)
        if told.whale:
            blocks += [Heading(text=context.say("customers.whale_heading")), _whale(context, told)]
        if told.contacts:
            blocks += _first(context, told)
    return Chapter(id="customers", title=context.say("section.customers"), blocks=blocks)


def bought_again(told: CustomersRecord) -> dict[int, float]:
    """By periods since the first purchase, the share of the customers of all cohorts seen then who bought."""
    ages = sorted({row.age for row in told.cohorts})
    by_age = {age: [row for row in told.cohorts if row.age == age] for age in ages}
    return {age: sum(row.active for row in rows) / sum(row.customers for row in rows) for age, rows in by_age.items()}


def cohorts_reading(context: Context, told: CustomersRecord) -> str:
    """How many came back soon and late, or that there is no cohort."""
    if not told.cohorts:
        return context.say("customers.no_cohort")
    unit, units = (context.say(f"customers.{name}_{told.period}") for name in ("period", "periods"))
    shares = bought_again(told)
    last = max(shares)
    seen = sum(row.customers for row in told.cohorts if row.age == last)
    return context.say(
        "customers.cohorts", cohorts=fmt.count(len({row.cohort for row in told.cohorts})), unit=unit, units=units,
        first=fmt.percent(shares[1], 0), last=fmt.percent(shares[last], 0), age=fmt.count(last),
        seen=fmt.count(seen),
    )  # fmt: skip


def _cohorts(context: Context, told: CustomersRecord) -> list[Block]:
    reading = cohorts_reading(context, told)
    if not told.cohorts:
        return [Paragraph(text=reading)]
    unit, units = (context.say(f"customers.{name}_{told.period}") for name in ("period", "periods"))
    form = fmt.marks().dates.get(FORMATS[told.period], FORMATS[told.period])
    rows: list[Row] = [
        {
            "row": context.say(
                "customers.cohort", when=date.fromisoformat(row.cohort).strftime(form),
                customers=fmt.count(row.customers),
            ),
            "age": row.age,
            "value": row.share,
            "words": f"{100 * row.share:.0f}",
        }
        for row in told.cohorts
    ]  # fmt: skip
    x = context.say("chart.cohorts.x", units=units)
    make = maker(cohort_picture(pd.DataFrame(rows), x=x, y="", shade="", kind="share"))
    return [Paragraph(text=reading), drawn_figure(context, "cohorts", make, reading=reading, unit=unit)]


def whale_reading(context: Context, told: CustomersRecord) -> str:
    """What the best of the customers bring."""
    at = min(told.whale, key=lambda row: abs(row.customers - BEST))
    return context.say(
        f"customers.whale_{what_they_bring(context)}", customers=fmt.percent(at.customers, 0),
        share=fmt.percent(at.value, 0), level=fmt.percent(told.level),
        interval=context.interval(fmt.percent(at.lower, 0), fmt.percent(at.upper, 0)),
    )  # fmt: skip


def what_they_bring(context: Context) -> str:
    """Of what the whale curve is."""
    return "spending" if context.run.value is not None else "purchases"


def _whale(context: Context, told: CustomersRecord) -> FigureBlock:
    reading, what = whale_reading(context, told), what_they_bring(context)
    curve = pd.DataFrame([row.model_dump() for row in told.whale])
    words = {"x": context.say("chart.whale.x"), "y": context.say(f"chart.whale.{what}")}
    return drawn_figure(context, "whale", maker(whale_picture(curve, told=False, **words)), reading=reading)


def _first(context: Context, told: CustomersRecord) -> list[Block]:
    intro = context.say("customers.first_intro", listed=fmt.count(told.listed))
    if context.run.value is not None:
        intro = context.prose(intro, context.say("customers.first_margin"))
    return [
        Heading(text=context.say("customers.first_heading")),
        Paragraph(text=intro),
        contacts_table(context, told),
        Paragraph(text=context.say("customers.first_note"), tone="note"),
    ]


def contact_heads(context: Context, *, spent: bool) -> list[ColumnHead]:
    """Heads of a table of customers to contact, with or without the column of what they spent."""
    value = context.run.value
    horizon = context.span_of(value) if value else context.horizon
    return heads(
        context, "customers", "customer", "last#", "purchases#", *(["spent#"] if spent else []), "p_alive#",
        "expected#" if value else "expected_purchases#", "at_stake#", horizon=horizon,
    )  # fmt: skip


def contacts_table(context: Context, told: CustomersRecord) -> TableBlock:
    """The first of the customers to contact."""
    money = context.run.value is not None
    columns = contact_heads(context, spent=money)
    rows = []
    for row in told.contacts[:SHOWN]:
        amounts = [context.money(x) if money else fmt.fixed(x, 1) for x in (row.expected, row.at_stake)]
        spent = [context.money(row.spent)] if money else []
        facts = [fmt.day(row.last_purchase), fmt.count(row.purchases), *spent, fmt.percent(row.p_alive, 0), *amounts]
        rows.append(row_of(row.customer_id, *facts))
    return table(context.say("customers.first_caption"), columns, rows)
