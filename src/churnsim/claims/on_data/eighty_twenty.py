"""`eighty-twenty`: the top fifth bring four fifths."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["EIGHTY_TWENTY"]

WAITING = waits_for("concentration of sales on CDNOW (data side of the database)")

EIGHTY_TWENTY = Claim(
    id="eighty-twenty",
    says="The top 20% of the customers give 80% of sales and of profit.",
    quote="組織80%的利润来自20%的顾客;80%的销售额来自20%的顾客",
    sources=(
        source("000", measured="No study is named."),
        source("002", measured="No study is named."),
        source(
            "003",
            measured=(
                "No study is named; Schmittlein, Cooper & Morrison 1993, Marketing Science 12(2), 156-183, "
                "derive concentration from the NBD"
            ),
        ),
    ),
    kind=Kind.DATA,
    quantity=("Share of sales of the 20% of customers who spend most, percent, in the full CDNOW log of 18 months."),
    expect=80.0,
    within=5.0,
    because="A rule of thumb given without decimals: 75 to 85.",
    control=Control(what="customers who all spend alike, the spread being chance alone", judge=WAITING),
    critique=(
        (
            "Published shares for packaged goods are lower: 50-60% in a year (Sharp, Romaniuk & Graham "
            "2019), .67-.73 over longer periods (Kim, Singh & Winer 2017, Marketing Letters 28, "
            "491-507)."
        ),
        (
            "Part of the concentration in a finite window is chance: with one purchase rate for all the "
            "top fifth would still buy more than a fifth."
        ),
    ),
    judge=WAITING,
)
