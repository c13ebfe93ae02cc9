"""A season fitted to BG/NBD customers beside the fit without it.

    python benchmarks/fit_calendar.py [--customers 1000000] [--weeks 260] [--bar 3]
    python benchmarks/fit_calendar.py --series bg_nbd|pareto_nbd [--customers 100000] [--weeks 104] [--bar 5]

Prints user CPU and wall seconds of both and their ratios, whether the season put in came out, and exits 1 above the bar
(CPU, so that a busy machine decides nothing) or where it did not. The calendar's fit includes the plain one, which its
likelihood-ratio test needs. With `--series` every customer has its own contacts and price by week instead, and the bar
is on CPU seconds, and 2 GB of memory of the process.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import churnsim as cs
from churnsim.models.purchase.registry import PURCHASE_FAMILIES

OWN = {"mail": 0.5, "price": -0.8}
SEASON = {"cos 1": 0.4, "sin 1": 0.0}
START = int(np.datetime64("2019-01-01", "D").astype(int))


def customers(number: int, days: int, calendar: cs.data.Calendar) -> pd.DataFrame:
    """A summary of customers who buy on a bent clock, made in its time, purchase by purchase for all at once."""
    random = np.random.default_rng(1)
    columns = calendar.columns(START + 1, START + days)
    speed = np.exp(columns @ np.array([SEASON[name] for name in calendar.names]))
    clock = np.concatenate([[0.0], np.cumsum(speed)])
    first = random.integers(0, days - 100, number)
    rate, leaves = random.gamma(0.6, 1 / 60, number), random.beta(0.8, 2.5, number)
    x, last, at = np.zeros(number, dtype=np.int64), first.copy(), clock[first]
    sums = np.zeros((number, len(calendar.names)))
    here = np.arange(number)
    while here.size:
        at[here] += random.exponential(1.0, here.size) / rate[here]
        day = np.searchsorted(clock, at[here])
        here, day = here[day <= days], day[day <= days]
        fresh = day > last[here]  # one purchase a day
        who, when = here[fresh], day[fresh]
        x[who] += 1
        last[who] = when
        sums[who] += columns[when - 1]
        here = here[random.random(here.size) >= leaves[here]]
    frame = pd.DataFrame({"frequency": x, "recency": (last - first) / 7, "T": (days - first) / 7})
    frame["first_purchase"] = (START + first).astype("datetime64[D]").astype("datetime64[ns]")
    for k, name in enumerate(calendar.names):
        frame[f"calendar:{name}"] = sums[:, k]
    frame.attrs["unit"] = "W"
    return frame


def with_series(number: int, weeks: int, clock: bool = False) -> tuple[pd.DataFrame, cs.data.CustomerSeries]:
    """Customers who buy once a day at most on clocks of their own, by two columns that differ by customer and week, and
    leave after a repeat purchase with a chance of .15, or on a clock (Pareto/NBD)."""
    random = np.random.default_rng(2)
    values = np.stack([random.random((number, weeks)) < 0.2, 1 + 0.2 * random.standard_normal((number, weeks))], axis=2)
    daily = np.exp(values @ np.array([OWN[name] for name in OWN])) / 7
    days = START + 7 * np.arange(weeks)
    series = cs.data.CustomerSeries(
        names=tuple(OWN), ids=pd.RangeIndex(number), starts=np.arange(number + 1) * weeks, day=np.tile(days, number),
        values=values.reshape(-1, 2),
    )  # fmt: skip
    first = random.integers(0, 7 * weeks // 2, number)
    life = first + random.exponential(1.0, number) / random.gamma(1.2, 1 / 400, number) if clock else np.inf
    rate, end = random.gamma(0.6, 0.15, number), 7 * weeks - 1
    x, last, sums, here = np.zeros(number, dtype=np.int64), first.copy(), np.zeros((number, 2)), np.ones(number, bool)
    for day in range(1, 7 * weeks):
        buys = here & (first < day) & (random.random(number) < -np.expm1(-rate * daily[:, day // 7]))
        x[buys], last[buys] = x[buys] + 1, day
        sums[buys] += values[buys, day // 7]
        here[buys] = clock | (random.random(int(buys.sum())) >= 0.15)
        here &= day < life
    frame = pd.DataFrame({"frequency": x, "recency": (last - first) / 7, "T": (end - first) / 7})
    frame["first_purchase"] = (START + first).astype("datetime64[D]").astype("datetime64[ns]")
    for k, name in enumerate(OWN):
        frame[f"calendar:{name}"] = sums[:, k]
    frame.attrs["unit"] = "W"
    return frame, series


def own_series(options: argparse.Namespace) -> int:
    """The fit with series of customers' own."""
    family: Any = PURCHASE_FAMILIES[options.series]
    summary, series = with_series(options.customers, options.weeks, clock=options.series == "pareto_nbd")
    family.fit(summary.head(500), calendar=series)
    fit, cpu, wall = timed(lambda: family.fit(summary, calendar=series))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    effects = ", ".join(f"{name} {fit.parameters[name]:.3f} ({true})" for name, true in OWN.items())
    print(f"{options.series}: {cpu:.2f} s CPU, {wall:.2f} s wall, {memory:.2f} GB; {effects}; {fit.status.code}")
    near = all(abs(fit.parameters[name] - true) < 0.05 for name, true in OWN.items())
    return 0 if cpu <= options.bar and memory < 2.0 and near else 1


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, CPU and wall seconds."""
    cpu, wall = os.times(), time.perf_counter()
    found = run()
    now = os.times()
    return found, now.user - cpu.user, time.perf_counter() - wall


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--customers", type=int, help="1,000,000, or 100,000 with series")
    arguments.add_argument("--weeks", type=int, help="260, or 104 with series")
    arguments.add_argument(
        "--bar", type=float, default=3.0, help="largest ratio of CPU seconds, or CPU seconds with series"
    )
    arguments.add_argument("--series", choices=("bg_nbd", "mbg_nbd", "nbd", "pareto_nbd"), help="customers' own")
    options = arguments.parse_args()
    options.customers = options.customers or (100_000 if options.series else 1_000_000)
    options.weeks = options.weeks or (104 if options.series else 260)
    if options.series:
        return own_series(options)
    calendar = cs.data.Calendar(season=1)
    summary = customers(options.customers, 7 * options.weeks, calendar)
    warm = summary.head(60_000).copy()
    cs.BGNBD.fit(warm, calendar=calendar)
    plain = min((timed(lambda: cs.BGNBD.fit(summary)) for _ in range(3)), key=lambda run: run[1])
    bent = min((timed(lambda: cs.BGNBD.fit(summary, calendar=calendar)) for _ in range(3)), key=lambda run: run[1])
    fit = bent[0]
    # Purchases of one day count once, so the effect comes out a little small.
    near = all(abs(fit.parameters[name] - true) < 0.01 for name, true in SEASON.items())
    ratio = bent[1] / plain[1]
    print(f"without a season  {plain[1]:6.2f} s CPU {plain[2]:6.2f} s wall")
    print(f"with              {bent[1]:6.2f} s CPU {bent[2]:6.2f} s wall   {ratio:.2f} times the CPU")
    print(f"season {fit.parameters['cos 1']:.4f}, put in {SEASON['cos 1']}; {fit.status.code}")
    return 0 if ratio <= options.bar and near else 1


if __name__ == "__main__":
    sys.exit(main())
