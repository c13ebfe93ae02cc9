"""`complaint-tree`: of a hundred dissatisfied customers, ninety-two are lost."""

from __future__ import annotations

from dataclasses import replace

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import closes
from churnsim.economics.complaint_return import ComplaintTree

STATED_TREE = ComplaintTree(dissatisfied=100, complain=0.04, complainants_leave=0.25, silent_leave=0.95)
STATED, WITHIN = 92.0, 0.5
BRANCHES = (
    ("complained and left", "complained, then left", "complainants_lost", 1.0),
    ("complained and stayed", "complained, then stayed", "complainants_kept", 3.0),
    ("silent and left", "were silent, then left", "silent_lost", 91.0),
    ("silent and stayed", "were silent, then stayed", "silent_kept", 5.0),
)


def judge(evidence: Evidence = None, quick: bool = False, **leave: float) -> Finding:
    """Follow the tree; the control exchanges the rates at which complainants and the silent `leave`."""
    tree = replace(STATED_TREE, **leave)
    parts = tuple(
        Part(
            name=name,
            estimand=f"Customers of 100 dissatisfied who {told}.",
            answer=closes(getattr(tree, field), printed, within=WITHIN),
            estimate=getattr(tree, field),
            unit="customers of 100",
            reason=f"The tree gives {getattr(tree, field):.1f}; printed {printed:g}.",
        )
        for name, told, field, printed in BRANCHES
    )
    all_complain = replace(tree, complain=1.0)
    answer = closes(tree.lost, STATED, within=WITHIN)
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
