"""Strategies against each other on one market: budgets that claims share, and paired gains as parts of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import Spread
from churnsim.decisions.comparison.compare import Comparison
from churnsim.simulation.scenario.strategy import Acquisition, RetentionContacts, Strategy
from churnsim.units import Duration

PER_CUSTOMER = 0.20
"""Money a period for each customer the firm knows at the start: an assumption, varied where it matters."""
LOSSES = ("losses_organic", "losses_failure", "losses_complaint")
"""Accounts of the customers lost, by cause."""


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


@dataclass(frozen=True)
class Gain(Spread):
    """What one strategy earns more than another, money over the horizon, paired; intervals hold jointly."""

    of: str
    against: str

    def __str__(self) -> str:
        return f"{self.mean:+,.0f} [{self.lower:+,.0f}, {self.upper:+,.0f}]"


def gain_of(found: Comparison, of: str, against: str, *, metric: str = "equity", jointly: int = 1) -> Gain:
    """The gain of one strategy over another, at 95% jointly with that many others (Bonferroni)."""
    rows = found.differences(metric, against=against, level=1 - 0.05 / jointly).to_dict("records")
    row = next(row for row in rows if row["strategy"] == of)
    mean, lower, upper = (float(row[key]) for key in ("mean", "lower", "upper"))
    return Gain(mean, lower, upper, of=of, against=against)


def gains_of(
    evidence: MarketEvidence, strategies: Sequence[Strategy], *, jointly: int | None = None
) -> tuple[Comparison, list[Gain]]:
    """A comparison, and the gains of its first strategy over each of the others, which hold jointly."""
    found = evidence.compare(strategies)
    first, *others = (strategy.name for strategy in strategies)
    return found, [gain_of(found, first, other, jointly=jointly or len(others)) for other in others]


def gain_part(gain: Gain, *, name: str = "", estimand: str = "") -> Part:
    """The gain as a part that holds when its interval lies above zero."""
    return Part(
        name=name or f"{gain.of} against {gain.against}",
        estimand=estimand or f"Equity of {gain.of} less that of {gain.against}, money over the horizon, paired.",
        answer=gain.above(),
        **gain.figures("money over the horizon"),
        reason=f"{gain.of} less {gain.against}: {gain}.",
    )


def gain_table(gains: Sequence[Gain], **common: Any) -> Rows:
    """The gains as rows."""
    return [{**common, "of": gain.of, "against": gain.against, **gain.row("gain")} for gain in gains]


def market_with(evidence: MarketEvidence, **parts: Any) -> MarketEvidence:
    """The same evidence on a market with these parts; a mapping changes single numbers of a part that is there."""
    market = evidence.market
    changed = {
        name: replace(getattr(market, name), **part) if isinstance(part, dict) else part for name, part in parts.items()
    }
    return replace(evidence, market=replace(market, **changed))
