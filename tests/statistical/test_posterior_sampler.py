"""Truth: integration. What the chains say of the parameters is what summing the posterior over a grid says."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import churnsim as cs
from churnsim.errors import ConfigError, MissingExtraError
from churnsim.models.estimation import posterior as module
from churnsim.models.estimation.posterior import PosteriorWarning, posterior_models, sample_posterior
from churnsim.models.estimation.priors import LogNormal
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

NAMES = ("p", "q", "gamma")
PRIORS = {name: LogNormal(median=1.0, spread=1.0) for name in NAMES}


@pytest.fixture(scope="module")
def spenders() -> pd.DataFrame:
    """Sixty customers, few enough that the posterior is far from normal."""
    rng = np.random.Generator(np.random.PCG64(3))
    x = rng.integers(1, 6, 60)
    total = rng.gamma(3.0 * x) / rng.gamma(3.0, 1 / 20.0, 60)
    return pd.DataFrame({"frequency": x, "monetary_value": total / x})


@pytest.fixture(scope="module")
def grid(spenders: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of the log-parameters in scaled money, from the density written out in scipy."""
    x = spenders["frequency"].to_numpy()
    m = spenders["monetary_value"].to_numpy() / spenders["monetary_value"].mean()
    axes = np.meshgrid(
        np.linspace(-1.5, 4.0, 31), np.linspace(-1.5, 4.5, 31), np.linspace(-4.0, 4.0, 45), indexing="ij"
    )
    z = np.array([axis.ravel() for axis in axes])
    p, q, gamma = np.exp(z)
    # The mean of x purchases given q, gamma is a scaled beta-prime, gamma/x . BetaPrime(p x, q).
    log_density = stats.norm.logpdf(z).sum(axis=0)
    for count, mean in zip(x, m, strict=True):
        log_density = log_density + stats.betaprime.logpdf(mean, p * count, q, scale=gamma / count)
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    first = z @ weight
    return first, np.sqrt(np.square(z) @ weight - first**2)


@pytest.fixture(scope="module")
def chains(spenders):
    return sample_posterior(GammaGamma, spenders, seed=5, priors=PRIORS, draws=2000, predictive=False)


def standing(chains, spenders, grid) -> np.ndarray:
    """How many Monte Carlo standard errors the chains' means lie from the grid's; and the ratio of spreads."""
    scale = {"p": 1.0, "q": 1.0, "gamma": spenders["monetary_value"].mean()}
    logs = np.log([chains.posterior[name].to_numpy().ravel() / scale[name] for name in NAMES])
    ess = float(chains.posterior.attrs["status"].split("size ")[1].split(" of")[0].replace(",", ""))
    means, spreads = grid
    return np.array([(logs.mean(axis=1) - means) / (spreads / ess**0.5), logs.std(axis=1) / spreads])


def test_the_chains_agree_with_the_grid(chains, spenders, grid):
    errors, ratios = standing(chains, spenders, grid)
    assert (np.abs(errors) < 4).all(), errors
    # The spread of 3,000 and more effective draws is known to 1/sqrt(6,000), wider tails to some twice that.
    assert (np.abs(ratios - 1) < 0.1).all(), ratios


def test_control_another_prior_is_told_apart(spenders, grid):
    """Chains under a prior with its median a third lower do not agree with the grid."""
    other = {**PRIORS, "p": LogNormal(median=0.4, spread=0.5)}
    errors, _ = standing(sample_posterior(GammaGamma, spenders, seed=5, priors=other), spenders, grid)
    assert np.abs(errors).max() > 4


@pytest.fixture
def soon_enough(monkeypatch):
    """Chains that stop early: where two of them are compared draw by draw, few say as much as many."""
    for name, enough in (("ESS", 50), ("RHAT", 1.2)):
        monkeypatch.setattr(module, name, enough)


def test_scipy_distributions_are_priors(spenders, soon_enough):
    frozen = {name: stats.lognorm(s=1.0) for name in NAMES}
    drawn, ours = (
        sample_posterior(GammaGamma, spenders, seed=5, priors=each, draws=100, predictive=False)
        for each in (frozen, PRIORS)
    )
    np.testing.assert_allclose(drawn.posterior["p"], ours.posterior["p"], rtol=1e-6)
    assert "lognorm" in json.loads(drawn.posterior.attrs["priors"])["p"]


def test_the_unit_of_time_does_not_matter(cdnow_split, soon_enough):
    """Priors are on scaled parameters: the same customers in days give the same posterior, alpha seven times it."""
    few = cdnow_split.iloc[::20]
    days = few.assign(recency=few["recency"] * 7, T=few["T"] * 7)
    days.attrs["unit"] = "D"
    weekly, daily = (sample_posterior(BGNBD, each, seed=2, predictive=False) for each in (few, days))
    for name, factor in (("r", 1.0), ("alpha", 7.0), ("a", 1.0), ("b", 1.0)):
        np.testing.assert_allclose(daily.posterior[name], factor * weekly.posterior[name], rtol=1e-6)
    assert posterior_models(BGNBD, daily, 3, seed=1)[0].unit == "D"


def test_cdnow_converges_and_centres_on_the_estimates(cdnow_split, cdnow_models):
    drawn = sample_posterior(BGNBD, cdnow_split, seed=1, predictive=False)
    assert drawn.posterior.attrs["status"].startswith("converged")
    fit = cdnow_models[0]
    for name, estimate in fit.parameters.items():
        # The prior and the skew move the mean of b by a third of its standard error; half of one is allowed.
        assert abs(float(drawn.posterior[name].mean()) - estimate) < 0.5 * fit.standard_errors[name]


def test_no_data_to_speak_of_gives_the_prior():
    """One customer who never came back: r and b keep their prior's median within a factor of two."""
    one = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [1.0]})
    drawn = sample_posterior(BGNBD, one, seed=1, predictive=False)
    for name in ("a", "b"):
        assert 0.5 < float(drawn.posterior[name].median()) < 2.0
    again = sample_posterior(BGNBD, one, seed=1, predictive=False)
    np.testing.assert_array_equal(drawn.posterior["r"], again.posterior["r"])


def test_chains_that_do_not_agree_are_told(spenders, monkeypatch):
    monkeypatch.setattr(module, "MOST_DRAWS", 100)
    with pytest.warns(PosteriorWarning, match=r"not converged: largest R-hat .* Give narrower priors"):
        drawn = sample_posterior(GammaGamma, spenders, seed=1, draws=100, chains=4)
    assert drawn.posterior.attrs["status"].startswith("not converged")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"draws": 5}, "draws must be 100 or more"),
        ({"priors": {"beta": LogNormal(median=1.0, spread=1.0)}}, "no parameter 'beta'. The model has p, q, gamma"),
        ({"priors": {"p": 3.0}}, "must have a logpdf"),
    ],
)
def test_impossible_settings_are_refused(spenders, settings, words):
    with pytest.raises(ConfigError, match=words):
        sample_posterior(GammaGamma, spenders, seed=1, **settings)


def test_a_missing_extra_is_named(spenders, monkeypatch):
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(MissingExtraError, match=r"emcee.*pip install .*churnsim\[posterior\]"):
        sample_posterior(GammaGamma, spenders, seed=1)


def test_models_of_another_family_are_refused(chains):
    with pytest.raises(ConfigError, match="of family 'gamma_gamma', not 'bg_nbd'"):
        posterior_models(BGNBD, chains, 3, seed=1)


def test_a_posterior_in_place_of_models_is_answered(chains, spenders):
    """With the call that makes models of it."""
    for call in (
        lambda: cs.models.drawn_interval(chains, lambda model: 1.0),
        lambda: cs.plots.frequencies(chains, spenders),
        lambda: cs.models.customer_lifetime_value(spenders, purchases=chains, spend=chains),
    ):
        with pytest.raises(ConfigError, match=r"posterior_models\(family, posterior, 100, seed=1\) makes a list"):
            call()
