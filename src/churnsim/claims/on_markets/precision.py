"""`precision`: one-to-one marketing."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["PRECISION"]

WAITING = waits_for("the mechanisms of the simulation: targeting by responsiveness")

PRECISION = Claim(
    id="precision",
    says=("One-to-one marketing raises satisfaction and margin by serving each customer's own need."),
    quote="精准营销即为定制化的一对一营销,以高附加价值的产品满足不同消费群体的个性化需求",
    sources=(source("003", measured="No study is named."),),
    kind=Kind.SIMULATION,
    quantity=("Net present value with the method less without, at equal budget, money over the horizon, paired."),
    expect="above zero",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="the method at the same cost and without effect", judge=WAITING),
    critique=(
        ("A method is as good as the response it meets, which the text does not state; the map says what it takes."),
    ),
    judge=WAITING,
)
