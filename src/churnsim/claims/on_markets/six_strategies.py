"""`six-strategies`: a database, contacts, feedback, surveys, a channel, events, and winning back."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.evidence import MarketEvidence
from churnsim.claims.fitted import NEEDS_MARKET
from churnsim.claims.judging import not_run
from churnsim.claims.programmes import STEPS, judge_programme
from churnsim.claims.sources import source

__all__ = ["SIX_STRATEGIES", "judge"]

CHOSEN = (
    "a database of recent buyers",
    "service and loyal staff",
    "answering complaints",
    "asking for complaints",
    "a club or events",
    "winning back",
)
"""The steps that the simulation has: contact points are service quality, the channel and events are the club."""


def judge(evidence: Evidence, quick: bool = False, *, effective: bool = True) -> Finding:
    """The whole programme, and each step left out in turn; in the control nothing has any effect."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    steps = {key: STEPS[key] for key in CHOSEN}
    return judge_programme(evidence.at(quick=quick), steps, effective=effective)


def control(evidence: Evidence, quick: bool) -> Finding:
    """The same programme at the same cost with every effect set to zero."""
    return judge(evidence, quick, effective=False)


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
    control=Control(what="the whole strategy with every effect set to zero at the same cost", judge=control),
    critique=(
        ("A step adds where its marginal return is above that of the rest; a list cannot be right for every firm."),
    ),
    judge=judge,
)
