"""What the customers answered: the instruments' estimates, satisfaction beside purchases, and the simulated state."""

from __future__ import annotations

from churnsim.records.survey import InstrumentRecord, MeasuredRow, SatisfactionMoney, SurveyRecord
from churnsim.report.charts.figures import survey_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, Heading, Paragraph, TableCell
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, noted, row_of, table

MAIN = ("index", "dimension", "overall", "path", "better", "worse", "ratio", "asymmetry", "stated", "derived")
"""Kinds of quantities that are drawn; the rest stands in the tables."""
MOST = 24  # more lines than this no picture makes clear


def chapter(context: Context) -> Chapter:
    """Empty when the run asked nobody."""
    survey = context.run.survey
    title = context.say("section.satisfaction")
    if survey is None:
        return Chapter(id="satisfaction", title=title)
    return Chapter(
        id="satisfaction",
        title=title,
        blocks=[
            Paragraph(text=_intro(context, survey)),
            *_state(context, survey),
            *(block for measured in survey.instruments for block in _instrument(context, survey, measured)),
            *(_money(context, survey, survey.money) if survey.money else []),
        ],
    )


def _intro(context: Context, survey: SurveyRecord) -> str:
    key = "survey.sampled" if survey.sampled else "survey.asked"
    return context.say(key, source=survey.source, respondents=fmt.count(survey.respondents))


def _state(context: Context, survey: SurveyRecord) -> list[Block]:
    state = survey.state
    if state is None:
        return []
    inside = "inside" if state.lower <= state.true <= state.upper else "outside"
    text = context.say(
        f"survey.state_{inside}",
        customers=fmt.count(state.customers),
        true=fmt.fixed(state.true, 3),
        estimate=fmt.fixed(state.estimate, 3),
        level=fmt.percent(survey.level),
        interval=context.interval(fmt.fixed(state.lower, 3), fmt.fixed(state.upper, 3)),
    )
    return [Paragraph(text=text)]


def _instrument(context: Context, survey: SurveyRecord, measured: InstrumentRecord) -> list[Block]:
    blocks: list[Block] = [
        Heading(text=context.say("survey.heading", instrument=measured.instrument)),
        Paragraph(text=context.say("survey.measures", says=measured.says, respondents=fmt.count(measured.n))),
    ]
    blocks += [Paragraph(text=text[:1].upper() + text[1:], tone="warning") for text in measured.warnings]
    drawn = [row for row in measured.table if row.group in MAIN][:MOST]
    if drawn:
        blocks.append(survey_figure(context, measured.instrument, drawn, level=survey.level))
    caption = context.say("survey.caption", instrument=measured.instrument)
    return [*blocks, Details(summary=caption, blocks=[_table(context, caption, measured.table, 3)])]


def _money(context: Context, survey: SurveyRecord, money: SatisfactionMoney) -> list[Block]:
    say, level = context.say, fmt.percent(survey.level)
    sentences = [
        say("survey.joined", joined=fmt.count(money.joined), answered=fmt.percent(money.answered, 0)),
    ]
    if money.not_found:
        sentences.append(say("survey.not_found", number=fmt.count(money.not_found)))
    if money.buying:
        ratio = money.buying
        interval = context.interval(fmt.fixed(ratio.lower, 2), fmt.fixed(ratio.upper, 2))
        sentences.append(say("survey.buying", ratio=fmt.fixed(ratio.ratio, 2), level=level, interval=interval))
    if money.worth:
        worth = money.worth
        interval = context.money_interval(worth.lower, worth.upper)
        sentences.append(say("survey.worth", amount=context.money(worth.estimate), level=level, interval=interval))
    blocks: list[Block] = [Heading(text=say("survey.money")), Paragraph(text=context.prose(*sentences))]
    confounded = money.buying.e_value if money.buying else None
    if confounded is not None:
        blocks.append(Paragraph(text=say("survey.confounding", e_value=fmt.fixed(confounded, 2)), tone="note"))
    return [*blocks, _classes(context, money.classes)]


def _classes(context: Context, measured: list[MeasuredRow]) -> Block:
    """A row a class of satisfaction: what one of its customers buys, and how that stands to the average."""
    say = context.say
    found: dict[str, dict[str, MeasuredRow]] = {}
    for row in measured:
        name, _, quantity = row.name.rpartition(": ")
        found.setdefault(name, {})[quantity] = row
    known = ("purchases", "revenue", "profit", "profit ratio")
    keys = [key for key in known if any(key in quantities for quantities in found.values())]
    each = (f"each_{key.replace(' ', '_')}#" for key in keys)
    columns = heads(context, "survey", "class", "respondents#", *each)
    rows = []
    for name, quantities in found.items():
        cells = [_quantity(context, key, quantities[key]) for key in keys]
        number = max(row.n for row in quantities.values())
        rows.append(row_of(fmt.sentence(name), fmt.count(number), *cells))
    return table(say("survey.classes"), columns, rows)


def _quantity(context: Context, key: str, row: MeasuredRow) -> TableCell:
    """An estimate with its interval below: money as money, numbers with two decimals."""
    if key in ("revenue", "profit"):
        text, interval = context.money(row.estimate), context.money_interval(row.lower, row.upper)
    else:
        text = fmt.fixed(row.estimate, 2)
        interval = context.interval(*(fmt.fixed(bound, 2) for bound in (row.lower, row.upper)))
    return noted(text, interval)


def _table(context: Context, caption: str, rows: list[MeasuredRow], digits: int) -> Block:
    columns = heads(context, "survey", "quantity", "estimate#", "lower#", "upper#", "respondents#")
    cells = [
        row_of(
            row.name,
            fmt.fixed(row.estimate, digits),
            fmt.fixed(row.lower, digits),
            fmt.fixed(row.upper, digits),
            fmt.count(row.n),
        )
        for row in rows
    ]
    return table(caption, columns, cells, quiet=True)
