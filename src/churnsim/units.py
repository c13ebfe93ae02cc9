"""Time units and discount rates: the one place that converts.

A duration is always in a stated unit; a discount rate is always annual and effective. A month is a twelfth and a
week 7 days of the mean Gregorian-calendar year of 365.25 days, so conversions are exact and reversible.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from churnsim.checks import check_number
from churnsim.errors import ConfigError

__all__ = [
    "DAYS_PER_UNIT", "UNIT_NAMES", "Duration", "Unit", "check_unit", "discount_force", "parse_duration", "term_of",
    "units_per_year",
]  # fmt: skip

Unit = Literal["H", "D", "W", "M", "Y"]

DAYS_PER_YEAR = 365.25
DAYS_PER_UNIT: dict[str, float] = {"H": 1 / 24, "D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}
UNIT_NAMES: dict[str, str] = {"H": "hours", "D": "days", "W": "weeks", "M": "months", "Y": "years"}

_SPELLINGS = {
    "h": "H", "hour": "H", "hours": "H",
    "d": "D", "day": "D", "days": "D",
    "w": "W", "week": "W", "weeks": "W",
    "m": "M", "month": "M", "months": "M",
    "y": "Y", "year": "Y", "years": "Y",
}  # fmt: skip


def check_unit(unit: str) -> Unit:
    """Return `unit` if it is one of H, D, W, M, Y; raise ConfigError otherwise.

    Examples
    --------
    >>> check_unit("W")
    'W'
    """
    if not isinstance(unit, str) or unit not in DAYS_PER_UNIT:
        raise ConfigError(
            f"unknown time unit {unit!r}. Use 'H' (hours), 'D' (days), 'W' (weeks), 'M' (months) or 'Y' (years)."
        )
    return unit  # type: ignore[return-value]


def units_per_year(unit: str) -> float:
    """How many of `unit` (a time unit, or a term of several such as "3 M") a mean year of 365.25 days holds.

    Examples
    --------
    >>> units_per_year("M"), round(units_per_year("W"), 2), units_per_year("3 M")
    (12.0, 52.18, 4.0)
    """
    term = term_of(unit)
    return DAYS_PER_YEAR / DAYS_PER_UNIT[term.unit] / term.value


MOST_GROWTH = 1e12  # what a negative rate may make of money over a horizon; more is no forecast and not computable


def discount_force(annual_discount_rate: float, unit: str, *, horizon: float = 0.0) -> float:
    """Continuous discount rate per unit (or term) that equals the annual effective rate: ln(1 + d) / units per year.

    Raises ConfigError for a rate that is no number, at or below -1 or not finite, and for a negative one that would
    make more than 10^12 times as much of money over a finite `horizon` (in `unit`).

    Examples
    --------
    >>> round(discount_force(0.10, "W"), 6)
    0.001827
    """
    rate = check_number(annual_discount_rate, "annual_discount_rate", above=-1, remedy="Ten percent a year is 0.10.")
    force = math.log1p(rate) / units_per_year(unit)
    horizon = math.inf if isinstance(horizon, float) and horizon == math.inf else check_number(horizon, "horizon")
    if math.isfinite(horizon) and -force * horizon > math.log(MOST_GROWTH):
        raise ConfigError(
            f"an annual_discount_rate of {rate:g} makes more than {MOST_GROWTH:.0e} times as much of "
            f"money over {horizon:g} {unit}. Raise the rate, or shorten the horizon to at most "
            f"{math.log(MOST_GROWTH) / -force:.4g} {unit}."
        )
    return force


@dataclass(frozen=True)
class Duration:
    """A length of time in a stated unit.

    Examples
    --------
    >>> Duration(2, "W").to("D")
    14.0
    """

    value: float
    unit: Unit

    def to(self, unit: str) -> float:
        """The same length counted in `unit`."""
        return self.value * DAYS_PER_UNIT[self.unit] / DAYS_PER_UNIT[check_unit(unit)]

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


def parse_duration(text: str) -> Duration:
    """Read a duration such as ``"39 W"``, ``"2 years"`` or ``"0.5 D"``.

    Raises ConfigError when the number or the unit is missing, unknown, negative or not finite.

    Examples
    --------
    >>> parse_duration("39 weeks")
    Duration(value=39.0, unit='W')
    """
    match = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([A-Za-z]+)\s*", text) if isinstance(text, str) else None
    unit = _SPELLINGS.get(match.group(2).lower()) if match else None
    try:
        value = float(match.group(1)) if match else math.nan
    except ValueError:
        value = math.nan
    if unit is None or not math.isfinite(value) or value < 0:
        raise ConfigError(
            f"{repr(text)[:60]} is not a duration. Write a number and a unit, such as '39 W' (H, D, W, M or Y: hours, "
            "days, weeks, months, years)."
        )
    return Duration(value, unit)  # type: ignore[arg-type]


def term_of(unit: str) -> Duration:
    """The length of time between renewals: one time unit ("M"), or a term of several ("3 M").

    Examples
    --------
    >>> term_of("M"), term_of("3 M")
    (Duration(value=1.0, unit='M'), Duration(value=3.0, unit='M'))
    """
    if isinstance(unit, str) and unit in DAYS_PER_UNIT:
        return Duration(1.0, check_unit(unit))
    if not isinstance(unit, str) or not unit[:1].isdigit():
        check_unit(unit)  # refuses it with the list of units
    term = parse_duration(unit)
    if term.value <= 0:
        raise ConfigError(f"a term must be longer than zero; got {unit!r}.")
    return term
