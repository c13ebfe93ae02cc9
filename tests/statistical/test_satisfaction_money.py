"""Truth: theory. What satisfaction does to buying and leaving comes back from customers for whom it is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import churnsim as cs
from churnsim.satisfaction.money import (
    buying_rate,
    class_values,
    e_value,
    join_customers,
    leaving_hazard,
    purchase_history_effects,
    satisfaction_scores,
    worth_of_a_point,
)
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.customers import BUYING, LEAVING, synthetic_customers

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # sympy's and lifelines' own


@pytest.mark.parametrize("seed", range(3))
def test_the_known_slopes_come_back(seed):
    customers = synthetic_customers(600, seed=seed)
    for effect, truth in ((buying_rate(customers), BUYING), (leaving_hazard(customers), LEAVING)):
        assert abs(effect.coefficient - truth) < 4 * effect.standard_error
        assert effect.lower < math.exp(10 * effect.coefficient) < effect.upper
        assert "Association, not effect" in effect.says


def test_the_error_of_buying_allows_for_leverage():
    """HC3 of the weighted least squares that a Poisson regression ends in: statsmodels has it of an OLS."""
    customers = synthetic_customers(15, seed=2)
    found = buying_rate(customers)
    x = sm.add_constant(customers["satisfaction"])
    mean = sm.GLM(customers["frequency"], x, family=sm.families.Poisson(), exposure=customers["T"]).fit().mu
    weighted = np.sqrt(mean)
    pulled = np.log(mean) + (customers["frequency"] - mean) / mean
    response = (pulled - np.log(customers["T"])) * weighted  # the exposure is known
    ols = sm.OLS(response, x.mul(weighted, axis=0)).fit(cov_type="HC3", use_t=True)
    assert found.coefficient == pytest.approx(ols.params.iloc[1], rel=1e-6)
    assert found.standard_error == pytest.approx(ols.bse.iloc[1], rel=1e-6)
    assert (found.lower, found.upper) == pytest.approx(tuple(np.exp(10 * ols.conf_int().iloc[1])), rel=1e-6)


@pytest.mark.slow
def test_their_intervals_cover():
    inside = []
    for seed in range(200):
        customers = synthetic_customers(300, seed=seed)
        pair = (buying_rate(customers), BUYING), (leaving_hazard(customers), LEAVING)
        inside.append([effect.lower <= math.exp(10 * truth) <= effect.upper for effect, truth in pair])
    coverage = np.mean(inside, axis=0)
    assert ((coverage >= 0.92) & (coverage <= 0.98)).all(), coverage


def test_the_purchase_model_tells_buying_from_leaving():
    """BG/NBD with satisfaction as its covariate, on histories drawn from one with known effects."""
    random = np.random.default_rng(1)
    satisfaction = np.clip(60 + 18 * random.standard_normal(1500), 0, 100)
    true = cs.models.BGNBDCovariates(
        r=0.8, alpha=6.0, a=0.8, b=3.0, rate_effects={"satisfaction": BUYING},
        lifetime_effects={"satisfaction": LEAVING}, covariate_means={"satisfaction": 60.0},
    )  # fmt: skip
    start = pd.DataFrame(
        {"frequency": 0, "recency": 0.0, "T": random.uniform(30, 52, 1500), "satisfaction": satisfaction},
        index=[f"c{i}" for i in range(1500)],
    )
    buying, leaving = purchase_history_effects(true.draw_summary_like(start, seed=1), unit="W")
    for effect, truth in ((buying, BUYING), (leaving, LEAVING)):
        assert abs(effect.coefficient - truth) < 4 * effect.standard_error
    assert buying.lower > 1
    assert leaving.upper < 1


def test_control_shuffled_satisfaction_goes_with_nothing():
    customers = synthetic_customers(600, seed=1)
    customers["satisfaction"] = customers["satisfaction"].sample(frac=1, random_state=1).to_numpy()
    for effect in (buying_rate(customers), leaving_hazard(customers)):
        assert abs(effect.coefficient) < 4 * effect.standard_error


def test_classes_average_to_the_average():
    customers = synthetic_customers(400, seed=2)
    table = class_values(customers, ["revenue", "profit"], resamples=200)
    means = table[table["group"] == "mean"]
    revenue = means[[str(name).endswith("revenue") for name in means.index]]
    assert (revenue["estimate"] * revenue["n"]).sum() / revenue["n"].sum() == pytest.approx(customers["revenue"].mean())
    assert table.loc["very satisfied: revenue ratio", "lower"] > 1
    assert (table["lower"] <= table["estimate"]).all()
    # Profit is a fixed share of revenue here, so both ratios are one.
    ratios = [table.loc[f"satisfied: {what} ratio", "estimate"] for what in ("revenue", "profit")]
    assert ratios[0] == pytest.approx(ratios[1])


def test_a_point_is_worth_its_derivative():
    customers = synthetic_customers(600, seed=3)
    buying, leaving = buying_rate(customers), leaving_hazard(customers)
    numbers = {"rate": 0.1, "hazard": 0.01, "margin_per_purchase": 9.0, "horizon": 104.0, "discount_force": 0.002}
    estimate, lower, upper = worth_of_a_point(buying=buying, leaving=leaving, **numbers)
    assert lower < estimate < upper

    def worth(rate, hazard):
        decay = hazard + 0.002
        return 9.0 * rate * (1 - math.exp(-decay * 104.0)) / decay

    expected = worth(0.1 * math.exp(buying.coefficient), 0.01 * math.exp(leaving.coefficient)) - worth(0.1, 0.01)
    assert estimate == pytest.approx(expected, rel=1e-9)
    without, _, _ = worth_of_a_point(buying=buying, leaving=None, **numbers)
    assert 0 < without < estimate


def test_e_value_as_published():
    """VanderWeele & Ding (2017): a risk ratio of 3.9 has an E-value of 7.26."""
    assert round(e_value(3.9), 2) == 7.26
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))
    assert e_value(1.0) == 1.0


def survey(ids, scores, **more):
    index = pd.Index([f"r{i}" for i in range(len(ids))])
    frame = pd.DataFrame({"satisfaction_1": scores}, index=index)
    return Survey.from_frames(
        {"perception": frame}, scale=(1, 10), respondents=pd.DataFrame({"customer_id": ids, **more}, index=index)
    )


def test_answers_are_joined_by_customer():
    customers = pd.DataFrame({"frequency": [1, 2, 3]}, index=pd.Index([7, 8, 9], name="customer_id"))
    dates = pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-01", "2020-01-01"])
    joined = join_customers(survey(["7", "7", "9", "x"], [10, 1, 5.5, 3], date=dates), customers)
    assert joined["satisfaction"].to_dict() == {7: 100.0, 9: 50.0}
    assert joined.attrs == {"not_found": 1, "answered": pytest.approx(2 / 3)}
    assert satisfaction_scores(survey(["a"], [1]))["r0"] == 0.0
    with pytest.raises(cs.errors.DataError, match="none of the respondents"):
        join_customers(survey(["q"], [4]), customers)
