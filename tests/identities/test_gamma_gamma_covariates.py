"""Gamma-Gamma with covariates: by quadrature over the spend rate, slopes by differences, and what must not change."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models import GammaGammaCovariates

TRUE = {"web": 0.4, "age": -0.015}
MODEL = GammaGammaCovariates(p=4.0, q=3.5, gamma=18.0, effects=TRUE, covariate_means={"web": 0.5, "age": 40.0})


def shop(customers: int, seed: int) -> pd.DataFrame:
    """Amounts drawn purchase by purchase."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 7, customers)
    people = pd.DataFrame({"web": random.integers(0, 2, customers) * 1.0, "age": random.uniform(20, 60, customers)})
    f = np.exp(TRUE["web"] * (people["web"] - 0.5) + TRUE["age"] * (people["age"] - 40))
    rate = random.gamma(MODEL.q, 1 / MODEL.gamma, customers)
    m = [random.gamma(MODEL.p, 1 / nu, n).mean() * own if n else 0.0 for nu, n, own in zip(rate, x, f, strict=True)]
    return people.assign(frequency=x, monetary_value=m)


def test_likelihood_and_expectation_by_quadrature():
    """Given nu, the mean of n amounts Gamma(p, nu/f) is Gamma(p n, n nu/f)."""
    data = shop(12, seed=3)
    for row in range(len(data)):
        customer = data.iloc[row]
        n, m = int(customer["frequency"]), float(customer["monetary_value"])
        f = math.exp(TRUE["web"] * (customer["web"] - 0.5) + TRUE["age"] * (customer["age"] - 40))

        def joint(nu, n=n, m=m, f=f):
            prior = MODEL.gamma**MODEL.q * nu ** (MODEL.q - 1) * math.exp(-MODEL.gamma * nu) / math.gamma(MODEL.q)
            if n == 0:
                return prior
            k, rate = MODEL.p * n, n * nu / f
            return prior * math.exp(k * math.log(rate * m) - rate * m - math.lgamma(k)) / m

        density = quad(joint, 0, 5, epsabs=0, epsrel=1e-11, limit=200)[0]
        value = MODEL.log_likelihood(data).iloc[row]
        assert value == pytest.approx(math.log(density) if n else 0.0, abs=1e-8)
        mean = f * quad(lambda nu: joint(nu) * MODEL.p / nu, 0, 5, epsabs=0, epsrel=1e-11, limit=200)[0] / density
        assert MODEL.expected_spend(data).iloc[row] == pytest.approx(mean, rel=1e-8)


def test_slopes_against_differences_and_the_sum_of_customers():
    data = shop(300, seed=4)
    weights = 1 + np.arange(300) % 2
    found = GammaGammaCovariates.likelihood(data, covariates=["web", "age"], weights=weights)
    at = np.array([3.0, 2.5, 0.7, 0.2, -0.1])
    _, slopes = found.objective(at)
    for k in range(at.size):
        step = np.zeros(at.size)
        step[k] = 1e-6
        difference = (found.objective(at + step)[0] - found.objective(at - step)[0]) / 2e-6
        assert slopes[k] == pytest.approx(difference, rel=1e-6, abs=1e-5)
    own = float((weights * found.model(at).log_likelihood(data)).sum())
    assert found.log_likelihood(at) == pytest.approx(own, rel=1e-11)


def test_effects_come_out_and_the_unit_of_money_does_not_matter():
    data = shop(4000, seed=5)
    fit = GammaGammaCovariates.fit(data, covariates=["web", "age"])
    assert fit.status.ok
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 3.5 * fit.standard_errors[name]
    plain = cs.models.GammaGamma.fit(data)
    assert 2 * (fit.loglik - plain.loglik) > 50
    cents = GammaGammaCovariates.fit(
        data.assign(monetary_value=100 * data["monetary_value"]), covariates=["web", "age"]
    )
    assert cents.parameters["web"] == pytest.approx(fit.parameters["web"], rel=1e-5)
    assert cents.parameters["gamma"] == pytest.approx(100 * fit.parameters["gamma"], rel=1e-4)
    # Planted: the effects turned round foresee the mean spend worse than none.
    kept = data[data["frequency"] > 0]
    turned = GammaGammaCovariates.from_dict({**fit.model.to_dict(), "web": -TRUE["web"], "age": -TRUE["age"]})
    assert turned.log_likelihood(kept).sum() < plain.model.log_likelihood(kept).sum()


def test_without_effects_it_is_gamma_gamma():
    data = shop(50, seed=6)
    plain = cs.models.GammaGamma(p=4.0, q=3.5, gamma=18.0)
    nothing = GammaGammaCovariates(p=4.0, q=3.5, gamma=18.0, effects={"web": 0.0}, covariate_means={"web": 0.3})
    np.testing.assert_array_equal(nothing.log_likelihood(data), plain.log_likelihood(data))
    np.testing.assert_array_equal(nothing.expected_spend(data), plain.expected_spend(data))
    np.testing.assert_array_equal(nothing.draw_posterior(data, seed=1), plain.draw_posterior(data, seed=1))
    assert GammaGammaCovariates.from_dict(MODEL.to_dict()) == MODEL
    with pytest.raises(DataError, match="lacks the covariate 'size'"):
        GammaGammaCovariates.fit(data, covariates=["size"])
    with pytest.raises(DataError, match="same for every customer"):
        GammaGammaCovariates.fit(data.assign(one=1.0), covariates=["one"])
    with pytest.raises(ConfigError, match="names no column"):
        GammaGammaCovariates.fit(data, covariates=[])
