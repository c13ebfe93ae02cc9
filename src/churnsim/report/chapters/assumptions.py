"""The assumptions: every parameter of the market with its value, unit, source and status."""

from __future__ import annotations

from collections import Counter

from churnsim.records.run import AssumptionRecord
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Paragraph, TableCell
from churnsim.report.page.context import Context, status_key
from churnsim.report.page.tables import heads, table

__all__ = ["chapter"]

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
    columns = heads(context, "assumptions", "parameter~", "value#", "status~")
    rows = [_row(context, assumption) for assumption in stored]
    blocks: list[Block] = [
        Paragraph(text=say("assumptions.intro", counts=context.listed(said))),
        table(say("assumptions.caption"), columns, rows),
    ]
    return Chapter(id="assumptions", title=say("section.assumptions"), blocks=blocks if stored else [])


def _strength(counted: tuple[str, int]) -> int:
    """Place of a status in the order; an unknown one comes last."""
    first = counted[0].split("_")[0]
    return (*ORDER, first).index(first)


def _row(context: Context, assumption: AssumptionRecord) -> list[TableCell]:
    """What it means with its name below, the value with its unit, the status with its source."""
    key, unit = status_key(assumption.status), assumption.unit or ""
    value = fmt.cell(assumption.value)
    if unit.split()[:1] == ["money"] and isinstance(assumption.value, int | float):
        value, unit = context.money(assumption.value), unit.removeprefix("money").strip()
    status = context.words.known(f"status.{key}", assumption.status)
    return [
        TableCell(text=assumption.meaning, note=assumption.parameter),
        TableCell(text=value, note=unit),
        TableCell(text=status, note=assumption.source or "", badge=f"status-{key.split('_')[0]}"),
    ]
