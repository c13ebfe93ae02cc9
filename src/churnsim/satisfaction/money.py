"""From satisfaction to money: classes of satisfaction, rates of buying and leaving, and what a point is worth.

All of it is association. Three usual confounders are named in every result: who buys much has more occasion to be
satisfied; who is about to leave answers less, or worse; and what makes a segment loyal may make it content. The E-value
says how strongly an unseen cause would have to go with both satisfaction and the outcome to make the whole of an
association (VanderWeele & Ding 2017, Annals of Internal Medicine 167, 268-274).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_number, check_seed, typed
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.arguments import numbers
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.models.purchase.bg_nbd import BGNBDCovariates
from churnsim.models.survival.regression import SurvivalRegression
from churnsim.optional import optional_modules
from churnsim.satisfaction.resampling import ROUNDING, estimates, resample_counts, resampled_means
from churnsim.satisfaction.survey import Survey
from churnsim.statistics import normal_quantile, student_quantile, tails
from churnsim.typing import Floats

CLASSES = {"dissatisfied": 50.0, "satisfied": 75.0, "very satisfied": 100.0}
"""Upper ends of the classes on 0 to 100 (assumed; on seven steps the last class is an answer of six to seven)."""
POINTS = 10.0
"""Ratios are stated for ten points of a hundred: about one step of a ten-step scale."""
CONFOUNDING = (
    "Association, not effect: who buys much has more occasion to be satisfied, who is about to leave answers less or "
    "worse, and what makes a segment loyal may also make it content."
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A rate's ratio per ten points of satisfaction; `coefficient` and its error are of ln rate per point.

    Attributes
    ----------
    what : str
        The rate: buying or leaving.
    coefficient, standard_error : float
        Of ln rate, per point of satisfaction on 0 to 100.
    ratio, lower, upper : float
        The rate's ratio per ten points, with its interval.
    e_value : float
        How strongly something not measured would have to go with both to explain the ratio away.
    n : int
        Customers used.
    says : str
        The ratio in words, and how far it can be trusted.
    """

    what: str
    coefficient: float
    standard_error: float
    ratio: float
    lower: float
    upper: float
    e_value: float
    n: int
    says: str


@typed
def class_values(
    customers: pd.DataFrame,
    outcomes: Sequence[str],
    *,
    classes: dict[str, float] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean of each outcome by class of satisfaction, and its ratio to the mean of all, with bootstrap intervals.

    `customers` has `satisfaction` (0 to 100) and the outcomes, one row a customer. Rows ``CLASS: OUTCOME`` and
    ``CLASS: OUTCOME ratio``; columns as of a measurement. Empty classes are left out. Of some twenty customers, few of
    whom bring most, the intervals hold less than they say, 84% at 95%.

    Parameters
    ----------
    customers : DataFrame
        One row a customer: `satisfaction` (0 to 100) and the outcomes.
    outcomes : sequence of str
        Columns of which the mean is taken.
    classes : dict of name to upper end, optional
        Ends on 0 to 100, rising; the last includes 100.
    level : float
        Of the percentile intervals.
    resamples : int
        Bootstrap resamples of the customers, at least 20.
    seed : int
        Of the resamples.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_customers
    >>> values = class_values(synthetic_customers(200, seed=1), ["revenue"], resamples=100)
    >>> values["estimate"].round(2).head(3).to_dict()
    {'dissatisfied: revenue': 76.85, 'dissatisfied: revenue ratio': 0.59, 'satisfied: revenue': 116.77}
    """
    bounds = CLASSES if classes is None else classes
    if not len(outcomes) or not bounds:
        raise ConfigError("there must be one column of outcomes and one class at least.")
    if not (np.diff(numbers([*bounds.values()], "classes"), prepend=-math.inf) > 0).all():
        raise ConfigError(f"classes must go up, each to a higher satisfaction than the last; got {dict(bounds)}.")
    customers = pd.DataFrame(number_columns(customers, [*outcomes, "satisfaction"]), customers.index)
    if customers.empty:
        raise DataError("there are no customers. Join the survey and the purchases first.")
    if customers["satisfaction"].min() > max(bounds.values()):
        raise DataError(f"every customer's satisfaction is above {max(bounds.values()):g}. Give higher classes.")
    counts = resample_counts(len(customers), resamples=resamples, seed=seed)
    values = customers[list(outcomes)].to_numpy(dtype=float)
    overall, overall_draws = values.mean(axis=0), resampled_means(values, counts)
    score, some = customers["satisfaction"].to_numpy(), overall != 0
    parts, low = [], -math.inf
    for name, high in bounds.items():
        inside = (score > low) & (score <= high)
        low = high
        if not inside.any():
            continue
        mine = np.where(inside[:, None], values, np.nan)
        mean, draws = values[inside].mean(axis=0), resampled_means(mine, counts)
        ratio, ratio_draws = mean[some] / overall[some], draws[:, some] / overall_draws[:, some]
        for kind, estimate, drawn in (("", mean, draws), (" ratio", ratio, ratio_draws)):
            names = [
                f"{name}: {outcome}{kind}" for outcome, told in zip(outcomes, some, strict=True) if told or not kind
            ]
            part = estimates(names, estimate, drawn, level=level, n=int(inside.sum()))
            parts.append(part.assign(group="ratio to the average" if kind else "mean"))
    return pd.concat(parts)


@typed
def buying_rate(
    customers: pd.DataFrame, *, purchases: str = "frequency", exposure: str = "T", also: Sequence[str] = ()
) -> Effect:
    """ln(purchases per time unit) on satisfaction: Poisson regression by statsmodels, with errors robust to
    overdispersion (HC3: residuals over one less their leverage; Long & Ervin 2000, The American Statistician 54,
    217-224) and limits by Student's t.

    `also` names further columns held fixed, such as the frequency before the survey: without them heavy buyers pass for
    satisfied ones.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_customers
    >>> effect = buying_rate(synthetic_customers(300, seed=1))
    >>> round(effect.ratio, 2), round(effect.lower, 2), round(effect.upper, 2)
    (1.2, 1.16, 1.24)
    """
    (api,) = optional_modules("statsmodels.api", extra="survey", purpose="a regression of answers")
    named = [purchases, exposure, "satisfaction", *also]
    columns = pd.DataFrame(number_columns(customers, list(dict.fromkeys(named))), customers.index)
    if (columns[purchases] < 0).any():
        raise DataError(f"{purchases} counts purchases, so it must be 0 or more; got {columns[purchases].min():g}.")
    used = columns[columns[exposure] > 0]
    if used["satisfaction"].nunique() < 2:
        raise DataError(
            f"the {len(used)} customers with {exposure} above 0 are all as satisfied: no rate can depend on it."
        )
    if used[purchases].sum() == 0:
        raise DataError(f"nobody bought ({purchases} is 0 throughout), so no rate can be related to anything.")
    x = api.add_constant(used[["satisfaction", *also]].astype(float))
    counts, watched = (used[name].to_numpy(dtype=np.float64) for name in (purchases, exposure))
    fit = api.GLM(counts, x, family=api.families.Poisson(), exposure=watched).fit()
    # statsmodels gives a GLM's HC3 without the leverage.
    columns, mean = x.to_numpy(), np.asarray(fit.mu)
    inverse = np.linalg.pinv((columns * mean[:, None]).T @ columns, hermitian=True)
    leverage = mean * ((columns @ inverse) * columns).sum(axis=1)
    scores = columns * ((counts - mean) / np.maximum(1.0 - leverage, ROUNDING))[:, None]
    error = float(np.sqrt((inverse @ (scores.T @ scores) @ inverse)[1, 1]))
    freedom = len(used) - columns.shape[1]
    return _effect("rate of buying", float(fit.params["satisfaction"]), error, len(used), freedom=freedom)


@typed
def leaving_hazard(customers: pd.DataFrame, *, also: Sequence[str] = ()) -> Effect:
    """ln(hazard of leaving) on satisfaction: Cox regression on `tenure` and `churned` (observed after the
    survey), `also` held fixed.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_customers
    >>> effect = leaving_hazard(synthetic_customers(300, seed=1))
    >>> round(effect.ratio, 2), round(effect.lower, 2), round(effect.upper, 2)
    (0.71, 0.64, 0.79)
    """
    named = ["satisfaction", *also]
    customers = customers.assign(**number_columns(customers, named))
    fit = SurvivalRegression.fit(customers, "cox", covariates=named)
    table = fit.summary()
    estimate, error = (float(table[column].loc["satisfaction"]) for column in ("estimate", "standard_error"))
    return _effect("hazard of leaving", estimate, error, len(customers))


@typed
def purchase_history_effects(
    summary: pd.DataFrame, *, unit: str | None = None, also: Sequence[str] = ()
) -> tuple[Effect, Effect]:
    """Satisfaction in the BG/NBD itself, where nobody says when they leave: its effects on the rate of buying while
    alive, and on the odds of dropping out after a purchase, told apart by the purchase history.

    `summary` has frequency, recency, T and `satisfaction`; `also` names further covariates held fixed. Raises
    FitError or DataError as `BGNBDCovariates.fit` does, FitError where the estimates cannot be used as they stand.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.BGNBD(r=1.0, alpha=8.0, a=0.8, b=2.5).draw_summary(np.full(500, 40.0), seed=1)
    >>> effects = purchase_history_effects(summary.assign(satisfaction=np.tile([-1.0, 1.0], 250)))
    >>> [effect.lower < 1.0 < effect.upper for effect in effects]  # drawn without an effect
    [True, True]
    """
    covariates = ["satisfaction", *also]
    fit = BGNBDCovariates.fit(summary, unit=unit, covariates_rate=covariates, covariates_lifetime=covariates)
    if not fit.status.ok:
        raise FitError(f"the purchase model with satisfaction cannot be used: {fit.status}")
    buying, leaving = (
        _effect(what, fit.parameters[f"{part}:satisfaction"], fit.standard_errors[f"{part}:satisfaction"], len(summary))
        for part, what in (
            ("rate", "rate of buying while alive"),
            ("lifetime", "odds of dropping out after a purchase"),
        )
    )
    return buying, leaving


@typed
def e_value(ratio: float) -> float:
    """E-value of a rate ratio: RR + sqrt(RR (RR - 1)) of the ratio or its inverse, whichever is above 1.

    Examples
    --------
    >>> round(e_value(2.0), 3), round(e_value(0.5), 3)
    (3.414, 3.414)
    """
    check_number(ratio, "ratio", above=0)
    rr = max(ratio, 1 / ratio)
    return rr + math.sqrt(rr * (rr - 1))


def _effect(what: str, coefficient: float, error: float, n: int, *, freedom: int = 0) -> Effect:
    """With limits by Student's t of so many degrees of freedom, by the normal of 0."""
    reach = (float(student_quantile(0.975, freedom)) if freedom > 0 else normal_quantile(0.95)) * error
    logs = (coefficient, coefficient - reach, coefficient + reach)
    ratio, lower, upper = (math.exp(min(POINTS * b, 700.0)) for b in logs)
    value = e_value(ratio)
    return Effect(
        what=what, coefficient=coefficient, standard_error=error, ratio=ratio, lower=lower, upper=upper, e_value=value,
        n=n,
        says=(
            f"Ten points more satisfaction go with {ratio:.2f} times the {what} [{lower:.2f}, {upper:.2f}]. "
            f"{CONFOUNDING} A cause that is not seen would have to go {value:.2f} times with both to make all of it."
        ),
    )  # fmt: skip


@typed
def worth_of_a_point(
    *,
    buying: Effect,
    leaving: Effect | None,
    rate: float,
    hazard: float,
    margin_per_purchase: float,
    horizon: float,
    discount_force: float = 0.0,
    level: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Margin until the horizon that goes with one more point of satisfaction, of a customer at the mean who buys at
    `rate` and leaves at `hazard` per time unit: (estimate, lower, upper), money.

    Its margin to come is m rate (1 - e^(-(hazard + force) H)) / (hazard + force); a point multiplies rate and hazard by
    e to the two coefficients. Without `leaving` the hazard stays. The interval has the error of the coefficients alone.

    Parameters
    ----------
    buying : Effect
        Of satisfaction on the rate of buying.
    leaving : Effect or None
        Of satisfaction on the hazard of leaving; None holds the hazard.
    rate : float
        Purchases per time unit of a customer at the mean.
    hazard : float
        Chance per time unit that this customer leaves.
    margin_per_purchase : float
        Money.
    horizon : float
        Time units looked ahead.
    discount_force : float
        Continuous discount rate per time unit.
    level : float
        Of the interval.
    draws : int
        Draws of the two coefficients.
    seed : int
        Of the draws.

    Returns
    -------
    tuple of three floats
        Estimate and limits, money per point of a hundred.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_customers
    >>> buying = buying_rate(synthetic_customers(300, seed=1))
    >>> worth = worth_of_a_point(
    ...     buying=buying, leaving=None, rate=0.2, hazard=0.01, margin_per_purchase=10.0, horizon=52.0
    ... )
    >>> [round(value, 2) for value in worth]
    [1.47, 1.18, 1.73]
    """
    check_count(draws, "draws", least=2)
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    b = buying.coefficient + buying.standard_error * np.append(0.0, random.standard_normal(draws))
    c = np.zeros(draws + 1)
    if leaving is not None:
        c = leaving.coefficient + leaving.standard_error * np.append(0.0, random.standard_normal(draws))

    def worth(buys: Floats, leaves: Floats) -> Floats:
        decay = leaves + discount_force
        safe = np.where(decay > 0, decay, 1.0)
        whole = np.where(decay > 0, -np.expm1(-safe * horizon) / safe, horizon)
        return np.asarray(margin_per_purchase * buys * whole)

    gain = worth(rate * np.exp(b), hazard * np.exp(c)) - worth(np.full_like(b, rate), np.full_like(c, hazard))
    lower, upper = np.quantile(gain[1:], tails(level))
    return float(gain[0]), float(lower), float(upper)


@typed
def satisfaction_scores(survey: Survey, items: Sequence[str] | None = None) -> pd.Series[Any]:
    """Each respondent's mean perception of `items` on 0 to 100; whoever left one out has none.

    Without `items` those whose names begin with ``satisfaction``, or else ``overall``. DataError where there are none.

    Examples
    --------
    >>> from churnsim.satisfaction import Survey
    >>> answers = pd.DataFrame({"overall": [7, 4]}, index=["r1", "r2"])
    >>> satisfaction_scores(Survey.from_frames({"perception": answers}, scale=(1, 7))).tolist()
    [100.0, 50.0]
    """
    answers = survey.of("perception")
    names = list(map(str, answers.columns))
    chosen = list(items) if items is not None else [name for name in names if name.startswith("satisfaction")]
    if not chosen and "overall" in names:
        chosen = ["overall"]
    if not chosen:
        raise DataError(f"no item measures satisfaction; the survey asks {', '.join(names[:8])}. Pass items=.")
    low, high = survey.scales["perception"]
    mean = survey.of("perception", chosen).mean(axis=1, skipna=False)
    return (100 * (mean - low) / (high - low)).dropna().rename("satisfaction")


@typed
def join_customers(survey: Survey, customers: pd.DataFrame, *, items: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of `customers` (indexed by customer id) who answered, with their `satisfaction`.

    Ids are compared as text, as they stand in files. ``.attrs["not_found"]`` counts respondents without a customer row,
    ``.attrs["answered"]`` the share of customers who answered. Where a customer answered several times the last answer
    counts (by date, or by row). Raises DataError without customer ids, or where nobody is found.

    Examples
    --------
    >>> from churnsim.satisfaction import Survey
    >>> answers = pd.DataFrame({"overall": [7, 4]}, index=["r1", "r2"])
    >>> who = pd.DataFrame({"role": "customer", "customer_id": ["a", "b"]}, index=answers.index)
    >>> survey = Survey.from_frames({"perception": answers}, scale=(1, 7), respondents=who)
    >>> join_customers(survey, pd.DataFrame({"revenue": [90.0, 20.0]}, index=["a", "c"])).to_dict("index")
    {'a': {'revenue': 90.0, 'satisfaction': 100.0}}
    """
    if "customer_id" not in survey.respondents:
        raise DataError("the survey has no customer ids to join by. Add a column customer_id.")
    scores = satisfaction_scores(survey, items)
    who = survey.respondents.loc[scores.index].assign(satisfaction=scores)
    who = who[who["customer_id"].notna()]
    if "date" in who:
        who = who.sort_values("date", kind="stable")
    last = who.drop_duplicates("customer_id", keep="last").set_index("customer_id")["satisfaction"]
    last.index = last.index.map(str)
    table = customers.copy()
    table["satisfaction"] = [last.get(str(name)) for name in table.index]
    found = table[table["satisfaction"].notna()]
    if found.empty:
        example = ", ".join(map(repr, last.index[:3]))
        raise DataError(f"none of the respondents' customer ids ({example}, ...) is among the customers. Check both.")
    found.attrs["not_found"] = int((~last.index.isin(table.index.map(str))).sum())
    found.attrs["answered"] = len(found) / len(table)
    return found
