"""What a strategy may hold: one table of the configuration for each mechanism, derived from the mechanism's dataclass.

A mechanism that is left out is off and costs nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from churnsim.errors import ConfigError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.mechanisms import parts
from churnsim.simulation.mechanisms.parts import settings_of
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config import section as written
from churnsim.study.config.section import Section, Slug
from churnsim.units import Duration

CHURN_MODEL = "churn_model"
"""`scores` that are no file: what the churn model of the study says of each subscriber."""

MECHANISMS = parts.parts_of(Strategy)
"""The dataclass of each mechanism of a strategy, by the name of its table."""

WRITTEN: dict[type, Any] = {
    parts.Money: written.Money, parts.Share: written.Share, parts.Length: written.Length, parts.File: str,
    parts.SharesByName: dict[str, written.Share],
}  # fmt: skip


class StrategyHead(Section):
    """What the firm does; a mechanism left out is off and costs nothing."""

    name: Slug = Field(description="short, lower case, such as 'retention-heavy'")
    title: str = Field(default="", description="as the report prints it")
    description: str = Field(default="", description="one sentence")
    reference: bool = Field(default=False, description="for orientation: compared, but not in the running")

    mechanisms: str | None = Field(
        default=None, description="a Python file, relative to this configuration, that defines MECHANISMS; it is run"
    )

    @property
    def tables(self) -> dict[str, Any]:
        """The tables of the mechanisms that are on, by name."""
        given = {name: getattr(self, name) for name in MECHANISMS}
        return {name: table for name, table in given.items() if table is not None}


def section_of(kind: type) -> type[Section]:
    """The table of a mechanism: a key for each setting, a budget also as a share of the common one."""
    defaults = {field.name: field.default for field in fields(kind)}
    keys: dict[str, Any] = {}
    for name, (plain, about) in settings_of(kind).items():
        default = None if about.unset or about.budget else defaults[name]
        hint = WRITTEN.get(type(about), plain)
        if about.budget:
            keys["budget_share"] = written.Share | None, Field(default=None, description=about.budget)
        limits: dict[str, Any] = dict(about.limits)
        key = Field(default=... if default is MISSING else default, description=about.meaning, **limits)
        keys[name] = hint | None if default is None else hint, key
    return create_model(f"{kind.__name__}Section", __base__=Section, __doc__=inspect.getdoc(kind), **keys)


if TYPE_CHECKING:
    StrategySection = StrategyHead
else:
    StrategySection = create_model(
        "StrategySection",
        __base__=StrategyHead,
        __doc__=StrategyHead.__doc__,
        **{name: (section_of(kind) | None, None) for name, kind in MECHANISMS.items()},
    )


def built_strategy(
    section: StrategySection, *, unit: str, common_budget: float | None, read: Callable[[str], CustomerScores]
) -> Strategy:
    """The strategy that a table describes: shares of the `common_budget` (money per period) as money, lengths in
    `unit`, files as `read` has them. Raises ConfigError for one that cannot be."""
    built: dict[str, Any] = {}
    for name, table in section.tables.items():
        kind = MECHANISMS[name]
        values = _values(kind, table, unit, common_budget, read)
        required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
        missing = [key for key in required if key not in values]
        if missing:
            raise ConfigError(f"{name} needs {missing[0]}: {settings_of(kind)[missing[0]][1].meaning}.")
        built[name] = kind(**values)
    return Strategy(name=section.name, title=section.title or section.name, description=section.description, **built)


def _values(
    kind: type, table: Any, unit: str, common_budget: float | None, read: Callable[[str], CustomerScores]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (_, about) in settings_of(kind).items():
        value = getattr(table, name)
        if about.budget and table.budget_share is not None:
            if common_budget is None:
                raise ConfigError(f"there is no budget to share. Give {name} in place of budget_share.")
            value = table.budget_share * common_budget
            value = value / getattr(table, about.split_over) if about.split_over else value
        elif isinstance(value, Duration):
            value = value.to(unit)
        elif isinstance(about, parts.File) and value is not None:
            value = read(value)
        if value is not None:
            values[name] = value
    return values
