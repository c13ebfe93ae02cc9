"""Every mechanism on, and the two engines side by side on the same scenario.

First a million busy customers over five years with weekly epochs, compiled, on two threads: bar 8 million events a
second. The same where contacts, bonds and offers also lift how fast customers buy, each with a half-life: every gap of
theirs is then found on a clock that decays, and no version before it is there to compare with (no bar). Then 100,000
customers over 24 weeks with every mechanism but that, both engines: bar 200 times the SimPy engine; the ledgers must be
equal. Exits 1 below a bar. Smaller runs: `python benchmarks/simulate_mechanisms.py 50000 2000`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "parity"))

from mechanisms import MARKET_PARTS, STRATEGY_PARTS, scenario

import churnsim as cs
from churnsim.kernels.engine.ledger_accounts import COUNTED_IN
from churnsim.simulation.engine.bookkeeping import INDEX
from churnsim.simulation.mechanisms.acquisition import Prospects

LARGE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
SMALL = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
BUSY = cs.BGNBD(r=2.0, alpha=4.0, a=0.1, b=9.9)


def everything(size, horizon, purchases, *, lifted=False):
    """Every mechanism, with desks, pools and budgets of the size of the base; lifts of buying where `lifted`."""
    acting = {name: part for name, part in MARKET_PARTS.items() if lifted or name != "lift"}
    base = scenario(STRATEGY_PARTS, acting, size=1)
    strategy, market = base.strategy, base.market
    chosen = {name: getattr(strategy, name) for name in strategy.__dataclass_fields__ if name not in ("name",)}
    chosen["desk"] = cs.simulation.ComplaintDesk(staff=max(1, size // 400), mean_service_time=0.2, wage_per_period=20.0)
    chosen["win_back"] = cs.simulation.WinBack(silent_for=6.0, cost_per_contact=1.0, most_per_period=size // 50)
    parts = {name: getattr(market, name) for part in acting.values() for name in part}
    place = cs.Market(
        customers=cs.Cohort(size=size), purchases=purchases, spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44),
        prospects=Prospects(size=20_000.0, spend_scale=0.5), **parts,
    )  # fmt: skip
    return cs.Scenario(
        market=place, strategy=cs.Strategy(name="everything", **chosen), horizon=horizon, period=4.0, epoch=1.0
    )


def timed(tried, engine, **options):
    began = time.perf_counter()
    ledger = cs.simulate(tried, seed=1, engine=engine, **options)
    took = time.perf_counter() - began
    events = int(sum(ledger.table[:, INDEX[account]].sum() for account in COUNTED_IN.values()))
    return ledger, took, events


def main() -> int:
    timed(everything(500, 24.0, BUSY), "compiled")  # long enough for everything to be compiled
    speed = {}
    for lifted, which in ((False, "every mechanism but lifts of buying"), (True, "these too")):
        _, took, events = timed(everything(LARGE, 260.0, BUSY, lifted=lifted), "compiled", threads=2)
        speed[lifted] = events / took / 1e6
        bar = "no bar" if lifted else "bar 8"
        print(
            f"{LARGE:,} customers, 5 years of weeks, {which}: {events:,} events, {speed[lifted]:.1f} million/s ({bar})"
        )
    small = everything(SMALL, 24.0, BUSY)
    fast, quick, events = timed(small, "compiled", threads=2)
    slow, long, _ = timed(small, "simpy")
    if not np.array_equal(fast.table, slow.table):
        print("the engines differ")
        return 1
    print(
        f"{SMALL:,} customers, 24 weeks: compiled {quick:.2f} s, SimPy {long:.1f} s: {long / quick:.0f} times (bar 200)"
    )
    return int(speed[False] < 8 or long / quick < 200)


if __name__ == "__main__":
    sys.exit(main())
