"""The assumptions: every parameter of the market with its value, unit, source and status."""

from __future__ import annotations

from collections import Counter

from churnsim.records.run import AssumptionRecord
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Paragraph, TableCell
from churnsim.report.page.context import Context, status_key
from churnsim.report.page.tables import heads, table
from churnsim.simulation.core.assumption import LEVEL

ORDER = ("measured", "meta", "published", "assumed", "claimed", "chosen")
"""Of statuses, by their first word: from strong to weak."""


def chapter(context: Context) -> Chapter:
    """What the simulation takes as given."""
    say, stored = context.say, context.run.assumptions
    counts = Counter(status_key(a.status) for a in stored)
    said = [
        say("assumptions.one", status=context.words.known(f"status.{key}", key), count=fmt.count(n))
        for key, n in sorted(counts.items(), key=_strength)
    ]
    shared = [row for row in stored if row.share is not None]
    columns = heads(context, "assumptions", "parameter~", "value#", *(["share#"] if shared else []), "status~")
    # By how much the answer hangs on each; those that no replication draws keep their order.
    ranked = sorted(stored, key=lambda row: -1.0 if row.share is None else row.share, reverse=True)
    rows = [_row(context, assumption, told=bool(shared)) for assumption in ranked]
    blocks: list[Block] = [
        Paragraph(text=say("assumptions.intro", counts=context.listed(said), level=fmt.percent(LEVEL))),
        table(say("assumptions.caption"), columns, rows),
    ]
    if shared:
        blocks.insert(1, Paragraph(text=say("assumptions.hangs", answer=shared[0].answer)))
    return Chapter(id="assumptions", title=say("section.assumptions"), blocks=blocks if stored else [])


def _strength(counted: tuple[str, int]) -> int:
    """Place of a status in the order; an unknown one comes last."""
    first = counted[0].split("_")[0]
    return (*ORDER, first).index(first)


def _row(context: Context, assumption: AssumptionRecord, *, told: bool) -> list[TableCell]:
    """What it means with its name below, the value with its unit and interval, where `told` the share of the answer's
    variance, and the status with its source."""
    key, unit = status_key(assumption.status), assumption.unit or ""
    value = fmt.cell(assumption.value)
    if unit.split()[:1] == ["money"] and isinstance(assumption.value, int | float):
        value, unit = context.money(assumption.value), unit.removeprefix("money").strip()
    low, high = assumption.low, assumption.high
    if low is not None and high is not None and low < high:
        unit = f"{context.interval(fmt.significant(low, 3), fmt.significant(high, 3))} {unit}".strip()
    share = [TableCell(text="" if assumption.share is None else fmt.percent(assumption.share))] if told else []
    status = context.words.known(f"status.{key}", assumption.status)
    return [
        TableCell(text=assumption.meaning, note=assumption.parameter),
        TableCell(text=value, note=unit),
        *share,
        TableCell(text=status, note=assumption.source or "", badge=f"status-{key.split('_')[0]}"),
    ]
