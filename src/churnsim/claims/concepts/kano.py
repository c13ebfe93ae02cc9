"""`kano`: basic, performance and excitement factors."""

from __future__ import annotations

import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, combine
from churnsim.satisfaction.kano import CATEGORIES, EVALUATION, kano
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.attributes import synthetic_kano

# The evaluation table written down a second time, by rule: functional answer, dysfunctional answer -> class.
LIKE, DISLIKE = 1, 5
KNOWN = {
    "arrives intact": "basic (must-be)", "delivery time": "performance (one-dimensional)",
    "gift wrapping": "excitement (attractive)", "colour of the box": "indifferent",
}  # fmt: skip


def by_rule(functional: int, dysfunctional: int) -> str:
    """The class of a pair in words: contradictions first, then whether presence is liked and absence disliked."""
    if functional == dysfunctional and functional in (LIKE, DISLIKE):
        return "Q"
    if functional == LIKE:
        return "O" if dysfunctional == DISLIKE else "A"
    if dysfunctional == LIKE or functional == DISLIKE:
        return "R"
    return "M" if dysfunctional == DISLIKE else "I"


def judge(evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False) -> Finding:
    """The 25 cells against the rule, and attributes of known class; the control exchanges the two questions."""
    pairs = [(f, d) for f in range(1, 6) for d in range(1, 6)]
    table = {(f, d): EVALUATION[d - 1][f - 1] if exchanged else EVALUATION[f - 1][d - 1] for f, d in pairs}
    wrong = [pair for pair in pairs if table[pair] != by_rule(*pair)]
    survey = synthetic_kano(300, seed=1).survey
    if exchanged:
        turned = {"functional": survey.answers["dysfunctional"], "dysfunctional": survey.answers["functional"]}
        survey = Survey.from_frames(turned, scale=(1, 5))
    found: pd.Series[str] = kano(survey, resamples=50).details["categories"]["category"]
    right = sum(found[item] == kind for item, kind in KNOWN.items())
    parts = (
        Part(
            name="(a) the table",
            estimand="Cells of the 5 x 5 evaluation table that give the class of the pair.",
            answer=Answer.FAILS if wrong else Answer.HOLDS,
            estimate=float(25 - len(wrong)),
            unit="of 25 cells",
            reason=f"{25 - len(wrong)} of 25 cells agree with the rule written down a second time.",
        ),
        Part(
            name="(b) known attributes",
            estimand="Attributes whose most frequent class is the one with which they were made, of four.",
            answer=Answer.HOLDS if right == len(KNOWN) else Answer.FAILS,
            estimate=float(right),
            unit="of 4 attributes",
            reason=f"{right} of {len(KNOWN)} attributes of a synthetic survey of 300 come out as they were made.",
        ),
    )
    return Finding(
        answer=combine(parts),
        reason=(
            " ".join(part.reason for part in parts)
            + f" What is judged is the method ({', '.join(CATEGORIES.values())}); which class a real feature has is "
            "for its own customers."
        ),
        estimate=float(right),
        unit="of 4 attributes",
        parts=parts,
    )
