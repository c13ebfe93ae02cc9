"""The answer on one page, verdict first, as strong as the intervals allow and no stronger; then the same in detail."""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.records.run import Difference, ReplayRecord, ValueRecord
from churnsim.report.chapters.claims import answer_counts, answers, judged
from churnsim.report.headline import (
    apart,
    few_carry,
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
    TableBlock,
    Tile,
    Tiles,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, noted, row_of, table
from churnsim.report.what_it_takes import amount, how_it_was_found, lever_title, mechanism_title, what_it_takes
from churnsim.report.what_to_measure import sentence

MOST_CLAIMS = 3  # each is told by itself on the first page; of more, how many came out with each answer


def chapter(context: Context) -> Chapter:
    """What a hurried reader takes along: the verdict, its numbers, how surely each strategy is best, what to measure
    next, and what all of it rests on."""
    said, first = headline(context), context.run.value_of_information
    blocks: list[Block] = [Paragraph(text=context.prose(*said.verdict), tone="lead")]
    if said.beside:
        blocks.append(Paragraph(text=context.prose(*said.beside)))
    blocks.append(Tiles(tiles=tiles(context)))
    if len(context.run.comparison.best) > 1:  # of one that is left, nothing is to be chosen
        blocks.append(chances(context))
    if first is not None:
        blocks += [
            Paragraph(text=context.say("answer.measure"), tone="label"),
            Paragraph(text=sentence(context, first)),
        ]
    rests = [*said.leaves_out, *([context.say("answer.more_warnings")] if said.warnings else [])]
    if rests:
        blocks += [Paragraph(text=context.say("answer.rests"), tone="label")]
        blocks.append(Paragraph(text=context.prose(*rests), tone="warning"))
    return Chapter(id="answer", title=context.say("section.answer"), blocks=blocks)


def detail(context: Context) -> Chapter:
    """What must be read beside the answer, what it would take to pay, and what there is of the other strategies."""
    run, warnings = context.run, headline(context).warnings
    replay, choice = run.validation.replay, run.notices.choice
    blocks: list[Block] = []
    if warnings:
        blocks += [Paragraph(text=context.say("answer.warnings"), tone="label"), Listing(items=warnings)]
    takes = what_it_takes(context)
    if takes:
        blocks += [Heading(text=context.say("take.heading")), Listing(items=takes)]
        blocks.append(Paragraph(text=how_it_was_found(context), tone="note"))
    paragraphs = (
        _rest(context),
        _listed(context, "reference", context.references) + _equity(context),
        replay_sentences(context, replay) if replay else [],
        [context.with_titles(choice.why)] if choice else [],
        [*variance_sentences(context), *how_read(context)],
    )
    blocks += [Paragraph(text=context.prose(*sentences)) for sentences in paragraphs if sentences]
    return Chapter(id="detail", title=context.say("section.detail"), blocks=blocks)


def chances(context: Context) -> TableBlock:
    """How surely each strategy is the best and what choosing it costs, beside what it earns more than nothing; the one
    that loses least first."""
    comparison = context.run.comparison
    against_nothing = comparison.against_nothing if comparison.nothing else context.differences
    differences = {row.strategy: row for row in against_nothing}
    rows = []
    for found in sorted(comparison.best, key=lambda row: row.loss):
        row = differences.get(found.strategy)
        more = noted(context.difference(row.mean), context.signed_interval(row.lower, row.upper)) if row else fmt.ABSENT
        rows.append(
            row_of(
                context.titles[found.strategy],
                more,
                context.signed_interval(row.future_lower, row.future_upper) if row else fmt.ABSENT,
                fmt.percent(found.chance, 0),
                context.difference(found.loss, sign=False),
            )
        )
    said = _against(context)
    columns = heads(context, "answer", "strategy", "more#", "one_future#", "chance#", "loss#", **said)
    return table(context.say("answer.chances", **said), columns, rows)


def _against(context: Context) -> dict[str, str]:
    """What the chances are against, with their level and horizon."""
    comparison = context.run.comparison
    against = context.titles[comparison.against if comparison.nothing is None else comparison.nothing]
    return {"against": against, "level": context.level, "horizon": context.horizon}


def how_read(context: Context) -> list[str]:
    """How the table of chances is to be read."""
    comparison = context.run.comparison
    if len(comparison.best) < 2:
        return []
    replications = fmt.count(comparison.replications)
    return [context.say("answer.chances_note", replications=replications, **_against(context))]


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


def tiles(context: Context) -> list[Tile]:
    """The figures of the answer, each with what it is."""
    run, told = context.run, decision_tiles(context)
    if context.active:
        key = "tile.active_note" if "interval" in context.active else "tile.active_note_plain"
        note = context.say(key, **context.active)
        told.append(Tile(label=context.say("tile.active"), number=context.active["alive"], note=note))
    if run.value:
        key = "tile.value" if run.value.margin is not None else "tile.value_by_tenure"
        label = context.say(key, horizon=context.span_of(run.value), margin=fmt.percent(run.value.margin))
        number = context.money(run.value.total)
        told.append(Tile(label=label, number=number, note=_value_note(context, run.value)))
    replay = run.validation.replay
    if replay:
        label = context.say("tile.replay", span=context.kept_back)
        told.append(Tile(label=label, number=fmt.fixed(replay.mean, 0), note=_replay_note(context, replay)))
    if run.claims:
        note = answers(context) if len(run.claims) <= MOST_CLAIMS else answer_counts(context)
        told.append(Tile(label=context.say("tile.claims"), number=fmt.count(judged(context)), note=note))
    return told


def decision_tiles(context: Context) -> list[Tile]:
    """What the best strategy earns more, how surely it is the best, and where it breaks even."""
    told = list[Tile]()
    if context.against_nothing:
        best = context.against_nothing[0]
        note = context.say("tile.difference_note", level=context.level, **named(context, best))
        if chances := unsettled(context, best):
            note = context.say("tile.unsettled_note", strategy=context.titles[best.strategy], **chances)
        note += context.say("tile.few_carry") if few_carry(context, best) else ""
        told.append(Tile(label=context.say("tile.nothing"), number=context.difference(best.mean), note=note))
    elif context.contenders:
        best = context.contenders[0]
        note = context.say("tile.difference_note", level=context.level, **named(context, best))
        note += context.say("tile.few_carry") if few_carry(context, best) else ""
        label = context.say("tile.difference", baseline=context.baseline)
        told.append(Tile(label=label, number=context.difference(best.mean), note=note))
    return [*told, *_chance_tile(context), *_even_tile(context)]


def _chance_tile(context: Context) -> list[Tile]:
    """In how many futures the one with the least expected loss is the best choice, and what choosing it may cost."""
    found = context.run.comparison.best
    if len(found) < 2:
        return []
    least = min(found, key=lambda row: row.loss)
    note = context.say(
        "tile.chance_note", strategy=context.titles[least.strategy], horizon=context.horizon,
        loss=context.difference(least.loss, sign=False),
    )  # fmt: skip
    likeliest = max(found, key=lambda row: row.chance)
    if likeliest.strategy != least.strategy:
        name = context.titles[likeliest.strategy]
        note += context.say("tile.chance_other", strategy=name, share=fmt.percent(likeliest.chance, 0))
    return [
        Tile(label=context.say("tile.chance", horizon=context.horizon), number=fmt.percent(least.chance, 0), note=note)
    ]


def _even_tile(context: Context) -> list[Tile]:
    """Where the mechanism that earns most breaks even, of those that do so anywhere."""
    found = context.run.break_even
    for part in sorted(found.alone, key=lambda part: -part.gain.mean) if found else []:
        row = next((row for row in part.rows if row.metric == "npv" and row.at is not None), None)
        if row is not None and row.pays in ("above", "below"):
            label = context.say(f"tile.even_{row.pays}", what=mechanism_title(context, part.mechanism))
            note = context.say(
                "tile.even_note", number=lever_title(context, row), value=amount(context, row, row.value),
                status=context.status(row.status),
            )  # fmt: skip
            return [Tile(label=label, number=amount(context, row, row.at), note=note)]
    return []


def _value_note(context: Context, value: ValueRecord) -> str:
    interval = context.money_interval(value.lower, value.upper)
    if interval == fmt.ABSENT:
        return context.say("tile.value_note_plain", customers=fmt.count(value.customers))
    ratio = value.holdout_ratio
    key = "tile.value_note" if ratio is None else "tile.value_note_up" if ratio >= 1 else "tile.value_note_down"
    gap = "" if ratio is None else apart(context, ratio, 1.0)
    return context.say(key, level=fmt.percent(value.level), interval=interval, gap=gap)


def _replay_note(context: Context, replay: ReplayRecord) -> str:
    wider = replay.with_parameter_uncertainty
    key = "covered" if replay.covered else "wider" if wider and wider.covered else "missed"
    gap = apart(context, replay.actual, replay.mean)
    return context.say(
        f"tile.replay_{key}", actual=fmt.count(replay.actual), gap=gap, level=fmt.percent(replay.level)
    )  # fmt: skip
