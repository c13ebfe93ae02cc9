"""Check claims, and turn the results into plain rows and into text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from churnsim.claims.machinery.claim import Claim, Evidence, Part, Result

__all__ = ["check", "check_all", "render", "to_row"]


def check(claim: Claim, evidence: Evidence = None, quick: bool = False) -> Result:
    """Judge one claim and its control; see `Claim.test`."""
    return claim.test(evidence, quick=quick)


def check_all(claims: Iterable[Claim], evidence: Evidence = None, quick: bool = False) -> list[Result]:
    """Judge several claims, in the order given."""
    return [check(claim, evidence, quick) for claim in claims]


def to_row(result: Result) -> dict[str, Any]:
    """The result as one row of `claims.json`: plain lists, dicts, strings and numbers, None for not finite."""
    claim, finding = result.claim, result.finding
    row = {
        "id": claim.id,
        "says": claim.says,
        "quote": claim.quote,
        "sources": [
            {"text": s.text, "title": s.title, "study": s.study, "measured": s.measured} for s in claim.sources
        ],
        "kind": claim.kind.value,
        "quantity": claim.quantity,
        "expect": claim.expect,
        "within": claim.within,
        "because": claim.because,
        "critique": claim.critique,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "region": finding.region,
        "estimate": finding.estimate,
        "lower": finding.lower,
        "upper": finding.upper,
        "unit": finding.unit,
        "parts": [_part(part) for part in finding.parts],
        "control": {
            "what": claim.control.what,
            "verdict": result.control.verdict.value,
            "reason": result.control.reason,
        },
        "tables": finding.tables,
    }
    plain: dict[str, Any] = _plain(row)
    return plain


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "estimand": part.estimand,
        "verdict": part.verdict.value,
        "estimate": part.estimate,
        "lower": part.lower,
        "upper": part.upper,
        "unit": part.unit,
        "reason": part.reason,
        "region": part.region,
    }


def _plain(value: Any) -> Any:
    """The value with NumPy scalars as Python numbers, tuples as lists and everything not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


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
