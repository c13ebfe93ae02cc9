"""One door to the engines."""

from __future__ import annotations

from typing import Literal

from churnsim.errors import ConfigError
from churnsim.simulation import simpy_engine
from churnsim.simulation.ledger import Ledger
from churnsim.simulation.scenario import Scenario

__all__ = ["Engine", "simulate"]

Engine = Literal["simpy"]


def simulate(
    scenario: Scenario, *, seed: int, replication: int = 0, engine: Engine = "simpy", log: bool = False
) -> Ledger:
    """Run one replication of `scenario` and return its ledger; with `log=True` the ledger holds every event.

    The same scenario, seed and replication give the same ledger on any machine and engine. Raises ConfigError for
    an unknown engine or a negative seed or replication.
    """
    if engine != "simpy":
        raise ConfigError(f"unknown engine {engine!r}. Use 'simpy'.")
    if (
        not (isinstance(seed, int) and isinstance(replication, int))
        or seed < 0
        or replication < 0
        or max(seed, replication) >= 2**63
    ):
        raise ConfigError(
            f"seed and replication must be whole numbers from 0 to 2^63 - 1; got {seed} and {replication}."
        )
    return simpy_engine.run(scenario, seed=seed, replication=replication, log=log)
