"""What a study asks of a survey: the [survey] table of its configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from churnsim.study.config.section import Section

__all__ = ["InstrumentName", "SurveySection"]

InstrumentName = Literal[
    "servqual", "servperf", "gaps", "benchmark", "acsi", "paths", "kano", "penalty-reward", "importance", "value"
]


class SurveySection(Section):
    """A file of answers, or answers sampled from the simulated customers: exactly one of `path` and `sampled`."""

    path: str | None = Field(default=None, description="a survey, long or wide, relative to this configuration")
    sampled: int | None = Field(
        default=None, ge=20, le=100_000, description="respondents to ask among the simulated customers at the horizon"
    )
    instruments: tuple[InstrumentName, ...] = Field(
        default=("acsi",), strict=False, min_length=1, description="the instruments that were asked"
    )
    low: float = Field(default=1.0, description="the lowest answer")
    high: float = Field(default=10.0, description="the highest answer")
    items: tuple[str, ...] | None = Field(
        default=None, strict=False, description="the items of overall satisfaction; those so named if absent"
    )
    on_bad: Literal["raise", "set_aside"] = Field(default="raise", description="what to do with a bad answer")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="of the intervals")
    resamples: int = Field(default=300, ge=50, le=100_000, description="of the bootstrap")
