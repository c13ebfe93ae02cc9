"""How a file that a configuration names is written: the words of the reader that every command shares."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from churnsim.study.config.section import Section

__all__ = ["DatedFile", "WrittenFile"]


class WrittenFile(Section):
    """A file and its form. What is not said is found out from the file, or refused where the file leaves it open."""

    delimiter: str | None = Field(default=None, max_length=1, description="what separates the columns; found out")
    encoding: str | None = Field(default=None, description="of the file, such as 'cp1252'; found out if absent")
    decimal: str | None = Field(default=None, max_length=1, description="the mark before decimals, '.' or ','")
    thousands: str | None = Field(default=None, max_length=1, description="the mark between thousands")
    sheet: str | None = Field(default=None, description="of a workbook with several")
    detect: bool = Field(default=True, description="whether the form is found out; else UTF-8 with commas, ISO dates")

    @property
    def form(self) -> dict[str, Any]:
        """The form as the reader takes it."""
        return {name: getattr(self, name) for name in WrittenFile.model_fields}


class DatedFile(WrittenFile):
    """One with dates."""

    date_format: str | None = Field(default=None, description="such as '%d/%m/%Y'; found out if absent")
    on_bad: Literal["raise", "set_aside"] = Field(default="raise", description="what to do with a bad row")

    @property
    def form(self) -> dict[str, Any]:
        """The form as the reader takes it."""
        return {name: getattr(self, name) for name in DatedFile.model_fields}
