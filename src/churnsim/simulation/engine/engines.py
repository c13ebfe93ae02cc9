"""One door to the engines."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from churnsim.checks import check_count, check_seed
from churnsim.errors import ConfigError, EpochWarning, interruptible
from churnsim.simulation.engine import compiled_engine, simpy_engine
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario

__all__ = ["Engine", "run", "simulate", "warn_of_epochs"]

Engine = Literal["auto", "compiled", "simpy"]


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    replication: int = 0,
    engine: Engine = "auto",
    log: bool = False,
    threads: int = 1,
    mechanisms: Sequence[Mechanism] = (),
) -> Ledger:
    """Run one replication of `scenario` and return its ledger; with `log=True` the ledger holds every event.

    The same scenario, seed and replication give the same ledger on any machine and engine: "compiled" to run at
    scale, on as many `threads` as it is given, "simpy" to read and to extend; "auto" takes the compiled one unless
    there are `mechanisms`, a researcher's own in Python (`simulation.mechanism`), which only "simpy" runs. Raises
    ConfigError for an unknown engine, a negative seed or replication, or fewer than one thread. Warns (`EpochWarning`)
    where the scenario's epochs are long beside a rate in it.
    """
    warn_of_epochs([scenario])
    return run(
        scenario, seed=seed, replication=replication, engine=engine, log=log, threads=threads, mechanisms=mechanisms
    )


def warn_of_epochs(scenarios: Iterable[Scenario]) -> None:
    """EpochWarning where epochs are long beside a rate in one of these scenarios."""
    for scenario in scenarios:
        if effects := scenario.epoch_effects:
            warnings.warn(
                f"epochs of {scenario.epoch:g} {scenario.market.unit} are long here: {'; '.join(effects)}. "
                "Shorter epochs make it smaller in proportion.",
                EpochWarning, stacklevel=3,
            )  # fmt: skip


@interruptible()
def run(
    scenario: Scenario, *, seed: int, replication: int, engine: Engine, log: bool = False, threads: int = 1,
    mechanisms: Sequence[Mechanism] = (),
) -> Ledger:  # fmt: skip
    """`simulate` without its warning, for those who run many replications and have given it once."""
    if engine not in get_args(Engine):
        raise ConfigError(f"unknown engine {engine!r}. Use one of {', '.join(map(repr, get_args(Engine)))}.")
    seed, replication = check_seed(seed), check_seed(replication, "replication")
    threads = check_count(threads, "threads")
    if mechanisms and engine == "compiled":
        raise ConfigError("mechanisms written in Python run on the SimPy engine alone. Use engine='simpy'.")
    if engine == "simpy" or mechanisms:
        return simpy_engine.run(scenario, seed=seed, replication=replication, log=log, mechanisms=mechanisms)
    return compiled_engine.run(scenario, seed=seed, replication=replication, log=log, threads=threads)
