"""`nine-steps`: nine steps from a CRM office to winning customers back."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["NINE_STEPS"]

WAITING = waits_for("the mechanisms of the simulation: all of them as one strategy")

NINE_STEPS = Claim(
    id="nine-steps",
    says=(
        "Nine steps together build loyalty: office, loyal staff, the 20%, care, club, one-to-one, "
        "database, complaints, win-back."
    ),
    quote="“九步法” 建立CRM机构 … 迎接客户再生",
    sources=(source("003", measured="No study is named."),),
    kind=Kind.SIMULATION,
    quantity=(
        "Net present value of the whole strategy less the same budget with one step left out and its "
        "money shared among the rest, money, paired, for each step."
    ),
    expect="above zero for every step",
    within=None,
    because="Signs, judged by paired intervals held jointly (Bonferroni).",
    control=Control(what="the whole strategy with every effect set to zero at the same cost", judge=WAITING),
    critique=(
        ("A step adds where its marginal return is above that of the rest; a list cannot be right for every firm."),
    ),
    judge=WAITING,
)
