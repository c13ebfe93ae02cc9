"""Independent lives: BG/NBD customers without any mechanism, in the compiled engine, beside the same life in C.

Two bases of a million customers over two years, a year a period: one like CDNOW (short lives, 2.8 events a customer),
one busy (46 events). The engine's figure is for advancing lives; beside it stands the whole call with drawing the
customers. The C version (independent_lives.c, compiled with `cc -O3 -march=native`) runs on as many threads. Bars:
40 million events a second on two threads on the busy base; two threads at least 1.6 times one; at most 160 bytes a
customer resident. Exits 1 below.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import churnsim as cs
from churnsim.kernels.engine.ledger_accounts import COUNTED_IN
from churnsim.kernels.engine.records import CUSTOMER
from churnsim.simulation.engine.bookkeeping import INDEX
from churnsim.simulation.engine.epoch_boundary import EpochBoundary
from churnsim.simulation.engine.firm import Firm
from churnsim.simulation.engine.record_population import RecordPopulation
from churnsim.simulation.engine.replication_inputs import ReplicationInputs

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = 3
BASES = {
    "like CDNOW": cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    "busy": cs.BGNBD(r=2.0, alpha=4.0, a=0.1, b=9.9),
}


def scenario(purchases, size):
    market = cs.Market(
        customers=cs.Cohort(size=size), purchases=purchases, spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)
    )
    return cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=104.0, period=52.0, epoch=52.0)


def events_of(table):
    return int(sum(table[:, INDEX[account]].sum() for account in COUNTED_IN.values()))


def advance(tried, threads):
    """(events, seconds of advancing, CPU seconds of it)."""
    inputs = ReplicationInputs.of(tried, seed=1, replication=0)
    bounds = np.array([inputs.bound(period) for period in range(tried.periods + 1)])
    population = RecordPopulation(inputs, threads=threads, log=False, bounds=bounds)
    firm: Firm = EpochBoundary(inputs, None, active=population.active_at_start).firm  # type: ignore[arg-type]
    wall, cpu = time.perf_counter(), time.process_time()
    population.advance(float(bounds[-1]), firm)
    took = time.perf_counter() - wall, time.process_time() - cpu
    population.close()
    return events_of(population.table), *took


def in_c(purchases, size, threads):
    """(events, seconds) of the C version, or None without a compiler."""
    if shutil.which("cc") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "lives.so"
        source = Path(__file__).with_name("independent_lives.c")
        subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", source, "-lm", "-o", library], check=True)
        lives = ctypes.CDLL(str(library)).lives
    lives.restype = ctypes.c_int64
    base = cs.Cohort(size=size).draw(
        purchases=purchases, spend=cs.simulation.FixedSpend(amount=1.0), seed=1, replication=0
    )
    doubles = ctypes.POINTER(ctypes.c_double)
    parts = []
    for rows in np.array_split(base.traits, threads):
        rate, dropout = (np.ascontiguousarray(rows[:, j]) for j in (0, 1))
        parts.append((rate, dropout, ctypes.c_int64()))

    def one(part):
        rate, dropout, cents = part
        pointers = rate.ctypes.data_as(doubles), dropout.ctypes.data_as(doubles)
        d0 = ctypes.c_double(0.61)
        return lives(
            ctypes.c_int64(rate.size), *pointers, ctypes.c_double(0.44), d0, ctypes.c_double(104.0),
            ctypes.c_uint64(1), ctypes.byref(cents),
        )  # fmt: skip

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        events = sum(pool.map(one, parts))
    return events, time.perf_counter() - began


def main() -> int:
    advance(scenario(BASES["busy"], 1000), 2)  # compile
    best: dict[tuple[str, int], float] = {}
    for name, purchases in BASES.items():
        for _ in range(ROUNDS):
            for threads in (1, 2):
                events, wall, cpu = advance(scenario(purchases, SIZE), threads)
                speed = events / wall / 1e6
                if speed > best.get((name, threads), 0.0):
                    best[name, threads] = speed
                    each = cpu / events * 1e9
                    print(
                        f"{name}, {threads} threads: {events:,} events, {speed:.1f} million/s, {each:.0f} ns CPU each"
                    )
        began = time.perf_counter()
        cs.simulate(scenario(purchases, SIZE), seed=1, threads=2)
        print(f"{name}, the whole call with drawing the customers: {time.perf_counter() - began:.2f} s")
        found = in_c(purchases, SIZE, 2)
        if found is None:
            print("no C compiler: the C version is left out")
        else:
            c_speed = found[0] / found[1] / 1e6
            share = best[name, 2] / c_speed
            print(f"{name}, C on 2 threads: {c_speed:.1f} million/s; the engine runs at {share:.2f} of it")
    ratio = best["busy", 2] / best["busy", 1]
    size = CUSTOMER.itemsize + 8
    print(f"two threads {ratio:.2f} times one (bar 1.6); {size} bytes a customer (bar 160)")
    return int(best["busy", 2] < 40 or ratio < 1.6 or size > 160)


if __name__ == "__main__":
    sys.exit(main())
