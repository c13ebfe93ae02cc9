"""The study's market and strategies: the fitted models and the configuration's assumptions put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from churnsim.errors import ConfigError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.mechanisms.targeting import RULE_SETTINGS
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import (
    Acquisition,
    AskForComplaints,
    ChurnChange,
    Compensation,
    ComplaintDesk,
    CrossSelling,
    DismissUnprofitable,
    EconomicBond,
    EmpoweredStaff,
    ReferralReward,
    RenewalOffers,
    RetentionContacts,
    ServiceQuality,
    SocialBond,
    StaffCare,
    Strategy,
    StructuralBond,
    WinBack,
)
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.config.section import Section
from churnsim.study.config.strategy_sections import (
    CHURN_MODEL,
    BudgetedSection,
    DeskSection,
    RuleSection,
    StrategySection,
)
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits
from churnsim.study.stages.score_files import read_scores

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


# Stands for the scores of a model that is not fitted yet: nobody's, so that no simulation would take them.
UNFITTED = CustomerScores.of({"": 0.0})


def build_strategies(
    config: StudyConfig, customers: pd.Index | None = None, scores: Mapping[str, CustomerScores] | None = None
) -> tuple[Strategy, ...]:
    """The strategies with their shares of the budget turned into money, in the order of the configuration. Scores are
    read for `customers`, the ids in the data; those of the study's own models are `scores`, by name, once there are
    any. Raises DataError for a file of scores that cannot be used."""
    built = []
    for section in config.strategy:
        try:
            built.append(_strategy(config, section, customers, scores or {}))
        except ConfigError as error:
            raise ConfigError(f"strategy {section.name!r}: {error}") from None
    return tuple(built)


def scenario_for(config: StudyConfig, market: Market, strategy: Strategy) -> Scenario:
    """One strategy on the market over the configured horizon."""
    clock, unit = config.simulation, market.unit
    return Scenario(
        market=market, strategy=strategy, horizon=clock.horizon.to(unit), period=clock.period.to(unit),
        epoch=clock.epoch.to(unit),
    )  # fmt: skip


def strategy_rows(config: StudyConfig, strategies: Sequence[Strategy] | None = None) -> list[dict[str, Any]]:
    """The content of strategies.json."""
    return [
        {
            "name": strategy.name,
            "title": strategy.title,
            "description": strategy.description,
            "reference": section.reference,
            "settings": _settings(strategy, section),
            "budget_per_period": strategy.budget_per_period,
        }
        for strategy, section in zip(strategies or build_strategies(config), config.strategy, strict=True)
    ]


def _strategy(
    config: StudyConfig, section: StrategySection, customers: pd.Index | None, scores: Mapping[str, CustomerScores]
) -> Strategy:
    unit = config.data.unit
    budget = config.budget.per_period if config.budget else 0.0

    def money(share: float | None, amount: float | None) -> float:
        return share * budget if share is not None else amount or 0.0

    def spent(part: BudgetedSection | None) -> float:
        return money(part.budget_share, part.budget_per_period) if part else 0.0

    def campaign(part: RuleSection) -> dict[str, Any]:
        chosen = {key: getattr(part, key) for key in ("rule", *RULE_SETTINGS) if getattr(part, key) is not None}
        if part.within:
            chosen["within"] = part.within.to(unit)
        if part.scores == CHURN_MODEL:
            chosen["scores"] = scores.get(CHURN_MODEL, UNFITTED)
        elif part.scores:
            chosen["scores"] = read_scores(config.folder / part.scores, customers)
        return chosen

    def as_given(kind: type, part: Section | None) -> Any:
        return kind(**part.model_dump()) if part else None

    s = section
    return Strategy(
        name=s.name,
        title=s.title or s.name,
        description=s.description,
        acquisition=Acquisition(budget_per_period=spent(s.acquisition)) if s.acquisition else None,
        referral=as_given(ReferralReward, s.referral),
        retention=RetentionContacts(budget_per_period=spent(s.retention), **campaign(s.retention))
        if s.retention
        else None,
        renewal_offers=RenewalOffers(
            notice=s.renewal_offers.notice.to(unit),
            discount=s.renewal_offers.discount,
            cost_per_offer=s.renewal_offers.cost_per_offer,
            **campaign(s.renewal_offers),
        )
        if s.renewal_offers
        else None,
        cross_selling=CrossSelling(budget_per_period=spent(s.cross_selling), **campaign(s.cross_selling))
        if s.cross_selling
        else None,
        quality=ServiceQuality(budget_per_period=spent(s.quality)) if s.quality else None,
        staff=StaffCare(budget_per_period=spent(s.staff)) if s.staff else None,
        desk=_desk(s.desk, unit, money(s.desk.budget_share, None) / s.desk.staff) if s.desk else None,
        asking=as_given(AskForComplaints, s.asking),
        compensation=as_given(Compensation, s.compensation),
        empowered=as_given(EmpoweredStaff, s.empowered),
        win_back=WinBack(**{**s.win_back.model_dump(), "silent_for": s.win_back.silent_for.to(unit)})
        if s.win_back
        else None,
        dismissal=as_given(DismissUnprofitable, s.dismissal),
        economic_bond=as_given(EconomicBond, s.economic_bond),
        social_bond=as_given(SocialBond, s.social_bond),
        structural_bond=as_given(StructuralBond, s.structural_bond),
        churn=as_given(ChurnChange, s.churn),
    )


def _desk(section: DeskSection, unit: str, shared_wage: float) -> ComplaintDesk:
    """The desk; a clerk's wage is its own or its part of the share of the budget."""
    wage = section.wage_per_period
    return ComplaintDesk(
        staff=section.staff,
        mean_service_time=section.mean_service_time.to(unit),
        wage_per_period=wage if wage is not None else shared_wage,
        cost_per_reply=section.cost_per_reply or 0.0,
    )


def _settings(strategy: Strategy, section: StrategySection) -> dict[str, Any]:
    """Each mechanism that is on, with its numbers; of a contact rule's numbers only those it uses."""
    settings = asdict(strategy)
    for words in ("name", "title", "description"):
        del settings[words]
    for campaign, given in (
        (settings["retention"], section.retention),
        (settings["renewal_offers"], section.renewal_offers),
        (settings["cross_selling"], section.cross_selling),
    ):
        for name, rules in RULE_SETTINGS.items() if campaign else ():
            if campaign["rule"] not in rules:
                del campaign[name]
            elif name == "scores" and given:
                campaign[name] = given.scores  # the name of the file or model stands for what it says
    return {
        mechanism: {name: value for name, value in values.items() if value is not None}
        for mechanism, values in settings.items()
        if values is not None
    }
