"""Results of claims as records and as text."""

from __future__ import annotations

import math
from dataclasses import asdict

from churnsim.claims.machinery.claim import Control, Finding, Judgement, Result
from churnsim.records.claim import ClaimRecord, ControlRecord, PartRecord, PlausibleRecord, PowerRecord, SourceRecord


def to_record(result: Result) -> ClaimRecord:
    """The result as one row of `claims.json`."""
    claim, finding = result.claim, result.finding
    return ClaimRecord.of(
        finding,
        claim,
        sources=[SourceRecord(**asdict(source)) for source in claim.sources],
        critique=list(claim.critique),
        plausible=PlausibleRecord(**asdict(finding.plausible)) if finding.plausible else None,
        parts=[PartRecord(**asdict(part)) for part in finding.parts],
        control=_world(claim.control, result.control),
        planted=_world(claim.planted, result.planted),
        power=PowerRecord(**asdict(result.power)) if result.power else None,
        tables=dict(finding.tables),
    )


def _world(world: Control | None, found: Finding | None) -> ControlRecord | None:
    if world is None or found is None:
        return None
    return ControlRecord.of(found, what=world.what)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g} {unit}".rstrip()


def said(found: Judgement) -> str:
    """Answer and basis in one: "HOLDS (measured here)", "NOT RUN"."""
    return f"{found.answer}" + (f" ({found.basis})" if found.basis else "") if found.ran else "NOT RUN"


def render(result: Result) -> str:
    """The result as text for a terminal: the answer first, then why."""
    claim, finding = result.claim, result.finding
    lines = [f"{said(finding)}  {claim.id}: {claim.says}", f"  {finding.reason}"]
    estimate = _number(finding.estimate, finding.unit)
    if estimate:
        lower, upper = _number(finding.lower, ""), _number(finding.upper, "")
        lines.append(f"  estimate: {estimate}" + (f" ({lower} to {upper})" if lower and upper else ""))
    if finding.region:
        lines.append(f"  where: {finding.region}")
    lines += [
        f"  {said(part)}  {part.name}: {part.reason}" + (f" Where: {part.region}" if part.region else "")
        for part in finding.parts
    ]
    lines.append(f"  false world ({claim.control.what}): {said(result.control)}")
    if claim.planted is not None and result.planted is not None:
        lines.append(f"  true world ({claim.planted.what}): {said(result.planted)}")
    if result.power is not None and result.power.false_worlds > 1:
        lines.append(f"  the check {result.power}")
    return "\n".join(lines)
