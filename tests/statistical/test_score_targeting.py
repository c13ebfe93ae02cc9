"""Truth: theory within stated error. A campaign is run in a market whose responses are known, models learn from its
outcome alone, and their scores drive who is contacted afterwards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.simulation.customers.subscribers import SubscriberBase
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.terms import Terms

SIZE, HAZARD, BUDGET = 4000, 0.15, 1200.0
RESPONSE = RetentionResponse(max_effect=0.6, spend_scale=0.5, harmed_share=0.3, response_spread=1.0)
CLOCK = {"horizon": 1.0, "period": 1.0, "epoch": 1.0}
COVARIATES = ["risk", "openness"]


@pytest.fixture(scope="module")
def customers():
    """Risk, and how contacts are taken, have nothing to do with each other (Ascarza 2018)."""
    random = np.random.Generator(np.random.Philox(5))
    return pd.DataFrame(
        {"risk": random.uniform(0.2, 1.8, SIZE), "openness": random.random(SIZE)},
        index=pd.Index([f"c{i}" for i in range(SIZE)], name="customer_id"),
    )


@pytest.fixture(scope="module")
def market(customers):
    """Monthly contracts, of which every one comes up for renewal in the middle of a period."""
    traits = pd.DataFrame({"dropout": customers["risk"], "contact_rank": customers["openness"], "last_purchase": -0.5})
    return cs.Market(
        customers=cs.simulation.TraitsBase(traits),
        purchases=cs.simulation.ContractualLifetime(term=1.0, hazards=(HAZARD,), unit="M"),
        spend=cs.simulation.FixedSpend(amount=40.0),
        retention=RESPONSE,
        complaints=Complaints(failure_share=0.0),
        terms=Terms(margin=0.5),
    )


def stayed(market, customers, strategy):
    """Who is there after one period."""
    ledger = cs.simulate(cs.Scenario(market=market, strategy=strategy, **CLOCK), seed=9, log=True)
    return ledger.customers["alive"].loc[customer_uids(customers.index)].to_numpy()


@pytest.fixture(scope="module")
def campaign(market, customers):
    """Half of the customers, chosen by lot, are contacted once."""
    lots = pd.Series(np.random.Generator(np.random.Philox(6)).random(SIZE), customers.index)
    contacts = cs.simulation.RetentionContacts(budget_per_period=SIZE / 2, rule="score", share=0.5, scores=lots)
    outcome = stayed(market, customers, cs.Strategy(name="trial", retention=contacts))
    return customers.assign(treated=lots > lots.median(), stayed=outcome)


@pytest.fixture(scope="module")
def uplift(campaign):
    return cs.models.UpliftModel.fit(campaign, covariates=COVARIATES, kind="boosting")


@pytest.fixture(scope="module")
def churn(market, customers):
    left = ~stayed(market, customers, cs.Strategy(name="nothing"))
    return cs.models.ChurnModel.fit(customers.assign(tenure=1.0, churned=left), covariates=COVARIATES, horizon=1)


def test_the_campaign_has_the_known_effect(uplift, campaign):
    """A contact at 1.00 prevents the share .6 (1 - e^(-1/.5)) of dropout, times the response. Within 4 s.e."""
    rank = campaign["openness"]
    response = np.where(rank < 0.3, -1.0, 2 * (rank - 0.3) / 0.7)
    truth = HAZARD * campaign["risk"] * RESPONSE.effect(1.0) * response
    found = uplift.average_effect
    assert abs(found["value"] - truth.mean()) < 4 * found["standard_error"]
    assert np.corrcoef(uplift.uplift(campaign), truth)[0, 1] > 0.6


def test_response_beats_risk_beats_nothing(market, customers, uplift, churn):
    """One budget on a fifth of the customers by each model's scores; 95% paired intervals of the net present value."""
    there = customers.assign(tenure=1.0)
    scores = {"by risk": churn.probability(there), "by response": uplift.uplift(there)}
    strategies = [
        cs.Strategy(
            name=name,
            retention=cs.simulation.RetentionContacts(budget_per_period=BUDGET, rule="score", share=0.2, scores=each),
        )
        for name, each in scores.items()
    ]
    found = cs.compare(
        market, [cs.Strategy(name="nothing"), *strategies], replications=16, seed=3, horizon=6.0, period=1.0, epoch=1.0
    )
    assert found.differences("npv", against="by risk").set_index("strategy").loc["by response", "lower"] > 0
    assert found.differences("npv", against="nothing").set_index("strategy").loc["by risk", "lower"] > 0


@pytest.mark.parametrize("engine", ["compiled", "simpy"])
def test_actual_subscribers_are_contacted_by_their_own_scores(engine):
    """The ids of the data are those of the base: the fifth of 600 subscribers likeliest to leave gets the contacts.
    With contacts that keep everybody, and a hazard of 1, they are the only ones left."""
    telco = cs.datasets.telco()
    model = cs.models.ChurnModel.fit(telco, covariates=["contract", "internet_service"], horizon=1)
    there = telco[~telco["churned"]].head(600)
    risk = model.probability(there) + there["monthly_charges"] * 1e-9  # no ties
    market = cs.Market(
        customers=SubscriberBase(there, charges=there["monthly_charges"], contact_ranks=pd.Series(1.0, there.index)),
        purchases=cs.simulation.ContractualLifetime(term=1.0, hazards=(1.0,), unit="M"),
        spend=cs.simulation.FixedSpend(amount=40.0),
        retention=RetentionResponse(max_effect=1.0, spend_scale=0.001, response_spread=1.0),
        complaints=Complaints(failure_share=0.0),
    )
    offers = cs.simulation.RetentionContacts(budget_per_period=1e6, rule="score", share=0.2, scores=risk)
    tried = cs.Scenario(
        market=market, strategy=cs.Strategy(name="offers", retention=offers), horizon=2.0, period=2.0, epoch=1.0
    )
    kept = cs.simulate(tried, seed=1, engine=engine, log=True).customers["alive"]
    assert set(kept.index[kept]) == set(customer_uids(risk.nlargest(120).index))


def test_control_scores_of_noise_do_not_pass_for_response(market, customers, uplift):
    """The worst fifth by the same model loses money: the order of the scores is what was tested."""
    worst = cs.simulation.RetentionContacts(
        budget_per_period=BUDGET, rule="score", share=0.2, scores=-uplift.uplift(customers)
    )
    found = cs.compare(
        market, [cs.Strategy(name="nothing"), cs.Strategy(name="worst", retention=worst)],
        replications=8, seed=3, horizon=6.0, period=1.0, epoch=1.0,
    )  # fmt: skip
    assert found.differences("npv", against="nothing").set_index("strategy").loc["worst", "upper"] < 0
