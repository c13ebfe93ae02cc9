"""`bonds`: economic, social and structural bonds."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["BONDS"]

WAITING = waits_for("the mechanisms of the simulation: bonds")

BONDS = Claim(
    id="bonds",
    says="Economic, social and structural bonds keep customers.",
    quote="经济绑定 社交绑定 结构绑定(转换成本)",
    sources=(
        source(
            "001",
            study=(
                "Berry & Parasuraman 1991, Marketing Services; Berry 1995, Relationship marketing of "
                "services, Journal of the Academy of Marketing Science 23(4), 236-245"
            ),
            measured="A typology; higher levels are said to be harder to imitate.",
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value and customers kept under each bond at equal cost, less no bond, paired, "
        "by price sensitivity and share of switchers."
    ),
    expect="above zero for each, structural above social above economic",
    within=None,
    because="Signs and order, judged by paired intervals held jointly (Bonferroni).",
    control=Control(what="bonds that cost as much and bind nobody", judge=WAITING),
    critique=(
        (
            "What each bond does to dropout is an assumption; the order is a finding only where it does "
            "not follow from it."
        ),
        "Structural bonds keep customers who would rather leave: repeat purchase, not loyalty.",
    ),
    judge=WAITING,
)
