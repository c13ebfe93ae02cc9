"""How much faster fits and forecasts are than those of lifetimes, on CDNOW and on 100,000 and 1,000,000 customers.

Both run warm in one process on the same frame, in alternating rounds, ours three times in each (one round where the
peer takes minutes); medians are compared. Customers beyond CDNOW are drawn from its published model, observed for 20 to
39 weeks at times that no two share, the harder case. `memory` fits a million customers in a fresh process and reports
the peak over the data. Exits 1 when a ratio is below its bar.

    python benchmarks/fit_families.py [--only NAME ...] [--rounds 5] [--skip-slow]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data import datasets, summarise
from churnsim.models import BGNBD, GammaGamma, ParetoNBD, simulate_spend

PURCHASES = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)
MEMORY_BAR = 300  # megabytes over the data


@dataclass(frozen=True)
class Race:
    """What runs against what, how often, and the least ratio."""

    data: Callable[[], pd.DataFrame]
    ours: Callable[[pd.DataFrame], object]
    theirs: Callable[[pd.DataFrame], object]
    bar: float
    slow: bool = False  # the peer takes a minute or more


def cdnow() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30")


def simulated(customers: int) -> pd.DataFrame:
    T = np.random.default_rng(1).uniform(20, 39, customers)
    return simulate_spend(SPEND, PURCHASES.draw_summary(T, seed=1), seed=1)


def lifetimes_fit(name: str) -> Callable[[pd.DataFrame], object]:
    def run(summary: pd.DataFrame) -> object:
        import lifetimes

        if name == "GammaGammaFitter":
            kept = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
            return lifetimes.GammaGammaFitter().fit(kept["frequency"], kept["monetary_value"])
        return getattr(lifetimes, name)().fit(summary["frequency"], summary["recency"], summary["T"])

    return run


def our_forecast(summary: pd.DataFrame) -> object:
    return PURCHASES.p_alive(summary), PURCHASES.expected_purchases(summary, 52.0)


def their_forecast(summary: pd.DataFrame) -> object:
    import lifetimes

    fitter = lifetimes.BetaGeoFitter()
    fitter.params_ = pd.Series({"r": PURCHASES.r, "alpha": PURCHASES.alpha, "a": PURCHASES.a, "b": PURCHASES.b})
    history = [summary[name] for name in ("frequency", "recency", "T")]
    alive = fitter.conditional_probability_alive(*history)
    return alive, fitter.conditional_expected_number_of_purchases_up_to_time(52.0, *history)


RACES = {
    "bg_nbd-cdnow": Race(cdnow, BGNBD.fit, lifetimes_fit("BetaGeoFitter"), 30),
    "bg_nbd-100k": Race(lambda: simulated(100_000), BGNBD.fit, lifetimes_fit("BetaGeoFitter"), 30),
    "bg_nbd-1m": Race(lambda: simulated(1_000_000), BGNBD.fit, lifetimes_fit("BetaGeoFitter"), 30, slow=True),
    "pareto_nbd-cdnow": Race(cdnow, ParetoNBD.fit, lifetimes_fit("ParetoNBDFitter"), 20),
    "pareto_nbd-100k": Race(lambda: simulated(100_000), ParetoNBD.fit, lifetimes_fit("ParetoNBDFitter"), 30, slow=True),
    "gamma_gamma-cdnow": Race(cdnow, GammaGamma.fit, lifetimes_fit("GammaGammaFitter"), 10),
    "gamma_gamma-100k": Race(lambda: simulated(100_000), GammaGamma.fit, lifetimes_fit("GammaGammaFitter"), 10),
    "forecast-1m": Race(lambda: simulated(1_000_000), our_forecast, their_forecast, 7),
}


def seconds(run: Callable[[pd.DataFrame], object], summary: pd.DataFrame) -> float:
    start = time.perf_counter()
    run(summary)
    return time.perf_counter() - start


def race(name: str, rounds: int) -> bool:
    entry = RACES[name]
    summary = entry.data()
    warm = summary.head(2000)
    for run in (entry.ours, entry.theirs):  # compile and import everything once
        run(warm)
    entry.ours(summary)
    mine, other = [], []
    for _ in range(1 if entry.slow else rounds):
        mine += [seconds(entry.ours, summary) for _ in range(3)]
        other.append(seconds(entry.theirs, summary))
    fast, slow = statistics.median(mine), statistics.median(other)
    good = slow / fast >= entry.bar
    print(
        f"{name:<20} {len(summary):>10,} {fast * 1000:>12.1f} ms {slow * 1000:>12.1f} ms {slow / fast:>8.1f} times "
        f"(bar {entry.bar:g}){'' if good else '  BELOW'}",
        flush=True,
    )
    return good


def resident_megabytes() -> float:
    """What this process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


class PeakResident:
    """The most that was resident while it is entered, looked at every two milliseconds."""

    def __enter__(self) -> PeakResident:
        self.megabytes, self._over = resident_megabytes(), threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            self.megabytes = max(self.megabytes, resident_megabytes())


def measure_memory() -> None:
    """In a fresh process: what fitting and forecasting a million customers takes beyond the frame itself."""
    fresh = simulated(20_000)
    BGNBD.fit(fresh), our_forecast(fresh)
    summary = simulated(1_000_000)
    for name in summary.columns:
        summary[name] = np.ascontiguousarray(summary[name])
    held = resident_megabytes()  # the frame, and what drawing it did not give back
    with PeakResident() as peak:
        BGNBD.fit(summary), our_forecast(summary)
    print(peak.megabytes - held)


def memory() -> bool:
    done = subprocess.run([sys.executable, __file__, "--measure-memory"], capture_output=True, text=True, check=True)
    used = float(done.stdout)
    good = used <= MEMORY_BAR
    print(f"{'memory-1m':<20} {1_000_000:>10,} {used:>12.0f} MB over the data (bar {MEMORY_BAR})")
    return good


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", nargs="+", choices=[*RACES, "memory-1m"], default=[*RACES, "memory-1m"])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--skip-slow", action="store_true", help="leave out what takes the peer minutes")
    arguments.add_argument("--measure-memory", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.measure_memory:
        measure_memory()
        return 0
    warnings.simplefilter("ignore")  # lifetimes is archived and warns about today's numpy and pandas
    print(f"{'':<20} {'customers':>10} {'churnsim':>15} {'lifetimes':>15}")
    good = True
    for name in options.only:
        if name == "memory-1m":
            good = memory() and good
        elif not (options.skip_slow and RACES[name].slow):
            good = race(name, options.rounds) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
