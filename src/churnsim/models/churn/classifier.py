"""A churn model: the probability that a customer leaves within a horizon, by scikit-learn.

Rows come from `churn_rows`, which cannot look ahead. The model learns at one moment and is judged either at a later
one, whose outcomes came after everything it learned from, or, where the data are one snapshot, on customers it has
not seen. A covariate that gives the outcome away is refused before anything is learned.

Moments are counted from the last day observed, in the data's unit: at -2 the firm knows who had come by then, how long
each had been there, and the covariates; what happened between -2 and -2 + horizon is the outcome. `began` is when each
customer came (0 or before). Without that column everybody is taken to have been seen at the last day (began = -tenure),
which is what a snapshot with its leavers of the last period is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from churnsim.checks import check_count, check_number, check_seed, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind, verbs_in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.scores import ChurnScores, auc, churn_scores
from churnsim.models.estimation.design_matrix import checked_features, number_columns
from churnsim.models.estimation.threads import one_thread
from churnsim.models.retention.tenures import Tenures
from churnsim.statistics import student_quantile, tails
from churnsim.typing import Flags

# Covariates that grow with time are not known as of an earlier moment. Names alone cannot say which do; these are the
# columns that this package itself makes of a customer's whole history.
OUTCOMES = ("churned", "entry", "began", "cause")


@dataclass(frozen=True)
class ChurnRows:
    """`features` (tenure at the moment, then the covariates), whether each `left` within the horizon, and `at`."""

    features: pd.DataFrame
    left: NDArray[np.bool_]
    at: float
    horizon: float


@in_kind
@typed
def churn_rows(
    subscriptions: CustomerFrame, *, covariates: Sequence[str], horizon: float, at: float | None = None
) -> ChurnRows:
    """Customers there at the moment `at` (the last one whose outcome is known if absent: -horizon).

    Raises ConfigError where the outcome would lie in the future or a covariate is the outcome itself, DataError where
    nobody was there, all or none of those left, or one was not seen for long enough to tell (by more than a unit, which
    whole tenures are short of).

    Examples
    --------
    >>> frame = pd.DataFrame({"tenure": [8.0, 2.0, 5.0], "churned": [False, True, True], "began": [-8.0, -4.0, -6.0]})
    >>> rows = churn_rows(frame.assign(plan="basic"), covariates=["plan"], horizon=2.0)
    >>> rows.features["tenure"].tolist(), rows.left.tolist()
    ([6.0, 4.0], [False, True])
    """
    moment = -horizon if at is None else at
    check_number(horizon, "horizon", above=0)
    check_number(moment, "at")
    if moment + horizon > 1e-9:
        raise ConfigError(
            f"at = {moment:g} with horizon {horizon:g} looks beyond the last day observed (0). Take "
            f"at = {-horizon:g} or earlier."
        )
    tenures = Tenures.of(subscriptions)
    disguised = [name for name in covariates if name in OUTCOMES]
    if disguised:
        raise ConfigError(f"{disguised[0]!r} holds the outcome; it cannot be a covariate.")
    began = _began(subscriptions, tenures)
    ended = began + tenures.tenure
    # Who was to leave at the moment itself has left: it is not there any more.
    there = (began <= moment + 1e-9) & (ended > moment + 1e-9)
    left = tenures.churned & (ended <= moment + horizon + 1e-9)
    unknown = there & ~tenures.churned & (ended < moment + horizon - 1 - 1e-9)
    if unknown.any():
        where = int(np.argmax(unknown))
        raise DataError(
            f"customer {str(subscriptions.index[where])[:80]!r} was last seen at {ended[where]:g} without having left: "
            f"it is not known who of such customers ({int(unknown.sum()):,}) left between {moment:g} and "
            f"{moment + horizon:g}. Count tenures until the last day, or take an earlier moment."
        )
    if not there.any() or left[there].all() or not left[there].any():
        raise DataError(
            f"of {int(there.sum())} customers there at {moment:g}, {int(left[there].sum())} left within {horizon:g}: "
            "a model needs both kinds. Take another moment or a longer horizon."
        )
    features = checked_features(subscriptions[there], [name for name in covariates if name != "tenure"])
    features.insert(0, "tenure", moment - began[there])
    return ChurnRows(features, left[there], moment, horizon)


def _began(subscriptions: pd.DataFrame, tenures: Tenures) -> NDArray[np.float64]:
    if "began" not in subscriptions.columns:
        return -tenures.tenure
    began = number_columns(subscriptions, ["began"])["began"]
    late = began + tenures.tenure > 1e-6
    if late.any():
        where = int(np.argmax(late))
        raise DataError(
            f"customer {str(subscriptions.index[where])[:80]!r} began at {began[where]:g} and stayed "
            f"{tenures.tenure[where]:g}, which ends after the last day observed (0). Count `began` back from that day."
        )
    return began


Kind = Literal["logistic", "boosting"]

# Area under the curve of one covariate alone above which it is taken to know the outcome (assumed). On the Telco data
# the best honest covariate reaches .75.
LEAK = 0.95
FOLDS = 5
HELD_OUT = 0.3  # share of customers kept aside where the data are one snapshot
# Boosting: few, slow steps (assumed); the Platt step after it takes out what overconfidence is left.
STEPS, RATE, LEAVES = 150, 0.05, 15


def numeric_features(features: pd.DataFrame) -> list[str]:
    """Names of the columns that hold numbers."""
    return [n for n in features.columns if pd.api.types.is_numeric_dtype(features[n].dtype)]


def learner(kind: Kind, features: pd.DataFrame, *, seed: int) -> Any:
    """An unfitted scikit-learn pipeline for those features. Raises ConfigError for an unknown kind."""
    numbers = numeric_features(features)
    words = [name for name in features.columns if name not in numbers]
    if kind == "logistic":
        columns = make_column_transformer(
            (StandardScaler(), numbers), (OneHotEncoder(drop="if_binary", handle_unknown="ignore"), words)
        )
        return make_pipeline(columns, LogisticRegression(C=1.0, max_iter=2000))
    if kind == "boosting":
        unknown = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}
        columns = make_column_transformer((OrdinalEncoder(**unknown), words), ("passthrough", numbers))
        trees = HistGradientBoostingClassifier(
            max_iter=STEPS, learning_rate=RATE, max_leaf_nodes=LEAVES, random_state=seed,
            categorical_features=list(range(len(words))), early_stopping=False,
        )  # fmt: skip
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        return CalibratedClassifierCV(make_pipeline(columns, trees), method="sigmoid", cv=folds, ensemble=False)
    raise ConfigError(f"kind must be 'logistic' or 'boosting'; got {kind!r}.")


def value_learner(kind: Kind, features: pd.DataFrame, *, seed: int) -> Any:
    """The same for a number instead of a class: ridge regression, or boosting without the Platt step."""
    numbers = numeric_features(features)
    words = [name for name in features.columns if name not in numbers]
    if kind == "logistic":
        columns = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), words))
        return make_pipeline(columns, Ridge(alpha=1.0))
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}
    columns = make_column_transformer((OrdinalEncoder(**unknown), words), ("passthrough", numbers))
    trees = HistGradientBoostingRegressor(
        max_iter=STEPS, learning_rate=RATE, max_leaf_nodes=LEAVES, min_samples_leaf=200, random_state=seed,
        categorical_features=list(range(len(words))), early_stopping=False,
    )  # fmt: skip
    return make_pipeline(columns, trees)


def leaking_covariates(rows: ChurnRows, *, seed: int = 0) -> pd.Series[float]:
    """Covariates that alone tell leavers from stayers (area above .95), with that area.

    Each is judged by a shallow tree on folds it has not seen, so that codes, steps and thresholds show as well.
    """
    found = {}
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    for name in rows.features.columns:
        column = rows.features[[name]]
        if not numeric_features(column):
            column = column.apply(lambda values: pd.factorize(values)[0])
        tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=seed)
        guess = cross_val_predict(tree, column.to_numpy(), rows.left, cv=folds, method="predict_proba")[:, 1]
        area, _ = auc(guess, rows.left)
        if area > LEAK:
            found[name] = area
    return pd.Series(found, dtype=np.float64)


@verbs_in_kind
@dataclass(frozen=True, eq=False)
class ChurnModel:
    """A fitted churn model with its held-out `scores` and what it was tested on (`split`, in words).

    Made by `fit`; `save_model` writes it to a file, without the customers.

    Parameters
    ----------
    kind, covariates, horizon
        As `fit` took them.
    scores : ChurnScores
        On the customers or the moment it did not learn from.
    split : str
        What it learned from and was tested on.

    Examples
    --------
    >>> import churnsim as cs
    >>> telco = cs.datasets.telco().head(1000)
    >>> model = ChurnModel.fit(telco, covariates=["contract", "monthly_charges"], horizon=1)
    >>> float(model.scores.table.loc["auc", "value"].round(1)), model.probability(telco.head(2)).round(1).tolist()
    (0.8, [0.3, 0.1])
    """

    kind: Kind
    covariates: tuple[str, ...]
    horizon: float
    scores: ChurnScores
    split: str
    _pipeline: Any = field(repr=False)
    _learned: ChurnRows = field(repr=False)
    _tested: ChurnRows = field(repr=False)
    _seed: int = field(repr=False)

    @classmethod
    @typed
    def fit(
        cls,
        subscriptions: CustomerFrame,
        *,
        covariates: Sequence[str],
        horizon: float,
        kind: Kind = "logistic",
        learn_at: float | None = None,
        test_at: float | None = None,
        seed: int = 0,
    ) -> ChurnModel:
        """Learn who leaves within `horizon` (in the data's unit) and judge it out of sample.

        Without a column `began` the data are a snapshot: it learns from 70% of the customers and is tested on the
        others. Raises DataError for a covariate that knows the outcome or has missing values.

        Parameters
        ----------
        subscriptions : DataFrame
            A row a customer: `tenure`, `churned`, perhaps `began`, and the covariates.
        covariates : sequence of str
            Columns, numbers or words; `tenure` is always one.
        horizon : float
            Time ahead in which leaving counts, in the data's unit.
        kind : {"logistic", "boosting"}
            Logistic regression, or gradient-boosted trees with a calibrating step.
        learn_at, test_at : float, optional
            With `began`: the moments (-2 horizon and -horizon unless given), counted from the last day observed; the
            outcomes learned from must be known by `test_at`, else ConfigError.
        seed : int
            Of the snapshot's parts, the folds and the trees.
        """
        check_number(horizon, "horizon", above=0)
        check_seed(seed)
        Tenures.of(subscriptions)
        if "began" in subscriptions.columns:
            later = -horizon if test_at is None else test_at
            earlier = later - horizon if learn_at is None else learn_at
            if earlier + horizon > later + 1e-9:
                raise ConfigError(
                    f"outcomes learned at {earlier:g} are known at {earlier + horizon:g}, after the test begins at "
                    f"{later:g}: the model would look ahead. Take learn_at = {later - horizon:g} or earlier."
                )
            tested = churn_rows(subscriptions, covariates=covariates, horizon=horizon, at=later)
            learned = churn_rows(subscriptions, covariates=covariates, horizon=horizon, at=earlier)
            split = f"learned at {earlier:g}, tested at {later:g} of the last day observed"
        else:
            if learn_at is not None or test_at is not None:
                raise ConfigError("learn_at and test_at need a column 'began': a snapshot has one moment only.")
            rows = churn_rows(subscriptions, covariates=covariates, horizon=horizon)
            learned, tested = _by_customers(rows, seed)
            split = "one snapshot: learned from 70% of the customers, tested on the others"
        _check_both_kinds(learned.left, "learned from")
        with one_thread():
            leaks = leaking_covariates(learned, seed=seed)
        if not leaks.empty:
            raise DataError(
                f"covariate {leaks.index[0]!r} alone tells leavers from stayers (area under the curve "
                f"{leaks.iloc[0]:.3f}): it holds the outcome in disguise, or was written down after it. Leave it out."
            )
        with one_thread():
            pipeline = learner(kind, learned.features, seed=seed).fit(learned.features, learned.left)
            scores = churn_scores(pipeline.predict_proba(tested.features)[:, 1], tested.left)
        return cls(kind, tuple(covariates), horizon, scores, split, pipeline, learned, tested, seed)

    def probability(self, customers: CustomerFrame) -> pd.Series[float]:
        """P(leaves within the horizon) of customers there now, from their `tenure` so far and covariates."""
        features = self._features(customers)
        with one_thread():
            found = self._pipeline.predict_proba(features)[:, 1]
        return pd.Series(found, customers.index, name="churn_probability")

    def interval(self, customers: CustomerFrame, *, level: float = 0.95, groups: int = 20) -> pd.DataFrame:
        """`probability, lower, upper` of each customer, by the delete-a-group jackknife in logits.

        The model is refitted `groups` times, each time without another group of the customers it learned from. (A
        bootstrap would put copies of a customer on both sides of the calibration's folds.) The interval says what the
        data leave open about the probability; whether the customer leaves is a further chance. Raises ConfigError for
        fewer than 2 groups.
        """
        self._check_customers(len(self._learned.left))
        size, found = len(self._learned.left), []
        check_count(groups, "groups", least=2, most=size)
        quantile = float(student_quantile(tails(level)[1], groups - 1))
        features = self._features(customers)
        group = np.random.Generator(np.random.Philox(self._seed)).permutation(size) % groups
        for number in range(groups):
            rest = group != number
            _check_both_kinds(self._learned.left[rest], f"left without group {number + 1} of {groups}")
            with one_thread():
                again = clone(self._pipeline).fit(self._learned.features[rest], self._learned.left[rest])
                found.append(again.predict_proba(features)[:, 1])
        centre = self.probability(customers)
        logits = logit(np.clip(np.array(found), 1e-9, 1 - 1e-9))
        spread = np.sqrt((groups - 1) / groups * ((logits - logits.mean(axis=0)) ** 2).sum(axis=0))
        reach = quantile * spread
        middle = logit(np.clip(centre.to_numpy(), 1e-9, 1 - 1e-9))
        columns = {"probability": centre, "lower": expit(middle - reach), "upper": expit(middle + reach)}
        return pd.DataFrame(columns, customers.index)

    def importance(self, *, repeats: int = 10) -> pd.DataFrame:
        """Permutation importance on the test rows: how much the area under the curve falls when a column is shuffled.

        Columns `drop` and `standard_deviation` (over shuffles), largest first. It speaks of the model's use of a
        column, not of causes.
        """
        self._check_customers(len(self._tested.left))
        with one_thread():
            found = permutation_importance(
                self._pipeline, self._tested.features, self._tested.left, scoring="roc_auc", n_repeats=repeats,
                random_state=self._seed,
            )  # fmt: skip
        table = pd.DataFrame(
            {"drop": found.importances_mean, "standard_deviation": found.importances_std}, self._tested.features.columns
        )
        return table.sort_values("drop", ascending=False).rename_axis("covariate")

    def _check_customers(self, number: int) -> None:
        if number == 0:
            raise ConfigError("a model from a file has no customers with it, which this needs. Fit it again.")

    def _features(self, customers: pd.DataFrame) -> pd.DataFrame:
        return checked_features(customers, list(self._learned.features.columns))


def _check_both_kinds(left: Flags, what: str) -> None:
    """DataError unless there are enough leavers and stayers for the folds of a fit."""
    leavers, stayers = int(left.sum()), int((~left).sum())
    if min(leavers, stayers) < FOLDS:
        raise DataError(
            f"a churn model needs {FOLDS} leavers and {FOLDS} stayers; the customers {what} are {leavers} and "
            f"{stayers}. Take a longer horizon, another moment or more customers."
        )


def _by_customers(rows: ChurnRows, seed: int) -> tuple[ChurnRows, ChurnRows]:
    """Random parts of a snapshot, with the same share of leavers."""
    random = np.random.Generator(np.random.Philox(seed))
    aside = np.zeros(len(rows.left), dtype=bool)
    for kind in (True, False):
        members = np.flatnonzero(rows.left == kind)
        aside[random.permutation(members)[: round(HELD_OUT * members.size)]] = True
    parts = [ChurnRows(rows.features[pick], rows.left[pick], rows.at, rows.horizon) for pick in (~aside, aside)]
    return parts[0], parts[1]
