"""The per-transaction form of Gamma-Gamma: against its own story, and with the mean form where the two must meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import churnsim as cs

MODEL = cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)


def log_of(customers: int, seed: int) -> pd.DataFrame:
    """Purchases a week apart, the first of which does not count."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rates = MODEL.draw_customers(customers, seed=seed)["spend_rate"].to_numpy()
    number = rng.integers(2, 8, customers)
    customer = np.repeat(np.arange(customers), number)
    week = np.concatenate([np.arange(n) for n in number])
    return pd.DataFrame(
        {
            "customer_id": customer,
            "date": pd.Timestamp("2001-01-01") + pd.to_timedelta(7 * week, unit="D"),
            "amount": rng.gamma(MODEL.p, 1 / rates[customer]),
        }
    )


def test_density_is_the_storys() -> None:
    """One customer with three purchases: the integral over nu of the product of their gamma densities."""
    z = np.array([20.0, 45.0, 33.0])

    def at(nu: float) -> float:
        own = stats.gamma(MODEL.p, scale=1 / nu).pdf(z).prod()
        return float(own * stats.gamma(MODEL.q, scale=1 / MODEL.gamma).pdf(nu))

    value, _ = integrate.quad(at, 0, 3, points=[0.1, 0.3], epsabs=0, epsrel=1e-12, limit=200)
    log = pd.DataFrame({"customer_id": 1, "date": pd.date_range("2001-01-01", periods=4), "amount": [99.0, *z]})
    likelihood = cs.GammaGamma.likelihood_of_purchases(log)
    assert likelihood.log_likelihood(likelihood.parameters(MODEL)) == pytest.approx(np.log(value), rel=1e-10)


def test_gradient_and_curvature_are_the_slopes() -> None:
    likelihood = cs.GammaGamma.likelihood_of_purchases(log_of(40, 2))
    assert likelihood.hessian is not None
    at = np.array([4.0, 3.0, 0.4])
    gradient, second = likelihood.objective(at)[1], likelihood.hessian(at)
    for i in range(3):
        shift = 1e-5 * at[i] * np.eye(3)[i]
        up, down = (likelihood.objective(at + sign * shift) for sign in (1, -1))
        assert (up[0] - down[0]) / (2 * shift[i]) == pytest.approx(gradient[i], rel=1e-6, abs=1e-6)
        np.testing.assert_allclose((up[1] - down[1]) / (2 * shift[i]), second[i], rtol=1e-6, atol=1e-5)


def test_parameters_come_back_and_more_closely_than_from_means() -> None:
    log = log_of(3000, 5)
    each = cs.GammaGamma.fit_purchases(log)
    means = cs.GammaGamma.fit(cs.summarise(log))
    assert each.status.ok
    assert each.n == 3000
    for name in ("p", "q", "gamma"):
        assert abs(each.parameters[name] - getattr(MODEL, name)) < 4 * each.standard_errors[name], name
    # Single purchases tell p directly.
    assert each.standard_errors["p"] < means.standard_errors["p"] / 2


def test_currency_does_not_matter() -> None:
    log = log_of(500, 6)
    euros, cents = cs.GammaGamma.fit_purchases(log), cs.GammaGamma.fit_purchases(log.assign(amount=log["amount"] * 100))
    assert cents.parameters["gamma"] == pytest.approx(100 * euros.parameters["gamma"], rel=1e-6)
    repeats = len(log) - log["customer_id"].nunique()
    assert cents.loglik == pytest.approx(euros.loglik - repeats * np.log(100), rel=1e-10)


def test_where_nothing_can_be_told() -> None:
    log = log_of(3, 1)
    with pytest.raises(cs.errors.DataError, match="no customer has a repeat purchase with positive spend"):
        cs.GammaGamma.fit_purchases(log.assign(amount=0.0))
    alike = cs.GammaGamma.fit_purchases(log.assign(amount=5.0))
    assert not alike.status.ok
    assert np.isfinite(list(alike.parameters.values())).all()


def test_cdnow() -> None:
    fit = cs.GammaGamma.fit_purchases(cs.datasets.cdnow(), until="1997-09-30")
    assert fit.status.ok
    assert fit.n == 946
