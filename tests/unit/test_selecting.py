"""The n-th highest value, as sorting finds it."""

from __future__ import annotations

import numpy as np
import pytest

from churnsim.kernels.selecting import nth_highest

RANDOM = np.random.default_rng(7)
VALUES = {
    "different": RANDOM.random(501),
    "mostly equal": np.where(RANDOM.random(501) < 0.9, 0.3, RANDOM.random(501)),
    "all equal": np.full(40, 2.5),
    "unscored": np.where(RANDOM.random(200) < 0.5, -np.inf, RANDOM.random(200)),
    "cents": RANDOM.integers(0, 30, 300),
    "rising": np.arange(100.0),
    "one": np.array([4]),
}


@pytest.mark.parametrize("name", VALUES)
def test_nth_highest(name: str) -> None:
    values = VALUES[name]
    kept, ranked = values.copy(), np.sort(values)[::-1]
    assert [nth_highest(values, n + 1) for n in range(values.size)] == ranked.tolist()
    assert np.array_equal(values, kept)  # the caller's values stay as they were
