"""What is known of a number a market uses: unit, meaning, source, and whether it was measured here, published or
assumed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Final, Literal, Self

from scipy.special import expit, logit

from churnsim.checks import check_count, check_number, check_share, shown, typed
from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import UNITS_PER_CENT
from churnsim.simulation.core.belief import Belief, Law, Status, checked_status
from churnsim.units import Duration

LEVEL = 0.9
"""Probability that a number lies in its default's interval."""
UNMEASURED = "no source measures it: a guess with a wide interval"
"""The source of an assumption that has none."""


@typed
@dataclass(frozen=True)
class Origin:
    """Where a value comes from and how far it can be trusted.

    Examples
    --------
    >>> Origin(source="a pilot of 2024", status="assumed").status
    'assumed'
    """

    source: str
    status: Status

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", checked_status(self.status))


PURCHASE: Final = "of a typical purchase"
CUSTOMER: Final = "for each customer at the start"
PURCHASE_OF_EACH: Final = "of a typical purchase for each customer at the start"
Measure = Literal["of a typical purchase", "for each customer at the start",
                  "of a typical purchase for each customer at the start"]  # fmt: skip


@dataclass(frozen=True)
class Multiple:
    """A default in the client's own measure, so that it means the same in any currency and for a base of any size.

    A `Market` turns it into money or people by its customers and their amounts (see `Scaled`). A typical purchase is
    the mean amount of the median customer, by the market's spend model.
    """

    times: float
    of: Measure

    def __str__(self) -> str:
        return f"{self.times:g} {self.of}"

    def measured(self, measure: float) -> float | Multiple:
        """The number where its measure is `measure`; still a multiple where that is 0 (of money) or not finite."""
        usable = math.isfinite(measure) and (measure > 0 or self.of == CUSTOMER)
        return Scaled(self.times * measure, self) if usable else self


class Scaled(float):
    """What a `Multiple` comes to in one market: a plain number for everybody but `Market`, which works it out anew
    where its customers or their amounts are replaced."""

    multiple: Multiple

    def __new__(cls, value: float, multiple: Multiple) -> Self:
        """The number with what it was made of."""
        made = super().__new__(cls, value)
        made.multiple = multiple
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Scaled, (float(self), self.multiple)


def multiple_of(value: Any) -> Multiple | None:
    """What a number of a market was made of, or is to be; None for one that was given as it is."""
    return value.multiple if isinstance(value, Scaled) else value if isinstance(value, Multiple) else None


def multiples_in(part: Any) -> dict[str, Multiple]:
    """The numbers of a dataclass that are multiples, measured or not."""
    found = {name: multiple_of(value) for name, value, _ in numbers_of(part, "")}
    return {name: multiple for name, multiple in found.items() if multiple}


def plain_numbers(part: Any) -> Any:
    """The dataclass with its measured multiples as plain numbers."""
    return with_numbers(part, {name: float(v) for name, v, _ in numbers_of(part, "") if isinstance(v, Scaled)})


def in_units(name: str, value: float | Multiple) -> float:
    """A number of a market in money or people. Raises ConfigError for a `Multiple` that no market has measured."""
    if isinstance(value, Multiple):
        raise ConfigError(
            f"{name} is {value} by default, and there is nothing here to measure that by. Build a Market of customers "
            f"who pay something, or give {name} as a number."
        )
    return value


Check = Callable[[Any, str], object]
"""What a number must be: called with the value and its name, raises ConfigError."""


Default = float | Duration | Multiple
Interval = tuple[float, float]


def documented(
    default: Default, *, unit: str, meaning: str, source: str, status: Status, check: Check, interval: Interval | None
) -> Any:
    """A dataclass field with a default whose unit, meaning, source, status and limits are on record.

    `interval` holds the number with probability `LEVEL`, in the default's own measure (a duration's unit, a multiple's
    times); None for what is a convention or a switch that is off.
    """
    number = in_own_measure(default)
    about = {
        "unit": unit, "meaning": meaning, "origin": Origin(source, status), "check": check,
        "interval": interval or (number, number),
    }  # fmt: skip
    return field(default=default, metadata=about)


def assumed(
    default: Default, unit: str, meaning: str, check: Check, interval: Interval | None = None, *,
    source: str = UNMEASURED,
) -> Any:  # fmt: skip
    """A documented field whose value is a guess."""
    return documented(
        default, unit=unit, meaning=meaning, source=source, status="assumed", check=check, interval=interval
    )


def published(
    default: Default, unit: str, meaning: str, check: Check, interval: Interval, *, source: str,
    status: Status = "published (behaviour)",
) -> Any:  # fmt: skip
    """A documented field whose value somebody has published, or one of the texts on trial claims."""
    return documented(default, unit=unit, meaning=meaning, source=source, status=status, check=check, interval=interval)


def in_own_measure(value: Default) -> float:
    """The number of a duration or a multiple without its measure."""
    return float(value.value if isinstance(value, Duration) else value.times if isinstance(value, Multiple) else value)


def numbers_of(part: Any, prefix: str) -> list[tuple[str, Any, Field[Any]]]:
    """Every documented number, duration or `Multiple` of a dataclass, and of the dataclasses that it has by name, as
    (dotted name, value, field)."""
    found, kind = [], part.__class__
    for f in _documented(kind):
        value = getattr(part, f.name)
        if "origin" in f.metadata:
            found.append((prefix + f.name, value, f))
        else:
            found += [n for name, inner in value.items() for n in numbers_of(inner, f"{prefix}{f.name}.{name}.")]
    return found


@cache
def _documented(kind: type) -> tuple[Field[Any], ...]:
    """The fields of a dataclass that hold a documented number, or dataclasses by name; none of another class."""
    every = fields(kind) if is_dataclass(kind) else ()
    return tuple(f for f in every if "origin" in f.metadata or "named" in f.metadata)


def with_numbers(part: Any, values: Mapping[str, Any]) -> Any:
    """The dataclass with these numbers in place of its own, by the names that `numbers_of` gives them."""
    new = {name: value for name, value in values.items() if "." not in name}
    named: dict[str, dict[str, dict[str, Any]]] = {}
    for name in values.keys() - new.keys():
        table, key, number = name.split(".", 2)
        named.setdefault(table, {}).setdefault(key, {})[number] = values[name]
    for table, own in named.items():
        new[table] = {key: with_numbers(inner, own.get(key, {})) for key, inner in getattr(part, table).items()}
    return replace(part, **new)


def share(value: Any, name: str) -> None:
    """A share or a probability, 0 and 1 included."""
    check_share(value, name, zero=True)


def share_below_1(value: Any, name: str) -> None:
    """A share that is never all."""
    check_number(value, name, least=0, below=1)


def positive(value: Any, name: str) -> None:
    """A number above 0."""
    check_number(value, name, above=0)


def not_negative(value: Any, name: str) -> None:
    """A number of 0 or more."""
    check_number(value, name, least=0)


def at_least_1(value: Any, name: str) -> None:
    """A factor that makes nothing smaller."""
    check_number(value, name, least=1)


def exponent(value: Any, name: str) -> None:
    """The w of a factor e^(w s)."""
    check_number(value, name, least=-5, most=5)


def count(value: Any, name: str) -> None:
    """A whole number of people."""
    check_count(value, name, least=0)


def length(value: Any, name: str) -> None:
    """A duration above 0."""
    if not isinstance(value, Duration) or not value.value > 0:
        raise ConfigError(
            f"{name} needs its unit and must be above 0; got {shown(value)}. Say Duration(26, 'W'), in a study '26 W'."
        )


def scale(value: Any, name: str) -> None:
    """Money above 0, or what it is measured by."""
    check_number(value.times if isinstance(value, Multiple) else value, name, above=0)


def people(value: Any, name: str) -> None:
    """A number of people, or what it is measured by."""
    check_number(value.times if isinstance(value, Multiple) else value, name, least=0)


def whole_cents(value: Any, name: str) -> None:
    """Money of 0 or more in whole cents: it is booked once an event, so a fraction would be lost each time."""
    check_number(value, name, least=0, most=1e12)
    if abs(value * 100 - round(value * 100)) > 1e-9:
        raise ConfigError(f"{name} must be a whole number of cents, since it is paid event by event; got {value!r}.")


LAWS: dict[Any, Law] = {
    share: "beta", share_below_1: "beta", positive: "log-normal", not_negative: "log-normal",
    at_least_1: "log-normal", count: "log-normal", length: "log-normal", scale: "log-normal", people: "log-normal",
    whole_cents: "log-normal", check_count: "log-normal", exponent: "normal", check_number: "normal",
}  # fmt: skip
"""The law of a number by what it must be."""


def law_of(about: Field[Any]) -> Law:
    """The law of a documented number, by its domain."""
    return LAWS.get(about.metadata["check"], "normal")


def default_belief(about: Field[Any], value: float, origin: Origin, *, scale: float = 1.0) -> Belief:
    """What is believed of a documented number by default, about `value`; `scale` is the default's measure in the unit
    of the value (weeks in a day, money in a typical purchase).

    An interval that is not about this value is moved there: at the same ratio of a positive number, the same difference
    of the log-odds of a share, the same difference of any other. A number at the end of its domain, or with an interval
    of no length, is known exactly.
    """
    law, (low, high) = law_of(about), (scale * end for end in about.metadata["interval"])
    default = scale * in_own_measure(about.default)  # type: ignore[arg-type]  # a documented field has one
    at_end = value <= 0 or (law == "beta" and value >= 1)
    if low == high or (law != "normal" and at_end):
        low = high = value
    elif not math.isclose(value, default, rel_tol=1e-12):
        if law == "beta":
            low, high = (expit(logit(end) + logit(value) - logit(default)) for end in (low, high))
        elif law == "log-normal":
            low, high = (end * value / default for end in (low, high))
        else:
            low, high = (end + value - default for end in (low, high))
    return Belief(
        value=value, low=min(low, value), high=max(high, value), law=law, level=LEVEL, status=origin.status,
        source=origin.source,
    )  # fmt: skip


def cents(money: float) -> int:
    """Money as cents, rounded half up."""
    return math.floor(money * 100 + 0.5)


def account_units(money: float) -> int:
    """Money in the units of a customer's own account, rounded half up."""
    return math.floor(money * 100 * UNITS_PER_CENT + 0.5)
