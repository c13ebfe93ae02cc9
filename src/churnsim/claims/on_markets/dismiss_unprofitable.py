"""`dismiss-unprofitable`: let customers go who bring nothing."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["DISMISS_UNPROFITABLE"]

WAITING = waits_for("the mechanisms of the simulation: dismissal")

DISMISS_UNPROFITABLE = Claim(
    id="dismiss-unprofitable",
    says="Customers who contribute nothing should be encouraged to leave for a competitor.",
    quote="毫无贡献的顾客 … 应鼓励这些顾客“主动流失”而转向能满足他们需求的其他竞争者",
    sources=(
        source(
            "004",
            measured=(
                "No study is named; Mittal, Sarkees & Murshed 2008, Harvard Business Review 86(4), 94-102, "
                "is the usual one"
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value with dismissal of customers whose trailing margin is negative less "
        "without, money over the horizon, paired, by cost to serve."
    ),
    expect="above zero",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="dismissal of the customers with the highest trailing margin", judge=WAITING),
    critique=(
        (
            "Haenlein & Kaplan (2012): dismissal makes those who stay trust less. A customer "
            "unprofitable so far may turn; the simulation counts those."
        ),
    ),
    judge=WAITING,
)
