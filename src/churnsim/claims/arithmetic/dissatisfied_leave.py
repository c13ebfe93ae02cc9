"""`dissatisfied-leave`: ninety percent of the dissatisfied do not come again."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.sources import TARP, TEXTS
from churnsim.claims.machinery.verdicts import Answer, conjunction

STATED = {"after-marketing": 0.90, "lecture": 0.95}
WITHIN = 0.025
GROUP = {"after-marketing": "dissatisfied customers who say nothing", "lecture": "silent dissatisfied customers"}


def leaving(rates: dict[str, dict[str, float]]) -> dict[str, float]:
    """Share of the silent who do not mean to buy again, by size of loss."""
    return {loss: 1.0 - by["silent"] for loss, by in rates.items()}


def major_share_for(stated: float, leave: dict[str, float]) -> float | None:
    """Share of major losses from which on the mix loses at least `stated` less the tolerance; None if none does."""
    needed = (stated - WITHIN - leave["minor"]) / (leave["major"] - leave["minor"])
    return max(0.0, needed) if needed <= 1.0 else None


def _part(text: str, leave: dict[str, float]) -> Part:
    stated = STATED[text]
    share = major_share_for(stated, leave)
    answer = Answer.FAILS if share is None else Answer.HOLDS if share == 0.0 else Answer.UNDECIDED
    return Part(
        name=f"({'ab'[list(STATED).index(text)]}) {stated:.0%}, {TEXTS[text].cited}",
        estimand=f"Percentage of {GROUP[text]} who leave, by the share of major losses among all losses.",
        answer=answer,
        estimate=100.0 * leave["major"],
        lower=100.0 * leave["minor"],
        upper=100.0 * leave["major"],
        unit="percent of the silent, minor to major loss",
        reason=(
            f"Stated {stated:.0%}; by TARP's rates {leave['minor']:.0%} after a minor loss and "
            f"{leave['major']:.0%} after a major one"
            + (", so no mix of losses gives it." if share is None else f": it takes {share:.0%} major losses or more.")
        ),
        region=f"At least {share:.0%} of the losses are major." if answer is Answer.UNDECIDED else None,
    )


def judge(evidence: Evidence = None, quick: bool = False, *, rates: dict[str, dict[str, float]] = TARP) -> Finding:
    """Both figures against TARP's; the control takes the answered for the silent."""
    leave = leaving(rates)
    parts = tuple(_part(text, leave) for text in STATED)
    answer = conjunction(parts)
    return Finding(
        answer=answer,
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts)
        + " All are intentions told to an interviewer; none is a customer seen to leave.",
        **parts[0].figures,
        region=" ".join(f"{part.name[:3]} {part.region}" for part in parts if part.region)
        if answer is Answer.UNDECIDED
        else None,
        parts=parts,
    )
