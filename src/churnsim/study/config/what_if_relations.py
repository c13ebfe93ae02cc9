"""What must hold between the keys of precision, selection, maps and sensitivity."""

from __future__ import annotations

from collections.abc import Iterator

from churnsim.study.config.config import StudyConfig
from churnsim.study.config.problems import ConfigPath, Problem, closest
from churnsim.study.config.what_if_sections import BeliefSection, SensitivitySection

__all__ = ["what_if_problems"]


def what_if_problems(config: StudyConfig) -> list[Problem]:
    """Every relation that does not hold, each with what would."""
    return [*_replication_problems(config), *_name_problems(config), *_map_problems(config)]


def _replication_problems(config: StudyConfig) -> Iterator[Problem]:
    if not (config.precision or config.selection):
        return
    from churnsim.decisions.comparison.precision import LEAST_FIRST_STAGE  # loads the kernels: only when asked for

    first = config.simulation.replications
    if config.precision and first < LEAST_FIRST_STAGE:
        message = f"a run to a precision begins with at least {LEAST_FIRST_STAGE}; 30 make its intervals reliable."
        yield Problem(path=("simulation", "replications"), message=message)
    for key, section in (("precision", config.precision), ("selection", config.selection)):
        if section and section.max_replications < first:
            message = f"is below simulation.replications, {first}. Raise it or begin with fewer."
            yield Problem(path=(key, "max_replications"), message=message)
    if config.selection:
        if config.selection.first_stage > config.selection.max_replications:
            message = f"is above max_replications, {config.selection.max_replications}."
            yield Problem(path=("selection", "first_stage"), message=message)
        if sum(not strategy.reference for strategy in config.strategy) < 2:
            message = "there is nothing to choose: fewer than two strategies are not references."
            yield Problem(path=("selection",), message=message, show_value=False)


def _name_problems(config: StudyConfig) -> Iterator[Problem]:
    names = [strategy.name for strategy in config.strategy]
    sections: list[tuple[ConfigPath, BeliefSection | SensitivitySection]] = [
        (("belief", i), section) for i, section in enumerate(config.belief)
    ]
    if config.sensitivity:
        sections.append((("sensitivity",), config.sensitivity))
    for path, section in sections:
        for key in ("strategy", "against"):
            name = getattr(section, key)
            if name is not None and name not in names:
                yield Problem(path=(*path, key), message=f"no strategy is called {name!r}. {closest(name, names)}")
        if section.strategy == section.against:
            yield Problem(path=(*path, "against"), message="is the strategy itself.")
        for address, bounds in section.over.items():
            if bounds != "recorded" and not bounds[0] < bounds[1]:
                yield Problem(path=(*path, "over", address), message="must go from a lower number to a higher.")
    size = config.sensitivity.size if config.sensitivity else None
    if config.sensitivity and config.sensitivity.method == "sobol" and size is not None and size & (size - 1):
        yield Problem(path=("sensitivity", "size"), message="must be a power of two for sobol.")


def _map_problems(config: StudyConfig) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, section in enumerate(config.belief):
        if section.relative and section.against is None:
            message = "needs against: the strategy that the difference is a share of."
            yield Problem(path=("belief", i, "relative"), message=message, show_value=False)
        if section.above is not None and section.below is not None and section.above >= section.below:
            yield Problem(path=("belief", i, "below"), message=f"must be higher than above, {section.above:g}.")
        if section.name in seen:
            yield Problem(path=("belief", i, "name"), message="is the name of an earlier map. Give each its own.")
        seen.add(section.name)
