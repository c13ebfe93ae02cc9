"""Truth: the intervals about customers cover what they claim, on customers whose true values are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from churnsim.data import customers
from churnsim.data.customers.estimate import ratio_of_sums

ROUNDS = 200
# 95% +- 3 standard errors of a coverage measured in 200 rounds, and a percent for what asymptotics owe small samples.
LOWEST = 0.95 - 3 * (0.95 * 0.05 / ROUNDS) ** 0.5 - 0.01


def test_top_share_interval_covers():
    """Exponential values: the top fifth hold .2 (1 - ln .2) of the sum (its Lorenz curve)."""
    truth = 0.2 * (1 - np.log(0.2))
    generator = np.random.default_rng(5)
    hits = 0
    for number in range(ROUNDS):
        found = customers.top_share(generator.exponential(size=400), replications=100, seed=number)
        hits += found.lower <= truth <= found.upper
    assert hits / ROUNDS >= LOWEST


def test_the_error_over_every_purchase_is_that_of_samples():
    """Customers who buy at rates of their own: the error of the share who buy again within 30 days of any purchase is
    its spread over samples, within three standard errors of a standard deviation. As if purchases were independent of
    whose they are, it would be a third as large."""
    generator, found = np.random.default_rng(10), []
    for _ in range(150):
        gaps = np.ceil(generator.exponential(generator.gamma(2.0, 20.0, (100, 1)), (100, 120)))
        who, which = np.nonzero(np.cumsum(gaps, axis=1) < 365)
        day = np.datetime64("2020-01-01") + np.cumsum(gaps, axis=1)[who, which].astype(int)
        log = pd.DataFrame({"customer_id": who, "date": day})
        found.append(customers.repeat_within(log, within_days=30, after_order=None, until="2020-12-31"))
    spread = np.std([each.value for each in found], ddof=1)
    assert abs(np.mean([each.standard_error for each in found]) / spread - 1) < 3 / (2 * 150) ** 0.5


def test_a_few_who_bring_most_are_told_as_surely():
    """Log-normal values (sigma 1.5): the best share p holds Phi(sigma - z) of the sum, z the normal quantile of 1 - p
    (Lorenz curve). Percentile limits held the ratio of the best 5% in 75% of such rounds."""
    p = np.array([0.05, 0.2])
    share = norm.cdf(1.5 - norm.ppf(1 - p))
    truth = share / (1 - share) / (p / (1 - p))
    generator, hits = np.random.default_rng(8), np.zeros(2)
    for number in range(60):
        values = np.exp(generator.normal(0.0, 1.5, 600))
        found = customers.replacement_ratio(values, shares=[0.05, 0.2], replications=100, seed=number)
        hits += (found["lower"] <= truth) & (truth <= found["upper"])
    assert (hits / 60 >= 0.95 - 3 * (0.95 * 0.05 / 60) ** 0.5 - 0.01).all(), hits / 60


def test_the_error_of_a_share_is_that_of_samples():
    """Against the spread over samples of the same size, within three standard errors of a standard deviation."""
    generator = np.random.default_rng(9)
    samples = [generator.exponential(size=500) for _ in range(400)]
    found = [customers.top_share(each, replications=2) for each in samples]
    spread = np.std([each.value for each in found], ddof=1)
    assert abs(np.mean([each.standard_error for each in found]) / spread - 1) < 3 / (2 * 400) ** 0.5
    for unit in (1e-300, 1.0, 1e308):
        same = customers.top_share(np.full(50, unit), replications=20)
        assert (same.value, same.lower, same.upper) == pytest.approx((0.2, 0.2, 0.2))


def test_fewer_than_five_of_the_best_have_no_limits():
    found = customers.replacement_ratio(np.arange(1.0, 201.0), shares=[0.02, 0.025], replications=20)
    assert found["customers"].tolist() == [4, 5]
    assert found["lower"].isna().tolist() == found["upper"].isna().tolist() == [True, False]


def test_ratio_interval_covers():
    generator = np.random.default_rng(6)
    hits = 0
    for _ in range(ROUNDS):
        below = generator.exponential(size=200)
        above = below * generator.uniform(0, 1, size=200)  # a ratio of .5
        found = ratio_of_sums(above, below)
        hits += found.lower <= 0.5 <= found.upper
    assert hits / ROUNDS >= LOWEST


def test_repeat_interval_covers():
    """Second purchases after exponential waits (rate 1/200 a day), customers arriving over a year."""
    truth = 1 - np.exp(-365 / 200)
    generator = np.random.default_rng(7)
    start = np.datetime64("2020-01-01")
    hits = 0
    for _ in range(ROUNDS):
        born = generator.integers(0, 365, 150)
        wait = np.ceil(generator.exponential(200, 150)).astype(int)
        day = np.concatenate([born, born + wait])
        frame = pd.DataFrame({"customer_id": np.tile(np.arange(150), 2), "date": start + day})
        found = customers.repeat_within(frame[day < 600], within_days=365, until="2021-08-22")
        hits += found.lower <= truth <= found.upper
    assert hits / ROUNDS >= LOWEST
