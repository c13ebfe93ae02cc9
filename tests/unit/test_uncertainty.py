"""Intervals of quantities, the bootstrap, forecasts of a total: ways that must agree where theory says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from churnsim.errors import ConfigError, FitError
from churnsim.models.estimation.intervals import delta_interval, drawn_interval
from churnsim.models.evaluation import forecast as module
from churnsim.models.evaluation.bootstrap import bootstrap
from churnsim.models.evaluation.forecast import forecast
from churnsim.models.evaluation.predictive import draw_counts, score_counts, variance_of_counts
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

TRUTH = BGNBD(r=0.6, alpha=5.0, a=0.8, b=2.0)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    ages = np.random.Generator(np.random.PCG64(1)).uniform(30, 60, 1500)
    return TRUTH.draw_summary(ages, seed=1)


@pytest.fixture(scope="module")
def fit(customers):
    return BGNBD.fit(customers)


def total(summary: pd.DataFrame, horizon: float = 26.0):
    return lambda model: model.expected_purchases(summary, horizon).sum()


def test_delta_of_a_parameter_is_its_standard_error(fit):
    table = delta_interval(fit, lambda model: [model.r, model.alpha, model.a, model.b], scale="log")
    stated = fit.summary()
    for column in ("estimate", "standard_error", "lower", "upper"):
        np.testing.assert_allclose(table[column], stated[column], rtol=1e-7)


def test_delta_and_draws_agree(fit, customers):
    by_delta = delta_interval(fit, total(customers)).iloc[0]
    drawn = drawn_interval(fit.draw_parameters(400, seed=1), total(customers), estimate=fit.model).iloc[0]
    assert drawn["estimate"] == by_delta["estimate"]
    # A standard deviation of 400 draws is known to 3.5%; three of those and the curvature.
    assert drawn["standard_error"] == pytest.approx(by_delta["standard_error"], rel=0.15)


def test_a_probability_stays_one(fit, customers):
    table = delta_interval(fit, lambda model: model.p_alive(customers), scale="logit")
    assert table.index.equals(customers.index)
    assert ((table["lower"] > 0) & (table["upper"] <= 1) & (table["lower"] <= table["estimate"])).all()
    certain = (customers["frequency"] == 0).to_numpy()
    assert (table.loc[certain, ["lower", "upper"]] == 1).all(axis=None)
    assert (table.loc[~certain, "standard_error"] > 0).all()


def test_what_is_not_determined_has_no_interval():
    nobody = pd.DataFrame({"frequency": [0] * 30, "recency": 0.0, "T": 10.0})
    ridge = BGNBD.fit(nobody)
    with pytest.raises(FitError, match="nothing has an interval"):
        delta_interval(ridge, lambda model: model.r)


@pytest.mark.parametrize("kind", ["nonparametric", "parametric"])
def test_bootstrap_errors_are_those_of_the_information(fit, customers, kind):
    boot = bootstrap(fit, customers, seed=2, kind=kind, replications=60)
    assert boot.endings == {"converged": 60}
    logs = np.log(boot.parameters()).std(ddof=1)
    stated = pd.Series(fit.standard_errors) / pd.Series(fit.parameters)
    # A standard deviation of 60 is known to 9%; three of those.
    np.testing.assert_allclose(logs, stated, rtol=0.3)
    table = boot.summary()
    assert ((table["lower"] < table["estimate"]) & (table["estimate"] < table["upper"])).all()
    again = bootstrap(fit, customers, seed=2, kind=kind, replications=3)
    assert again.models == boot.models[:3]


def test_bootstrap_of_spend(cdnow_split, cdnow_models):
    spend = cdnow_models[1]
    for kind in ("nonparametric", "parametric"):
        boot = bootstrap(spend, cdnow_split, seed=1, kind=kind, replications=30)
        logs = np.log(boot.parameters()).std(ddof=1)
        stated = pd.Series(spend.standard_errors) / pd.Series(spend.parameters)
        np.testing.assert_allclose(logs, stated, rtol=0.45)  # three times 13%, and a little


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "jackknife"}, "kind must be 'nonparametric' or 'parametric'; got 'jackknife'"),
        ({"replications": 1}, "replications must be a whole number, from 2 to 1000000; got 1"),
        ({"weights": [1]}, "draws the weights itself"),
    ],
)
def test_impossible_bootstraps_are_refused(fit, customers, settings, words):
    with pytest.raises(ConfigError, match=words):
        bootstrap(fit, customers, seed=1, **settings)


def test_counts_are_a_law(customers):
    """Scores of every count add up; moments are those of the expectation; draws follow both."""
    few = customers.iloc[:40]
    scores = [score_counts(TRUTH, few, 26.0, np.full(40, n)) for n in range(60)]
    mass = np.exp([each["log_score"] for each in scores])
    np.testing.assert_allclose(mass.sum(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(scores[7]["below"], mass[:7].sum(axis=0), atol=1e-12)
    n = np.arange(60)
    mean = TRUTH.expected_purchases(few, 26.0).to_numpy()
    np.testing.assert_allclose(n @ mass, mean, rtol=1e-5)
    variance = variance_of_counts(TRUTH, few, 26.0)
    np.testing.assert_allclose(n**2 @ mass - mean**2, variance, rtol=1e-3)
    totals = [float(draw_counts(TRUTH, few, 26.0, seed=3, replication=k).sum()) for k in range(200)]
    error = variance.sum() ** 0.5
    assert abs(np.mean(totals) - mean.sum()) < 4 * error / 200**0.5
    # A standard deviation of 200 sums is known to 5%; four of those. Twice the variance would be seen.
    assert np.std(totals) == pytest.approx(error, rel=0.2)


def test_a_heavy_buyer_has_a_law_too():
    heavy = pd.DataFrame({"frequency": [3000, 0], "recency": [99.0, 0.0], "T": [100.0, 100.0]})
    model = BGNBD(r=0.6, alpha=5.0, a=0.05, b=200.0)
    mean = model.expected_purchases(heavy, 10.0)
    variance = variance_of_counts(model, heavy, 10.0)
    # At least Poisson, and finite.
    assert mean.iloc[0] < variance.iloc[0] < 1e5
    assert abs(draw_counts(model, heavy, 10.0, seed=1).iloc[0] - mean.iloc[0]) < 5 * variance.iloc[0] ** 0.5
    with pytest.raises(ConfigError, match="counts must be one a customer"):
        score_counts(model, heavy, 10.0, [1])
    with pytest.raises(ConfigError, match=r"counts must be whole numbers; got 1\.5"):
        score_counts(model, heavy, 10.0, [1.5, 2])


def test_both_ways_to_a_total_agree(fit, customers, monkeypatch):
    few = customers.iloc[:200]
    simulated = forecast(fit, few, horizon=26.0, seed=1, draws=80)
    monkeypatch.setattr(module, "SIMULATE_BELOW", 0)
    normal = forecast(fit, few, horizon=26.0, seed=1, draws=80)
    width = normal.upper - normal.lower
    # The end of a 95% interval from 80 draws is known to 7.6% of its width: sqrt(.025 .975 / 80) over the density
    # there, .058, of a width of 3.92; two of those.
    assert abs(simulated.lower - normal.lower) < 0.15 * width
    assert abs(simulated.upper - normal.upper) < 0.15 * width
    assert normal.expected_lower < normal.expected < normal.expected_upper
    assert normal.lower < normal.expected_lower < normal.expected_upper < normal.upper
    with pytest.raises(ConfigError, match="at least 20 draws; got 3"):
        forecast(fit, few, horizon=26.0, seed=1, draws=3)


def test_forecasts_cover(monkeypatch):
    """Twenty firms of 300 customers: calibrated, forecast, and what the same customers then did."""
    monkeypatch.setattr(module, "SIMULATE_BELOW", 0)
    hits = narrow = 0
    for firm in range(20):
        base = TRUTH.draw_summary(np.full(300, 40.0), seed=50 + firm)
        estimated = BGNBD.fit(base)
        came = float(draw_counts(TRUTH, base, 26.0, seed=firm).sum())
        foreseen = forecast(estimated, base, horizon=26.0, seed=firm, draws=60, level=0.8)
        hits += foreseen.covers(came)
        narrow += foreseen.expected_lower <= came <= foreseen.expected_upper
    least, most = binom.ppf([0.001, 0.999], 20, 0.8)
    assert least <= hits <= most
    # Control: the interval of the expectation is not one of what will happen.
    assert narrow < hits


def test_levels_are_shares(fit):
    with pytest.raises(ConfigError, match="level must be between 0 and 1; got 95"):
        delta_interval(fit, lambda model: model.r, level=95)
    with pytest.raises(ConfigError, match="scale must be 'identity' or 'log' or 'logit'; got 'square'"):
        delta_interval(fit, lambda model: model.r, scale="square")
    with pytest.raises(ConfigError, match="at least 2 drawn models"):
        drawn_interval([fit.model], lambda model: model.r)


def test_draws_of_gamma_gamma_serve_as_well(cdnow_models, cdnow_split):
    spend = cdnow_models[1]
    table = delta_interval(spend, GammaGamma.population_mean, scale="log").iloc[0]
    assert table["lower"] < 35.17 < table["upper"]
