"""Is the survey sound? Missing answers, straight-liners, copies, and items scored the wrong way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from churnsim.checks import typed
from churnsim.satisfaction.survey import Survey
from churnsim.typing import Floats

FEWEST_ITEMS = 5
"""Equal answers to fewer items are no sign of straight-lining."""
FAMILY_ERROR = 0.01
"""Chance that a sound survey has any item reported as the wrong way round."""


def recoded(frame: pd.DataFrame, reversed_items: Sequence[str], scale: tuple[float, float]) -> pd.DataFrame:
    """Answers with the reversed items turned: low + high - answer."""
    turned = frame.copy()
    here = [item for item in reversed_items if item in turned]
    turned[here] = scale[0] + scale[1] - turned[here]
    return turned


@typed
def straight_liners(survey: Survey, kind: str = "perception") -> pd.Index:
    """Respondents who gave one and the same answer to every item of a kind (at least five), before any recoding.

    Examples
    --------
    >>> from churnsim.satisfaction import Survey
    >>> answers = pd.DataFrame([[4] * 5, [1, 5, 3, 4, 2]], index=["r1", "r2"], columns=[f"q{i}" for i in range(1, 6)])
    >>> straight_liners(Survey.from_frames({"perception": answers}, scale=(1, 5))).tolist()
    ['r1']
    """
    frame = survey.answers.get(kind)
    if frame is None:
        return survey.respondents.index[:0]
    answered = frame.notna().sum(axis=1)
    same = frame.max(axis=1) == frame.min(axis=1)
    return frame.index[(answered >= FEWEST_ITEMS) & same]


@typed
def quality_report(survey: Survey) -> pd.DataFrame:
    """One row a kind of answer: asked, given, missing share, straight-liners, respondents whose answers are copies.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_servqual
    >>> quality_report(synthetic_servqual(50, seed=1).survey)["items"].to_dict()
    {'expectation': 22, 'perception': 22, 'importance': 5}
    """
    rows = {}
    for kind, frame in survey.answers.items():
        asked = frame.dropna(how="all")
        complete = asked.dropna()
        copies = int(complete.duplicated().sum()) if asked.shape[1] > 2 * FEWEST_ITEMS else 0
        rows[kind] = {
            "respondents": len(asked),
            "items": asked.shape[1],
            "missing_share": float(asked.isna().to_numpy().mean()) if asked.size else 0.0,
            "straight_liners": len(straight_liners(survey, kind)),
            "copies": copies,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def quality_warnings(survey: Survey) -> tuple[str, ...]:
    """What of the report deserves a sentence."""
    found = []
    if survey.set_aside:
        first = survey.set_aside[0]
        found.append(
            f"{len(survey.set_aside)} answers were left out; the first is in row {first['row']}, {first['value']}: "
            f"{first['reason']}."
        )
    for kind, row in quality_report(survey).iterrows():
        if row["straight_liners"]:
            who = ", ".join(map(str, straight_liners(survey, str(kind))[:3]))
            found.append(
                f"{row['straight_liners']:.0f} of {row['respondents']:.0f} respondents gave the same {kind} to every "
                f"item (such as {who}); where items are reversed nobody can mean that."
            )
        if row["copies"]:
            found.append(f"{row['copies']:.0f} respondents repeat another's {kind} answers to the last item.")
        if row["missing_share"] > 0.1:
            found.append(f"{row['missing_share']:.0%} of the {kind} answers are missing; who left them out may differ.")
    return tuple(found)


def wrong_way_items(
    frame: pd.DataFrame, groups: Mapping[str, Sequence[str]], anchor: Sequence[str]
) -> dict[str, float]:
    """Items that, as coded, run against the scale: {item: correlation}, empty where all is well.

    Each item is correlated with the mean of the `anchor` items of the other groups (those that are never reversed) and
    with the rest of its own group. It is reported when it runs against the anchor, or against its own group though the
    group as a whole runs with the anchor, beyond a one-sided Fisher test at a family-wise error of 1%. A whole group
    the wrong way round is found by the anchor alone; where groups do not correlate at all (correlation near zero)
    that cannot be found.
    """
    group_of = {item: name for name, items in groups.items() for item in items}
    answers = {item: frame[item].to_numpy(float) for item in {*group_of, *anchor}}

    def mean_of(items: Sequence[str]) -> Floats:
        given = np.array([answers[item] for item in items])
        with np.errstate(invalid="ignore"):  # who gave no answer has no mean
            return np.asarray(np.nansum(given, axis=0) / (~np.isnan(given)).sum(axis=0))

    found: dict[str, float] = {}
    tests = 2 * len(group_of)
    for item, name in group_of.items():
        others = [a for a in anchor if group_of.get(a) != name]
        own = [other for other in groups[name] if other != item]
        for rest in (others, own):
            if not rest:
                continue
            r, p = _against(answers[item], mean_of(rest))
            # A wrong item drags its neighbours' own-group correlation down too; the anchor tells them apart.
            with_anchor = rest is own and others and _against(answers[item], mean_of(others))[0] > 0
            if p < FAMILY_ERROR / tests and not with_anchor:
                found.setdefault(item, r)
    return found


def _against(x: Floats, y: Floats) -> tuple[float, float]:
    """Correlation and the p-value of its being at least 0 (Fisher's z)."""
    both = ~(np.isnan(x) | np.isnan(y))
    x, y, n = x[both], y[both], int(both.sum())
    if n < 10 or x.std() == 0 or y.std() == 0:
        return 0.0, 1.0
    r = float(np.corrcoef(x, y)[0, 1])
    z = np.arctanh(np.clip(r, -0.999999, 0.999999)) * np.sqrt(n - 3)
    return r, float(ndtr(z))
