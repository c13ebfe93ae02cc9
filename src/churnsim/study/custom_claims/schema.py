"""What a TOML file of a claim of one's own may hold."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from churnsim.study.config.section import Section, Slug
from churnsim.study.config.strategy_sections import StrategySection

__all__ = ["ClaimFile", "CompareSection", "ControlSection", "FigureSection"]


class FigureSection(Section):
    """A figure, computed by one of the computations that published figures use."""

    compute: str = Field(min_length=1, description="the name of the computation")
    inputs: dict[str, Any] = Field(default_factory=dict, description="its inputs")
    stated: float = Field(description="the figure that is stated")
    within: float = Field(ge=0, description="the largest deviation that still agrees")
    because: str = Field(min_length=1, description="why this tolerance")


class CompareSection(Section):
    """A paired difference of two strategies."""

    of: Slug = Field(description="the name of a [[strategy]]")
    against: Slug = Field(description="the name of another")
    metric: str = Field(default="npv", description="what is compared")
    above: float | None = Field(default=None, description="the difference lies above this")
    below: float | None = Field(default=None, description="the difference lies below this")


class ControlSection(Section):
    """The wrong variant that must fail: inputs, strategies or numbers of the market in place of the claim's own."""

    what: str = Field(min_length=1, description="what is wrong on purpose: it must fail, or the check is worthless")
    inputs: dict[str, Any] = Field(default_factory=dict, description="inputs of the figure")
    strategy: tuple[StrategySection, ...] = Field(default=(), strict=False, description="in place of those so named")
    market: dict[str, Any] = Field(default_factory=dict, description="numbers of the market")


class ClaimFile(Section):
    """A claim of one's own."""

    id: Slug = Field(description="short, lower case; names the claim")
    says: str = Field(min_length=1, description="the claim in a sentence")
    quote: str = Field(default="", description="its own words, where they are others")
    quantity: str = Field(default="", description="what is measured")
    source: str = Field(default="", description="where it comes from")
    critique: tuple[str, ...] = Field(default=(), strict=False, description="what is said against it")
    figure: FigureSection | None = None
    compare: CompareSection | None = None
    strategy: tuple[StrategySection, ...] = Field(default=(), strict=False, description="the strategies compared")
    market: dict[str, Any] = Field(default_factory=dict, description="numbers of the market, as in a study")
    control: ControlSection
