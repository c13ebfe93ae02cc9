"""The study's market and strategies: the fitted models and the configuration's assumptions put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.records.notices import Unjudged
from churnsim.records.run import StrategyRecord
from churnsim.simulation.core.lifetimes import FixedSpend, Spend
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.mechanisms.targeting import RULE_SETTINGS, Targeting
from churnsim.simulation.scenario.beliefs import market_beliefs
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.file_section import defined_in
from churnsim.study.config.market_overrides import overridden_beliefs, overridden_mechanisms, overridden_origins
from churnsim.study.config.strategy_sections import CHURN_MODEL, MECHANISMS, StrategySection, built_strategy
from churnsim.study.stages.data_stage import StudyData
from churnsim.study.stages.fit_stage import StudyFits
from churnsim.study.stages.score_files import read_scores
from churnsim.study.storage.executor import Executor


def build_market(config: StudyConfig, data: StudyData, fits: StudyFits) -> Market:
    """The customers of the whole log, each drawn from the posterior given its own history.

    With parameter uncertainty every replication has a parameter draw of its own. Draws come from the fits' asymptotic
    law and depend on the seed alone.
    """
    draws: tuple[Any, ...] = ()
    if config.simulation.parameter_uncertainty:
        count = config.parameter_draws
        spends: Sequence[Spend] = [UNKNOWN_SPEND] * count
        if fits.spend is not None:
            spends = fits.spend.draw_parameters(count, seed=config.seed + 1)
        draws = tuple(zip(fits.purchases.draw_parameters(count, seed=config.seed), spends, strict=True))
    market = Market(
        customers=PosteriorBase(with_amounts(data.summary)),
        purchases=fits.purchases.model,
        spend=spend_of(fits),
        draws=draws,
        origins=overridden_origins(config.market),
        **overridden_mechanisms(config.market),
    )
    return with_beliefs(config, market)


def with_beliefs(config: StudyConfig, market: Market) -> Market:
    """The market with the beliefs that its replications draw, as `[simulation] beliefs` asks."""
    if config.simulation.beliefs == "none":
        return market
    stated = replace(market, beliefs=overridden_beliefs(config.market, config.data.unit))
    return stated if config.simulation.beliefs == "stated" else replace(stated, beliefs=market_beliefs(stated))


# Stands for what purchases are worth where no amount is known; nothing in money is reported then.
UNKNOWN_SPEND = FixedSpend(amount=1.0)


def spend_of(fits: StudyFits) -> Spend:
    """The spend model; of a log without amounts one by which nothing in money may be told."""
    return UNKNOWN_SPEND if fits.spend is None else fits.spend.model


def with_amounts(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary of a log; where nothing is known of amounts every repeat purchase is worth that of
    `UNKNOWN_SPEND`."""
    if "monetary_value" in summary.columns:
        return summary
    return summary.assign(monetary_value=UNKNOWN_SPEND.amount * (summary["frequency"] > 0))


# Stands for the scores of a model that is not fitted yet: nobody's, so that no simulation would take them.
UNFITTED = CustomerScores.of({"": 0.0})


def build_strategies(
    config: StudyConfig, customers: pd.Index | None = None, scores: Mapping[str, CustomerScores] | None = None
) -> tuple[Strategy, ...]:
    """The strategies with their shares of the budget turned into money, in the order of the configuration. Scores are
    read for `customers`, the ids in the data; those of the study's own models are `scores`, by name, once there are
    any. Raises DataError for a file of scores that cannot be used."""

    def read(name: str) -> CustomerScores:
        if name == CHURN_MODEL:
            return (scores or {}).get(CHURN_MODEL, UNFITTED)
        return read_scores(config.folder / name, customers)

    built, budget = [], config.budget.per_period if config.budget else 0.0
    for section in config.strategy:
        try:
            built.append(built_strategy(section, unit=config.data.unit, common_budget=budget, read=read))
        except ConfigError as error:
            raise ConfigError(f"strategy {section.name!r}: {error}") from None
    return tuple(built)


def own_mechanisms(config: StudyConfig) -> dict[str, tuple[Mechanism, ...]]:
    """The mechanisms that strategies bring in Python files, by the strategy's name. Raises ConfigError for a file that
    does not run or defines none."""
    return {
        section.name: defined_in(
            config.folder / section.mechanisms, "MECHANISMS", Mechanism, called="churnsim.simulation.Mechanism"
        )
        for section in config.strategy
        if section.mechanisms is not None
    }


def experiment_for(config: StudyConfig, market: Market, executor: Executor, **run: Any) -> Experiment:
    """A market as the study runs it; `run` in place of what the study says, as of `Experiment`. Mechanisms of one's own
    are run by the simpy engine."""
    clock = config.simulation
    own = {"seed": config.seed, "horizon": clock.horizon, "period": clock.period, "epoch": clock.epoch}
    engine = "simpy" if run.get("mechanisms") else clock.engine
    work = {"engine": engine, "workers": executor.workers, "backend": executor.backend}
    return Experiment(market=market, **{**own, **work, **run})


def scenario_for(config: StudyConfig, market: Market, strategy: Strategy) -> Scenario:
    """One strategy on the market over the configured horizon."""
    clock, unit = config.simulation, market.unit
    return Scenario(
        market=market, strategy=strategy, horizon=clock.horizon.to(unit), period=clock.period.to(unit),
        epoch=clock.epoch.to(unit),
    )  # fmt: skip


def unjudged_strategies(
    strategies: Sequence[Strategy], market: Market, *, against: str, nobody_leaves: bool
) -> list[Unjudged]:
    """Which strategies the purchase model cannot judge: those with a part that pays by keeping customers where nobody
    leaves, unless it lifts buying in this market, and all where that is so of the one they are compared with."""
    if not nobody_leaves:
        return []
    lifting = {
        name
        for field, kind in parts_of(Market).items()
        if (part := getattr(market, field)) is not None
        for lift in getattr(kind, "lifting", ())
        if getattr(part, lift) != getattr(kind, lift)
        for name in part.used_by.get(lift, part.used_by.get("", ()))
    }
    keeping = {
        s.name: any(getattr(getattr(s, name), "keeps", False) for name in MECHANISMS if name not in lifting)
        for s in strategies
    }
    found = []
    for strategy in strategies:
        if keeping[strategy.name]:
            reason = (
                "by the purchase model nobody leaves, so that keeping customers could earn nothing here and only cost: "
                "that is a limit of the model and says nothing of the strategy."
            )
        elif keeping.get(against):
            reason = (
                f"it is compared with {against!r}, which the purchase model cannot judge since nobody leaves by it."
            )
        else:
            continue
        found.append(Unjudged(strategy=strategy.name, reason=reason))
    return found


def strategy_records(config: StudyConfig, strategies: Sequence[Strategy] | None = None) -> list[StrategyRecord]:
    """The strategies as configured: the content of strategies.json."""
    return [
        StrategyRecord.of(strategy, reference=section.reference, settings=_settings(strategy, section))
        for strategy, section in zip(strategies or build_strategies(config), config.strategy, strict=True)
    ]


def _settings(strategy: Strategy, section: StrategySection) -> dict[str, Any]:
    """Each mechanism that is on, with its numbers; of a contact rule's numbers only those it uses. Under "mechanisms"
    the file of its own, if any."""
    settings = asdict(strategy)
    for words in ("name", "title", "description"):
        del settings[words]
    for mechanism, table in section.tables.items():
        campaign = settings[mechanism]
        for name, rules in RULE_SETTINGS.items() if issubclass(MECHANISMS[mechanism], Targeting) else ():
            if campaign["rule"] not in rules:
                del campaign[name]
            elif name == "scores":
                campaign[name] = table.scores  # the name of the file or model stands for what it says
    found = {
        mechanism: {name: value for name, value in values.items() if value is not None}
        for mechanism, values in settings.items()
        if values is not None
    }
    return found if section.mechanisms is None else {**found, "mechanisms": {"file": section.mechanisms}}
