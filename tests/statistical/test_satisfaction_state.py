"""Truth: theory. Satisfaction of simulated customers follows its rule, and a survey of them finds it again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.parity.mechanisms import scenario

import churnsim as cs
from churnsim.kernels.engine.records import packed
from churnsim.kernels.engine.satisfaction import (
    after_answer,
    after_purchase,
    disconfirmed,
    people_told,
    perceived,
    satisfaction_factor,
)
from churnsim.satisfaction.acsi import acsi
from churnsim.simulation.survey_sample import index_of, sample_survey, satisfied_at

LIVELY = cs.simulation.Satisfaction(disconfirmation=0.8, carry=0.5, asymmetry=1.5, indifference=0.2)


@pytest.fixture(scope="module")
def world():
    """Customers after half a year in a market with satisfaction."""
    return cs.simulate(
        scenario(["desk"], size=1500, satisfaction=LIVELY, horizon=24.0), seed=5, engine="compiled", log=True
    )


def rules(**changes):
    tried = scenario([], satisfaction=replace(LIVELY, **changes))
    return packed(tried.rules)


def test_disconfirmation_is_felt_beyond_the_zone_and_more_below_than_above():
    assert disconfirmed(0.5, 0.5, 2.0) == 0.0
    assert disconfirmed(-0.5, 0.5, 2.0) == 0.0
    assert disconfirmed(1.5, 0.5, 2.0) == 1.0
    assert disconfirmed(-1.5, 0.5, 2.0) == -2.0


def test_expectation_follows_experience_and_satisfaction_stays_in_bounds():
    expected, satisfied = 0.0, 0.0
    for _ in range(60):
        expected, satisfied = after_purchase(rules(), expected, satisfied, 2.0)
        assert -1.0 <= satisfied <= 1.0
    # Whoever always gets the same comes to expect it, and then feels nothing.
    assert expected == pytest.approx(2.0, abs=1e-6)
    assert satisfied == pytest.approx(0.0, abs=1e-6)


def test_equity_compares_outcome_over_input():
    own = {"disconfirmation": 0.0, "equity": 0.5, "carry": 0.0}
    level = [after_purchase(rules(reference_ratio=r, **own), 0.0, 0.0, 0.0)[1] for r in (0.8, 1.0, 1.2)]
    assert level[0] > 0.0 == level[1] > level[2]


def test_three_kinds_of_justice_add_up():
    plain = scenario([], satisfaction=LIVELY)
    paid = scenario(["compensation", "empowered"], satisfaction=replace(LIVELY, fair_compensation=5.0))
    quick, unresolved = 0, 2
    assert after_answer(packed(plain.rules), -0.5, quick, 1, 77, 0, 1) == pytest.approx(-0.5 + 0.3)
    assert after_answer(packed(plain.rules), -0.5, unresolved, 1, 77, 0, 1) == pytest.approx(-0.5 - 0.3)
    gains = {round(after_answer(packed(paid.rules), -0.9, quick, k, 77, 0, 1) + 0.9, 9) for k in range(40)}
    # Paid back in full and quickly; on the spot or not.
    assert gains == {0.6, 0.8}


def test_weights_of_nothing_are_exactly_one():
    assert satisfaction_factor(0.0, 0.7) == 1.0
    assert satisfaction_factor(0.5, 0.0) == 1.0
    assert people_told(11, 0.0, -0.4) == 11
    assert people_told(11, -1.0, -0.5) == 18  # 11 e^.5


def test_quality_has_the_stated_mean_and_spread():
    records = rules(quality_mean=0.4, quality_spread=1.2, failure_drop=2.0)
    n, failing = 20_000, 0.25
    values = np.array([perceived(records, failing, k, 99, 0, 3) for k in range(1, n + 1)])
    spread = np.sqrt(1.2**2 + 2.0**2 * failing * (1 - failing))
    assert abs(values.mean() - (0.4 - 2.0 * failing)) < 5 * spread / np.sqrt(n)
    assert values.std() == pytest.approx(spread, rel=0.03)  # 5 standard errors of a standard deviation


def test_a_survey_of_the_simulated_recovers_their_state(world):
    alive = world.customers[world.customers["alive"]]
    truth = float(alive["satisfied"].mean())
    assert alive["satisfied"].std() > 0.1, "nothing to be found"
    row = acsi(sample_survey(world.customers, 300, seed=1), weights="equal", resamples=300).table.loc["index"]
    assert satisfied_at(row["lower"]) < truth < satisfied_at(row["upper"])
    assert index_of(satisfied_at(63.0)) == pytest.approx(63.0)


@pytest.mark.slow
def test_such_surveys_cover_the_state(world):
    alive = world.customers[world.customers["alive"]]
    truth = float(alive["satisfied"].mean())
    inside = []
    for seed in range(200):
        row = acsi(sample_survey(world.customers, 300, seed=seed), weights="equal", resamples=300).table.loc["index"]
        inside.append(satisfied_at(row["lower"]) <= truth <= satisfied_at(row["upper"]))
    # Drawn without replacement out of some hundreds, so the interval is if anything too wide.
    assert np.mean(inside) >= 0.92, np.mean(inside)


def test_control_a_survey_that_the_angry_answer_does_not(world):
    truth = float(world.customers.loc[world.customers["alive"], "satisfied"].mean())
    row = acsi(sample_survey(world.customers, 300, seed=1, silence=-6.0), weights="equal", resamples=300).table.loc[
        "index"
    ]
    assert satisfied_at(row["upper"]) < truth


def test_answers_join_purchases_by_the_customers_own_ids(cdnow_market, cdnow_split):
    market = replace(cdnow_market, satisfaction=LIVELY)
    tried = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=26.0, period=13.0, epoch=13.0)
    ledger = cs.simulate(tried, seed=1, engine="compiled", log=True)
    survey = sample_survey(ledger.customers, 200, ids=cdnow_split.index)
    assert set(survey.respondents["customer_id"]) <= set(map(str, cdnow_split.index))
    with pytest.raises(cs.errors.DataError, match="cannot be asked"):
        sample_survey(ledger.customers, 10**6)
