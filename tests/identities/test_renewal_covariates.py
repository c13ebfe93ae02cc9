"""Truth: identities of the renewal models with covariates: gradients, rows against patterns, the model without."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.retention.bdw import BetaDiscreteWeibullCovariates
from churnsim.models.retention.sbg import ShiftedBetaGeometricCovariates

FAMILIES = (ShiftedBetaGeometricCovariates, BetaDiscreteWeibullCovariates)
both = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def data():
    """Some 500 subscribers who differ, with a number and a word, a third of them seen late."""
    rng, n = np.random.default_rng(5), 600
    price, plan = rng.normal(50.0, 10.0, n).round(), rng.choice(["basic", "family", "pro"], n, p=[0.5, 0.3, 0.2])
    life = rng.geometric(rng.beta(np.exp(0.02 * (price - 50.0) - 0.5 * (plan == "pro")), 4.0))
    entry, watched = np.where(rng.random(n) < 0.3, 2, 0), rng.integers(3, 15, n)
    made = pd.DataFrame(
        {
            "tenure": np.minimum(life, watched),
            "churned": life <= watched,
            "entry": entry,
            "price": price,
            "plan": plan,
        }
    )
    made = made[made["tenure"] > made["entry"]].reset_index(drop=True)
    made.attrs["unit"] = "M"
    return made


@pytest.fixture(scope="module")
def fits(data):
    return {family: family.fit(data, covariates=["price", "plan"]) for family in FAMILIES}


@both
@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_gradients_are_slopes_and_patterns_are_rows(family, penalty, data):
    likelihood = family.likelihood(data, covariates=["price", "plan"], penalty=penalty)
    at = np.array([0.8, 4.0, 1.3, 0.2, -0.4, 0.3])[[i for i in range(6) if i != 2 or len(likelihood.names) == 6]]
    value, slope = likelihood.objective(at)
    off = penalty / 2 * float(at[-3:] @ at[-3:])
    assert value + off == pytest.approx(likelihood.model(at).log_likelihood(data).sum(), rel=1e-10)
    for i in range(at.size):
        step = np.zeros_like(at)
        step[i] = 1e-5  # the difference's own error is of order step^2 = 1e-10, and rounding / step = 1e-8
        near = (likelihood.objective(at + step)[0] - likelihood.objective(at - step)[0]) / 2e-5
        assert slope[i] == pytest.approx(near, rel=1e-5, abs=1e-5)


@both
def test_without_effects_it_is_the_model_without_covariates(family, fits, data):
    model = fits[family].model
    none = family.from_dict({**model.to_dict(), **{f"lifetime:{name}": 0.0 for name in model.design.names}})
    plain = none.average_customer
    # betaln and the products of the plain model differ by rounding alone.
    np.testing.assert_allclose(none.log_likelihood(data), plain.log_likelihood(data), rtol=1e-9, atol=1e-9)
    at = [1.0, 5.0, 20.0]
    np.testing.assert_allclose(none.survival(at, customers=data), plain.survival(at, customers=data), rtol=1e-9)
    np.testing.assert_allclose(none.survival(at), plain.survival(at), rtol=1e-12)


@both
def test_a_fit_reports_its_errors_and_is_nowhere_worse(family, fits, data):
    fit = fits[family]
    assert fit.loglik >= family.average.fit(data).loglik
    assert fit.loglik == pytest.approx(fit.model.log_likelihood(data).sum(), rel=1e-9)
    table = fit.summary()
    effects = table.loc[[name for name in fit.names if name.startswith("lifetime:")]]
    assert len(effects) == 3
    assert (effects["standard_error"] > 0).all()
    assert np.isfinite(effects).all().all()
    # Two standard errors away along one effect the likelihood has fallen: not by less than the curvature says.
    name = "lifetime:price"
    moved = {**fit.model.to_dict(), name: fit.parameters[name] + 2 * fit.standard_errors[name]}
    assert fit.loglik - family.from_dict(moved).log_likelihood(data).sum() > 1.5


@both
def test_a_price_in_cents_is_the_same_model(family, fits, data):
    fit = family.fit(data.assign(price=100 * data["price"]), covariates=["price", "plan"])
    assert fit.loglik == pytest.approx(fits[family].loglik, abs=1e-6)
    assert 100 * fit.parameters["lifetime:price"] == pytest.approx(fits[family].parameters["lifetime:price"], rel=1e-3)


@both
def test_files_and_draws_give_back_the_model(family, fits, tmp_path):
    fit = fits[family]
    fit.model.save(tmp_path / "model.json")
    assert family.load(tmp_path / "model.json") == fit.model
    assert all(model.design == fit.model.design for model in fit.draw_parameters(3, seed=1))
    with pytest.raises(cs.errors.ConfigError, match="does not describe covariates"):
        family.from_dict({**fit.model.to_dict(), "design": None})
    with pytest.raises(cs.errors.ConfigError, match="finite number"):
        family.from_dict({**fit.model.to_dict(), "lifetime:price": float("nan")})


@both
def test_a_penalty_pulls_effects_in_and_the_reported_likelihood_is_without_it(family, fits, data):
    held = family.fit(data, covariates=["price", "plan"], penalty=1e4)
    assert abs(held.parameters["lifetime:plan=pro"]) < 0.1 * abs(fits[family].parameters["lifetime:plan=pro"]) + 1e-3
    assert held.loglik == pytest.approx(held.model.log_likelihood(data).sum(), rel=1e-9)


@both
def test_customers_are_valued_by_their_own_covariates(family, fits, data):
    model = fits[family].model
    value = model.residual_value(0.1, 10.0, customers=data, horizon=12)
    one = data.iloc[[7]].assign(churned=False)
    survival = model.survival(np.arange(1.0, 13.0), customers=one).to_numpy()[0]
    v = 1.1 ** (-1 / 12)
    assert model.residual_value(0.1, 10.0, customers=one, horizon=12).iloc[0] == pytest.approx(
        10.0 * float(survival @ v ** np.arange(12)), rel=1e-9
    )
    assert (value[data["churned"]] == 0).all()
    assert (value[~data["churned"]] > 0).all()


@pytest.mark.parametrize("model", [ShiftedBetaGeometricCovariates, BetaDiscreteWeibullCovariates])
def test_bad_covariates_are_named(model, data):
    with pytest.raises(cs.errors.ConfigError, match="'colour'"):
        model.fit(data, covariates=["colour"])
    with pytest.raises(cs.errors.ConfigError, match="a list"):
        model.fit(data, covariates="plan")
    with pytest.raises(cs.errors.ConfigError, match="penalty"):
        model.fit(data, covariates=["plan"], penalty=-1.0)
    with pytest.raises(cs.errors.DataError, match="one value only"):
        model.fit(data.assign(plan="basic"), covariates=["plan"])
    with pytest.raises(cs.errors.DataError, match="missing for customer '3'"):
        model.fit(data.assign(price=data["price"].where(data.index != 3)), covariates=["price"])
    fit = model.fit(data, covariates=["plan"])
    with pytest.raises(cs.errors.DataError, match="has not seen"):
        fit.model.survival(3.0, customers=data.assign(plan="student"))


def test_control_a_covariate_that_separates_is_reported(data):
    """Nobody of one kind ever leaves: the effect has no finite estimate."""
    marked = data.assign(loyal=(~data["churned"]).astype(float) * (data.index < 250))
    fit = ShiftedBetaGeometricCovariates.fit(marked, covariates=["loyal"])
    assert fit.status.code == "separation"
