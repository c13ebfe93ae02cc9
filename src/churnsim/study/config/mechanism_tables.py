"""Strategies from plain tables: each key of a table is a mechanism of `Strategy`, each key below it one of its numbers.

No schema of its own: whatever mechanism a strategy has can be written, with durations as text ("0.5 D").
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.problems import closest
from churnsim.units import parse_duration

__all__ = ["strategy_from_table"]

WORDS = ("name", "title", "description")


def strategy_from_table(table: dict[str, Any], *, unit: str, where: str) -> Strategy:
    """The strategy a table describes, durations in `unit`. Raises ConfigError naming `where`, key and remedy."""
    kinds = parts_of(Strategy)
    unknown = [key for key in table if key not in kinds and key not in WORDS]
    if unknown:
        raise ConfigError(f"{where} has an unknown key {unknown[0]!r}. {closest(unknown[0], [*kinds, *WORDS])}")
    if not isinstance(table.get("name"), str):
        raise ConfigError(f"{where} needs a name, as text.")
    built: dict[str, Any] = {
        key: _mechanism(kinds[key], given, unit, f"{where}, {key}") for key, given in table.items() if key in kinds
    }
    words: dict[str, Any] = {key: str(table[key]) for key in WORDS if key in table}
    return Strategy(**words, **built)


def _mechanism(kind: type, given: Any, unit: str, where: str) -> Any:
    known = [field.name for field in fields(kind)]
    if not isinstance(given, dict):
        raise ConfigError(f"{where} must be a table; got {given!r}.")
    values = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"{where} has an unknown key {key!r}. {closest(key, known)}")
        values[key] = _value(value, get_type_hints(kind)[key], unit)
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where} cannot be built: {error}. Its keys are {', '.join(known)}.") from None


def _value(value: Any, hint: Any, unit: str) -> Any:
    """Text for a number is a duration."""
    numeric = float in (hint, *get_args(hint))
    return parse_duration(value).to(unit) if isinstance(value, str) and numeric else value
