"""Errors are what they say; units convert and come back; durations are read or refused."""

from __future__ import annotations

import itertools
import math

import pytest

from churnsim import errors
from churnsim.errors import ConfigError
from churnsim.units import DAYS_PER_UNIT, Duration, check_unit, discount_force, parse_duration, units_per_year

UNITS = ["H", "D", "W", "M", "Y"]

# One multiplication and one division each way: four roundings of 2^-53.
ROUNDING = 4 * 2.0**-53


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("DataError", ValueError),
        ("ConfigError", ValueError),
        ("FitError", RuntimeError),
        ("MissingExtraError", ImportError),
    ],
)
def test_errors_can_be_caught_by_what_they_are(name: str, builtin: type[Exception]) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.ChurnSimError)
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(("here", "there"), list(itertools.permutations(UNITS, 2)))
def test_a_duration_comes_back(here: str, there: str) -> None:
    converted = Duration(38.86, check_unit(here)).to(there)
    assert Duration(converted, check_unit(there)).to(here) == pytest.approx(38.86, rel=ROUNDING, abs=0)


def test_the_year_holds_what_the_calendar_says() -> None:
    assert Duration(1, "Y").to("D") == 365.25
    assert Duration(1, "Y").to("M") == 12
    assert Duration(1, "W").to("D") == 7
    assert units_per_year("W") == 365.25 / 7
    assert [units_per_year(unit) * DAYS_PER_UNIT[unit] for unit in UNITS] == pytest.approx(
        [365.25] * 5, rel=ROUNDING, abs=0
    )


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("39 W", 39, "W"),
        ("39w", 39, "W"),
        ("  2 years ", 2, "Y"),
        ("1 month", 1, "M"),
        ("0.5 D", 0.5, "D"),
        ("1e2 Days", 100, "D"),
        ("0 W", 0, "W"),
    ],
)
def test_durations_are_read(text: str, value: float, unit: str) -> None:
    assert parse_duration(text) == Duration(value, check_unit(unit))


@pytest.mark.parametrize("value", [0.0, 39.0, 0.25, 1e6])
@pytest.mark.parametrize("unit", UNITS)
def test_a_printed_duration_is_read_back(value: float, unit: str) -> None:
    duration = Duration(value, check_unit(unit))
    assert parse_duration(str(duration)) == duration


@pytest.mark.parametrize(
    "text", ["", "39", "W", "39 fortnights", "-3 W", "1e999 D", "1-2 D", "nan W", "3 W W", None, 39]
)
def test_what_is_no_duration_is_refused_and_shown(text: object) -> None:
    with pytest.raises(ConfigError, match=r"is not a duration. Write a number and a unit") as caught:
        parse_duration(text)  # type: ignore[arg-type]
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("unit", ["w", "weeks", "", "h", None])
def test_an_unknown_unit_is_refused(unit: object) -> None:
    with pytest.raises(ConfigError, match="unknown time unit"):
        check_unit(unit)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown time unit"):
        Duration(1, "D").to(unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("rate", [-0.5, 0.0, 0.1, 3.0])
def test_a_year_of_discounting_is_the_annual_rate(unit: str, rate: float) -> None:
    """e^(delta x units in a year) = 1 + d, whatever the unit."""
    grown = math.exp(discount_force(rate, unit) * units_per_year(unit))
    # Division and multiplication by the units per year, then an exponential of at most 1.4.
    assert grown == pytest.approx(1 + rate, rel=1e-15, abs=0)


@pytest.mark.parametrize("rate", [-1.0, -2.0, math.inf, math.nan])
def test_an_impossible_discount_rate_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="annual_discount_rate must be a finite number above -1"):
        discount_force(rate, "W")
