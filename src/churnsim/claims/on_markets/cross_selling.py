"""`cross-selling`: a second product sold to those who have one."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["CROSS_SELLING"]

WAITING = waits_for("the mechanisms of the simulation: cross-selling")

CROSS_SELLING = Claim(
    id="cross-selling",
    says="Selling a second product to existing customers doubles what they bring.",
    quote="利用交叉销售来提升销售业绩 … 你便能够从他们身上获得加倍的业绩",
    sources=(source("002", measured="Amazon is told as an example; no study is named."),),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value with cross-selling less without, money over the horizon, paired, by lift "
        "of spend and cost of reaching a customer."
    ),
    expect="above zero",
    within=None,
    because="A sign, judged by a paired interval; its size is a map.",
    control=Control(what="cross-selling that lifts nothing", judge=WAITING),
    critique=(
        (
            "Shah, Kumar, Qu & Chen (2012, Journal of Marketing 76(3), 78-95): one customer in five who "
            "is cross-sold is unprofitable, and these make most of the loss."
        ),
    ),
    judge=WAITING,
)
