"""What is known, from what: every number that outcomes rest on, with its value, unit, source and status, and what the
firm's own records measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from churnsim.decisions.assumptions.influence import share_of_chance
from churnsim.records.evidence import CalibrationRecord, EvidenceRecord, MeasuredNumber, MeasuredTable
from churnsim.records.run import AssumptionRecord
from churnsim.report.charts.figures import drawable, measured_figure
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Heading, Paragraph, TableCell
from churnsim.report.page.context import Context, status_key
from churnsim.report.page.tables import heads, row_of, table
from churnsim.simulation.core.assumption import LEVEL

ORDER = ("measured", "meta", "published", "assumed", "claimed", "chosen")
"""Of statuses, by their first word: from strong to weak."""


def chapter(context: Context) -> Chapter:
    """What the simulation takes as given, and what it is measured by."""
    say, stored, evidence = context.say, context.run.assumptions, context.run.evidence
    measured = {row.parameter: row for row in evidence.numbers} if evidence else {}
    counts = Counter(status_key(a.status) for a in stored)
    said = [
        say("assumptions.one", status=context.words.known(f"status.{key}", key), count=fmt.count(n))
        for key, n in sorted(counts.items(), key=_strength)
    ]
    shared = [row for row in stored if row.share is not None]
    names = ("parameter~", "value#", *(["share#"] if shared else []), "status~")
    columns = heads(context, "assumptions", *names, level=fmt.percent(LEVEL))
    # By how much the answer depends on each; those that no replication draws, or of which that is not known, keep their
    # order.
    replications = context.run.comparison.replications
    noise = share_of_chance(replications, len(shared)) if shared else 0.0
    told = {row.parameter: row.share for row in shared if row.share is not None and row.share > noise}
    ranked = sorted(stored, key=lambda row: told.get(row.parameter, -1.0), reverse=True)
    rows = [_row(context, row, measured.get(row.parameter), told if shared else None) for row in ranked]
    depends = [Paragraph(text=_depends(context, shared[0].answer, noise))] if shared else []
    blocks: list[Block] = [
        Paragraph(text=say("assumptions.intro", counts=context.listed(said), level=fmt.percent(LEVEL))),
        *(_records(context, evidence) if evidence and evidence.measured else []),
        *(_calibration(context, evidence.calibration) if evidence and evidence.calibration else []),
        *depends,
        table(say("assumptions.caption"), columns, rows),
    ]
    title = say("section.known" if evidence else "section.assumptions")
    return Chapter(id="assumptions", title=title, blocks=blocks if stored else [])


def _depends(context: Context, answer: str, noise: float) -> str:
    """What the shares are of. The stored answer, "npv of A less that of B", names a measure and strategies by key."""
    found = re.fullmatch(r"(\w+) of (.+) less that of (.+)", answer)
    if found:
        measure, of, against = found.groups()
        measure = context.words.known(f"metric.{measure}", measure).lower()
        titles = {"of": context.titles.get(of, of), "against": context.titles.get(against, against)}
        answer = context.say("assumptions.answer", measure=measure, **titles)
    replications = fmt.count(context.run.comparison.replications)
    return context.say("assumptions.depends", answer=answer, noise=fmt.percent(noise, 1), replications=replications)


def _records(context: Context, evidence: EvidenceRecord) -> list[Block]:
    """The firm's own records: what was checked of each, and what they say beside what was assumed."""
    say = context.say
    used = [row for row in evidence.numbers if row.used and row.status != "assumed"]
    undrawn = [row.meaning for row in used if not drawable(row)]
    tables = sum(row.kind != "targets" for row in evidence.measured)
    intro = say("assumptions.measured_intro", used=fmt.count(len(used)), tables=fmt.count(tables))
    columns = heads(context, "assumptions", "records", "checks~", "status~")
    figure = measured_figure(context, evidence.numbers)
    return [
        Heading(text=say("assumptions.measured_heading")),
        *([Paragraph(text=intro)] if tables else []),
        table(say("assumptions.measured_caption"), columns, [_table_row(context, row) for row in evidence.measured]),
        *([figure] if figure else []),
        *([Paragraph(text=say("assumptions.undrawn", names=context.listed(undrawn)), tone="note")] if undrawn else []),
    ]


def _calibration(context: Context, found: CalibrationRecord) -> list[Block]:
    """Each figure that is known, what simulations give before and after, and the numbers that it tells most of."""
    say, rows = context.say, []
    for figure in found.targets:
        moved = [
            say(
                "assumptions.moved",
                number=row.meaning,
                before=_shown(context, row.before, row.before_low, row.before_high),
                after=_shown(context, row.value, row.low, row.high),
            )
            for row in sorted(found.numbers, key=lambda row: -row.narrowed)
            if row.most == figure.target
        ]
        known = context.significant_interval(figure.low, figure.high)
        rows.append(
            row_of(
                TableCell(text=figure.target, note=say("assumptions.known_row", known=known, source=figure.source)),
                _shown(context, figure.before, figure.before_low, figure.before_high),
                _shown(context, figure.after, figure.after_low, figure.after_high),
                _sentences(context, moved) or say("assumptions.moves_nothing"),
            )
        )
    counts = {"runs": fmt.count(found.runs), "effective": fmt.count(round(found.effective))}
    columns = heads(context, "assumptions", "figure", "before#", "after#", "moves~")
    return [
        Heading(text=say("assumptions.known_heading")),
        Paragraph(text=say("assumptions.known_intro", strategy=context.titles[found.strategy], **counts)),
        *([] if found.reached else [Paragraph(text=say("assumptions.known_not_used"))]),
        table(say("assumptions.known_caption"), columns, rows),
    ]


def _table_row(context: Context, found: MeasuredTable) -> list[TableCell]:
    """The kind of records with their number and source, their checks in words, and their status."""
    say, key = context.say, status_key(found.status)
    told = [say("assumptions.rows", rows=fmt.count(found.rows), source=found.source)]
    for name, count in (("left_out", found.left_out), ("set_aside", len(found.set_aside))):
        if count:
            told.append(say(f"assumptions.{name}", count=fmt.count(count)))
    made = [check for check in found.checks if check.passed is not None]
    failed = [check for check in made if not check.passed]
    # The same checks of several campaigns are named once.
    names = list(dict.fromkeys(check.name.rpartition(": ")[2] for check in made))
    counts = {"passed": fmt.count(len(made) - len(failed)), "total": fmt.count(len(made))}
    text = say("assumptions.passed", names=context.listed(names), **counts) if made else say("assumptions.no_checks")
    notes = [say("assumptions.failed", name=check.name, message=check.message) for check in failed]
    notes += [say("page.sentence", text=fmt.sentence(check.message)) for check in found.checks if check.passed is None]
    return [
        TableCell(text=context.words.known(f"records.{found.kind}", found.kind), note=context.listed(told)),
        TableCell(text=text, note=context.prose(*notes)),
        TableCell(text=context.words.known(f"status.{key}", found.status), badge=f"status-{key.split('_')[0]}"),
    ]


def _instead(context: Context, row: MeasuredNumber) -> str:
    """What a measured number took the place of, or what the records say where it did not."""
    if row.used:
        before = _shown(context, row.before, row.before_low, row.before_high)
        return context.say("assumptions.in_place_of", before=before, status=context.status(row.before_status))
    value = _shown(context, row.value, row.low, row.high)
    return context.say("assumptions.not_used", value=value, status=context.status(row.status))


def _shown(context: Context, value: float, low: float, high: float) -> str:
    """A number and its interval, where it has any width."""
    return context.aside(fmt.significant(value, 3), context.significant_interval(low, high) if low < high else "")


def _sentences(context: Context, texts: Iterable[str]) -> str:
    """Texts that end without a stop, as one paragraph that does so too."""
    *most, last = [*filter(None, texts)] or [""]
    return context.prose(
        *(text if text.endswith("。") else context.say("page.sentence", text=text) for text in most), last
    )


def _strength(counted: tuple[str, int]) -> int:
    """Place of a status in the order; an unknown one comes last."""
    first = counted[0].split("_")[0]
    return (*ORDER, first).index(first)


def _row(
    context: Context, assumption: AssumptionRecord, measured: MeasuredNumber | None, told: Mapping[str, float] | None
) -> list[TableCell]:
    """What it means with its name below, the value with its unit and interval, what is `told` of how much it moves the
    answer, and the status with its source and what was `measured`."""
    key, unit = status_key(assumption.status), assumption.unit or ""
    value = fmt.cell(assumption.value)
    if unit.split()[:1] == ["money"] and isinstance(assumption.value, int | float):
        value, unit = context.money(assumption.value), unit.removeprefix("money").strip()
    low, high = assumption.low, assumption.high
    if low is not None and high is not None and low < high:
        unit = f"{context.significant_interval(low, high)} {unit}".strip()
    share = None if told is None else told.get(assumption.parameter)
    moves = [] if told is None else [TableCell(text="" if share is None else fmt.percent(share))]
    status = context.status(assumption.status)
    source = [assumption.source or "", *([_instead(context, measured)] if measured else [])]
    return [
        TableCell(text=assumption.meaning, note=assumption.parameter),
        TableCell(text=value, note=unit),
        *moves,
        TableCell(text=status, note=_sentences(context, source), badge=f"status-{key.split('_')[0]}"),
    ]
