"""The n-th highest value, as sorting finds it."""

from __future__ import annotations

import numpy as np
import pytest

from churnsim.kernels.numerics.top_k import highest_of, nth_highest

RANDOM = np.random.default_rng(7)
VALUES = {
    "different": RANDOM.random(501),
    "mostly equal": np.where(RANDOM.random(501) < 0.9, 0.3, RANDOM.random(501)),
    "all equal": np.full(40, 2.5),
    "unscored": np.where(RANDOM.random(200) < 0.5, -np.inf, RANDOM.random(200)),
    "cents": RANDOM.integers(0, 30, 300) * 1.0,
    "rising": np.arange(100.0),
    "one": np.array([4.0]),
}


@pytest.mark.parametrize("name", VALUES)
def test_nth_highest(name: str) -> None:
    values = VALUES[name]
    kept, ranked = values.copy(), np.sort(values)[::-1]
    assert [nth_highest(values, n + 1) for n in range(values.size)] == ranked.tolist()
    assert np.array_equal(values, kept)  # the caller's values stay as they were


@pytest.mark.parametrize("kinds", [3, 1000, 10**9])
def test_of_many_values_as_sorting_finds_them(kinds: int) -> None:
    """Enough of them to select from a sample's neighbourhood; among equals those of the lowest uids."""
    values, uids = RANDOM.integers(0, kinds, 20_000), RANDOM.permutation(20_000)
    eligible = RANDOM.random(values.size) < 0.6
    places = np.flatnonzero(eligible)
    ranked = places[np.lexsort((uids[places], -values[places]))]
    for number in (0, 1, 40, 6000, 11_000, ranked.size, ranked.size + 5):
        expected = np.zeros(values.size, dtype=np.bool_)
        expected[ranked[:number]] = True
        assert np.array_equal(highest_of(values.astype(float), uids, eligible, number), expected)
    assert nth_highest(values.astype(float), 700) == np.sort(values)[-700]
