"""BG/NBD a second time, blind and slow: integrals over (lambda, p) straight from the model's story.

The story (Fader, Hardie & Lee 2005, section 3): while alive a customer buys as a Poisson process of rate lambda; right
after each repeat purchase it is gone for good with probability p; lambda is gamma and p beta over customers,
independently. None of the paper's formulas is used here: what a customer with given lambda and p does is written
down, and averaged over both by the trapezoidal rule in log lambda and logit p.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import betaln, gammainc, gammaln

from churnsim.models.purchase.bg_nbd import BGNBD

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats, Floats], Floats]

CUT = 55.0  # the integrand is left out where it is below e^-55 of its largest value
# By which halving the step may move a logarithm of an integral; the trapezoidal rule converges geometrically here,
# so this is rounding in logarithms of up to 24,000 (3,000 purchases).
STEP_ERROR = 1e-11
# Three sums of 3,000 logarithms each, and their difference of up to 24,000; the rest is step and cut.
AGREEMENT = 1e-9

PAPER = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
MODELS = {
    "as published": PAPER,
    "a is 1": BGNBD(r=0.5, alpha=4.0, a=1.0, b=2.0),
    "a just above 1": BGNBD(r=0.5, alpha=4.0, a=1.0 + 1e-9, b=2.0),
    "a + b below 1": BGNBD(r=0.4, alpha=3.0, a=0.3, b=0.45),
    "a + b is 1": BGNBD(r=0.4, alpha=3.0, a=0.4, b=0.6),
    "like rates": BGNBD(r=100.0, alpha=50.0, a=0.6, b=0.9),
    "heavy dropout": BGNBD(r=1.5, alpha=9.0, a=60.0, b=40.0),
}
HISTORIES = {
    "no repeat": (0, 0.0, 38.86),
    "one at once": (1, 0.14, 38.86),
    "paper's": (2, 30.43, 38.86),
    "to the last day": (7, 38.86, 38.86),
    "long silence": (30, 10.0, 39.0),
    "thousands": (3000, 35.0, 36.0),
}
HORIZONS = {"next weeks": 39.0, "a moment": 1e-3, "huge": 1e7}


def still_alive(x: int, t_x: float, T: float) -> LogDensity:
    """ln of the density of the purchase times of a customer who is alive at T, given (lambda, p).

    x purchases at rate lambda, stayed after each, silent from t_x to T.
    """
    return lambda rate, dropout: times(x, rate) + x * np.log1p(-dropout) - rate * T


def history(x: int, t_x: float, T: float) -> LogDensity:
    """The same of a customer of whom only the purchases are known: alive, or gone after the x-th."""
    alive = still_alive(x, t_x, T)
    if x == 0:
        return alive

    def of(rate: Floats, dropout: Floats) -> Floats:
        gone = times(x, rate) + (x - 1) * np.log1p(-dropout) + np.log(dropout) - rate * t_x
        return np.logaddexp(alive(rate, dropout), gone)

    return of


def if_dropout_could_follow_the_first_purchase(x: int, t_x: float, T: float) -> LogDensity:
    """Another model, for the control: a coin is tossed after the very first purchase too."""

    def of(rate: Floats, dropout: Floats) -> Floats:
        if x == 0:
            return np.logaddexp(np.log(dropout) + 0 * rate, np.log1p(-dropout) - rate * T)
        return np.log1p(-dropout) + history(x, t_x, T)(rate, dropout)

    return of


def times(x: int, rate: Floats) -> Floats:
    return x * np.log(rate) if x else np.zeros_like(rate)


def purchases_of_the_living(h: float) -> LogDensity:
    """ln of int_0^h lambda P(still alive at s) ds, where e^(-lambda p s) is the chance of no purchase that ends it."""
    return lambda rate, dropout: np.log(-np.expm1(-rate * dropout * h)) - np.log(dropout)


def count(n: int, t: float) -> LogDensity:
    """ln P(n repeat purchases by age t): n and alive after each, or n or more drawn and gone at the n-th."""

    def of(rate: Floats, dropout: Floats) -> Floats:
        load = rate * t
        stayed = times(n, load) - load - gammaln(n + 1) + n * np.log1p(-dropout)
        if n == 0:
            return stayed
        with np.errstate(divide="ignore"):  # P(n or more drawn) underflows where lambda is tiny
            return np.logaddexp(stayed, np.log(dropout) + (n - 1) * np.log1p(-dropout) + np.log(gammainc(n, load)))

    return of


def log_mean(model: BGNBD, log_density: LogDensity, *, steps: float = 1.0) -> float:
    """ln of the mean of e^log_density(lambda, p) over the population, by the trapezoidal rule in (u, y)."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b

    def log_integrand(u: Floats, y: Floats) -> Floats:
        """At log lambda = u and logit p = y, with the Jacobian of both."""
        rate = np.exp(u)
        # p so near 1 that 1 - p is 0 in double precision has no weight in any case here.
        dropout = np.minimum(np.exp(-np.logaddexp(0, -y)), np.nextafter(1, 0))
        prior = r * u - alpha * rate - a * np.logaddexp(0, -y) - b * np.logaddexp(0, y)
        return prior + log_density(rate, dropout)

    bounds = [(-np.log(alpha) - 70 / r - 15, -np.log(alpha) + 15), (-70 / a - 20, 70 / b + 20)]
    for _ in range(12):  # shrink to where the integrand lives
        u, y = (np.linspace(low, high, 81) for low, high in bounds)
        value = log_integrand(u[:, None], y[None, :])
        kept = value > value.max() - CUT
        before, bounds = (
            bounds,
            [
                (grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, 80)])
                for grid, inside in ((u, np.flatnonzero(kept.any(axis=1))), (y, np.flatnonzero(kept.any(axis=0))))
            ],
        )
        if bounds == before:
            break
    u, y = (np.linspace(low, high, int(steps * max(150, (high - low) / 0.2))) for low, high in bounds)
    value = log_integrand(u[:, None], y[None, :])
    top = value.max()
    cell = (u[1] - u[0]) * (y[1] - y[0])
    constant = r * np.log(alpha) - gammaln(r) - betaln(a, b)
    return float(top + np.log(np.exp(value - top).sum() * cell) + constant)


def both(first: LogDensity, second: LogDensity) -> LogDensity:
    return lambda rate, dropout: first(rate, dropout) + second(rate, dropout)


def frame(x: int, t_x: float, T: float) -> pd.DataFrame:
    return pd.DataFrame({"frequency": [x], "recency": [t_x], "T": [T]})


every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
every_history = pytest.mark.parametrize("seen", HISTORIES.values(), ids=HISTORIES.keys())


@every_model
@every_history
def test_known_customers(model: BGNBD, seen: tuple[int, float, float]) -> None:
    summary = frame(*seen)
    known, alive = log_mean(model, history(*seen)), log_mean(model, still_alive(*seen))
    assert model.log_likelihood(summary).item() == pytest.approx(known, rel=0, abs=AGREEMENT)
    assert model.p_alive(summary).item() == pytest.approx(np.exp(alive - known), rel=AGREEMENT, abs=0)
    for horizon in HORIZONS.values():
        to_come = log_mean(model, both(still_alive(*seen), purchases_of_the_living(horizon)))
        expected = np.exp(to_come - known)
        assert model.expected_purchases(summary, horizon).item() == pytest.approx(expected, rel=AGREEMENT, abs=0)


@every_model
def test_new_customers(model: BGNBD) -> None:
    for horizon in HORIZONS.values():
        expected = np.exp(log_mean(model, purchases_of_the_living(horizon)))
        assert model.expected_purchases_new(horizon) == pytest.approx(expected, rel=AGREEMENT, abs=0)
    for n in (0, 1, 2, 7, 60):
        expected = np.exp(log_mean(model, count(n, 39.0)))
        assert model.purchase_pmf(n, 39.0) == pytest.approx(expected, rel=AGREEMENT, abs=0)


@every_model
def test_the_integrals_have_converged(model: BGNBD) -> None:
    # The densities of lambda and p themselves integrate to 1.
    assert log_mean(model, lambda rate, dropout: 0 * rate * dropout) == pytest.approx(0, abs=STEP_ERROR)
    for seen in HISTORIES.values():
        once, twice = (log_mean(model, history(*seen), steps=steps) for steps in (1.0, 2.0))
        assert once == pytest.approx(twice, rel=0, abs=STEP_ERROR)


@every_history
def test_dropout_after_the_first_purchase_is_told_apart(seen: tuple[int, float, float]) -> None:
    """Control: the same story but for one coin more is not within reach of the tolerance."""
    other = log_mean(PAPER, if_dropout_could_follow_the_first_purchase(*seen))
    assert abs(PAPER.log_likelihood(frame(*seen)).item() - other) > 1000 * AGREEMENT


# ---- the kernels' two ways of taking the expectation ----


@pytest.mark.parametrize(
    ("model", "horizon", "value"),
    [
        # Computed with mpmath's 2F1 in eq. 9 at 600 digits, where a double-precision series cancels, overflows or
        # hardly converges.
        (BGNBD(r=100.0, alpha=5.0, a=0.1, b=0.95), 40.0, 429.68578403418358),
        (BGNBD(r=0.243, alpha=4.414, a=500.0, b=2.426), 1e4, 0.85095193941756991),
        (BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), 1e9, 256.25492550312434),
        (BGNBD(r=442.75, alpha=0.5625, a=0.03125, b=1129.5), 3.75, 2881.0289174313661),
        (BGNBD(r=0.375, alpha=853.5, a=0.375, b=178.0), 0.0078125, 3.4325570723380621e-6),
    ],
)
def test_expectations_where_the_series_fails(model: BGNBD, horizon: float, value: float) -> None:
    # Rounding of some hundred terms, and of r in a + b - 1 - r.
    assert model.expected_purchases_new(horizon) == pytest.approx(value, rel=1e-12, abs=0)
