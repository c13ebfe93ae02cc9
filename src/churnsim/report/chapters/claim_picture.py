"""The one picture of a claim: where it holds, what each firm or part shows, or what its check found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import altair as alt

from churnsim.claims.machinery.maps import likely_in, map_names, region_from
from churnsim.plots.theme import ACTUAL, ALARM, EXPECTED, Size
from churnsim.records.base import Row
from churnsim.records.claim import ClaimRecord, PartRecord
from churnsim.report.charts.figures import drawn_figure
from churnsim.report.charts.forest import FIRMS
from churnsim.report.charts.marks import interval_rows, placed_rows, tick_labels
from churnsim.report.charts.region import region_chart
from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.messages import ANSWERS
from churnsim.report.page.blocks import FigureBlock
from churnsim.report.page.context import Context

Told = Callable[[ClaimRecord | PartRecord], str]
"""The estimate of a claim or part in words."""


def claim_figure(context: Context, claim: ClaimRecord, told: Told) -> FigureBlock:
    """A map where the claim has one, then figures with their intervals, else the answers to it and its parts."""
    if maps := map_names(claim.tables):
        return _map(context, claim, maps[0])
    if firms := next((key for key in claim.tables if key.startswith(FIRMS)), ""):
        rows = claim.tables[firms]
        shown = [
            {"label": str(r["firm"]), "mean": r["estimate"], "lower": r["lower"], "upper": r["upper"]} for r in rows
        ]
        return _intervals(context, claim, shown, unit=rows[0]["unit"])
    units = Counter(part.unit or "" for part in claim.parts if part.estimate is not None)
    unit, most = units.most_common(1)[0] if units else ("", 0)
    if most > 1:
        parts = [part for part in claim.parts if part.estimate is not None and (part.unit or "") == unit]
        return _intervals(context, claim, [_found(context, part, part.name, told) for part in parts], unit=unit)
    if claim.estimate is not None:
        found = [_found(context, claim, context.say("claims.finding"), told), *_stated(context, claim)]
        return _intervals(context, claim, found, unit=claim.unit or "", zero=True)
    return _answers(context, claim)


def _name(claim: ClaimRecord) -> str:
    """An anchor that no text of a claim of one's own can break."""
    return re.sub("[^a-z0-9]+", "-", claim.id.lower()).strip("-")


def _map(context: Context, claim: ClaimRecord, name: str) -> FigureBlock:
    region, likely = region_from(claim.tables, name), likely_in(claim.tables, name)
    states = region.frame["state"].tolist()
    labels = {state: context.words.known(f"beliefs.{state}", state) for state in dict.fromkeys(states)}

    told = context.words.told
    axes = [replace(axis, name=told(axis.name), unit=told(axis.unit)) for axis in region.axes]
    here, between = ({told(key): x for key, x in found.items()} if found else None for found in (region.here, likely))

    def make(size: Size) -> tuple[AnyChart, int]:
        return region_chart(axes, states, here, size=size, labels=labels, likely=between), 0

    reading = context.prose(*map(told, region.words()))
    return drawn_figure(context, "claim_map", make, of=_name(claim), says=told(name), reading=reading)


def _intervals(context: Context, claim: ClaimRecord, rows: list[Row], *, unit: str, zero: bool = False) -> FigureBlock:
    ends = [row[key] for row in rows for key in ("mean", "lower", "upper") if row.get(key) is not None]
    reference = 0.0 if zero or min(ends) < 0 < max(ends) else None
    reading = context.listed([str(row["label"]) for row in rows])
    make = interval_rows(rows, x="", labels=tick_labels(), reference=reference)
    told = context.say("claims.in_unit", unit=unit) if unit else ""
    return drawn_figure(context, "claim", make, of=_name(claim), says=claim.says, reading=reading, unit=told)


def _found(context: Context, found: ClaimRecord | PartRecord, name: str, told: Told) -> Row:
    label = context.say("chart.row", name=name, number=told(found))
    return {"label": label, "mean": found.estimate, "lower": found.lower, "upper": found.upper}


def _stated(context: Context, claim: ClaimRecord) -> list[Row]:
    """The figure or the range that the claim states, where it states one in numbers."""
    expect: Any = claim.expect
    ends = expect if isinstance(expect, list) and len(expect) == 2 else [expect, expect]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        return []
    low, high = ends
    mean = low if low == high else None
    return [{"label": context.say("claims.expected"), "mean": mean, "lower": low, "upper": high, "colour": ALARM}]


def _answers(context: Context, claim: ClaimRecord) -> FigureBlock:
    """The answers to the claim, to its parts and in the worlds whose answer is known, each as a mark."""
    worlds = [("control", claim.control), ("planted", claim.planted)]
    judged = [(claim.says, claim.shown), *((part.name, part.shown) for part in claim.parts)]
    known = [(context.say(f"claims.{name}"), world.shown) for name, world in worlds if world is not None]
    columns = {answer: context.words.known(f"claim_answer.{answer}", answer) for answer in reversed(ANSWERS[:4])}
    rows = [
        {"label": label, "answer": columns[answer], "colour": EXPECTED if place < len(judged) else ACTUAL}
        for place, (label, answer) in enumerate([*judged, *known])
        if answer in columns
    ]
    reading = context.listed([context.say("chart.row", name=row["label"], number=row["answer"]) for row in rows])
    make = answer_rows(rows, answers=list(columns.values()))
    return drawn_figure(context, "claim_answers", make, of=_name(claim), says=claim.says, reading=reading)


def answer_rows(rows: list[dict[str, str]], *, answers: list[str]) -> ChartMaker:
    """A mark a row in the column of its answer; rows: label, answer (one of `answers`), colour."""

    def make(size: Size) -> tuple[AnyChart, int]:
        layers, placed, y, height = placed_rows(rows, size)
        scale, axis = alt.Scale(domain=answers, type="point", padding=0.5), alt.Axis(labelOverlap=False, grid=True)
        marks = alt.Chart(alt.InlineData(values=placed)).mark_point(filled=True, size=110, opacity=1)
        x = alt.X("answer:N", title=None, scale=scale, axis=axis)
        return alt.layer(*layers, marks.encode(x=x, y=y, color=alt.Color("colour:N", scale=None, legend=None))), height

    return make
