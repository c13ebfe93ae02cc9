"""Truth: theory and peers. Alpha and omega of a population with known loadings; omega as statsmodels' factor has it."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.factor import Factor

from churnsim.satisfaction.reliability import alpha_of, omega_of, reliability

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
