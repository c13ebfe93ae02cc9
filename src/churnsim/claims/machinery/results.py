"""Results of claims as records and as text."""

from __future__ import annotations

import math
from dataclasses import asdict

from churnsim.claims.machinery.claim import Result
from churnsim.records.claim import ClaimRecord, ControlRecord, PartRecord, SourceRecord


def to_record(result: Result) -> ClaimRecord:
    """The result as one row of `claims.json`."""
    claim, finding = result.claim, result.finding
    return ClaimRecord(
        id=claim.id,
        says=claim.says,
        quote=claim.quote,
        sources=[SourceRecord(**asdict(source)) for source in claim.sources],
        kind=claim.kind,
        quantity=claim.quantity,
        expect=claim.expect,
        within=claim.within,
        because=claim.because,
        critique=list(claim.critique),
        verdict=finding.verdict,
        reason=finding.reason,
        region=finding.region,
        estimate=finding.estimate,
        lower=finding.lower,
        upper=finding.upper,
        unit=finding.unit,
        parts=[PartRecord(**asdict(part)) for part in finding.parts],
        control=ControlRecord(what=claim.control.what, verdict=result.control.verdict, reason=result.control.reason),
        tables=dict(finding.tables),
    )


def _number(value: float | None, unit: str) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g} {unit}".rstrip()


def render(result: Result) -> str:
    """The result as text for a terminal: the verdict first, then why."""
    claim, finding = result.claim, result.finding
    lines = [f"{finding.verdict}  {claim.id}: {claim.says}", f"  {finding.reason}"]
    estimate = _number(finding.estimate, finding.unit)
    if estimate:
        lower, upper = _number(finding.lower, ""), _number(finding.upper, "")
        lines.append(f"  estimate: {estimate}" + (f" ({lower} to {upper})" if lower and upper else ""))
    if finding.region:
        lines.append(f"  where: {finding.region}")
    lines += [
        f"  {part.verdict}  {part.name}: {part.reason}" + (f" Where: {part.region}" if part.region else "")
        for part in finding.parts
    ]
    lines.append(f"  control ({claim.control.what}): {result.control.verdict}")
    return "\n".join(lines)
