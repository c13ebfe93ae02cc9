"""What the service-recovery paradox would have to be for a firm to gain by failures that it makes good.

Every complaint of these customers is answered at once. A quick answer leaves a customer above where it was before the
failure from some `satisfaction.procedural` on (`Satisfaction.recovery_excess`), and the satisfied stay longer; against
that stand those who leave in spite of the answer. The same customers without failures are what it is held against.
"""

from __future__ import annotations

from dataclasses import replace

from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.maps import believed_of, map_of, map_part, map_tables
from churnsim.claims.machinery.strategy_comparison import market_with
from churnsim.claims.machinery.verdicts import Basis
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.mechanisms.quality import QualityResponse, ServiceQuality
from churnsim.simulation.mechanisms.satisfaction import Satisfaction
from churnsim.simulation.scenario.strategy import Strategy

HELPED, NEVER = "failures made good", "no failures"
ADDED, STAYS = "satisfaction.procedural", "satisfaction.dropout_effect"
OVER = {ADDED: (0.0, 1.2), STAYS: (-2.0, 0.0)}
ACTS = Belief(
    value=-0.5, low=-1.5, high=-0.1, law="normal", status="assumed",
    source="what satisfaction does to leaving: of the expected sign; no source gives the exponent",
)  # fmt: skip
FAILS = 0.4
"""Chance that a purchase fails, over the customer's dropout probability: about one in ten does."""


def strategies() -> tuple[Strategy, Strategy]:
    """With failures that are made good, and without any."""
    never = ServiceQuality(budget_per_period=0.01)
    return Strategy(name=HELPED), Strategy(name=NEVER, quality=never)


def market_of_the_helped(evidence: MarketEvidence, satisfaction: Satisfaction | None = None) -> MarketEvidence:
    """The market with satisfaction as a state, in which every failure is complained about and answered quickly."""
    own = evidence.market.complaints
    complaints = replace(
        own, failure_share=FAILS * (1.0 - own.stay_quick), complaint_probability=1.0,
        complaint_probability_if_asked=1.0, quick_share=1.0, slow_share=0.0,
    )  # fmt: skip
    return market_with(
        evidence, complaints=complaints, satisfaction=satisfaction or Satisfaction(),
        quality=QualityResponse(max_reduction=1.0, spend_scale=1e-9),
    )  # fmt: skip


def part_c(evidence: MarketEvidence) -> tuple[Part, dict[str, Rows]]:
    """Where failures that are made good earn more than none."""
    helped = market_of_the_helped(evidence.at(quick=True))
    region = map_of(helped, strategies(), OVER, of=HELPED, against=NEVER, quick=True)
    beliefs = {**believed_of(helped, [ADDED]), STAYS: ACTS}
    excess = Satisfaction().procedural - Satisfaction().recovery_excess
    part = map_part(
        region, name="(c) in money",
        estimand="Equity of customers whose every failure is answered quickly less that of the same without failures.",
        beliefs=beliefs,
        basis=Basis.ASSUMED,
        reason=f"On {evidence.label}: by default a quick answer leaves customers less satisfied than before; it leaves "
        f"them more so, the paradox, where it adds more than {excess:.2f}.",
    )  # fmt: skip
    return part, map_tables("failures made good", region, beliefs)
