"""Telco: does the same budget earn more by buying subscribers, or by offers to those who are there?

The strategies of ``configs/telco.toml``, for asking the question from Python with other markets and budgets:

    from dataclasses import replace

    import churnsim
    from churnsim.simulation.market import RetentionResponse
    from churnsim.simulation.subscribers import SubscriberBase, charges_model, contract_of

    telco = churnsim.datasets.telco()
    curve = churnsim.SurvivalCurve.fit(telco, "piecewise_exponential").model
    market = churnsim.Market(
        customers=SubscriberBase(telco, charges=telco["monthly_charges"]),
        purchases=contract_of(curve),
        spend=charges_model(telco["monthly_charges"]),
    )
    kinder = replace(market, retention=RetentionResponse(max_effect=0.6, spend_scale=2.0, harmed_share=0.0))
    print(ask(kinder, budget=9_500.0, replications=3, seed=1, horizon=12.0).differences("npv"))

Money is in US dollars, budgets are per month, durations in months.
"""

from __future__ import annotations

from churnsim.simulation.compare import Comparison, compare
from churnsim.simulation.market import Market
from churnsim.simulation.strategy import Acquisition, RetentionContacts, Strategy

__all__ = ["ask", "strategies"]

# Offers go to those who paid at the last renewal: under contract the firm knows who is there.
JUST_RENEWED = 1.5


def strategies(budget: float) -> tuple[Strategy, ...]:
    """Four ways to spend `budget` per month, and none."""

    def split(name: str, acquisition: float, rule: str = "recent_buyers") -> Strategy:
        spent = (1 - acquisition) * budget
        offers = (
            RetentionContacts(budget_per_period=spent, rule="responsive", share=0.5)
            if rule == "responsive"
            else RetentionContacts(budget_per_period=spent, rule="recent_buyers", within=JUST_RENEWED)
        )
        return Strategy(name=name, acquisition=Acquisition(budget_per_period=acquisition * budget), retention=offers)

    return (
        split("baseline", 0.5),
        split("acquisition-heavy", 0.9),
        split("retention-heavy", 0.1),
        split("responders", 0.1, rule="responsive"),
        Strategy(name="no-spending"),
    )


def ask(market: Market, *, budget: float, replications: int, seed: int, horizon: float = 36.0) -> Comparison:
    """The strategies side by side on `market`, a market in months, over `horizon` months."""
    return compare(
        market, strategies(budget), replications=replications, seed=seed, horizon=horizon, period=1.0, epoch=1.0
    )
