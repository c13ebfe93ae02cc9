"""Effects of one or several treatments on any outcome, as a scikit-learn estimator: one model an arm."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted, column_or_1d

from churnsim.checks import check_choice, check_seed
from churnsim.errors import DataError
from churnsim.models.churn.classifier import FOLDS, Kind, learner, value_learner
from churnsim.models.churn.uplift import qini_coefficient
from churnsim.models.estimation.estimators import NamedOutput, feature_frame
from churnsim.models.estimation.threads import one_thread
from churnsim.typing import Flags, Floats

FEWEST = 20  # rows of an arm from which its model is learned


class UpliftWarning(UserWarning):
    """A fit was told of no treatment, so that no effect can be learned."""


class UpliftRegressor(RegressorMixin, NamedOutput):
    """By how much each treatment changes the outcome of each customer, over leaving it alone.

    One model an arm (as "two_model" of `UpliftModel`): of the chance of an outcome that is 0 or 1, of the mean of any
    other number, such as money. The treatment is metadata of scikit-learn: ``fit(X, y, treatment=arms)``, and in
    `cross_val_score` by ``params={"treatment": arms}`` after `set_fit_request` and `set_score_request`. A fit that is
    told of none learns the outcome of customers left alone and no effect, and warns (UpliftWarning).

    Parameters
    ----------
    control : label
        The arm that was left alone.
    kind : {"logistic", "boosting"}
        Logistic or ridge regression, or gradient-boosted trees.
    seed : int
        Of the folds and the trees.

    Attributes
    ----------
    arms_ : list
        The labels of the treatments but the control, in order.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from churnsim.models import simulated_campaign
    >>> campaign = simulated_campaign(2000, seed=3)
    >>> known, arms = campaign[["risk", "openness"]], np.where(campaign["treated"], "call", "none")
    >>> model = UpliftRegressor(control="none").fit(known, campaign["stayed"], treatment=arms)
    >>> round(float(np.corrcoef(model.predict(known), campaign["uplift"])[0, 1]), 1)
    1.0
    >>> model.set_output(transform="pandas").transform(known).columns.tolist()
    ['none', 'call_effect']
    """

    def __init__(self, control: Any = 0, kind: Kind = "logistic", seed: int = 0) -> None:
        self.control = control
        self.kind = kind
        self.seed = seed

    def fit(self, X: Any, y: Any, treatment: Any = None) -> Self:
        """Learn from features, outcomes and who was treated how; DataError where an arm has fewer than 20 rows."""
        check_choice(self.kind, "kind", ("logistic", "boosting"))
        check_seed(self.seed)
        if y is None:
            raise DataError("UpliftRegressor requires y to be passed, but the target y is None.")
        features = feature_frame(self, X, reset=True)
        outcome = self._outcome(y)
        check_consistent_length(features, outcome)
        if treatment is None:
            warnings.warn("no treatment was given, so that no effect is learned.", UpliftWarning, stacklevel=2)
            groups = {self.control: np.ones(outcome.size, dtype=bool)}
        else:
            groups = self._groups(treatment, outcome.size, FEWEST)
        binary = bool(np.isin(outcome, (0.0, 1.0)).all())
        with one_thread():
            self.learners_ = [self._learned(features[rows], outcome[rows], binary) for rows in groups.values()]
        self.arms_ = list(groups)[1:]
        self.outputs_ = [str(self.control), *(f"{arm}_effect" for arm in self.arms_)]
        return self

    def transform(self, X: Any) -> Floats:
        """The expected outcome of customers left alone, and the effect of each arm: shape (rows, 1 + arms)."""
        check_is_fitted(self)
        features = feature_frame(self, X, reset=False)
        with one_thread():
            means = np.column_stack([_mean(each, features) for each in self.learners_])
        means[:, 1:] -= means[:, :1]
        return means

    def predict(self, X: Any) -> Floats:
        """The effects: shape (rows,) of one arm, (rows, arms) of several; 0 where the fit was told of none."""
        effects = self.transform(X)[:, 1:]
        if effects.shape[1] > 1:
            return effects
        return np.ravel(effects) if effects.shape[1] else np.zeros(len(effects))

    def score(self, X: Any, y: Any, treatment: Any = None) -> float:
        """The Qini coefficient by the effects, the mean over the arms, each with the control; NaN without treatment."""
        effects = self.transform(X)[:, 1:]
        if treatment is None or not self.arms_:
            return float("nan")
        groups, outcome = self._groups(treatment, len(effects), 1), self._outcome(y)
        check_consistent_length(effects, outcome)
        areas = []
        for place, arm in enumerate(self.arms_):
            if arm not in groups:
                raise DataError(f"nobody in arm {arm!r} is among the {len(effects)} customers to score on.")
            pick = groups[arm] | groups[self.control]
            areas.append(qini_coefficient(effects[pick, place], groups[arm][pick], outcome[pick]))
        return float(np.mean(areas))

    def _outcome(self, y: Any) -> Floats:
        return np.asarray(_check_y(column_or_1d(y, warn=True), y_numeric=True, estimator=self), dtype=np.float64)

    def _groups(self, treatment: Any, rows: int, least: int) -> dict[Any, Flags]:
        """The rows of each arm, the control first."""
        drawn = pd.Series(np.asarray(treatment))
        if len(drawn) != rows or drawn.isna().any():
            raise DataError(f"treatment must name an arm for each of {rows} rows; got {drawn.notna().sum()} names.")
        arms = sorted(set(drawn) - {self.control}, key=str)
        if self.control not in set(drawn) or not arms:
            raise DataError(
                f"treatment must hold the control {self.control!r} and another arm; got "
                f"{', '.join(map(repr, sorted(set(drawn), key=str)[:5]))}. Pass control=, the label of who was left "
                "alone."
            )
        groups = {arm: (drawn == arm).to_numpy(dtype=bool) for arm in (self.control, *arms)}
        for arm, members in groups.items():
            if members.sum() < least:
                raise DataError(f"arm {arm!r} has {members.sum()} rows; it needs {least}. Merge arms, or leave it out.")
        return groups

    def _learned(self, features: pd.DataFrame, outcome: Floats, binary: bool) -> Any:
        if not binary:
            return value_learner(self.kind, features, seed=self.seed).fit(features, outcome)
        counts = np.bincount(outcome.astype(np.int64), minlength=2)
        if counts.min() < (FOLDS if self.kind == "boosting" else 1):
            return float(outcome.mean())
        return learner(self.kind, features, seed=self.seed).fit(features, outcome == 1.0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.regressor_tags.poor_score = True  # `predict` is an effect, not the outcome
        return tags


def _mean(model: Any, features: pd.DataFrame) -> Floats:
    """The expected outcome of an arm; of one in which everybody did the same, that."""
    if isinstance(model, float):
        return np.full(len(features), model)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)
    return np.asarray(model.predict(features), dtype=np.float64)
