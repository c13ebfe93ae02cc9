"""Truth: mechanics. What the shared checks of arguments take and refuse, and exact counts of shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from churnsim.checks import (
    check_count,
    check_level,
    check_number,
    check_seed,
    check_share,
    count_of_share,
    shown,
    typed,
    unchecked,
)
from churnsim.errors import ConfigError

NOT_NUMBERS = [None, True, np.True_, "0.5", "", [0.5], math.nan, math.inf, -math.inf, np.float64("nan"), 10**400, 1j]


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_what_is_no_finite_number_is_refused_by_every_check(value):
    for check in (
        lambda: check_number(value, "x"),
        lambda: check_level(value),
        lambda: check_share(value, "x", zero=True),
        lambda: check_count(value, "x", most=10**9),
        lambda: check_seed(value),
    ):
        with pytest.raises(ConfigError, match="got "):
            check()


@pytest.mark.parametrize("value", [0, 1, 95, -0.1, 1.5])
def test_a_level_lies_strictly_between_0_and_1(value):
    with pytest.raises(ConfigError, match="Ninety-five percent"):
        check_level(value)


def test_numbers_of_numpy_come_back_as_plain_python():
    assert [type(v) for v in (check_number(np.float32(0.5), "x"), check_count(np.int16(3), "n"))] == [float, int]
    assert check_number(Fraction(1, 2), "x", above=0, below=1) == 0.5
    assert check_share(0, "x", zero=True) == 0
    assert check_share(np.float64(1), "x") == 1
    assert check_seed(2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize("limits", [{"least": 1}, {"above": 0.5}, {"most": 0.4}, {"below": 0.5}])
def test_each_limit_is_kept(limits):
    with pytest.raises(ConfigError, match=r"x must be a finite number .*; got 0\.5\. Say more\."):
        check_number(0.5, "x", **limits, remedy="Say more.")


@pytest.mark.parametrize("value", [3.0, -1, 0, 2**63])
def test_counts_and_seeds_are_whole_and_bounded(value):
    with pytest.raises(ConfigError, match="whole number"):
        check_count(value, "n", most=2**62)
    if value != 0:
        with pytest.raises(ConfigError, match="whole number"):
            check_seed(value)


def test_a_message_shows_plain_python_and_stays_short():
    assert shown(np.float64(10000.0)) == "10000.0"
    assert shown(np.int64(7)) == "7"
    assert shown(True) == "True"
    assert len(shown("x" * 10_000)) == 80
    assert "more than 80 digits" in shown(10**5000)


@given(hundredths=st.integers(1, 10_000), n=st.integers(1, 10**6))
def test_a_share_counts_as_the_decimal_that_is_written(hundredths, n):
    """Exact decimals are the independent source: .07 of 100 is 7, not 8."""
    exact = Decimal(hundredths).scaleb(-4) * n
    assert count_of_share(hundredths / 10_000, n) == math.ceil(exact)


@typed
@dataclass(frozen=True)
class Base:
    """A class whose constructor and methods are checked."""

    size: float

    @classmethod
    def of(cls, sizes: Sequence[float]) -> Base:
        """The sum of the sizes."""
        return cls(float(sum(sizes)))


class Larger(Base):
    """A class below it."""


@typed
def told(
    *,
    number: float = 1.0,
    whole: int = 1,
    numbers: Sequence[float] = (),
    pair: tuple[float, float] = (0.0, 1.0),
    call: Callable[[float], float] | None = None,
    base: Base | float = 1.0,
) -> str:
    """Says that it was called."""
    return "called"


@pytest.mark.parametrize(
    "given",
    [
        {"number": np.float32(2)}, {"number": 3}, {"number": Fraction(1, 2)}, {"number": math.nan},
        {"whole": np.int16(3)}, {"numbers": [1, np.float64(2)]}, {"numbers": np.array([1, 2])},
        {"numbers": np.array([1, 2.5], dtype=object)}, {"numbers": pd.Series([1, 2], dtype="Int64")},
        {"numbers": range(3)}, {"pair": np.array([0.0, 1.0])}, {"call": abs}, {"call": None}, {"base": Larger(1.0)},
        {"base": np.int64(2)},
    ],
)  # fmt: skip
def test_an_argument_of_a_fitting_kind_is_taken(given):
    assert told(**given) == "called"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"number": "2"}, "told: number must be a number; got '2'"), ({"number": True}, "number must be a number"),
        ({"whole": 2.0}, "whole must be a whole number"), ({"numbers": 3}, "numbers must be numbers in a list"),
        ({"numbers": ["a"]}, "numbers must be numbers"), ({"numbers": np.array(3.0)}, "numbers must be numbers"),
        ({"numbers": np.array([True])}, "numbers must be numbers"), ({"pair": (1, 2, 3)}, "pair must be two numbers"),
        ({"call": 3}, "call must be a function or None"), ({"base": None}, "base must be a Base or a number"),
    ],
)  # fmt: skip
def test_an_argument_of_another_kind_is_refused_by_name(given, message):
    with pytest.raises(ConfigError, match=message):
        told(**given)


def test_constructors_and_class_methods_are_checked_and_python_counts_the_arguments():
    assert Larger.of([1, 2]) == Larger(3.0)
    with pytest.raises(ConfigError, match=r"Base: size must be a number; got None"):
        Larger(None)
    with pytest.raises(ConfigError, match=r"Base\.of: sizes must be numbers"):
        Base.of("12")
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        told(colour=1)
    with pytest.raises(TypeError, match="positional argument"):
        Base(1.0, 2.0)


def test_an_unchecked_call_is_the_call_itself():
    @typed
    class Doubler:
        def twice(self, amount: float) -> float:
            return amount + amount

    doubler = Doubler()
    with pytest.raises(ConfigError, match="a number"):
        doubler.twice("ab")
    assert unchecked(doubler.twice)("ab") == "abab"
    assert unchecked(typed(lambda amount: 2 * amount))(3) == 6
    assert unchecked(math.floor) is math.floor
