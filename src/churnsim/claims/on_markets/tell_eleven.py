"""`tell-eleven`: a dissatisfied customer tells eleven people."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["TELL_ELEVEN"]

WAITING = waits_for("the mechanisms of the simulation: word of mouth")

TELL_ELEVEN = Claim(
    id="tell-eleven",
    says="A dissatisfied customer complains to 11 people.",
    quote="不满的顾客会向11个人抱怨",
    sources=(
        source(
            "004",
            study="TARP for Coca-Cola 1981, Measuring the grapevine",
            measured=(
                "Consumers who had complained to the company: the dissatisfied told a median of 9 to 10 "
                "others, the satisfied 4 to 5."
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "New customers and discounted margin lost per dissatisfied customer through word of mouth, "
        "by conversion per telling, on the fitted market."
    ),
    expect="a loss whose interval lies below zero",
    within=None,
    because=(
        "A sign, judged by a paired interval; its size is a map over the conversion per telling, "
        "which no source measures."
    ),
    control=Control(what="tellings that move nobody", judge=WAITING),
    critique=(
        ("How many are told is put in; what a telling does to a prospect is not known, so only the map is a finding."),
        (
            "East, Hammond & Wright (2007, International Journal of Research in Marketing 24(2), "
            "175-184): positive word of mouth is about three times as common as negative."
        ),
    ),
    judge=WAITING,
)
