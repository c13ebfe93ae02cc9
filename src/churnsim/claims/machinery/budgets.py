"""Budgets and rules that several simulated claims share, so that they compare like with like."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Part, Verdict
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.simulation.scenario.strategy import Acquisition, RetentionContacts, Strategy
from churnsim.units import Duration

__all__ = ["PER_CUSTOMER", "budget_of", "conjunction", "half_a_year", "split"]

PER_CUSTOMER = 0.20
"""Money a period for each customer the firm knows at the start: an assumption, varied where it matters."""


def budget_of(evidence: MarketEvidence, *, per_customer: float = PER_CUSTOMER) -> float:
    """The budget per period, in whole money."""
    return max(1.0, round(per_customer * len(evidence.market.customers)))


def half_a_year(evidence: MarketEvidence) -> float:
    """Twenty-six weeks in the market's unit."""
    return Duration(26, "W").to(evidence.market.unit)


def split(evidence: MarketEvidence, name: str, *, budget: float, acquisition: float, keep: bool = True) -> Strategy:
    """`acquisition` of the budget on prospects and, with `keep`, the rest on customers who bought in half a year."""
    won, kept = acquisition * budget, (1.0 - acquisition) * budget
    return Strategy(
        name=name,
        acquisition=Acquisition(budget_per_period=won) if won else None,
        retention=RetentionContacts(budget_per_period=kept, rule="recent_buyers", within=half_a_year(evidence))
        if kept and keep
        else None,
    )


def conjunction(parts: tuple[Part, ...]) -> Verdict:
    """The verdict on "this and that": FAILS as soon as one part does, HOLDS only where all do."""
    verdicts = {part.verdict for part in parts}
    for verdict in (Verdict.FAILS, Verdict.UNTESTED, Verdict.UNTESTABLE, Verdict.HOLDS_IF):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS
