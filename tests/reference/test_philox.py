"""Philox4x64-10 known answers, published with Random123 (Salmon, Moraes, Dror & Shaw 2011; file kat_vectors)."""

from __future__ import annotations

import numpy as np
import pytest

from churnsim.kernels.numerics.philox import block, mix, unit_interval, words

ONES = "ffffffffffffffff"

KNOWN_ANSWERS = {
    "zeros": (
        ["0"] * 4,
        ["0"] * 2,
        ["16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b"],
    ),
    "ones": (
        [ONES] * 4,
        [ONES] * 2,
        ["87b092c3013fe90b", "438c3c67be8d0224", "9cc7d7c69cd777b6", "a09caebf594f0ba0"],
    ),
    "digits of pi": (
        ["243f6a8885a308d3", "13198a2e03707344", "a4093822299f31d0", "082efa98ec4e6c89"],
        ["452821e638d01377", "be5466cf34e90c6c"],
        ["a528f45403e61d95", "38c72dbd566e9788", "a5a1610e72fd18b5", "57bd43b5e52b7fe6"],
    ),
}


def numbers(digits: list[str]) -> list[np.uint64]:
    return [np.uint64(int(word, 16)) for word in digits]


@pytest.mark.parametrize("name", KNOWN_ANSWERS)
def test_known_answers(name: str) -> None:
    counter, key, answer = KNOWN_ANSWERS[name]
    assert list(words(*numbers(counter), *numbers(key))) == numbers(answer)


def test_a_block_is_the_words_of_its_names() -> None:
    """The counter is (ordinal, stream, uid, replication), the key (seed, domain)."""
    expected = tuple(unit_interval(np.uint64(w)) for w in words(*map(np.uint64, (3, 1, 2**62 + 7, 5, 42, 2))))
    assert block(3, 1, 2**62 + 7, 5, 42, 2) == expected


def test_the_unit_interval_is_open() -> None:
    assert unit_interval(np.uint64(0)) == 2.0**-54
    assert unit_interval(np.uint64(2**64 - 1)) == 1 - 2.0**-53


def test_mixing_gives_distinct_positive_uids() -> None:
    uids = {mix(origin, index) for origin in range(100) for index in range(100)}
    assert len(uids) == 10_000
    assert min(uids) >= 0
    assert max(uids) < 2**63
