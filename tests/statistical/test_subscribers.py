"""Truth: theory within stated error. A contract's simulated customers stay as the fitted model says."""

from __future__ import annotations

from dataclasses import replace

import lifelines
import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.kernels.engine.event_times import proportional
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.retention.bdw import BetaDiscreteWeibullCovariates
from churnsim.models.retention.sbg import ShiftedBetaGeometricCovariates
from churnsim.simulation.core.lifetimes import ContractualLifetime
from churnsim.simulation.customers.subscribers import SubscriberBase, charges_model, contract_of, hazard_multipliers
from churnsim.simulation.scenario.strategy import Strategy

SIZE = 20_000


def still_there(market, months, seed=1):
    """Active customers at 0, 1, ... months; the renewal due at t is booked in the period that begins at t."""
    scenario = cs.Scenario(market=market, strategy=Strategy(name="none"), horizon=months + 1.0, period=1.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=seed, engine="compiled")
    return ledger.count("active_end")


@pytest.fixture(scope="module")
def telco():
    return cs.datasets.telco()


def newcomers(contract, telco):
    return cs.Market(customers=cs.Cohort(size=SIZE), purchases=contract, spend=charges_model(telco["monthly_charges"]))


def outside(shares, band):
    return int(((shares[1:] < band["lower"].to_numpy()) | (shares[1:] > band["upper"].to_numpy())).sum())


def test_simulated_survival_lies_in_the_band_at_all_tenures(telco):
    """The 95% simultaneous (Hall-Wellner) band of Telco's Kaplan-Meier curve, months 1 to 72; 20,000 simulated
    customers add a third of its width at most."""
    fit = cs.models.SurvivalCurve.fit(telco)
    contract = contract_of(fit.model, renewals=72)
    shares = still_there(newcomers(contract, telco), 72) / SIZE
    band = fit.band()
    assert len(band) == 72
    assert outside(shares, band) == 0
    # Planted: everybody one month further on than they are.
    shifted = ContractualLifetime(hazards=contract.hazards[1:], unit="M")
    assert outside(still_there(newcomers(shifted, telco), 72) / SIZE, band) > 5


COVARIATES = ["contract", "internet_service"]


def told_apart(model, telco):
    """A model of two covariates of Telco's, by name; those without one in brackets."""
    if model in ("cox", "weibull_aft", "log_logistic_aft"):
        return cs.models.SurvivalRegression.fit(telco, model, covariates=COVARIATES).model
    design = Design.of(telco, COVARIATES)
    effects = dict(zip(design.names, (-1.6, -2.7, 0.4, -0.6), strict=True))
    known = {
        "(sbg)": cs.ShiftedBetaGeometric(alpha=0.5, beta=9.0, unit="M"),
        "(bdw)": cs.models.BetaDiscreteWeibull(gamma=0.9, delta=14.0, c=1.3, unit="M"),
        "sbg": ShiftedBetaGeometricCovariates(alpha=0.5, beta=9.0, lifetime_effects=effects, design=design, unit="M"),
        "bdw": BetaDiscreteWeibullCovariates(
            gamma=0.9, delta=14.0, c=0.8, lifetime_effects=effects, design=design, unit="M"
        ),
    }
    return known[model]


@pytest.fixture(scope="module", params=["cox", "weibull_aft", "(sbg)", "(bdw)", "sbg", "bdw"])
def told(request, telco):
    """The model, and the market of Telco's subscribers who stay as it says."""
    model = told_apart(request.param, telco)
    charges = telco["monthly_charges"]
    apart = {} if request.param.startswith("(") else {"subscribers": telco, "charges": charges}
    return model, cs.Market(
        customers=SubscriberBase(telco, charges=charges),
        purchases=contract_of(model, **apart),
        spend=charges_model(charges),
    )


def test_actual_subscribers_stay_as_their_model_says(told, telco):
    """Expected survivors of the 5,174 given each one's tenure and covariates, after every month up to 36, within 4.5
    binomial standard errors (one path: the errors of its months go together)."""
    model, market = told
    active, months = still_there(market, 36), np.arange(1.0, 37.0)
    p = model.survival(months, customers=telco[~telco["churned"]])
    error = np.sqrt((p * (1 - p)).sum())
    assert (np.abs(active[1:] - p.sum()) < 4.5 * error).all()
    # Planted: as if they had only just come.
    new = model.survival(months, customers=telco[~telco["churned"]].assign(tenure=0)).sum()
    assert (np.abs(active[1:] - new) > 4.5 * error).any()


def test_new_subscribers_are_as_the_observed_ones_and_pay_as_they_do(told, telco):
    """Survivors of a cohort, and what each of them pays, at every month: the mean over observed subscribers of S(t),
    and of their charges with S(t) as the weight. What is paid goes with the covariates that say who stays."""
    model, market = told
    months, charge = np.arange(1.0, 37.0), telco["monthly_charges"].to_numpy()[:, None]
    s = model.survival(months, customers=telco.assign(tenure=0, churned=False)).to_numpy()
    cohort = replace(market, customers=cs.Cohort(size=SIZE))
    scenario = cs.Scenario(market=cohort, strategy=Strategy(name="none"), horizon=37.0, period=1.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=2, engine="compiled")
    p, there = s.mean(axis=0), ledger.count("active_end")[1:]
    assert (np.abs(there / SIZE - p) < 4.5 * np.sqrt(p * (1 - p) / SIZE)).all()
    if market.purchases.charges is not None:
        paid, mean = ledger.cents("revenue")[1:] / 100 / there, (s * charge).mean(axis=0) / p
        error = np.sqrt((s * (charge - mean) ** 2).mean(axis=0) / p / there)
        assert (np.abs(paid - mean) < 4.5 * error).all()
        # Planted: charges drawn apart from who stays.
        assert (np.abs(paid - charge.mean()) > 4.5 * error).any()


def test_the_hazard_of_every_renewal_is_that_of_cox(telco):
    """The product of 1 - (1 - h)^m, as the engines take it, is lifelines' own prediction at all 72 tenures."""
    z = pd.get_dummies(telco[COVARIATES], dtype=float, drop_first=True)
    z = z.loc[:, ~z.columns.duplicated()]
    fitter = lifelines.CoxPHFitter().fit(z.assign(t=telco["tenure"], e=telco["churned"])[telco["tenure"] > 0], "t", "e")
    few = telco.index[:40]
    predicted = fitter.predict_survival_function(z.loc[few], times=np.arange(1.0, 73.0)).to_numpy()
    fit = cs.models.SurvivalRegression.fit(telco, covariates=COVARIATES)
    # lifelines takes Breslow's baseline with Efron's coefficients.
    breslow = replace(fit.risk_sets, ties="breslow").baselines(np.array(list(fit.parameters.values())))
    contract = contract_of(replace(fit.model, baselines=breslow), renewals=72, subscribers=telco)
    multipliers = contract.own.at(customer_uids(few), otherwise=np.nan)
    chances = np.array([[proportional(h, m) for m in multipliers] for h in contract.hazards])
    # lifelines stops some 1e-5 before the maximum in the coefficients, survival with them.
    np.testing.assert_allclose(np.cumprod(1 - chances, axis=0), predicted, atol=1e-5)


def test_what_is_not_proportional_is_met_over_the_horizon(telco):
    """A log-logistic time's multipliers keep each as probable after 12 months, not before."""
    model = told_apart("log_logistic_aft", telco)
    contract = contract_of(model, subscribers=telco, ahead=12)
    there = telco[~telco["churned"]]
    own = contract.own.at(customer_uids(there.index), otherwise=np.nan)
    t = there["tenure"].to_numpy(dtype=int)
    kept = np.exp(own * (contract.log_survival(t + 12) - contract.log_survival(t)))
    np.testing.assert_allclose(kept, model.survival([12.0], customers=there).iloc[:, 0], rtol=1e-9)
    cox = cs.models.SurvivalRegression.fit(telco, covariates=["internet_service"], strata="contract").model
    assert len(contract_of(cox, subscribers=telco).own) == len(telco)


def test_a_subscriber_of_whom_the_contract_knows_nothing_is_named(telco):
    model = told_apart("sbg", telco)
    few = contract_of(model, subscribers=telco.iloc[1:], charges=telco["monthly_charges"])
    base = SubscriberBase(telco, charges=telco["monthly_charges"])
    with pytest.raises(cs.errors.DataError, match=str(telco.index[0])):
        base.draw(purchases=few, spend=charges_model(telco["monthly_charges"]), seed=1, replication=0)
    silent = contract_of(model, subscribers=telco)
    with pytest.raises(cs.errors.ConfigError, match="what they pay"):
        cs.Cohort(size=3).draw(purchases=silent, spend=charges_model(telco["monthly_charges"]), seed=1, replication=0)


def test_both_engines_agree_on_subscribers(telco):
    few = telco.head(60)
    market = cs.Market(
        customers=SubscriberBase(few, charges=few["monthly_charges"]),
        purchases=contract_of(cs.ShiftedBetaGeometric(alpha=0.5, beta=4.0, unit="M")),
        spend=charges_model(telco["monthly_charges"]),
    )
    scenario = cs.Scenario(market=market, strategy=Strategy(name="none"), horizon=12.0, period=1.0, epoch=1.0)
    ledgers = [cs.simulate(scenario, seed=3, engine=engine, log=True) for engine in ("simpy", "compiled")]
    np.testing.assert_array_equal(ledgers[0].table, ledgers[1].table)
    assert ledgers[0].events == ledgers[1].events


def test_charges_are_the_subscribers_own(telco):
    """Revenue per renewal is the mean charge of those there, within a thousandth (30 charges each, 5% apart)."""
    loyal = ContractualLifetime(hazards=(0.0,), unit="M")
    market = cs.Market(
        customers=SubscriberBase(telco, charges=telco["monthly_charges"]),
        purchases=loyal,
        spend=charges_model(telco["monthly_charges"]),
    )
    scenario = cs.Scenario(market=market, strategy=Strategy(name="none"), horizon=6.0, period=1.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=1, engine="compiled")
    mean = ledger.cents("revenue").sum() / 100 / ledger.count("purchases").sum()
    assert mean == pytest.approx(telco.loc[~telco["churned"], "monthly_charges"].mean(), rel=1e-3)


def test_impossible_bridges(telco):
    with pytest.raises(cs.errors.DataError, match="every subscriber has churned"):
        SubscriberBase(telco[telco["churned"]], charges=telco["monthly_charges"])
    sbg = cs.ShiftedBetaGeometric(alpha=1.0, beta=2.0, unit="M")
    with pytest.raises(cs.errors.ConfigError, match="multipliers belong to a contract with hazards"):
        hazard_multipliers(telco, sbg, contract_of(sbg))
    with pytest.raises(cs.errors.DataError, match="above 0"):
        charges_model(telco["monthly_charges"] * 0)


def test_a_contract_of_c_one_keeps_its_hazards():
    """H(t) = t^c with c = 1 is the sBG's law, each hazard 1 - 1/e; an sBG itself has none, and other draws."""
    made = contract_of(cs.models.BetaDiscreteWeibull(gamma=1.0, delta=2.0, c=1.0, unit="Y"), renewals=3)
    assert made.hazards == pytest.approx([1 - np.exp(-1.0)] * 3, rel=1e-15)
    assert contract_of(cs.ShiftedBetaGeometric(alpha=1.0, beta=2.0, unit="Y"), renewals=3).hazards is None
