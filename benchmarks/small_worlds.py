"""Many replications of a small base: CDNOW's 2,357 customers over two years of weeks under the main study's strategies.

Three ways in one run, CPU time a replication and strategy: `compare` on customers drawn for it, `compare` again on the
same replications (as levers, assumptions and the value of information do, whose customers are then at hand), and one
replication after the other with boundaries settled in Python and customers drawn for each strategy. All must give the
same ledgers. Then `compare` on two threads, in replications (of one strategy) a second. Exits 1 below a bar.
More replications: `python benchmarks/small_worlds.py 400`.
"""

from __future__ import annotations

import copy
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

import churnsim as cs
from churnsim.errors import EpochWarning
from churnsim.simulation.engine import compiled_engine

REPLICATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
MOST, FASTER, A_SECOND = 1.0, 3.0, 1_500  # ms of CPU; times the same one by one; replications on two threads
BUDGET = 200.0


def cdnow() -> cs.Market:
    """The market of configs/cdnow.toml, with its estimates and numbers taken as exact."""
    summary = cs.summarise(cs.datasets.cdnow())
    return cs.Market(
        customers=cs.PosteriorBase(summary),
        purchases=cs.BGNBD.fit(summary).model,
        spend=cs.GammaGamma.fit(summary).model,
        prospects=cs.simulation.Prospects(size=20_000, spend_scale=0.5, ceiling=0.02),
        retention=cs.simulation.RetentionResponse(spend_scale=0.5),
    )


def strategies() -> list[cs.Strategy]:
    """Contacts, acquisition and a desk, and nothing."""
    s = cs.simulation

    def split(name: str, acquired: float, kept: float, **parts: Any) -> cs.Strategy:
        rule = parts.pop("rule", {"rule": "all"})
        return cs.Strategy(
            name=name,
            acquisition=s.Acquisition(budget_per_period=acquired * BUDGET),
            retention=s.RetentionContacts(budget_per_period=kept * BUDGET, **rule),
            **parts,
        )

    return [
        split("baseline", 0.5, 0.5),
        split("acquisition-heavy", 0.9, 0.1),
        split("retention-heavy", 0.1, 0.9, rule={"rule": "recent_buyers", "within": 26.0}),
        split(
            "complaint-recovery", 0.25, 0.2,
            desk=s.ComplaintDesk(staff=1, mean_service_time=0.5 / 7, wage_per_period=0.5 * BUDGET),
            asking=s.AskForComplaints(cost_per_purchase=0.05),
        ),
        cs.Strategy(name="no-spending"),
    ]  # fmt: skip


def timed(call: Callable[[], Any], clock: Callable[[], float]) -> tuple[Any, float]:
    began = clock()
    found = call()
    return found, clock() - began


def one_by_one(experiment: cs.Experiment, tried: list[cs.Strategy], replications: int) -> list[Any]:
    """Ledgers by strategy and replication as they were simulated before."""
    planned, compiled_engine.MOST_PLANNED = compiled_engine.MOST_PLANNED, -1
    try:
        return [
            replace(experiment, market=replace(experiment.market, customers=copy.copy(experiment.market.customers)))
            .rows(strategy, [replication])
            for strategy in tried
            for replication in range(replications)
        ]  # fmt: skip
    finally:
        compiled_engine.MOST_PLANNED = planned


def main() -> int:
    warnings.simplefilter("ignore", EpochWarning)
    market, tried = cdnow(), strategies()
    settings: dict[str, Any] = {"horizon": 104, "replications": REPLICATIONS}
    runs = REPLICATIONS * len(tried)
    experiment = cs.Experiment(market=market, seed=2, **settings)
    # Compiles what they need.
    cs.compare(market, tried, seed=1, **{**settings, "replications": 2})
    one_by_one(experiment, tried, 1)
    drawn, first = timed(lambda: cs.compare(market, tried, seed=2, **settings), time.process_time)
    again, second = timed(lambda: cs.compare(market, tried, seed=2, **settings), time.process_time)
    singly, before = timed(lambda: one_by_one(experiment, tried, REPLICATIONS), time.process_time)
    _, wall = timed(lambda: cs.compare(market, tried, seed=3, workers=2, **settings), time.perf_counter)
    for found in (again.outcomes, pd.concat(singly, ignore_index=True)):
        if not drawn.outcomes.equals(found):
            print("the ways differ")
            return 1
    ms = [1000 * took / runs for took in (first, second, before)]
    print(
        f"{REPLICATIONS} replications of {len(tried)} strategies, CPU ms each: compare {ms[0]:.2f}, with customers at "
        f"hand {ms[1]:.2f} (bar {MOST:g}), one by one {ms[2]:.2f}: {ms[2] / ms[0]:.1f} times (bar {FASTER:g}); on two "
        f"threads {runs / wall:,.0f} a second (bar {A_SECOND:,})"
    )
    return int(ms[0] > MOST or ms[2] / ms[0] < FASTER or runs / wall < A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
