"""The importance-performance matrix (Martilla & James 1977), with stated and with derived importance.

Performance is an item's mean perception. Stated importance is its mean importance answer; derived importance is what it
does for overall satisfaction: its standardised coefficient in a regression on all items (and its plain correlation).
The cross stands at the means over items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, moments, resample_counts, resampled_means, slopes
from churnsim.satisfaction.survey import Survey
from churnsim.typing import Floats

QUADRANTS = ("low priority", "possible overkill", "concentrate here", "keep up the good work")
"""By 2 (important) + (performs well)."""
HIGH_CORRELATION = 0.8
"""Above it two items share most of their variance (assumed, a rule of thumb)."""


@typed
def importance_performance(
    survey: Survey,
    *,
    overall: str | None = "overall",
    items: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measurement:
    """Rows ``performance: ITEM`` and, where they can be had, ``stated: ITEM``, ``derived: ITEM``, ``correlation: ...``.

    Details `quadrants`: by each kind of importance the quadrant of an item and the share of resamples that agree.
    Raises DataError when there is neither an overall rating nor importance.

    Parameters
    ----------
    survey : Survey
        Perceptions of the items, and stated importance where it was asked.
    overall : str or None
        The item that measures overall satisfaction; None leaves out derived importance.
    items : sequence of str, optional
        All others unless given.
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_importance
    >>> matrix = importance_performance(synthetic_importance(200, seed=1).survey, resamples=100)
    >>> matrix.table["estimate"].head(2).round(1).to_dict()
    {'performance: delivery time': 54.3, 'performance: price': 61.1}
    """
    answers = survey.of("perception")
    has_overall = overall is not None and overall in answers
    asked = [str(item) for item in (answers.columns if items is None else items) if item != overall]
    survey.of("perception", asked)  # says which item was not asked
    has_stated = survey.has("importance", asked)
    if not has_overall and not has_stated:
        raise DataError(
            f"importance needs either importance answers to every item or a perception of {overall!r}. Ask one of them."
        )
    n = len(answers)
    counts = resample_counts(n, resamples=resamples, seed=seed)
    performance = answers[asked]
    mean, mean_draws = performance.mean().to_numpy(), resampled_means(performance.to_numpy(dtype=float), counts)
    parts = [_part("performance", asked, mean, mean_draws, level, n)]
    quadrants = pd.DataFrame(index=pd.Index(asked))
    warnings = [*size_warnings(n), *quality_warnings(survey)]
    if has_stated:
        stated = survey.of("importance", asked)
        own = stated.reindex(answers.index)
        values, draws = own.mean().to_numpy(), resampled_means(own.to_numpy(dtype=float), counts)
        parts.append(_part("stated", asked, values, draws, level, len(stated)))
        _place(quadrants, "stated", mean, values, mean_draws, draws)
    if has_overall:
        m = moments(answers[[*asked, overall]], resamples=resamples, seed=seed)
        values, draws = _standardised(m.covariance[None])[0], _standardised(m.covariances)
        parts.append(_part("derived", asked, values, draws, level, m.n))
        parts.append(
            _part("correlation", asked, _correlated(m.covariance[None])[0], _correlated(m.covariances), level, m.n)
        )
        _place(quadrants, "derived", mean, values, mean_draws, draws)
        if _entangled(m.covariance[:-1, :-1]):
            warnings.append(
                f"some items correlate above {HIGH_CORRELATION:g}: their derived importance cannot be told apart."
            )
    agreement = quadrants[[c for c in map(str, quadrants.columns) if c.endswith("agree")]].min(axis=1)
    unsure = [item for item in asked if agreement[item] < level]
    if unsure:
        warnings.append(f"the quadrant is not settled for {', '.join(unsure)}: an interval crosses the cross.")
    return Measurement(
        instrument="importance-performance",
        table=pd.concat(parts),
        reliability=reliability(performance, {"all items": asked}, level=level, resamples=resamples, seed=seed),
        n=n,
        level=level,
        says="mean performance and importance in steps of the scale; derived importance in standard deviations.",
        warnings=tuple(warnings),
        details={"quadrants": quadrants},
    )


def _part(kind: str, items: Sequence[str], values: Floats, draws: Floats, level: float, n: int) -> pd.DataFrame:
    return estimates([f"{kind}: {item}" for item in items], values, draws, level=level, n=n).assign(group=kind)


def _standardised(covariance: Floats) -> Floats:
    """Standardised regression coefficients of the last variable on the others."""
    spread = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(slopes(covariance) * spread[:, :-1] / spread[:, -1:])


def _correlated(covariance: Floats) -> Floats:
    spread = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(covariance[:, :-1, -1] / spread[:, :-1] / spread[:, -1:])


def _entangled(covariance: Floats) -> bool:
    """Whether two items correlate so highly that their coefficients say little of either."""
    spread = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        between = covariance / spread[:, None] / spread[None, :]
    return bool((np.abs(between[~np.eye(len(between), dtype=bool)]) > HIGH_CORRELATION).any())


def _place(
    quadrants: pd.DataFrame,
    kind: str,
    performance: Floats,
    importance: Floats,
    performances: Floats,
    importances: Floats,
) -> None:
    """Add the quadrant by one kind of importance, and how many resamples agree."""

    def numbers(p: Floats, i: Floats) -> NDArray[np.int64]:
        important = i > i.mean(axis=-1, keepdims=True)
        well = p > p.mean(axis=-1, keepdims=True)
        return np.asarray(2 * important + well, dtype=np.int64)

    here = numbers(performance[None], importance[None])[0]
    quadrants[f"by {kind} importance"] = [QUADRANTS[k] for k in here]
    quadrants[f"{kind} agree"] = (numbers(performances, importances) == here).mean(axis=0)
