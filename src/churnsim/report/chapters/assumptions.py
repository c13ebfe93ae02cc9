"""The assumptions: every parameter of the market with its value, unit, source and status."""

from __future__ import annotations

from collections import Counter

from churnsim.records.run import AssumptionRecord
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Cell, Chapter, Column, Text
from churnsim.report.page.context import Context
from churnsim.report.page.tables import table

__all__ = ["chapter", "status_key"]

STATUSES = ("measured", "published", "assumed")


def chapter(context: Context) -> Chapter:
    """What the simulation takes as given."""
    say, stored = context.say, context.run.assumptions
    counts = Counter(status_key(a.status) for a in stored)
    said = [
        say("assumptions.one", status=context.words.known(f"status.{key}", key), count=fmt.count(n))
        for key, n in sorted(counts.items(), key=lambda pair: (*STATUSES, pair[0]).index(pair[0]))
    ]
    columns = [
        Column(title=say("assumptions.parameter"), prose=True),
        Column(title=say("assumptions.value"), numeric=True),
        Column(title=say("assumptions.status"), prose=True),
    ]
    rows = [_row(context, assumption) for assumption in stored]
    blocks: list[Block] = [
        Text(text=say("assumptions.intro", counts=context.listed(said))),
        table(say("assumptions.caption"), columns, rows),
    ]
    return Chapter(id="assumptions", title=say("section.assumptions"), blocks=blocks if stored else [])


def _row(context: Context, assumption: AssumptionRecord) -> list[Cell]:
    """What it means with its name below, the value with its unit, the status with its source."""
    key = status_key(assumption.status)
    status = context.words.known(f"status.{key}", assumption.status)
    return [
        Cell(text=assumption.meaning, note=assumption.parameter),
        Cell(text=fmt.cell(assumption.value), note=assumption.unit or ""),
        Cell(text=status, note=assumption.source or "", badge=f"status-{key}"),
    ]


def status_key(status: str) -> str:
    """'measured here' -> 'measured': the first word names the status."""
    return status.split()[0].lower() if status.split() else "assumed"
