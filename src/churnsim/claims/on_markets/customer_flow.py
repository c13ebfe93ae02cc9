"""`customer-flow`: market share is what evaporates, switches and arrives."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["CUSTOMER_FLOW"]

WAITING = waits_for("the mechanisms of the simulation: competitors")

CUSTOMER_FLOW = Claim(
    id="customer-flow",
    says=("Market share follows from customers who evaporate, who switch to and from competitors, and from new ones."),
    quote="蒸发 顾客离开 吸引到本公司的新顾客 转换到竞争者的顾客 从其他竞争者转换到本公司的顾客 → 市场份额",
    sources=(
        source(
            "001",
            measured=(
                "A diagram; the model behind it is the switching matrix (Ehrenberg 1965; Rust, Lemon & "
                "Zeithaml 2004, Journal of Marketing 68(1), 109-127)."
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Market share after each period from the switching matrix, beside the share of the simulated "
        "market with the same flows."
    ),
    expect="equal within Monte Carlo error",
    within=None,
    because="Three standard errors of the simulated share.",
    control=Control(what="a matrix whose flows in and out are exchanged", judge=WAITING),
    critique=(
        (
            "A share follows from flows as an identity; what the flows are is the question (Sharp 2010: "
            "defection is mostly explained by share)."
        ),
    ),
    judge=WAITING,
)
