"""How many periods hold a purchase, a second time: by integrals over the traits from each story, and by walking.

The mean is a sum over periods of P(still there at its start) x P(a purchase in it), each written from the story and
averaged by the trapezoidal rule of `test_families_blind.py`. The law is held to what the package knows otherwise (no
purchase in m periods is no purchase in a time of m), and to customers simulated purchase by purchase.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from tests.reference.test_families_blind import HISTORIES, MODELS, Story, every_model, frame, known, log_mean, pareto

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.purchase.in_periods import InPeriods

PERIODS = 4
# The rules over the traits leave 1e-9, those with stages 1e-6 (see `active_periods.py`), times some ten periods.
AGREEMENT = {"mbg_cnbd": 1e-5}
# The regular buyers' stages have no sum over periods: simulated customers stand for it below.
SUMMED = {name: case for name, case in MODELS.items() if not isinstance(case[0], cs.models.MBGCNBD)}
SEEN = [HISTORIES[name] for name in ("no repeat", "paper's")]


def log_one_period(model: Any, start: float) -> Any:
    """ln P(there `start` from now, and a purchase within the period from then on), given the traits and alive now."""

    def of(u: np.ndarray, w: np.ndarray) -> np.ndarray:
        rate = np.exp(u)
        if isinstance(model, cs.ParetoNBD):
            total = rate + np.exp(w)
            return -np.exp(w) * start + u - np.log(total) + np.log(-np.expm1(-total))
        p = 0.0 if isinstance(model, cs.NBD) else np.exp(-np.logaddexp(0, -w))
        return -rate * p * start + np.log(-np.expm1(-rate)) + 0 * w

    return of


@pytest.mark.parametrize(("model", "story"), SUMMED.values(), ids=SUMMED.keys())
@pytest.mark.parametrize("seen", SEEN, ids=str)
def test_the_mean_is_the_sum_over_periods(model: Any, story: Story, seen: tuple[int, float, float]) -> None:
    total, _ = known(story, seen)
    expected = sum(
        np.exp(log_mean(story, story.alive(*seen), log_one_period(model, float(j))) - total) for j in range(PERIODS)
    )
    found = model.expected_active_periods(frame(*seen), PERIODS).item()
    assert found == pytest.approx(expected, rel=1e-7)


@every_model
@pytest.mark.parametrize("seen", SEEN, ids=str)
def test_the_law_goes_with_the_mean_and_with_silence(model: Any, story: Story, seen: tuple[int, float, float]) -> None:
    summary, close = frame(*seen), AGREEMENT.get(model.family, 1e-8)
    law = model.active_periods_pmf(range(PERIODS + 3), summary, PERIODS).iloc[0].to_numpy()
    assert law.sum() == pytest.approx(1, abs=close)
    assert (law[PERIODS + 1 :] == 0).all()
    mean = model.expected_active_periods(summary, PERIODS).item()
    assert law @ np.arange(law.size) == pytest.approx(mean, rel=close)
    assert law[0] == pytest.approx(model.conditional_pmf(0, summary, PERIODS).iloc[0, 0], rel=close)
    # Never more than purchases, and of one period the same yes or no.
    assert mean < model.expected_purchases(summary, PERIODS).item()
    once = model.active_periods_pmf([0, 1], summary, 1).iloc[0].to_numpy()
    assert once[0] == pytest.approx(model.conditional_pmf(0, summary, 1.0).iloc[0, 0], rel=close)
    assert once.sum() == pytest.approx(1, abs=close)


def walked(traits: pd.DataFrame, k: int, periods: int, rng: np.random.Generator) -> np.ndarray:
    """Active periods of customers who are alive now, purchase by purchase."""
    n = len(traits)
    bought = np.zeros((n, periods + 1), dtype=bool)
    rate = traits["rate"].to_numpy() * k
    end = np.full(n, np.inf)
    if "death_rate" in traits and (traits["death_rate"] > 0).any():
        end = rng.exponential(1 / traits["death_rate"].to_numpy())
    dropout = traits["dropout"].to_numpy() if "dropout" in traits else np.zeros(n)
    left = k - (traits["stages"].to_numpy() if "stages" in traits else np.zeros(n, dtype=int))
    clock, here = np.zeros(n), traits["alive"].to_numpy().astype(bool)
    while here.any():
        clock = clock + rng.gamma(left, 1 / np.maximum(rate, 1e-300))
        left = np.full(n, k)
        here = here & (clock < np.minimum(end, periods))
        rows = np.flatnonzero(here)
        bought[rows, np.minimum(clock[rows], periods).astype(int)] = True
        here = here & (rng.random(n) >= dropout)
    return bought[:, :periods].sum(axis=1)


LIVE = {
    "BG/NBD": cs.BGNBD(r=0.9, alpha=3.0, a=0.8, b=2.5),
    "Pareto/NBD": cs.ParetoNBD(r=0.9, alpha=3.0, s=0.8, beta=10.0),
    "NBD": cs.NBD(r=0.9, alpha=3.0),
    "MBG/CNBD-3": cs.models.MBGCNBD(r=0.9, alpha=0.2, a=0.8, b=2.5, k=3),
}


@pytest.mark.parametrize("model", LIVE.values(), ids=LIVE.keys())
def test_simulated_customers_follow_the_law(model: Any) -> None:
    """Chi-square of 6,000 customers of one history; and a wrong law, that of purchases, is caught."""
    size = 6000
    summary = pd.DataFrame({"frequency": [9] * size, "recency": 9.0, "T": 10.0, "log_intervals": 0.0})
    traits = model.draw_posterior(summary, seed=5)
    came = walked(traits, getattr(model, "k", 1), 8, np.random.Generator(np.random.PCG64(6)))
    counts = np.bincount(came, minlength=9)

    def p(law: np.ndarray) -> float:
        expected = size * law / law.sum()
        return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), 8))

    one = summary.head(1)
    assert p(model.active_periods_pmf(range(9), one, 8).to_numpy()[0]) > 1e-3
    purchases = model.conditional_pmf(range(9), one, 8.0).to_numpy()[0]
    assert p(np.append(purchases[:8], 1 - purchases[:8].sum())) < 1e-6


def test_new_customers_pass_a_part_of_a_period_uncounted() -> None:
    """By age 3 + 2/7 the first 2/7 of a period is not counted: three whole periods after it are."""
    model = cs.ParetoNBD(r=0.9, alpha=3.0, s=1.0, beta=10.0)
    story = pareto(model)
    start = story.alive(0, 0.0, 0.0)
    expected = sum(np.exp(log_mean(story, start, log_one_period(model, j + 2 / 7))) for j in range(3))
    assert model.expected_active_periods_new(3 + 2 / 7) == pytest.approx(expected, rel=1e-7)
    assert model.expected_active_periods_new(0.9) == 0
    # 21/7 is 3, though division may leave a trace.
    trace = model.expected_active_periods_new(3 - 1e-12)
    assert trace == pytest.approx(model.expected_active_periods_new(3.0), rel=1e-9)


def test_hard_customers_have_laws() -> None:
    """Seen for a day, for nothing, or 5,000 times: chances that are chances."""
    summary = pd.DataFrame(
        {"frequency": [0, 0, 3, 5000], "recency": [0.0, 0, 0.5, 30], "T": [0.0, 1 / 7, 0.6, 31], "log_intervals": 0.0}
    )
    for model in (*LIVE.values(), cs.BGNBD(r=0.05, alpha=0.3, a=0.05, b=0.3)):
        law = model.active_periods_pmf(range(9), summary, 8).to_numpy()
        assert ((law >= 0) & (law <= 1)).all()
        np.testing.assert_allclose(law.sum(axis=1), 1, atol=1e-6)
        assert np.isfinite(model.expected_active_periods_new([0, 0.4, 7, 200])).all()


def test_refusals() -> None:
    summary = frame(*SEEN[1])
    with pytest.raises(ConfigError, match="periods must be whole numbers"):
        LIVE["NBD"].expected_active_periods(summary, 2.5)
    with pytest.raises(DataError, match=r"churnsim\.data\.split_periods beside other models"):
        InPeriods(cs.models.BGBB(alpha=1, beta=1, gamma=1, delta=1, unit="W")).expected_purchases(summary, 3)
