"""The best levers that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from churnsim.decisions.optimisation.optimise import Optimisation, optimise
from churnsim.decisions.optimisation.problem import Constraint, LeverProblem
from churnsim.errors import ConfigError
from churnsim.records.optimise import Between, FrontierRow, LeverRecord, MarginalReturn, OptimisationRecord
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.what_if_sections import OptimiseSection
from churnsim.study.stages.market_stage import experiment_for
from churnsim.study.stages.what_if_stage import kept
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore, write_parquet

OPTIMUM = "optimise.parquet"
ASKED = ("total", "spend_all", "objective", "metric", "share", "tolerance", "max_replications")


def check_optimise(config: StudyConfig, market: Market, strategies: Sequence[Strategy]) -> None:
    """Raise ConfigError, naming the table, for levers that are not there or limits that none keep to: before any
    work."""
    section = config.optimise
    if section is None:
        return
    try:
        LeverProblem.of(
            experiment_for(config, market, Executor(workers=1)), section.levers, _strategy(section, strategies),
            total=section.total, spend_all=section.spend_all, constraints=_constraints(section),
        )  # fmt: skip
    except ConfigError as error:
        raise ConfigError(f"[optimise]: {error}") from None


def optimum(
    config: StudyConfig, market: Market, strategies: Sequence[Strategy], *, store: RunStore, executor: Executor,
    done: Callable[[int], None],
) -> OptimisationRecord:  # fmt: skip
    """The best levers; what an interrupted run has simulated is not simulated again."""
    section = config.optimise
    assert section is not None  # the runner asks

    def found() -> OptimisationRecord:
        assert section is not None
        best = optimise(
            experiment_for(config, market, executor, replications=section.replications, progress=done), section.levers,
            strategy=_strategy(section, strategies), constraints=_constraints(section), level=config.comparison.level,
            directory=store.part("optimise", "outcomes").parent, **{name: getattr(section, name) for name in ASKED},
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
    names = list(best.best)
    frontier = [
        FrontierRow(
            spending=row["spending"], levers={name: row[name] for name in names}, mean=row["mean"], lower=row["lower"],
            upper=row["upper"],
        )
        for row in best.frontier.to_dict("records")
    ]  # fmt: skip
    return OptimisationRecord.of(
        best,
        strategy=section.strategy or "",
        chosen=bool(best.levers),
        levers=[
            LeverRecord(lever=name, value=value, low=section.levers[name][0], high=section.levers[name][1])
            for name, value in best.best.items()
        ],
        spending=best.strategy.budget_per_period,
        **{name: Between.of(getattr(best, name)) for name in ("value", "gain", "lead")},
        marginals=MarginalReturn.of_frame(best.marginals),
        frontier=frontier,
        points=len(best.points),
        simulations=len(best.outcomes),
        words=[best.answer, best.missed, *best.marginal_returns],
    )
