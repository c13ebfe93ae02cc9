"""notices.json: what a reader must be told beside the numbers of a run."""

from __future__ import annotations

from traceback import format_exc
from typing import Literal, Self

from pydantic import Field

from churnsim.errors import ChurnSimError, ConfigError, DataError, FitError
from churnsim.records.base import Number, Record, Row

WarningCode = Literal[
    "silent end", "starts mid-life", "one cohort", "horizon beyond history", "holdout without a season",
    "holdout missed", "fit", "no amounts", "spend correlated", "source", "survey", "nobody leaves", "long epochs",
    "calendar", "own series", "undone orders", "hole",
]  # fmt: skip
"""What kind of thing a warning is about, for a report that has more to say of it than its sentence."""


class StudyWarning(Record):
    """A sentence to be read beside the results of one stage; `figures` are the numbers in it, by name."""

    stage: str
    code: WarningCode
    message: str
    figures: dict[str, Number] = Field(default_factory=dict)


class StageFailure(Record):
    """A stage, or with `subject` one item of it, that could not be done: its result is missing from this run.

    One that is `lasting` comes of the data or the configuration, and would fail again if it were tried again. Of an
    error that is none of churnsim's own, `traceback` says where it arose.
    """

    stage: str
    subject: str = ""
    reason: str
    lasting: bool = False
    traceback: str = ""

    @classmethod
    def of_error(cls, error: Exception, stage: str, subject: str = "") -> Self:
        """The failure that an error is, inside the `except` that caught it."""
        own = isinstance(error, ChurnSimError)
        return cls(
            stage=stage, subject=subject, reason=str(error) if own else f"{type(error).__name__}: {error}",
            lasting=isinstance(error, (FitError, DataError, ConfigError)),
            traceback="" if own else format_exc(),
        )  # fmt: skip


class Unjudged(Record):
    """A strategy that is not ranked, and why the models of this study cannot judge it."""

    strategy: str
    reason: str


class ModelChoice(Record):
    """The purchase model and why: chosen among candidates on the holdout, with a row for each in `table`, or named by
    the configuration."""

    chosen: str
    why: str
    table: list[Row] = Field(default_factory=list)


class Notices(Record):
    """The content of notices.json. `choice` is None where the configuration names the model and not why."""

    warnings: list[StudyWarning] = Field(default_factory=list)
    failures: list[StageFailure] = Field(default_factory=list)
    unjudged: list[Unjudged] = Field(default_factory=list)
    choice: ModelChoice | None = None
