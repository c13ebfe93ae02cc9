"""A study changed by hand, as a configuration of its own: the same file that `churnsim run` would read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import Multiple
from churnsim.simulation.mechanisms.parts import File, SharesByName, parts_of, settings_of
from churnsim.simulation.scenario.beliefs import Number, numbers_by_name
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import parse_config, schema_of
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.market_overrides import INTERVAL, OVERRIDE_KEYS, TIME
from churnsim.study.config.section import Section, Slug
from churnsim.toml_text import toml_of

Content = dict[str, Any]


class StrategyChange(Section):
    """A strategy as it is to be: its mechanisms with the settings that are said; those left out are off."""

    name: Slug
    title: str = Field(default="", max_length=200)
    mechanisms: dict[str, dict[str, float | int | str | bool | None]]


class NumberChange(Section):
    """A number of the market, with its interval where that is changed too."""

    value: float
    low: float | None = None
    high: float | None = None


class Variant(Section):
    """What a study is to be: its strategies, those left out being off, and the numbers that are changed."""

    strategies: tuple[StrategyChange, ...] = Field(strict=False, max_length=200)
    numbers: dict[str, NumberChange] = Field(default_factory=dict, max_length=1000)

    @classmethod
    def of_json(cls, text: str | bytes) -> Variant:
        """What a request says. Raises ConfigError for one that says something else."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(f"{'.'.join(map(str, first['loc'])) or 'the request'}: {first['msg']}.") from None


def content_of(config: StudyConfig) -> Content:
    """A configuration as TOML holds it, without what is so by default."""
    setting = {"setting": "contractual"} if isinstance(config, ContractStudyConfig) else {}
    found = setting | config.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    again = schema_of(found).model_validate_json(json.dumps(found))
    _complete(found, again.canonical(), config.canonical())
    return found


def _complete(content: Content, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """State what is so by default and written otherwise: "4.0 W" is "4 W", but a study's hash is of what is written."""
    for key, value in wanted.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), Mapping) and value != found[key]:
            _complete(content.setdefault(key, {}), found[key], value)
        elif found.get(key) != value:
            content[key] = value


def changeable(market: Market, config: StudyConfig) -> dict[str, Number]:
    """The market's numbers that a variant may set, by address: not those that nothing measures, nor those that the
    firm's own records say."""
    own = config.evidence is not None
    return {
        name: number for name, number in numbers_by_name(market).items()
        if number.part and not isinstance(number.value, Multiple)
        and not (own and number.origin(market.origins.get(name)).status.startswith("measured"))
    }  # fmt: skip


def variant_text(config: StudyConfig, change: Variant, market: Market, *, name: str, source: str) -> str:
    """The TOML of the study with a change, called `name`; numbers that are changed have `source`.

    `market` is that of the study. Raises ConfigError for a change of what may not be changed; whether the study can be
    is told by reading the text.
    """
    content = {**content_of(config), "name": name}
    if change.numbers:
        content["market"] = _market(
            content.get("market", {}), change.numbers, changeable(market, config), market, source
        )
    before = {strategy["name"]: strategy for strategy in content["strategy"]}
    content["strategy"] = [_strategy(before.get(one.name, {}), one) for one in change.strategies]
    text = toml_of(content)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError("a text holds half a character (a lone surrogate). Write it anew.") from None
    return text


def variant_config(text: str, folder: Path) -> StudyConfig:
    """The configuration in a variant's text."""
    return parse_config(text, name="this variant", folder=folder)


def plain_settings(kind: type) -> list[str]:
    """The settings of a mechanism that a variant may set: no files, and no tables by name."""
    found = []
    for name, (_, about) in settings_of(kind).items():
        if not isinstance(about, File | SharesByName):
            found += ["budget_share", name] if about.budget else [name]
    return found


def _strategy(before: Mapping[str, Any], change: StrategyChange) -> Content:
    kinds = parts_of(Strategy)
    head = {key: value for key, value in before.items() if key not in kinds}
    found: Content = {**head, "name": change.name}
    if change.title and not before:
        found["title"] = change.title
    for mechanism, settings in change.mechanisms.items():
        if mechanism not in kinds:
            raise ConfigError(f"{change.name}: {mechanism!r} is no mechanism. There are {', '.join(kinds)}.")
        known = plain_settings(kinds[mechanism])
        if unknown := [key for key in settings if key not in known]:
            raise ConfigError(f"{change.name}, {mechanism}: {unknown[0]!r} cannot be set here.")
        kept = before.get(mechanism, {})
        merged = {**kept, **settings}
        found[mechanism] = {key: value for key, value in merged.items() if value is not None}
    return found


def _market(
    before: Mapping[str, Any], changes: Mapping[str, NumberChange], known: Mapping[str, Number], market: Market,
    source: str,
) -> Content:  # fmt: skip
    found: Content = _copied(before)
    for address, change in changes.items():
        if address not in known:
            raise ConfigError(f"{address!r} is no number of the market that can be set here.")
        *path, key = address.split(".")
        table = found
        for step in path:
            table = table.setdefault(step, {})
        time = known[address].about.metadata["unit"] == TIME

        def written(value: float, time: bool = time) -> float | str:
            return f"{value!r} {market.unit}" if time else value

        stated = {"value": written(change.value)}
        if change.low is not None and change.high is not None:
            stated |= {"low": written(change.low), "high": written(change.high)}
        elif isinstance(table.get(key), Mapping):
            stated |= {end: table[key][end] for end in (*INTERVAL, "level") if end in table[key]}
        if isinstance(table.get(key), Mapping) and "law" in table[key] and "low" in stated:
            stated["law"] = table[key]["law"]
        table[key] = {name: stated[name] for name in OVERRIDE_KEYS if name in stated} | {"source": source}
    return found


def _copied(table: Any) -> Any:
    return {key: _copied(value) for key, value in table.items()} if isinstance(table, Mapping) else table
