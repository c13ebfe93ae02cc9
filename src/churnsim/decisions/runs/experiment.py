"""What is held fixed while strategies and replications vary: the market, the seed, the durations and the engine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypedDict, TypeVar

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_kind, check_number, shown, typed
from churnsim.decisions.runs.parallel_map import Backend, backend_for, run_tasks
from churnsim.errors import ConfigError
from churnsim.simulation.engine.engines import Engine, run, run_many, warn_of_epochs
from churnsim.simulation.engine.ledger import ACCOUNTS, Ledger
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.typing import Ints
from churnsim.units import UNIT_NAMES, Duration

Mechanisms = Sequence[Mechanism] | Mapping[str, Sequence[Mechanism]]
"""A researcher's own mechanisms: in force under every strategy, or by the strategy's name."""

# Pieces a worker gets: few enough to cost little, enough to share the work evenly.
PIECES_PER_WORKER = 4
# (period, epoch) where none is named. A year is no whole number of weeks, so that weeks would not divide a horizon in
# months or years.
IN_WEEKS = (Duration(4, "W"), Duration(1, "W"))
IN_MONTHS = (Duration(1, "M"), Duration(0.25, "M"))

# More periods, or epochs in a period, are a slip of the pen: a century of days has fewer.
MOST_PARTS = 40_000

T = TypeVar("T")
R = TypeVar("R")


class RunArguments(TypedDict, total=False):
    """The parameters of an `Experiment` other than its market, as keyword arguments of the functions that run one."""

    seed: int
    horizon: float | Duration
    period: float | Duration | None
    epoch: float | Duration | None
    replications: int | None
    engine: Engine
    workers: int
    backend: Backend | None
    mechanisms: Mechanisms
    progress: Callable[[int], None] | None


class Durations(NamedTuple):
    """An experiment's durations in the market's unit."""

    horizon: float
    period: float
    epoch: float


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A market and how it is simulated.

    `compare`, `select_best`, `assumption_region` and `sensitivity` take one as their first argument, or a market and
    the parameters below as keyword arguments. The results depend neither on `engine` nor on `workers` or `backend`.

    Parameters
    ----------
    market : Market
        The customers, their behaviour and the terms of business.
    seed : int
        Seed of every random number, from 0 to 2^63 - 1.
    horizon : float or Duration
        Length of the simulation; a whole number of periods. Plain numbers are in the market's unit.
    period : float or Duration, optional
        Length of an accounting period, at whose start the firm acts; a whole number of epochs. By default 4 weeks, or
        one month where the market's unit is months or years.
    epoch : float or Duration, optional
        Time between the moments at which customers influence each other. By default one week, or a quarter of a month
        where the market's unit is months or years.
    replications : int, optional
        How many replications to run; a first stage where a function adds more by itself. By default the number that
        the function states.
    engine : {"auto", "compiled", "simpy"}
        As in `simulate`.
    workers : int
        How many tasks run at the same time.
    backend : {"threads", "processes", "dask"}, optional
        Where they run: by default threads for the compiled engine and processes for SimPy; "dask" is the cluster of the
        active `distributed.Client`.
    mechanisms : sequence of Mechanism, or mapping of str to such, optional
        Mechanisms of one's own (`churnsim.simulation.Mechanism`), for every strategy or by the strategy's name, so that
        one can be compared with doing without. Each replication starts with a copy of them as they are given. They
        need the SimPy engine ("auto" takes it where there are any).
    progress : callable, optional
        Called with the number of replications (of cells, of design points) that have just finished.

    Raises
    ------
    ConfigError
        For what is no duration or count; when a scenario is built, for durations that do not divide each other or an
        impossible seed.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> experiment = cs.Experiment(market=market, seed=1, horizon=8)
    >>> experiment.durations
    Durations(horizon=8.0, period=4.0, epoch=1.0)
    >>> experiment.rows(cs.Strategy(name="none"), [0])[["strategy", "replication", "period"]].to_numpy().tolist()
    [['none', 0, 0], ['none', 0, 1]]
    """

    market: Market
    seed: int
    horizon: float | Duration
    period: float | Duration | None = None
    epoch: float | Duration | None = None
    replications: int | None = None
    engine: Engine = "auto"
    workers: int = 1
    backend: Backend | None = None
    mechanisms: Mechanisms = ()
    progress: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        check_kind(self.market, "market", Market, "a Market")
        check_count(self.workers, "workers")
        self.size(1, least=1)
        self.durations  # noqa: B018  -- what is no duration is said here, not after the first replication
        for name in ("engine", "backend"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ConfigError(f"{name} must be text; got {shown(value)}.")
        if isinstance(self.mechanisms, str) or not isinstance(self.mechanisms, Mapping | Sequence):
            raise ConfigError(f"mechanisms must be a list of them, or lists by strategy; got {shown(self.mechanisms)}.")

    @classmethod
    @typed
    def of(cls, market: Market | Experiment, arguments: RunArguments) -> Experiment:
        """The experiment on `market`, or the experiment given with some of its `arguments` changed."""
        if isinstance(market, Experiment):
            return replace(market, **arguments)
        if missing := {"seed", "horizon"} - arguments.keys():
            raise ConfigError(f"a run needs {' and '.join(sorted(missing))}; give it as an argument.")
        return cls(market=market, **arguments)

    @property
    def durations(self) -> Durations:
        """Horizon, period and epoch in the market's unit."""
        unit = self.market.unit
        period, epoch = IN_MONTHS if unit in ("M", "Y") else IN_WEEKS
        named = {
            "horizon": self.horizon,
            "period": period if self.period is None else self.period,
            "epoch": epoch if self.epoch is None else self.epoch,
        }
        plain = {name: d.to(unit) if isinstance(d, Duration) else d for name, d in named.items()}
        remedy = f"Plain numbers are in {UNIT_NAMES[unit]}; churnsim.units.Duration(52, 'W') has its own unit."
        found = Durations(**{name: check_number(d, name, above=0, remedy=remedy) for name, d in plain.items()})
        for name, whole, part in (("horizon", found.horizon, found.period), ("period", found.period, found.epoch)):
            if whole / part > MOST_PARTS:
                raise ConfigError(f"{name} {whole:g} holds {whole / part:.3g} parts of {part:g}, above {MOST_PARTS:,}.")
        return found

    def size(self, default: int, *, least: int = 2) -> int:
        """How many replications to run, at `least` two for a spread: as asked, or the `default` of who asks."""
        return default if self.replications is None else check_count(self.replications, "replications", least=least)

    def names(self, strategies: Sequence[Strategy], *, least: int = 1) -> list[str]:
        """The strategies' names; ConfigError unless they differ and there are at least `least`, and for `mechanisms`
        of a strategy that is not among them or that are no `Mechanism`."""
        check_kind(strategies, "strategies", Sequence, "a list of Strategy")
        for strategy in strategies:
            check_kind(strategy, "each of strategies", Strategy, "a Strategy")
        names = [strategy.name for strategy in strategies]
        if len(set(names)) != len(names) or len(names) < least:
            raise ConfigError(f"strategies need different names, and there must be {least} at least; got {names}.")
        by_name = self.mechanisms if isinstance(self.mechanisms, Mapping) else {names[0]: self.mechanisms}
        unknown = [name for name in by_name if name not in names]
        if unknown:
            raise ConfigError(f"mechanisms name a strategy {unknown[0]!r} that is not there; there are {names}.")
        for own in (one for several in by_name.values() for one in several):
            if not isinstance(own, Mechanism):
                raise ConfigError(f"mechanisms must be instances of churnsim.simulation.Mechanism; got {own!r}.")
        return names

    def scenario(self, strategy: Strategy) -> Scenario:
        """One strategy on this market, with these durations."""
        return Scenario(market=self.market, strategy=strategy, **self.durations._asdict())

    def warn_of_epochs(self, strategies: Sequence[Strategy]) -> None:
        """EpochWarning where epochs are long beside a rate under one of these: once before many replications."""
        warn_of_epochs(self.scenario(strategy) for strategy in strategies)

    def ledger(self, strategy: Strategy, replication: int, *, log: bool = False) -> Ledger:
        """One replication of one strategy; with `log` its ledger holds every event."""
        return self._ledger_of(self.scenario(strategy), replication, log=log)

    def ledgers(self, strategies: Sequence[Strategy], replications: Sequence[int]) -> list[list[Ledger]]:
        """Of each strategy the ledgers of these replications, which share what they have in common: one at a time takes
        several times as long where customers are few."""
        scenarios = [self.scenario(strategy) for strategy in strategies]
        if not self.mechanisms:
            return run_many(scenarios, seed=self.seed, replications=replications, engine=self.engine)
        return [[self._ledger_of(scenario, number) for number in replications] for scenario in scenarios]

    def _ledger_of(self, scenario: Scenario, replication: int, *, log: bool = False) -> Ledger:
        name = scenario.strategy.name
        own = self.mechanisms.get(name, ()) if isinstance(self.mechanisms, Mapping) else self.mechanisms
        return run(
            scenario, seed=self.seed, replication=replication, engine=self.engine, log=log,
            mechanisms=copy.deepcopy(tuple(own)),
        )  # fmt: skip

    def rows(self, strategy: Strategy, replications: Sequence[int]) -> pd.DataFrame:
        """Outcome rows: strategy, replication, period and the ledger's accounts."""
        found = zip(replications, self.ledgers([strategy], replications)[0], strict=True)
        return outcome_rows([(strategy.name, number, ledger.table) for number, ledger in found])

    def outcomes(self, strategies: Sequence[Strategy], replications: range) -> pd.DataFrame:
        """Outcome rows of every strategy over `replications`, by strategy in the order given, replication and
        period."""
        self.warn_of_epochs(strategies)
        block = max(1, -(-len(replications) // (PIECES_PER_WORKER * self.workers)))
        chunks = [replications[i : i + block] for i in range(0, len(replications), block)]
        # Strategies are kept together, since they meet the same drawn customers, unless workers would stand idle.
        parts = min(len(strategies), -(-self.workers // max(len(chunks), 1)))
        groups = [range(part, len(strategies), parts) for part in range(parts)]
        items = [(numbers, chunk) for chunk in chunks for numbers in groups]
        found: dict[tuple[int, int], Ints] = {}
        for _, tables in self.map(_LedgerTables(self.task_part, tuple(strategies)), items, steps=len):
            found.update(tables)
        return outcome_rows([(strategies[key[0]].name, key[1], found[key]) for key in sorted(found)])

    @property
    def task_part(self) -> Experiment:
        """The experiment as a task needs it: without `progress`, which belongs to this process and may not be sent to
        another one."""
        return replace(self, progress=None)

    def map(
        self, call: Callable[[T], R], items: Sequence[T], *, steps: Callable[[R], int] = lambda _: 1
    ) -> Iterator[tuple[int, R]]:
        """Yield (index of the item, call(item)) as tasks finish, and report `steps` of progress for each."""
        backend = backend_for("simpy" if self.mechanisms else self.engine, self.backend)
        for index, found in run_tasks(call, items, workers=self.workers, backend=backend):
            yield index, found
            if self.progress:
                self.progress(steps(found))


def outcome_rows(tables: Sequence[tuple[str, int, Ints]]) -> pd.DataFrame:
    """One row a period of each ledger's table, given with its strategy and replication: one frame for all, since one
    frame each takes as long as a small replication."""
    sizes = [len(table) for _, _, table in tables]
    frame = pd.DataFrame(np.concatenate([table for _, _, table in tables]), columns=list(ACCOUNTS))
    frame.insert(0, "period", np.concatenate([np.arange(size, dtype=np.int64) for size in sizes]))
    frame.insert(0, "replication", np.repeat(np.array([number for _, number, _ in tables], dtype=np.int64), sizes))
    frame.insert(0, "strategy", np.repeat(np.array([name for name, _, _ in tables], dtype=object), sizes))
    return frame


@dataclass(frozen=True)
class _LedgerTables:
    """The task of one piece: the ledgers of some strategies for some replications, by number of strategy and
    replication."""

    experiment: Experiment
    strategies: tuple[Strategy, ...]

    def __call__(self, item: tuple[range, range]) -> dict[tuple[int, int], Ints]:
        numbers, replications = item
        found = self.experiment.ledgers([self.strategies[number] for number in numbers], replications)
        return {
            (number, replication): ledger.table
            for number, ledgers in zip(numbers, found, strict=True)
            for replication, ledger in zip(replications, ledgers, strict=True)
        }
