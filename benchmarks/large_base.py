"""A very large base: from a folder of purchases to a model, and every customer's scores.

    python benchmarks/large_base.py [--customers 100000000] [--folder DIR]

The customers are new in the course of a year, BG/NBD with Gamma-Gamma amounts in cents, and seen for two years; nearly
three purchases each, in 24 Parquet files of a month, so that a customer's purchases lie in many files. Each step is a
process of its own, so that its peak of memory (largest resident size) is its own:

    make    the purchases, a million customers at a time
    fit     BGNBD.fit(ParquetLog(folder)): bar 5 minutes of two cores (600 CPU seconds), 4 GB (2**30 bytes)
    summary write_summary: bar 4 GB
    score   both models fitted to the summary, then write_scores: P(alive), purchases and value of a year; bars 4 GB,
            3 million customers a second of two cores (2 CPU seconds for 3 million)

Times are wall and CPU seconds; the bars are on CPU, so that another process beside it matters less. Parameters must
lie within 5% of those that made the purchases (whole days, and purchases of a day as one, move them by 2%). Exits 1
outside. What `--folder` holds of it is kept and used again; without it a temporary directory is used (100 million
customers need 15 GB there).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import churnsim as cs

START, YEAR, DAYS, MONTHS = 18_262, 365, 730, 24  # from 2020-01-01 on
BUYING = {"r": 0.4, "alpha": 60.0, "a": 0.8, "b": 2.5}
AMOUNTS = {"p": 6.25, "q": 3.74, "gamma": 15.44}
CHUNK = 1_000_000
MINUTES, MEMORY, RATE, NEAR = 5.0, 4.0, 3e6, 0.05


def make(folder: Path, customers: int) -> None:
    """The purchases: 24 files of a month, a row group in each for every million customers."""
    schema = pa.schema([("customer_id", pa.int64()), ("date", pa.date32()), ("amount", pa.float64())])
    months = np.linspace(0, DAYS, MONTHS + 1).astype(int)
    made = folder / ".log"
    made.mkdir()
    writers = [
        pq.ParquetWriter(made / f"month-{k:02d}.parquet", schema, compression="zstd", use_dictionary=["date"])
        for k in range(MONTHS)
    ]
    for number in range(-(-customers // CHUNK)):
        ids, days, amounts = chunk(number, min(CHUNK, customers - number * CHUNK))
        cuts = np.searchsorted(days, months)
        for k, writer in enumerate(writers):
            of = slice(cuts[k], cuts[k + 1])
            dates = pa.array((days[of] + START).astype(np.int32)).cast(pa.date32())
            writer.write_table(pa.table([ids[of], dates, amounts[of]], schema=schema))
    for writer in writers:
        writer.close()
    made.rename(folder / "log")


def chunk(number: int, customers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, days and amounts of some customers' purchases, by day."""
    draw = np.random.Generator(np.random.Philox([1, number]))
    rate = draw.gamma(BUYING["r"], 1 / BUYING["alpha"], customers)
    leaves = draw.beta(BUYING["a"], BUYING["b"], customers)
    spend = draw.gamma(AMOUNTS["q"], 1 / AMOUNTS["gamma"], customers)
    who, at = np.arange(customers), np.floor(draw.random(customers) * YEAR)
    rows = []
    while who.size:
        rows.append((who, at, draw.gamma(AMOUNTS["p"], 1.0, who.size) / spend[who]))
        if len(rows) > 1:  # nobody leaves at the first purchase
            stays = draw.random(who.size) >= leaves[who]
            who, at = who[stays], at[stays]
        at = at + draw.exponential(1.0, who.size) / np.maximum(rate[who], 1e-12)
        seen = at < DAYS
        who, at = who[seen], at[seen]
    who, at, amount = (np.concatenate(column) for column in zip(*rows, strict=True))
    ids = (who + number * CHUNK) * 48_271 % 134_217_689  # by a prime, so that neighbours are not, and no two are one
    order = np.argsort(at, kind="stable")
    return ids[order], at[order].astype(np.int64), np.round(amount[order] * 100) / 100


def off(fit: cs.models.ModelFit, truth: dict[str, float]) -> float:
    """The largest distance of an estimate from what made the data, as a share of it."""
    return max(abs(fit.parameters[name] / value - 1) for name, value in truth.items())


def step(name: str, folder: Path, customers: int) -> None:
    """One step; prints what it found."""
    if name == "make":
        make(folder, customers)
        return
    log = cs.data.ParquetLog(folder / "log", amount=None) if name == "fit" else cs.data.ParquetLog(folder / "log")
    if name == "fit":
        fit = cs.BGNBD.fit(log, unit="D")
        print(f"  {fit.n:,.0f} customers, {fit.status.code}: {fit.parameters}; off by {off(fit, BUYING):.1%}")
        assert off(fit, BUYING) < NEAR
    elif name == "summary":
        cs.data.write_summary(log, folder / "summary", unit="D")
    else:
        summary = cs.data.ParquetSummary(folder / "summary")
        purchases, spend = cs.BGNBD.fit(summary), cs.GammaGamma.fit(summary)
        print(f"  spend {spend.status.code}: {spend.parameters}; off by {off(spend, AMOUNTS):.1%}")
        assert off(spend, AMOUNTS) < NEAR
        wall, cpu = time.perf_counter(), sum(os.times()[:2])
        cs.models.write_scores(
            summary, folder / "scores", purchases=purchases, spend=spend, horizon=365.0, annual_discount_rate=0.1
        )
        wall, cpu = time.perf_counter() - wall, sum(os.times()[:2]) - cpu
        rate = 2 * summary.customers / cpu
        print(f"  scores alone: {wall:.0f} s, {cpu:.0f} CPU s: {rate / 1e6:.2f} million a second of two cores")
        if rate < RATE:
            sys.exit(1)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--customers", type=int, default=100_000_000)
    arguments.add_argument("--folder", type=Path, help="kept, and what is there is used again")
    arguments.add_argument("--step", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.step:
        step(options.step, options.folder, options.customers)
        return 0
    met = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, there in (("make", "log"), ("fit", ""), ("summary", "summary"), ("score", "scores")):
            if there and (folder / there).exists():
                continue
            wall = time.perf_counter()
            words = [__file__, "--step", name, "--folder", str(folder), "--customers", str(options.customers)]
            child = subprocess.Popen([sys.executable, *words])
            _, status, used = os.wait4(child.pid, 0)
            cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
            print(f"{name:<8} {time.perf_counter() - wall:6.0f} s, {cpu:6.0f} CPU s, peak {peak:.2f} GB", flush=True)
            if status:
                return 1
            met = met and (name == "make" or peak <= MEMORY) and (name != "fit" or cpu <= MINUTES * 120)
    print("every bar is met" if met else "a bar is not met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
