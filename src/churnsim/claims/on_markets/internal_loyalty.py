"""`internal-loyalty`: loyal staff make loyal customers."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["INTERNAL_LOYALTY"]

WAITING = waits_for("service failure falling with staff turnover, in satisfaction/ and the simulation")

INTERNAL_LOYALTY = Claim(
    id="internal-loyalty",
    says="Satisfied and loyal employees decide whether customers are satisfied and loyal.",
    quote="内部客户的满意度决定了外部客户的满意度,内部客户的忠诚度决定了外部客户的忠诚度",
    sources=(
        source(
            "003",
            study=(
                "Heskett, Jones, Loveman, Sasser & Schlesinger 1994, Putting the service-profit chain to "
                "work, Harvard Business Review 72(2), 164-174"
            ),
            measured="Cases; no effect size that carries over.",
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Elasticity of customers lost over the horizon to staff turnover, where new staff fail more "
        "often for a learning time."
    ),
    expect="customers lost rise with staff turnover, interval above zero",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="staff who fail equally often whatever their tenure", judge=WAITING),
    critique=(
        (
            '"Decides" is more than "goes with": Silvestro & Cross (2000) found the links of the chain '
            "weak, some negative, in a grocery chain."
        ),
    ),
    judge=WAITING,
)
