"""What is stored of each claim that was judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from churnsim.records.base import Number, Record, Row, Texts

NOT_RUN = "NOT_RUN"


def _as_sources(value: object) -> object:
    """A source given as plain text is one of which only the title is known."""
    if isinstance(value, str):
        value = [value]
    return [{"title": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


OLD_VERDICTS: dict[str, dict[str, Any]] = {
    "REPRODUCED": {"answer": "HOLDS", "basis": "arithmetic"},
    "UNTESTABLE": {"answer": "UNDECIDED"},
    "UNTESTED": {"answer": "UNDECIDED", "ran": False},
}


class Answered(Record):
    """What was found of a statement, and what it rests on."""

    answer: str
    basis: str | None = None
    ran: bool = True

    @model_validator(mode="before")
    @classmethod
    def _from_verdict(cls, row: Any) -> Any:
        """A row of before 0.2, in which answer and basis were one word."""
        if isinstance(row, dict) and "answer" not in row and "verdict" in row:
            rest = {key: value for key, value in row.items() if key != "verdict"}
            return rest | OLD_VERDICTS.get(row["verdict"], {"answer": row["verdict"]})
        return row

    @property
    def shown(self) -> str:
        """The answer, or that there is none."""
        return self.answer if self.ran else NOT_RUN


class PlausibleRecord(Record):
    """Probability that a statement holds and that it fails, under what is believed."""

    holds: Number
    fails: Number
    beliefs: str = ""


class PartRecord(Answered):
    """One part of a claim, judged by itself."""

    name: str
    estimand: str = ""
    plausible: PlausibleRecord | None = None
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


class ControlRecord(Answered):
    """What a claim's check found in a world where the claim is known to be false, or true."""

    what: str
    reason: str = ""


class PowerRecord(Record):
    """How often a claim's check told what was planted."""

    true_worlds: int
    held: int
    false_worlds: int
    false_alarms: int


Sources = Annotated[list[SourceRecord], BeforeValidator(_as_sources)]


class ClaimRecord(Answered):
    """One row of claims.json: a published claim with its answer; `pictures` only beside the page about the claims."""

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
    plausible: PlausibleRecord | None = None
    reason: str = ""
    region: str | None = None
    estimate: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    unit: str | None = ""
    parts: list[PartRecord] = Field(default_factory=list)
    control: ControlRecord | None = None
    planted: ControlRecord | None = None
    power: PowerRecord | None = None
    tables: dict[str, list[Row]] = Field(default_factory=dict)
    pictures: list[PictureRecord] = Field(default_factory=list)

    @property
    def withdrawn(self) -> bool:
        """Whether the check ran and did not tell a true world from a false one: what it found counts for nothing."""
        false, true = self.control, self.planted
        return bool((false and false.ran and false.answer != "FAILS") or (true and true.ran and true.answer == "FAILS"))
