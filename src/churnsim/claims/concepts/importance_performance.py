"""`importance-performance`: the matrix of importance and performance says where to improve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part
from churnsim.claims.machinery.verdicts import Answer, combine
from churnsim.satisfaction.importance import QUADRANTS, importance_performance
from churnsim.satisfaction.synthetic.attributes import ATTRIBUTES, synthetic_importance
from churnsim.typing import Floats

RESPONDENTS = 300
CLEAR = {
    "delivery time": (3.0, 6.0, 0.50), "price": (5.5, 6.0, 0.50), "advice": (5.5, 3.5, 0.05),
    "returns": (3.0, 3.5, 0.05),
}  # fmt: skip
"""Attributes, one a quadrant, whose stated and derived importance agree."""


def judge(evidence: Evidence = None, quick: bool = False, *, exchanged: bool = False, clear: bool = False) -> Finding:
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
