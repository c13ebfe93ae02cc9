"""The same model as lifetimes fits: likelihood, P(alive), expectations and counts, on CDNOW and on odd customers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churnsim.data import datasets, summarise
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

PURCHASES = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)

# lifetimes takes differences of log-gammas, each within some ulps of its size: at most 150 for CDNOW's 29
# purchases and fewer, and so a few 1e-14 a term.
ROUNDING = 1e-12


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # lifetimes is archived: importing and running it raises deprecation and runtime warnings (it was not written for
    # today's pandas, dill, autograd and numpy), and its likelihood changes the filters. They say nothing about
    # churnsim, and the filters are put back after each test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30")


def their_purchases(model: BGNBD = PURCHASES) -> Any:
    from lifetimes import BetaGeoFitter

    fitter = BetaGeoFitter()
    fitter.params_ = pd.Series({"r": model.r, "alpha": model.alpha, "a": model.a, "b": model.b})
    return fitter


def their_spend() -> Any:
    from lifetimes import GammaGammaFitter

    fitter = GammaGammaFitter()
    fitter.params_ = pd.Series({"p": SPEND.p, "q": SPEND.q, "v": SPEND.gamma})
    return fitter


def their_log_likelihood(summary: pd.DataFrame, model: BGNBD = PURCHASES) -> np.ndarray:
    """Customer by customer: their function returns minus the mean."""
    logs = np.log([model.r, model.alpha, model.a, model.b])
    one = np.ones(1)
    rows = zip(*(summary[name].to_numpy(dtype=float)[:, None] for name in ("frequency", "recency", "T")), strict=True)
    return np.array([-their_purchases()._negative_log_likelihood(logs, x, t_x, T, one, 0.0) for x, t_x, T in rows])


def histories(summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, t_x, T = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    return x, t_x, T


def test_log_likelihood(cdnow: pd.DataFrame) -> None:
    theirs = their_log_likelihood(cdnow)
    np.testing.assert_allclose(PURCHASES.log_likelihood(cdnow), theirs, rtol=0, atol=ROUNDING)


def test_p_alive(cdnow: pd.DataFrame) -> None:
    theirs = their_purchases().conditional_probability_alive(*histories(cdnow))
    np.testing.assert_allclose(PURCHASES.p_alive(cdnow), theirs, rtol=ROUNDING)


@pytest.mark.parametrize("horizon", [1.0, 39.0, 520.0])
def test_expected_purchases(cdnow: pd.DataFrame, horizon: float) -> None:
    theirs = their_purchases().conditional_expected_number_of_purchases_up_to_time(horizon, *histories(cdnow))
    # They take 1 - F (..)^r, which for one week and customers who hardly buy is near 0: four digits fewer.
    np.testing.assert_allclose(PURCHASES.expected_purchases(cdnow, horizon), theirs, rtol=1e-11)


def test_new_customers() -> None:
    t = np.array([1.0, 10.0, 39.0, 520.0])
    theirs = their_purchases().expected_number_of_purchases_up_to_time(t)
    np.testing.assert_allclose(PURCHASES.expected_purchases_new(t), theirs, rtol=ROUNDING)
    counts = range(30)
    theirs = [their_purchases().probability_of_n_purchases_up_to_time(39.0, n) for n in counts]
    # They subtract a sum near 1 from 1 for the last term: absolute digits only.
    np.testing.assert_allclose(PURCHASES.purchase_pmf(counts, 39.0), theirs, rtol=ROUNDING, atol=1e-15)


def test_fit(cdnow: pd.DataFrame) -> None:
    ours = BGNBD.fit(cdnow)
    theirs = their_purchases().fit(*histories(cdnow))
    # They stop at a gradient of 1e-7 (tol) of the mean log-likelihood; the curvature along a and b is some 1e-3 a
    # customer, hence 1e-4 at most.
    assert ours.parameters == pytest.approx(theirs.params_.to_dict(), rel=1e-4, abs=0)
    # Ours is the maximum: theirs is not above it but by rounding, and by the same stopping rule not far below.
    at_theirs = BGNBD(**theirs.params_.to_dict()).log_likelihood(cdnow).sum()
    assert -1e-6 <= at_theirs - ours.loglik <= 1e-12 * abs(ours.loglik)


def test_spend(cdnow: pd.DataFrame) -> None:
    back = cdnow[(cdnow["frequency"] > 0) & (cdnow["monetary_value"] > 0)]
    x, m = back["frequency"].to_numpy(dtype=float), back["monetary_value"].to_numpy(dtype=float)
    logs = np.log([SPEND.p, SPEND.q, SPEND.gamma])
    theirs = [-their_spend()._negative_log_likelihood(logs, *each, np.ones(1), 0.0)
              for each in zip(x[:, None], m[:, None], strict=True)]  # fmt: skip
    # Log-gammas of up to 29 x 6.25, some 800.
    np.testing.assert_allclose(SPEND.log_likelihood(back), theirs, rtol=0, atol=5e-12)
    expected = their_spend().conditional_expected_average_profit(x, m)
    np.testing.assert_allclose(SPEND.expected_spend(back), expected, rtol=1e-13)


def test_spend_fit(cdnow: pd.DataFrame) -> None:
    back = cdnow[(cdnow["frequency"] > 0) & (cdnow["monetary_value"] > 0)]
    ours = GammaGamma.fit(cdnow)
    theirs = their_spend().fit(back["frequency"], back["monetary_value"]).params_
    # As for purchases.
    assert ours.parameters == pytest.approx({"p": theirs["p"], "q": theirs["q"], "gamma": theirs["v"]}, rel=1e-4, abs=0)
    at_theirs = GammaGamma(p=theirs["p"], q=theirs["q"], gamma=theirs["v"]).log_likelihood(cdnow).sum()
    assert -1e-6 <= at_theirs - ours.loglik <= 1e-12 * abs(ours.loglik)


def test_another_parameter_is_caught(cdnow: pd.DataFrame) -> None:
    """Control: a part in 1e9 of any parameter is seen in the likelihood, and a swap of a and b in the forecast."""
    theirs = their_log_likelihood(cdnow)
    for name in ("r", "alpha", "a", "b"):
        other = BGNBD.from_dict(PURCHASES.to_dict() | {name: getattr(PURCHASES, name) * (1 + 1e-9)})
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(other.log_likelihood(cdnow), theirs, rtol=0, atol=ROUNDING)
    swapped = BGNBD(r=PURCHASES.r, alpha=PURCHASES.alpha, a=PURCHASES.b, b=PURCHASES.a)
    expected = their_purchases().conditional_expected_number_of_purchases_up_to_time(39.0, *histories(cdnow))
    assert not np.allclose(swapped.expected_purchases(cdnow, 39.0), expected, rtol=0.01)


# ---- where lifetimes cannot follow: explicit, with the reason, and strict, so that a change there is noticed ----


def cannot(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


@pytest.mark.parametrize(
    ("n", "t"),
    [(170, 39.0), pytest.param(171, 39.0, marks=cannot("lifetimes: Gamma(172) overflows in a quotient of gammas"))],
)
def test_counts_of_heavy_buyers(n: int, t: float) -> None:
    model = BGNBD(r=0.5, alpha=0.1, a=0.2, b=3.0)
    ours = model.purchase_pmf(n, t)
    assert ours > 1e-6
    np.testing.assert_allclose(ours, their_purchases(model).probability_of_n_purchases_up_to_time(t, n), rtol=ROUNDING)


@pytest.mark.parametrize(
    "a",
    [0.999, 1.001, pytest.param(1.0, marks=cannot("lifetimes: divides by a - 1"))],
)
def test_expectation_around_a_of_one(a: float) -> None:
    model = BGNBD(r=0.5, alpha=4.0, a=a, b=2.0)
    ours = model.expected_purchases_new(39.0)
    np.testing.assert_allclose(ours, their_purchases(model).expected_number_of_purchases_up_to_time(39.0), rtol=1e-11)


@pytest.mark.parametrize(
    "r",
    [10.0, pytest.param(2000.0, marks=cannot("lifetimes: 2F1 near (1-z)^-r overflows where rates are alike"))],
)
def test_expectation_of_like_rates(r: float) -> None:
    model = BGNBD(r=r, alpha=r / 10, a=0.8, b=2.5)
    ours = model.expected_purchases_new(100.0)
    np.testing.assert_allclose(ours, their_purchases(model).expected_number_of_purchases_up_to_time(100.0), rtol=1e-10)


@pytest.mark.parametrize("x", [100, 100_000])
def test_likelihood_of_very_many_purchases(x: int) -> None:
    """Both beside the product over j < x in logarithms, summed exactly."""
    seen = pd.DataFrame({"frequency": [x], "recency": [38.0], "T": [39.0]})
    r, alpha, a, b = PURCHASES.r, PURCHASES.alpha, PURCHASES.a, PURCHASES.b
    j = np.arange(x)
    last = math.log(a / (b + x - 1) + ((alpha + 38.0) / (alpha + 39.0)) ** (r + x))
    exact = math.fsum(
        [*np.log(r + j), *np.log((b + j) / (a + b + j)), r * math.log(alpha), -(r + x) * math.log(alpha + 38.0), last]
    )
    # Running sums of x logarithms, of up to 2e6: their rounding is a random walk of some ulps of 2e6.
    assert PURCHASES.log_likelihood(seen).item() == pytest.approx(exact, rel=1e-13, abs=0)
    np.testing.assert_allclose(their_log_likelihood(seen), exact, rtol=1e-13)
