"""The strategies side by side: what they do and spend, paired differences, levels, and paths over time."""

from __future__ import annotations

import math

from churnsim.records.run import Level
from churnsim.report.chapters.answer import reading
from churnsim.report.charts.figures import forest_figure, path_figure, spending_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Cell, Chapter, Column, Details, Heading, Table, Text
from churnsim.report.page.context import Context
from churnsim.report.page.tables import row_of, table

__all__ = ["chapter"]

BADGES = {"better": "good", "worse": "bad", "undecided": "open"}
MONEY = frozenset(
    {"npv", "equity", "profit", "revenue", "margin", "acquisition", "retention", "service", "recovery", "fixed"}
)


def chapter(context: Context) -> Chapter:
    """The comparison, from money put in to money got out."""
    say, comparison = context.say, context.run.comparison
    blocks: list[Block] = [
        Text(text=say("strategies.intro", replications=fmt.count(comparison.replications))),
        _described(context),
    ]
    if context.differences:
        blocks.append(Heading(text=say("strategies.difference_heading", baseline=context.baseline)))
        blocks += [forest_figure(context), _differences(context), *_bootstrap(context)]
        blocks.append(Text(text=say("strategies.reduction_note", baseline=context.baseline), tone="note"))
    blocks += _how_sure(context)
    blocks += _spending(context)
    blocks += [Heading(text=say("strategies.levels_heading")), _levels(context)]
    if comparison.path:
        blocks.append(Heading(text=say("strategies.path_heading")))
        blocks += [path_figure(context, "active"), path_figure(context, "profit")]
    return Chapter(id="strategies", title=say("section.strategies"), blocks=blocks)


def _how_sure(context: Context) -> list[Block]:
    """Whether the precision asked for was reached, and what the selection of the best came to."""
    say, comparison = context.say, context.run.comparison
    told: list[Block] = []
    if comparison.precision:
        p = comparison.precision
        reached = say(
            "strategies.precision_reached" if p.reached else "strategies.precision_missed",
            asked=context.money(p.half_width),
            half_width=context.money(p.reached_half_width),
            metric=context.words.known(f"metric.{p.metric}", p.metric),
            replications=fmt.count(comparison.replications),
        )
        told.append(Text(text=reached))
    if comparison.selection:
        s = comparison.selection
        chosen = say(
            "strategies.selection_made" if s.chosen else "strategies.selection_open",
            chosen=context.titles.get(s.chosen or "", ""),
            remaining=", ".join(context.titles.get(name, name) for name in s.remaining),
            metric=context.words.known(f"metric.{s.metric}", s.metric),
            indifference=context.money(s.indifference),
            level=fmt.percent(s.level),
            replications=fmt.count(s.replications),
        )
        told.append(Text(text=chosen))
    return [Heading(text=say("strategies.sure_heading")), *told] if told else []


def _described(context: Context) -> Table:
    say = context.say
    columns = [
        Column(title=say("strategies.strategy")),
        Column(title=say("strategies.budget"), numeric=True),
        Column(title=say("strategies.what"), prose=True),
    ]
    rows = [
        row_of(context.titles[s.name], context.money(s.budget_per_period), s.description)
        for s in context.run.strategies
    ]
    return table(say("strategies.described"), columns, rows)


def _differences(context: Context) -> Table:
    say = context.say
    columns = [
        Column(title=say("strategies.strategy")),
        Column(title=say("strategies.verdict")),
        Column(title=say("strategies.difference"), numeric=True),
        Column(title=say("strategies.future"), numeric=True),
        Column(title=say("strategies.correlation"), numeric=True),
    ]
    rows = []
    for d in context.differences:
        read, reduction = reading(d), fmt.significant(d.variance_reduction, 2)
        interval = context.signed_interval(d.lower, d.upper)
        rows.append(
            row_of(
                context.titles[d.strategy],
                Cell(text=say(f"strategies.{read}"), badge=BADGES[read]),
                Cell(text=context.difference(d.mean), note="" if interval == fmt.ABSENT else interval),
                context.signed_interval(d.future_lower, d.future_upper),
                Cell(text=fmt.fixed(d.correlation, 2), note="" if reduction == fmt.ABSENT else f"{reduction}×"),
            )
        )
    return table(say("strategies.difference_caption", baseline=context.baseline, level=context.level), columns, rows)


def _bootstrap(context: Context) -> list[Block]:
    """The same intervals without a law assumed, beside the table: six columns of money are wider than a page."""
    say, found = context.say, [d for d in context.differences if d.bootstrap_lower is not None]
    if not found:
        return []
    columns = [Column(title=say("strategies.strategy")), Column(title=say("strategies.bootstrap"), numeric=True)]
    rows = [
        row_of(context.titles[d.strategy], context.signed_interval(d.bootstrap_lower, d.bootstrap_upper)) for d in found
    ]
    caption = say("strategies.bootstrap_caption")
    return [Details(summary=caption, blocks=[table(caption, columns, rows, quiet=True)])]


def _spending(context: Context) -> list[Block]:
    """Figure and table of the accounts on which anything is spent."""
    say, spent = context.say, context.run.comparison.spending
    used = dict.fromkeys(row.account for row in spent if row.mean != 0)
    accounts = {a: context.words.known(f"account.{a}", a.replace("_", " ")) for a in used}
    if not accounts:
        return []
    amounts = {(row.strategy, row.account): row.mean for row in spent}
    totals = {
        s.name: math.fsum(amounts.get((s.name, account), 0.0) for account in accounts) for s in context.run.strategies
    }
    largest = max(map(abs, totals.values()))
    columns = [
        Column(title=say("strategies.strategy")),
        *(Column(title=title, numeric=True) for title in accounts.values()),
        Column(title=say("strategies.total"), numeric=True),
    ]
    rows = [
        row_of(
            context.titles[name],
            *(context.money(amounts.get((name, account)), like=largest) for account in accounts),
            context.money(total, like=largest),
        )
        for name, total in totals.items()
    ]
    return [
        Heading(text=say("strategies.spending_heading")),
        spending_figure(context, accounts=accounts, totals=totals),
        table(say("strategies.spending_caption", horizon=context.horizon), columns, rows),
    ]


def _levels(context: Context) -> Table:
    """One row a metric, one column a strategy, below the mean half the width of its interval: as narrow as it can be
    said, so that five strategies stand side by side."""
    say, metrics, strategies = context.say, context.run.comparison.metrics, context.run.strategies
    columns = [
        Column(title=say("strategies.measure")),
        *(Column(title=context.titles[s.name], numeric=True) for s in strategies),
    ]
    rows = []
    for name, metric in metrics.items():
        levels = {level.strategy: level for level in metric.levels}
        title = context.words.known(f"metric.{name}", name.replace("_", " "))
        if name == "purchases" and context.run.survival:
            title = say("strategies.payments")
        rows.append(row_of(title, *(_level(context, name, levels.get(s.name)) for s in strategies)))
    caption = say("strategies.all_levels_caption", horizon=context.horizon, level=context.level)
    return table(caption, columns, rows)


def _level(context: Context, metric: str, level: Level | None) -> Cell:
    if level is None:
        return Cell(text=fmt.ABSENT)
    half = None if level.lower is None or level.upper is None else (level.upper - level.lower) / 2
    if metric in MONEY:
        text, margin = context.money(level.mean), context.money(half, like=level.mean)
    else:
        text, margin = fmt.count(level.mean), fmt.significant(half, 2)
    return Cell(text=text, note="" if margin == fmt.ABSENT else fmt.plus_minus(margin))
