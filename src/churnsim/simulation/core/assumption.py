"""What is known of a number a market uses: unit, meaning, source, and whether it was measured here, published or
assumed."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from churnsim.errors import ConfigError
from churnsim.units import Duration

__all__ = ["UNMEASURED", "UNMEASURED_HERE", "Origin", "Status", "documented", "numbers_of"]

UNMEASURED = "no source measures it; vary it"
UNMEASURED_HERE = "no source measures it on this base; vary it"
"""Sources of an assumption that has none."""

Status = Literal["measured here", "published", "assumed"]


@dataclass(frozen=True)
class Origin:
    """Where a value comes from and how far it can be trusted."""

    source: str
    status: Status

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ConfigError(f"status must be one of {', '.join(map(repr, get_args(Status)))}; got {self.status!r}.")


def documented(default: float | Duration, *, unit: str, meaning: str, source: str, status: Status) -> Any:
    """A dataclass field with a default whose unit, meaning, source and status are on record."""
    return field(default=default, metadata={"unit": unit, "meaning": meaning, "origin": Origin(source, status)})


def numbers_of(part: Any, prefix: str) -> list[tuple[str, float | Duration, Field[Any]]]:
    """Every documented number or duration of a dataclass as (dotted name, value, field)."""
    if not is_dataclass(part):
        return []
    return [(prefix + f.name, getattr(part, f.name), f) for f in fields(part) if "origin" in f.metadata]


def share(name: str, value: float) -> None:
    """ConfigError unless `value` is a share between 0 and 1."""
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be a share between 0 and 1; got {value!r}. Thirty percent is 0.30.")


def positive(name: str, value: float) -> None:
    """ConfigError unless `value` is finite and above 0."""
    if not 0 < value < float("inf"):
        raise ConfigError(f"{name} must be finite and above 0; got {value!r}.")


def whole_cents(name: str, value: float) -> None:
    """ConfigError unless `value` is 0 or more and a whole number of cents: it is booked once an event, so a fraction of
    a cent would be lost or gained each time."""
    not_negative(name, value)
    if abs(value * 100 - round(value * 100)) > 1e-9:
        raise ConfigError(f"{name} must be a whole number of cents, since it is paid event by event; got {value!r}.")


def not_negative(name: str, value: float) -> None:
    """ConfigError unless `value` is finite and 0 or more."""
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} must be finite and 0 or more; got {value!r}.")


def cents(money: float) -> int:
    """Money as cents, rounded half up."""
    return math.floor(money * 100 + 0.5)
