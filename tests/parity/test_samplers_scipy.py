"""Inverse CDFs and special functions against scipy and mpmath, over wide shapes."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from churnsim.kernels.numerics import quantiles
from churnsim.kernels.numerics.exponential import exponential
from churnsim.kernels.numerics.quantile_tables import (
    TOLERANCE,
    beta_draw,
    beta_table,
    erlang_draw,
    gamma_draw,
    gamma_table,
)
from churnsim.kernels.numerics.quantiles import (
    beta_quantile,
    erlang_quantile,
    exponential_quantile,
    gamma_quantile,
    normal_quantile,
)
from churnsim.kernels.numerics.special import digamma, log_beta, lower_gamma, regularised_beta, trigamma

SHAPES = 10.0 ** np.linspace(-3, 4, 15)
MIDDLE = np.linspace(0.0005, 0.9995, 41)
TAILS = np.array([1e-12, 1e-8, 1e-4])
CHANCES = np.concatenate([TAILS, MIDDLE, 1 - TAILS])
SMALLEST = 1e-290  # below e^-690 a draw counts as zero: see samplers.py

Function = Callable[..., float]


def relative_errors(ours: Function, theirs: Function, arguments: list[tuple[float, ...]]) -> np.ndarray:
    mine = np.array([ours(*each) for each in arguments])
    reference = np.array([float(theirs(*each)) for each in arguments])
    scale = np.where(np.abs(reference) > SMALLEST, np.abs(reference), np.inf)
    assert (np.abs(mine[np.isinf(scale)]) <= SMALLEST).all()
    return np.abs(mine - reference) / scale


def pairs(first: np.ndarray, second: np.ndarray) -> list[tuple[float, ...]]:
    return [(float(a), float(b)) for a in first for b in second]


def gamma_inverse(u: float, shape: float) -> float:
    return special.gammaincinv(shape, u) if u < 0.5 else special.gammainccinv(shape, 1 - u)


def beta_inverse(u: float, a: float, b: float) -> float:
    # From the side on which u has its digits.
    return special.betaincinv(a, b, u) if u < 0.5 else special.betainccinv(a, b, 1 - u)


def test_exponential_quantile() -> None:
    errors = relative_errors(
        exponential_quantile, lambda u: -mpmath.log1p(-mpmath.mpf(u)), [(float(u),) for u in CHANCES]
    )
    assert errors.max() < 3e-16  # one call of log1p, within an ulp


def test_normal_quantile() -> None:
    # Acklam states 1.15e-9 for his approximation.
    assert relative_errors(normal_quantile, special.ndtri, [(float(u),) for u in CHANCES]).max() < 1.15e-9


def test_gamma_quantile() -> None:
    # The series leaves out 5e-16 of ln x at most, which itself, some hundreds, is rounded to 1e-13; for shapes of 1e4
    # the front factor x^shape e^-x / Gamma(shape) carries some 1e-12 of rounding.
    assert relative_errors(gamma_quantile, gamma_inverse, pairs(CHANCES, SHAPES)).max() < 5e-12


@pytest.mark.parametrize("planted", [False, True])
def test_quantiles_to_their_last_digits(planted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes of customers' posteriors; the same check catches steps that end after the first."""
    for name in ("gamma_step", "beta_step"):
        step = getattr(quantiles, name)
        if planted:
            monkeypatch.setattr(quantiles, name, lambda *given, step=step: (step(*given)[0], True, 0.0, 0.0))
    shapes = np.array([0.25, 1.25, 4.2, 9.0, 40.0])
    gamma = relative_errors(
        lambda u, shape: quantiles.quantile_of_gamma.py_func(quantiles.gamma_law(shape), u),
        gamma_inverse,
        pairs(MIDDLE, shapes),
    )
    beta = relative_errors(
        lambda u, b: quantiles.quantile_of_beta.py_func(quantiles.beta_law(0.6, b), u),
        lambda u, b: beta_inverse(u, 0.6, b),
        pairs(MIDDLE, shapes),
    )
    # An ulp of the CDF and of each log-gamma, times the 1/shape with which x answers: some 1e-14.
    assert (gamma.max() > 1e-9 and beta.max() > 1e-9) if planted else max(gamma.max(), beta.max()) < 2e-13


@pytest.mark.parametrize("stages", [1, 2, 3, 8, 32, 33])
def test_erlang_quantile(stages: int) -> None:
    # As the gamma quantile; where the tail is a sum, at most stages ulps of it over the least probability, 3e-12.
    chances = [(float(u), float(stages)) for u in np.append(CHANCES, np.linspace(0.0005, 0.9995, 999))]
    assert relative_errors(lambda u, k: erlang_quantile(u, int(k)), gamma_inverse, chances).max() < 1e-11
    drawn = np.array([erlang_quantile(u, stages) for u in np.linspace(0.0001, 0.9999, 2001)])
    assert (np.diff(drawn) > 0).all()


def test_beta_quantile() -> None:
    arguments = [(u, a, b) for u, a in pairs(CHANCES, SHAPES[::2]) for b in map(float, SHAPES[::2])]
    errors = relative_errors(beta_quantile, beta_inverse, arguments)
    # As for gamma. Besides, the CDF is off by some ulps of log-gammas up to 1e5, 5e-11 of itself, which
    # moves x by that over the density.
    u, a, b = np.array(arguments).T
    x = np.array([max(beta_inverse(*each), SMALLEST) for each in arguments])
    with np.errstate(over="ignore", divide="ignore"):
        cdf_error = 5e-11 * u / np.exp(stats.beta.logpdf(x, a, b) + np.log(x))
    assert (errors < 5e-12 + cdf_error).all()
    assert np.median(cdf_error) < 1e-9  # the allowance is a small one nearly everywhere


@pytest.mark.parametrize("shape", [1e-3, 0.243, 1.0, 2.5, 1e4])
def test_quantiles_rise_with_u(shape: float) -> None:
    """A larger uniform never gives a smaller draw, also for neighbours and across the switches of method."""
    grid = np.concatenate([CHANCES, np.nextafter(CHANCES, 1), [0.02425, 0.97575, 0.5, np.nextafter(0.5, 0)]])
    chances = np.sort(np.append(grid, np.linspace(0.001, 0.999, 1500)))
    for quantile in (
        normal_quantile,
        exponential_quantile,
        lambda u: gamma_quantile(u, shape),
        lambda u: beta_quantile(u, shape, 2.426),
        lambda u: beta_quantile(u, 0.793, shape),
    ):
        drawn = np.array([quantile(u) for u in chances])
        # Neighbours one ulp apart may come out in the wrong order within the stopping rule of the Newton steps,
        # 1e-13 of ln x (of at most 690), or of the rational approximation's own rounding.
        assert (np.diff(drawn) >= -1e-10 * np.abs(drawn[1:])).all()
        assert drawn[-1] > drawn[0]


def test_quantiles_undo_the_cdf() -> None:
    for a, b in ((0.793, 2.426), (0.02, 30.0), (500.0, 3.0)):
        drawn = np.array([beta_quantile(u, a, b) for u in MIDDLE])
        # The CDF's slope times the 1e-13 at which Newton ends, for a density that changes over 1/500 of its range.
        np.testing.assert_allclose(stats.beta.cdf(drawn, a, b), MIDDLE, rtol=0, atol=1e-11)


def test_exponential() -> None:
    points = [(float(x),) for x in np.append(np.linspace(-5.0, 5.0, 2001), [-690.0, -1e-20, 0.0, 1e-300, 690.0])]
    assert relative_errors(exponential, lambda x: mpmath.exp(mpmath.mpf(x)), points).max() < 3e-16
    assert [exponential(x) for x in (0.0, -800.0, 800.0)] == [1.0, 0.0, math.inf]


@pytest.mark.parametrize("shape", [0.1, 0.243, 1.0, 3.0, 6.25, 40.0])
def test_tabulated_gamma_draws(shape: float) -> None:
    table, chances = gamma_table(shape), [(float(u),) for u in np.append(CHANCES, np.linspace(0.0007, 0.9993, 1999))]
    assert table.size
    assert relative_errors(lambda u: gamma_draw(table, u, shape), lambda u: gamma_inverse(u, shape), chances).max() < (
        TOLERANCE
    )
    if shape == round(shape):
        drawn = np.array([erlang_draw(table, u, shape) for (u,) in chances[len(CHANCES) :]])
        assert (np.diff(drawn) > 0).all()


@pytest.mark.parametrize(("a", "b"), [(0.1, 9.9), (0.793, 2.426), (4.0, 2.0)])
def test_tabulated_beta_draws(a: float, b: float) -> None:
    table, chances = beta_table(a, b), [(float(u),) for u in np.append(CHANCES, np.linspace(0.0007, 0.9993, 1999))]
    assert table.size
    errors = relative_errors(lambda u: beta_draw(table, u, a, b), lambda u: beta_inverse(u, a, b), chances)
    assert errors.max() < TOLERANCE


def test_a_quantile_too_bent_for_a_table_is_drawn_exactly() -> None:
    table = gamma_table(0.01)
    assert not table.size
    assert gamma_draw(table, 0.7, 0.01) == gamma_quantile(0.7, 0.01)


def test_digamma() -> None:
    points = [(float(x),) for x in 10.0 ** np.linspace(-8, 8, 200)]
    mine = np.array([digamma(*x) for x in points])
    reference = np.array([float(mpmath.digamma(*x)) for x in points])
    # Ten additions of the recurrence; absolute near the zero at 1.4616.
    np.testing.assert_allclose(mine, reference, rtol=3e-15, atol=3e-15)


def test_trigamma() -> None:
    points = [(float(x),) for x in 10.0 ** np.linspace(-8, 8, 200)]
    mine = np.array([trigamma(*x) for x in points])
    reference = np.array([float(mpmath.psi(1, *x)) for x in points])
    # Ten additions of positive terms.
    np.testing.assert_allclose(mine, reference, rtol=3e-15, atol=0)


def test_log_beta() -> None:
    for a, b in pairs(SHAPES, SHAPES):
        scale = abs(special.gammaln(a)) + abs(special.gammaln(b)) + abs(special.gammaln(a + b))
        # Three log-gammas, each within some ulps of itself.
        assert log_beta(a, b) == pytest.approx(float(special.betaln(a, b)), rel=0, abs=2e-15 * scale + 1e-15)


def rounding(*parts: float) -> float:
    """Error of an exponential whose exponent is a sum of `parts`: some ulps of the largest, and of the series."""
    return 4 * 2.0**-52 * sum(map(abs, parts)) + 1e-14


def test_incomplete_gamma() -> None:
    for u, shape in pairs(CHANCES, SHAPES):
        x = float(gamma_inverse(u, shape))
        if x > SMALLEST:
            allowed = rounding(shape * math.log(x), x, math.lgamma(shape))
            assert lower_gamma(shape, x) == pytest.approx(special.gammainc(shape, x), rel=allowed, abs=0)


def test_incomplete_beta() -> None:
    for u, a in pairs(CHANCES, SHAPES[::2]):
        for b in map(float, SHAPES[::2]):
            x = float(beta_inverse(u, a, b))
            if SMALLEST < x < 1:
                allowed = rounding(
                    a * math.log(x), b * math.log1p(-x), math.lgamma(a), math.lgamma(b), math.lgamma(a + b)
                )
                assert regularised_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=allowed, abs=allowed)


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        (lower_gamma, (2.0, 0.0), 0.0),
        (regularised_beta, (2.0, 3.0, 0.0), 0.0),
        (regularised_beta, (2.0, 3.0, 1.0), 1.0),
        (beta_quantile, (0.5, 1e-6, 1.0), 0.0),
        (gamma_quantile, (0.5, 1e-6), 0.0),
    ],
)
def test_ends(function: Function, arguments: tuple[float, ...], value: float) -> None:
    assert function(*arguments) == pytest.approx(value, rel=0, abs=SMALLEST)


def test_a_wrong_quantile_is_caught() -> None:
    """Control: a gamma whose shape is off by a part in 1e8 is told apart at the tolerance of the test."""
    off = relative_errors(lambda u, shape: gamma_quantile(u, shape * (1 + 1e-8)), gamma_inverse, pairs(MIDDLE, SHAPES))
    assert (off > 1e-10).mean() > 0.9
