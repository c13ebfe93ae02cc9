"""`second-sale`: an existing customer buys with a chance of one half."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["SECOND_SALE"]

WAITING = waits_for("repeat within a year on CDNOW (data side of the database)")

SECOND_SALE = Claim(
    id="second-sale",
    says=("An offer to an existing customer sells with a chance of 50% (a new one with 15% in the parallel text)."),
    quote="将产品或服务向壹位曾经成交的旧有顾客推销的成交机会却有50",
    sources=(source("002", study="American Management Association, not named", measured="Not known."),),
    kind=Kind.DATA,
    quantity="Share of first-time buyers who buy again within a year, percent, CDNOW.",
    expect=50.0,
    within=5.0,
    because="A round figure: 45 to 55, and the interval of the share.",
    control=Control(what="the same log with a day called a month", judge=WAITING),
    critique=(
        (
            "A chance per offer is not a chance per year: CDNOW records purchases, not offers. The "
            "new-customer half cannot be tested without them."
        ),
    ),
    judge=WAITING,
)
