"""CDNOW: does the same budget earn more by buying customers, keeping them, or answering complaints?

The strategies of ``configs/cdnow.toml``, for asking the question from Python with other markets and budgets:

    from dataclasses import replace

    import churnsim
    from churnsim.simulation import RetentionResponse

    summary = churnsim.summarise(churnsim.datasets.cdnow(), unit="W", until="1998-06-30")
    market = churnsim.Market(
        customers=churnsim.PosteriorBase(summary),
        purchases=churnsim.BGNBD.fit(summary).model,
        spend=churnsim.GammaGamma.fit(summary).model,
    )
    kinder = replace(market, retention=RetentionResponse(max_effect=0.6, harmed_share=0.0))
    print(ask(kinder, budget=200.0, replications=10, seed=1).differences("npv"))

Money is in US dollars, budgets are per period of four weeks, durations in weeks.
"""

from __future__ import annotations

from churnsim.decisions import Comparison, compare
from churnsim.simulation import Acquisition, AskForComplaints, ComplaintDesk, Market, RetentionContacts, Strategy

__all__ = ["ask", "strategies"]

HALF_A_DAY = 0.5 / 7
HALF_A_YEAR = 26.0


def strategies(budget: float) -> tuple[Strategy, ...]:
    """Four ways to spend `budget` per period, and none."""
    return (
        Strategy(
            name="baseline",
            acquisition=Acquisition(budget_per_period=0.5 * budget),
            retention=RetentionContacts(budget_per_period=0.5 * budget, rule="all"),
        ),
        Strategy(
            name="acquisition-heavy",
            acquisition=Acquisition(budget_per_period=0.9 * budget),
            retention=RetentionContacts(budget_per_period=0.1 * budget, rule="all"),
        ),
        Strategy(
            name="retention-heavy",
            acquisition=Acquisition(budget_per_period=0.1 * budget),
            retention=RetentionContacts(budget_per_period=0.9 * budget, rule="recent_buyers", within=HALF_A_YEAR),
        ),
        Strategy(
            name="complaint-recovery",
            acquisition=Acquisition(budget_per_period=0.25 * budget),
            retention=RetentionContacts(budget_per_period=0.20 * budget, rule="all"),
            desk=ComplaintDesk(staff=1, mean_service_time=HALF_A_DAY, wage_per_period=0.50 * budget),
            asking=AskForComplaints(cost_per_purchase=0.05),
        ),
        Strategy(name="no-spending"),
    )


def ask(market: Market, *, budget: float, replications: int, seed: int, horizon: float = 104.0) -> Comparison:
    """The strategies side by side on `market`, a market in weeks, over `horizon` weeks."""
    return compare(market, strategies(budget), replications=replications, seed=seed, horizon=horizon)
