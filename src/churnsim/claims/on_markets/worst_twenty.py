"""`worst-twenty`: the worst fifth of the customers halve the profit."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["WORST_TWENTY"]

WAITING = waits_for("the whale curve on simulated and real customers")

WORST_TWENTY = Claim(
    id="worst-twenty",
    says="The worst 20% of the customers cut a firm's profit by 50%.",
    quote="最糟糕的20%的顧客使企業的利潤減少 50%",
    sources=(
        source(
            "000",
            study=(
                "Not named; Kaplan & Cooper 1998 and Kaplan & Narayanan 2001 describe whale curves in which "
                "the best 20% earn 150-300% of profit"
            ),
            measured="Costs of serving each customer, by activity, in single firms.",
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Loss made on the least profitable 20% of customers as a share of the profit there would be "
        "without them, percent, by cost to serve."
    ),
    expect=50.0,
    within=5.0,
    because="The source gives a round figure: 45 to 55.",
    control=Control(what="customers who all cost the same share of their own margin", judge=WAITING),
    critique=(
        (
            "A cost that is shared out is not a cost that leaves with the customer: dismissing the worst "
            "fifth saves only what is avoidable."
        ),
    ),
    judge=WAITING,
)
