"""Truth: theory and parity. What customer tables say agrees with the books, with lifelines and with closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

import churnsim as cs
from churnsim.decisions.comparison.compare import tail_risk
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import PURCHASE, Multiple
from churnsim.units import discount_force

HORIZON = 52.0


# Who comes readily, so that hundreds of newcomers tell what becomes of them.
EAGER = cs.simulation.Prospects(ceiling=0.02, spend_scale=Multiple(0.02, PURCHASE))


@pytest.fixture(scope="module")
def experiment(published_models):
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=300), purchases=purchases, spend=spend, prospects=EAGER)
    return cs.Experiment(market=market, seed=5, horizon=HORIZON)


@pytest.fixture(scope="module")
def buying():
    return cs.Strategy(name="buying", acquisition=cs.simulation.Acquisition(budget_per_period=1500.0))


@pytest.fixture(scope="module")
def tables(experiment, buying):
    return cs.decisions.customer_tables(experiment, buying, replications=12)


def survival(model, t):
    """E[e^(-lambda p t)] over the gamma and the beta: who lives at hazard lambda p is still there at tenure t."""
    return quad(lambda p: (model.alpha / (model.alpha + p * t)) ** model.r * beta.pdf(p, model.a, model.b), 0, 1)[0]


def test_tables_add_up_to_the_books(experiment, buying, tables):
    ledger = experiment.ledger(buying, 3)
    table = tables[3]
    assert table["revenue"].sum() == pytest.approx(ledger.cents("revenue").sum() / 100)
    assert table["margin"].sum() == pytest.approx(ledger.cents("margin").sum() / 100)
    assert table["purchases"].sum() == ledger.count("purchases").sum()
    assert (table["origin"] == "paid").sum() == ledger.count("births").sum() > 0
    assert table["lost"].isna().sum() == ledger.count("active_end")[-1]
    for cause in ("organic", "failure", "complaint"):
        assert (table["cause"] == cause).sum() == ledger.count(f"losses_{cause}").sum()
    assert table.index.is_unique


def test_everybody_says_how_it_came_and_what_became_of_it(cdnow_market):
    """Counts agree with the books, for each way to come and to go, and the customers of the data keep their ids."""
    market = replace(
        cdnow_market,
        referral=cs.simulation.Referral(rate_per_year=2.0),
        word_of_mouth=cs.simulation.WordOfMouth(weight=2.0, imitation=0.5),
        competitors=cs.simulation.Competitors(customers=800.0, loss_per_year=0.5, comes_here=0.3),
    )
    everything = cs.Strategy(
        name="everything",
        acquisition=cs.simulation.Acquisition(budget_per_period=1500.0),
        retention=cs.simulation.RetentionContacts(budget_per_period=90.0),
        desk=cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.1, wage_per_period=5.0, cost_per_reply=2.0),
    )
    experiment = cs.Experiment(market=market, seed=2, horizon=24.0)
    table, ledger = cs.decisions.customer_table(experiment, everything, 1), experiment.ledger(everything, 1)
    for origin in ("paid", "referred", "told", "switched"):
        assert (table["origin"] == origin).sum() == ledger.count(f"births_{origin}").sum() > 0
    for name in ("failures", "complaints"):
        assert table[name].sum() == ledger.count(name).sum() > 0
    lost = table["lost"].notna() & (table["cause"] != "before the start")
    assert (table.loc[lost, "destination"] == "competitor").sum() == ledger.count("losses_switched").sum() > 0
    assert (table.loc[lost, "destination"] != "").all()
    assert (table.loc[~lost, "destination"] == "").all()
    assert table["referrals"].sum() >= ledger.count("births_referred").sum()
    # What was spent on customers one by one: contacts and answers.
    spent = table["margin"].sum() - table["net_margin"].sum()
    accounts = (ledger.cents("retention") + ledger.cents("recovery")).sum() / 100
    assert spent == pytest.approx(accounts, abs=0.02)
    base = table["origin"] == "start"
    assert table.loc[base, "customer_id"].tolist() == market.customers.ids.tolist()
    assert table.loc[~base, "customer_id"].isna().all()
    assert (table[["rate", "dropout"]] > 0).all().all()
    found = cs.decisions.retention_by_tenure([table, table], [4.0], horizon=24.0, origin="referred")
    assert 0 < found["retention"][0] < 1


def test_who_was_gone_before_the_start_is_told_apart(cdnow_market):
    experiment = cs.Experiment(market=cdnow_market, seed=1, horizon=8.0)
    table = cs.decisions.customer_table(experiment, cs.Strategy(name="none"), 0)
    ledger = experiment.ledger(cs.Strategy(name="none"), 0)
    before = table["cause"] == "before the start"
    assert before.sum() == len(table) - ledger.count("active_start")[0]
    assert (table.loc[before, "lost"] == 0).all()
    assert (table.loc[before, "purchases"] == 0).all()
    assert (table["born"] <= 0).all()
    assert (
        cs.decisions.retention_by_tenure([table, table], [0.0, 4.0], horizon=8.0, origin="start")["retention"][0] == 1.0
    )


@pytest.mark.parametrize("origin", ["start", "new"])
def test_retention_is_the_models_survival(experiment, tables, origin):
    """Within 4 standard errors at four tenures; a control with p a fifth larger is told apart at some."""
    found = cs.decisions.retention_by_tenure(
        tables, [4.0, 13.0, 26.0, 40.0], horizon=HORIZON, origin=origin, level=0.6827
    )
    model = experiment.market.purchases
    error = ((found["upper"] - found["lower"]) / 2).to_numpy()
    gap = found["retention"].to_numpy() - [survival(model, t) for t in found["tenure"]]
    assert (np.abs(gap) < 4 * error).all()
    other = cs.BGNBD(r=model.r, alpha=model.alpha, a=1.6 * model.a, b=model.b)
    wrong = found["retention"].to_numpy() - [survival(other, t) for t in found["tenure"]]
    assert (np.abs(wrong) > 4 * error).any()


def test_realised_value_is_the_discounted_expectation(experiment, tables):
    """Margin x mean spend x int e^(-delta t) dE[X(t)] for the cohort at time 0, within 4 standard errors."""
    model, spend = experiment.market.purchases, experiment.market.spend
    delta = discount_force(0.10, "W")
    expected = np.vectorize(lambda t: float(model.expected_purchases_new(t)))
    tail = np.exp(-delta * HORIZON) * expected(HORIZON)
    purchases = tail + quad(lambda t: delta * np.exp(-delta * t) * expected(t), 0, HORIZON)[0]
    found = cs.decisions.realised_value(tables, origin="start")
    right = 0.30 * spend.p * spend.gamma / (spend.q - 1) * purchases
    assert abs(found.mean - right) < 4 * found.sd / np.sqrt(12)
    # Control: undiscounted purchases valued at the modal spend are not within it.
    assert abs(found.mean - 0.30 * spend.p * spend.gamma / (spend.q + 1) * expected(HORIZON)) > 4 * found.sd / np.sqrt(
        12
    )


def test_the_simulated_whale_curve_by_hand():
    table = pd.DataFrame({"born": 0.0, "lost": np.nan, "margin": [8.0, 1.0, 3.0, 0.0], "origin": "start"})
    plain = cs.decisions.simulated_whale_curve([table, table], (0.25, 0.5, 1.0), horizon=10.0)
    assert plain["profit"].tolist() == pytest.approx([8 / 12, 11 / 12, 1.0])
    # One for each: 7, 2, 0, -1 of 8 in all; the last customer takes an eighth away again.
    served = cs.decisions.simulated_whale_curve([table, table], (0.25, 0.5, 0.75, 1.0), horizon=10.0, cost_to_serve=0.1)
    assert served["profit"].tolist() == pytest.approx([7 / 8, 9 / 8, 9 / 8, 1.0])
    with pytest.raises(ConfigError, match="not above 0"):
        cs.decisions.simulated_whale_curve([table, table], horizon=10.0, cost_to_serve=1.0)


def test_what_customer_metrics_refuse(tables, cdnow_market):
    with pytest.raises(ConfigError, match="between 0 and the horizon"):
        cs.decisions.retention_by_tenure(tables, [60.0], horizon=HORIZON)
    with pytest.raises(ConfigError, match="unknown origin"):
        cs.decisions.realised_value(tables, origin="nowhere")
    none = cs.decisions.customer_table(
        cs.Experiment(market=cdnow_market, seed=1, horizon=4.0), cs.Strategy(name="n"), 0
    )
    with pytest.raises(ConfigError, match="no customer of origin 'new'"):
        cs.decisions.realised_value([none, none])


# Risk


def test_the_tail_by_hand():
    values = np.arange(100.0, 0.0, -1.0)
    assert tail_risk(values, share=0.05).mean == 3.0
    # 5.5 outcomes: 1 to 5, and half of 6.
    assert tail_risk(values, share=0.055).mean == pytest.approx((15 + 3) / 5.5)
    assert tail_risk(values, share=1.0).mean == pytest.approx(50.5)
    with pytest.raises(ConfigError, match="at least 500"):
        tail_risk(values, share=0.01)


@pytest.mark.parametrize(
    ("draw", "truth", "least"),
    [
        (lambda random: random.standard_normal(100), -norm.pdf(norm.ppf(0.05)) / 0.05, 0.92),
        # E[X | X > u] of a log-normal is e^(1/2) Phi(1 - ln u)/share; the variance of its tail is hardly seen in 5.
        (lambda random: -random.lognormal(size=100), -np.exp(0.5) * norm.sf(norm.ppf(0.95) - 1) / 0.05, 0.87),
    ],
)  # fmt: skip
def test_the_tail_of_five_and_its_interval(draw, truth, least):
    """Of 400 samples of 100, 5 in the tail; the share held has a standard error below .016. A percentile bootstrap held
    78% and 70%; a tail mistaken for the quantile is a fifth off."""
    random = np.random.default_rng(3)
    found = [tail_risk(draw(random), share=0.05) for _ in range(400)]
    assert np.mean([risk.lower <= truth <= risk.upper for risk in found]) > least - 2 * 0.016
    assert np.mean([risk.mean for risk in found]) == pytest.approx(truth, rel=0.08)


def test_risk_of_strategies(experiment, buying):
    compared = cs.compare(experiment.market, [buying], replications=20, seed=5, horizon=8.0)
    risk = compared.risk("npv", share=0.25)
    worst = np.sort(compared.values("npv")["buying"])[:5]
    assert risk.loc[0, "mean"] == pytest.approx(worst.mean())
    assert risk.loc[0, "lower"] <= worst.mean() <= risk.loc[0, "upper"]
    # Without competitors the firm is the market; with nobody referred the share is 0.
    assert compared.levels("share_of_market").loc[0, "mean"] == 1.0
    assert compared.levels("referral_share").loc[0, "mean"] == 0.0
    left = compared.levels("customer_equity").loc[0, "mean"] - compared.levels("discounted_margin").loc[0, "mean"]
    assert left == pytest.approx(compared.levels("equity").loc[0, "mean"] - compared.levels("npv").loc[0, "mean"])
    assert left > 0
