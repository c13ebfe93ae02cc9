"""The claims: what each says, what was measured, the verdict, and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

from churnsim.records.claim import ClaimRecord, PartRecord, SourceRecord
from churnsim.report.messages import VERDICTS
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    ClaimCard,
    Details,
    Facts,
    Listing,
    Paragraph,
    Quote,
    TableBlock,
    TableCell,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, records_table, row_of, table

MOST_ROWS = 40


def chapter(context: Context) -> Chapter:
    """Every claim judged in the run; empty when none was."""
    title, claims = context.say("section.claims"), context.run.claims
    if not claims:
        return Chapter(id="claims", title=title)
    used = [verdict for verdict in VERDICTS if any(claim.verdict == verdict for claim in claims)]
    meanings = [(_verdict(context, v), context.words.known(f"verdict_meaning.{v}", "")) for v in used]
    blocks: list[Block] = [Paragraph(text=context.say("claims.intro")), _summary(context), Facts(rows=meanings)]
    return Chapter(id="claims", title=title, blocks=[*blocks, *(_card(context, claim) for claim in claims)])


def verdict_counts(context: Context) -> str:
    """How many claims came out with each verdict, in words."""
    counts = Counter(claim.verdict for claim in context.run.claims)
    ordered = [v for v in VERDICTS if v in counts] + [v for v in counts if v not in VERDICTS]
    said = [context.say("assumptions.one", status=_verdict(context, v), count=fmt.count(counts[v])) for v in ordered]
    return context.listed(said)


def _verdict(context: Context, verdict: str) -> str:
    return context.words.known(f"verdict.{verdict}", verdict)


def _badge(context: Context, verdict: str) -> TableCell:
    return TableCell(text=_verdict(context, verdict), badge=f"verdict-{verdict}")


def _summary(context: Context) -> TableBlock:
    say = context.say
    columns = heads(context, "claims", "claim~", "verdict")
    rows = [
        row_of(
            TableCell(text=claim.says, anchor=f"claim-{claim.id}"),
            _badge(context, claim.verdict),
        )
        for claim in context.run.claims
    ]
    return table(say("claims.summary_caption"), columns, rows)


def _card(context: Context, claim: ClaimRecord) -> ClaimCard:
    say = context.say
    blocks: list[Block] = [Quote(text=claim.quote, source=_cited(context, claim.sources))]
    finding = _estimate(context, claim)
    facts = [
        (say("claims.finding"), finding),
        (say("claims.reason"), claim.reason),
        (say("claims.region"), claim.region or ""),
        (say("claims.kind"), context.words.known(f"kind.{claim.kind}", claim.kind)),
        (say("claims.quantity"), claim.quantity),
        (say("claims.expected"), _expected(context, claim)),
        (say("claims.because"), claim.because or ""),
        (say("claims.study"), _each([s.study for s in claim.sources])),
        (say("claims.measured"), _each([s.measured for s in claim.sources])),
    ]
    if claim.control:
        facts.append((say("claims.control"), _control(context, claim)))
    blocks.append(Facts(rows=[(term, text) for term, text in facts if text]))
    if claim.control and claim.control.verdict != "FAILS":
        blocks.append(Paragraph(text=say("claims.control_broken"), tone="warning"))
    if claim.parts:
        blocks.append(_parts(context, claim))
    if claim.critique:
        blocks += [Paragraph(text=say("claims.critique"), tone="label"), Listing(items=claim.critique)]
    blocks += [_stored_table(context, name, rows) for name, rows in claim.tables.items() if rows]
    return ClaimCard(
        id=f"claim-{claim.id}",
        verdict=claim.verdict,
        verdict_text=_verdict(context, claim.verdict),
        says=claim.says,
        blocks=blocks,
    )


def _each(texts: list[str]) -> str:
    """The texts that say anything, each once."""
    return " ".join(dict.fromkeys(text for text in texts if text))


def _cited(context: Context, sources: list[SourceRecord]) -> str:
    return context.listed([source.title for source in sources])


def _estimate(context: Context, found: ClaimRecord | PartRecord) -> str:
    """Estimate, interval and unit of a claim or part; '' when it has no single number."""
    if found.estimate is None:
        return ""
    values, unit = (found.estimate, found.lower, found.upper), found.unit or ""
    decimals = fmt.decimals_shown(values)
    numbers = [fmt.fixed(x, decimals) for x in values]
    if unit.split()[:1] == ["money"] and context.run.survival is None:  # else it is that of the CDNOW log
        unit = unit.removeprefix("money").strip()
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


def _control(context: Context, claim: ClaimRecord) -> str:
    control = claim.control
    if control is None:
        return ""
    verdict = _verdict(context, control.verdict)
    return context.say(
        "claims.control_reads", what=fmt.sentence(control.what), verdict=verdict, reason=control.reason
    ).strip()


def _parts(context: Context, claim: ClaimRecord) -> TableBlock:
    say = context.say
    columns = heads(context, "claims", "part~", "verdict", "result~")
    rows = []
    for part in claim.parts:
        why = " ".join(text for text in (part.reason, part.region) if text)
        result = TableCell(text=_estimate(context, part) or why, note=why if part.estimate is not None else "")
        rows.append(row_of(TableCell(text=part.name, note=part.estimand), _badge(context, part.verdict), result))
    return table(say("claims.parts_caption", says=claim.says), columns, rows, quiet=True)


def _stored_table(context: Context, name: str, rows: list[dict[str, Any]]) -> Details:
    title = context.say("claims.table", name=name.replace("_", " "), rows=fmt.count(len(rows)))
    inside: list[Block] = [records_table(title, rows, limit=MOST_ROWS)]
    if len(rows) > MOST_ROWS:
        more = context.say("claims.table_more", shown=fmt.count(MOST_ROWS), total=fmt.count(len(rows)))
        inside.append(Paragraph(text=more, tone="note"))
    return Details(summary=title, blocks=inside)
