"""What a strategy may hold: one table of the configuration for each mechanism, derived from the mechanism's dataclass.

A mechanism that is left out is off and costs nothing.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from churnsim.simulation.mechanisms import parts
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config import section as written
from churnsim.study.config.section import Section, Slug

__all__ = ["CHURN_MODEL", "MECHANISMS", "StrategySection"]

CHURN_MODEL = "churn_model"
"""`scores` that are no file: what the churn model of the study says of each subscriber."""

MECHANISMS = parts.parts_of(Strategy)
"""The dataclass of each mechanism of a strategy, by the name of its table."""

WRITTEN: dict[type, Any] = {
    parts.Money: written.Money, parts.Share: written.Share, parts.Length: written.Length, parts.File: str
}  # fmt: skip


class StrategyHead(Section):
    """What the firm does; a mechanism left out is off and costs nothing."""

    name: Slug = Field(description="short, lower case, such as 'retention-heavy'")
    title: str = Field(default="", description="as the report prints it")
    description: str = Field(default="", description="one sentence")
    reference: bool = Field(default=False, description="for orientation: compared, but not in the running")

    @property
    def tables(self) -> dict[str, Any]:
        """The tables of the mechanisms that are on, by name."""
        given = {name: getattr(self, name) for name in MECHANISMS}
        return {name: table for name, table in given.items() if table is not None}


def section_of(kind: type) -> type[Section]:
    """The table of a mechanism: a key for each setting, a budget also as a share of the common one."""
    defaults = {field.name: field.default for field in fields(kind)}
    keys: dict[str, Any] = {}
    for name, (plain, about) in parts.settings_of(kind).items():
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
