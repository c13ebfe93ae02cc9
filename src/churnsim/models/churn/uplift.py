"""Whom a contact keeps: uplift from a randomised campaign.

Retention contacts work by response, not by risk (Ascarza 2018). Two estimators: "two_model" learns who stays among
those contacted and among those not, and takes the difference; "transformed" learns Y (W - p)/(p (1 - p)), whose mean
given the covariates is the effect (Athey & Imbens 2016, with p the share contacted). Both are judged on customers
they have not seen, by the Qini curve.

The curve (Radcliffe 2007, "Using control groups to target on predicted lift", Direct Marketing Analytics Journal,
14-21): with the customers in descending order of their score, the gain among the first k is estimated as the stayers
treated less those untreated, the latter scaled to as many treated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from churnsim.checks import check_count, check_frame, check_number, check_seed, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, verbs_in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.classifier import FOLDS, Kind, learner, value_learner
from churnsim.models.estimation.design_matrix import checked_features
from churnsim.models.estimation.threads import one_thread
from churnsim.statistics import mean_over_groups, normal_quantile, resample_counts, tails, tie_groups
from churnsim.typing import Flags, Floats, Ints

POINTS = 100
FEWEST_APART = 3  # customers whose outcome is not the commonest one, from which on resamples show how a curve varies


@dataclass(frozen=True)
class QiniCurve:
    """`table`: by `share` contacted (0 to 1) the `gain` per customer of the base, with `lower, upper`, and that of
    contacting as many at `random`. `coefficient` is the area between the two, `lower` and `upper` its interval."""

    table: pd.DataFrame
    coefficient: float
    lower: float
    upper: float
    level: float

    @property
    def better_than_random(self) -> bool:
        """Whether the whole interval of the coefficient lies above 0."""
        return self.lower > 0


@typed
def qini_curve(
    score: Floats, treated: Flags, outcome: Floats, *, level: float = 0.95, resamples: int = 500, seed: int = 0
) -> QiniCurve:
    """Curve and coefficient of `score` on a randomised campaign; percentile bootstrap over customers.

    Customers of equal score count as their mean (`mean_over_ties`), so that the order of the rows says nothing and a
    constant score has a coefficient of 0. Limits are NaN where fewer than three customers differ from what most did,
    since resamples are then alike. Raises DataError unless both groups have members.

    Parameters
    ----------
    score : array of shape (n,)
        What customers are ranked by, the highest first.
    treated : array of bool, shape (n,)
        Who was contacted, at random.
    outcome : array of shape (n,)
        What is to be gained, such as 1 for who stayed.
    level : float
        Of the intervals.
    resamples : int
        Bootstrap resamples of the customers, 2 or more.
    seed : int
        Of the resamples.

    Examples
    --------
    >>> from churnsim.models import simulated_campaign
    >>> campaign = simulated_campaign(2000, seed=1)
    >>> flags, stayed = campaign["treated"].to_numpy(), campaign["stayed"].to_numpy(float)
    >>> known = qini_curve(campaign["uplift"].to_numpy(), flags, stayed, resamples=50)
    >>> known.better_than_random, qini_curve(np.ones(2000), flags, stayed, resamples=50).better_than_random
    (True, False)
    """
    ties, group, stayed = _in_order(score, treated, outcome)
    curve = _curve(ties, group, stayed, np.ones(group.size))
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    counts = resample_counts(
        group.size, resamples=check_count(resamples, "resamples", least=2), generator=random, draw="indices"
    )
    draws = [_curve(ties, group, stayed, weight.astype(float)) for weight in counts]
    limits = np.quantile(draws, tails(level), axis=0)
    if few := outcome.size - np.unique(outcome, return_counts=True)[1].max() < FEWEST_APART:
        limits[:] = np.nan
    lower, upper = limits
    share = np.linspace(0.0, 1.0, POINTS + 1)
    table = pd.DataFrame({"gain": curve, "lower": lower, "upper": upper, "random": share * curve[-1]}, share)
    areas = np.array([_area(draw) for draw in draws])
    low, high = (np.nan, np.nan) if few else map(float, np.quantile(areas, tails(level)))
    return QiniCurve(table.rename_axis("share"), _area(curve), low, high, level)


def qini_coefficient(score: Floats, treated: Flags, outcome: Floats) -> float:
    """The coefficient of `qini_curve` without its interval."""
    ties, group, stayed = _in_order(score, treated, outcome)
    return _area(_curve(ties, group, stayed, np.ones(group.size)))


def _in_order(score: Floats, treated: Flags, outcome: Floats) -> tuple[Ints | None, Flags, Floats]:
    """Ties (None where no two scores are equal), groups and outcomes, the highest score first."""
    if not treated.any() or treated.all() or not (score.shape == treated.shape == outcome.shape):
        raise DataError("a Qini curve needs a score, a group and an outcome of each customer, and both groups.")
    for name, values in (("scores", score), ("outcomes", outcome)):
        if not np.isfinite(values).all():
            raise DataError(f"{name} must be finite numbers; {int((~np.isfinite(values)).sum())} are not.")
    order = np.argsort(-score, kind="stable")
    ties = tie_groups(score[order])
    return ties if ties.max() + 1 < ties.size else None, treated[order], outcome[order].astype(np.float64)


def _curve(ties: Ints | None, group: Flags, stayed: Floats, weight: Floats) -> Floats:
    """Gain per customer at `POINTS` + 1 shares of the (weighted) customers, who come in the order of their score."""
    seen = np.cumsum(weight)
    parts = [part.astype(np.float64) for part in (group, ~group, group * stayed, ~group * stayed)]
    if ties is not None:
        parts = [mean_over_groups(part, ties, weights=weight) for part in parts]
    n_t, n_c, y_t, y_c = (np.cumsum(weight * part) for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where((n_t > 0) & (n_c > 0), y_t / n_t - y_c / n_c, 0.0)
    gain = effect * seen / seen[-1]
    grid = np.linspace(0.0, 1.0, POINTS + 1)
    return np.asarray(np.interp(grid, np.concatenate([[0.0], seen / seen[-1]]), np.concatenate([[0.0], gain])))


def _area(curve: Floats) -> float:
    return float(np.trapezoid(curve, dx=1 / POINTS) - curve[-1] / 2)


Estimator = Literal["two_model", "transformed"]

HELD_OUT = 0.5  # share of the campaign kept aside to judge the model: effects are small beside their noise


@verbs_in_kind
@dataclass(frozen=True, eq=False)
class UpliftModel:
    """A fitted uplift model.

    Parameters
    ----------
    estimator, covariates
        As `fit` took them.
    average_effect : Series
        `value, standard_error, lower, upper` of the contact's effect on the mean customer, by the randomisation alone.
    qini, risk_qini : QiniCurve
        By the model's scores and by risk of leaving, on the same held-out customers.

    Examples
    --------
    >>> from churnsim.models import simulated_campaign
    >>> campaign = simulated_campaign(3000, seed=3)
    >>> model = UpliftModel.fit(campaign, covariates=["risk", "openness"])
    >>> model.qini.better_than_random, round(float(np.corrcoef(model.uplift(campaign), campaign["uplift"])[0, 1]), 1)
    (True, 1.0)
    """

    estimator: Estimator
    covariates: tuple[str, ...]
    average_effect: pd.Series[float]
    qini: QiniCurve
    risk_qini: QiniCurve
    _parts: tuple[Any, ...] = field(repr=False)

    @classmethod
    @typed
    def fit(
        cls,
        campaign: CustomerFrame,
        *,
        covariates: Sequence[str],
        treated: str = "treated",
        stayed: str = "stayed",
        estimator: Estimator = "two_model",
        kind: Kind = "logistic",
        seed: int = 0,
    ) -> UpliftModel:
        """Learn from a randomised campaign: columns `treated` and `stayed` (true or false) and the covariates.

        Raises ConfigError for unknown columns or estimators, DataError where a group or an outcome is missing, or
        where the covariates tell who was contacted (then the campaign was not randomised).

        Parameters
        ----------
        campaign : DataFrame
            A row a customer.
        covariates : sequence of str
            Columns, numbers or words.
        treated, stayed : str
            Columns of true and false.
        estimator : {"two_model", "transformed"}
            As in the module's docstring.
        kind : {"logistic", "boosting"}
            The learner behind it.
        seed : int
            Of the parts, the folds and the trees.
        """
        check_frame(campaign, "the campaign")
        if len(covariates) == 0:
            raise ConfigError("covariates are none; name one column at least.")
        missing = [name for name in (*covariates, treated, stayed) if [*campaign.columns].count(name) != 1]
        if missing or treated in covariates or stayed in covariates:
            raise ConfigError(
                f"covariates, {treated!r} and {stayed!r} must be different columns of the campaign; missing: {missing}."
            )
        group, kept = (_truth(campaign, name) for name in (treated, stayed))
        features = checked_features(campaign, covariates)
        if min(group.sum(), (~group).sum()) < 50:
            raise DataError("a campaign needs 50 customers in either group.")
        random = np.random.Generator(np.random.Philox(check_seed(seed)))
        aside = np.zeros(group.size, dtype=bool)
        aside[random.permutation(group.size)[: round(HELD_OUT * group.size)]] = True
        for word, members in ((True, group), (False, ~group)):
            left = ~kept[members & ~aside]
            if min(left.sum(), (~left).sum()) < FOLDS:
                raise DataError(
                    f"of the {left.size} customers with {treated} = {word} that the model learns from, "
                    f"{int(left.sum())} left: it needs {FOLDS} leavers and {FOLDS} stayers in either group. Use a "
                    "larger campaign."
                )
        check_randomised(features, group)
        with one_thread():
            parts = _learn(features[~aside], group[~aside], kept[~aside], estimator, kind, seed)
            score = _predict(parts, features[aside])
            untreated = features[~aside & ~group], kept[~aside & ~group]
            risk = 1.0 - learner(kind, features, seed=seed).fit(*untreated).predict_proba(features[aside])[:, 1]
        judge: dict[str, Any] = {"treated": group[aside], "outcome": kept[aside].astype(np.float64), "seed": seed}
        return cls(
            estimator,
            tuple(covariates),
            average_effect(group, kept),
            qini_curve(score, **judge),
            qini_curve(risk, **judge),
            parts,
        )

    def uplift(self, customers: CustomerFrame) -> pd.Series[float]:
        """By how much a contact raises each customer's probability to stay; negative where it drives away. ConfigError
        where the customers lack a covariate, DataError where a value of one is missing."""
        features = checked_features(customers, self.covariates)
        with one_thread():
            values = _predict(self._parts, features)
        return pd.Series(values, customers.index, name="uplift")


def _learn(
    features: pd.DataFrame, group: Flags, kept: Flags, estimator: Estimator, kind: Kind, seed: int
) -> tuple[Any, ...]:
    if estimator == "two_model":
        return tuple(learner(kind, features, seed=seed).fit(features[pick], kept[pick]) for pick in (group, ~group))
    share = float(group.mean())
    transformed = kept * (group - share) / (share * (1 - share))
    return (value_learner(kind, features, seed=seed).fit(features, transformed),)


def _predict(parts: tuple[Any, ...], features: pd.DataFrame) -> Floats:
    if len(parts) == 1:
        return np.asarray(parts[0].predict(features), dtype=np.float64)
    contacted, left_alone = (part.predict_proba(features)[:, 1] for part in parts)
    return np.asarray(contacted - left_alone, dtype=np.float64)


def _truth(campaign: pd.DataFrame, name: str) -> Flags:
    values = campaign[name]
    if not values.isin([0, 1]).all():
        bad = values[~values.isin([0, 1])]
        raise DataError(
            f"{name!r} must be true or false; customer {str(bad.index[0])[:80]!r} has {str(bad.iloc[0])[:40]!r}."
        )
    return values.to_numpy().astype(bool)


def average_effect(group: Flags, kept: Flags | Floats, level: float = 0.95) -> pd.Series[float]:
    """Difference in means of the two groups: `value, standard_error, lower, upper`. A group in which all did the same
    has the variance of both; NaN where that is 0 too."""
    value = float(kept[group].mean() - kept[~group].mean())
    own = (kept[pick].var(ddof=1) or kept.var(ddof=1) for pick in (group, ~group))
    error = float(np.sqrt(sum(v / n for v, n in zip(own, (group.sum(), (~group).sum()), strict=True)))) or float("nan")
    z = normal_quantile(level)
    return pd.Series({"value": value, "standard_error": error, "lower": value - z * error, "upper": value + z * error})


def check_randomised(features: pd.DataFrame, group: Flags) -> None:
    """Standardised mean differences of the covariates: under randomisation noise of size sqrt(1/n_t + 1/n_c)."""
    numbers = pd.get_dummies(features).to_numpy(dtype=np.float64)
    spread = numbers.std(axis=0)
    gap = np.abs(numbers[group].mean(axis=0) - numbers[~group].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    noise = float(np.sqrt(1 / group.sum() + 1 / (~group).sum()))
    # 5 standard errors and a tenth of a standard deviation: chance does not reach it, and it biases an effect.
    if (gap > max(5 * noise, 0.1)).any():
        worst = pd.get_dummies(features).columns[int(gap.argmax())]
        raise DataError(
            f"{worst!r} differs by {gap.max():.2f} standard deviations between those contacted and the others: the "
            "campaign was not randomised, and uplift cannot be learned from it. Use one whose customers were drawn."
        )


@typed
def simulated_campaign(
    customers: int, *, seed: int, share_treated: float = 0.5, effect: float = 1.0, harmed: bool = True
) -> pd.DataFrame:
    """A randomised campaign: `risk`, `openness`, `plan`, `treated`, `stayed`, and the truth in `uplift`.

    Who is at risk leaves more often, contact or not. A contact moves the log-odds of staying by `effect` times
    openness, which has nothing to do with risk and is negative for a third of the customers (with `harmed`; else for
    none): targeting by risk then misses those who respond, as Ascarza (2018, Journal of Marketing Research 55(1),
    80-98) found in the field. All coefficients are assumed. Raises ConfigError for impossible arguments.

    Examples
    --------
    >>> campaign = simulated_campaign(1000, seed=1)
    >>> float(campaign["uplift"].mean().round(2)), bool((campaign["uplift"] < 0).any())
    (0.05, True)
    """
    check_count(customers, "customers", least=10)
    check_number(share_treated, "share_treated", above=0, below=1)
    check_number(effect, "effect")
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    risk = random.standard_normal(customers)
    openness = random.uniform(-0.5 if harmed else 0.0, 1.0, customers)
    plan = np.where(random.random(customers) < 0.4, "plus", "basic")
    treated = random.random(customers) < share_treated
    base = 0.8 - 1.2 * risk + 0.4 * (plan == "plus")
    with_contact, without = expit(base + 1.5 * effect * openness), expit(base)
    stayed = random.random(customers) < np.where(treated, with_contact, without)
    return pd.DataFrame(
        {
            "risk": risk, "openness": openness, "plan": plan, "treated": treated, "stayed": stayed,
            "uplift": with_contact - without,
        },
        index=pd.RangeIndex(customers, name="customer_id"),
    )  # fmt: skip
