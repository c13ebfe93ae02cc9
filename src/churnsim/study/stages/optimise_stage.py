"""The best levers that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from churnsim.decisions.comparison.paired import Interval
from churnsim.decisions.optimisation.optimise import Optimisation, optimise
from churnsim.decisions.optimisation.problem import Constraint, LeverProblem
from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.records.optimise import Between, FrontierRow, LeverRecord, MarginalReturn, OptimisationRecord
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.what_if_sections import OptimiseSection
from churnsim.study.stages.what_if_stage import kept
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore, write_parquet

OPTIMUM = "optimise.parquet"


def check_optimise(config: StudyConfig, market: Market, strategies: Sequence[Strategy]) -> None:
    """Raise ConfigError, naming the table, for levers that are not there or limits that none keep to: before any
    work."""
    section = config.optimise
    if section is None:
        return
    clock = config.simulation
    try:
        LeverProblem.of(
            Experiment(market=market, seed=config.seed, horizon=clock.horizon, period=clock.period, epoch=clock.epoch),
            section.levers, _strategy(section, strategies), total=section.total, spend_all=section.spend_all,
            constraints=_constraints(section),
        )  # fmt: skip
    except ConfigError as error:
        raise ConfigError(f"[optimise]: {error}") from None


def optimum(
    config: StudyConfig, market: Market, strategies: Sequence[Strategy], *, store: RunStore, executor: Executor,
    done: Callable[[int], None],
) -> OptimisationRecord:  # fmt: skip
    """The best levers; what an interrupted run has simulated is not simulated again."""
    section, clock = config.optimise, config.simulation
    assert section is not None  # the runner asks

    def found() -> OptimisationRecord:
        assert section is not None
        best = optimise(
            market, section.levers, strategy=_strategy(section, strategies), total=section.total,
            spend_all=section.spend_all, constraints=_constraints(section), objective=section.objective,
            metric=section.metric, share=section.share, tolerance=section.tolerance, level=config.comparison.level,
            max_replications=section.max_replications, directory=store.part("optimise", "outcomes").parent,
            seed=config.seed, horizon=clock.horizon, period=clock.period, epoch=clock.epoch,
            replications=section.replications, engine=clock.engine, workers=executor.workers, backend=executor.backend,
            progress=done,
        )  # fmt: skip
        write_parquet(store.directory / OPTIMUM, best.outcomes)
        return record_of(best, section)

    record = kept(store, "optimise", OptimisationRecord, found)
    store.write("optimise.json", record)
    return record


def _strategy(section: OptimiseSection, strategies: Sequence[Strategy]) -> Strategy | None:
    return next((strategy for strategy in strategies if strategy.name == section.strategy), None)


def _constraints(section: OptimiseSection) -> list[Constraint]:
    return [Constraint(weights=one.weights, least=one.least, most=one.most) for one in section.constraint]


def record_of(best: Optimisation, section: OptimiseSection) -> OptimisationRecord:
    """What is stored of it."""

    def between(found: Interval) -> Between:
        return Between(mean=found.mean, lower=found.lower, upper=found.upper)

    names = list(best.best)
    frontier = [
        FrontierRow(
            spending=row["spending"], levers={name: row[name] for name in names}, mean=row["mean"], lower=row["lower"],
            upper=row["upper"],
        )
        for row in best.frontier.to_dict("records")
    ]  # fmt: skip
    return OptimisationRecord(
        strategy=section.strategy or "",
        status=best.status,
        chosen=bool(best.levers),
        levers=[
            LeverRecord(lever=name, value=value, low=section.levers[name][0], high=section.levers[name][1])
            for name, value in best.best.items()
        ],
        spending=best.strategy.budget_per_period,
        objective=best.objective,
        metric=best.metric,
        share=best.share,
        level=best.level,
        value=between(best.value),
        gain=between(best.gain),
        lead=between(best.lead),
        gap=best.gap,
        gap_upper=best.gap_upper,
        gap_asked=best.gap_asked,
        certified=best.certified,
        marginals=MarginalReturn.of_frame(best.marginals),
        frontier=frontier,
        points=len(best.points),
        simulations=len(best.outcomes),
        replications=best.replications,
        words=[best.answer, best.missed, *best.marginal_returns],
    )
