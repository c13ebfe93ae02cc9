"""Claims that a list of steps, taken together, keeps customers: the list differs, the test does not."""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import NEEDS_MARKET
from churnsim.claims.machinery.programmes import STEPS, judge_programme
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.verdicts import not_run

__all__ = ["programme_claim"]


def programme_claim(*, id: str, says: str, quote: str, text: str, steps: Sequence[str]) -> Claim:
    """The claim of source `text` that these steps (names in `programmes.STEPS`) keep customers.

    Judged are the whole programme against nothing, and each step left out in turn, its money shared among the rest; in
    the control nothing has any effect.
    """
    chosen = {key: STEPS[key] for key in steps}

    def judge(evidence: Evidence, quick: bool = False, *, effective: bool = True) -> Finding:
        if not isinstance(evidence, MarketEvidence):
            return not_run(NEEDS_MARKET)
        return judge_programme(evidence.at(quick=quick), chosen, effective=effective)

    return Claim(
        id=id,
        says=says,
        quote=quote,
        sources=(source(text, measured="No study is named."),),
        kind=Kind.SIMULATION,
        quantity=(
            "Customer equity (net present value, and what active customers are then still worth) of the whole strategy "
            "less the same budget with one step left out and its money shared among the rest, money, paired, for each "
            "step."
        ),
        expect="above zero for every step",
        within=None,
        because="Signs, judged by paired intervals held jointly (Bonferroni).",
        control=Control(
            what="the whole strategy with every effect set to zero at the same cost",
            judge=lambda evidence, quick: judge(evidence, quick, effective=False),
        ),
        critique=(
            "A step adds where its marginal return is above that of the rest; a list cannot be right for every firm.",
        ),
        judge=judge,
    )
