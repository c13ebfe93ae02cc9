"""Truth: mechanics of subscribers' values by several models, and what one average rate costs on published cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.retention import base
from churnsim.models.value.subscriber_value import average_churn

COHORTS = cs.datasets.retention_cohorts()
RATE = 0.10


def people(name, renewals=7):
    """A published cohort of 1,000 as rows: who left at each renewal, and those still there after the last one."""
    left = COHORTS[name].to_numpy(dtype=float)[: renewals + 1]
    gone = -np.diff(left).astype(int)
    tenure = np.concatenate([np.repeat(np.arange(1, renewals + 1), gone), np.full(int(left[-1]), renewals)])
    frame = pd.DataFrame({"tenure": tenure, "churned": np.arange(tenure.size) < gone.sum()})
    frame.attrs["unit"] = "Y"
    return frame


@pytest.mark.parametrize("name", ["High End", "Regular"])
def test_one_average_rate_undervalues_those_who_are_left(name):
    """Fader & Hardie (2010), on their cohorts after seven renewals; the value itself is their closed form."""
    frame = people(name)
    fit = cs.ShiftedBetaGeometric.fit(frame)
    found = cs.models.subscriber_values({"sbg": fit}, frame, annual_discount_rate=RATE, margin=100.0, draws=40)
    there = frame[~frame["churned"]]
    row = found.table.loc["sbg"]
    assert row["total"] == pytest.approx(100 * len(there) * float(fit.model.derl(RATE, 7)), rel=1e-6)
    assert row["lower"] < row["total"] < row["upper"]
    r = 1 - average_churn(frame)
    assert found.average_total == pytest.approx(100 * len(there) * r * (1 + RATE) / (1 + RATE - r), rel=1e-6)
    assert row["average_rate_error"] == pytest.approx(found.average_total / row["total"] - 1)
    assert row["average_rate_error"] < (-0.15 if name == "High End" else -0.3)
    assert row["moved"] == 0.0
    assert np.isnan(row["rank_correlation"])  # one tenure, one margin: nobody is told apart


def test_control_it_does_not_undervalue_customers_all_alike():
    """Planted: no heterogeneity, so that nothing is lost by one rate."""
    rng = np.random.default_rng(4)
    life, watched = rng.geometric(0.2, 20_000), rng.integers(1, 9, 20_000)
    frame = pd.DataFrame({"tenure": np.minimum(life, watched), "churned": life <= watched})
    frame.attrs["unit"] = "Y"
    # The estimated spread of 20,000 customers who do not differ is nearly nil.
    fits = {"sbg": cs.ShiftedBetaGeometric.fit(frame)}
    found = cs.models.subscriber_values(fits, frame, annual_discount_rate=RATE, draws=2)
    assert found.table.loc["sbg", "average_rate_error"] == pytest.approx(0.0, abs=0.02)


def test_each_subscriber_has_a_value_and_an_interval_by_each_model():
    telco = cs.datasets.telco().sample(700, random_state=3)
    fits = {
        "cox": cs.models.SurvivalRegression.fit(telco, covariates=["contract"]),
        "sbg": cs.ShiftedBetaGeometric.fit(telco),
    }
    margin = 0.3 * telco["monthly_charges"]
    found = cs.models.subscriber_values(
        fits, telco, annual_discount_rate=RATE, margin=margin, horizon=12, by_tenure=[1.0, 1.0, 2.0], draws=30, seed=5
    )
    there = telco[~telco["churned"]]
    assert found.values.index.equals(there.index)
    for name, fit in fits.items():
        own = fit.model.residual_value(RATE, margin, customers=there, horizon=12, by_tenure=[1.0, 1.0, 2.0])
        np.testing.assert_allclose(found.values[name]["value"], own, rtol=1e-12)
        totals = [
            m.residual_value(RATE, margin, customers=there, horizon=12, by_tenure=[1.0, 1.0, 2.0]).sum()
            for m in fit.draw_parameters(30, seed=5)
        ]
        np.testing.assert_allclose(found.table.loc[name, ["lower", "upper"]], np.quantile(totals, [0.025, 0.975]))
        assert (found.values[name]["lower"] <= found.values[name]["upper"]).all()
    # The curve does not know the contract, which says most of who stays.
    assert found.table.loc["cox", "rank_correlation"] == pytest.approx(1.0)
    assert found.table.loc["sbg", "rank_correlation"] < 0.99
    assert found.table.loc["sbg", "moved"] > 0.02


def test_what_cannot_be_valued_is_said():
    frame = people("High End")
    fit = cs.ShiftedBetaGeometric.fit(frame)
    with pytest.raises(cs.errors.DataError, match="no customers left"):
        cs.models.subscriber_values({"sbg": fit}, frame[frame["churned"]], annual_discount_rate=RATE)
    for wrong, message in (({"draws": 1}, "draws must be"), ({"level": 95}, "level must be between 0 and 1")):
        with pytest.raises(cs.errors.ConfigError, match=message):
            cs.models.subscriber_values({"sbg": fit}, frame, annual_discount_rate=RATE, **wrong)
    with pytest.raises(cs.errors.ConfigError, match="at least one fitted model"):
        cs.models.subscriber_values({}, frame, annual_discount_rate=RATE)
    with pytest.raises(cs.errors.ConfigError, match="finite amounts"):
        cs.models.subscriber_values({"sbg": fit}, frame, annual_discount_rate=RATE, by_tenure=[np.nan])


def test_endless_sums_take_bounded_memory(monkeypatch):
    """By day there are 79,000 steps without horizon, never more than `CELLS` numbers at once; the value is the closed
    form of a constant hazard."""
    monkeypatch.setattr(base, "CELLS", 20_000)
    model = cs.models.SurvivalCurve(kind="piecewise_exponential", parameters={"lambda_0_": 400.0}, unit="D")
    sizes, plain = [], cs.models.SurvivalCurve.residual_survival

    def recorded(self, customers, steps):
        sizes.append(len(customers) * steps.size)
        return plain(self, customers, steps)

    monkeypatch.setattr(cs.models.SurvivalCurve, "residual_survival", recorded)
    customers = pd.DataFrame({"tenure": np.arange(40.0)})
    found = model.residual_value(0.1, customers=customers)
    keep = np.exp(-1 / 400)
    np.testing.assert_allclose(found, keep / (1 - keep * 1.1 ** (-1 / 365.25)), rtol=1e-9)
    assert max(sizes) <= 20_000
    with pytest.raises(cs.errors.ConfigError, match="Give a horizon"):
        model.residual_value(1e-6, customers=customers)
