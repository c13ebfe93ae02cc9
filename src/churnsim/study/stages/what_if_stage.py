"""The maps of assumptions and the sensitivity indices that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from churnsim.decisions.assumptions.assumption_regions import assumption_region
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Region
from churnsim.decisions.assumptions.sensitivity import sensitivity
from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError, FitError
from churnsim.records.base import Record, rows
from churnsim.records.what_if import AssumptionAxis, AssumptionMap, SensitivityRecord, SensitivityRow, WhatIf
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.what_if_sections import BeliefSection, SensitivitySection
from churnsim.study.stages.market_stage import experiment_for, own_mechanisms
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.store import RunStore, stored_record, write_json

R = TypeVar("R", bound=Record)


def check_what_ifs(config: StudyConfig, market: Market, strategies: Sequence[Strategy]) -> None:
    """Raise ConfigError, naming the table, for assumptions that are not there or cannot be set: before any work."""
    tables: list[tuple[str, Any]] = [(f"belief {section.name!r}", section) for section in config.belief]
    if config.sensitivity:
        tables.append(("sensitivity", config.sensitivity))
    for table, section in tables:
        try:
            _quantity(section).strategies(strategies)
            for address in section.over:
                changed(market, strategies, {address: number_at(market, strategies, address)})
        except ConfigError as error:
            raise ConfigError(f"[{table}]: {error}") from None


def what_if_steps(config: StudyConfig) -> int:
    """How many cells and points there are to compute."""
    cells = sum(int(section.cells ** len(section.over)) + 1 for section in config.belief)
    if not config.sensitivity:
        return cells
    size, k = config.sensitivity.size, len(config.sensitivity.over)
    points = (size or 20) * (k + 1) if config.sensitivity.method == "morris" else (size or 64) * (k + 2)
    return cells + points


def what_ifs(
    config: StudyConfig,
    market: Market,
    strategies: Sequence[Strategy],
    *,
    unjudged: Mapping[str, str],
    store: RunStore,
    executor: Executor,
    edge: Callable[[str], AbstractContextManager[None]],
    done: Callable[[int], None],
) -> WhatIf:
    """The maps and the sensitivity. A map that an interrupted run has finished is not made again.

    Each is made inside `edge` of its name, where a failure of it ends; so does one of a strategy that is `unjudged`
    (names and reasons).
    """
    experiment = experiment_for(config, market, executor, mechanisms=own_mechanisms(config), progress=done)
    level = config.comparison.level
    beliefs = []
    for section in config.belief:
        with edge(section.name):
            _check_judged(section, unjudged)
            make = partial(_belief, section, experiment, strategies, level)
            beliefs.append(kept(store, f"belief-{section.name}", AssumptionMap, make))
    found = None
    if config.sensitivity:
        with edge("sensitivity"):
            _check_judged(config.sensitivity, unjudged)
            make_indices = partial(_sensitivity, config.sensitivity, experiment, strategies, level)
            found = kept(store, "sensitivity", SensitivityRecord, make_indices)
    return WhatIf(beliefs=beliefs, sensitivity=found)


def _check_judged(section: BeliefSection | SensitivitySection, unjudged: Mapping[str, str]) -> None:
    for name in (section.strategy, section.against):
        if name in unjudged:
            raise FitError(f"strategy {name!r} cannot be judged: {unjudged[str(name)]}")


def kept(store: RunStore, name: str, kind: type[R], make: Callable[[], R]) -> R:
    """What an interrupted run has stored under the name, or what is made now."""
    path = store.part("what_if", f"{name}.json")
    found = stored_record(path, kind)
    if found is None:
        found = make()
        write_json(path, found)
    return found


def _quantity(section: BeliefSection | SensitivitySection) -> Quantity:
    relative = section.relative if isinstance(section, BeliefSection) else False
    return Quantity(of=section.strategy, against=section.against, metric=section.metric, relative=relative)


def _belief(
    section: BeliefSection, experiment: Experiment, strategies: Sequence[Strategy], level: float
) -> AssumptionMap:
    region = assumption_region(
        experiment, strategies, _quantity(section), section.over, above=section.above, below=section.below,
        cells=section.cells, replications=section.replications,
        max_replications=max(section.replications, section.max_replications), level=level,
    )  # fmt: skip
    return _region_record(section, region)


def _region_record(section: BeliefSection, region: Region) -> AssumptionMap:
    return AssumptionMap(
        name=section.name,
        title=section.title or str(region.statement),
        statement=str(region.statement),
        words=region.words(),
        counts=region.counts,
        axes=[AssumptionAxis.of(axis) for axis in region.axes],
        here=dict(region.here) if region.here is not None else None,
        cells=rows(region.frame),
    )


def _sensitivity(
    section: SensitivitySection, experiment: Experiment, strategies: Sequence[Strategy], level: float
) -> SensitivityRecord:
    over = {name: None if bounds == "recorded" else bounds for name, bounds in section.over.items()}
    found = sensitivity(
        experiment, strategies, _quantity(section), over, method=section.method, size=section.size,
        replications=section.replications, level=level,
    )  # fmt: skip
    return SensitivityRecord.of(
        found, points=len(found.design), rows=SensitivityRow.of_frame(found.table), design=rows(found.design)
    )
