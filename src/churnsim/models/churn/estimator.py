"""The churn model as a scikit-learn estimator, for pipelines and searches; `ChurnModel` is the one that splits by time
and judges itself."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from churnsim.checks import check_choice, check_seed
from churnsim.errors import DataError
from churnsim.models.churn.classifier import FOLDS, ChurnRows, Kind, leaking_covariates, learner
from churnsim.models.estimation.estimators import NamedOutput, feature_frame
from churnsim.models.estimation.threads import one_thread
from churnsim.typing import Floats


class LeakWarning(UserWarning):
    """A covariate alone tells the outcome: it may hold it in disguise, or have been written down after it."""


class ChurnClassifier(ClassifierMixin, NamedOutput):
    """P(leaves) from features of customers: the learner of `ChurnModel`, with scikit-learn's verbs.

    Rows that do not look ahead come from `churn_rows`; a split by time from `TimeSplit`.

    Parameters
    ----------
    kind : {"logistic", "boosting"}
        Logistic regression, or gradient-boosted trees with a calibrating step.
    leaks : {"warn", "refuse", "allow"}
        What to do about a column that alone tells leavers from stayers (area under the curve above .95): LeakWarning,
        DataError, or nothing.
    seed : int
        Of the folds and the trees.

    Attributes
    ----------
    classes_ : array of shape (2,)
        The two labels in order; the second is the one whose probability `transform` gives.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import churnsim as cs
    >>> rows = cs.models.churn_rows(cs.datasets.telco().head(1000), covariates=["contract"], horizon=1)
    >>> model = ChurnClassifier().fit(rows.features, rows.left)
    >>> model.predict_proba(rows.features.head(2))[:, 1].round(1).tolist()
    [0.5, 0.1]
    >>> model.set_output(transform="pandas").transform(rows.features.head(2)).columns.tolist()
    ['p_True']
    """

    def __init__(
        self, kind: Kind = "logistic", leaks: Literal["warn", "refuse", "allow"] = "warn", seed: int = 0
    ) -> None:
        self.kind = kind
        self.leaks = leaks
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from features and outcomes of two kinds. Raises DataError for a missing value or a single class."""
        check_choice(self.kind, "kind", ("logistic", "boosting"))
        check_choice(self.leaks, "leaks", ("warn", "refuse", "allow"))
        check_seed(self.seed)
        features, labels = feature_frame(self, X, reset=True), _labels(y)
        check_consistent_length(features, labels)
        self.classes_, place = np.unique(labels, return_inverse=True)
        kinds = np.bincount(place)
        least = FOLDS if self.kind == "boosting" else 1
        if kinds.size < 2 or kinds.min() < least:
            counts = ", ".join(f"{n} of {label!s:.40}" for n, label in zip(kinds, self.classes_, strict=True))
            raise DataError(
                f"a classifier cannot learn from one class, and needs {least} or more rows of either; got {counts}."
            )
        with one_thread():
            if self.leaks != "allow" and kinds.min() >= FOLDS:
                self._check_leaks(ChurnRows(features, place == 1, 0.0, 1.0))
            self.pipeline_ = learner(self.kind, features, seed=self.seed).fit(features, place == 1)
        self.outputs_ = [f"p_{self.classes_[1]}"]
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the two labels, shape (rows, 2)."""
        check_is_fitted(self)
        features = feature_frame(self, X, reset=False)
        with one_thread():
            return np.asarray(self.pipeline_.predict_proba(features), dtype=np.float64)

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The likelier label of each row."""
        likelier = np.argmax(self.predict_proba(X), axis=1)
        return np.asarray(self.classes_[likelier])

    def transform(self, X: Any) -> Floats:
        """The probability of the second label, shape (rows, 1): a feature for what comes next in a pipeline."""
        return self.predict_proba(X)[:, 1:]

    def _check_leaks(self, rows: ChurnRows) -> None:
        for name, area in leaking_covariates(rows, seed=self.seed).items():
            words = (
                f"covariate {name!r} alone tells leavers from stayers (area under the curve {area:.3f}): it may hold "
                "the outcome in disguise, or have been written down after it. Leave it out, or pass leaks='allow'."
            )
            if self.leaks == "refuse":
                raise DataError(words)
            warnings.warn(words, LeakWarning, stacklevel=3)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _labels(y: Any) -> np.ndarray[Any, Any]:
    """Two kinds of labels, one a row; what is wrong is said in scikit-learn's words."""
    if y is None:
        raise DataError("ChurnClassifier requires y to be passed, but the target y is None.")
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name="y")
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    check_classification_targets(labels)
    if kind != "binary":
        raise DataError(f"Only binary classification is supported. The type of the target is {kind}.")
    return np.asarray(labels)
