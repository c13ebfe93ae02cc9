"""`win-back-selection`: win back those whose lifetime value is worth it."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["WIN_BACK_SELECTION"]

WAITING = waits_for("the mechanisms of the simulation: win-back")

WIN_BACK_SELECTION = Claim(
    id="win-back-selection",
    says="Compute each lost customer's lifetime value and win back those who are worth it.",
    quote="计算出每一位老顾客对企业的“终身价值”,来确定挽回哪些顾客,放弃哪些顾客",
    sources=(
        source(
            "004",
            study=(
                "Stauss & Friege 1999, Regaining service customers, Journal of Service Research 1(4), "
                "347-361; Thomas, Blattberg & Fox 2004"
            ),
            measured=(
                "Second-lifetime value as the rule of selection; a newspaper's reacquired subscribers and "
                "their second tenure."
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value of win-back aimed by expected second-lifetime value less that of the same "
        "number of contacts at random, money over the horizon, paired."
    ),
    expect="above zero, and above that of no win-back",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="win-back aimed at those of least expected second-lifetime value", judge=WAITING),
    critique=(
        (
            "The first lifetime's value is not the second's; the firm cannot see who has left "
            "(non-contractual), so part of the effort goes to customers who never did."
        ),
    ),
    judge=WAITING,
)
