"""The claims: what each says, what was measured, the answer, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import altair as alt

from churnsim.claims.machinery.maps import likely_in, map_names, region_from
from churnsim.plots.altair_chart import tick_labels
from churnsim.plots.theme import ACTUAL, ALARM, EXPECTED, Size
from churnsim.records.base import Row
from churnsim.records.claim import ClaimRecord, ControlRecord, PartRecord
from churnsim.report.charts.figures import drawn_figure
from churnsim.report.charts.forest import FIRMS
from churnsim.report.charts.marks import interval_rows, placed_rows
from churnsim.report.charts.region import region_chart
from churnsim.report.charts.svg import AnyChart, ChartMaker
from churnsim.report.messages import ANSWERS
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    ClaimCard,
    Details,
    Facts,
    FigureBlock,
    Listing,
    Paragraph,
    Quote,
    TableBlock,
    TableCell,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, records_table, row_of, table

ENDS = ("mean", "lower", "upper")
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
    ends = [row[key] for row in rows for key in ENDS if row.get(key) is not None]
    reference = 0.0 if zero or min(ends) < 0 < max(ends) else None
    reading = context.listed(str(row["label"]) for row in rows)
    # What is 0 but for rounding would make a scale of its own.
    drawn = [{**row, **{key: round(row[key], 9) for key in ENDS if row.get(key) is not None}} for row in rows]
    make = interval_rows(drawn, x="", labels=tick_labels(), reference=reference)
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
    reading = context.listed(context.say("chart.row", name=row["label"], number=row["answer"]) for row in rows)
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


MOST_ROWS = 40
WITHDRAWN = "WITHDRAWN"
"""Shown in place of the answer of a check that did not tell a true world from a false one."""


def chapter(context: Context) -> Chapter:
    """Every claim judged in the run; empty when none was."""
    title, claims = context.say("section.claims"), context.run.claims
    if not claims:
        return Chapter(id="claims", title=title)
    counts = _counts(context)
    meanings = [(_answer(context, v), context.words.known(f"claim_meaning.{v}", "")) for v in counts]
    blocks: list[Block] = [Paragraph(text=context.say("claims.intro")), summary(context), Facts(rows=meanings)]
    return Chapter(id="claims", title=title, blocks=[*blocks, *(_card(context, claim) for claim in claims)])


def answer_counts(context: Context) -> str:
    """How many claims came out with each answer, in words."""
    counts = _counts(context)
    said = [
        context.say("assumptions.one", status=context.words.known(f"claim_prose.{v}", v), count=fmt.count(count))
        for v, count in counts.items()
    ]
    return context.listed(said)


def answers(context: Context) -> str:
    """Every claim with its answer, in words."""
    said = (
        context.say(
            "tile.claim",
            claim=context.say("page.quoted", text=claim.says.rstrip(".。")),
            answer=context.words.known(f"claim_prose.{_shown(claim)}", _shown(claim)),
        )
        for claim in context.run.claims
    )
    return context.listed(list(said))


def judged(context: Context) -> int:
    """How many claims have a finding: neither those that were not run nor those that were withdrawn."""
    return sum(count for answer, count in _counts(context).items() if answer not in ("NOT_RUN", WITHDRAWN))


def _counts(context: Context) -> dict[str, int]:
    counts = Counter(_shown(claim) for claim in context.run.claims)
    ordered = [*ANSWERS, WITHDRAWN]
    return {v: counts[v] for v in [*ordered, *(v for v in counts if v not in ordered)] if counts[v]}


def _shown(claim: ClaimRecord) -> str:
    """What stands for a claim's answer: one that was withdrawn was run, and is not merely missing."""
    return WITHDRAWN if claim.withdrawn else claim.shown


def _answer(context: Context, answer: str) -> str:
    return context.words.known(f"claim_answer.{answer}", answer)


def _badge(context: Context, answer: str, basis: str | None) -> TableCell:
    return TableCell(text=_answer(context, answer), badge=f"answer-{answer}", note=_rests(context, basis))


def _rests(context: Context, basis: str | None) -> str:
    return context.words.known(f"basis.{basis}", basis) if basis else ""


def summary(context: Context) -> TableBlock:
    """Each claim with its answer and what that rests on."""
    say = context.say
    columns = heads(context, "claims", "claim~", "answer")
    rows = [
        row_of(
            TableCell(text=claim.says, anchor=f"claim-{claim.id}"),
            _badge(context, _shown(claim), claim.basis),
        )
        for claim in context.run.claims
    ]
    return table(say("claims.summary_caption"), columns, rows)


def _card(context: Context, claim: ClaimRecord) -> ClaimCard:
    """The finding, its reason and one picture; below a fold the source, how it was judged, and the tables."""
    say, kept = context.say, not claim.withdrawn
    found = [
        (say("claims.finding"), _estimate(context, claim) if kept else ""),
        (say("claims.plausible"), _plausible(context, claim) if kept else ""),
        (say("claims.reason"), _plain(context, claim.reason) if kept else say("claims.control_broken")),
    ]
    blocks: list[Block] = []
    if kept and claim.ran:
        blocks.append(Paragraph(text=say("claims.rests", basis=_rests(context, claim.basis)), tone="note"))
    blocks.append(Facts(rows=[(term, text) for term, text in found if text]))
    if kept and claim.ran:
        blocks.append(claim_figure(context, claim, lambda found: _estimate(context, found)))
    blocks.append(Details(summary=_fold(context, claim), blocks=_how(context, claim)))
    return ClaimCard(
        id=f"claim-{claim.id}",
        answer=_shown(claim),
        answer_text=_answer(context, _shown(claim)),
        says=claim.says,
        blocks=blocks,
    )


def _fold(context: Context, claim: ClaimRecord) -> str:
    tables = len(claim.tables)
    return context.say("claims.judged", tables=fmt.count(tables)) if tables else context.say("claims.judged_alone")


def _how(context: Context, claim: ClaimRecord) -> list[Block]:
    """Whose words a claim is, how it was judged, its parts, what is said against it, and its tables."""
    say, kept = context.say, not claim.withdrawn
    facts = [
        (say("claims.region"), (claim.region or "") if kept else ""),
        (say("claims.kind"), context.words.known(f"kind.{claim.kind}", claim.kind)),
        (say("claims.quantity"), claim.quantity),
        (say("claims.expected"), _expected(context, claim)),
        (say("claims.because"), claim.because or ""),
        (say("claims.study"), _each(context, [s.study for s in claim.sources])),
        (say("claims.measured"), _each(context, [s.measured for s in claim.sources])),
    ]
    worlds = {say("claims.control"): claim.control, say("claims.planted"): claim.planted}
    facts += [(term, _world(context, world, planted=world is claim.planted)) for term, world in worlds.items() if world]
    blocks: list[Block] = [Quote(text=claim.quote, source=context.listed(s.title for s in claim.sources))]
    blocks.append(Facts(rows=[(term, text) for term, text in facts if text]))
    if claim.parts and kept:
        blocks.append(_parts(context, claim))
    if claim.critique:
        blocks += [Paragraph(text=say("claims.critique"), tone="label"), Listing(items=claim.critique)]
    if kept:
        blocks += [_stored_table(context, name, rows) for name, rows in claim.tables.items() if rows]
    return blocks


def _each(context: Context, texts: list[str]) -> str:
    """The texts that say anything, each once."""
    return context.prose(*dict.fromkeys(texts))


def _estimate(context: Context, found: ClaimRecord | PartRecord) -> str:
    """Estimate, interval and unit of a claim or part; '' when it has no single number."""
    if found.estimate is None:
        return ""
    values, unit = (found.estimate, found.lower, found.upper), found.unit or ""
    decimals = fmt.decimals_shown(values)
    numbers = [fmt.fixed(x, decimals) for x in values]
    if re.match(r"money\b", unit) and context.run.survival is None:  # else it is that of the CDNOW log
        unit = unit.removeprefix("money").lstrip(", ")
        numbers = [context.money(x, like=found.estimate) for x in values]
    text, bounds = numbers[0], context.interval(numbers[1], numbers[2])
    if bounds != fmt.ABSENT:
        text = context.say("claims.finding_interval", estimate=text, interval=bounds)
    return context.say("page.units", value=text, unit=unit).strip()


def _expected(context: Context, claim: ClaimRecord) -> str:
    if claim.expect is None:
        return ""
    expect = _range(context, claim.expect)
    if claim.within is None:
        return expect
    return context.say("claims.expected_within", expect=expect, within=_range(context, claim.within))


def _range(context: Context, value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return context.interval(fmt.cell(value[0]), fmt.cell(value[1]))
    return fmt.cell(value)


def _plausible(context: Context, claim: ClaimRecord) -> str:
    """In how much of what is plausible the claim holds, and what was believed."""
    mass = claim.plausible
    if mass is None or mass.holds is None or mass.fails is None:
        return ""
    return context.say(
        "claims.mass", holds=fmt.percent(mass.holds), fails=fmt.percent(mass.fails), beliefs=mass.beliefs
    )


def _world(context: Context, world: ControlRecord, *, planted: bool) -> str:
    """What a check found in a world whose answer is known."""
    what, reason = fmt.sentence(world.what), world.reason
    if world.ran and (world.answer == "FAILS" if planted else world.answer != "FAILS"):
        known = _answer(context, "HOLDS" if planted else "FAILS")
        return context.say("claims.control_passed", what=what, answer=known)
    answer = _answer(context, world.shown)
    return context.say("claims.control_reads", what=what, answer=answer, reason=_plain(context, reason)).strip()


def _parts(context: Context, claim: ClaimRecord) -> TableBlock:
    say = context.say
    columns = heads(context, "claims", "part~", "answer", "result~")
    rows = []
    for part in claim.parts:
        why = context.prose(_plain(context, part.reason), part.region or "")
        result = TableCell(text=_estimate(context, part) or why, note=why if part.estimate is not None else "")
        rows.append(
            row_of(TableCell(text=part.name, note=part.estimand), _badge(context, part.shown, part.basis), result)
        )
    return table(say("claims.parts_caption", says=claim.says), columns, rows, quiet=True)


def _cells(context: Context, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table; of a map's without the columns of chance where no cell was simulated."""
    if not all("state" in row and "replications" in row for row in rows):
        return rows
    left_out = {"replications", "lower", "upper"} if all(row["replications"] == 0 for row in rows) else set()
    names = {"state": context.say("claims.state")}
    return [{names.get(key, key): value for key, value in row.items() if key not in left_out} for row in rows]


def _plain(context: Context, text: str) -> str:
    """A reason as a reader would say it: with words in place of the codes of answers."""
    return re.sub(
        rf"\b({'|'.join(ANSWERS)})\b", lambda found: context.words.known(f"claim_prose.{found[0]}", found[0]), text
    )


def _stored_table(context: Context, name: str, rows: list[dict[str, Any]]) -> Details:
    name = context.words.known(f"claims_table.{name}", context.words.told(name.replace("_", " ")))
    title = context.say("claims.table", name=name, rows=fmt.count(len(rows)))
    inside: list[Block] = [records_table(title, _cells(context, rows), limit=MOST_ROWS, told=context.words.told)]
    if len(rows) > MOST_ROWS:
        more = context.say("claims.table_more", shown=fmt.count(MOST_ROWS), total=fmt.count(len(rows)))
        inside.append(Paragraph(text=more, tone="note"))
    return Details(summary=title, blocks=inside)
