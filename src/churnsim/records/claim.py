"""What is stored of each claim that was judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from churnsim.records.base import Number, Record, Row, Texts


def _as_sources(value: object) -> object:
    """A source given as plain text is one of which only the title is known."""
    if isinstance(value, str):
        value = [value]
    return [{"title": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


class PartRecord(Record):
    """One part of a claim, judged by itself."""

    name: str
    estimand: str = ""
    verdict: str
    estimate: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    unit: str | None = ""
    reason: str = ""
    region: str | None = None


class SourceRecord(Record):
    """Where a claim is made, and the study that its figure goes back to as far as one is known."""

    text: str = ""
    title: str
    study: str = ""
    measured: str = ""


class PictureRecord(Record):
    """A picture of a map on the page about the claims."""

    file: str
    about: str


class ControlRecord(Record):
    """A deliberately wrong variant of a claim, which must fail."""

    what: str
    verdict: str
    reason: str = ""


Sources = Annotated[list[SourceRecord], BeforeValidator(_as_sources)]


class ClaimRecord(Record):
    """One row of claims.json: a published claim with its verdict; `pictures` only beside the page about the claims."""

    id: str
    says: str
    quote: str
    sources: Sources
    kind: str
    quantity: str
    expect: Any = None
    within: Any = None
    because: str | None = ""
    critique: Texts = Field(default_factory=list)
    verdict: str
    reason: str = ""
    region: str | None = None
    estimate: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    unit: str | None = ""
    parts: list[PartRecord] = Field(default_factory=list)
    control: ControlRecord | None = None
    tables: dict[str, list[Row]] = Field(default_factory=dict)
    pictures: list[PictureRecord] = Field(default_factory=list)

    @property
    def withdrawn(self) -> bool:
        """Whether the check ran and its control did not fail: what it found counts for nothing."""
        return self.control is not None and self.control.verdict not in ("FAILS", "UNTESTED")
