"""What the customers in the data are worth: the total with its interval, and by tenth."""

from __future__ import annotations

import math

from churnsim.records.run import ValueRecord
from churnsim.report.charts.figures import value_figure
from churnsim.report.headline import leaves_after_repeats, value_sentences
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, Paragraph
from churnsim.report.page.context import Context
from churnsim.report.page.tables import folded, heads, row_of, table


def chapter(context: Context) -> Chapter:
    """Customer lifetime value of the base as fitted; empty when the run valued no customers."""
    title, value = context.say("section.value"), context.run.value
    if value is None:
        return Chapter(id="value", title=title)
    blocks: list[Block] = [Paragraph(text=context.prose(*_sentences(context, value)))]
    if value.by_model:
        blocks += _by_model(context, value)
    if value.by_decile:
        blocks += [value_figure(context, value), _deciles(context, value)]
    return Chapter(id="value", title=title, blocks=blocks)


def _by_model(context: Context, value: ValueRecord) -> list[Block]:
    """The same customers by each model, and by one average churn rate."""
    say = context.say
    columns = heads(context, "value", "model", "amount#", "interval_head#", "order#", "average_error#")
    rows = [
        row_of(
            context.family(row.model, context.words.told(fmt.sentence(row.model.replace("_", " ")))),
            context.money(row.total, like=value.total),
            context.money_interval(row.lower, row.upper),
            fmt.fixed(row.rank_correlation, 2),
            _error(row.average_rate_error),
        )
        for row in value.by_model
    ]
    sentence = say("value.average", rate=fmt.percent(value.average_churn, 2))
    told = context.prose(say("value.horizon_payment"), say("value.models_differ"), sentence)
    return [Paragraph(text=told), table(say("value.by_model"), columns, rows)]


def _error(share: float | None) -> str:
    """By how much one average rate misses a model, with its sign; nothing where it is itself."""
    if share is None or share == 0:
        return fmt.ABSENT
    return ("+" if share > 0 else "") + fmt.percent(share, 1)


def _sentences(context: Context, value: ValueRecord) -> list[str]:
    say, sentences = context.say, value_sentences(context, value)
    if value.mean_p_alive is not None:
        sentences.append(say("value.alive", alive=fmt.percent(value.mean_p_alive, 0)))
        if leaves_after_repeats(context):
            sentences.append(say("value.alive_until_repeat"))
    total = math.fsum(row.value for row in value.by_decile)
    if total > 0:
        sentences.append(say("value.top", share=fmt.percent(value.by_decile[0].value / total, 0)))
    return sentences


def _deciles(context: Context, value: ValueRecord) -> Details:
    say = context.say
    columns = heads(context, "value", "decile", "customers#", "amount#", "share#", "each#")
    total = math.fsum(row.value for row in value.by_decile)
    largest = max(abs(row.value) for row in value.by_decile)
    rows = [
        row_of(
            str(row.decile),
            fmt.count(row.customers),
            context.money(row.value, like=largest),
            fmt.percent(row.value / total, 1) if total > 0 else fmt.ABSENT,
            context.money(row.value / row.customers, like=1.0) if row.customers else fmt.ABSENT,
        )
        for row in value.by_decile
    ]
    return folded(say("value.caption"), columns, rows)
