"""BG/BB a second time, blind: what a customer with given p and theta does, step by step, averaged by Gauss-Jacobi
quadrature, which is exact here because each chance is a polynomial in p and in theta. No formula of the paper is used.

Published: Fader, Hardie & Shang (2010), Marketing Science 29(6): estimates, and P(alive) of three donors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import roots_jacobi

import churnsim as cs

Floats = NDArray[np.float64]
AGREEMENT = 1e-10  # some hundred products of numbers below 1

MODELS = {
    "as published": cs.models.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783),
    "gamma is 1": cs.models.BGBB(alpha=0.3, beta=2.0, gamma=1.0, delta=9.0),
    "like customers": cs.models.BGBB(alpha=40.0, beta=60.0, gamma=5.0, delta=80.0),
}
HISTORIES = [(0, 0, 6), (1, 1, 6), (2, 4, 6), (6, 6, 6), (3, 10, 25), (0, 0, 1)]
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
every_history = pytest.mark.parametrize("seen", HISTORIES, ids=str)


def mean(model: cs.models.BGBB, chance: Callable[[Floats, Floats], Floats]) -> float:
    """The mean of chance(p, theta) over the population."""
    nodes = []
    for a, b in ((model.alpha, model.beta), (model.gamma, model.delta)):
        z, w = roots_jacobi(80, b - 1, a - 1)
        nodes.append(((1 + z) / 2, w / w.sum()))
    (p, on_p), (theta, on_theta) = nodes
    return float(on_p @ chance(p[:, None], theta[None, :]) @ on_theta)


def life(seen: tuple[int, int, int], p: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """(P(history and alive at the next opportunity), P(history)), walking from opportunity to opportunity.

    Which of the opportunities before the last purchase were bought at does not matter; the first ones are taken.
    """
    x, t_x, n = seen
    bought = [k < x - 1 or k == t_x - 1 for k in range(n)] if x else [False] * n
    alive, gone = np.ones_like(p * theta), np.zeros_like(p * theta)
    for buys in bought:
        alive, gone = alive * (1 - theta), gone + alive * theta
        if buys:
            alive, gone = alive * p, 0 * gone
        else:
            alive = alive * (1 - p)
    met = alive * (1 - theta)
    return met, alive + gone


def counted(h: int, p: Floats, theta: Floats) -> list[Floats]:
    """P(n purchases at the next h opportunities) for n = 0 ... h of a customer who meets the next one."""
    size = np.ones_like(p * theta)
    alive, gone = [size], [0 * size]
    for k in range(h):
        if k:
            gone = [g + a * theta for g, a in zip(gone, alive, strict=True)]
            alive = [a * (1 - theta) for a in alive]
        zero = 0 * size
        alive = [a * (1 - p) + b * p for a, b in zip([*alive, zero], [zero, *alive], strict=True)]
        gone = [*gone, zero]
    return [a + g for a, g in zip(alive, gone, strict=True)]


def frame(seen: tuple[int, int, int]) -> pd.DataFrame:
    return pd.DataFrame([seen], columns=["frequency", "recency", "T"])


@every_model
@every_history
def test_known_customers(model: cs.models.BGBB, seen: tuple[int, int, int]) -> None:
    total = mean(model, lambda p, theta: life(seen, p, theta)[1])
    alive = mean(model, lambda p, theta: life(seen, p, theta)[0]) / total
    assert model.log_likelihood(frame(seen)).item() == pytest.approx(np.log(total), rel=0, abs=AGREEMENT)
    assert model.p_alive(frame(seen)).item() == pytest.approx(alive, rel=AGREEMENT)
    h = 7
    chances = model.conditional_pmf(range(h + 2), frame(seen), h + 0.5).iloc[0].to_numpy()
    expected = [
        mean(model, lambda p, theta, n=n: life(seen, p, theta)[0] * counted(h, p, theta)[n]) / total
        for n in range(h + 1)
    ]
    expected[0] += 1 - alive
    np.testing.assert_allclose(chances, [*expected, 0.0], rtol=1e-9, atol=1e-14)
    number = np.arange(h + 1) @ np.array(expected)
    assert model.expected_purchases(frame(seen), h).item() == pytest.approx(number, rel=1e-9)
    # Each opportunity's purchases, discounted to the last one seen.
    worth = sum(
        1.1**-j * mean(model, lambda p, theta, j=j: life(seen, p, theta)[0] * p * (1 - theta) ** (j - 1)) / total
        for j in range(1, h + 1)
    )
    assert model.residual_transactions(frame(seen), 0.10, horizon=h).item() == pytest.approx(worth, rel=1e-9)


@every_model
def test_new_customers(model: cs.models.BGBB) -> None:
    for h in (1, 5, 12):
        chances = [mean(model, lambda p, theta, n=n, h=h: (1 - theta) * counted(h, p, theta)[n]) for n in range(h + 1)]
        chances[0] += mean(model, lambda p, theta: theta + 0 * p)
        np.testing.assert_allclose(model.purchase_pmf(range(h + 1), h), chances, rtol=1e-9)
        assert model.expected_purchases_new(h) == pytest.approx(np.arange(h + 1) @ np.array(chances), rel=1e-9)


@every_model
def test_far_horizons(model: cs.models.BGBB) -> None:
    """Closed form against the plain sum, on both sides of where the one takes over."""
    horizons = np.array([64.0, 65.0, 1000.0, 20_000.0])
    j = np.arange(horizons[-1])
    met = np.cumsum(np.cumprod((model.delta + j) / (model.gamma + model.delta + j)))
    expected = model.alpha / (model.alpha + model.beta) * met[horizons.astype(int) - 1]
    np.testing.assert_allclose(model.expected_purchases_new(horizons), expected, rtol=1e-8)
    # DERT without end is the sum to where nothing is left.
    seen = frame((2, 4, 6))
    endless, long = (model.residual_transactions(seen, 0.10, horizon=h).item() for h in (np.inf, 2000))
    assert endless == pytest.approx(long, rel=1e-12)


@every_model
def test_waits(model: cs.models.BGBB) -> None:
    seen = frame((2, 4, 6))
    for quantile in (0.1, 0.3, 0.7):
        wait = model.time_to_next_purchase(seen, quantile=quantile).item()
        if np.isinf(wait):
            assert 1 - model.conditional_pmf([0], seen, 5000).iloc[0, 0] < quantile
        else:
            by, before = (1 - model.conditional_pmf([0], seen, h).iloc[0, 0] for h in (wait, wait - 1))
            assert before < quantile <= by


def test_published_donors() -> None:
    donors = cs.datasets.donations()
    assert donors["customers"].sum() == 11_104
    fit = cs.models.BGBB.fit(donors, weights=donors["customers"])
    assert fit.status.ok
    assert fit.n == 11_104
    published = {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}
    for name, value in published.items():
        assert fit.parameters[name] == pytest.approx(value, rel=0, abs=0.0005), name
    assert fit.loglik == pytest.approx(-33225.6, rel=0, abs=0.05)
    three = pd.DataFrame([(0, 0, 6), (2, 4, 6), (6, 6, 6)], columns=["frequency", "recency", "T"])
    np.testing.assert_allclose(fit.model.p_alive(three), [0.11, 0.59, 0.93], rtol=0, atol=0.005)
    # Control: without the last year's silence the fit is another.
    other = cs.models.BGBB.fit(donors.assign(T=7), weights=donors["customers"])
    assert abs(other.parameters["delta"] - 2.783) > 0.0005


def test_gradient_is_the_slope() -> None:
    donors = cs.datasets.donations()
    likelihood = cs.models.BGBB.likelihood(donors, weights=donors["customers"])
    at = np.array([0.7, 1.9, 0.4, 5.0])
    gradient = likelihood.objective(at)[1]
    for i in range(4):
        shift = 1e-4 * at[i] * np.eye(4)[i]
        slope = (likelihood.objective(at + shift)[0] - likelihood.objective(at - shift)[0]) / (2 * shift[i])
        # Truncation of some shift^2, and rounding of a value of 40,000 over the step.
        assert slope == pytest.approx(gradient[i], rel=1e-6)


def test_refusals() -> None:
    model = MODELS["as published"]
    good = {"frequency": [1], "recency": [2.0], "T": [6.0]}
    for bad, message in (
        ({"T": [6.5]}, "T must be a whole number of opportunities; customer '0' has 6.5"),
        ({"recency": [2.5]}, "recency must be the whole number"),
        ({"frequency": [3]}, "frequency must be <= recency"),
    ):
        with pytest.raises(cs.errors.DataError, match=message):
            model.p_alive(pd.DataFrame(good | bad))
        with pytest.raises(cs.errors.DataError, match=message):
            cs.models.BGBB.fit(pd.DataFrame(good | bad))
