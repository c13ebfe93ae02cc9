"""Penalty-reward analysis: Kano's question where only ratings exist (Brandt 1987; Matzler & Sauerwein 2002).

Overall satisfaction is regressed on two indicators an attribute: rated low (the penalty, what it costs) and rated high
(the reward, what it earns), against the middle. A basic attribute has the larger penalty, an excitement one the larger
reward, a performance one both alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.errors import ConfigError, DataError
from churnsim.optional import optional_modules
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, moments, slopes
from churnsim.satisfaction.survey import Survey

FEW = 10
"""Fewer ratings on a side tell next to nothing about it (assumed)."""


@typed
def penalty_reward(
    survey: Survey,
    *,
    overall: str = "overall",
    items: Sequence[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measurement:
    """Penalties and rewards on the scale of `overall`; a rating of at most `low` is low, of at least `high` high.

    Rows: ``penalty: ITEM``, ``reward: ITEM``, ``asymmetry: ITEM`` (penalty + reward: below 0 basic, above 0
    excitement). Details `categories`: the category where the asymmetry's interval leaves out 0 or both effects are
    there; `regression`: statsmodels' table with heteroscedasticity-robust (HC3) errors. Raises DataError without
    `overall`, or where one side of an item is empty.

    Parameters
    ----------
    survey : Survey
        Ratings of the items and of `overall`, of kind perception.
    overall : str
        The item that measures overall satisfaction.
    items : sequence of str, optional
        All others unless given.
    low, high : float, optional
        Unless given, the outer sixths of the scale's length (1-2 and 6-7 of seven).
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_penalty_reward
    >>> result = penalty_reward(synthetic_penalty_reward(300, seed=1).survey, resamples=100)
    >>> result.table["estimate"].head(2).round(2).to_dict()
    {'penalty: arrives intact': -1.75, 'reward: arrives intact': 0.33}
    """
    answers = survey.of("perception")
    if overall not in answers:
        raise DataError(f"the survey has no perception of {overall!r}. Pass overall= the item of overall satisfaction.")
    bottom, top = survey.scales["perception"]
    step = (top - bottom) / 6
    low = bottom + step if low is None else low
    high = top - step if high is None else high
    asked = [str(i) for i in (answers.columns if items is None else items) if i != overall]
    if not asked:
        raise ConfigError("items are none; name one at least.")
    complete = survey.of("perception", [*asked, overall]).dropna()
    design = {}
    for item in asked:
        design[f"penalty: {item}"] = (complete[item] <= low).astype(float)
        design[f"reward: {item}"] = (complete[item] >= high).astype(float)
    x = pd.DataFrame(design)
    empty = [str(name) for name in x.columns if x[name].sum() < 2]
    if empty:
        raise DataError(f"hardly anybody rated so: {', '.join(empty)}. Move low or high, or leave the item out.")
    m = moments(x.assign(overall=complete[overall]), resamples=resamples, seed=seed)
    effects, draws = slopes(m.covariance[None])[0], slopes(m.covariances)
    asymmetry, rated = [f"asymmetry: {item}" for item in asked], x.sum().to_numpy()
    table = estimates(
        [*x.columns, *asymmetry], np.concatenate([effects, effects[0::2] + effects[1::2]]),
        np.hstack([draws, draws[:, 0::2] + draws[:, 1::2]]), level=level, n=m.n,
        behind=np.concatenate([rated, np.minimum(rated[0::2], rated[1::2])]),
    )  # fmt: skip
    table["group"] = [*(name.split(":")[0] for name in map(str, x.columns)), *["asymmetry"] * len(asked)]
    thin = [str(name) for name in x.columns if x[name].sum() < FEW]
    return Measurement(
        instrument="penalty-reward",
        table=table,
        reliability=reliability(complete, {"ratings": asked}, level=level, resamples=resamples, seed=seed),
        n=m.n,
        level=level,
        says="what a low rating costs and a high one earns in overall satisfaction, against a middling one.",
        warnings=(
            *size_warnings(m.n, parameters=x.shape[1]),
            *([f"fewer than {FEW} ratings behind {', '.join(thin)}."] if thin else []),
            *quality_warnings(survey),
        ),
        details={"categories": _categories(table, asked), "regression": _regression(x, complete[overall])},
    )


def _categories(table: pd.DataFrame, items: Sequence[str]) -> pd.DataFrame:
    rows = {}
    for item in items:
        asymmetry = table.loc[f"asymmetry: {item}"]
        penalty, reward = table.loc[f"penalty: {item}"], table.loc[f"reward: {item}"]
        if asymmetry["upper"] < 0:
            category = "basic"
        elif asymmetry["lower"] > 0:
            category = "excitement"
        elif penalty["upper"] < 0 and reward["lower"] > 0:
            category = "performance"
        else:
            category = "not settled"
        rows[item] = {"category": category, "penalty": penalty["estimate"], "reward": reward["estimate"]}
    return pd.DataFrame.from_dict(rows, orient="index")


def _regression(x: pd.DataFrame, y: pd.Series[float]) -> pd.DataFrame:
    (api,) = optional_modules("statsmodels.api", extra="survey", purpose="a regression of answers")
    fit = api.OLS(y, api.add_constant(x)).fit(cov_type="HC3")
    return pd.DataFrame({"estimate": fit.params, "standard_error": fit.bse, "z": fit.tvalues, "p": fit.pvalues})
