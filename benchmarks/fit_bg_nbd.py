"""How much faster BGNBD.fit is than lifetimes' BetaGeoFitter, on CDNOW, both warm and in one process.

Rounds alternate between the two so that a busy machine slows both; medians are compared. Exits 1 when the ratio is
below the bar.

    python benchmarks/fit_bg_nbd.py [--rounds 15] [--bar 20]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable

from churnsim.data import datasets, summarise
from churnsim.models.bg_nbd import BGNBD


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--bar", type=float, default=20.0, help="least ratio of the medians")
    options = arguments.parse_args()

    warnings.simplefilter("ignore")  # lifetimes is archived and warns about today's numpy and pandas
    from lifetimes import BetaGeoFitter

    summary = summarise(datasets.cdnow(), until="1997-09-30")
    history = [summary[name] for name in ("frequency", "recency", "T")]

    def ours() -> object:
        return BGNBD.fit(summary)

    def theirs() -> object:
        return BetaGeoFitter().fit(*history)

    for run in (ours, theirs):  # compile and import everything once
        run()
    mine, other = [], []
    for _ in range(options.rounds):
        mine.append(seconds(ours))
        other.append(seconds(theirs))
    fast, slow = statistics.median(mine), statistics.median(other)
    print(f"customers              {len(summary):>10,}")
    print(f"rounds                 {options.rounds:>10}")
    for name, times in (("churnsim", mine), ("lifetimes", other)):
        print(f"{name + ', median':<22} {statistics.median(times) * 1000:>10.2f} ms (fastest {min(times) * 1000:.2f})")
    print(f"times faster           {slow / fast:>10.1f} (bar {options.bar:g})")
    return 0 if slow / fast >= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
