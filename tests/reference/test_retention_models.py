"""Truth: published numbers, and blind second implementations straight from the models' stories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import betaln, hyp2f1
from scipy.stats import beta as beta_law

import churnsim as cs
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.retention.bdw import BetaDiscreteWeibullCovariates
from churnsim.models.retention.sbg import ShiftedBetaGeometricCovariates

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


def test_quarterly_renewals_are_discounted_by_the_quarter():
    """The term goes from the data into the model and the contract: 2F1 at v = 1.1^(-1/4), not 1.1^(-1/12)."""
    frame = pd.DataFrame({"tenure": [3.0, 6, 9, 12] * 50, "churned": [True, True, False, False] * 50})
    frame.attrs["unit"] = "M"
    counted = cs.data.count_renewals(frame, term="3 M")
    assert cs.ShiftedBetaGeometric.fit(counted).model.unit == "3 M"
    assert cs.models.BetaDiscreteWeibull.fit(counted).model.unit == "3 M"
    model = cs.ShiftedBetaGeometric(alpha=1.0, beta=3.0, unit="3 M")
    expected = 0.75 * float(hyp2f1(1, 4, 5, 1.1**-0.25))
    assert expected == pytest.approx(6.551, abs=5e-4)
    for value in (model.derl(0.1), model.residual_value(0.1)):
        assert float(value) == pytest.approx(expected, rel=1e-8)
    contract = cs.simulation.contract_of(model, renewals=5)
    assert (contract.term, contract.unit) == (3.0, "M")
    base = cs.simulation.SubscriberBase(counted, charges=pd.Series(1.0, counted.index))
    assert base.unit == "M"
    drawn = base.draw(purchases=contract, spend=cs.simulation.FixedSpend(amount=1.0), seed=1, replication=0)
    assert drawn.first_purchase.min() == -12
    again = cs.ShiftedBetaGeometric.from_dict(model.to_dict())
    assert again == model
    for unit in ("Q", "0 M", "three months", 3):
        with pytest.raises(cs.errors.ConfigError):
            cs.ShiftedBetaGeometric(alpha=1.0, beta=3.0, unit=unit)
    with pytest.raises(cs.errors.ConfigError, match="unknown time unit"):
        cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0, unit="3 M")


@pytest.mark.parametrize(
    ("survivors", "maximum"),
    [
        ([1000, 980, 959, 920, 888, 860, 824], -777.72013),
        ([1000, 990, 975, 950, 925, 895, 860], None),
        ([5000, 4900, 4810, 4725, 4650, 4580], None),
        ([1000, 900, 700, 450, 250, 120, 50], None),
    ],
)
def test_bdw_reaches_the_maximum(survivors, maximum):
    """Against a search from a grid of starts on the likelihood written down by scipy's betaln.

    Where customers are alike the likelihood rises for ever; a fit stops at its bounds, 2e-4 below the limit at most.
    """
    lost, left = -np.diff(survivors), survivors[-1]
    t = np.arange(len(survivors))

    def negative(logs):
        gamma, delta, c = np.exp(logs)
        log_s = betaln(gamma, delta + t**c) - betaln(gamma, delta)
        with np.errstate(all="ignore"):
            drops = log_s[:-1] + np.log(-np.expm1(np.diff(log_s)))
        value = float(lost @ drops + left * log_s[-1])
        # Beyond 1e6 what betaln leaves is rounding.
        return -value if np.isfinite(value) and gamma + delta < 1e6 else 1e9

    churn = lost[0] / survivors[0]
    best = min(
        minimize(
            negative, np.log([churn * w, (1 - churn) * w, c]), method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 1500},
        ).fun
        for w in (1.0, 100.0, 10_000.0)
        for c in (0.7, 1.3)
    )  # fmt: skip
    fit = cs.models.BetaDiscreteWeibull.fit_cohort(survivors)
    assert fit.loglik > -best - 3e-4
    assert maximum is None or fit.loglik == pytest.approx(maximum, abs=1e-5)


def test_the_youngest_cohort_may_have_no_renewal_behind_it():
    """Fader & Hardie's triangle: each year's cohort has a column, one year shorter than the one before."""
    old = [10_000, 8_000, 6_480, 5_307]
    table = pd.DataFrame({"2003": old, "2004": [10_000, 8_000, 6_480, None], "2006": [10_000.0, None, None, None]})
    fit = cs.ShiftedBetaGeometric.fit_cohort(table)
    assert fit.parameters == cs.ShiftedBetaGeometric.fit_cohort(table[["2003", "2004"]]).parameters
    for wrong in ([10_000.0], pd.DataFrame({"a": [10_000.0], "b": [9_000.0]})):
        with pytest.raises(cs.errors.DataError, match=r"two numbers|no customer of these cohorts") as refused:
            cs.ShiftedBetaGeometric.fit_cohort(wrong)
        assert "np." not in str(refused.value)
    with pytest.raises(cs.errors.DataError, match=r"never rise; got \[5.0, 6.0\]"):
        cs.ShiftedBetaGeometric.fit_cohort([5, 6])
    with pytest.raises(cs.errors.DataError, match="must be numbers"):
        cs.ShiftedBetaGeometric.fit_cohort(["many", "few"])


RENEWALS = 400  # at 15% a year the rest is below 1e-24


def slow_value(a: float, b: float, c: float, tenure: int, rate: float, more: float = 0.0) -> float:
    """Expected discounted renewals ahead given `tenure`: theta ~ Beta(a, b) weighted by the chance to have got so far,
    every coming retention rate (1 + more) times what it is."""
    k = np.arange(1, RENEWALS + 1.0)

    def ahead(x: float) -> float:
        stays = (1 - x) ** ((tenure + k) ** c - float(tenure) ** c) * (1 + more) ** k
        return float(stays @ (1 + rate) ** -(k - 1))

    return mean_over_theta(ahead, a, b, c, tenure)


def slow_elasticity(a: float, b: float, c: float, tenure: int, rate: float) -> float:
    """E over theta given `tenure` of d ln(value)/d ln(retention), by a central difference for each theta."""
    k, step = np.arange(1, RENEWALS + 1.0), 1e-5

    def value(x: float, more: float) -> float:
        first = (tenure + 1.0) ** c - float(tenure) ** c
        stays = (1 - x) ** ((tenure + k) ** c - float(tenure) ** c - first) * (1 + more) ** k
        return float(stays @ (1 + rate) ** -(k - 1))

    def own(x: float) -> float:
        return (np.log(value(x, step)) - np.log(value(x, -step))) / (np.log1p(step) - np.log1p(-step))

    return mean_over_theta(own, a, b, c, tenure)


def mean_over_theta(of, a: float, b: float, c: float, tenure: int) -> float:
    """E[of(theta) | there after `tenure`] by quadrature; x = u^p takes a pole of the density at 0 away."""
    past, p = float(tenure) ** c, max(1.0, 1 / a)

    def density(u: float) -> float:
        return u ** (p * a - 1) * (1 - u**p) ** (b - 1 + past)

    top, _ = quad(lambda u: of(u**p) * density(u), 0, 1, epsabs=1e-15, epsrel=1e-10, limit=400)
    mass, _ = quad(density, 0, 1, epsabs=1e-15, epsrel=1e-12, limit=400)
    return top / mass


# c = 1 goes by Gauss's function, the others by a sum and an integral on another scale.
CASES = [(0.668, 3.806, 1.0, 3), (0.26, 1.72, 1.584, 0), (0.9, 14.0, 0.7, 5), (2.5, 1.2, 1.3, 2), (9.0, 40.0, 1.2, 4)]


@pytest.mark.parametrize(("a", "b", "c", "tenure"), CASES)
def test_values_and_elasticities_from_the_story(a, b, c, tenure):
    """Without covariates, and with an effect that moves a customer's a to the same place."""
    rate = 0.15
    if c == 1.0:
        model = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit="Y")
        kind, names = ShiftedBetaGeometricCovariates, {"alpha": a / 2, "beta": b}
    else:
        model = cs.models.BetaDiscreteWeibull(gamma=a, delta=b, c=c, unit="Y")
        kind, names = BetaDiscreteWeibullCovariates, {"gamma": a / 2, "delta": b, "c": c}
    design = Design(covariates=("dear",), levels=((),), names=("dear",), means=(1.0,))
    apart = kind(**names, lifetime_effects={"dear": float(np.log(2.0))}, design=design, unit="Y")
    customers = pd.DataFrame(
        {"dear": [2.0, 1.0, 2.0], "tenure": [tenure, tenure, tenure + 1], "churned": [False, False, True]}
    )
    # A difference quotient of step 1e-5 is good to some 1e-9.
    derl, elasticity = slow_value(a, b, c, tenure, rate), slow_elasticity(a, b, c, tenure, rate)
    assert model.derl(rate, tenure) == pytest.approx(derl, rel=1e-8)
    assert model.elasticity(rate, tenure) == pytest.approx(elasticity, rel=1e-7)
    values, moved = apart.derl(rate, customers), apart.elasticity(rate, customers)
    assert values.iloc[0] == pytest.approx(derl, rel=1e-8)
    assert moved.iloc[0] == pytest.approx(elasticity, rel=1e-7)
    assert values.iloc[1] == pytest.approx(float(apart.average_customer.derl(rate, tenure)), rel=1e-12)
    assert values.iloc[2] == 0.0
    assert np.isnan(moved.iloc[2])
    assert values.iloc[0] == pytest.approx(apart.residual_value(rate, customers=customers).iloc[0], rel=1e-7)
    # One average rate understates it (Fader & Hardie 2010).
    if c == 1.0:
        rate_of_all = (b + tenure) / (a + b + tenure)
        assert elasticity > 1.05 * (1 + rate) / (1 + rate - rate_of_all)


def test_customers_all_alike_are_one_customer():
    """a and b in the millions: the elasticity of the one rate."""
    beside = cs.models.BetaDiscreteWeibull(gamma=2e6, delta=8e6, c=1.2, unit="Y")
    k = np.arange(1, 200.0)
    p = 0.8 ** ((3 + k) ** 1.2 - 3**1.2) * 1.1 ** -(k - 1)
    # theta still varies by 1.3e-4: its square times the curvature is of order 1e-7.
    assert beside.elasticity(0.1, 3) == pytest.approx((k @ p) / p.sum(), rel=1e-6)


def test_months_are_as_exact_as_years():
    """The integral does not feel how near 1 the discount factor is: Gauss's closed form against c beside 1."""
    for unit, (a, b, t) in {"M": (0.7, 12.0, 7.0), "D": (0.4, 300.0, 30.0)}.items():
        model = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit=unit)
        beside = cs.models.BetaDiscreteWeibull(gamma=a, delta=b, c=1.0 + 1e-12, unit=unit)
        # Endless sums of some 100,000 terms agree to their rounding.
        assert beside.derl(0.1, t) == pytest.approx(model.derl(0.1, t), rel=1e-8)
        assert beside.elasticity(0.1, t) == pytest.approx(model.elasticity(0.1, t), rel=1e-8)
    with pytest.raises(cs.errors.ConfigError, match="a rate above 0"):
        beside.derl(0.0)
    with pytest.raises(cs.errors.ConfigError, match="0 or more"):
        beside.elasticity(-0.1)


def test_bdw_of_five_years():
    """Four renewals. gamma .259, delta 1.722, c 1.584 for High End are quoted from memory of Fader et al. (2018); what
    binds is the likelihood written a second time below."""
    fit = cs.models.BetaDiscreteWeibull.fit_cohort(COHORTS["High End"][:5])
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
    found = cs.models.BetaDiscreteWeibull(gamma=a, delta=b, c=c, unit="M").log_likelihood(rows)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    if c == 1.0:
        same = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit="M").log_likelihood(rows)
        np.testing.assert_allclose(same, expected, rtol=1e-9)


def test_optimum_of_a_blind_search():
    """The BdW log-likelihood of the Regular cohort by beta functions: nothing around the estimate beats it."""
    left = COHORTS["Regular"].to_numpy(dtype=float)
    fit = cs.models.BetaDiscreteWeibull.fit_cohort(left)

    def loglik(a, b, c):
        s = np.exp(betaln(a, b + np.arange(13.0) ** c) - betaln(a, b))
        return -np.diff(left) @ np.log(-np.diff(s)) + left[-1] * np.log(s[-1])

    best = fit.model.gamma, fit.model.delta, fit.model.c
    assert loglik(*best) == pytest.approx(fit.loglik, abs=1e-8)
    around = [loglik(*(best * np.exp(step))) for step in np.random.default_rng(1).normal(0, 0.02, (400, 3))]
    assert max(around) < fit.loglik
