"""`abc-management`: put the effort on the top fifth."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["ABC_MANAGEMENT"]

WAITING = waits_for("targeting by responsiveness at equal budget")

ABC_MANAGEMENT = Claim(
    id="abc-management",
    says="Concentrate the effort on the top 20% of the customers; never spread it evenly.",
    quote="千万不要将关系营销注意力平均分配给所有的顾客 … 保住顾客中关键少数的20%",
    sources=(
        source("003", measured="No study is named."),
        source("000", measured="No study is named."),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value with contacts aimed at the top 20% by past spend, less the same budget "
        "spread evenly and less aimed by responsiveness, money, paired."
    ),
    expect="above zero against even spreading and not below zero against responsiveness",
    within=None,
    because="Signs, judged by paired intervals held jointly.",
    control=Control(what="contacts aimed at a random fifth", judge=WAITING),
    critique=(
        (
            "Ascarza (2018, Journal of Marketing Research 55(1), 80-98): target by sensitivity to the "
            "contact, not by risk or value."
        ),
    ),
    judge=WAITING,
)
