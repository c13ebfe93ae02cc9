"""What one must believe, and what the answer hangs on: the maps and indices that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from churnsim.decisions.assumptions.assumption_regions import assumption_region
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Region
from churnsim.decisions.assumptions.sensitivity import sensitivity
from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.parameter_paths import changed, number_at
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.what_if_sections import BeliefSection, SensitivitySection
from churnsim.study.storage.executor import Crew
from churnsim.study.storage.store import RunStore, plain, read_json, rows, write_json

__all__ = ["check_what_ifs", "what_if_steps", "what_ifs"]


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
    store: RunStore,
    crew: Crew,
    done: Callable[[int], None],
) -> dict[str, Any]:
    """The content of what_if.json. A map that an interrupted run has finished is not made again."""
    clock = config.simulation
    experiment = Experiment(
        market=market, seed=config.seed, horizon=clock.horizon, period=clock.period, epoch=clock.epoch,
        engine=clock.engine, workers=crew.workers, backend=crew.backend, progress=done,
    )  # fmt: skip
    level = config.comparison.level
    beliefs = []
    for section in config.belief:
        make = partial(_belief, section, experiment, strategies, level)
        beliefs.append(_kept(store, f"belief-{section.name}", make))
    hangs_on = None
    if config.sensitivity:
        hangs_on = _kept(store, "sensitivity", partial(_sensitivity, config.sensitivity, experiment, strategies, level))
    return {"beliefs": beliefs, "sensitivity": hangs_on}


def _kept(store: RunStore, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    path = store.part("what_if", f"{name}.json")
    if path.is_file():
        try:
            kept: dict[str, Any] = read_json(path)
            return kept
        except ConfigError:
            pass  # another program broke it: make it again
    content: dict[str, Any] = plain(make())
    write_json(path, content)
    return content


def _quantity(section: BeliefSection | SensitivitySection) -> Quantity:
    relative = section.relative if isinstance(section, BeliefSection) else False
    return Quantity(of=section.strategy, against=section.against, metric=section.metric, relative=relative)


def _belief(
    section: BeliefSection, experiment: Experiment, strategies: Sequence[Strategy], level: float
) -> dict[str, Any]:
    region = assumption_region(
        experiment, strategies, _quantity(section), section.over, above=section.above, below=section.below,
        cells=section.cells, replications=section.replications,
        max_replications=max(section.replications, section.max_replications), level=level,
    )  # fmt: skip
    return _region_row(section, region)


def _region_row(section: BeliefSection, region: Region) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title or str(region.statement),
        "statement": str(region.statement),
        "words": region.words(),
        "counts": region.counts,
        "axes": [{"name": a.name, "unit": a.unit, "low": a.low, "high": a.high, "cells": a.cells} for a in region.axes],
        "here": dict(region.here) if region.here is not None else None,
        "cells": rows(region.frame),
    }


def _sensitivity(
    section: SensitivitySection, experiment: Experiment, strategies: Sequence[Strategy], level: float
) -> dict[str, Any]:
    over = {name: None if bounds == "recorded" else bounds for name, bounds in section.over.items()}
    found = sensitivity(
        experiment, strategies, _quantity(section), over, method=section.method, size=section.size,
        replications=section.replications, level=level,
    )  # fmt: skip
    return {
        "quantity": found.quantity,
        "method": found.method,
        "level": found.level,
        "points": len(found.design),
        "replications": found.replications,
        "noise": found.noise,
        "rows": rows(found.table),
        "design": rows(found.design),
    }
