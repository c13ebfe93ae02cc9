"""Whom a contact keeps: uplift from a randomised campaign.

Retention contacts work by response, not by risk (Ascarza 2018). Two estimators: "two_model" learns who stays among
those contacted and among those not, and takes the difference; "transformed" learns Y (W - p)/(p (1 - p)), whose mean
given the covariates is the effect (Athey & Imbens 2016, with p the share contacted). Both are judged on customers
they have not seen, by the Qini curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_seed
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.classifier import FOLDS, Kind, learner, one_thread, value_learner
from churnsim.models.churn.qini import QiniCurve, qini_curve
from churnsim.models.estimation.design_matrix import checked_features
from churnsim.statistics import normal_quantile
from churnsim.typing import Flags, Floats

__all__ = ["UpliftModel"]

Estimator = Literal["two_model", "transformed"]

HELD_OUT = 0.5  # share of the campaign kept aside to judge the model: effects are small beside their noise


@dataclass(frozen=True, eq=False)
class UpliftModel:
    """A fitted uplift model.

    `average_effect`: `value, standard_error, lower, upper` of the contact's effect on the mean customer, from the
    randomisation alone. `qini` is held out; `risk_qini` is that of targeting by risk of leaving on the same customers.

    Parameters
    ----------
    estimator, covariates
        As `fit` took them.
    average_effect : Series
        Of the contact on the mean customer.
    qini, risk_qini : QiniCurve
        By the model's scores and by risk of leaving.

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
    def fit(
        cls,
        campaign: pd.DataFrame,
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
        if estimator not in ("two_model", "transformed"):
            raise ConfigError(f"estimator must be 'two_model' or 'transformed'; got {estimator!r}.")
        if not isinstance(campaign, pd.DataFrame):
            raise DataError(f"a campaign is a DataFrame with a row a customer; got a {type(campaign).__name__}.")
        missing = [name for name in (*covariates, treated, stayed) if name not in campaign.columns]
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
        _check_randomised(features, group)
        with one_thread():
            parts = _learn(features[~aside], group[~aside], kept[~aside], estimator, kind, seed)
            score = _predict(parts, features[aside])
            untreated = features[~aside & ~group], kept[~aside & ~group]
            risk = 1.0 - learner(kind, features, seed=seed).fit(*untreated).predict_proba(features[aside])[:, 1]
        judge: dict[str, Any] = {"treated": group[aside], "outcome": kept[aside].astype(np.float64), "seed": seed}
        return cls(
            estimator,
            tuple(covariates),
            _average(group, kept),
            qini_curve(score, **judge),
            qini_curve(risk, **judge),
            parts,
        )

    def uplift(self, customers: pd.DataFrame) -> pd.Series[float]:
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


def _average(group: Flags, kept: Flags, level: float = 0.95) -> pd.Series[float]:
    """Difference in means of the two groups."""
    value = float(kept[group].mean() - kept[~group].mean())
    error = float(np.sqrt(kept[group].var(ddof=1) / group.sum() + kept[~group].var(ddof=1) / (~group).sum()))
    z = normal_quantile(level)
    return pd.Series({"value": value, "standard_error": error, "lower": value - z * error, "upper": value + z * error})


def _check_randomised(features: pd.DataFrame, group: Flags) -> None:
    """Standardised mean differences of the covariates: under randomisation noise of size sqrt(1/n_t + 1/n_c)."""
    numbers = pd.get_dummies(features).to_numpy(dtype=np.float64)
    spread = numbers.std(axis=0)
    gap = np.abs(numbers[group].mean(axis=0) - numbers[~group].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    noise = float(np.sqrt(1 / group.sum() + 1 / (~group).sum()))
    # 5 standard errors and a tenth of a standard deviation: chance does not reach it, and it biases an effect.
    if (gap > max(5 * noise, 0.1)).any():
        raise DataError(
            f"a covariate differs by {gap.max():.2f} standard deviations between those contacted and the others: the "
            "campaign was not randomised, and uplift cannot be learned from it as it is."
        )
