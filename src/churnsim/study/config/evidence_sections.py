"""Which of the firm's own records a study measures its market by: the tables of [evidence]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from churnsim.study.config.file_section import DatedFile
from churnsim.study.config.section import MOST_REPLICATIONS, Length, Level, Section
from churnsim.units import Duration, parse_duration

if TYPE_CHECKING:
    from churnsim.evidence.ledger_targets import Target

Chances = dict[str, Annotated[float, Field(gt=0, lt=1)]]
CHANCES = "each arm's probability, such as { control = 0.5, call = 0.5 }; without it nothing counts as drawn"
# As they are read, so that a stored configuration and its file say the same.
FOUR_WEEKS, EIGHT_WEEKS = Duration(4.0, "W"), Duration(8.0, "W")


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
    history: str | None = Field(
        default=None,
        description="a file with one row a customer of what was known before the draw, relative to this configuration; "
        "without it, as without chances, nothing shows that chance alone decided",
    )
    known: tuple[str, ...] = Field(
        default=(), strict=False, description="columns of `history` to look at for balance and to adjust for"
    )

    @model_validator(mode="after")
    def _history_has_columns(self) -> Self:
        if (self.history is None) != (not self.known):
            raise ValueError("history and known belong together: a file, and its columns of what was known")
        return self


class KnownFigureSection(Section):
    """What is known of a quantity of the ledger; it counts from the start of the simulation on, so that of the past it
    takes what goes on."""

    quantity: str = Field(
        description="an account of the ledger, such as 'complaints', 'births' or 'revenue'; or 'profit', "
        "'repeat_purchases', 'repeat_revenue'"
    )
    low: float = Field(description="lower end of its interval")
    high: float = Field(description="upper end")
    level: Level = Field(default=0.9, description="probability with which the interval holds what is true")
    per: str | None = Field(
        default=None, description="a quantity of which it is a share, or a time it is counted by, such as '1 M'; if "
        "absent, the sum",
    )  # fmt: skip
    since: Length | None = Field(
        default=None, description="whole periods from the start of the simulation; 0 if absent"
    )
    until: Length | None = Field(default=None, description="likewise; the simulation's horizon if absent")
    law: Literal["normal", "log-normal"] = Field(default="normal", description="of the figure's error")
    name: str = Field(default="", description="what tables call it; what it is if absent")
    source: str = Field(min_length=1, description="where the figure is from, in words")

    def target(self) -> Target:
        """What calibration takes. Raises ConfigError for what is no target."""
        from churnsim.evidence.ledger_targets import Target  # loads the kernels: only when asked for

        timed = self.per is not None and self.per[:1] in set("0123456789.")
        per = parse_duration(self.per) if self.per is not None and timed else self.per
        given = {name: getattr(self, name) for name in ("quantity", "low", "high", "level", "until", "law", "name")}
        return Target(per=per, since=self.since or 0.0, **given)


class TargetsSection(Section):
    """What is known in sums, to which the numbers of the market that no record shows are calibrated, after the records
    are measured."""

    strategy: str = Field(description="the one that was in force when the figures came about: today's")
    draws: int = Field(
        default=500, ge=50, le=MOST_REPLICATIONS,
        description="of the posterior, and as many as there are replications at least; each takes 5 to 50 simulations",
    )  # fmt: skip
    level: Level = Field(default=0.9, description="of the intervals")
    figure: tuple[KnownFigureSection, ...] = Field(strict=False, min_length=1, max_length=50)


class EvidenceSection(Section):
    """The firm's own records, by which numbers of the market are measured, and what else is known of it in sums."""

    contacts: ContactsSection | None = None
    spend: SpendSection | None = None
    complaints: ComplaintsSection | None = None
    referrals: ReferralsSection | None = None
    win_backs: WinBacksSection | None = None
    offers: OffersSection | None = None
    trials: tuple[str, ...] = Field(
        default=(), strict=False, description="files with what trials measured, as `churnsim trial read --evidence` "
        "writes them, relative to this configuration",
    )  # fmt: skip
    targets: TargetsSection | None = None

    @property
    def tables(self) -> Iterator[tuple[str, RecordsSection]]:
        """The tables that are given, by kind."""
        return ((kind, table) for kind in RECORDS if (table := getattr(self, kind)) is not None)


RECORDS = tuple(name for name in EvidenceSection.model_fields if name not in ("trials", "targets"))
"""The kinds of records."""
