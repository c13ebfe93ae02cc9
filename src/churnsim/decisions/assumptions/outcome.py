"""A number that strategies are judged by: a metric of one, or how far one is ahead of another, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from churnsim.checks import shown
from churnsim.decisions.comparison.metrics import check_metric, ledger_metric
from churnsim.decisions.comparison.paired import Interval, interval, skewed_interval
from churnsim.decisions.runs.experiment import Experiment
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.parameter_paths import changed
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """The mean over replications of `metric` under the strategy `of`; with `against`, of the paired difference
    `of` - `against`; with `relative` too, that difference as a share of the mean of `against`.

    Examples
    --------
    >>> str(Quantity(of="contacts", metric="npv", against="baseline"))
    'npv of contacts less that of baseline'
    """

    of: str
    metric: str = "npv"
    against: str | None = None
    relative: bool = False

    def __post_init__(self) -> None:
        check_metric(self.metric)
        for name in ("of", "against"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "of"):
                raise ConfigError(f"{name} must be the name of a strategy; got {shown(value)}.")
        if not isinstance(self.relative, bool):
            raise ConfigError(f"relative must be True or False; got {shown(self.relative)}.")
        if self.relative and self.against is None:
            raise ConfigError("a relative quantity needs against: say what it is a share of.")
        if self.against == self.of:
            raise ConfigError(f"{self.of!r} cannot be compared with itself.")

    def __str__(self) -> str:
        if self.against is None:
            return f"{self.metric} of {self.of}"
        share = f", as a share of {self.against}'s" if self.relative else ""
        return f"{self.metric} of {self.of} less that of {self.against}{share}"

    def strategies(self, among: Sequence[Strategy]) -> tuple[Strategy, ...]:
        """The one or two strategies concerned. Raises ConfigError where one is not `among` those given."""
        named = {strategy.name: strategy for strategy in among}
        wanted = [self.of] if self.against is None else [self.of, self.against]
        for name in wanted:
            if name not in named:
                raise ConfigError(f"no strategy {name!r}; there are {', '.join(map(repr, named))}.")
        return tuple(named[name] for name in wanted)

    def outcomes(self, experiment: Experiment, strategies: Sequence[Strategy], replications: range) -> Floats:
        """The metric by strategy concerned (one or two rows) and replication, run here and now."""
        found = experiment.ledgers(self.strategies(strategies), replications)
        return np.array([[ledger_metric(ledger, self.metric) for ledger in ledgers] for ledgers in found])

    def per_replication(self, outcomes: Floats) -> Floats:
        """One value a replication whose mean is the quantity and whose spread is its error: of a relative one the
        linearised ratio (`paired.ratio_gain`)."""
        if self.against is None:
            values: Floats = outcomes[0]
            return values
        difference: Floats = outcomes[0] - outcomes[1]
        if not self.relative:
            return difference
        base = float(outcomes[1].mean())
        gain = float(difference.mean()) / base
        linear: Floats = gain + (difference - gain * outcomes[1]) / base
        return linear

    def estimate(self, outcomes: Floats, *, level: float = 0.95) -> Interval:
        """The quantity with its interval (of a skewed mean; for a relative one, of a ratio of means) from `outcomes`.

        A relative quantity whose base is not surely above 0 has no meaning: all fields are then NaN.
        """
        if self.relative and interval(outcomes[1], level=level).lower <= 0:
            return Interval(*[float("nan")] * 4)
        return skewed_interval(self.per_replication(outcomes), level=level)


@dataclass(frozen=True, kw_only=True)
class AtPoint:
    """A task that looks at `quantity` where the assumptions `names` have other values; one point is one item."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]
    quantity: Quantity
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        strategies: Sequence[Strategy],
        quantity: Quantity,
        names: Iterable[str],
        **own: Any,
    ) -> Self:
        """The task with the strategies that the quantity names, as it can be sent to a worker."""
        experiment.names(strategies)
        return cls(
            experiment=experiment.task_part, strategies=quantity.strategies(strategies), quantity=quantity,
            names=tuple(names), **own,
        )  # fmt: skip

    def at(self, point: Iterable[float]) -> tuple[Experiment, tuple[Strategy, ...]]:
        """The experiment and strategies with these assumptions. Raises ConfigError where there can be none such."""
        values = dict(zip(self.names, map(float, point), strict=True))
        market, strategies = changed(self.experiment.market, self.strategies, values)
        return replace(self.experiment, market=market), strategies
