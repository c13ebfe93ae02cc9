"""What a configuration says of the market in place of the defaults, with where each number comes from.

[market.terms]
margin = 0.3                                          # source "this configuration", status "assumed"
[market]
regularity = 2                                        # a number of the market itself
[market.complaints]
failure_share = { value = 0.4, source = "our complaint log of 2025", status = "measured here (observational)" }
quick_within = "3 D"                                  # a time carries its unit
silent_stay = { value = 0.37, low = 0.1, high = 0.5, source = "..." }  # replications draw it: `level` 0.9 by default
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.study.config.problems import ConfigPath, Problem, closest, unshown
from churnsim.study.config.strategy_sections import MECHANISMS
from churnsim.toml_text import read_toml
from churnsim.units import Unit, parse_duration

if TYPE_CHECKING:
    from churnsim.simulation.core.belief import Belief, Law

OWN_SOURCE = "this configuration"
OVERRIDE_KEYS = ("value", "low", "high", "level", "law", "source", "status")
INTERVAL = ("low", "high")
TIME = "time units"
"""The unit of record of a market's number that is a length of time."""


def mechanism_types() -> dict[str, type]:
    """The parts of a market that a configuration may set, by the name of their table."""
    from churnsim.simulation.scenario.market import Market  # loads the kernels, so only when asked for

    return parts_of(Market)


def overridden_mechanisms(market: dict[str, Any]) -> dict[str, Any]:
    """The parts of the market that the checked [market] table sets."""
    types, own = mechanism_types(), own_numbers()
    return {
        name: _built_number(own[name], given) if name in own else _build(types[name], given)
        for name, given in market.items()
    }


def overridden_origins(market: dict[str, Any]) -> dict[str, Any]:
    """The origin of each number that the checked [market] table sets, by its name in the table of assumptions."""
    from churnsim.simulation.core.assumption import Origin

    said = {name: given if isinstance(given, dict) else {} for name, _, given in _given_numbers(market)}
    return {
        name: Origin(about.get("source", OWN_SOURCE), about.get("status", "assumed")) for name, about in said.items()
    }


def overridden_beliefs(market: dict[str, Any], unit: Unit) -> dict[str, Belief]:
    """The belief about each number to which the checked [market] table gives an interval, durations in `unit`."""
    from churnsim.simulation.core.assumption import law_of

    return {
        name: _belief(about, given, unit, law_of(about))
        for name, about, given in _given_numbers(market)
        if isinstance(given, dict) and set(INTERVAL) & set(given)
    }


def beliefs_of_file(path: Path, unit: Unit) -> dict[str, Belief]:
    """The beliefs in a file that holds a table [market] and nothing else, as the reading of a trial writes it,
    durations in `unit`. Raises ConfigError for any other file."""
    _, content = read_toml(path, what="evidence")
    table = content.get("market")
    if set(content) != {"market"} or not isinstance(table, dict):
        raise ConfigError(
            f"{path} must hold a table [market] and no other, as `churnsim trial read --evidence` writes it."
        )
    if found := next(market_problems(table), None):
        raise ConfigError(f"{path}: {'.'.join(map(str, found.path))}: {found.message}")
    beliefs = overridden_beliefs(table, unit)
    if not beliefs:
        raise ConfigError(f"{path} gives no number with an interval, low and high, so that it says nothing measured.")
    return beliefs


def _given_numbers(market: dict[str, Any]) -> Iterator[tuple[str, Field[Any], Any]]:
    """Each number that the table sets: its name in the table of assumptions, its field, and what is said of it."""
    types, own = mechanism_types(), own_numbers()
    for name, content in market.items():
        if name in own:
            yield name, own[name], content
        else:
            yield from _given_in(types[name], content, f"{name}.")


def _given_in(kind: type, table: dict[str, Any], prefix: str) -> Iterator[tuple[str, Field[Any], Any]]:
    known, named = documented(kind), named_parts(kind)
    for key, given in table.items():
        if key in named:
            for name, own in given.items():
                yield from _given_in(named[key], own, f"{prefix}{key}.{name}.")
        else:
            yield prefix + key, known[key], given


def _belief(about: Field[Any], given: dict[str, Any], unit: Unit, law: Law) -> Belief:
    from churnsim.simulation.core.belief import Belief

    def plain(value: Any) -> float:
        return parse_duration(value).to(unit) if about.metadata["unit"] == TIME else float(value)

    value, low, high = (plain(given[key]) for key in ("value", *INTERVAL))
    said = {key: given[key] for key in ("level", "status") if key in given}
    return Belief(
        value=value, low=low, high=high, law=given.get("law", law), source=given.get("source", OWN_SOURCE),
        **{"status": "assumed", **said},
    )  # fmt: skip


def market_problems(market: Any) -> Iterator[Problem]:
    """Everything wrong with the [market] table: unknown keys, values no market can have."""
    if not isinstance(market, dict):
        yield Problem(path=("market",), message="must be a table, written [market.complaints] and so on.")
    elif market:
        yield from _table_problems(market)


def _table_problems(market: dict[str, Any]) -> Iterator[Problem]:
    types, own = mechanism_types(), own_numbers()
    for name, table in market.items():
        path: ConfigPath = ("market", name)
        if name in own:
            yield from list(_number_problems(own, name, table, path)) or _impossible(own[name], table, path)
        elif name not in types:
            yield unshown(path, f"unknown key. {_place(name, types)}")
        elif not isinstance(table, dict):
            yield Problem(path=path, message=f"must be a table, written [market.{name}].")
        else:
            yield from list(_part_problems(types[name], table, path)) or _impossible_part(types[name], table, path)


def _part_problems(kind: type, table: dict[str, Any], path: ConfigPath) -> Iterator[Problem]:
    known, named = documented(kind), named_parts(kind)
    for key, given in table.items():
        if key not in named:
            yield from _number_problems(known, key, given, (*path, key), beside=named)
        elif not isinstance(given, dict) or not all(isinstance(own, dict) for own in given.values()):
            written = ".".join(map(str, (*path, key)))
            yield Problem(path=(*path, key), message=f"must be tables by name, written [{written}.NAME].")
        else:
            for name, own in given.items():
                yield from _part_problems(named[key], own, (*path, key, name))


def _place(name: str, types: dict[str, type]) -> str:
    """Where a key that stands at the wrong place belongs, or what may stand here."""
    return home_of(name) or closest(name, [*types, *own_numbers()])


def home_of(name: str, *, near: str = "") -> str | None:
    """Where a key belongs that was written elsewhere, in words; of several parts of the market the one called `near`.
    None for a key that belongs nowhere."""
    if name in MECHANISMS:
        return f"It is what a strategy may do: write it below a [[strategy]], as {name} = {{ ... }}."
    owners = [table for table, kind in mechanism_types().items() if name in documented(kind)]
    if not owners:
        return None
    return f"It belongs in [market.{near if near in owners else owners[0]}]."


def own_numbers() -> dict[str, Field[Any]]:
    """The numbers that belong to the market itself, to none of its parts."""
    from churnsim.simulation.scenario.market import Market

    return documented(Market)


def documented(kind: type) -> dict[str, Field[Any]]:
    """The numbers of a part of the market, each with what is recorded of it."""
    return {field.name: field for field in fields(kind) if "origin" in field.metadata}


def named_parts(kind: type) -> dict[str, type]:
    """What a part of a market has any number of, each with a name of its own."""
    return {field.name: field.metadata["named"] for field in fields(kind) if "named" in field.metadata}


def _number_problems(
    known: dict[str, Field[Any]], key: str, given: Any, path: ConfigPath, *, beside: Iterable[str] = ()
) -> Iterator[Problem]:
    if key not in known:
        yield unshown(path, f"unknown key. {closest(key, [*known, *beside])}")
        return
    if not isinstance(given, dict):
        yield from _value_problems(known[key], given, path)
        return
    found = [*_origin_problems(given, path)]
    if "value" not in given:
        message = "value is missing. Write { value = 0.3, source = '...', status = 'assumed' }."
        found.append(unshown(path, message))
    ends = [end for end in INTERVAL if end in given]
    if len(ends) == 1 or (not ends and set(given) & {"level", "law"}):
        message = "an interval needs both ends. Write { value = 0.3, low = 0.1, high = 0.5 }."
        found.append(unshown(path, message))
    for part in ("value", *INTERVAL):
        if part in given:
            found += _value_problems(known[key], given[part], (*path, part))
    yield from found or (_belief_problems(known[key], given, path) if ends else ())


def _value_problems(about: Field[Any], value: Any, path: ConfigPath) -> Iterator[Problem]:
    if about.metadata["unit"] == TIME:
        try:
            parse_duration(value)
        except ConfigError as error:
            yield unshown(path, str(error))
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        yield Problem(path=path, message=f"must be a finite number, such as {about.default} (the default).")
    elif _counts(about) and value != math.floor(value):
        yield Problem(path=path, message=f"must be a whole number, such as {about.default} (the default).")


def _belief_problems(about: Field[Any], given: dict[str, Any], path: ConfigPath) -> Iterator[Problem]:
    """Let the belief judge its interval, and the number each end of it. What unit a time has does not matter here."""
    from churnsim.simulation.core.assumption import law_of

    try:
        _belief(about, given, "W", law_of(about))
        for end in INTERVAL:
            about.metadata["check"](_built_number(about, given[end]), end)
    except ConfigError as error:
        yield unshown(path, str(error))


def _origin_problems(given: dict[str, Any], path: ConfigPath) -> Iterator[Problem]:
    from churnsim.simulation.core.belief import checked_status

    for key in given:
        if key not in OVERRIDE_KEYS:
            yield unshown((*path, key), f"unknown key. {closest(key, OVERRIDE_KEYS)}")
    try:
        checked_status(given.get("status", "assumed"))
    except ConfigError as error:
        yield unshown((*path, "status"), str(error))
    source = given.get("source", OWN_SOURCE)
    if not isinstance(source, str) or not source.strip():
        yield Problem(path=(*path, "source"), message="must be text that says where the value comes from.")
    if "source" not in given and given.get("status", "assumed") != "assumed":
        yield unshown((*path, "status"), f"a {given['status']!r} value needs a source. Add source = '...'.")


def _impossible(field: Field[Any], given: Any, path: ConfigPath) -> Iterator[Problem]:
    """Let the market judge a number of its own."""
    from churnsim.simulation.scenario.market import check_regularity

    try:
        check_regularity(_built_number(field, given))  # the one number of its own
    except ConfigError as error:
        yield unshown(path, str(error))


def _impossible_part(kind: type, table: dict[str, Any], path: ConfigPath) -> Iterator[Problem]:
    """Let the market's own dataclass judge the values; blame the key that its message names."""
    try:
        _build(kind, table)
    except ConfigError as error:
        blamed = next((key for key in table if str(error).startswith(key)), None)
        blamed = blamed or next((key for key in table if key in str(error)), None)
        yield unshown(path if blamed is None else (*path, blamed), str(error))


def _build(kind: type, table: dict[str, Any]) -> Any:
    known, named = documented(kind), named_parts(kind)
    return kind(
        **{
            key: {name: _build(named[key], own) for name, own in given.items()}
            if key in named
            else _built_number(known[key], given)
            for key, given in table.items()
        }
    )


def _built_number(field: Field[Any], given: Any) -> Any:
    value = given["value"] if isinstance(given, dict) else given
    if field.metadata["unit"] == TIME:
        return parse_duration(value)
    return int(value) if _counts(field) else float(value)


def _counts(field: Field[Any]) -> bool:
    """Whether a number of the market is a whole one."""
    return field.type in (int, "int")
