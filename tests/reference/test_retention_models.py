"""Truth: published numbers, and blind second implementations straight from the models' stories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, hyp2f1
from scipy.stats import beta as beta_law

import churnsim as cs

COHORTS = cs.datasets.retention_cohorts()


@pytest.mark.parametrize(
    ("segment", "alpha", "beta", "loglik", "year_12"),
    [("High End", 0.668, 3.806, -1611.16, 0.378), ("Regular", 0.704, 1.182, -1680.27, 0.170)],
)
def test_sbg_as_published(segment, alpha, beta, loglik, year_12):
    """Fader & Hardie (2007): fitted to seven renewals; printed with three and two decimals."""
    fit = cs.ShiftedBetaGeometric.fit_cohort(COHORTS[segment][:8])
    assert fit.status.ok
    assert fit.model.alpha == pytest.approx(alpha, abs=5e-4)
    assert fit.model.beta == pytest.approx(beta, abs=5e-4)
    assert fit.loglik == pytest.approx(loglik, abs=5e-3)
    assert fit.model.survival(12) == pytest.approx(year_12, abs=5e-4)


def test_derl_and_elasticity_as_published():
    """Fader & Hardie (2010): alpha 3.8, beta 15.2, discount .1, before the first renewal."""
    model = cs.ShiftedBetaGeometric(alpha=3.8, beta=15.2, unit="Y")
    assert model.derl(0.1) == pytest.approx(3.310, abs=5e-4)
    assert model.elasticity(0.1) == pytest.approx(4.009, abs=5e-4)
    assert model.residual_value(0.1) == pytest.approx(float(model.derl(0.1)), rel=1e-8)


def test_derl_is_the_hypergeometric_form_at_every_tenure():
    model, v = cs.ShiftedBetaGeometric(alpha=0.7, beta=3.8, unit="Y"), 1 / 1.15
    for n in (1, 2, 7):
        direct = (3.8 + n - 1) / (4.5 + n - 1) * hyp2f1(1, 3.8 + n, 4.5 + n, v)
        assert model.derl(0.15, n - 1) == pytest.approx(direct, rel=1e-10)


def test_bdw_of_five_years():
    """Four renewals. gamma .259, delta 1.722, c 1.584 for High End are quoted from memory of Fader et al. (2018); what
    binds is the likelihood written a second time below."""
    fit = cs.BetaDiscreteWeibull.fit_cohort(COHORTS["High End"][:5])
    assert fit.status.ok
    assert (fit.model.gamma, fit.model.delta, fit.model.c) == pytest.approx((0.259, 1.722, 1.584), abs=1e-3)


def slow_survival(a: float, b: float, c: float, t: float) -> float:
    """E[(1 - theta)^(t^c)] over theta ~ Beta(a, b), by numerical integration."""
    value, _ = quad(lambda x: (1 - x) ** (t**c) * beta_law.pdf(x, a, b), 0, 1, epsabs=1e-13, epsrel=1e-12, limit=200)
    return value


@pytest.mark.parametrize("model", [(1.3, 4.0, 1.0), (1.3, 4.0, 0.6), (2.5, 3.0, 1.4)])
def test_likelihood_from_the_story(model):
    """Individual rows, truncated and censored, against integration over theta; 1e-9 is the quadrature's own error."""
    a, b, c = model
    rows = pd.DataFrame({"tenure": [1, 1, 4, 6, 3, 9], "churned": [1, 0, 1, 0, 1, 0], "entry": [0, 0, 0, 0, 2, 5]})
    expected = []
    for t, left, entry in rows.itertuples(index=False):
        top = slow_survival(a, b, c, t - 1) - slow_survival(a, b, c, t) if left else slow_survival(a, b, c, t)
        expected.append(np.log(top / slow_survival(a, b, c, entry)))
    found = cs.BetaDiscreteWeibull(gamma=a, delta=b, c=c, unit="M").log_likelihood(rows)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    if c == 1.0:
        same = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit="M").log_likelihood(rows)
        np.testing.assert_allclose(same, expected, rtol=1e-9)


def test_optimum_of_a_blind_search():
    """The BdW log-likelihood of the Regular cohort by beta functions: nothing around the estimate beats it."""
    left = COHORTS["Regular"].to_numpy(dtype=float)
    fit = cs.BetaDiscreteWeibull.fit_cohort(left)

    def loglik(a, b, c):
        s = np.exp(betaln(a, b + np.arange(13.0) ** c) - betaln(a, b))
        return -np.diff(left) @ np.log(-np.diff(s)) + left[-1] * np.log(s[-1])

    best = fit.model.gamma, fit.model.delta, fit.model.c
    assert loglik(*best) == pytest.approx(fit.loglik, abs=1e-8)
    around = [loglik(*(best * np.exp(step))) for step in np.random.default_rng(1).normal(0, 0.02, (400, 3))]
    assert max(around) < fit.loglik
