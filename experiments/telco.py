"""Telco: does the same budget earn more by buying subscribers, or by offers to those who are there, and to whom?

The strategies of ``configs/telco.toml``, for asking the question from Python with other markets and budgets:

    from dataclasses import replace

    import churnsim
    from churnsim.simulation import RetentionResponse, SubscriberBase, charges_model, contract_of

    telco, covariates = churnsim.datasets.telco(), ["contract", "internet_service", "payment_method"]
    cox = churnsim.models.SurvivalRegression.fit(telco, covariates=covariates).model
    market = churnsim.Market(
        customers=SubscriberBase(telco, charges=telco["monthly_charges"]),
        purchases=contract_of(cox, subscribers=telco, charges=telco["monthly_charges"]),
        spend=charges_model(telco["monthly_charges"]),
        retention=RetentionResponse(spend_scale=2.0, response_spread=1.0),
    )
    risk = churnsim.models.ChurnModel.fit(telco, covariates=covariates, horizon=1).probability(telco[~telco["churned"]])
    kinder = replace(market, retention=RetentionResponse(max_effect=0.6, spend_scale=2.0, harmed_share=0.0))
    print(ask(kinder, risk, budget=9_500.0, replications=3, seed=1, horizon=12.0).differences("npv"))

Money is in US dollars, budgets are per month, durations in months.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from churnsim.decisions import Comparison, compare
from churnsim.simulation import Acquisition, Market, RetentionContacts, Strategy

__all__ = ["ask", "strategies"]

# Offers go to those who paid at the last renewal: under contract the firm knows who is there.
JUST_RENEWED = 1.5


def strategies(budget: float, risk: pd.Series[float]) -> tuple[Strategy, ...]:
    """Five ways to spend `budget` per month, and none; `risk` is each subscriber's probability to leave."""

    def split(name: str, acquisition: float, **rule: Any) -> Strategy:
        offers = RetentionContacts(budget_per_period=(1 - acquisition) * budget, **rule)
        return Strategy(name=name, acquisition=Acquisition(budget_per_period=acquisition * budget), retention=offers)

    return (
        split("baseline", 0.5, rule="recent_buyers", within=JUST_RENEWED),
        split("acquisition-heavy", 0.9, rule="recent_buyers", within=JUST_RENEWED),
        split("retention-heavy", 0.1, rule="recent_buyers", within=JUST_RENEWED),
        split("responders", 0.1, rule="responsive", share=0.5),
        split("risk", 0.1, rule="score", scores=risk, share=0.5),
        Strategy(name="no-spending"),
    )


def ask(
    market: Market, risk: pd.Series[float], *, budget: float, replications: int, seed: int, horizon: float = 36.0
) -> Comparison:
    """The strategies side by side on `market`, a market in months, over `horizon` months."""
    return compare(
        market, strategies(budget, risk), replications=replications, seed=seed, horizon=horizon, period=1.0, epoch=1.0
    )
