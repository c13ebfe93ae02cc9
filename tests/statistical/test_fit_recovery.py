"""Fits find what populations were made with, and their 95% intervals hold it 95 times in 100.

Twenty populations of 2,000 customers, simulated in numpy from the model's story. The number of intervals that hold
the truth is binomial; bounds are taken at a chance of one in a thousand, so that a right fit passes and one whose
errors are half the size does not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma

POPULATIONS = 20
CUSTOMERS = 2_000
TRUTH = BGNBD(r=0.6, alpha=5.0, a=0.8, b=2.0)
SPEND = GammaGamma(p=4.0, q=4.0, gamma=20.0)


def population(seed: int) -> pd.DataFrame:
    """Customers who buy at their rate until the coin after a repeat purchase, or the end of observation, stops them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rate = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, CUSTOMERS)
    dropout = rng.beta(TRUTH.a, TRUTH.b, CUSTOMERS)
    T = rng.uniform(30, 60, CUSTOMERS)
    x, t_x, clock = np.zeros(CUSTOMERS, dtype=int), np.zeros(CUSTOMERS), np.zeros(CUSTOMERS)
    buying = np.ones(CUSTOMERS, dtype=bool)
    while buying.any():
        clock = clock + rng.exponential(1.0, CUSTOMERS) / np.maximum(rate, 1e-300)
        buying &= clock <= T
        x[buying] += 1
        t_x[buying] = clock[buying]
        buying &= rng.random(CUSTOMERS) >= dropout
    nu = rng.gamma(SPEND.q, 1 / SPEND.gamma, CUSTOMERS)
    total = rng.gamma(SPEND.p * np.maximum(x, 1), 1 / nu)
    return pd.DataFrame(
        {"frequency": x, "recency": t_x, "T": T, "monetary_value": np.where(x > 0, total / np.maximum(x, 1), 0.0)}
    )


@pytest.fixture(scope="module")
def populations() -> list[pd.DataFrame]:
    return [population(seed) for seed in range(POPULATIONS)]


@pytest.fixture(scope="module")
def purchase_fits(populations: list[pd.DataFrame]) -> list[ModelFit[BGNBD]]:
    return [BGNBD.fit(each) for each in populations]


@pytest.fixture(scope="module")
def spend_fits(populations: list[pd.DataFrame]) -> list[ModelFit[GammaGamma]]:
    return [GammaGamma.fit(each) for each in populations]


def holding(fits: list[ModelFit], truth: dict[str, float], *, level: float = 0.95) -> pd.Series:
    """How many of the fits' intervals hold the truth, by parameter."""
    tables = [fit.summary(level) for fit in fits]
    return pd.Series(
        {name: sum(table.loc[name, "lower"] <= truth[name] <= table.loc[name, "upper"] for table in tables)
         for name in tables[0].index}
    )  # fmt: skip


def assert_coverage(fits: list[ModelFit], truth: dict[str, float], *, level: float) -> None:
    least, most = binom.ppf([0.001, 0.999], len(fits), level)
    counts = holding(fits, truth, level=level)
    assert counts.between(least, most).all(), f"{counts.to_dict()} of {len(fits)} hold the truth at {level}"


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_intervals_hold_the_truth(
    purchase_fits: list[ModelFit[BGNBD]], spend_fits: list[ModelFit[GammaGamma]], level: float
) -> None:
    assert all(fit.status.ok for fit in [*purchase_fits, *spend_fits])
    assert_coverage(purchase_fits, {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.0}, level=level)
    assert_coverage(spend_fits, {"p": 4.0, "q": 4.0, "gamma": 20.0}, level=level)


def test_a_wrong_truth_is_caught(purchase_fits: list[ModelFit[BGNBD]], spend_fits: list[ModelFit[GammaGamma]]) -> None:
    """Control: parameters 15% (rates) or half (dropout, spend) off are not held as often as they would have to be."""
    with pytest.raises(AssertionError, match="hold the truth"):
        assert_coverage(purchase_fits, {"r": 0.69, "alpha": 5.0, "a": 0.8, "b": 2.0}, level=0.95)
    with pytest.raises(AssertionError, match="hold the truth"):
        assert_coverage(purchase_fits, {"r": 0.6, "alpha": 5.0, "a": 1.2, "b": 2.0}, level=0.95)
    with pytest.raises(AssertionError, match="hold the truth"):
        assert_coverage(spend_fits, {"p": 4.0, "q": 6.0, "gamma": 20.0}, level=0.95)


def test_stated_errors_are_the_spread_of_the_estimates(purchase_fits: list[ModelFit[BGNBD]]) -> None:
    logs = np.log([list(fit.parameters.values()) for fit in purchase_fits])
    stated = np.mean([[e / v for e, v in zip(fit.standard_errors.values(), fit.parameters.values(), strict=True)]
                      for fit in purchase_fits], axis=0)  # fmt: skip
    # The standard deviation of 20 numbers is known to 1/sqrt(2 x 19) = 16%; three of those.
    assert (np.abs(logs.std(axis=0, ddof=1) / stated - 1) < 0.49).all()
