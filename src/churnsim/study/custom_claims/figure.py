"""A claim of one's own about a figure: computed by a named computation, compared at a stated tolerance."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import closes
from churnsim.claims.reproduction.published import PublishedFigure
from churnsim.claims.reproduction.reproduce import check_inputs, compute
from churnsim.study.custom_claims.schema import ClaimFile

__all__ = ["FigureJudge"]


class FigureJudge:
    """Computes the figure of a [figure] table, as a control with the control's inputs in place of its own."""

    def __init__(self, content: ClaimFile, where: str, *, control: bool) -> None:
        asked = content.figure
        assert asked is not None
        self.stated, self.within, self.because = asked.stated, asked.within, asked.because
        self.figure = PublishedFigure(
            id=content.id, group="own", what=content.says, compute=asked.compute, published=asked.stated,
            tolerance=asked.within, digits=None, because=asked.because, citation=where,
            inputs={**asked.inputs, **(content.control.inputs if control else {})},
        )  # fmt: skip
        check_inputs(self.figure)
        self.quantity = f"{asked.compute} of {dict(self.figure.inputs)}."
        self.expect = asked.stated

    def __call__(self, evidence: Evidence, quick: bool) -> Finding:
        found = compute(self.figure, Workbench())
        return Finding(
            verdict=closes(found, self.stated, within=self.within),
            reason=f"{self.quantity[:-1]} gives {found:.6g}; stated is {self.stated:g}.",
            estimate=found,
        )
