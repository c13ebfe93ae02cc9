"""The American Customer Satisfaction Index and its model (Fornell, Johnson, Anderson, Cha & Bryant 1996).

    index = 100 sum_i w_i (mean_i - low) / ((high - low) sum_i w_i)

over three satisfaction items (overall, against expectations, against the ideal), so that 0 is the worst answer to all
and 100 the best. The model: expectations make performance; both make value; all three make satisfaction; satisfaction
makes fewer complaints and more loyalty, and complaints less loyalty.

The index's own authors take the weights from partial least squares. Here they are the regression weights of the
satisfaction construct in the same structural model (loading over error variance), equal, or given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, typed
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import numbers
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, resample_counts, resampled_means
from churnsim.satisfaction.structural_fit import fit_structure, score_weights
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey

SATISFACTION = ("satisfaction_1", "satisfaction_2", "satisfaction_3")
ACSI_MODEL = Structure(
    blocks={
        "expectations": ("expectations_1", "expectations_2", "expectations_3"),
        "performance": ("performance_1", "performance_2", "performance_3"),
        "value": ("value_1", "value_2"),
        "satisfaction": SATISFACTION,
        "complaints": ("complaints_1", "complaints_2"),
        "loyalty": ("loyalty_1", "loyalty_2"),
    },
    paths={
        "performance": ("expectations",),
        "value": ("expectations", "performance"),
        "satisfaction": ("expectations", "performance", "value"),
        "complaints": ("satisfaction",),
        "loyalty": ("satisfaction", "complaints"),
    },
    signs={("satisfaction", "complaints"): -1, ("complaints", "loyalty"): -1},
)
Weights = Literal["model", "equal"] | Mapping[str, float]


@typed
def acsi_index(means: pd.Series[float], weights: pd.Series[float], scale: tuple[float, float]) -> float:
    """The index of items' means under weights (any positive sum), 0 to 100.

    Examples
    --------
    >>> means = pd.Series({"overall": 8.0, "expected": 7.0, "ideal": 7.5})
    >>> round(acsi_index(means, pd.Series(1.0, index=means.index), (1, 10)), 2)
    72.22
    """
    low, high = scale
    numbers_by_item = {"means": means, "weights": weights}
    m, w = (pd.Series(numbers(value, name), value.index) for name, value in numbers_by_item.items())
    return float(100 * (w * ((m - low) / (high - low))).sum() / w.sum())


@typed
def acsi(
    survey: Survey,
    *,
    weights: Weights = "model",
    structure: Structure = ACSI_MODEL,
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> Measurement:
    """The index (row `index`), and, where every item of the model was asked, its paths and loadings.

    Answers are of kind perception. Without the model's other items the index takes equal weights and says so. Raises
    ConfigError for weights that are not positive or name other items; see also `fit_structure`.

    Parameters
    ----------
    survey : Survey
        Answers of kind perception to the items of `structure`.
    weights : str, or mapping of item to weight
        "model": those of the fitted model; "equal"; or your own, all positive.
    structure : Structure
        Constructs, items and paths; the index is of the construct "satisfaction".
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_acsi
    >>> result = acsi(synthetic_acsi(200, seed=1).survey, weights="equal", resamples=20)
    >>> result.table.loc["index", ["estimate", "lower", "upper"]].astype(float).round(1).tolist()
    [56.2, 54.2, 57.8]
    """
    check_kind(weights, "weights", (str, Mapping), "'model', 'equal' or a weight for each item")
    items = list(structure.blocks["satisfaction"])
    block = survey.of("perception", items).dropna()
    scale = survey.scales["perception"]
    whole = survey.has("perception", structure.items)
    warnings: tuple[str, ...] = (*size_warnings(len(block)), *quality_warnings(survey))
    details: dict[str, pd.DataFrame] = {}
    model: Measurement | None = None
    if whole:
        model = fit_structure(
            survey.of("perception", structure.items), structure, level=level, resamples=resamples, seed=seed
        )
        details["fit"] = model.details["fit"]
        warnings = (*warnings, *(text for text in model.warnings if text not in warnings))
    if weights == "model" and model is None:
        warnings = (*warnings, "only the satisfaction items were asked: the index takes equal weights.")
        weights = "equal"
    chosen = _weights(weights, block, model)
    details["weights"] = chosen.rename("weight").to_frame()
    counts = resample_counts(len(block), resamples=max(resamples, 300), seed=seed)
    # The weights sum to 1 and barely move between resamples; with them held, the index is a mean over respondents.
    own = 100 * ((block - scale[0]) / (scale[1] - scale[0]) * chosen).sum(axis=1)
    draws = resampled_means(own.to_numpy(dtype=float)[:, None], counts)
    table = estimates(
        ["index"], np.array([acsi_index(block.mean(), chosen, scale)]), draws, level=level, n=len(block)
    ).assign(group="index")
    return Measurement(
        instrument="ACSI",
        table=table if model is None else pd.concat([table, model.table]),
        reliability=model.reliability
        if model is not None
        else reliability(block, {"satisfaction": items}, level=level, resamples=resamples, seed=seed),
        n=len(block),
        level=level,
        says="satisfaction from 0 (worst answer to all three items) to 100; paths are standardised.",
        warnings=warnings,
        details=details,
    )


def _weights(weights: Weights, block: pd.DataFrame, model: Measurement | None) -> pd.Series[float]:
    if isinstance(weights, Mapping):
        given = pd.Series(numbers([*weights.values()], "weights"), [*weights])
        if set(given.index) != set(block.columns) or not ((given > 0) & (given < np.inf)).all():
            raise ConfigError(
                f"weights must be positive and name {', '.join(map(str, block.columns))}; got {dict(weights)}."
            )
        return given.reindex(block.columns) / given.sum()
    if weights == "model" and model is not None:
        return score_weights(model.table, "satisfaction", block.std())
    if weights == "equal":
        return pd.Series(1 / block.shape[1], index=block.columns)
    raise ConfigError(f"weights must be 'model', 'equal' or one number an item; got {weights!r}.")
