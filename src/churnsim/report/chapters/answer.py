"""The answer, verdict first, as strong as the intervals allow and no stronger."""

from __future__ import annotations

from churnsim.records.run import Difference, ReplayRecord
from churnsim.report.chapters.assumptions import status_key
from churnsim.report.chapters.claims import verdict_counts
from churnsim.report.chapters.prediction import replay_sentences
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Text, Tile, Tiles
from churnsim.report.page.context import Context

__all__ = ["chapter", "reading"]


def chapter(context: Context) -> Chapter:
    """The answer in one paragraph, and the numbers to take along."""
    blocks: list[Block] = [
        Text(text=" ".join([_verdict(context), *_outdone(context)]), tone="lead"),
        *(Text(text=text, tone="warning") for text in _cautions(context)),
        *(
            Text(text=" ".join(sentences))
            for sentences in (_rest(context), _references(context) + _equity(context), _tested(context))
            if sentences
        ),
        Tiles(tiles=_tiles(context)),
    ]
    return Chapter(id="answer", title=context.say("section.answer"), blocks=blocks)


def reading(row: Difference) -> str:
    """'better', 'worse' or 'undecided': what the interval of a difference allows to be said."""
    if row.lower is None or row.upper is None:
        return "undecided"
    if row.lower > 0:
        return "better"
    return "worse" if row.upper < 0 else "undecided"


def _named(context: Context, row: Difference) -> dict[str, str]:
    """Strategy, size of the difference, and interval of one row."""
    return {
        "strategy": context.titles[row.strategy],
        "difference": context.difference(row.mean, sign=False),
        "interval": context.signed_interval(row.lower, row.upper),
    }


def _verdict(context: Context) -> str:
    rows = context.contenders
    shared = {"baseline": context.baseline, "level": context.level, "horizon": context.horizon}
    if not rows:
        return context.say("answer.alone", **shared)
    best = rows[0]
    clear = next((row for row in rows if reading(row) == "better"), None)
    if reading(best) == "better":
        key = "best_clear"
    elif clear is not None:
        # The highest mean is not always the surest: the one that can be shown to be better comes first.
        shown = {f"clear_{name}": text for name, text in _named(context, clear).items() if name != "strategy"}
        shared |= shown | {"clear": context.titles[clear.strategy]}
        key = "best_unclear_other_clear"
    elif best.mean > 0:
        key = "best_unclear"
    else:
        key = "baseline_clear" if reading(best) == "worse" else "baseline_unclear"
    return context.say(f"answer.{key}", **shared, **_named(context, best))


def _rest(context: Context) -> list[str]:
    """What is to be said of the other strategies, and the scale of it all."""
    rows = context.contenders
    if not rows:
        return []
    sentences = []
    level = next(
        (x for x in context.run.comparison.metrics["npv"].levels if x.strategy == context.run.comparison.against),
        None,
    )
    if level is not None and level.mean > 0:
        share = fmt.percent(abs(rows[0].mean) / level.mean, 1)
        base = context.money(level.mean)
        sentences.append(context.say("answer.relative", baseline=context.baseline, base=base, share=share))
    for kind in ("better", "undecided", "worse"):
        named = [row for row in rows[1:] if reading(row) == kind]
        items = [
            context.say("answer.one", **_named(context, r) | {"difference": context.difference(r.mean)}) for r in named
        ]
        if items:
            sentences.append(context.say(f"answer.{kind}", baseline=context.baseline, list=context.listed(items)))
    if len(rows) > 1:
        sentences.append(context.say("answer.not_ranked", baseline=context.baseline))
    return sentences


def _outdone(context: Context) -> list[str]:
    """A strategy outside the running that does better than the best of those in it belongs beside the verdict."""
    best = max((row.mean for row in context.contenders), default=0.0)
    better = [row for row in context.references if row.mean > max(best, 0.0)]
    return [context.say("answer.outdone", baseline=context.baseline, **_named(context, row)) for row in better]


def _cautions(context: Context) -> list[str]:
    """What the verdict hangs on beside chance: doubtful fits and assumed numbers."""
    run = context.run
    doubtful = any(fit.status.code not in ("ok", "converged") for fit in run.fits.values())
    assumed = sum(status_key(row.status) == "assumed" for row in run.assumptions)
    said = [context.say("answer.doubtful")] if doubtful else []
    if assumed:
        numbers = {"assumed": fmt.count(assumed), "total": fmt.count(len(run.assumptions))}
        said.append(context.say("answer.assumed", **numbers))
    return said


def _references(context: Context) -> list[str]:
    """Strategies that are not in the running, so that the best of the others is seen in proportion."""
    items = [
        context.say("answer.one", **_named(context, r) | {"difference": context.difference(r.mean)})
        for r in context.references
    ]
    return [context.say("answer.reference", baseline=context.baseline, list=context.listed(items))] if items else []


def _equity(context: Context) -> list[str]:
    """The same differences with what active customers are still worth, since a horizon cuts off what was bought
    late."""
    metric = context.run.comparison.metrics.get("equity")
    rows = [row for row in metric.differences if row.against == context.run.comparison.against] if metric else []
    items = [
        context.say("answer.one", **_named(context, r) | {"difference": context.difference(r.mean)})
        for r in sorted(rows, key=lambda r: -r.mean)
    ]
    return [context.say("answer.equity", baseline=context.baseline, list=context.listed(items))] if items else []


def _tested(context: Context) -> list[str]:
    replay = context.run.validation.replay
    return replay_sentences(context, replay) if replay else []


def _replay_reading(replay: ReplayRecord) -> str:
    wider = replay.with_parameter_uncertainty
    if replay.covered:
        return "covered"
    return "wider" if wider and wider.covered else "missed"


def _tiles(context: Context) -> list[Tile]:
    run, tiles = context.run, []
    if context.contenders:
        best = _named(context, context.contenders[0])
        tiles.append(
            Tile(
                label=context.say("tile.difference", baseline=context.baseline),
                number=context.difference(context.contenders[0].mean),
                note=context.say("tile.difference_note", level=context.level, **best),
            )
        )
    if run.value:
        interval = context.money_interval(run.value.lower, run.value.upper)
        level, customers = fmt.percent(run.value.level), fmt.count(run.value.customers)
        note = (
            context.say("tile.value_note_plain", customers=customers)
            if interval == fmt.ABSENT
            else context.say("tile.value_note", level=level, interval=interval)
        )
        tiles.append(Tile(label=context.say("tile.value"), number=context.money(run.value.total), note=note))
    replay = run.validation.replay
    if replay:
        note = context.say(
            f"tile.replay_{_replay_reading(replay)}",
            actual=fmt.count(replay.actual),
            level=fmt.percent(replay.level),
            miss=fmt.count(abs(round(replay.miss))),
        )
        tiles.append(Tile(label=context.say("tile.replay"), number=fmt.fixed(replay.mean, 0), note=note))
    if run.claims:
        note = context.say("tile.claims_note", list=verdict_counts(context))
        tiles.append(Tile(label=context.say("tile.claims"), number=fmt.count(len(run.claims)), note=note))
    return tiles
