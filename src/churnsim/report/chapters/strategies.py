"""The strategies side by side: what they do and spend, paired differences, levels, and paths over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from churnsim.records.run import Difference, Level, StrategyRecord
from churnsim.report.charts.figures import forest_figure, path_figure, spending_figure
from churnsim.report.headline import precision_sentences, unranked
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    ColumnHead,
    Heading,
    Listing,
    Paragraph,
    TableBlock,
    TableCell,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import folded, heads, noted, row_of, table

BADGES = {"better": "good", "worse": "bad", "undecided": "open"}
MONEY = frozenset({"npv", "equity", "profit", "revenue", "margin"})
MOST_REDUCTION = 1000  # times as many replications; beyond it the figure says no more than "very many"


def chapter(context: Context) -> Chapter:
    """The comparison, from money put in to money got out."""
    say, comparison = context.say, context.run.comparison
    blocks: list[Block] = []
    if len(context.run.strategies) > 1:
        blocks.append(Paragraph(text=say("strategies.intro", replications=fmt.count(comparison.replications))))
    if context.has_amounts:
        blocks.append(_described(context))
    blocks += _happens(context)
    if told := unranked(context):
        blocks += [Heading(text=say("strategies.unjudged_heading")), Listing(items=told)]
    if context.differences:
        blocks.append(Heading(text=say("strategies.difference_heading", baseline=context.baseline)))
        blocks += [forest_figure(context), _differences(context), *_bootstrap(context)]
        blocks.append(Paragraph(text=say("strategies.reduction_note", causes=_causes(context)), tone="note"))
    sure = precision_sentences(context)
    if sure:
        blocks += [Heading(text=say("strategies.sure_heading")), *(Paragraph(text=text) for text in sure)]
    blocks += _spending(context) if context.has_amounts else []
    if any(metric.levels for metric in comparison.metrics.values()):
        blocks += [Heading(text=say("strategies.levels_heading")), _levels(context)]
    if comparison.path:
        blocks.append(Heading(text=say("strategies.path_heading")))
        blocks += [path_figure(context, "active")]
        blocks += [path_figure(context, "profit")] if context.has_amounts else []
    title = say("section.strategies" if len(context.run.strategies) > 1 else "section.simulated")
    return Chapter(id="strategies", title=title, blocks=blocks)


def _causes(context: Context) -> str:
    """What makes one future differ from another, in words."""
    drawn = {"chance": True, "parameters": context.draws_parameters, "beliefs": context.draws_beliefs}
    return context.listed(context.say(f"strategies.by_{name}") for name, is_drawn in drawn.items() if is_drawn)


def _described(context: Context) -> TableBlock:
    """What was planned and what was spent: clubs, replies and rewards cost what happens, on top of any budget."""
    rows = []
    for strategy in context.run.strategies:
        what = TableCell(text=strategy.description or does(context, strategy))
        if strategy.description:
            what = TableCell(text=strategy.description, note=does(context, strategy))
        spent = context.spent.get(strategy.name)
        rows.append(
            row_of(
                context.titles[strategy.name],
                context.money(strategy.budget_per_period),
                fmt.ABSENT if spent is None else context.money(spent),
                what,
            )
        )
    columns = heads(context, "strategies", "strategy", "budget#", "spent#", "what~", horizon=context.horizon)
    return table(context.say("strategies.described"), columns, rows)


def does(context: Context, strategy: StrategyRecord) -> str:
    """What the firm does under a strategy, in words made from its settings alone."""
    told = []
    for part, settings in strategy.settings.items():
        values = {name: _setting(context, name, value) for name, value in settings.items()}
        if "rule" in settings:
            values["whom"] = context.words.known(f"whom.{settings['rule']}", str(settings["rule"]), **values)
        if "choose" in settings:
            values["choose"] = context.words.known(f"choose.{settings['choose']}", str(settings["choose"]))
        other = context.listed(f"{name.replace('_', ' ')} {text}" for name, text in values.items())
        sentence = context.words.known(f"does.{part}", f"{part.replace('_', ' ')}: {other}", **values)
        extras = (context.words.known(f"does_more.{part}.{name}", "", **values) for name in settings)
        told.append(sentence + "".join(extra for extra in extras if extra))
    if not told:
        return context.say("strategies.does_nothing")
    return context.say("page.sentence", text=fmt.sentence(context.listed(told)))


def _setting(context: Context, name: str, value: Any) -> str:
    """A setting as text: money, a length of time, a share or a number, as its name says; several by their names."""
    if isinstance(value, Mapping):
        return context.listed(f"{fmt.cell(key)} {fmt.percent(part)}" for key, part in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return fmt.cell(value)
    if name.startswith(("budget", "cost", "wage", "reward")):
        return context.money(value)
    if name in ("within", "silent_for", "notice", "mean_service_time"):
        return context.length(value)
    if name in ("share", "joins", "discount", "price_off", "share_at_once"):
        return fmt.percent(value)
    return fmt.cell(value)


def _happens(context: Context) -> list[Block]:
    """How often each strategy does something, and what comes of it: one row a count, one column a strategy."""
    say, found = context.say, context.run.comparison.activity
    if not found:
        return []
    means = {(row.what, row.strategy): row.mean for row in found}
    names = [
        strategy.name for strategy in context.run.strategies if any(row.strategy == strategy.name for row in found)
    ]
    rows = [
        row_of(
            context.words.known(f"activity.{what}", what.replace("_", " ")),
            *(fmt.count(round(means.get((what, name), 0.0), 1)) for name in names),
        )
        for what in dict.fromkeys(row.what for row in found)
    ]
    columns = [ColumnHead(title=say("strategies.count_head")), *_strategy_heads(context, names)]
    return [table(say("strategies.happens", horizon=context.horizon), columns, rows)]


def _strategy_heads(context: Context, names: list[str]) -> list[ColumnHead]:
    return [ColumnHead(title=context.titles[name], numeric=True) for name in names]


def _differences(context: Context) -> TableBlock:
    say = context.say
    rows = []
    for d in context.differences:
        rows.append(
            row_of(
                context.titles[d.strategy],
                TableCell(text=say(f"strategies.{d.reading}"), badge=BADGES[d.reading]),
                noted(context.difference(d.mean), context.signed_interval(d.lower, d.upper)),
                context.signed_interval(d.future_lower, d.future_upper),
                _pairing(context, d),
            )
        )
    columns = heads(context, "strategies", "strategy", "verdict", "difference#", "future#", "pairing#")
    return table(say("strategies.difference_caption", baseline=context.baseline, level=context.level), columns, rows)


def _pairing(context: Context, row: Difference) -> str:
    """How many times as many replications the same interval would have taken without pairing."""
    times = row.variance_reduction
    if times is None:
        return fmt.ABSENT
    if times > MOST_REDUCTION:
        return context.say("strategies.pairing_most", times=fmt.count(MOST_REDUCTION))
    return context.say("strategies.pairing_times", times=fmt.significant(times, 2))


def _bootstrap(context: Context) -> list[Block]:
    """The same intervals without a law assumed, beside the table: six columns of money are wider than a page."""
    found = [d for d in context.differences if d.bootstrap_lower is not None]
    if not found:
        return []
    rows = [
        row_of(context.titles[d.strategy], context.signed_interval(d.bootstrap_lower, d.bootstrap_upper)) for d in found
    ]
    columns = heads(context, "strategies", "strategy", "bootstrap#")
    return [folded(context.say("strategies.bootstrap_caption"), columns, rows)]


def _spending(context: Context) -> list[Block]:
    """Figure and table of the accounts on which anything is spent."""
    say, spent = context.say, context.run.comparison.spending
    used = dict.fromkeys(row.account for row in spent if row.mean != 0)
    accounts = {a: context.words.known(f"account.{a}", a.replace("_", " ")) for a in used}
    if not accounts:
        return []
    amounts = {(row.strategy, row.account): row.mean for row in spent}
    shown = [s.name for s in context.run.strategies if any(row.strategy == s.name for row in spent)]
    totals = {name: math.fsum(amounts.get((name, account), 0.0) for account in accounts) for name in shown}
    largest = max(map(abs, totals.values()))
    rows = [
        row_of(title, *(context.money(amounts.get((name, account)), like=largest) for name in shown))
        for account, title in accounts.items()
    ]
    rows.append(row_of(say("strategies.total"), *(context.money(total, like=largest) for total in totals.values())))
    columns = [*heads(context, "strategies", "account"), *_strategy_heads(context, shown)]
    return [
        Heading(text=say("strategies.spending_heading")),
        spending_figure(context, accounts=accounts, totals=totals),
        table(say("strategies.spending_caption", horizon=context.horizon), columns, rows),
    ]


def _levels(context: Context) -> TableBlock:
    """One row a metric, one column a strategy, below the mean half the width of its interval: as narrow as it can be
    said, so that five strategies stand side by side."""
    say, metrics = context.say, context.run.comparison.metrics
    compared = {level.strategy for metric in metrics.values() for level in metric.levels}
    names = [strategy.name for strategy in context.run.strategies if strategy.name in compared]
    rows = []
    for name, metric in metrics.items():
        if name in MONEY and not context.has_amounts:
            continue
        levels = {level.strategy: level for level in metric.levels}
        title = context.words.known(f"metric.{name}", name.replace("_", " "))
        if name == "purchases" and context.run.survival:
            title = say("strategies.payments")
        rows.append(row_of(title, *(_level(context, name, levels.get(strategy)) for strategy in names)))
        if name == "equity":
            rows += _beyond(context, names, levels)
    caption = say("strategies.all_levels_caption", horizon=context.horizon, level=context.level)
    return table(caption, [*heads(context, "strategies", "measure"), *_strategy_heads(context, names)], rows)


def _level(context: Context, metric: str, level: Level | None) -> TableCell:
    if level is None:
        return TableCell(text=fmt.ABSENT)
    half = None if level.lower is None or level.upper is None else (level.upper - level.lower) / 2
    if metric in MONEY:
        text, margin = context.money(level.mean), context.money(half, like=level.mean)
    else:
        text, margin = fmt.count(level.mean), fmt.significant(half, 2)
    return TableCell(text=text, note="" if margin == fmt.ABSENT else fmt.plus_minus(margin))


def _beyond(context: Context, names: list[str], equity: dict[str, Level]) -> list[list[TableCell]]:
    """Which share of the equity no simulation reached, and the equity with no more of it than lies within."""
    npv = {level.strategy: level.mean for level in context.run.comparison.metrics["npv"].levels}
    shares, capped = [], []
    for name in names:
        share, within = context.share_beyond_horizon(name), npv.get(name)
        shares.append(fmt.percent(share, 0))
        whole = equity[name].mean if name in equity else None
        most = None if within is None or whole is None else min(whole, 2 * max(within, 0.0))
        capped.append(context.money(most, like=whole))
    return [
        row_of(context.say("strategies.equity_beyond"), *shares),
        row_of(context.say("strategies.equity_capped"), *capped),
    ]
