"""`servqual`: 22 items, five dimensions, nine of them reversed, five gaps."""

from __future__ import annotations

import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, closes, combine
from churnsim.satisfaction.gaps import five_gaps
from churnsim.satisfaction.quality import recoded
from churnsim.satisfaction.servqual import DIMENSIONS, REVERSED, servqual
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.gaps import synthetic_gaps

SCALE = (1.0, 7.0)
# Level of every answer in the good direction, and what the scores must be.
EXPECTED, PERCEIVED = (
    6.0,
    {"tangibles": 6.0, "reliability": 4.0, "responsiveness": 5.0, "assurance": 6.5, "empathy": 3.0},
)
ROUNDING = 1e-9


def judge(evidence: Evidence = None, quick: bool = False, *, reverse: bool = True) -> Finding:
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


def control(evidence: Evidence, quick: bool) -> Finding:
    """Items worded in reverse answered, and scored, as if they were not."""
    wrong = judge(evidence, quick, reverse=False)
    # Three of five dimensions have no reversed item and come out right all the same: one wrong score breaks the claim.
    bad = [part for part in wrong.parts if part.answer is Answer.FAILS]
    return Finding(
        answer=Answer.FAILS if bad else wrong.answer,
        reason=f"{len(bad)} scores are wrong: {'; '.join(p.name for p in bad)}.",
        parts=wrong.parts,
    )
