"""`existing-revenue`: most revenue comes from existing customers."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["EXISTING_REVENUE"]

WAITING = waits_for("revenue by age of the customer on CDNOW (data side of the database)")

EXISTING_REVENUE = Claim(
    id="existing-revenue",
    says="Most of a firm's revenue and profit comes from its existing customers.",
    quote="企業收入和利潤的大部分來自現有顧客",
    sources=(source("000", measured="Deduced from the asset equation, not measured."),),
    kind=Kind.DATA,
    quantity=(
        "Share of revenue that comes from repeat purchases, percent, CDNOW and a simulated firm, by the firm's age."
    ),
    expect="above 50",
    within=None,
    because="A majority has no tolerance; the interval must lie above 50.",
    control=Control(what="the first purchases taken for the existing customers'", judge=WAITING),
    critique=(
        ("True of any firm old enough, false of any young one: the share rises with the firm's age by arithmetic."),
    ),
    judge=WAITING,
)
