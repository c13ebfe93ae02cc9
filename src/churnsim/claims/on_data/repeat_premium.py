"""`repeat-premium`: a repeat customer brings more profit than a first-time one."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["REPEAT_PREMIUM"]

WAITING = waits_for("profit by order number on CDNOW (data side of the database)")

REPEAT_PREMIUM = Claim(
    id="repeat-premium",
    says="A repeat customer brings 20 to 35% (or 20 to 85%) more profit than a first-time one.",
    quote="多次光顾的顾客比初次登门者,可为企业多带来20%35%的利润 … 壹个老顾客比壹个新顾客可为企业多带来的20%85%的利润",
    sources=(
        source(
            "002", study="A report on American business, not named", measured="Not known; the text gives both ranges."
        ),
    ),
    kind=Kind.DATA,
    quantity=(
        "Mean spend on a repeat order over mean spend on a first order, less one, percent, CDNOW, by order number."
    ),
    expect=(20.0, 85.0),
    within=None,
    because="The claim is a range; the interval of the mean must lie inside.",
    control=Control(what="order numbers shuffled between the orders of all customers", judge=WAITING),
    critique=(
        (
            "Those who come again were different from the start: the comparison between customers is not "
            "the growth within one."
        ),
    ),
    judge=WAITING,
)
