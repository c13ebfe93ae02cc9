"""A claim of one's own about a figure: computed by a named computation, compared at a stated tolerance."""

from __future__ import annotations

from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import closes
from churnsim.claims.reproduction.published import PublishedFigure
from churnsim.claims.reproduction.reproduce import check_inputs, compute
from churnsim.errors import ConfigError
from churnsim.study.custom_claims.fields import Asked, number, text

__all__ = ["figure_judge"]

KEYS = {"compute", "inputs", "stated", "within", "because"}


def figure_judge(content: dict[str, Any], control: dict[str, Any], where: str) -> Asked:
    """What a [figure] table asks; the control's `inputs` take the place of its own."""
    table = content["figure"]
    if not isinstance(table, dict) or not isinstance(table.get("inputs", {}), dict):
        raise ConfigError(f"[figure] of {where} must be a table with a table of inputs.")
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise ConfigError(f"[figure] of {where} has unknown keys: {', '.join(unknown)}. Known are {sorted(KEYS)}.")
    if control and not control.get("inputs"):
        raise ConfigError(f"[control] of {where} needs inputs that are wrong on purpose.")
    stated, within = number(table, "stated", where), number(table, "within", where)
    figure = PublishedFigure(
        id=str(content["id"]), group="own", what=str(content["says"]), compute=text(table, "compute", where),
        published=stated, tolerance=within, digits=None, because=text(table, "because", where), citation=where,
        inputs={**table.get("inputs", {}), **control.get("inputs", {})},
    )  # fmt: skip
    check_inputs(figure)

    def judge(evidence: Evidence, quick: bool) -> Finding:
        found = compute(figure, Workbench())
        return Finding(
            verdict=closes(found, stated, within=within),
            reason=f"{figure.compute} of {dict(figure.inputs)} gives {found:.6g}; stated is {stated:g}.",
            estimate=found,
        )

    return Asked(
        judge=judge, quantity=f"{figure.compute} of {dict(figure.inputs)}.", expect=stated, within=within,
        because=figure.because,
    )  # fmt: skip
