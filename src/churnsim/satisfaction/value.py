"""The customer value ratio V = sum alpha_i u_i / sum beta_j c_j ('Keeping existing customers', undated).

Benefits over costs: above 1 delighted, 1 satisfied, below 1 not. And why its verdict depends on the scales.

A ratio of two averages of opinions has no unit that the world gives it. Where benefits and costs are asked on one scale
with weights that sum to 1, the side of 1 says only whether benefits are rated above costs, and any number can be had
for V by shifting the scale's zero; where the two scales differ, or weights are importance points as they stand, the
side itself moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, resample_counts, resampled_means
from churnsim.satisfaction.survey import Survey
from churnsim.statistics import tails
from churnsim.typing import Floats


@typed
def customer_value_ratio(
    survey: Survey,
    *,
    benefits: Sequence[str] | None = None,
    costs: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measurement:
    """V of the population's means, with weights alpha and beta from importance answers (equal where none were asked).

    Items are those whose names begin with ``benefit`` and ``cost`` unless given; a high answer means much benefit, or
    much cost. Rows: `V` and, by item, ``benefit``/``cost`` means and weights. Details `scales`: V and its verdict when
    the same answers are coded otherwise. Raises DataError without benefits or costs.

    Parameters
    ----------
    survey : Survey
        Perceptions of benefits and costs, and their importance where it was asked.
    benefits, costs : sequence of str, optional
        Items; those whose names begin with ``benefit`` and ``cost`` unless given.
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_value
    >>> result = customer_value_ratio(synthetic_value(200, seed=1).survey, resamples=100)
    >>> result.table.loc["V", ["estimate", "lower", "upper"]].astype(float).round(2).tolist()
    [1.12, 1.1, 1.15]
    """
    answers = survey.of("perception")
    names = [str(c) for c in answers.columns]
    gains = list(benefits) if benefits is not None else [n for n in names if n.lower().startswith("benefit")]
    pains = list(costs) if costs is not None else [n for n in names if n.lower().startswith("cost")]
    if not gains or not pains:
        raise DataError(f"V needs benefits and costs; the items are {', '.join(names)}. Pass benefits= and costs=.")
    items = [*gains, *pains]
    complete = survey.of("perception", items).dropna()
    if complete.empty:
        raise DataError(f"nobody answered all of {', '.join(items)}. Leave out what was seldom answered.")
    if survey.has("importance", items):
        weights = survey.of("importance", items).reindex(complete.index)
        if weights.isna().all().any():
            raise DataError("nobody who rated everything said how important some of it is. Ask, or drop importance.")
    else:
        weights = pd.DataFrame(1.0, index=complete.index, columns=items)
    both = np.hstack([complete.to_numpy(dtype=float), weights.to_numpy(dtype=float)])
    counts = resample_counts(len(complete), resamples=resamples, seed=seed)
    means, draws = np.nanmean(both, axis=0), resampled_means(both, counts)
    k = len(gains)
    value, values = _ratio(means[None], k)[0], _ratio(draws, k)
    head = estimates(["V"], np.array([value]), values[:, None], level=level, n=len(complete)).assign(group="ratio")
    kinds = [*["benefit"] * k, *["cost"] * len(pains)]
    tail = estimates(
        [f"mean: {item}" for item in items], means[: len(items)], draws[:, : len(items)], level=level, n=len(complete)
    ).assign(group=kinds)
    low, high = survey.scales["perception"]
    own = complete[gains].mean(axis=1) / complete[pains].mean(axis=1).replace(0.0, np.nan)
    return Measurement(
        instrument="customer value ratio",
        table=pd.concat([head, tail]),
        reliability=reliability(
            complete, {"benefits": gains, "costs": pains}, level=level, resamples=resamples, seed=seed
        ),
        n=len(complete),
        level=level,
        says=f"benefits over costs; {verdict_on(*head[['lower', 'upper']].iloc[0])} by the rule of 1.",
        warnings=(
            *size_warnings(len(complete)),
            *quality_warnings(survey),
            "the verdict depends on how benefits and costs are scaled: see the table of scales.",
        ),
        details={
            "scales": _under_scales(means, draws, k, low=low, high=high, level=level),
            "respondents": pd.DataFrame({"share_above_1": {"unweighted": float((own > 1).mean())}}),
        },
    )


def verdict_on(lower: float, upper: float) -> str:
    """The words of 'Keeping existing customers' (undated) for an interval of V."""
    if lower > 1:
        return "delighted"
    return "not satisfied" if upper < 1 else "satisfied (not told apart from 1)"


def _ratio(means: Floats, k: int, *, weigh: bool = True, normalise: bool = True) -> Floats:
    """V from rows of (means of items, means of weights), the first k items being benefits."""
    half = means.shape[1] // 2
    answers, weights = means[:, :half], means[:, half:]
    if not weigh:
        weights = np.ones_like(weights)
    top, bottom = (answers * weights)[:, :k].sum(axis=1), (answers * weights)[:, k:].sum(axis=1)
    if normalise:
        top, bottom = top / weights[:, :k].sum(axis=1), bottom / weights[:, k:].sum(axis=1)
    return np.asarray(top / bottom)


def _under_scales(means: Floats, draws: Floats, k: int, *, low: float, high: float, level: float) -> pd.DataFrame:
    half = means.shape[0] // 2

    def coded(rows: Floats, benefit: tuple[float, float], cost: tuple[float, float]) -> Floats:
        changed = rows.copy()
        for part, (new_low, new_high) in ((slice(0, k), benefit), (slice(k, half), cost)):
            changed[:, part] = new_low + (rows[:, part] - low) * (new_high - new_low) / (high - low)
        return changed

    same = (low, high)
    cases = {
        "as asked": (same, same, True),
        "both from 0": ((0.0, high - low), (0.0, high - low), True),
        "both 101 to 100 + top": ((100 + low, 100 + high), (100 + low, 100 + high), True),
        "costs from 0 to 10": (same, (0.0, 10.0), True),
        "benefits from 0 to 10": ((0.0, 10.0), same, True),
        "weights not divided by their sum": (same, same, False),
    }
    rows = {}
    for name, (benefit, cost, normalise) in cases.items():
        value = _ratio(coded(means[None], benefit, cost), k, normalise=normalise)[0]
        lower, upper = np.quantile(_ratio(coded(draws, benefit, cost), k, normalise=normalise), tails(level))
        rows[name] = {"V": value, "lower": lower, "upper": upper, "verdict": verdict_on(lower, upper)}
    return pd.DataFrame.from_dict(rows, orient="index")
