"""Truth: theory and peers. Alpha and omega of a population with known loadings; omega as statsmodels' factor has it."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from statsmodels.multivariate.factor import Factor

from churnsim.satisfaction.reliability import alpha_of, omega_of, reliability
from churnsim.satisfaction.resampling import estimates, mean_estimates, resample_counts

LOADINGS = np.array([0.9, 0.8, 0.7, 0.5])
SPREAD = np.array([1.0, 1.5, 1.2, 0.8])
POPULATION = np.outer(LOADINGS, LOADINGS) + np.diag(1 - LOADINGS**2)
COVARIANCE = POPULATION * np.outer(SPREAD, SPREAD)
OMEGA = (LOADINGS * SPREAD).sum() ** 2 / COVARIANCE.sum()
ALPHA = 4 / 3 * (1 - np.trace(COVARIANCE) / COVARIANCE.sum())


def sample(n, seed):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(generator.multivariate_normal(np.zeros(4), COVARIANCE, size=n), columns=list("abcd"))


def test_the_population_gives_its_own_values():
    assert alpha_of(COVARIANCE) == pytest.approx(ALPHA, abs=1e-12)
    assert omega_of(COVARIANCE, steps=2000) == pytest.approx(OMEGA, abs=1e-6)
    # The iteration's remaining error at its default steps is far below what is ever printed.
    assert omega_of(COVARIANCE) == pytest.approx(OMEGA, abs=1e-3)


def test_equal_items_are_alpha_equals_omega():
    """Tau-equivalent items: alpha is then omega (McDonald 1999)."""
    equal = np.full((5, 5), 0.4) + np.diag(np.full(5, 0.6))
    assert omega_of(equal) == pytest.approx(float(alpha_of(equal)), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_omega_agrees_with_statsmodels(seed):
    frame = sample(400, seed)
    covariance = np.cov(frame.to_numpy(), rowvar=False)
    peer = Factor(frame.to_numpy(), n_factor=1, method="pa").fit(maxiter=2000, tol=1e-10)
    loadings = peer.loadings[:, 0] * np.sqrt(np.diag(covariance))
    assert omega_of(covariance, steps=2000) == pytest.approx(loadings.sum() ** 2 / covariance.sum(), abs=1e-5)


def test_a_scale_of_noise_is_not_reliable():
    noise = pd.DataFrame(np.random.default_rng(5).standard_normal((300, 4)), columns=list("abcd"))
    row = reliability(noise, {"noise": list("abcd")}, level=0.95, resamples=200, seed=1).loc["noise"]
    assert row["alpha_lower"] < 0.1
    assert row["alpha_upper"] < 0.4


@pytest.mark.slow
def test_intervals_of_alpha_and_omega_cover():
    inside = []
    for seed in range(200):
        row = reliability(sample(300, seed), {"s": list("abcd")}, level=0.95, resamples=400, seed=seed).loc["s"]
        inside.append(
            [
                row["alpha_lower"] <= ALPHA <= row["alpha_upper"],
                row["omega_lower"] <= OMEGA <= row["omega_upper"],
            ]
        )
    coverage = np.mean(inside, axis=0)
    logging.getLogger(__name__).info("alpha, omega %s", coverage)
    assert ((coverage >= 0.92) & (coverage <= 0.98)).all(), coverage


@pytest.mark.parametrize("n", [8, 25])
def test_means_of_few_answers_are_held_as_often_as_said(n):
    """1,000 samples (columns) of normal answers. Percentiles as they stand reach sqrt((n - 1)/n) z/t as far as
    Student's interval, and hold 87% of 8 at a stated 95% (control: those of level .95 of the same draws)."""
    values = pd.DataFrame(np.random.default_rng(4).standard_normal((n, 1000)))
    counts = resample_counts(n, resamples=500, seed=1)
    table = mean_estimates(values, counts, level=0.95)
    error = np.sqrt(0.95 * 0.05 / 1000)
    held = ((table["lower"] <= 0) & (table["upper"] >= 0)).mean()
    assert held == pytest.approx(0.95, abs=4 * error)
    plain = np.quantile(counts @ values.to_numpy() / n, [0.025, 0.975], axis=0)
    assert ((plain[0] <= 0) & (plain[1] >= 0)).mean() < held - 2 * error * (n < 20)


def test_answers_all_alike_tell_no_interval():
    """Nor does one answer; a constant beside others has none, and they have theirs."""
    values = pd.DataFrame({"alike": [0.1] * 12, "told": np.arange(12.0), "one": [1.0] + [np.nan] * 11})
    table = mean_estimates(values, resample_counts(12, resamples=200, seed=1), level=0.95)
    assert table.loc[["alike", "one"], ["standard_error", "lower", "upper"]].isna().all(axis=None)
    assert table.loc["told", ["lower", "upper"]].notna().all()


def test_a_penalty_of_three_ratings_has_the_limits_of_three():
    """A slope on who rated low, three of fifty, is a mean of three less another: the normal tail at sqrt(3/2) t2."""
    draws = np.random.default_rng(5).standard_normal((20_000, 1))
    found = estimates(["few"], np.zeros(1), draws, level=0.9, n=50, behind=np.array([3.0]))
    assert found["upper"].iloc[0] == pytest.approx(np.sqrt(3 / 2) * student.ppf(0.95, 2), abs=0.25)
    assert found["n"].iloc[0] == 50
