"""SERVQUAL: perception minus expectation on twenty-two items, in five dimensions; SERVPERF: perception alone.

The gap of a dimension is the mean over its items of P - E, of a respondent the mean over those items that have both
answers (Parasuraman, Zeithaml & Berry 1988). The overall gap is the mean of the five dimensions' gaps, or, weighted,
their sum by each respondent's own importance points divided by their total (1991). SERVPERF drops the expectations
(Cronin & Taylor 1992).

The items and dimensions are those of 1988, in short words of our own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings, recoded, wrong_way_items
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, mean_estimates, resample_counts, resampled_means
from churnsim.satisfaction.survey import Survey

ITEMS: Mapping[str, str] = {
    "q1": "modern equipment", "q2": "appealing premises", "q3": "neat staff", "q4": "premises suit the service",
    "q5": "promises kept in time", "q6": "cares when there is trouble", "q7": "dependable", "q8": "on time",
    "q9": "accurate records", "q10": "does not say when (reversed)", "q11": "no prompt service (reversed)",
    "q12": "staff not always willing (reversed)", "q13": "staff too busy (reversed)", "q14": "staff can be trusted",
    "q15": "feels safe", "q16": "staff polite", "q17": "staff supported by the firm",
    "q18": "no individual attention by the firm (reversed)", "q19": "none by the staff (reversed)",
    "q20": "staff do not know my needs (reversed)", "q21": "my interests do not come first (reversed)",
    "q22": "hours do not suit everyone (reversed)",
}  # fmt: skip
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "tangibles": tuple(f"q{i}" for i in range(1, 5)),
    "reliability": tuple(f"q{i}" for i in range(5, 10)),
    "responsiveness": tuple(f"q{i}" for i in range(10, 14)),
    "assurance": tuple(f"q{i}" for i in range(14, 18)),
    "empathy": tuple(f"q{i}" for i in range(18, 23)),
}
REVERSED = tuple(f"q{i}" for i in (10, 11, 12, 13, 18, 19, 20, 21, 22))
"""Worded negatively, so that full agreement is the worst answer. 'Keeping existing customers' (undated) marks the
same nine with a star."""
POSITIVE = tuple(item for item in ITEMS if item not in REVERSED)


ALL = list(ITEMS)


@typed
def servqual(survey: Survey, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Measurement:
    """Gap scores, unweighted and, where importance was asked, weighted.

    Answers are taken as the respondents gave them: items 10-13 and 18-22 are turned here. Importance may be points for
    the five dimensions' names (their ratio counts, not their sum) or answers for the items, whose mean over a
    dimension is then its weight. Items that after turning still run against the scale are reported as probably turned
    already. Rows of the table: each item, each dimension, `overall`, `overall weighted`; unit: steps of the scale.

    Raises DataError where expectation or perception answers to an item are missing altogether.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_servqual
    >>> servqual(synthetic_servqual(100, seed=1).survey, resamples=100).table["estimate"].tail(2).round(2).to_dict()
    {'overall': -0.57, 'overall weighted': -0.7}
    """
    expected = _turned(survey, "expectation")
    perceived = _turned(survey, "perception")
    both = expected.index.intersection(perceived.index)
    gaps = perceived.loc[both, ALL] - expected.loc[both, ALL]
    warnings = _direction_warnings(perceived, "perception") + _direction_warnings(expected, "expectation")
    return _scored(
        survey, gaps, instrument="SERVQUAL", warnings=warnings, level=level, resamples=resamples, seed=seed,
        says="perception minus expectation in steps of the scale, below 0 where the service falls short.",
    )  # fmt: skip


@typed
def servperf(survey: Survey, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Measurement:
    """The same from perceptions alone: for those who hold that expectations add noise and no knowledge.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_servqual
    >>> servperf(synthetic_servqual(100, seed=1).survey, resamples=100).table["estimate"].tail(2).round(2).to_dict()
    {'overall': 5.17, 'overall weighted': 5.17}
    """
    perceived = _turned(survey, "perception")
    return _scored(
        survey, perceived[ALL], instrument="SERVPERF", warnings=_direction_warnings(perceived, "perception"),
        level=level, resamples=resamples, seed=seed, says="perceived performance in steps of the scale.",
    )  # fmt: skip


def _turned(survey: Survey, kind: str) -> pd.DataFrame:
    return recoded(survey.of(kind, ALL), REVERSED, survey.scales[kind])


def _direction_warnings(frame: pd.DataFrame, kind: str) -> tuple[str, ...]:
    wrong = wrong_way_items(frame, DIMENSIONS, POSITIVE)
    if not wrong:
        return ()
    told = ", ".join(f"{item} (r = {r:.2f})" for item, r in wrong.items())
    reason = (
        "they were probably turned before the survey was read: give the answers as the respondents gave them"
        if set(wrong) <= set(REVERSED)
        else "they seem to be coded the wrong way round: turn them back in the file"
    )
    return (f"{kind} of {told} runs against the other items; {reason}. Until then their scores mean nothing.",)


def _scored(
    survey: Survey,
    scores: pd.DataFrame,
    *,
    instrument: str,
    warnings: tuple[str, ...],
    level: float,
    resamples: int,
    seed: int,
    says: str,
) -> Measurement:
    dimensions = pd.DataFrame({name: scores[list(items)].mean(axis=1) for name, items in DIMENSIONS.items()})
    columns = {name: frame[name] for frame in (scores[ALL], dimensions) for name in map(str, frame.columns)}
    columns["overall"] = dimensions.mean(axis=1, skipna=False)
    groups = ["item"] * len(ALL) + ["dimension"] * len(DIMENSIONS) + ["overall"]
    weights = _weights(survey, scores.index)
    if weights is not None:
        columns["overall weighted"] = (dimensions * weights).sum(axis=1, skipna=False)
        groups.append("overall")
    wide = pd.DataFrame(columns)
    counts = resample_counts(len(wide), resamples=resamples, seed=seed)
    table = mean_estimates(wide, counts, level=level)
    table["group"] = groups
    table["about"] = [ITEMS.get(str(name), "") for name in table.index]
    details = {}
    if weights is not None:
        draws = resampled_means(weights.to_numpy(dtype=float), counts)
        details["weights"] = estimates(
            weights.columns, weights.mean().to_numpy(), draws, level=level, n=len(weights.dropna())
        )
    return Measurement(
        instrument=instrument,
        table=table,
        reliability=reliability(scores, DIMENSIONS, level=level, resamples=resamples, seed=seed),
        n=len(scores),
        level=level,
        says=says,
        warnings=(*warnings, *size_warnings(len(scores)), *quality_warnings(survey)),
        details=details,
    )


def _weights(survey: Survey, respondents: pd.Index) -> pd.DataFrame | None:
    """Each respondent's weights of the five dimensions, summing to 1; None where importance was not asked."""
    if survey.has("importance", list(DIMENSIONS)):
        points = survey.answers["importance"][list(DIMENSIONS)]
    elif survey.has("importance", ALL):
        asked = survey.answers["importance"]
        points = pd.DataFrame({name: asked[list(items)].mean(axis=1) for name, items in DIMENSIONS.items()})
    else:
        return None
    own = points.reindex(respondents)
    return own.div(own.sum(axis=1, skipna=False).replace(0.0, np.nan), axis=0)
