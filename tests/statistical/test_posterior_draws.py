"""Draws of customers' traits against theory: exact chances, and means taken by brute-force integration.

Seeded, so a test passes or fails for good; a comparison is made at 4.5 standard errors, which one in 150,000 right
ones would miss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from churnsim.errors import DataError
from churnsim.kernels.likelihoods.population import draw_spend_rates
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

Floats = NDArray[np.float64]

MODEL = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
DRAWS = 6_000
ERRORS = 4.5
HISTORIES = {
    "no repeat": (0, 0.0, 38.86),
    "once, long ago": (1, 5.0, 38.86),
    "even chances": (2, 22.0, 38.86),
    "lately": (6, 38.0, 38.86),
    "many": (200, 36.5, 38.86),
}
every_history = pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())


@dataclass(frozen=True)
class Posterior:
    """Nodes of (lambda, p) with their weights, alive and gone, in a customer's posterior."""

    rate: Floats
    dropout: Floats
    alive: Floats
    gone: Floats

    @classmethod
    def of(cls, model: BGNBD, x: int, t_x: float, T: float) -> Posterior:
        """Prior times likelihood, both as the model tells it, on a grid of log lambda and logit p."""
        u = np.linspace(-60, np.log((model.r + x + 80) / model.alpha), 3000)[:, None]
        y = np.linspace(-60, 30, 900)[None, :]
        rate, dropout = np.exp(u), 1 / (1 + np.exp(-y))
        stay = -np.logaddexp(0, y)  # ln(1 - p)
        prior = model.r * u - model.alpha * rate + model.a * -np.logaddexp(0, -y) + model.b * stay
        alive = prior + x * u - rate * T + x * stay
        gone = prior + x * u - rate * t_x + (x - 1) * stay - np.logaddexp(0, -y) if x else np.full_like(alive, -np.inf)
        top = max(alive.max(), gone.max())
        alive, gone = np.exp(alive - top), np.exp(gone - top)
        mass = alive.sum() + gone.sum()
        return cls(rate, dropout, alive / mass, gone / mass)

    def mean(self, values: Floats) -> float:
        return float(((self.alive + self.gone) * values).sum())


def drawn(model: BGNBD, history: tuple[int, float, float], *, seed: int = 7) -> pd.DataFrame:
    x, t_x, T = history
    summary = pd.DataFrame({"frequency": x, "recency": t_x, "T": T}, index=range(DRAWS))
    return model.draw_posterior(summary, seed=seed)


def assert_mean(values: Floats, expected: float, what: str) -> None:
    error = values.std(ddof=1) / np.sqrt(values.size)
    off = abs(values.mean() - expected)
    assert off <= ERRORS * error + 1e-12, f"{what}: {values.mean():.6g} is {off / error:.1f} errors from {expected:.6g}"


def assert_draws(draws: pd.DataFrame, posterior: Posterior) -> None:
    """P(alive), the means of lambda and p, their spread, and how both go with being alive."""
    rate, dropout = draws["rate"].to_numpy(), draws["dropout"].to_numpy()
    alive = draws["alive"].to_numpy(dtype=float)
    assert_mean(alive, float(posterior.alive.sum()), "alive")
    for name, values, nodes in (("rate", rate, posterior.rate), ("dropout", dropout, posterior.dropout)):
        assert_mean(values, posterior.mean(nodes), name)
        assert_mean(values**2, posterior.mean(nodes**2), f"{name} squared")
        assert_mean(values * alive, float((posterior.alive * nodes).sum()), f"{name} of the living")
    assert_mean(rate * dropout, posterior.mean(posterior.rate * posterior.dropout), "rate times dropout")


@every_history
def test_posterior_draws(history: tuple[int, float, float]) -> None:
    assert_draws(drawn(MODEL, history), Posterior.of(MODEL, *history))


@every_history
def test_whole_distribution_of_the_rate(history: tuple[int, float, float]) -> None:
    posterior = Posterior.of(MODEL, *history)
    cdf = np.cumsum((posterior.alive + posterior.gone).sum(axis=1))
    # A cell is at most a third of a standard deviation wide, so that straight lines between cell ends are within
    # 1/200 of the CDF, a quarter of the distance that would count at 6,000 draws.
    middle = np.log(posterior.rate[:, 0]) + 0.5 * (np.log(posterior.rate[1, 0]) - np.log(posterior.rate[0, 0]))
    test = stats.kstest(np.log(np.maximum(drawn(MODEL, history)["rate"], 1e-300)), lambda z: np.interp(z, middle, cdf))
    assert test.pvalue > 1e-4


@every_history
def test_alive_is_drawn_with_the_closed_form(history: tuple[int, float, float]) -> None:
    summary = pd.DataFrame([history], columns=["frequency", "recency", "T"])
    chance = MODEL.p_alive(summary).item()
    # The integral is the same number by another way; its trapezoidal rule converges geometrically.
    assert Posterior.of(MODEL, *history).alive.sum() == pytest.approx(chance, rel=1e-9, abs=0)
    count = drawn(MODEL, history)["alive"].sum()
    error = np.sqrt(DRAWS * chance * (1 - chance))
    assert abs(count - DRAWS * chance) <= ERRORS * error


@pytest.mark.parametrize("wrong", ["even odds", "odds without the silence", "the other traits"])
def test_a_wrong_mixture_is_caught(wrong: str) -> None:
    """Control: the same check on draws by numpy, with right and with wrong weights or components."""
    x, t_x, T = HISTORIES["even chances"]
    rng = np.random.Generator(np.random.PCG64(3))
    posterior = Posterior.of(MODEL, x, t_x, T)
    chance = MODEL.p_alive(pd.DataFrame({"frequency": [x], "recency": [t_x], "T": [T]})).item()

    def mixture(weight: float, *, swapped: bool = False) -> pd.DataFrame:
        alive = rng.random(DRAWS) < weight
        living = ~alive if swapped else alive
        rate = rng.gamma(MODEL.r + x, 1 / (MODEL.alpha + np.where(living, T, t_x)))
        dropout = rng.beta(MODEL.a + ~living, MODEL.b + x - ~living)
        return pd.DataFrame({"rate": rate, "dropout": dropout, "alive": alive})

    assert_draws(mixture(chance), posterior)
    without_silence = 1 / (1 + MODEL.a / (MODEL.b + x - 1))
    planted = {
        "even odds": lambda: mixture(0.5),
        "odds without the silence": lambda: mixture(without_silence),
        "the other traits": lambda: mixture(chance, swapped=True),
    }
    with pytest.raises(AssertionError, match="errors from"):
        assert_draws(planted[wrong](), posterior)


def test_a_customers_draw_is_its_own() -> None:
    """It depends on the id, the seed and the replication, not on who else is in the frame or in what order."""
    rng = np.random.Generator(np.random.PCG64(5))
    x = rng.poisson(2, 50)
    T = rng.uniform(20, 40, 50)
    summary = pd.DataFrame(
        {"frequency": x, "recency": np.where(x > 0, T * 0.7, 0), "T": T}, index=[f"c{i}" for i in range(50)]
    )
    everybody = MODEL.draw_posterior(summary, seed=1)
    some = summary.sample(20, random_state=1)
    pd.testing.assert_frame_equal(MODEL.draw_posterior(some, seed=1), everybody.loc[some.index])
    for other in (MODEL.draw_posterior(summary, seed=2), MODEL.draw_posterior(summary, seed=1, replication=1)):
        assert (other["dropout"] != everybody["dropout"]).all()
    renamed = MODEL.draw_posterior(summary.set_axis([f"d{i}" for i in range(50)]), seed=1)
    assert (renamed["dropout"].to_numpy() != everybody["dropout"].to_numpy()).all()


def test_one_row_a_customer() -> None:
    twice = pd.DataFrame({"frequency": [0, 0], "recency": [0.0, 0.0], "T": [9.0, 9.0]}, index=["ann", "ann"])
    with pytest.raises(DataError, match=r"customer id 'ann' stands in more than one row"):
        MODEL.draw_posterior(twice, seed=1)


def test_population_draws() -> None:
    customers = MODEL.draw_customers(20_000, seed=11)
    rates, dropouts = stats.gamma(MODEL.r, scale=1 / MODEL.alpha), stats.beta(MODEL.a, MODEL.b)
    for column, law in (("rate", rates), ("dropout", dropouts)):
        values = customers[column].to_numpy()
        assert_mean(values, law.mean(), column)
        assert_mean((values - law.mean()) ** 2, law.var(), f"variance of {column}")
        assert stats.kstest(values, law.cdf).pvalue > 1e-4
    # Drawn independently of each other.
    assert abs(stats.spearmanr(customers["rate"], customers["dropout"]).statistic) < ERRORS / np.sqrt(20_000)
    pd.testing.assert_frame_equal(MODEL.draw_customers(100, seed=11), customers.head(100))
    assert (MODEL.draw_customers(100, seed=11, replication=1)["rate"] != customers["rate"].head(100)).all()


@pytest.mark.parametrize(("x", "m"), [(0, 0.0), (3, 50.0), (100, 12.0)])
def test_spend_draws(x: int, m: float) -> None:
    """nu given the history is Gamma(q + p x, rate gamma + x m)."""
    p, q, gamma = 6.25, 3.74, 15.44
    values = draw_spend_rates(p, q, gamma, np.full(DRAWS, x), np.full(DRAWS, m), np.arange(DRAWS), 0, 3, 2, 0)
    assert stats.kstest(values, stats.gamma(q + p * x, scale=1 / (gamma + x * m)).cdf).pvalue > 1e-4
    assert_mean(values, (q + p * x) / (gamma + x * m), "spend rate")
    # Mean spend p/nu has the expectation that expected_spend reports.
    assert_mean(p / values, p * (gamma + x * m) / (p * x + q - 1), "spend")


def test_spend_draws_follow_gamma_gamma() -> None:
    """Population and posterior means of the mean spend p/nu: p gamma/(q-1), and E[mean spend | history]."""
    model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    population = model.draw_customers(40_000, seed=3)["mean_spend"]
    assert abs(population.mean() - model.population_mean()) < 4 * population.std() / np.sqrt(population.size)
    history = pd.DataFrame({"frequency": [4], "monetary_value": [50.0]}, index=["ann"])
    draws = np.array([model.draw_posterior(history, seed=3, replication=k)["mean_spend"].item() for k in range(4000)])
    expected = float(model.expected_spend(history).iloc[0])
    assert abs(draws.mean() - expected) < 4 * draws.std() / np.sqrt(draws.size)
    # Control: the mean of another history is told apart.
    assert abs(draws.mean() - float(model.expected_spend(history.assign(frequency=1)).iloc[0])) > 1
