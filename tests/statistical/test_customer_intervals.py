"""Truth: the intervals about customers cover what they claim, on customers whose true values are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
        found = customers.top_share(generator.exponential(size=400), replications=200, seed=number)
        hits += found.lower <= truth <= found.upper
    assert hits / ROUNDS >= LOWEST


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
