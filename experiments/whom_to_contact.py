"""Whom should one budget for contacts reach?

Everybody, the best fifth, class A, those at risk, recent buyers or the responsive, as customers differ in what
contacts do to
them; goes with ``configs/whom-to-contact.toml``:

    from churnsim.claims import cdnow_evidence

    market = cdnow_evidence(replications=4).market
    print(ask(market, budget=100.0, spread=1.0, replications=4, seed=1, horizon=52.0).levels("equity"))

Money per period of four weeks, durations in weeks.
"""

from __future__ import annotations

from dataclasses import replace

from churnsim.decisions import Comparison, compare
from churnsim.simulation import Market, RetentionContacts, Strategy

__all__ = ["ask", "strategies"]

HALF_A_YEAR = 26.0


def strategies(budget: float) -> list[Strategy]:
    """`budget` per period by six rules, and no contacts."""
    rules = {
        "everybody": RetentionContacts(budget_per_period=budget, rule="all"),
        "best fifth": RetentionContacts(budget_per_period=budget, rule="top_value", share=0.2),
        "class A": RetentionContacts(budget_per_period=budget, rule="abc_class", abc="A"),
        "at risk": RetentionContacts(budget_per_period=budget, rule="at_risk", gaps=2.0),
        "recent buyers": RetentionContacts(budget_per_period=budget, rule="recent_buyers", within=HALF_A_YEAR),
        "responsive fifth": RetentionContacts(budget_per_period=budget, rule="responsive", share=0.2),
    }
    return [*(Strategy(name=name, retention=rule) for name, rule in rules.items()), Strategy(name="no contacts")]


def ask(
    market: Market, *, budget: float, spread: float, replications: int, seed: int, horizon: float = 104.0
) -> Comparison:
    """The rules side by side, customers differing by `spread` (0: alike; 1: from nothing to twice the mean)."""
    differing = replace(market, retention=replace(market.retention, response_spread=spread))
    return compare(differing, strategies(budget), replications=replications, seed=seed, horizon=horizon)
