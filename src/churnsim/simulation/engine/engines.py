"""One door to the engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from churnsim.checks import check_count, check_seed
from churnsim.errors import ConfigError, interruptible
from churnsim.simulation.engine import compiled_engine, simpy_engine
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario

__all__ = ["Engine", "simulate"]

Engine = Literal["auto", "compiled", "simpy"]


@interruptible()
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
    ConfigError for an unknown engine, a negative seed or replication, or fewer than one thread.
    """
    if engine not in get_args(Engine):
        raise ConfigError(f"unknown engine {engine!r}. Use one of {', '.join(map(repr, get_args(Engine)))}.")
    seed, replication = check_seed(seed), check_seed(replication, "replication")
    threads = check_count(threads, "threads")
    if mechanisms and engine == "compiled":
        raise ConfigError("mechanisms written in Python run on the SimPy engine alone. Use engine='simpy'.")
    if engine == "simpy" or mechanisms:
        return simpy_engine.run(scenario, seed=seed, replication=replication, log=log, mechanisms=mechanisms)
    return compiled_engine.run(scenario, seed=seed, replication=replication, log=log, threads=threads)
