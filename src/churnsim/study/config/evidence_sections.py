"""Which of the firm's own records a study measures its market by: the tables of [evidence]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from churnsim.study.config.file_section import DatedFile
from churnsim.study.config.section import Length, Level, Section
from churnsim.units import Duration

Chances = dict[str, Annotated[float, Field(gt=0, lt=1)]]
CHANCES = "each arm's probability, such as { control = 0.5, call = 0.5 }; without it nothing counts as drawn"
FOUR_WEEKS, EIGHT_WEEKS = Duration(4, "W"), Duration(8, "W")


class RecordsSection(DatedFile):
    """A table of records."""

    path: str | None = Field(
        default=None,
        description="a CSV, Parquet or Excel file, relative to this configuration; if absent, the records of the "
        "customer database or the made-up shop that [data] names",
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="what the file calls columns, where otherwise: { customer_id = 'client' }"
    )
    level: Level = Field(default=0.9, description="of the intervals")


class ContactsSection(RecordsSection):
    """Contacts of campaigns, with those who were left alone: `retention.*`."""

    control: str = Field(default="control", description="the arm that was left alone")
    arm: str | None = Field(default=None, description="the arm that stands for the strategies' contacts, if several")
    window: Length = Field(default=FOUR_WEEKS, description="how long after its draw a customer is watched")
    lasting: Length | None = Field(default=None, description="how long a contact acts on leaving; `window` if absent")


class SpendSection(RecordsSection):
    """Spending on new customers by period and channel: `prospects.*`."""

    channel: str | None = Field(
        default=None,
        description="the channel that the strategies' money goes to; each by its name if absent",
    )


class ComplaintsSection(RecordsSection):
    """Complaints and their answers: `complaints.*`."""

    unresolved: tuple[str, ...] = Field(
        default=("unresolved", "refused"), strict=False, description="outcomes that settle nothing"
    )
    control: str | None = Field(default=None, description="the arm answered as usual, where arms were drawn")
    chance: Chances | None = Field(default=None, description=CHANCES)


class ReferralsSection(RecordsSection):
    """Who was referred by whom: `referral.*`."""


class WinBacksSection(RecordsSection):
    """Contacts to silent customers: `win_back.*`."""

    control: str | None = Field(default=None, description="the arm that was left alone; absent if there was none")
    chance: Chances | None = Field(default=None, description=CHANCES)
    within: Length = Field(default=EIGHT_WEEKS, description="who returns later has not returned")


class OffersSection(RecordsSection):
    """Offers at renewal, by price: `renewal_offers.*`."""

    control: str = Field(description="the arm without an offer")
    chance: Chances | None = Field(default=None, description=CHANCES)


class EvidenceSection(Section):
    """The firm's own records, by which numbers of the market are measured."""

    contacts: ContactsSection | None = None
    spend: SpendSection | None = None
    complaints: ComplaintsSection | None = None
    referrals: ReferralsSection | None = None
    win_backs: WinBacksSection | None = None
    offers: OffersSection | None = None

    @property
    def tables(self) -> Iterator[tuple[str, RecordsSection]]:
        """The tables that are given, by kind."""
        return ((kind, table) for kind in RECORDS if (table := getattr(self, kind)) is not None)


RECORDS = tuple(EvidenceSection.model_fields)
"""The kinds of records."""
