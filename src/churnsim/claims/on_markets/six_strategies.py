"""`six-strategies`: a database, contacts, feedback, surveys, a channel, events, and winning back."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["SIX_STRATEGIES"]

WAITING = waits_for("the mechanisms of the simulation: all of them as one strategy")

SIX_STRATEGIES = Claim(
    id="six-strategies",
    says=("Database, planned contacts, feedback, survey, a channel, events and winning back keep customers."),
    quote="建立顧客資料庫 籌劃接觸顧客的程式 … 確認和找回失去的顧客",
    sources=(source("000", measured="No study is named."),),
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
