"""The same words as numpy's Philox, an independent implementation of the same generator, on random counters."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from churnsim.kernels.numerics.philox import block, block_of_five, words

Words = NDArray[np.uint64]
MASK = 2**64 - 1


def numpy_words(counter: Words, key: Words) -> list[int]:
    """numpy adds one to its 256-bit counter before the first block, so it is set one back."""
    value = sum(int(word) << (64 * i) for i, word in enumerate(counter))
    before = (value - 1) % 2**256
    state = np.array([(before >> (64 * i)) & MASK for i in range(4)], dtype=np.uint64)
    return [int(word) for word in np.random.Philox(counter=state, key=key).random_raw(4)]


def plain_words(counter: Words, key: Words, *, rounds: int) -> list[int]:
    """Philox4x64 in Python's own integers, for any number of rounds."""
    c0, c1, c2, c3 = (int(word) for word in counter)
    k0, k1 = (int(word) for word in key)
    for _ in range(rounds):
        first, second = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (second >> 64) ^ c1 ^ k0, second & MASK, (first >> 64) ^ c3 ^ k1, first & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [c0, c1, c2, c3]


def cases() -> list[tuple[Words, Words]]:
    rng = np.random.Generator(np.random.PCG64(11))
    drawn = rng.integers(0, 2**64, size=(200, 6), dtype=np.uint64)
    small = rng.integers(0, 3, size=(50, 6), dtype=np.uint64)  # what a simulation's counters look like; carries
    return [(row[:4].copy(), row[4:].copy()) for row in np.vstack([drawn, small])]


def test_the_same_words_as_numpy() -> None:
    for counter, key in cases():
        assert [int(word) for word in words(*counter, *key)] == numpy_words(counter, key)


@pytest.mark.parametrize(("rounds", "same"), [(10, True), (9, False), (11, False)])
def test_another_number_of_rounds_is_caught(rounds: int, same: bool) -> None:
    """Control: the comparison tells ten rounds from nine and eleven on every counter."""
    for counter, key in cases():
        assert (plain_words(counter, key, rounds=rounds) == numpy_words(counter, key)) is same


def test_a_fifth_uniform_of_what_four_leave() -> None:
    """Bits 0-10 of the four words, which the first four uniforms do not use; even over (0, 1), and of no uniform's
    making."""
    fifths = []
    for k in range(4000):
        address = k, 1, 2**62 + 7, 5, 42, 2
        four, fifth = block_of_five(*address)[:4], block_of_five(*address)[4]
        assert four == block(*address)
        low = sum((int(word) & 2047) << (11 * i) for i, word in enumerate(words(*map(np.uint64, address))))
        assert fifth == (low + 0.5) / 2**44
        fifths.append((fifth, *four))
    drawn = np.array(fifths)
    assert abs(drawn[:, 0].mean() - 0.5) < 4 / np.sqrt(12 * len(drawn))
    assert np.abs(np.corrcoef(drawn.T)[0, 1:]).max() < 4 / np.sqrt(len(drawn))
