"""Truth: mechanics. The estimators do as scikit-learn's do, do not look ahead, and files of models run no code."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models import (
    ChurnClassifier,
    CustomerValueRegressor,
    TimeSplit,
    UpliftPolicy,
    UpliftRegressor,
    load_model,
    save_model,
    simulated_campaign,
    value_rows,
)
from churnsim.models.churn.estimator import LeakWarning
from churnsim.models.churn.uplift_regressor import UpliftWarning
from churnsim.models.value.estimator import HistoryWarning

KNOWN = ["risk", "openness", "plan"]
ESTIMATORS = {
    "churn": ChurnClassifier(leaks="allow"),
    "uplift": UpliftRegressor(),
    "value": CustomerValueRegressor(impossible="nearest"),
}
# Of scikit-learn's checks those that go wrong most often; test_all_checks_of_scikit_learn has the others.
QUICK = (
    "check_no_attributes_set_in_init", "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params", "check_estimators_nan_inf",
    "check_n_features_in", "check_fit2d_1feature", "check_set_output_transform",
    "check_parameters_default_constructible", "check_supervised_y_no_nan",
)  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn_that_go_wrong_most_often(name):
    for check in QUICK:
        call = getattr(estimator_checks, check)
        call(type(ESTIMATORS[name]).__name__, ESTIMATORS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_all_checks_of_scikit_learn(name):
    found = estimator_checks.check_estimator(ESTIMATORS[name], on_skip=None)
    assert {each["status"] for each in found} <= {"passed", "skipped"}
    for check in ("transform", "transform_pandas", "transform_polars"):
        getattr(estimator_checks, f"check_set_output_{check}")(name, ESTIMATORS[name])


@pytest.fixture(scope="module")
def campaign():
    return simulated_campaign(1200, seed=5)


@pytest.fixture(scope="module")
def rows():
    return value_rows(cs.datasets.cdnow(), moments=["1997-06-30", "1997-09-30", "1997-12-31"], horizon=13.0)


def test_value_is_that_of_the_models(cdnow_split):
    model = CustomerValueRegressor(horizon=39.0, annual_discount_rate=0.12, margin=0.3).fit(cdnow_split)
    fits = {"purchases": cs.BGNBD.fit(cdnow_split), "spend": cs.GammaGamma.fit(cdnow_split)}
    value = cs.customer_value(cdnow_split, **fits, annual_discount_rate=0.12, horizon=39.0, margin=0.3)
    np.testing.assert_array_equal(model.predict(cdnow_split), value)
    other = pl.from_pandas(cdnow_split.reset_index())
    np.testing.assert_array_equal(CustomerValueRegressor(**model.get_params()).fit(other).predict(other), value)
    array = cdnow_split[["frequency", "recency", "T"]].to_numpy()
    counts = CustomerValueRegressor(horizon=39.0, annual_discount_rate=0.0).fit(array).predict(array)
    expected = fits["purchases"].expected_purchases(cdnow_split, 39.0)
    np.testing.assert_allclose(counts, expected, rtol=1e-9)


def test_rows_at_moments_are_those_of_the_split(rows):
    split = cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30", holdout_until="1997-12-30")
    found = rows.features.loc["1997-09-30"]
    assert found["frequency"].tolist() == split["frequency"].tolist()
    spent = split["frequency_holdout"] * split["monetary_value_holdout"]
    assert rows.spent.loc["1997-09-30"].tolist() == spent.tolist()
    with pytest.raises(DataError, match="end after the last day of the log"):
        value_rows(cs.datasets.cdnow(), moments=["1998-06-01"], horizon=13.0)


def test_no_fold_learns_from_what_came_later(rows):
    split = TimeSplit(horizon=13.0)
    folds = list(split.split(rows.features, groups=rows.moments))
    assert len(folds) == split.get_n_splits(groups=rows.moments) == 2
    for learned, tested in folds:
        ends = rows.moments[learned] + np.timedelta64(7 * 13, "D")
        assert ends.max() <= rows.moments[tested].min()
        assert len(set(rows.moments[tested])) == 1
    latest = [
        learned for learned, _ in TimeSplit(horizon=13.0, learn_from="latest").split(rows.features, None, rows.moments)
    ]
    assert [len(set(rows.moments[learned])) for learned in latest] == [1, 1]
    with pytest.raises(ConfigError, match="needs the moment of each row"):
        cross_val_score(LinearRegression(), rows.features, rows.spent, cv=split, error_score="raise")
    with pytest.raises(DataError, match="no moment lies 60 or more after another"):
        TimeSplit(horizon=60.0).get_n_splits(groups=rows.moments)


def test_value_is_cross_validated_by_time_and_joins_pipelines(rows):
    value = CustomerValueRegressor(horizon=13.0, annual_discount_rate=0.0)
    split = TimeSplit(horizon=13.0, learn_from="latest")
    options = {"groups": rows.moments, "cv": split}
    alone = cross_val_score(value, rows.features, rows.spent, **options)
    joined = cross_val_score(make_pipeline(value, LinearRegression()), rows.features, rows.spent, **options)
    assert (alone > 0.1).all()
    assert (joined > 0.1).all()
    search = GridSearchCV(value, {"purchases": ["bg_nbd", "nbd"]}, cv=split)
    search.fit(rows.features, rows.spent, groups=rows.moments)
    assert search.best_params_ == {"purchases": "bg_nbd"}
    assert value.set_output(transform="pandas").fit_transform(rows.features).index.equals(rows.features.index)


def test_churn_by_time_and_in_a_stack():
    random = np.random.default_rng(2)
    size = 3000
    began, plan = -random.uniform(0, 60, size), np.where(random.random(size) < 0.3, "plus", "basic")
    life = random.exponential(np.where(plan == "plus", 40.0, 12.0))
    frame = pd.DataFrame({"tenure": np.minimum(life, -began), "churned": life < -began, "began": began, "plan": plan})
    parts = [cs.models.churn_rows(frame, covariates=["plan"], horizon=3.0, at=at) for at in (-9.0, -6.0, -3.0)]
    features = pd.concat([part.features for part in parts])
    left = np.concatenate([part.left for part in parts])
    moments = np.repeat([part.at for part in parts], [len(part.left) for part in parts])
    scores = cross_val_score(
        ChurnClassifier(), features, left, groups=moments, cv=TimeSplit(horizon=3.0), scoring="roc_auc"
    )
    assert (scores > 0.58).all()
    last = moments == -3.0
    model = ChurnClassifier().fit(features[~last], left[~last])
    direct = cs.models.ChurnModel.fit(frame, covariates=["plan"], horizon=3.0, learn_at=-6.0, test_at=-3.0)
    assert roc_auc_score(left[last], model.predict_proba(features[last])[:, 1]) == pytest.approx(
        direct.scores.table.loc["auc", "value"], abs=0.02
    )
    stacked = make_pipeline(ChurnClassifier().set_output(transform="pandas"), LogisticRegression())
    assert set(stacked.fit(features, left).predict(features)) <= {True, False}


def test_leaks_are_told_of(campaign):
    given = campaign[["risk"]].assign(code=np.where(campaign["stayed"], 1, 2))
    with pytest.warns(LeakWarning, match="'code' alone tells"):
        ChurnClassifier().fit(given, campaign["stayed"])
    with pytest.raises(DataError, match="'code' alone tells"):
        ChurnClassifier(leaks="refuse").fit(given, campaign["stayed"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ChurnClassifier(leaks="allow").fit(given, campaign["stayed"])


def test_uplift_is_routed_and_scored(campaign):
    from sklearn import config_context

    arms = campaign["treated"].astype(int)
    model = UpliftRegressor().fit(campaign[KNOWN], campaign["stayed"], treatment=arms)
    same = cs.models.UpliftModel.fit(campaign, covariates=KNOWN)
    assert np.corrcoef(model.predict(campaign[KNOWN]), same.uplift(campaign))[0, 1] > 0.8
    with config_context(enable_metadata_routing=True):
        asked = UpliftRegressor().set_fit_request(treatment=True).set_score_request(treatment=True)
        scores = cross_val_score(asked, campaign[KNOWN], campaign["stayed"], params={"treatment": arms}, cv=3)
    assert np.isfinite(scores).all()
    with pytest.warns(UpliftWarning, match="no effect is learned"):
        alone = UpliftRegressor().fit(campaign[KNOWN], campaign["stayed"])
    assert alone.arms_ == []
    with pytest.raises(DataError, match="must hold the control 'nobody' and another arm; got 0, 1"):
        UpliftRegressor(control="nobody").fit(campaign[KNOWN], campaign["stayed"], treatment=arms)


def test_what_no_customer_can_have(cdnow_split):
    wrong = cdnow_split.head(50).copy()
    wrong.iloc[3, wrong.columns.get_loc("recency")] = 99.0
    with pytest.raises(DataError, match="recency must be"):
        CustomerValueRegressor().fit(wrong)
    with pytest.warns(HistoryWarning, match="1 of 50 rows"):
        CustomerValueRegressor(impossible="nearest").fit(wrong)
    with pytest.raises(ConfigError, match="X lacks 'monetary_value'"):
        CustomerValueRegressor().fit(wrong.drop(columns="monetary_value"))
    with pytest.raises(DataError, match="missing for customer"):
        ChurnClassifier().fit(pd.DataFrame({"a": [1.0, np.nan]}), [0, 1])


@pytest.fixture(scope="module")
def saved(campaign, cdnow_split):
    """A fitted model of each kind, with what it says of some customers."""
    known, arms = campaign[KNOWN], campaign["treated"].map({True: "mail", False: "none"})
    churn = ChurnClassifier().fit(known, ~campaign["stayed"])
    policy = UpliftPolicy.fit(
        campaign.assign(arm=arms), covariates=KNOWN, outcome="stayed", costs={"mail": 0.01}, resamples=10
    )
    # Money, so that trees are fitted without the calibrating step; ChurnClassifier below has it.
    money, called = campaign["stayed"] * 3.5, campaign["treated"].astype(int)
    boosted = UpliftRegressor(kind="boosting").fit(known, money, treatment=called)
    calibrated = ChurnClassifier(kind="boosting", leaks="allow").fit(known[:200], ~campaign["stayed"][:200])
    telco = cs.datasets.telco().head(600)
    return [
        (churn, lambda model: model.predict_proba(known)),
        (calibrated, lambda model: model.predict_proba(known)),
        (boosted, lambda model: model.predict(known)),
        (CustomerValueRegressor().fit(cdnow_split), lambda model: model.predict(cdnow_split)),
        (policy, lambda model: model.gains(campaign).to_numpy()),
        (cs.models.UpliftModel.fit(campaign, covariates=KNOWN), lambda model: model.uplift(campaign).to_numpy()),
        (
            cs.models.ChurnModel.fit(telco, covariates=["contract", "monthly_charges"], horizon=1),
            lambda model: model.probability(telco).to_numpy(),
        ),
    ]


def test_a_saved_model_says_the_same(saved, tmp_path):
    for model, says in saved:
        again = load_model(save_model(model, tmp_path / "model.skops"))
        assert type(again) is type(model)
        np.testing.assert_array_equal(says(again), says(model))
    pd.testing.assert_frame_equal(again.scores.table, model.scores.table)
    assert again.split == model.split
    with pytest.raises(ConfigError, match="no customers with it"):
        again.interval(cs.datasets.telco().head(3))
    policy = load_model(save_model(saved[4][0], tmp_path / "policy.skops"))
    pd.testing.assert_frame_equal(policy.table, saved[4][0].table)
    pd.testing.assert_series_equal(policy.shares, saved[4][0].shares)
    pd.testing.assert_frame_equal(policy.qini["mail"].table, saved[4][0].qini["mail"].table)


class Foreign:
    """What a file may not hold: it would say so if it were constructed."""

    constructed = False

    def __setstate__(self, state):
        Foreign.constructed = True


def test_a_file_with_a_foreign_type_is_refused_and_not_constructed(saved, tmp_path):
    import skops.io  # which looks through all of scikit-learn: a second for each worker, were it above

    path = tmp_path / "model.skops"
    Foreign.__module__ = __name__
    stranger = Foreign()
    stranger.x = 1
    for content in (stranger, {"churnsim": 1, "model": stranger}):
        path.write_bytes(skops.io.dumps(content))
        with pytest.raises(DataError, match=r"holds .*Foreign, which no model of churnsim is made of. Nothing"):
            load_model(path)
    assert not Foreign.constructed
    for content in (LinearRegression(), {"churnsim": 1, "model": 7}, {"churnsim": 2}):
        path.write_bytes(skops.io.dumps(content))
        with pytest.raises(DataError, match=r"no file of|no model"):
            load_model(path)
    whole = save_model(saved[0][0], path).read_bytes()
    for content in (b"", b"not a file", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="damaged"):
            load_model(path)
    with pytest.raises(DataError, match="does not exist"):
        load_model(tmp_path / "absent.skops")
    with pytest.raises(ConfigError, match="was not fitted"):
        save_model(ChurnClassifier(), path)
    with pytest.raises(ConfigError, match="cannot save"):
        save_model(LinearRegression(), path)


def test_the_horizon_is_a_year_in_any_unit():
    """A log counted in days says the same as in weeks: the default is no bare number of whichever unit."""
    log = cs.datasets.cdnow()
    log = log[log["customer_id"] % 6 == 0]
    values = {}
    for unit in ("D", "W"):
        summary = cs.summarise(log, until="1997-09-30", unit=unit)
        values[unit] = CustomerValueRegressor(unit=unit).fit(summary).predict(summary)
    np.testing.assert_allclose(values["D"], values["W"], rtol=2e-4)
    with pytest.raises(ConfigError, match="not a duration"):
        CustomerValueRegressor(horizon="long").fit(summary)
