"""Quality as customers see it: `servqual`, `importance-performance` and `kano`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, closes, combine
from churnsim.satisfaction.gaps import five_gaps
from churnsim.satisfaction.importance import QUADRANTS, importance_performance
from churnsim.satisfaction.kano import CATEGORIES, EVALUATION, kano
from churnsim.satisfaction.quality import recoded
from churnsim.satisfaction.servqual import DIMENSIONS, REVERSED, servqual
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.attributes import ATTRIBUTES, synthetic_importance, synthetic_kano
from churnsim.satisfaction.synthetic.gaps import synthetic_gaps
from churnsim.typing import Floats

SCALE = (1.0, 7.0)
# Level of every answer in the good direction, and what the scores must be.
EXPECTED, PERCEIVED = (
    6.0,
    {"tangibles": 6.0, "reliability": 4.0, "responsiveness": 5.0, "assurance": 6.5, "empathy": 3.0},
)
ROUNDING = 1e-9


def judge_servqual(evidence: Evidence = None, quick: bool = False, *, reverse: bool = True) -> Finding:
    """Score answers whose scores are known; the control gives items 10-13 and 18-22 as if they were worded like the
    others."""
    people = [f"r{i}" for i in range(12)]
    frames = {}
    for kind in ("expectation", "perception"):
        level = {d: EXPECTED if kind == "expectation" else PERCEIVED[d] for d in DIMENSIONS}
        # Half of the people tick a step higher, half a step lower: means stay.
        rows = {
            who: {i: level[d] + (0.5 if n % 2 else -0.5) for d, items in DIMENSIONS.items() for i in items}
            for n, who in enumerate(people)
        }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        frames[kind] = recoded(frame, REVERSED, SCALE) if reverse else frame
    measured = servqual(Survey.from_frames(frames, scale=SCALE), resamples=20)
    parts = [
        Part(
            name=f"({letter}) {dimension}",
            estimand=f"Mean perception less expectation on the items of {dimension}, points of a 7-point scale.",
            answer=closes(measured.estimate(dimension), PERCEIVED[dimension] - EXPECTED, within=ROUNDING),
            estimate=measured.estimate(dimension),
            unit="points",
            reason=f"{measured.estimate(dimension):+.2f}; by hand {PERCEIVED[dimension] - EXPECTED:+.2f}.",
        )
        for letter, dimension in zip("abcde", DIMENSIONS, strict=True)
    ]
    parts.append(_gaps_close())
    answer = combine(parts)
    return Finding(
        answer=answer,
        reason=(
            " ".join(f"{part.name}: {part.reason}" for part in parts)
            + " What is judged is the scoring. Whether these dimensions describe a given service is for its own data: "
            "compare the reliabilities and SERVPERF."
        ),
        estimate=measured.estimate("overall"),
        unit="points",
        parts=tuple(parts),
    )


def _gaps_close() -> Part:
    """Gap 5 is the sum of the first three and what is perceived beyond what is delivered."""
    table = five_gaps(synthetic_gaps(60, managers=20, employees=20, seed=1).survey, resamples=20).table["estimate"]
    names = ("gap 1 knowledge", "gap 2 standards", "gap 3 delivery", "perceived beyond delivery")
    whole, total = float(table["gap 5 service: overall"]), sum(float(table[f"{name}: overall"]) for name in names)
    return Part(
        name="(f) five gaps",
        estimand="Gap 5 less the sum of gaps 1 to 3 and of perception beyond delivery, points.",
        answer=closes(total, whole, within=ROUNDING),
        estimate=total - whole,
        unit="points",
        reason=f"the gaps that make it sum to {total:+.2f}; gap 5 itself is {whole:+.2f}.",
    )


def control_servqual(evidence: Evidence, quick: bool) -> Finding:
    """Items worded in reverse answered, and scored, as if they were not."""
    wrong = judge_servqual(evidence, quick, reverse=False)
    # Three of five dimensions have no reversed item and come out right all the same: one wrong score breaks the claim.
    bad = [part for part in wrong.parts if part.answer is Answer.FAILS]
    return Finding(
        answer=Answer.FAILS if bad else wrong.answer,
        reason=f"{len(bad)} scores are wrong: {'; '.join(p.name for p in bad)}.",
        parts=wrong.parts,
    )


RESPONDENTS = 300
CLEAR = {
    "delivery time": (3.0, 6.0, 0.50), "price": (5.5, 6.0, 0.50), "advice": (5.5, 3.5, 0.05),
    "returns": (3.0, 3.5, 0.05),
}  # fmt: skip
"""Attributes, one a quadrant, whose stated and derived importance agree."""


def judge_matrix(
    evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False, clear: bool = False
) -> Finding:
    """Quadrants of attributes whose place is known, and how many change with the crossing or the kind of importance;
    the control exchanges importance and performance, and the attributes of the planted world are `clear` of the cross
    by every reading."""
    known = synthetic_importance(RESPONDENTS, seed=1, attributes=CLEAR if clear else ATTRIBUTES)
    table = importance_performance(known.survey, resamples=100).table["estimate"]
    names = list(known.survey.answers["importance"].columns)
    values = {
        kind: np.array([table[f"{kind}: {name}"] for name in names]) for kind in ("performance", "stated", "derived")
    }
    truth = {kind: np.array([known.truth[f"{kind}: {name}"] for name in names]) for kind in values}
    if exchanged:
        values["performance"], values["stated"] = values["stated"], values["performance"]
    found = _places(values["performance"], values["stated"], np.mean)
    right = found == _places(truth["performance"], truth["stated"], np.mean)
    others = {
        "crossed at the medians": _places(values["performance"], values["stated"], np.median),
        "importance derived": _places(values["performance"], values["derived"], np.mean),
    }
    moved = {how: found != there for how, there in others.items()}
    steady = [n for n, *changes in zip(names, *moved.values(), strict=True) if not any(changes)]
    parts = (
        Part(
            name="(a) known places",
            estimand="Attributes found in the quadrant in which they were put, percent.",
            answer=Answer.HOLDS if right.all() else Answer.FAILS,
            estimate=100 * float(right.mean()),
            unit="percent",
            reason=f"{right.sum()} of {len(names)} attributes are found where they were put.",
        ),
        *(
            Part(
                name=f"({letter}) {how}",
                estimand=f"Attributes whose quadrant changes when the matrix is drawn with {how}, percent.",
                answer=Answer.FAILS if change.any() else Answer.HOLDS,
                estimate=100 * float(change.mean()),
                unit="percent",
                reason=f"{change.sum()} of {len(names)} change their quadrant with {how}.",
            )
            for letter, (how, change) in zip("bc", moved.items(), strict=True)
        ),
    )
    rows = pd.DataFrame({"attribute": names, "stated, at the means": [QUADRANTS[k] for k in found]})
    for how, there in others.items():
        rows[how] = [QUADRANTS[k] for k in there]
    return Finding(
        answer=combine(parts) if right.all() else Answer.FAILS,
        reason=" ".join(part.reason for part in parts) + " A synthetic survey: the method is judged, not a market.",
        estimate=100 * float(np.mean([change.mean() for change in moved.values()])),
        unit="percent of attributes that change",
        region=(
            "for attributes clear of the cross on both axes and by both kinds of importance: here "
            f"{', '.join(steady) or 'none'}"
        ),
        parts=parts,
        tables={"quadrants": rows.to_dict("records")},  # type: ignore[dict-item]
    )


def _places(performance: Floats, importance: Floats, centre: Callable[[Floats], Any]) -> NDArray[np.int64]:
    """Number of the quadrant of each attribute, the cross at the `centre` of each axis."""
    return np.asarray(2 * (importance > centre(importance)) + (performance > centre(performance)), dtype=np.int64)


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


def judge_kano(evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False) -> Finding:
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
