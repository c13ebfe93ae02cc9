"""Posterior draws of the families with a mixture of their own, against brute-force integration over the traits.

Seeded; a comparison is made at 4.5 standard errors, which one in 150,000 right ones would miss. BG/NBD has its
own file.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import gammaincc

import churnsim as cs

Floats = NDArray[np.float64]
DRAWS = 6_000
ERRORS = 4.5

# Grids of both traits' coordinates, wide enough for every history below.
U = np.linspace(-30.0, 6.0, 900)[:, None]
W = np.linspace(-30.0, 12.0, 900)[None, :]
RATE, LOG_P, LOG_Q = np.exp(U), -np.logaddexp(0, -W), -np.logaddexp(0, W)


def gamma_log(z: Floats, shape: float, rate: float) -> Floats:
    return shape * z - rate * np.exp(z)


def pareto(m: cs.ParetoNBD, x: int, t_x: float, T: float) -> tuple[Floats, Floats]:
    prior = gamma_log(U, m.r, m.alpha) + gamma_log(W, m.s, m.beta) + x * U
    both = RATE + np.exp(W)
    left = np.exp(W) / both * (np.exp(-both * t_x) - np.exp(-both * T))
    with np.errstate(divide="ignore"):
        return prior - both * T, prior + np.log(np.maximum(left, 0.0))


def first_coin(m: cs.MBGNBD, x: int, t_x: float, T: float) -> tuple[Floats, Floats]:
    prior = gamma_log(U, m.r, m.alpha) + m.a * LOG_P + m.b * LOG_Q + x * U + x * LOG_Q
    return prior + LOG_Q - RATE * T, prior + LOG_P - RATE * t_x


def regular(m: cs.models.MBGCNBD, x: int, t_x: float, T: float) -> tuple[Floats, Floats]:
    prior = gamma_log(U, m.r, m.alpha) + m.a * LOG_P + m.b * LOG_Q + m.k * x * U + x * LOG_Q - RATE * t_x
    with np.errstate(divide="ignore"):
        return prior + LOG_Q + np.log(gammaincc(m.k, RATE * (T - t_x))), prior + LOG_P + 0 * RATE


CASES: dict[str, tuple[cs.models.PurchaseModel, Callable[..., tuple[Floats, Floats]], str, float]] = {
    "Pareto/NBD": (cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669), pareto, "death_rate", 1.0),
    "Pareto/NBD, beta small": (cs.ParetoNBD(r=1.5, alpha=20.0, s=1.2, beta=0.5), pareto, "death_rate", 1.0),
    "MBG/NBD": (cs.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614), first_coin, "dropout", 1.0),
    "MBG/CNBD-3": (cs.models.MBGCNBD(r=0.8, alpha=5.0, a=0.6, b=2.0, k=3), regular, "dropout", 3.0),
}
HISTORIES = {
    "no repeat": (0, 0.0, 38.86),
    "once, long ago": (1, 5.0, 38.86),
    "even chances": (2, 22.0, 38.86),
    "many": (60, 37.5, 38.86),
}


def assert_mean(values: Floats, expected: float, what: str) -> None:
    error = values.std(ddof=1) / np.sqrt(values.size)
    off = abs(values.mean() - expected)
    assert off <= ERRORS * error + 1e-9, f"{what}: {values.mean():.6g} is {off / error:.1f} errors from {expected:.6g}"


def compare(draws: pd.DataFrame, alive: Floats, gone: Floats, trait: str, stages: float) -> None:
    """P(alive), and the means of the traits, of the living and of the gone."""
    top = max(alive.max(), gone.max())
    alive, gone = np.exp(alive - top), np.exp(gone - top)
    mass = alive.sum() + gone.sum()
    second = np.exp(W) if trait == "death_rate" else np.exp(LOG_P)
    living = draws["alive"].to_numpy(float)
    assert_mean(living, alive.sum() / mass, "alive")
    for name, nodes in (("rate", RATE / stages), (trait, second)):
        values = draws[name].to_numpy()
        assert_mean(values * living, (alive * nodes).sum() / mass, f"{name} of the living")
        assert_mean(values * (1 - living), (gone * nodes).sum() / mass, f"{name} of the gone")
        # Of the logarithm too: a heavy tail hides a wrong body.
        assert_mean(np.log(values), ((alive + gone) * np.log(nodes)).sum() / mass, f"ln {name}")


@pytest.mark.parametrize(("model", "posterior", "trait", "stages"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("seen", HISTORIES.values(), ids=HISTORIES.keys())
def test_posterior_draws(model, posterior, trait, stages, seen) -> None:
    summary = pd.DataFrame([seen] * DRAWS, columns=["frequency", "recency", "T"])
    draws = model.draw_posterior(summary, seed=5)
    compare(draws, *posterior(model, *seen), trait, stages)
    # A customer's draw is its own, whoever else is in the frame.
    pd.testing.assert_frame_equal(model.draw_posterior(summary.iloc[40:50], seed=5), draws.iloc[40:50])


def test_stages_passed() -> None:
    """A live regular buyer has passed j stages with weight lambda^j silent^j/j!, averaged over its posterior."""
    model, _, _, _ = CASES["MBG/CNBD-3"]
    seen = (2, 30.0, 38.86)
    draws = model.draw_posterior(pd.DataFrame([seen] * DRAWS, columns=["frequency", "recency", "T"]), seed=6)
    weights = np.array([1.0, 6.8 * 8.86 / 43.86, 6.8 * 7.8 / 2 * (8.86 / 43.86) ** 2])  # R = .8 + 3 . 2
    living = draws[draws["alive"]]
    for j in range(3):
        assert_mean((living["stages"] == j).to_numpy(float), weights[j] / weights.sum(), f"{j} stages")


def test_bg_bb_draws() -> None:
    """By Bayes' rule on a grid of p and one of theta, each history walked opportunity by opportunity."""
    model = cs.models.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    grid = (np.arange(200_000) + 0.5) / 200_000

    def moments(a: float, b: float) -> tuple[float, float]:
        """The integrals of z^(a - 1) (1 - z)^(b - 1) and of z times that."""
        density = grid ** (a - 1) * (1 - grid) ** (b - 1)
        return density.mean(), (density * grid).mean()

    for x, t_x, n in ((2, 4, 6), (1, 1, 6), (5, 6, 6)):
        # Opportunities let pass since t_x, and how often theta came out, as did 1 - theta; the first one lives on.
        stories = [(n - t_x, 0, n + 1), *((i, 1, t_x + i) for i in range(n + 1 - t_x))]
        mass, of_p, of_theta = np.zeros((3, len(stories)))
        for place, (passed, ended, went_on) in enumerate(stories):
            coin, its_mean = moments(model.alpha + x, model.beta + t_x - x + passed)
            end, end_mean = moments(model.gamma + ended, model.delta + went_on)
            mass[place], of_p[place], of_theta[place] = coin * end, its_mean * end, coin * end_mean
        summary = pd.DataFrame([(x, t_x, n)] * DRAWS, columns=["frequency", "recency", "T"])
        draws = model.draw_posterior(summary, seed=9)
        living = draws["alive"].to_numpy(float)
        # Midpoints of a grid: the poles of the prior at 0 and 1 are off by less than a thousandth of a mean.
        for name, values, expected in (
            ("alive", living, mass[0] / mass.sum()),
            ("p", draws["purchase_probability"].to_numpy(), of_p.sum() / mass.sum()),
            ("theta", draws["dropout"].to_numpy(), of_theta.sum() / mass.sum()),
            ("theta of the gone", draws["dropout"].to_numpy() * (1 - living), of_theta[1:].sum() / mass.sum()),
        ):
            error = values.std(ddof=1) / np.sqrt(DRAWS)
            assert abs(values.mean() - expected) <= ERRORS * error + 1e-3 * expected, (name, x)


@pytest.mark.parametrize("wrong", ["time of leaving is always T", "one coin less"])
def test_a_wrong_mixture_is_caught(wrong: str) -> None:
    """Control: draws of a slightly other posterior do not pass."""
    seen = HISTORIES["once, long ago"]
    summary = pd.DataFrame([seen] * DRAWS, columns=["frequency", "recency", "T"])
    if wrong == "one coin less":
        model, _, trait, stages = CASES["MBG/NBD"]
        draws = cs.BGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614).draw_posterior(summary, seed=5)
        posterior = first_coin(model, *seen)
    else:
        model, _, trait, stages = CASES["Pareto/NBD"]
        draws = model.draw_posterior(summary, seed=5)
        rng = np.random.Generator(np.random.PCG64(1))
        late = rng.gamma(model.r + 1, 1 / (model.alpha + seen[2]), DRAWS)
        draws["rate"] = draws["rate"].where(draws["alive"], late)
        posterior = pareto(model, *seen)
    with pytest.raises(AssertionError, match="errors from"):
        compare(draws, *posterior, trait, stages)
