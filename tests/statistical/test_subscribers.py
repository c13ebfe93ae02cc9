"""Truth: theory within stated error. A contract's simulated customers stay as the fitted model says."""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs
from churnsim.simulation.lifetimes import ContractualLifetime
from churnsim.simulation.strategy import Strategy
from churnsim.simulation.subscribers import SubscriberBase, charges_model, contract_of, hazard_multipliers

SIZE = 20_000


def still_there(market, months, seed=1):
    """Active customers at 0, 1, ... months; the renewal due at t is booked in the period that begins at t."""
    scenario = cs.Scenario(market=market, strategy=Strategy(name="none"), horizon=months + 1.0, period=1.0, epoch=1.0)
    ledger = cs.simulate(scenario, seed=seed, engine="compiled")
    return ledger.account("active_end")


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
    fit = cs.SurvivalCurve.fit(telco)
    contract = contract_of(fit.model, renewals=72)
    shares = still_there(newcomers(contract, telco), 72) / SIZE
    band = fit.band()
    assert len(band) == 72
    assert outside(shares, band) == 0
    # Planted: everybody one month further on than they are.
    shifted = ContractualLifetime(hazards=contract.hazards[1:], unit="M")
    assert outside(still_there(newcomers(shifted, telco), 72) / SIZE, band) > 5


def test_actual_subscribers_start_from_their_posterior(telco):
    """sBG: expected survivors of the 5,174 by the closed form given each tenure, within 4 binomial standard errors."""
    model = cs.ShiftedBetaGeometric.fit(telco).model
    market = cs.Market(
        customers=SubscriberBase(telco, charges=telco["monthly_charges"]),
        purchases=contract_of(model),
        spend=charges_model(telco["monthly_charges"]),
    )
    active = still_there(market, 36)
    there = telco[~telco["churned"]]
    for month in (6, 12, 36):
        p = model.survival([float(month)], customers=there).iloc[:, 0]
        assert abs(active[month] - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


def test_multipliers_keep_each_subscriber_as_its_regression_says(telco):
    cox = cs.SurvivalRegression.fit(telco, covariates=["contract", "internet_service"]).model
    contract = contract_of(cs.SurvivalCurve.fit(telco, "piecewise_exponential").model)
    multipliers = hazard_multipliers(telco, cox, contract, ahead=12)
    market = cs.Market(
        customers=SubscriberBase(telco, charges=telco["monthly_charges"], multipliers=multipliers),
        purchases=contract,
        spend=charges_model(telco["monthly_charges"]),
    )
    p = cox.survival([12.0], customers=telco[~telco["churned"]]).iloc[:, 0]
    assert abs(still_there(market, 12)[12] - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


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
    mean = ledger.account("revenue").sum() / 100 / ledger.account("purchases").sum()
    assert mean == pytest.approx(telco.loc[~telco["churned"], "monthly_charges"].mean(), rel=1e-3)


def test_impossible_bridges(telco):
    with pytest.raises(cs.DataError, match="nobody is there"):
        SubscriberBase(telco[telco["churned"]], charges=telco["monthly_charges"])
    sbg = cs.ShiftedBetaGeometric(alpha=1.0, beta=2.0, unit="M")
    with pytest.raises(cs.ConfigError, match="multipliers belong to a contract with hazards"):
        hazard_multipliers(telco, sbg, contract_of(sbg))
    with pytest.raises(cs.DataError, match="above 0"):
        charges_model(telco["monthly_charges"] * 0)
