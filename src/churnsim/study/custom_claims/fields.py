"""What a file of one's own asks, and the small readings that its kinds share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.errors import ConfigError

__all__ = ["Asked", "number", "text"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A judge, and what a claim says about it."""

    judge: Callable[[Evidence, bool], Finding]
    quantity: str
    expect: float | tuple[float, float] | str
    within: float | None
    because: str


def number(table: dict[str, Any], key: str, where: str) -> float:
    """A finite number of the table; ConfigError otherwise."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{key} of {where} must be a finite number; got {value!r}.")
    return float(value)


def text(table: dict[str, Any], key: str, where: str) -> str:
    """A text of the table that is not empty; ConfigError otherwise."""
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{key} of {where} must be text; got {value!r}.")
    return value
