"""The study's market and strategies: the fitted models and the configuration's assumptions put together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from churnsim.simulation.market import Market
from churnsim.simulation.population import PosteriorBase
from churnsim.simulation.scenario import Scenario
from churnsim.simulation.strategy import (
    Acquisition,
    AskForComplaints,
    ChurnChange,
    ComplaintDesk,
    RetentionContacts,
    Strategy,
)
from churnsim.study.config import StrategySection, StudyConfig
from churnsim.study.data_stage import StudyData
from churnsim.study.fit_stage import StudyFits
from churnsim.study.market_overrides import overridden_mechanisms, overridden_origins

__all__ = ["build_market", "build_strategies", "scenario_for", "strategy_rows"]


def build_market(config: StudyConfig, data: StudyData, fits: StudyFits) -> Market:
    """The customers of the whole log, each drawn from the posterior given its own history.

    With parameter uncertainty every replication has a parameter draw of its own. Draws come from the fits' asymptotic
    law and depend on the seed alone.
    """
    draws: tuple[Any, ...] = ()
    if config.simulation.parameter_uncertainty:
        count = config.most_replications
        draws = tuple(
            zip(
                fits.purchases.draw_parameters(count, seed=config.seed),
                fits.spend.draw_parameters(count, seed=config.seed + 1),
                strict=True,
            )
        )
    return Market(
        customers=PosteriorBase(data.summary),
        purchases=fits.purchases.model,
        spend=fits.spend.model,
        draws=draws,
        origins=overridden_origins(config.market),
        **overridden_mechanisms(config.market),
    )


def build_strategies(config: StudyConfig) -> tuple[Strategy, ...]:
    """The strategies with their shares of the budget turned into money, in the order of the configuration."""
    return tuple(_strategy(config, section) for section in config.strategy)


def scenario_for(config: StudyConfig, market: Market, strategy: Strategy) -> Scenario:
    """One strategy on the market over the configured horizon."""
    clock, unit = config.simulation, market.unit
    return Scenario(
        market=market, strategy=strategy, horizon=clock.horizon.to(unit), period=clock.period.to(unit),
        epoch=clock.epoch.to(unit),
    )  # fmt: skip


def strategy_rows(config: StudyConfig) -> list[dict[str, Any]]:
    """The content of strategies.json."""
    return [
        {
            "name": strategy.name,
            "title": strategy.title,
            "description": strategy.description,
            "reference": section.reference,
            "settings": _settings(strategy),
            "budget_per_period": strategy.budget_per_period,
        }
        for strategy, section in zip(build_strategies(config), config.strategy, strict=True)
    ]


def _strategy(config: StudyConfig, section: StrategySection) -> Strategy:
    unit = config.data.unit
    budget = config.budget.per_period if config.budget else 0.0

    def money(share: float | None, amount: float | None) -> float:
        return share * budget if share is not None else amount or 0.0

    acquisition = retention = desk = None
    if section.acquisition:
        asked = section.acquisition
        acquisition = Acquisition(budget_per_period=money(asked.budget_share, asked.budget_per_period))
    if section.retention:
        contacts = section.retention
        chosen: dict[str, Any] = {"rule": contacts.rule, "share": contacts.share}
        chosen["within"] = contacts.within.to(unit) if contacts.within else None
        retention = RetentionContacts(
            budget_per_period=money(contacts.budget_share, contacts.budget_per_period),
            **{key: value for key, value in chosen.items() if value is not None},
        )
    if section.desk:
        wages = section.desk
        wage = wages.wage_per_period
        desk = ComplaintDesk(
            staff=wages.staff,
            mean_service_time=wages.mean_service_time.to(unit),
            wage_per_period=wage if wage is not None else money(wages.budget_share, None) / wages.staff,
            cost_per_reply=wages.cost_per_reply or 0.0,
        )
    return Strategy(
        name=section.name,
        title=section.title or section.name,
        description=section.description,
        acquisition=acquisition,
        retention=retention,
        desk=desk,
        asking=AskForComplaints(**section.asking.model_dump()) if section.asking else None,
        churn=ChurnChange(**section.churn.model_dump()) if section.churn else None,
    )


def _settings(strategy: Strategy) -> dict[str, Any]:
    """Each mechanism that is on, with its numbers; of a contact rule's numbers only the one it uses."""
    settings = asdict(strategy)
    for words in ("name", "title", "description"):
        del settings[words]
    used = {
        "top_value": "share",
        "responsive": "share",
        "recent_buyers": "within",
        "at_risk": "gaps",
        "abc_class": "abc",
    }
    for campaign in (settings["retention"], settings["cross_selling"]):
        for name in {"share", "within", "gaps", "abc"} - {used.get(campaign["rule"])} if campaign else ():
            del campaign[name]
    return {
        mechanism: {name: value for name, value in values.items() if value is not None}
        for mechanism, values in settings.items()
        if values is not None
    }
