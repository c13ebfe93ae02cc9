"""`nine-steps`: nine steps from a CRM office to winning customers back."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.evidence import MarketEvidence
from churnsim.claims.fitted import NEEDS_MARKET
from churnsim.claims.judging import not_run
from churnsim.claims.programmes import STEPS, judge_programme
from churnsim.claims.sources import source

__all__ = ["NINE_STEPS", "judge"]

CHOSEN = (
    "the best fifth",
    "service and loyal staff",
    "a club or events",
    "one-to-one offers",
    "answering complaints",
    "winning back",
)
"""The steps that the simulation has: the office is the budget itself, care and the database are the contacts."""


def judge(evidence: Evidence, quick: bool = False, *, effective: bool = True) -> Finding:
    """The whole programme, and each step left out in turn; in the control nothing has any effect."""
    if not isinstance(evidence, MarketEvidence):
        return not_run(NEEDS_MARKET)
    steps = {key: STEPS[key] for key in CHOSEN}
    return judge_programme(evidence.at(quick=quick), steps, effective=effective)


def control(evidence: Evidence, quick: bool) -> Finding:
    """The same programme at the same cost with every effect set to zero."""
    return judge(evidence, quick, effective=False)


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
    control=Control(what="the whole strategy with every effect set to zero at the same cost", judge=control),
    critique=(
        ("A step adds where its marginal return is above that of the rest; a list cannot be right for every firm."),
    ),
    judge=judge,
)
