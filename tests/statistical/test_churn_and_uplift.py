"""Truth: theory within stated error, on data whose answer is known; and on Telco, held out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.errors import DataError
from churnsim.models.churn.classifier import churn_rows
from churnsim.models.churn.scores import auc, auc_limits, churn_scores
from churnsim.models.churn.uplift import average_effect, qini_curve, simulated_campaign

COVARIATES = ["contract", "internet_service", "online_security", "tech_support", "payment_method", "monthly_charges",
              "total_charges", "partner", "dependents", "senior_citizen", "paperless_billing"]  # fmt: skip


@pytest.fixture(scope="module")
def followed():
    """4,000 customers over 60 months with a hazard that a covariate moves, and calendar starts."""
    random = np.random.default_rng(11)
    n = 4000
    began = -random.uniform(0, 60, n)
    plan = np.where(random.random(n) < 0.3, "plus", "basic")
    life = random.exponential(np.where(plan == "plus", 40.0, 12.0))
    frame = pd.DataFrame(
        {"tenure": np.minimum(life, -began), "churned": life < -began, "began": began, "plan": plan},
        index=pd.RangeIndex(n, name="customer_id"),
    )
    frame.attrs["unit"] = "M"
    return frame


@pytest.fixture(scope="module")
def telco_model():
    return cs.models.ChurnModel.fit(cs.datasets.telco(), covariates=COVARIATES, horizon=1)


def test_telco_is_calibrated(telco_model):
    """The bar: slope .9 to 1.1 on the held-out split. Any probability model of these data reaches an area of .8."""
    table = telco_model.scores.table
    assert 0.9 <= table.loc["calibration_slope", "value"] <= 1.1
    assert table.loc["auc", "value"] > 0.8
    assert table.loc["brier_skill", "lower"] > 0.2
    assert telco_model.scores.lift["caught"].iloc[-1] == pytest.approx(1.0)
    drops = telco_model.importance(repeats=2)
    assert drops.loc["tenure", "drop"] > 0.02


def test_probabilities_have_intervals(telco_model):
    table = telco_model.interval(cs.datasets.telco().head(30), groups=8)
    assert (table["lower"] < table["probability"]).all()
    assert (table["probability"] < table["upper"]).all()


def test_time_aware_split_recovers_the_probability(followed):
    """Memoryless lives: P(leaves within 3) is 1 - e^(-3/12) or 1 - e^(-3/40); 4 standard errors of a share of 1,000."""
    model = cs.models.ChurnModel.fit(followed, covariates=["plan"], horizon=3.0)
    assert "learned at -6, tested at -3" in model.split
    for plan, mean in (("basic", 12.0), ("plus", 40.0)):
        one = pd.DataFrame({"tenure": [10.0], "plan": [plan]})
        assert model.probability(one).iloc[0] == pytest.approx(1 - np.exp(-3 / mean), abs=0.05)


def test_rows_do_not_look_ahead(followed):
    rows = churn_rows(followed, covariates=["plan"], horizon=3.0, at=-6.0)
    ended = followed["began"] + followed["tenure"]
    there = (followed["began"] <= -6) & (ended > -6)
    assert len(rows.left) == there.sum()
    np.testing.assert_allclose(rows.features["tenure"], -6 - followed.loc[there, "began"])
    assert rows.left.sum() == (there & followed["churned"] & (ended <= -3)).sum()
    # Changing what happens after the window changes nothing.
    later = followed.copy()
    gone = later["churned"] & (ended > -3)
    later.loc[gone, "churned"] = False
    later.loc[gone, "tenure"] = -later.loc[gone, "began"]
    np.testing.assert_array_equal(churn_rows(later, covariates=["plan"], horizon=3.0, at=-6.0).left, rows.left)


def test_customers_who_were_not_seen_for_long_enough_are_refused(followed):
    """Counted as staying they would make all seem to stay. Whole tenures, up to a unit short, are no such case."""
    early = followed.copy()
    early.loc[7, ["tenure", "churned", "began"]] = [20.0, False, -24.5]
    with pytest.raises(DataError, match=r"customer '7' was last seen at -4\.5 without having left"):
        churn_rows(early, covariates=["plan"], horizon=6.0)
    assert not churn_rows(early, covariates=["plan"], horizon=3.0, at=-7.5).left.all()
    whole = followed.assign(tenure=np.where(followed["churned"], followed["tenure"], np.floor(followed["tenure"])))
    assert churn_rows(whole, covariates=["plan"], horizon=6.0).left.any()


def test_scores_by_hand():
    p, left = np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, False, True, False])
    area, _ = auc(p, left)
    assert area == 0.75
    table = churn_scores(p, left).table
    assert table.loc["brier", "value"] == pytest.approx((0.01 + 0.64 + 0.49 + 0.04) / 4)


@pytest.mark.parametrize(("area", "leavers", "stayers"), [(1.0, 10, 10), (0.0, 3, 60), (0.9, 4, 50)])
def test_limits_of_an_area_against_hanley_and_mcneil(area, leavers, stayers):
    """At each limit the estimate is z errors away, by the error that Hanley and McNeil (1982, Radiology 143, 29-36)
    give an area of so much, with as many of either kind as there are on average (Newcombe's method 5)."""
    half = (leavers + stayers) / 2 - 1
    for limit in auc_limits(area, 0.0, leavers, stayers, level=0.95):
        if limit != area:
            one, two = limit / (2 - limit), 2 * limit**2 / (1 + limit)
            variance = limit * (1 - limit) + half * (one - limit**2) + half * (two - limit**2)
            assert abs(area - limit) == pytest.approx(1.959964 * np.sqrt(variance / leavers / stayers), rel=1e-5)


def scored(random: np.random.Generator, customers: int, level: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities to leave, and who left."""
    probability = 1 / (1 + np.exp(-level - slope * random.normal(size=customers)))
    return probability, random.random(customers) < probability


def test_limits_of_an_area_hold_with_few_leavers():
    """A hundred customers of whom four leave on average: at least the 95% that are said, less three standard errors
    (DeLong's error alone holds 77%)."""
    ranked, left = scored(np.random.default_rng(1), 200_000, -3.5, 1.0)
    truth, held, told = auc(ranked, left)[0], 0, 0
    for seed in range(200):
        probability, left = scored(np.random.default_rng(seed), 100, -3.5, 1.0)
        if left.any():
            low, high = auc_limits(*auc(probability, left), int(left.sum()), int((~left).sum()), level=0.95)
            told, held = told + 1, held + (low <= truth <= high)
    assert held / told >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / told)


def test_the_error_of_the_brier_skill_against_resamples():
    """The base rate moves with the sample: the limits are as wide as 2,000 resamples of customers say, within a tenth
    (three standard errors of their spread are a twentieth; the rest is of second order)."""
    probability, left = scored(np.random.default_rng(4), 600, -2.5, 1.0)
    picks = np.random.default_rng(5).integers(0, 600, (2000, 600))
    rate = left[picks].mean(axis=1)
    skill = 1 - ((probability - left) ** 2)[picks].mean(axis=1) / (rate * (1 - rate))
    row = churn_scores(probability, left).table.loc["brier_skill"]
    assert (row["upper"] - row["lower"]) / 2 / 1.959964 == pytest.approx(skill.std(), rel=0.1)


def test_curves_and_effects_of_outcomes_that_hardly_vary_have_no_limits():
    """Of 60 customers two stay: resamples are much alike. Where all did the same nothing has an error."""
    treated, outcome, score = np.arange(60) % 2 == 0, np.zeros(60), np.arange(60.0)
    outcome[[3, 40]] = 1.0
    curve = qini_curve(score, treated, outcome, resamples=20)
    assert np.isnan([curve.lower, curve.upper]).all()
    assert not curve.better_than_random
    outcome[50] = 1.0
    assert np.isfinite(qini_curve(score, treated, outcome, resamples=20).upper)
    row = average_effect(treated, np.where(treated, outcome, 0.0))
    of_all = 2 * 58 / 60 / 59  # nobody of the others stays: their variance is that of all
    own = 2 * 28 / 30 / 29
    assert row["standard_error"] == pytest.approx(np.sqrt((own + of_all) / 30))
    assert np.isnan(average_effect(treated, np.zeros(60))[["standard_error", "lower", "upper"]]).all()


def test_perfect_probabilities_have_slope_one():
    random = np.random.default_rng(3)
    p = random.beta(1, 3, 20_000)
    left = random.random(p.size) < p
    row = churn_scores(p, left).table.loc["calibration_slope"]
    assert row["lower"] < 1 < row["upper"]
    sharp = churn_scores(p**2 / (p**2 + (1 - p) ** 2), left).table.loc["calibration_slope"]
    assert sharp["value"] == pytest.approx(0.5, abs=0.03)  # logits doubled


@pytest.mark.parametrize("estimator", ["two_model", "transformed"])
def test_uplift_recovers_the_known_answer(estimator):
    """Openness, not risk, decides who responds: the held-out Qini beats that of risk, and the effects correlate with
    the truth. The average effect lies within 4 standard errors."""
    campaign = simulated_campaign(12_000, seed=3)
    model = cs.models.UpliftModel.fit(campaign, covariates=["risk", "openness", "plan"], estimator=estimator)
    assert model.qini.better_than_random
    assert model.qini.lower > model.risk_qini.coefficient
    assert np.corrcoef(model.uplift(campaign), campaign["uplift"])[0, 1] > 0.8
    effect = model.average_effect
    assert abs(effect["value"] - campaign["uplift"].mean()) < 4 * effect["standard_error"]


def test_qini_of_noise_holds_zero():
    """95% intervals of a score without information: 0 outside at most 4 of 20 (chance .997 at nominal coverage)."""
    misses = 0
    for seed in range(20):
        campaign = simulated_campaign(1500, seed=seed)
        noise = np.random.default_rng(seed).standard_normal(1500)
        curve = qini_curve(
            noise, campaign["treated"].to_numpy(), campaign["stayed"].to_numpy(float), resamples=150, seed=seed
        )
        misses += not curve.lower <= 0 <= curve.upper
    assert misses <= 4


@pytest.fixture(scope="module")
def campaign():
    return simulated_campaign(600, seed=5)


def test_bad_features_are_named_by_column_and_customer(followed, campaign, telco_model):
    """A missing value or an infinite number, in a fit or a prediction; never an error of scikit-learn."""
    late = followed.assign(spend=1.0)
    late.loc[7, "spend"] = np.nan
    with pytest.raises(cs.errors.DataError, match="'spend' is missing for customer '7'"):
        cs.models.ChurnModel.fit(late, covariates=["plan", "spend"], horizon=3.0)
    late.loc[7, "spend"] = np.inf
    with pytest.raises(cs.errors.DataError, match="'spend' must be a finite number; customer '7' has inf"):
        cs.models.ChurnModel.fit(late, covariates=["plan", "spend"], horizon=3.0)
    words = cs.datasets.telco().head(3).astype({"contract": object})
    words.iloc[1, words.columns.get_loc("contract")] = None
    with pytest.raises(cs.errors.DataError, match=f"'contract' is missing for customer '{words.index[1]}'"):
        telco_model.probability(words)
    with pytest.raises(cs.errors.ConfigError, match="no covariate 'contract'"):
        telco_model.probability(words.drop(columns="contract"))
    for column, bad in (("risk", np.nan), ("plan", None)):
        other = campaign.astype({"plan": object})
        other.loc[3, column] = bad
        with pytest.raises(cs.errors.DataError, match=f"'{column}' is missing for customer '3'"):
            cs.models.UpliftModel.fit(other, covariates=["risk", "plan"])
    mixed = campaign.assign(plan=np.where(np.arange(600) % 2, campaign["plan"].to_numpy(dtype=object), 7))
    assert np.isfinite(cs.models.UpliftModel.fit(mixed, covariates=["risk", "plan"]).qini.coefficient)


def test_groups_without_leavers_are_named(campaign):
    for word in (True, False):
        stayed = campaign["stayed"] | (campaign["treated"] == word)
        with pytest.raises(cs.errors.DataError, match=f"with treated = {word} that the model learns from, 0 left"):
            cs.models.UpliftModel.fit(campaign.assign(stayed=stayed), covariates=["risk"])
    hardly = pd.DataFrame({"tenure": np.arange(1.0, 101.0), "churned": np.arange(100) < 6, "plan": ["a", "b"] * 50})
    with pytest.raises(cs.errors.DataError, match="needs 5 leavers and 5 stayers"):
        cs.models.ChurnModel.fit(hardly, covariates=["plan"], horizon=1.0)
    for call in (
        lambda: cs.models.ChurnModel.fit([1, 2, 3], covariates=["plan"], horizon=1.0),
        lambda: cs.models.UpliftModel.fit([1, 2, 3], covariates=["plan"]),
        lambda: cs.models.SurvivalRegression.fit([1, 2, 3], covariates=["plan"]),
        lambda: cs.models.SurvivalCurve.fit([1, 2, 3]),
        lambda: cs.models.compare_survival([1, 2, 3]),
        lambda: cs.models.cumulative_incidence([1, 2, 3]),
        lambda: cs.data.count_renewals([1, 2, 3], term="1 M"),
    ):
        with pytest.raises(cs.errors.DataError, match="DataFrame"):
            call()


CAUSES = pd.DataFrame({"tenure": [1.0, 2, 3, 4], "churned": [True, True, False, True], "cause": ["a", "b", None, "a"]})
ARMS = np.array(["control", "mail", "call"] * 60)
X = pd.DataFrame({"x": np.sin(np.arange(180.0))})
BOUGHT = np.arange(180) % 2.0


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: cs.models.cumulative_incidence(CAUSES, cause="why"), "ConfigError", "no column 'why'"),
        (lambda: cs.models.cumulative_incidence(CAUSES.assign(cause=None)), "DataError", r"without a 'cause' \(3 such"),
        (lambda: cs.models.cumulative_incidence(CAUSES.assign(churned=False)), "DataError", "no causes to tell apart"),
        (lambda: cs.models.cumulative_incidence(CAUSES).at("soon"), "ConfigError", "t must be a finite"),
        (lambda: cs.models.compare_survival(CAUSES, folds=5), "DataError", "as many customers; there are 4"),
        (lambda: cs.models.compare_survival(CAUSES, kinds=["x"], folds=2), "ConfigError", "kinds must be among"),
        (lambda: cs.models.compare_survival(CAUSES, kinds="weibull"), "ConfigError", "kinds must be a list of names"),
        (lambda: cs.models.compare_survival(CAUSES.assign(tenure=3.5, churned=True), kinds=["weibull"], folds=2),
         "FitError", "no parametric family was fitted. weibull: not fitted: weibull has no maximum"),
        (lambda: cs.models.qini_curve(np.arange(4.0), np.array([True] * 4), np.ones(4)), "DataError", "both groups"),
        (lambda: cs.models.qini_curve(np.array([1, np.nan]), np.array([True, False]), np.ones(2)), "DataError",
         "scores must be finite numbers; 1 are not"),
        (lambda: cs.models.qini_curve(np.ones(2), np.array([True, False]), np.array([1, np.nan])), "DataError",
         "outcomes must be finite numbers; 1 are not"),
        (lambda: cs.models.UpliftRegressor().fit(X, None), "DataError", "target y is None"),
        (lambda: cs.models.UpliftRegressor("control").fit(X, BOUGHT, ARMS[:9]), "DataError", "180 rows; got 9 names"),
        (lambda: cs.models.UpliftRegressor("nobody").fit(X, BOUGHT, ARMS), "DataError", "control 'nobody' and"),
        (lambda: cs.models.UpliftRegressor("control").fit(X[:45], BOUGHT[:45], ARMS[:45]), "DataError", "it needs 20"),
        (lambda: of_arms().score(X, BOUGHT, np.where(ARMS == "call", "mail", ARMS)), "DataError", "in arm 'call'"),
    ],
)  # fmt: skip
def test_what_tells_no_cause_curve_or_effect_is_refused(call, error, said):
    with pytest.raises(getattr(cs.errors, error), match=said):
        call()


def of_arms():
    return cs.models.UpliftRegressor("control").fit(X, BOUGHT, ARMS)


def test_effects_of_several_arms_have_a_column_each_and_no_learner_where_all_do_the_same():
    """Nobody left alone bought and all who were mailed did: the effect of the mail is 1 for everybody."""
    bought = np.select([ARMS == "mail", ARMS == "call"], [1.0, BOUGHT])
    fit = cs.models.UpliftRegressor("control").fit(X, bought, ARMS)
    effects = pd.DataFrame(fit.predict(X), columns=list(fit.arms_))
    assert (effects["mail"] == 1.0).all()
    assert effects["call"].between(0, 1).all()
    assert np.isnan(fit.score(X, bought))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fit.score(X, bought[:9], ARMS)
    with pytest.raises(ValueError, match="NaN"):
        fit.score(X, np.full(180, np.nan), ARMS)
