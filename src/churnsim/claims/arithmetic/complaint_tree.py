"""`complaint-tree`: of a hundred dissatisfied customers, ninety-two are lost."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind, Part
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.verdicts import closes
from churnsim.economics.complaints import ComplaintTree

__all__ = ["COMPLAINT_TREE", "STATED_TREE", "judge"]

STATED_TREE = ComplaintTree(dissatisfied=100, complain=0.04, complainants_leave=0.25, silent_leave=0.95)
STATED, WITHIN = 92.0, 0.5
BRANCHES = (
    ("complained and left", "complainants_lost", 1.0),
    ("complained and stayed", "complainants_kept", 3.0),
    ("silent and left", "silent_lost", 91.0),
    ("silent and stayed", "silent_kept", 5.0),
)


def judge(evidence: Evidence = None, quick: bool = False, *, tree: ComplaintTree = STATED_TREE) -> Finding:
    """Follow the tree; the control calls this with the two leaving rates exchanged."""
    parts = tuple(
        Part(
            name=name,
            estimand=f"Customers of 100 dissatisfied who {name.replace(' and ', ', then ')}.",
            verdict=closes(getattr(tree, field), printed, within=WITHIN),
            estimate=getattr(tree, field),
            unit="customers of 100",
            reason=f"The tree gives {getattr(tree, field):.1f}; printed {printed:g}.",
        )
        for name, field, printed in BRANCHES
    )
    all_complain = ComplaintTree(
        dissatisfied=100, complain=1.0, complainants_leave=tree.complainants_leave, silent_leave=tree.silent_leave
    )
    verdict = closes(tree.lost, STATED, within=WITHIN)
    return Finding(
        verdict=verdict,
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


def control(evidence: Evidence, quick: bool) -> Finding:
    """With the leaving rates of complainants and silent customers exchanged, 28 are lost."""
    swapped = ComplaintTree(
        dissatisfied=100,
        complain=STATED_TREE.complain,
        complainants_leave=STATED_TREE.silent_leave,
        silent_leave=STATED_TREE.complainants_leave,
    )
    return judge(evidence, quick, tree=swapped)


COMPLAINT_TREE = Claim(
    id="complaint-tree",
    says="Of 100 dissatisfied customers 4 complain, of whom 1 leaves; of the 96 silent 91 leave: 92 are lost.",
    quote="100名不满意顾客 4%抱怨 25%流失 96%不抱怨 95%流失 … 92%的顾客都流失了",
    sources=(
        source(
            "lecture",
            study="“一项调查” (a survey, not named); the figures resemble TARP's of 1979 and 1986, Consumer complaint "
            "handling in America, US Office of Consumer Affairs",
            measured="TARP asked households about complaints and whether they meant to buy again, by size of loss: "
            "stated intention, not observed leaving.",
        ),
    ),
    kind=Kind.ARITHMETIC,
    quantity="Customers lost of 100 dissatisfied: 4% complain (25% of them leave), 96% are silent (95% leave).",
    expect=STATED,
    within=WITHIN,
    because="The text prints whole customers: half a customer.",
    control=Control(what="the leaving rates of complainants and silent customers exchanged", judge=control),
    critique=(
        "TARP's own silent customers stay more often: 9% after a major loss, 37% after a minor one.",
        "Three of the texts give three shares of complainants: 4 to 96 ('Keeping existing customers', undated), 1 "
        "to 9 ('Nine steps to loyalty', 2017), one for every 20 ('Winning back lost customers', undated).",
        "Those who complain differ from those who do not: the difference in leaving is association, not the effect of "
        "complaining.",
    ),
    judge=judge,
)
