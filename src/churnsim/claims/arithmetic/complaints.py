"""Complaints: `complaint-tree`, `complaint-visibility` and `dissatisfied-leave`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.sources import TARP, TEXTS
from churnsim.claims.machinery.verdicts import Answer, closes, conjunction
from churnsim.economics.complaint_return import ComplaintTree

STATED_TREE = ComplaintTree(dissatisfied=100, complain=0.04, complainants_leave=0.25, silent_leave=0.95)
STATED_LOSSES, WITHIN_LOSSES = 92.0, 0.5
BRANCHES = (
    ("complained and left", "complained, then left", "complainants_lost", 1.0),
    ("complained and stayed", "complained, then stayed", "complainants_kept", 3.0),
    ("silent and left", "were silent, then left", "silent_lost", 91.0),
    ("silent and stayed", "were silent, then stayed", "silent_kept", 5.0),
)


def judge_losses(
    evidence: Evidence = None, quick: bool = False, *, complainants_leave: float = STATED_TREE.complainants_leave,
    silent_leave: float = STATED_TREE.silent_leave,
) -> Finding:  # fmt: skip
    """Follow the tree; the control exchanges the rates at which complainants and the silent leave."""
    tree = replace(STATED_TREE, complainants_leave=complainants_leave, silent_leave=silent_leave)
    parts = tuple(
        Part(
            name=name,
            estimand=f"Customers of 100 dissatisfied who {told}.",
            answer=closes(getattr(tree, field), printed, within=WITHIN_LOSSES),
            estimate=getattr(tree, field),
            unit="customers of 100",
            reason=f"The tree gives {getattr(tree, field):.1f}; printed {printed:g}.",
        )
        for name, told, field, printed in BRANCHES
    )
    all_complain = replace(tree, complain=1.0)
    answer = closes(tree.lost, STATED_LOSSES, within=WITHIN_LOSSES)
    return Finding(
        answer=answer,
        reason=(
            f"{tree.complainants_lost:.1f} complainants and {tree.silent_lost:.1f} silent customers leave: "
            f"{tree.lost:.1f} of 100; the text says 92%. {tree.silent_lost / tree.lost:.0%} of the loss is silent. "
            f"If every one complained and left at the complainants' rate, {all_complain.lost:.0f} would be lost; that "
            "those who are made to complain would behave like those who do of their own accord is an assumption."
        ),
        estimate=tree.lost,
        unit="customers of 100",
        parts=parts,
    )


STATED_SHARES: Mapping[str, float] = {"lecture": 4 / 100, "nine-steps": 1 / 10, "win-back": 1 / 21}
"""Share of the dissatisfied who complain: 4 of 100; 1 to 9 silent; 1 for 20 more who feel the same."""
LARGEST_RATIO = 1.25
"""4 in 100 and 1 in 21 still agree as round figures (1.19); a tenth does not agree with either."""


def kept_by_inviting(share: float, loss: str) -> float:
    """Customers of 100 dissatisfied whom it would keep if the silent complained too and were answered quickly.

    (1 - c)(s_quick - s_silent), in TARP's rates; those made to complain are taken to behave like those who do.
    """
    rates = TARP[loss]
    return 100.0 * (1.0 - share) * (rates["resolved_quickly"] - rates["silent"])


def judge_visibility(
    evidence: Evidence = None, quick: bool = False, *, shares: Mapping[str, float] = STATED_SHARES
) -> Finding:
    """Hold the shares against each other; the control adds one that cannot agree."""
    rows = [
        {
            "text": _name(text),
            "complain_percent": 100.0 * share,
            "dissatisfied_per_complaint": 1.0 / share,
            "kept_by_inviting_major_loss": kept_by_inviting(share, "major"),
            "kept_by_inviting_minor_loss": kept_by_inviting(share, "minor"),
        }
        for text, share in shares.items()
    ]
    ratio = max(shares.values()) / min(shares.values())
    told = ", ".join(f"{share:.1%} ({_name(text)})" for text, share in shares.items())
    least, most = (min if low else max for low in (True, False))
    minor = [kept_by_inviting(share, "minor") for share in shares.values()]
    return Finding(
        answer=Answer.HOLDS if ratio <= LARGEST_RATIO else Answer.FAILS,
        reason=(
            f"The share who complain is {told}: the largest is {ratio:.1f} times the smallest, so a firm that counts "
            f"complaints would put its dissatisfied customers at {1 / max(shares.values()):.0f} or at "
            f"{1 / min(shares.values()):.0f} times that. What inviting the silent could keep depends little on it: in "
            f"TARP's rates for a minor loss {least(minor):.0f} to {most(minor):.0f} of 100, since nearly all "
            f"are silent in every text."
        ),
        estimate=ratio,
        unit="largest share over smallest",
        tables={"shares": rows},
    )


def _name(text: str) -> str:
    """How the text is cited; the control's share is of none."""
    return TEXTS[text].in_brackets if text in TEXTS else text


STATED_LEAVE = {"after-marketing": 0.90, "lecture": 0.95}
WITHIN_LEAVE = 0.025
GROUP = {"after-marketing": "dissatisfied customers who say nothing", "lecture": "silent dissatisfied customers"}


def leaving(rates: dict[str, dict[str, float]]) -> dict[str, float]:
    """Share of the silent who do not mean to buy again, by size of loss."""
    return {loss: 1.0 - by["silent"] for loss, by in rates.items()}


def major_share_for(stated: float, leave: dict[str, float]) -> float | None:
    """Share of major losses from which on the mix loses at least `stated` less the tolerance; None if none does."""
    needed = (stated - WITHIN_LEAVE - leave["minor"]) / (leave["major"] - leave["minor"])
    return max(0.0, needed) if needed <= 1.0 else None


def _part(text: str, leave: dict[str, float]) -> Part:
    stated = STATED_LEAVE[text]
    share = major_share_for(stated, leave)
    answer = Answer.FAILS if share is None else Answer.HOLDS if share == 0.0 else Answer.UNDECIDED
    return Part(
        name=f"({'ab'[list(STATED_LEAVE).index(text)]}) {stated:.0%}, {TEXTS[text].cited}",
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


def judge_leave(
    evidence: Evidence = None, quick: bool = False, *, rates: dict[str, dict[str, float]] = TARP
) -> Finding:
    """Both figures against TARP's; the control takes the answered for the silent."""
    leave = leaving(rates)
    parts = tuple(_part(text, leave) for text in STATED_LEAVE)
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
