"""One entry point to the engines."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from churnsim.checks import check_count, check_kind, check_seed, typed
from churnsim.errors import ConfigError, EpochWarning, interruptible
from churnsim.simulation.engine import compiled_engine, simpy_engine
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.engine.plugin import Mechanism
from churnsim.simulation.scenario.scenario import Scenario

Engine = Literal["auto", "compiled", "simpy"]


@typed
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
    """Run one replication of `scenario` and return its ledger.

    The same scenario, seed and replication give the same ledger on any machine, engine and number of threads.

    Parameters
    ----------
    scenario : Scenario
    seed, replication : int
        From 0 to 2^63 - 1; they and the customers' ids address every random number.
    engine : {"auto", "compiled", "simpy"}
        "compiled" to run at scale, "simpy" to read and to extend; "auto" takes the compiled one unless there are
        `mechanisms`.
    log : bool
        Whether the ledger holds every event and the customers at the end.
    threads : int
        How many threads share the customers of the compiled engine.
    mechanisms : sequence of Mechanism
        A researcher's own in Python, which only "simpy" runs.

    Returns
    -------
    Ledger

    Raises
    ------
    ConfigError
        For an unknown engine, an impossible seed, replication or number of threads, and mechanisms on the compiled
        engine.

    Warns
    -----
    EpochWarning
        Where the scenario's epochs are long beside a rate in it.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=8.0, period=4.0, epoch=1.0)
    >>> cs.simulate(scenario, seed=1).count("active_start")[0]
    np.int64(20)
    """
    check_kind(mechanisms, "mechanisms", Sequence, "a list of Mechanism")
    for mechanism in mechanisms:
        check_kind(mechanism, "each of mechanisms", Mechanism, "a Mechanism")
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
    seed, replication = check_seed(seed), check_seed(replication, "replication")
    threads = check_count(threads, "threads")
    if _is_simpy(engine, mechanisms):
        return simpy_engine.run(scenario, seed=seed, replication=replication, log=log, mechanisms=mechanisms)
    return compiled_engine.run(scenario, seed=seed, replication=replication, log=log, threads=threads)


@interruptible()
def run_many(
    scenarios: Sequence[Scenario], *, seed: int, replications: Sequence[int], engine: Engine
) -> list[list[Ledger]]:
    """`run` without a log of scenarios that share a market: of each its ledgers in the order of the replications.

    What the replications have in common is made ready once, and the customers of each are drawn once.
    """
    if _is_simpy(engine, ()):
        return [
            [run(scenario, seed=seed, replication=one, engine=engine) for one in replications] for scenario in scenarios
        ]
    replications = [check_seed(one, "replication") for one in replications]
    return compiled_engine.run_many(scenarios, seed=check_seed(seed), replications=replications)


def _is_simpy(engine: Engine, mechanisms: Sequence[Mechanism]) -> bool:
    """Whether the SimPy engine runs it. Raises ConfigError for an engine that is not there or cannot."""
    if engine not in get_args(Engine):
        raise ConfigError(f"unknown engine {engine!r}. Use one of {', '.join(map(repr, get_args(Engine)))}.")
    if mechanisms and engine == "compiled":
        raise ConfigError("mechanisms written in Python run on the SimPy engine alone. Use engine='simpy'.")
    return engine == "simpy" or bool(mechanisms)
