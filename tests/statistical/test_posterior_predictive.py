"""Truth: closed forms and the model itself. What a posterior carries for ArviZ: pointwise log-likelihood, prior and
posterior predictive; and posteriors of pymc-marketing with covariates."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray
from scipy.stats import norm

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.models import GammaGamma, from_inference_data, sample_posterior
from churnsim.models.estimation import posterior


@pytest.fixture(scope="module")
def few():
    """400 customers of a BG/NBD, whose lives end: the NBD cannot say so."""
    return cs.BGNBD(r=1.0, alpha=4.0, a=1.0, b=3.0).draw_summary(np.full(400, 40.0), seed=1)


@pytest.fixture(scope="module")
def drawn(few):
    return sample_posterior(cs.BGNBD, few, seed=1, draws=200)


def leave_one_out(posterior):
    """The expected log predictive density and the effective parameters, by the names of ArviZ 0.x or 1."""
    loo = az.loo(posterior)
    return (loo.elpd_loo, loo.p_loo) if "elpd_loo" in dir(loo) else (loo.elpd, loo.p)


def test_the_groups_change_no_draw(few, drawn):
    bare = sample_posterior(cs.BGNBD, few, seed=1, draws=200, predictive=False)
    np.testing.assert_array_equal(bare.posterior["r"], drawn.posterior["r"])
    assert "log_likelihood" not in bare
    assert drawn.posterior.attrs["left_out"] == ""


def test_the_log_likelihood_is_that_of_the_draws(few, drawn):
    """The first and the last draw of a chain are among those kept."""
    kept = drawn.log_likelihood["history"]
    assert kept.sizes["chain"] * kept.sizes["draw"] == 1000
    assert kept["customer_id"].to_numpy().tolist() == few.index.tolist()
    for place in (0, -1):
        model = cs.BGNBD(**{name: float(drawn.posterior[name][2, place]) for name in ("r", "alpha", "a", "b")})
        np.testing.assert_allclose(kept[2, place], model.log_likelihood(few), rtol=1e-12)


def test_predictive_draws_are_among_those_of_the_log_likelihood(few, drawn):
    """And both say which: at these the log-likelihood is that of the posterior's draw of this number."""
    numbers = drawn.posterior_predictive["frequency"].coords["draw"]
    kept = drawn.log_likelihood["history"].sel(draw=numbers)
    for number in numbers.to_numpy()[[0, 5, -1]]:
        at = drawn.posterior.sel(chain=2, draw=number)
        model = cs.BGNBD(**{name: float(at[name]) for name in ("r", "alpha", "a", "b")})
        np.testing.assert_allclose(kept.sel(chain=2, draw=number), model.log_likelihood(few), rtol=1e-12)
    if "InferenceData" in vars(az):  # ArviZ 1 has no such call
        both = drawn.sel(groups="log_likelihood", draw=numbers)
        assert ((az.loo_pit(both, y="frequency") >= 0) & (az.loo_pit(both, y="frequency") <= 1)).all()


def test_leave_one_out_finds_the_model_that_made_the_data(few, drawn):
    """Of an identified model with 4 parameters and weak priors p_loo is about 4; and the NBD is worse."""
    elpd, parameters = leave_one_out(drawn)
    assert 2 < parameters < 6
    assert abs(elpd - (cs.BGNBD.fit(few).loglik - 4)) < 3
    table = az.compare({"BG/NBD": drawn, "NBD": sample_posterior(cs.NBD, few, seed=1, draws=200)})
    assert table.index[0] == "BG/NBD"
    assert abs(table.loc["NBD", "elpd_diff"]) > 4 * table.loc["NBD", "dse"]


def test_predictive_draws_are_of_the_law(few, drawn):
    """Their mean count is E[X(40)] of the draws within 5 standard errors; observed counts lie among them."""
    counts = drawn.posterior_predictive["frequency"]
    expected = cs.BGNBD.fit(few).model.expected_purchases_new(40.0)
    means = counts.mean("customer_id").to_numpy().ravel()
    assert abs(means.mean() - float(expected)) < 5 * means.std() / len(means) ** 0.5
    assert means.min() < float(drawn.observed_data["frequency"].mean()) < means.max()
    # Priors: median 1 of shapes, spread 1.5 in the logarithm.
    logs = np.log(drawn.prior["r"].to_numpy().ravel())
    assert abs(logs.mean()) < 5 * 1.5 / logs.size**0.5
    assert logs.std() == pytest.approx(1.5, rel=0.15)
    assert drawn.prior_predictive["frequency"].sizes["draw"] == 100


def test_amounts_and_covariates_have_groups_too(few, cdnow_split, monkeypatch):
    monkeypatch.setattr(posterior, "ESS", 200)
    spenders = cdnow_split[cdnow_split["frequency"] > 0].head(150)
    amounts = sample_posterior(GammaGamma, spenders, seed=1, draws=200)
    simulated = amounts.posterior_predictive["monetary_value"]
    assert 0.5 < float(simulated.median()) / spenders["monetary_value"].median() < 2
    assert np.isfinite(leave_one_out(amounts)[0])
    moved = few.head(100).assign(big=np.arange(100) % 2 * 1.0)
    with_effect = sample_posterior(
        cs.models.BGNBDCovariates, moved, seed=1, draws=200, covariates_rate=["big"], weights=np.ones(100)
    )
    assert "log_likelihood: rows stand for several" in with_effect.posterior.attrs["left_out"]
    assert with_effect.posterior_predictive["frequency"].sizes["customer_id"] == 100


PRICES = pd.DataFrame({
    "who": [1, 1, 2, 3, 4, 5, 6], "entry": [0, 2, 0, 0, 0, 0, 0], "tenure": [2, 5, 4, 2, 1, 3, 6],
    "churned": [False, True, False, True, True, True, False], "price": [9.0, 12.0, 9.0, 12.0, 12.0, 9.0, 9.0],
})  # fmt: skip


@pytest.mark.parametrize(
    ("family", "options"),
    [
        (cs.models.GammaGammaCalendar, {"calendar": cs.data.Calendar(season=1), "until": "1998-01-31"}),
        (cs.models.GammaGeometric, {"covariates": ["price"], "customer": "who"}),
        (cs.ShiftedBetaGeometric, {}),
    ],
)
def test_customers_of_several_rows_have_one_log_likelihood(family, options, monkeypatch):
    """Of a log (here of Polars) and of subscribers whose price changed: summed over customers, and with the density of
    the priors by scipy, it is the chains' log-posterior."""
    for name, enough in (("POINTWISE", 40), ("ESS", 50), ("RHAT", 1.2)):
        monkeypatch.setattr(posterior, name, enough)
    log = cs.datasets.cdnow().query("customer_id < 40")
    data = pl.from_pandas(log) if "until" in options else PRICES if options else PRICES[1:].drop(columns="entry")
    some = {"seed": 1, "draws": 100, "chains": 4, **options}
    found = sample_posterior(family, data, **some)
    at = found.posterior.sel(chain=2, draw=found.log_likelihood["history"]["draw"].to_numpy()[-1])
    log_prior = 0.0
    for (name, value), scale in zip(at.data_vars.items(), found.posterior.attrs["scales"], strict=True):
        positive = name in ("p", "q", "gamma", "r", "alpha", "beta")
        z = np.log(float(value) / scale) if positive else float(value) / scale
        log_prior += norm.logpdf(z, scale=1.5 if positive else 1.0)
    kept = found.log_likelihood["history"].sel(chain=2, draw=at["draw"])
    lp = float(found.sample_stats["lp"].sel(chain=2, draw=at["draw"]))
    assert float(kept.sum()) + log_prior == pytest.approx(lp, rel=1e-9)
    if "until" in options:
        again = log[log["date"] <= options["until"]].groupby("customer_id")["date"].nunique() > 1
        assert kept["customer_id"].to_numpy().tolist() == again.index[again].tolist()
    with pytest.raises(TypeError, match="has no argument 'weights'"):
        sample_posterior(family, data, weights=np.ones(len(data)), **some)


def theirs(**more: object) -> xarray.DataTree:
    """A posterior as pymc-marketing's BetaGeoModel with covariates leaves it, two chains of three draws."""
    numbers = {"r": 0.6, "alpha_scale": 7.0, "a_scale": 0.8, "b_scale": 2.5}
    scalar = {name: (("chain", "draw"), np.full((2, 3), value)) for name, value in numbers.items()}
    effects = {
        "purchase_coefficient_alpha": (("chain", "draw", "purchase_covariate"), np.tile([0.5, -0.2], (2, 3, 1))),
        "dropout_coefficient_a": (("chain", "draw", "dropout_covariate"), np.full((2, 3, 1), 0.4)),
        "dropout_coefficient_b": (("chain", "draw", "dropout_covariate"), np.zeros((2, 3, 1))),
        "alpha": (("chain", "draw", "customer_id"), np.ones((2, 3, 5))),
    }
    coords = {"purchase_covariate": ["age", "big"], "dropout_covariate": ["big"]}
    return xarray.DataTree.from_dict({"posterior": xarray.Dataset({**scalar, **effects, **more}, coords)})


def test_covariates_of_pymc_marketing_are_those_of_each_customer():
    """alpha_i = alpha_scale e^(-x . c) and a_i = a_scale e^(x . g): each customer is that of a plain model."""
    customers = pd.DataFrame(
        {"frequency": [2, 0, 5], "recency": [20.0, 0.0, 35.0], "T": [40.0, 30.0, 38.0]}
        | {"age": [1.0, -0.5, 0.0], "big": [0.0, 1.0, 1.0]}
    )
    (model,) = from_inference_data(cs.BGNBD, theirs(), 1, seed=1)
    for place in range(3):
        row = customers.iloc[[place]]
        age, big = float(row["age"].iloc[0]), float(row["big"].iloc[0])
        alpha, a = 7.0 * np.exp(-(0.5 * age - 0.2 * big)), 0.8 * np.exp(0.4 * big)
        plain = cs.BGNBD(r=0.6, alpha=float(alpha), a=float(a), b=2.5)
        np.testing.assert_allclose(model.log_likelihood(row), plain.log_likelihood(row), rtol=1e-12)
        np.testing.assert_allclose(model.p_alive(row), plain.p_alive(row), rtol=1e-12)


def test_covariates_that_no_family_here_has_are_refused():
    moved = (("chain", "draw", "dropout_covariate"), np.full((2, 3, 1), 0.3))
    with pytest.raises(ConfigError, match="move b beside a"):
        from_inference_data(cs.BGNBD, theirs(dropout_coefficient_b=moved), 1, seed=1)
    with pytest.raises(ConfigError, match="lacks s or s_scale"):
        from_inference_data(cs.ParetoNBD, theirs(), 1, seed=1)
    with pytest.raises(ConfigError, match="NBD has no form with covariates"):
        from_inference_data(cs.NBD, theirs(), 1, seed=1)
