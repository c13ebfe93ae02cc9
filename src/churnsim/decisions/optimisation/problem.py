"""What is to be optimised: levers of a strategy on a market, the limits on them, and what is planned to be spent."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, get_args

import numpy as np

from churnsim.checks import check_kind, check_number, shown
from churnsim.decisions.optimisation.evaluations import Point
from churnsim.decisions.optimisation.solution import PlannedSpending
from churnsim.decisions.optimisation.space import Space
from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.parts import example_of, parts_of, settings_of
from churnsim.simulation.scenario.parameter_paths import changed
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Floats

MOST_LEVERS = 8


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A limit on levers: `least` <= the sum of weight x lever <= `most`.

    Examples
    --------
    >>> keeping_first = Constraint(
    ...     weights={"retention.budget_per_period": 1, "acquisition.budget_per_period": -1}, least=0
    ... )
    """

    weights: Mapping[str, float]
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        check_kind(self.weights, "weights", Mapping, "weights by lever")
        for lever, weight in self.weights.items():
            check_number(weight, f"the weight of {shown(lever)}")
        given = [
            check_number(limit, name)
            for name, limit in (("least", self.least), ("most", self.most))
            if limit is not None
        ]
        if not given or not self.weights or given != sorted(given):
            raise ConfigError("a constraint needs weights and a limit, least or most, with least up to most.")


@dataclass(frozen=True, kw_only=True)
class LeverProblem:
    """Levers of a strategy on a market: the space of their values, and what is planned to be spent at each."""

    experiment: Experiment
    strategy: Strategy
    names: tuple[str, ...]
    space: Space
    spending: PlannedSpending | None
    starts: Floats | None

    @classmethod
    def of(
        cls, experiment: Experiment, levers: Mapping[str, tuple[float, float]], strategy: Strategy | None, *,
        total: float | None, spend_all: bool, constraints: Sequence[Constraint],
    ) -> LeverProblem:  # fmt: skip
        """Raises ConfigError for what `optimise` refuses."""
        bounds = _bounds(levers)
        names = tuple(bounds)
        own = None if strategy is None else with_real_numbers(strategy)
        kinds = {name: _kind_of(name) for name in names}
        template = _with_parts(own, bounds)
        low, high = np.array(list(bounds.values())).T
        whole = np.array([kind is int for kind in kinds.values()])
        if (whole & ((low != np.rint(low)) | (high != np.rint(high)))).any():
            raise ConfigError(f"{names[int(np.argmax(whole))]!r} is a whole number: its bounds must be, too.")
        at = _At(experiment, template, names)
        for lever in range(len(names)):  # before any work
            for end in (low[lever], high[lever]):
                point = np.where(np.arange(len(names)) == lever, end, low)
                experiment.scenario(at(tuple(point.tolist())))
        spending = _spending(at, low, high)
        weights, limits = _limits(names, constraints)
        equal: dict[str, Any] = {}
        if total is not None:
            check_number(total, "total", least=0)
            if spending is None or not spending.weights.any():
                raise ConfigError(
                    "a total needs levers that change what is planned to be spent, each by itself; these do not. What "
                    "falls due by the event is no plan: limit such levers by their bounds, and see what was paid in "
                    "the metric 'costs'."
                )
            if spend_all:
                equal = {"equal": spending.weights, "total": total - spending.base}
            else:
                weights.append(spending.weights)
                limits.append(total - spending.base)
        elif spend_all:
            raise ConfigError("spend_all says that all of a total is spent: give the total.")
        rows = np.array(weights).reshape(-1, len(names))
        space = Space(low, high, whole, rows, np.array(limits), **equal)
        starts = None
        if own is not None:
            values = [_value_of(own, name) for name in names]
            starts = None if None in values else np.array([values], dtype=np.float64)
        return cls(experiment=experiment, strategy=template, names=names, space=space, spending=spending, starts=starts)

    @property
    def strategy_at(self) -> Callable[[Point], Strategy]:
        """The strategy with these levers; of no levers as it is given."""
        return _At(self.experiment, self.strategy, self.names)


@dataclass(frozen=True)
class _At:
    experiment: Experiment
    strategy: Strategy
    names: tuple[str, ...]

    def __call__(self, point: Point) -> Strategy:
        if not point:
            return self.strategy
        prefix = f"strategy.{self.strategy.name}."
        values = {prefix + name: value for name, value in zip(self.names, point, strict=True)}
        _, (found,) = changed(self.experiment.market, (self.strategy,), values)
        return found


def with_real_numbers(strategy: Strategy) -> Strategy:
    """The strategy, with a real number wherever its settings are real ones: 50 means 50.0."""
    check_kind(strategy, "strategy", Strategy, "a Strategy")
    return replace(strategy, **{name: _real(part) for name, part in _parts(strategy).items()})


def _parts(strategy: Strategy) -> dict[str, Any]:
    return {name: part for name in parts_of(Strategy) if (part := getattr(strategy, name)) is not None}


def _real(part: Any) -> Any:
    own: Any = type(part)
    changes = {
        name: float(value)
        for name, (kind, _) in settings_of(own).items()
        if isinstance(value := getattr(part, name), int)
        and not isinstance(value, bool)
        and float in (kind, *get_args(kind))
    }
    return replace(part, **changes) if changes else part


def _bounds(levers: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The levers by their short names, with plain bounds."""
    check_kind(levers, "levers", Mapping, "bounds by lever")
    if not 1 <= len(levers) <= MOST_LEVERS:
        raise ConfigError(f"there may be 1 to {MOST_LEVERS} levers; got {len(levers)}.")
    found = {}
    for name, between in levers.items():
        if not isinstance(name, str):
            raise ConfigError(f"a lever is named by text such as 'acquisition.budget_per_period'; got {shown(name)}.")
        if isinstance(between, str) or not isinstance(between, Sequence | np.ndarray) or len(between) != 2:
            raise ConfigError(f"the bounds of {name!r} must be (low, high); got {shown(between)}.")
        low, high = (check_number(end, f"the bounds of {name!r}") for end in between)
        if not low < high:
            raise ConfigError(f"the bounds of {name!r} must be (low, high) with low below high; got {shown(between)}.")
        found[name] = low, high
    return found


def _kind_of(name: str) -> type:
    """Whether a lever is a whole number or a real one. Raises ConfigError where it is no setting of a strategy."""
    part, _, setting = name.partition(".")
    parts = parts_of(Strategy)
    setting = setting.partition(".")[0]
    if part not in parts or setting not in settings_of(parts[part]):
        known = [f"{one}.{own}" for one, kind in parts.items() for own in settings_of(kind)]
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Write MECHANISM.SETTING."
        raise ConfigError(f"no lever {name!r}: it is no setting of a strategy. {hint}")
    kind, _ = settings_of(parts[part])[setting]
    kinds = (kind, *get_args(kind))
    return int if int in kinds and float not in kinds else float


def _with_parts(strategy: Strategy | None, bounds: Mapping[str, tuple[float, float]]) -> Strategy:
    """The strategy, with the mechanisms that levers name and that the levers make complete."""
    base = Strategy(name="optimised", title="Optimised") if strategy is None else strategy
    levers: dict[str, dict[str, float]] = {}
    for name, (low, _) in bounds.items():
        part, _, setting = name.partition(".")
        levers.setdefault(part, {})[setting] = low
    new = {}
    for part, settings in levers.items():
        if getattr(base, part) is not None:
            continue
        kind = parts_of(Strategy)[part]
        needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}
        if not needed <= settings.keys():
            raise ConfigError(
                f"levers name {part}, of which {', '.join(sorted(needed - settings.keys()))} must be said, too. Give a "
                f"strategy with {part}=..."
            )
        new[part] = replace(example_of(kind), **settings)
    return replace(base, **new)


def _value_of(strategy: Strategy, name: str) -> float | None:
    """The value of a lever in a strategy; None where it has none."""
    found: Any = strategy
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
    return None if found is None else float(found)


def _spending(at: _At, low: Floats, high: Floats) -> PlannedSpending | None:
    """What is planned to be spent, where each lever changes it by itself; else None."""

    def spent(point: Floats) -> float:
        return at(tuple(point.tolist())).budget_per_period

    base, width = spent(low), high - low
    weights = np.array(
        [(spent(low + np.where(np.arange(low.size) == i, width, 0)) - base) / width[i] for i in range(low.size)]
    )
    expected = base + float(weights @ width)
    if abs(spent(high) - expected) > 1e-9 * max(abs(expected), 1.0):
        return None
    return PlannedSpending(base=base - float(weights @ low), weights=weights)


def _limits(names: tuple[str, ...], constraints: Sequence[Constraint]) -> tuple[list[Floats], list[float]]:
    """Constraints as rows of weights, each sum at most its limit."""
    rows: list[Floats] = []
    limits: list[float] = []
    for constraint in constraints:
        check_kind(constraint, "each of constraints", Constraint, "a Constraint")
        if unknown := [name for name in constraint.weights if name not in names]:
            raise ConfigError(
                f"a constraint names {shown(unknown[0])}, which is no lever; there are {', '.join(names)}."
            )
        row = np.array([float(constraint.weights.get(name, 0.0)) for name in names])
        for sign, limit in ((1.0, constraint.most), (-1.0, constraint.least)):
            if limit is not None:
                rows.append(sign * row)
                limits.append(sign * limit)
    return rows, limits
