"""The answer, verdict first, as strong as the intervals allow and no stronger."""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.records.run import Difference, ReplayRecord, ValueRecord
from churnsim.report.chapters.claims import answer_counts, judged
from churnsim.report.headline import (
    apart,
    headline,
    named,
    replay_sentences,
    unsettled,
    variance_sentences,
)
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    Heading,
    Listing,
    Paragraph,
    TableCell,
    Tile,
    Tiles,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table
from churnsim.report.what_it_takes import how_it_was_found, what_it_takes
from churnsim.report.what_to_measure import sentence


def chapter(context: Context) -> Chapter:
    """The answer in one paragraph, what must be read beside it, and the numbers to take along."""
    said, run = headline(context), context.run
    replay, choice = run.validation.replay, run.notices.choice
    blocks: list[Block] = [Paragraph(text=" ".join(said.verdict), tone="lead")]
    if said.leaves_out:
        blocks.append(Paragraph(text=" ".join(said.leaves_out), tone="warning"))
    if said.warnings:
        blocks += [Paragraph(text=context.say("answer.warnings"), tone="label"), Listing(items=said.warnings)]
    blocks.append(Tiles(tiles=_tiles(context)))
    if run.comparison.best:
        blocks += _chances(context)
    takes = what_it_takes(context)
    if takes:
        blocks += [Heading(text=context.say("take.heading")), Listing(items=takes)]
        blocks.append(Paragraph(text=how_it_was_found(context), tone="note"))
    paragraphs = (
        _rest(context),
        _listed(context, "reference", context.references) + _equity(context),
        replay_sentences(context, replay) if replay else [],
        [context.with_titles(choice.why)] if choice else [],
    )
    blocks += [Paragraph(text=" ".join(sentences)) for sentences in paragraphs if sentences]
    return Chapter(id="answer", title=context.say("section.answer"), blocks=blocks)


def _chances(context: Context) -> list[Block]:
    """How surely each strategy is the best and what choosing it costs, beside what it earns more than nothing; the one
    that loses least first."""
    comparison = context.run.comparison
    nothing = context.run.comparison.nothing
    against = comparison.against if nothing is None else nothing
    differences = {row.strategy: row for row in (comparison.against_nothing if nothing else context.differences)}
    rows = []
    for found in sorted(comparison.best, key=lambda row: row.loss):
        row = differences.get(found.strategy)
        interval = context.signed_interval(row.lower, row.upper) if row else fmt.ABSENT
        rows.append(
            row_of(
                context.titles[found.strategy],
                TableCell(
                    text=context.difference(row.mean) if row else fmt.ABSENT,
                    note="" if interval == fmt.ABSENT else interval,
                ),
                context.signed_interval(row.future_lower, row.future_upper) if row else fmt.ABSENT,
                fmt.percent(found.chance, 0),
                context.difference(found.loss, sign=False),
            )
        )
    said = {"against": context.titles[against], "level": context.level, "horizon": context.horizon}
    columns = heads(context, "answer", "strategy", "more#", "one_future#", "chance#", "loss#", **said)
    note = context.say("answer.chances_note", replications=fmt.count(comparison.replications), **said)
    told = " ".join([*variance_sentences(context), note])
    first = context.run.value_of_information
    measure = [Paragraph(text=sentence(context, first))] if first is not None else []
    return [table(context.say("answer.chances", **said), columns, rows), Paragraph(text=told, tone="note"), *measure]


def _listed(context: Context, key: str, rows: Sequence[Difference]) -> list[str]:
    """One sentence about some of the strategies, each with its difference and interval."""
    items = [context.say("answer.one", **named(context, r) | {"difference": context.difference(r.mean)}) for r in rows]
    said = {"baseline": context.baseline, "nothing": context.titles.get(context.run.comparison.nothing or "", "")}
    return [context.say(f"answer.{key}", list=context.listed(items), **said)] if items else []


def _rest(context: Context) -> list[str]:
    """What is to be said of the other strategies, and the scale of it all."""
    rows, against = context.contenders, context.run.comparison.against
    if not rows:
        return []
    sentences = []
    level = next((x for x in context.run.comparison.metrics["npv"].levels if x.strategy == against), None)
    if level is not None and level.mean > 0:
        share = fmt.percent(abs(rows[0].mean) / level.mean, 1)
        said = {"baseline": context.baseline, "base": context.money(level.mean), "share": share}
        sentences.append(context.say("answer.relative", strategy=context.titles[rows[0].strategy], **said))
    for kind in ("better", "undecided", "worse"):
        sentences += _listed(context, kind, [row for row in rows[1:] if row.reading == kind])
    if len(rows) > 1:
        sentences.append(context.say("answer.not_ranked", baseline=context.baseline))
    return sentences


def _equity(context: Context) -> list[str]:
    """The same differences with what active customers are still worth, since a horizon cuts off what was bought
    late: from spending nothing where that was simulated, else from the baseline."""
    metric, against = context.run.comparison.metrics.get("equity"), context.run.comparison.against
    later, nothing = context.run.comparison.against_nothing_later, context.run.comparison.nothing
    if later and nothing:
        told = _listed(context, "equity_nothing", sorted(later, key=lambda row: -row.mean))
        return told + _beyond(context, against)
    rows = [row for row in metric.differences if row.against == against] if metric else []
    sentences = _listed(context, "equity", sorted(rows, key=lambda row: -row.mean))
    return sentences + _beyond(context, against) if sentences else []


def _beyond(context: Context, against: str) -> list[str]:
    share = context.share_beyond_horizon(against)
    if share is None:
        return []
    return [context.say("answer.equity_beyond", baseline=context.baseline, share=fmt.percent(share, 0))]


def _tiles(context: Context) -> list[Tile]:
    run, tiles = context.run, []
    if context.against_nothing:
        best = context.against_nothing[0]
        note = context.say("tile.difference_note", level=context.level, **named(context, best))
        if chances := unsettled(context, best):
            note = context.say("tile.unsettled_note", strategy=context.titles[best.strategy], **chances)
        tiles.append(Tile(label=context.say("tile.nothing"), number=context.difference(best.mean), note=note))
    elif context.contenders:
        best = context.contenders[0]
        note = context.say("tile.difference_note", level=context.level, **named(context, best))
        label = context.say("tile.difference", baseline=context.baseline)
        tiles.append(Tile(label=label, number=context.difference(best.mean), note=note))
    if run.value:
        key = "tile.value" if run.value.margin is not None else "tile.value_by_tenure"
        span = context.units(run.value.horizon, run.value.unit or run.validation.unit)
        label = context.say(key, horizon=span, margin=fmt.percent(run.value.margin))
        number = context.money(run.value.total)
        tiles.append(Tile(label=label, number=number, note=_value_note(context, run.value)))
    replay = run.validation.replay
    if replay:
        tiles.append(
            Tile(label=context.say("tile.replay"), number=fmt.fixed(replay.mean, 0), note=_replay_note(context, replay))
        )
    if run.claims:
        note = context.say("tile.claims_note", list=answer_counts(context))
        tiles.append(Tile(label=context.say("tile.claims"), number=fmt.count(judged(context)), note=note))
    return tiles


def _value_note(context: Context, value: ValueRecord) -> str:
    interval = context.money_interval(value.lower, value.upper)
    if interval == fmt.ABSENT:
        return context.say("tile.value_note_plain", customers=fmt.count(value.customers))
    key = "tile.value_note" if value.holdout_ratio is None else "tile.value_note_holdout"
    return context.say(key, level=fmt.percent(value.level), interval=interval)


def _replay_note(context: Context, replay: ReplayRecord) -> str:
    wider = replay.with_parameter_uncertainty
    key = "covered" if replay.covered else "wider" if wider and wider.covered else "missed"
    gap = apart(context, replay.actual, replay.mean)
    return context.say(
        f"tile.replay_{key}", actual=fmt.count(replay.actual), gap=gap, level=fmt.percent(replay.level)
    )  # fmt: skip
