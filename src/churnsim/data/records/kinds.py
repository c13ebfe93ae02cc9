"""The kinds of records a firm keeps beside its purchases: the columns of each and what its rows must be.

Said once, here: the reader, the customer database, the estimators of `churnsim.evidence` and the table in
docs/own-records.md all go by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from churnsim.checks import check_choice
from churnsim.data.tabular.row_coercion import Column


class Refuse(Protocol):
    """Marks the rows of the mask `bad`; `reason` completes "<value> ...", `remedy` is a sentence."""

    def __call__(self, bad: Any, column: str, reason: str, remedy: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class RecordColumn(Column):
    """One column of records.

    `aliases` are other names by which it is known in a file; `meaning` and `unit` are words for a reader. Numbers lie
    within the limits, or are what `outside` says (it completes "<value> ..."), with the `remedy`. Of a column that is
    `throughout`, a file without it means something else than empty cells do, so that files of both sorts cannot be
    held together. A `buyer` is a customer with purchases. `held_as` is the column's name in the customer database where
    that is another, `default` what stands for empty text.
    """

    meaning: str
    unit: str = ""
    aliases: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    below: float | None = None
    most: float | None = None
    outside: str = "is below 0"
    remedy: str = ""
    throughout: bool = False
    buyer: bool = False
    held_as: str = ""
    default: str | None = None

    @property
    def held(self) -> str:
        """Its name in the customer database."""
        return self.held_as or self.name

    def beyond(self, values: Any) -> Any:
        """Mask of the numbers outside the limits."""
        bad = np.zeros(len(values), dtype=bool)
        for limit, outside in (
            (self.least, np.less), (self.above, np.less_equal), (self.below, np.greater_equal), (self.most, np.greater),
        ):  # fmt: skip
            if limit is not None:
                bad |= outside(values, limit)
        return bad


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """One kind of records: what a row is called, its columns, of which there is one row each (`key`, with the words for
    a row too many, said of the column `keyed_by`), two days in order with the words for those that are not, and what
    else rows must be."""

    name: str
    what: str
    columns: tuple[RecordColumn, ...]
    ordered: tuple[str, str, str, str] | None = None
    rules: Callable[[pd.DataFrame, Refuse], None] | None = None
    key: tuple[str, ...] = ()
    keyed_by: str = ""
    repeated: str = ""
    once: str = ""

    def column(self, name: str) -> RecordColumn:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def _buyer(name: str, meaning: str, *aliases: str) -> RecordColumn:
    return RecordColumn(name=name, kind="id", meaning=meaning, aliases=aliases, buyer=True)


def _money(name: str, meaning: str, *aliases: str, remedy: str, optional: bool = True) -> RecordColumn:
    return RecordColumn(
        name=name, kind="number", optional=optional, unit="money", meaning=meaning, aliases=aliases, least=0,
        remedy=remedy,
    )  # fmt: skip


CUSTOMER = ("customer", "client_id", "client", "customer_number")
_DAY = ("date", "day")
_ARM = ("group", "treatment", "variant")
CONTACT_COST = _money(
    "cost", "what the contact cost", "costs", "price", remedy="Give what the contact cost, 0 or more."
)


def _contacts(frame: pd.DataFrame, refuse: Refuse) -> None:
    drawn = frame.groupby(["customer_id", "campaign"], sort=False, dropna=False)
    known = frame["chance"].notna()
    refuse(
        ~known & known.groupby(frame["campaign"], dropna=False).transform("any"), "chance",
        "is not a chance above 0 and at most 1, as the others of the campaign have", CHANCE,
    )  # fmt: skip
    refuse(
        frame["arm"].notna() & (frame["arm"] != drawn["arm"].transform("first")), "arm",
        "is another arm than this customer's first one in the campaign",
        "Give the arm to which the customer was drawn, whatever was sent; draws made anew are campaigns of their own.",
    )  # fmt: skip


CHANCE = (
    "Give the probability with which the customer was drawn to its arm, such as 0.5, or leave the column out where "
    "nobody drew."
)
CONTACTS = RecordKind(
    name="contacts",
    what="contact",
    columns=(
        _buyer("customer_id", "as in the purchases", *CUSTOMER),
        RecordColumn(
            name="at", kind="date", held_as="date", aliases=(*_DAY, "contacted_at", "sent_at"),
            meaning="of the contact; for customers left alone, of the draw",
        ),
        RecordColumn(
            name="campaign", kind="text", optional=True, default="campaign", meaning="its name, where there are several"
        ),
        RecordColumn(
            name="arm", kind="text", aliases=_ARM, meaning="what the customer was drawn to, the control included"
        ),
        CONTACT_COST,
        RecordColumn(
            name="chance", kind="number", optional=True, aliases=("probability", "propensity"), above=0, most=1,
            unit="above 0, at most 1", outside="is not a chance above 0 and at most 1", remedy=CHANCE,
            meaning="the probability with which the customer was drawn to its arm",
        ),
    ),
    rules=_contacts,
    key=("customer_id", "campaign", "at"),
    keyed_by="customer_id",
    repeated="has a row of this campaign and day before this one",
    once="Give one row to each contact.",
)  # fmt: skip


SPEND = RecordKind(
    name="spend",
    what="row of spending",
    columns=(
        RecordColumn(
            name="from", kind="date", aliases=("start", "first_day", "period_start"), meaning="first of the period"
        ),
        RecordColumn(name="to", kind="date", aliases=("end", "last_day", "period_end"), meaning="last of the period"),
        RecordColumn(name="channel", kind="text", aliases=("medium", "source"), meaning="on what it was spent"),
        _money(
            "spend", "spent on new customers in the period", "spending", "cost", "costs", optional=False,
            remedy="Give what was spent, 0 or more.",
        ),
        RecordColumn(
            name="new_customers", kind="number", unit="customers", least=0, aliases=("customers", "acquired"),
            meaning="who came in the period", remedy="Give how many came, 0 or more.",
        ),
        _money("revenue", "of the period", "sales", remedy="Give what was sold, 0 or more."),
    ),
    ordered=("from", "to", "lies before the period begins", "Give the last day of the period."),
    key=("from", "channel"),
    keyed_by="channel",
    repeated="has a row for this period before",
    once="Give one row to each channel and period.",
)  # fmt: skip


COMPLAINTS = RecordKind(
    name="complaints",
    what="complaint",
    columns=(
        _buyer("customer_id", "as in the purchases", *CUSTOMER),
        RecordColumn(
            name="at", kind="date", held_as="date", aliases=(*_DAY, "complained_at", "received_at"),
            meaning="when it came",
        ),
        RecordColumn(
            name="answered_at", kind="date", optional=True, throughout=True, held_as="answered",
            aliases=("answered", "resolved_at", "closed_at"), meaning="when it was answered; empty while it waits",
        ),
        RecordColumn(
            name="outcome", kind="text", optional=True, aliases=("result",), meaning="such as resolved, refused"
        ),
        _money("compensation", "what was paid", "paid", remedy="Give what was paid, 0 or more."),
        RecordColumn(
            name="arm", kind="text", optional=True, throughout=True, aliases=_ARM,
            meaning="what was drawn for it, where something was",
        ),
    ),
    ordered=("at", "answered_at", "lies before the complaint", "Give the day of the answer after it."),
)  # fmt: skip


def _referrals(frame: pd.DataFrame, refuse: Refuse) -> None:
    refuse(
        frame["referrer_id"].astype(str) == frame["referred_id"].astype(str), "referred_id", "is the referrer too",
        "Give the id of the person who was referred.",
    )  # fmt: skip


REFERRALS = RecordKind(
    name="referrals",
    what="referral",
    columns=(
        _buyer("referrer_id", "who referred, as in the purchases", "referrer", "referred_by"),
        RecordColumn(name="referred_id", kind="id", aliases=("referred", "referee_id"), meaning="who was referred"),
        RecordColumn(name="at", kind="date", aliases=(*_DAY, "referred_at"), meaning="of the referral"),
    ),
    rules=_referrals,
    key=("referred_id",),
    keyed_by="referred_id",
    repeated="was referred before",
    once="Keep the referral that the customer is owed to.",
)


WIN_BACKS = RecordKind(
    name="win_backs",
    what="win-back contact",
    columns=(
        _buyer("customer_id", "as in the purchases", *CUSTOMER),
        RecordColumn(
            name="at", kind="date", aliases=(*_DAY, "contacted_at"), meaning="of the contact; of the control, the draw"
        ),
        RecordColumn(name="arm", kind="text", aliases=_ARM, meaning="what was to be done, the control included"),
        CONTACT_COST,
        RecordColumn(
            name="returned_at", kind="date", optional=True, throughout=True, aliases=("returned", "return_date"),
            meaning="of the return; empty where there was none. Without the column it is the first purchase after",
        ),
    ),
    ordered=("at", "returned_at", "lies before the contact", "Give the day of the return after it."),
)  # fmt: skip


OFFERS = RecordKind(
    name="offers",
    what="offer",
    columns=(
        _buyer("customer_id", "as in the purchases", *CUSTOMER),
        RecordColumn(name="renewal", kind="date", aliases=("renewal_date", "renewal_day"), meaning="that came up"),
        RecordColumn(name="arm", kind="text", aliases=_ARM, meaning="what was to be offered, the control included"),
        RecordColumn(
            name="discount", kind="number", unit="share of the price", least=0, below=1,
            outside="is not a share below 1", remedy="Write ten percent as 0.1.", meaning="0 for none",
        ),
        RecordColumn(name="renewed", kind="flag", aliases=("renews",), meaning="yes or no"),
    ),
    key=("customer_id", "renewal"),
    keyed_by="customer_id",
    repeated="has a row for this renewal before",
    once="Give one row to each renewal.",
)  # fmt: skip

RECORD_KINDS: dict[str, RecordKind] = {
    kind.name: kind for kind in (CONTACTS, SPEND, COMPLAINTS, REFERRALS, WIN_BACKS, OFFERS)
}


def record_kind(name: object) -> RecordKind:
    """The kind of that name; ConfigError where there is none."""
    return RECORD_KINDS[check_choice(name, "kind", tuple(RECORD_KINDS))]
