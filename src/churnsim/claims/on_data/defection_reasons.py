"""`defection-reasons`: write a report on every customer lost."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["DEFECTION_REASONS"]

WAITING = waits_for("competing risks of the causes of loss (Aalen-Johansen, models/survival.py)")

DEFECTION_REASONS = Claim(
    id="defection-reasons",
    says="For every customer lost, report why: IBM asks it of its sellers.",
    quote="IBM公司要求对于失去的每一个顾客,推销员必须写一份详细报告",
    sources=(
        source(
            "004",
            study=(
                "Keaveney 1995, Customer switching behavior in service industries, Journal of Marketing "
                "59(2), 71-82, is the published classification"
            ),
            measured=(
                "Critical incidents told by 500 customers of services: eight causes, core service failure in 44%."
            ),
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=("Cumulative incidence of each cause of loss by time, on simulated customers whose causes are known."),
    expect="incidences that sum to one less survival, and true causes within the interval",
    within=None,
    because="Aalen-Johansen is exact in its sum; each cause lies within its interval at 95%.",
    control=Control(
        what=(
            "one less Kaplan-Meier of each cause taken alone, which counts the lost of other causes as if still at risk"
        ),
        judge=WAITING,
    ),
    critique=("Stated reasons are told after the fact; incidents and drivers of loss are not the same.",),
    judge=WAITING,
)
