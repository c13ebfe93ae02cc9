"""What the tables of a configuration are made of: lengths of time, money, shares, names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from churnsim.units import Duration, parse_duration

MOST_REPLICATIONS = 100_000
LONGEST_YEARS = 1_000


def _length(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    duration = parse_duration(value)
    if duration.value == 0:
        raise ValueError("must be longer than zero.")
    if duration.to("Y") > LONGEST_YEARS:
        raise ValueError(f"must be at most {LONGEST_YEARS:,} years.")
    return duration


LENGTH_SCHEMA = {
    "type": "string", "pattern": r"^\s*[0-9.eE+-]+\s*[A-Za-z]+\s*$", "examples": ["4 W", "1 M", "2 years"]
}  # fmt: skip
"""A length as editors check it."""
Length = Annotated[
    Duration,
    BeforeValidator(_length),
    PlainSerializer(lambda length: f"{length.value!r} {length.unit}"),
    WithJsonSchema(LENGTH_SCHEMA, mode="validation"),
]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
Share = Annotated[float, Field(gt=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1e15)]
Level = Annotated[float, Field(gt=0.5, lt=1)]


class Section(BaseModel):
    """A table of the configuration: unknown keys are errors, nothing is coerced, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
